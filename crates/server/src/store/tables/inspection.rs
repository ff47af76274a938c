//! `inspection`: why doors were to be opened from afar. The words stand here sealed; what was signed is a commitment to them.

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{BankId, OrgId};
use bailee_domain::time::WallTime;

use crate::app::AppError;
use crate::params;
use crate::store::{Row, Tx};

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectionRow {
    /// The commitment that is signed.
    pub reason: [u8; 32],
    /// The bank.
    pub bank: BankId,
    /// The door.
    pub compartment: CompartmentNo,
    /// Words and salt, sealed.
    pub details: Vec<u8>,
    /// Who gave it.
    pub asked_by: String,
    /// When.
    pub at: WallTime,
    /// When the bank opened the door for it.
    pub opened_at: Option<WallTime>,
}

/// Adds one.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: OrgId, row: &InspectionRow) -> Result<(), AppError> {
    let sql = "INSERT INTO inspection (reason, org, bank, compartment, details, asked_by, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let InspectionRow { reason, bank, compartment, details, asked_by, at, .. } = row;
    let values =
        params![*reason, org.to_string(), bank.to_string(), compartment.0, details, asked_by, at.unix_ms()];
    tx.exec(sql, values).await?;
    Ok(())
}

/// Notes that the bank opened the door for it, as its event says.
///
/// # Errors
/// The store's.
pub async fn opened(tx: &Tx, bank: BankId, reason: [u8; 32], at: WallTime) -> Result<(), AppError> {
    let sql = "UPDATE inspection SET opened_at = $3 WHERE reason = $1 AND bank = $2 AND opened_at IS NULL";
    tx.exec(sql, params![reason, bank.to_string(), at.unix_ms()]).await?;
    Ok(())
}

/// The newest of a bank.
///
/// # Errors
/// The store's.
pub async fn newest(tx: &Tx, bank: BankId, limit: u32) -> Result<Vec<InspectionRow>, AppError> {
    let sql = "SELECT reason, compartment, details, asked_by, at, opened_at FROM inspection WHERE bank = $1
        ORDER BY at DESC, reason LIMIT $2";
    let read = |row: &Row| {
        Ok(InspectionRow {
            reason: row.get("reason")?,
            bank,
            compartment: CompartmentNo(row.get("compartment")?),
            details: row.get("details")?,
            asked_by: row.get("asked_by")?,
            at: WallTime::from_unix_ms(row.get("at")?),
            opened_at: row.get::<Option<i64>>("opened_at")?.map(WallTime::from_unix_ms),
        })
    };
    tx.query(sql, params![bank.to_string(), limit]).await?.iter().map(read).collect()
}
