//! `log_key`: how the log's key was handed over, each time.

use bailee_audit::handover::HandOver;
use bailee_audit::hash::{Hash, TreeHead};
use bailee_audit::key::{KeyName, VerifyingKey};
use bailee_domain::platform::KeyHandOver;

use crate::params;
use crate::store::{Row, StoreError, Tx};

/// Every hand-over of a log, oldest first.
///
/// # Errors
/// The store's.
pub async fn all(tx: &Tx, log: &str) -> Result<Vec<KeyHandOver>, StoreError> {
    let sql = "SELECT old_key, new_key, size, root, time, signature, possession FROM log_key
        WHERE log_id = $1 ORDER BY number";
    tx.query(sql, params![log]).await?.iter().map(read).collect()
}

/// Adds a hand-over, with its sealed reason.
///
/// # Errors
/// The store's; [`StoreError::Unique`] if somebody else handed the log over meanwhile.
pub async fn insert(
    tx: &Tx,
    log: &str,
    number: usize,
    handed: &KeyHandOver,
    reason: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO log_key
        (log_id, number, old_key, new_key, size, root, time, signature, possession, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let column = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let values = params![
        log,
        column(number as u64),
        handed.old,
        handed.new,
        column(handed.size),
        handed.root,
        column(handed.time_s),
        handed.signature,
        handed.possession,
        reason,
    ];
    tx.exec(sql, values).await?;
    Ok(())
}

/// A hand-over as the log's verifier checks it, of the log of that name.
#[must_use]
pub fn hand_over(name: &KeyName, said: &KeyHandOver) -> HandOver {
    HandOver {
        old: VerifyingKey::new(name.clone(), said.old),
        new: VerifyingKey::new(name.clone(), said.new),
        head: TreeHead { size: said.size, root: Hash(said.root) },
        time: said.time_s,
        signature: said.signature,
        possession: said.possession,
    }
}

fn read(row: &Row) -> Result<KeyHandOver, StoreError> {
    Ok(KeyHandOver {
        old: row.get("old_key")?,
        new: row.get("new_key")?,
        size: row.get("size")?,
        root: row.get("root")?,
        time_s: row.get("time")?,
        signature: row.get("signature")?,
        possession: row.get("possession")?,
    })
}
