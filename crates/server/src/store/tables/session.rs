//! `session`: signed-in browsers, by the hash of their token.

use bailee_domain::id::{PersonId, SessionId};
use bailee_domain::time::WallTime;

use super::column::{parsed, time};
use crate::params;
use crate::store::{StoreError, Tx};

/// A session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub person: PersonId,
    /// When it began.
    pub created_at: WallTime,
    /// When it was last used, to within half a minute.
    pub last_used: WallTime,
}

/// Adds a session.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, token_hash: [u8; 32], session: &SessionRow) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO session (token_hash, id, person, created_at, last_used) VALUES ($1, $2, $3, $4, $5)";
    let SessionRow { id, person, created_at, last_used } = session;
    let (id, person) = (id.to_string(), person.to_string());
    tx.exec(sql, params![token_hash, id, person, created_at.unix_ms(), last_used.unix_ms()]).await?;
    Ok(())
}

/// The session whose token has this hash.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, token_hash: [u8; 32]) -> Result<Option<SessionRow>, StoreError> {
    let sql = "SELECT id, person, created_at, last_used FROM session WHERE token_hash = $1";
    let Some(row) = tx.query_opt(sql, params![token_hash]).await? else { return Ok(None) };
    Ok(Some(SessionRow {
        id: parsed(&row, "id")?,
        person: parsed(&row, "person")?,
        created_at: time(&row, "created_at")?,
        last_used: time(&row, "last_used")?,
    }))
}

/// Notes that a session is in use.
///
/// # Errors
/// The store's.
pub async fn touch(tx: &Tx, token_hash: [u8; 32], at: WallTime) -> Result<(), StoreError> {
    let sql = "UPDATE session SET last_used = $2 WHERE token_hash = $1 AND last_used < $2";
    tx.exec(sql, params![token_hash, at.unix_ms()]).await?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// The store's.
pub async fn delete(tx: &Tx, token_hash: [u8; 32]) -> Result<(), StoreError> {
    tx.exec("DELETE FROM session WHERE token_hash = $1", params![token_hash]).await?;
    Ok(())
}

/// Removes sessions that began before `began` or were last used before `used`.
///
/// # Errors
/// The store's.
pub async fn delete_ended(tx: &Tx, began: WallTime, used: WallTime) -> Result<(), StoreError> {
    let sql = "DELETE FROM session WHERE created_at < $1 OR last_used < $2";
    tx.exec(sql, params![began.unix_ms(), used.unix_ms()]).await?;
    Ok(())
}
