//! `idempotency`: requests that were sent with a key, and what was answered.

use bailee_domain::time::WallTime;

use super::column::time;
use crate::params;
use crate::store::{StoreError, Tx};

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// Hash of method, path and body.
    pub request_hash: [u8; 32],
    /// The answer's status and sealed body, once there is one.
    pub answer: Option<(u16, Vec<u8>)>,
    /// When the request came.
    pub at: WallTime,
}

/// What is known of the request with this key.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, principal: &str, key: &str) -> Result<Option<IdempotencyRow>, StoreError> {
    let sql = "SELECT request_hash, status, response, at FROM idempotency
         WHERE principal = $1 AND idempotency_key = $2";
    let Some(row) = tx.query_opt(sql, params![principal, key]).await? else { return Ok(None) };
    let (status, response): (Option<u16>, Option<Vec<u8>>) = (row.get("status")?, row.get("response")?);
    let answer = status.zip(response);
    Ok(Some(IdempotencyRow { request_hash: row.get("request_hash")?, answer, at: time(&row, "at")? }))
}

/// Notes that the request is being worked on.
///
/// # Errors
/// The store's.
pub async fn insert(
    tx: &Tx,
    principal: &str,
    key: &str,
    hash: [u8; 32],
    at: WallTime,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO idempotency (principal, idempotency_key, request_hash, at) VALUES ($1, $2, $3, $4)";
    tx.exec(sql, params![principal, key, hash, at.unix_ms()]).await?;
    Ok(())
}

/// Stores the answer.
///
/// # Errors
/// The store's.
pub async fn answer(
    tx: &Tx,
    principal: &str,
    key: &str,
    status: u16,
    response: &[u8],
) -> Result<(), StoreError> {
    let sql =
        "UPDATE idempotency SET status = $3, response = $4 WHERE principal = $1 AND idempotency_key = $2";
    tx.exec(sql, params![principal, key, status, response]).await?;
    Ok(())
}

/// Forgets a request that had no effect.
///
/// # Errors
/// The store's.
pub async fn delete(tx: &Tx, principal: &str, key: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM idempotency WHERE principal = $1 AND idempotency_key = $2";
    tx.exec(sql, params![principal, key]).await?;
    Ok(())
}

/// Forgets everything of before `before`.
///
/// # Errors
/// The store's.
pub async fn delete_older(tx: &Tx, before: WallTime) -> Result<(), StoreError> {
    tx.exec("DELETE FROM idempotency WHERE at < $1", params![before.unix_ms()]).await?;
    Ok(())
}
