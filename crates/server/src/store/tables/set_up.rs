//! `set_up`: the one-time link that makes the first administrator, by the hash of its token.

use bailee_domain::time::WallTime;

use super::column::{time, time_opt};
use crate::params;
use crate::store::{StoreError, Tx};

/// Replaces whatever link was offered before.
///
/// # Errors
/// The store's.
pub async fn replace(tx: &Tx, token_hash: [u8; 32], expires: WallTime) -> Result<(), StoreError> {
    tx.exec("DELETE FROM set_up WHERE used_at IS NULL", params![]).await?;
    let sql = "INSERT INTO set_up (token_hash, expires_at) VALUES ($1, $2)";
    tx.exec(sql, params![token_hash, expires.unix_ms()]).await?;
    Ok(())
}

/// Whether the link is unused and valid at `now`.
///
/// # Errors
/// The store's.
pub async fn is_valid(tx: &Tx, token_hash: [u8; 32], now: WallTime) -> Result<bool, StoreError> {
    let sql = "SELECT expires_at, used_at FROM set_up WHERE token_hash = $1";
    let Some(row) = tx.query_opt(sql, params![token_hash]).await? else { return Ok(false) };
    Ok(time_opt(&row, "used_at")?.is_none() && now < time(&row, "expires_at")?)
}

/// Uses the link up.
///
/// # Errors
/// The store's.
pub async fn mark_used(tx: &Tx, token_hash: [u8; 32], at: WallTime) -> Result<(), StoreError> {
    tx.exec("UPDATE set_up SET used_at = $2 WHERE token_hash = $1", params![token_hash, at.unix_ms()])
        .await?;
    Ok(())
}
