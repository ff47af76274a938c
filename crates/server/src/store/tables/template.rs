//! `template`: the notification texts an operator has changed. An empty body means the text as delivered.

use bailee_domain::id::OrgId;

use crate::params;
use crate::store::{StoreError, Tx};

/// A text as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRow {
    /// The texts, encoded; empty for those delivered.
    pub body: String,
    /// Rises with every change, resets included.
    pub version: i64,
}

/// The text of that name, if it was ever changed.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, org: OrgId, name: &str) -> Result<Option<TemplateRow>, StoreError> {
    let sql = "SELECT body, version FROM template WHERE org = $1 AND name = $2";
    let row = tx.query_opt(sql, params![org.to_string(), name]).await?;
    row.map(|row| Ok(TemplateRow { body: row.get("body")?, version: row.get("version")? })).transpose()
}

/// Stores a text under its next version.
///
/// # Errors
/// The store's.
pub async fn put(tx: &Tx, org: OrgId, name: &str, row: &TemplateRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO template (org, name, body, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (org, name) DO UPDATE SET body = excluded.body, version = excluded.version";
    tx.exec(sql, params![org.to_string(), name, &row.body, row.version]).await?;
    Ok(())
}
