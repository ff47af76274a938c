//! `witness_evidence`: two checkpoints the log's key signed that do not go together.

use bailee_domain::time::WallTime;

use super::column::time;
use crate::params;
use crate::store::{Row, StoreError, Tx};

/// Most evidence kept of one witness; the first is worth most.
const MAX_EVIDENCE: u32 = 64;

/// What a witness holds against the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRow {
    /// Its number; drawn by the store when it is kept.
    pub id: i64,
    /// Name of the witness's key.
    pub name: String,
    /// `fork`, `shrink` or `gap`.
    pub misconduct: String,
    /// When the platform heard of it.
    pub at: WallTime,
    /// The checkpoint it had cosigned.
    pub kept: String,
    /// The checkpoint it refused.
    pub shown: String,
}

/// Keeps evidence, up to a bound for each witness.
///
/// # Errors
/// The store's.
pub async fn keep(tx: &Tx, log: &str, row: &EvidenceRow) -> Result<(), StoreError> {
    let sql = "SELECT COUNT(*) AS kept FROM witness_evidence WHERE log_id = $1 AND name = $2";
    let kept: u32 = tx.query_one(sql, params![log, row.name.as_str()]).await?.get("kept")?;
    if kept >= MAX_EVIDENCE {
        return Ok(());
    }
    let sql = "INSERT INTO witness_evidence (log_id, name, misconduct, at, kept, shown)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let values = params![
        log,
        row.name.as_str(),
        row.misconduct.as_str(),
        row.at.unix_ms(),
        row.kept.as_str(),
        row.shown.as_str()
    ];
    tx.exec(sql, values).await?;
    Ok(())
}

/// The newest evidence, newest first.
///
/// # Errors
/// The store's.
pub async fn newest(tx: &Tx, log: &str, most: u32) -> Result<Vec<EvidenceRow>, StoreError> {
    let sql = "SELECT id, name, misconduct, at, kept, shown FROM witness_evidence WHERE log_id = $1
        ORDER BY id DESC LIMIT $2";
    tx.query(sql, params![log, most]).await?.iter().map(read).collect()
}

/// One pair of checkpoints.
///
/// # Errors
/// The store's.
pub async fn by_id(tx: &Tx, log: &str, id: i64) -> Result<Option<EvidenceRow>, StoreError> {
    let sql =
        "SELECT id, name, misconduct, at, kept, shown FROM witness_evidence WHERE log_id = $1 AND id = $2";
    tx.query_opt(sql, params![log, id]).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<EvidenceRow, StoreError> {
    Ok(EvidenceRow {
        id: row.get("id")?,
        name: row.get("name")?,
        misconduct: row.get("misconduct")?,
        at: time(row, "at")?,
        kept: row.get("kept")?,
        shown: row.get("shown")?,
    })
}
