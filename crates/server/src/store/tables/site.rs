//! `site`: a building and its settings.

use bailee_domain::id::{OrgId, SiteId};

use super::column::parsed;
use crate::params;
use crate::store::{Row, StoreError, Tx};

/// A site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRow {
    /// Its id.
    pub id: SiteId,
    /// What it is called.
    pub name: String,
    /// Whom to call, as shown on kiosks.
    pub help: String,
    /// Days a parcel may wait, 1 to 30.
    pub expiry_days: u16,
    /// Days the link in a receipt works, 1 to 365.
    pub receipt_days: u16,
    /// Rises with every change.
    pub version: i64,
}

/// The oldest site of an organisation; there is one as yet.
///
/// # Errors
/// The store's; [`StoreError::NoRow`] without one.
pub async fn first(tx: &Tx, org: OrgId) -> Result<SiteRow, StoreError> {
    let sql = "SELECT id, name, help, expiry_days, receipt_days, version FROM site WHERE org = $1 ORDER BY id LIMIT 1";
    read(&tx.query_one(sql, params![org.to_string()]).await?)
}

/// Adds one.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: OrgId, site: &SiteRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO site (id, org, name, help, expiry_days, receipt_days, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let SiteRow { id, name, help, expiry_days, receipt_days, version } = site;
    let values = params![id.to_string(), org.to_string(), name, help, *expiry_days, *receipt_days, *version];
    tx.exec(sql, values).await?;
    Ok(())
}

/// Stores a changed site if it still has the version it was changed from; tells whether it had.
///
/// # Errors
/// The store's.
pub async fn update(tx: &Tx, site: &SiteRow) -> Result<bool, StoreError> {
    let sql =
        "UPDATE site SET name = $1, help = $2, expiry_days = $3, receipt_days = $4, version = version + 1
         WHERE id = $5 AND version = $6";
    let values = params![
        &site.name,
        &site.help,
        site.expiry_days,
        site.receipt_days,
        site.id.to_string(),
        site.version
    ];
    Ok(tx.exec(sql, values).await? == 1)
}

fn read(row: &Row) -> Result<SiteRow, StoreError> {
    Ok(SiteRow {
        id: parsed(row, "id")?,
        name: row.get("name")?,
        help: row.get("help")?,
        expiry_days: row.get("expiry_days")?,
        receipt_days: row.get("receipt_days")?,
        version: row.get("version")?,
    })
}
