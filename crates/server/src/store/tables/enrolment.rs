//! `enrolment`: the hashes of one-time secrets that let a new bank in.

use bailee_domain::id::BankId;
use bailee_domain::time::WallTime;

use super::typed;
use crate::app::AppError;
use crate::params;
use crate::store::Tx;

/// What a secret is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnrolmentRow {
    /// The bank it makes.
    pub bank: BankId,
    /// Not accepted at or after this time.
    pub expires_at: WallTime,
    /// When it was used.
    pub used_at: Option<WallTime>,
}

/// Adds a secret and ends every unused earlier one for the same bank.
///
/// # Errors
/// The store's.
pub async fn replace(tx: &Tx, secret_hash: [u8; 32], row: &EnrolmentRow) -> Result<(), AppError> {
    tx.exec("DELETE FROM enrolment WHERE bank = $1 AND used_at IS NULL", params![row.bank.to_string()])
        .await?;
    let sql = "INSERT INTO enrolment (secret_hash, bank, expires_at, used_at) VALUES ($1, $2, $3, NULL)";
    tx.exec(sql, params![secret_hash, row.bank.to_string(), row.expires_at.unix_ms()]).await?;
    Ok(())
}

/// The secret with this hash.
///
/// # Errors
/// The store's.
pub async fn find(tx: &Tx, secret_hash: [u8; 32]) -> Result<Option<EnrolmentRow>, AppError> {
    let sql = "SELECT bank, expires_at, used_at FROM enrolment WHERE secret_hash = $1";
    let Some(row) = tx.query_opt(sql, params![secret_hash]).await? else { return Ok(None) };
    Ok(Some(EnrolmentRow {
        bank: typed(&row, "bank")?,
        expires_at: WallTime::from_unix_ms(row.get("expires_at")?),
        used_at: row.get::<Option<i64>>("used_at")?.map(WallTime::from_unix_ms),
    }))
}

/// Uses a secret up; tells whether it was still unused.
///
/// # Errors
/// The store's.
pub async fn use_up(tx: &Tx, secret_hash: [u8; 32], at: WallTime) -> Result<bool, AppError> {
    let sql = "UPDATE enrolment SET used_at = $2 WHERE secret_hash = $1 AND used_at IS NULL";
    Ok(tx.exec(sql, params![secret_hash, at.unix_ms()]).await? == 1)
}

/// When the unused secret of a bank stops working, if it has one.
///
/// # Errors
/// The store's.
pub async fn open_until(tx: &Tx, bank: BankId) -> Result<Option<WallTime>, AppError> {
    let sql = "SELECT MAX(expires_at) AS until FROM enrolment WHERE bank = $1 AND used_at IS NULL";
    let row = tx.query_one(sql, params![bank.to_string()]).await?;
    Ok(row.get::<Option<i64>>("until")?.map(WallTime::from_unix_ms))
}
