//! `password` and `sign_in_failure`: what proves a password, and how often an address was tried in vain.

use bailee_domain::id::{OrgId, PersonId};
use bailee_domain::time::WallTime;

use super::column::time;
use crate::params;
use crate::store::{StoreError, Tx};

/// The hash of a person's password.
///
/// # Errors
/// The store's.
pub async fn hash_of(tx: &Tx, person: PersonId) -> Result<Option<String>, StoreError> {
    let row =
        tx.query_opt("SELECT hash FROM password WHERE person = $1", params![person.to_string()]).await?;
    row.map(|row| row.get("hash")).transpose()
}

/// Sets a person's password.
///
/// # Errors
/// The store's.
pub async fn set(tx: &Tx, person: PersonId, hash: &str, at: WallTime) -> Result<(), StoreError> {
    let sql = "INSERT INTO password (person, hash, changed_at) VALUES ($1, $2, $3)
         ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at";
    tx.exec(sql, params![person.to_string(), hash, at.unix_ms()]).await?;
    Ok(())
}

/// Tries in a row that failed for one address, whether anybody has it or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// The last of them.
    pub last: WallTime,
}

/// Failures in a row for the address with this index.
///
/// # Errors
/// The store's.
pub async fn failures(tx: &Tx, org: OrgId, index: [u8; 32]) -> Result<Option<Failures>, StoreError> {
    let sql = "SELECT failures, last_failure FROM sign_in_failure WHERE org = $1 AND email_index = $2";
    let row = tx.query_opt(sql, params![org.to_string(), index]).await?;
    row.map(|row| Ok(Failures { count: row.get("failures")?, last: time(&row, "last_failure")? })).transpose()
}

/// Counts one more failure.
///
/// # Errors
/// The store's.
pub async fn count_failure(tx: &Tx, org: OrgId, index: [u8; 32], at: WallTime) -> Result<(), StoreError> {
    let sql = "INSERT INTO sign_in_failure (org, email_index, failures, last_failure) VALUES ($1, $2, 1, $3)
         ON CONFLICT (org, email_index) DO UPDATE
         SET failures = sign_in_failure.failures + 1, last_failure = excluded.last_failure";
    tx.exec(sql, params![org.to_string(), index, at.unix_ms()]).await?;
    Ok(())
}

/// Ends the row of failures after a success.
///
/// # Errors
/// The store's.
pub async fn clear_failures(tx: &Tx, org: OrgId, index: [u8; 32]) -> Result<(), StoreError> {
    let sql = "DELETE FROM sign_in_failure WHERE org = $1 AND email_index = $2";
    tx.exec(sql, params![org.to_string(), index]).await?;
    Ok(())
}

/// Forgets the oldest failures of addresses nobody has, once there are more than `most` rows: bounds what strangers
/// can make us keep.
///
/// # Errors
/// The store's.
pub async fn forget_strangers(tx: &Tx, org: OrgId, most: u32) -> Result<(), StoreError> {
    let org = org.to_string();
    let row = tx.query_one("SELECT COUNT(*) FROM sign_in_failure WHERE org = $1", params![&org]).await?;
    let excess = row.get::<u32>(0)?.saturating_sub(most);
    if excess == 0 {
        return Ok(());
    }
    let sql = "DELETE FROM sign_in_failure WHERE org = $1 AND email_index IN (
           SELECT f.email_index FROM sign_in_failure f WHERE f.org = $1
           AND NOT EXISTS (SELECT 1 FROM person p WHERE p.org = f.org AND p.email_index = f.email_index)
           ORDER BY f.last_failure LIMIT $2)";
    tx.exec(sql, params![&org, excess]).await?;
    Ok(())
}
