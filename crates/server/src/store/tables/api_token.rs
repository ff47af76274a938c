//! `api_token`: what programs sign in with, by the hash of the token.

use bailee_domain::access::Permission;
use bailee_domain::id::{OrgId, PersonId, TokenId};
use bailee_domain::time::WallTime;

use super::column::{parsed, time, time_opt};
use crate::params;
use crate::store::{Row, StoreError, Tx};

/// An API token without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiTokenRow {
    /// Its id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// All it may ever do.
    pub permissions: Vec<Permission>,
    /// Who made it; `None` for the installation itself.
    pub created_by: Option<PersonId>,
    /// When it was made.
    pub created_at: WallTime,
    /// When it ends.
    pub expires_at: WallTime,
    /// When it was revoked.
    pub revoked_at: Option<WallTime>,
    /// When it was last used, to within a minute.
    pub last_used: Option<WallTime>,
}

const COLUMNS: &str = "id, name, permissions, created_by, created_at, expires_at, revoked_at, last_used";

/// Adds a token.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: OrgId, hash: [u8; 32], token: &ApiTokenRow) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO api_token (id, org, token_hash, name, permissions, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let names: Vec<&str> = token.permissions.iter().map(|permission| permission.name()).collect();
    let values = params![
        token.id.to_string(),
        org.to_string(),
        hash,
        &token.name,
        names.join(" "),
        token.created_by.map(|person| person.to_string()),
        token.created_at.unix_ms(),
        token.expires_at.unix_ms()
    ];
    tx.exec(sql, values).await?;
    Ok(())
}

/// Who made a token; `None` for the installation itself.
///
/// # Errors
/// The store's.
pub async fn made_by(tx: &Tx, org: OrgId, id: TokenId) -> Result<Option<PersonId>, StoreError> {
    let sql = "SELECT created_by FROM api_token WHERE org = $1 AND id = $2 AND created_by IS NOT NULL";
    let row = tx.query_opt(sql, params![org.to_string(), id.to_string()]).await?;
    row.map(|row| parsed(&row, "created_by")).transpose()
}

/// The token with this hash.
///
/// # Errors
/// The store's.
pub async fn with_hash(tx: &Tx, org: OrgId, hash: [u8; 32]) -> Result<Option<ApiTokenRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM api_token WHERE org = $1 AND token_hash = $2");
    tx.query_opt(&sql, params![org.to_string(), hash]).await?.as_ref().map(read).transpose()
}

/// One token.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, org: OrgId, id: TokenId) -> Result<Option<ApiTokenRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM api_token WHERE org = $1 AND id = $2");
    tx.query_opt(&sql, params![org.to_string(), id.to_string()]).await?.as_ref().map(read).transpose()
}

/// Tokens that are not revoked, newest first.
///
/// # Errors
/// The store's.
pub async fn not_revoked(tx: &Tx, org: OrgId) -> Result<Vec<ApiTokenRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM api_token WHERE org = $1 AND revoked_at IS NULL ORDER BY id DESC LIMIT 1000"
    );
    tx.query(&sql, params![org.to_string()]).await?.iter().map(read).collect()
}

/// Ends a token.
///
/// # Errors
/// The store's.
pub async fn revoke(tx: &Tx, id: TokenId, at: WallTime) -> Result<(), StoreError> {
    let sql = "UPDATE api_token SET revoked_at = $2 WHERE id = $1";
    tx.exec(sql, params![id.to_string(), at.unix_ms()]).await?;
    Ok(())
}

/// Notes that a token is in use.
///
/// # Errors
/// The store's.
pub async fn touch(tx: &Tx, id: TokenId, at: WallTime) -> Result<(), StoreError> {
    let sql = "UPDATE api_token SET last_used = $2 WHERE id = $1";
    tx.exec(sql, params![id.to_string(), at.unix_ms()]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<ApiTokenRow, StoreError> {
    let names: String = row.get("permissions")?;
    let created_by: Option<String> = row.get("created_by")?;
    Ok(ApiTokenRow {
        id: parsed(row, "id")?,
        name: row.get("name")?,
        // A permission this program no longer knows is one it cannot grant.
        permissions: names.split(' ').filter_map(Permission::from_name).collect(),
        created_by: created_by.map(|_| parsed(row, "created_by")).transpose()?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        revoked_at: time_opt(row, "revoked_at")?,
        last_used: time_opt(row, "last_used")?,
    })
}
