//! `alert` as it is raised. How alerts are listed and acknowledged is in `alert`.

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{AlertId, BankId, OrgId};
use bailee_domain::time::WallTime;

use crate::app::AppError;
use crate::params;
use crate::store::Tx;

/// Something that needs somebody's attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAlert {
    /// Its id.
    pub id: AlertId,
    /// The bank.
    pub bank: BankId,
    /// What is wrong.
    pub kind: String,
    /// Which door, if it is about one.
    pub compartment: Option<CompartmentNo>,
    /// The bank's event that raised it; the same event raises a kind once.
    pub event_seq: Option<u64>,
    /// Since when.
    pub at: WallTime,
}

/// Adds an alert unless its event has raised one already or, without an event, one of the kind is open at the bank;
/// tells whether it did.
///
/// # Errors
/// The store's.
pub async fn raise(tx: &Tx, org: OrgId, alert: &NewAlert) -> Result<bool, AppError> {
    if alert.event_seq.is_none() {
        let sql = "SELECT id FROM alert WHERE bank = $1 AND kind = $2 AND state = 'open'
            AND event_seq IS NULL LIMIT 1";
        if tx.query_opt(sql, params![alert.bank.to_string(), &alert.kind]).await?.is_some() {
            return Ok(false);
        }
    }
    let sql = "INSERT INTO alert (id, org, bank, kind, compartment, event_seq, at, state)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'open') ON CONFLICT (bank, event_seq, kind) DO NOTHING";
    let values = params![
        alert.id.to_string(),
        org.to_string(),
        alert.bank.to_string(),
        &alert.kind,
        alert.compartment.map(|compartment| compartment.0),
        alert.event_seq.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX)),
        alert.at.unix_ms(),
    ];
    Ok(tx.exec(sql, values).await? == 1)
}
