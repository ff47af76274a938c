//! `org`: the organisation this platform serves.

use bailee_domain::id::OrgId;

use super::column::parsed;
use crate::params;
use crate::store::{StoreError, Tx};

/// The organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgRow {
    /// Its id.
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// Its log's id, as in the URL.
    pub log_id: String,
}

/// The one organisation; `None` before the first start has finished.
///
/// # Errors
/// The store's.
pub async fn only(tx: &Tx) -> Result<Option<OrgRow>, StoreError> {
    let row = tx.query_opt("SELECT id, name, log_id FROM org", params![]).await?;
    row.map(|row| Ok(OrgRow { id: parsed(&row, "id")?, name: row.get("name")?, log_id: row.get("log_id")? }))
        .transpose()
}

/// Adds it.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: &OrgRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO org (id, name, log_id, roster_revision) VALUES ($1, $2, $3, 1)";
    tx.exec(sql, params![org.id.to_string(), &org.name, &org.log_id]).await?;
    Ok(())
}

/// Says that what banks are told in advance has changed; every bank is then sent its roster anew.
///
/// # Errors
/// The store's.
pub async fn bump_roster(tx: &Tx, org: OrgId) -> Result<(), StoreError> {
    let sql = "UPDATE org SET roster_revision = roster_revision + 1 WHERE id = $1";
    tx.exec(sql, params![org.to_string()]).await?;
    Ok(())
}

/// Moves the revision of what banks are to be told up to this one; it never goes back.
///
/// # Errors
/// The store's.
pub async fn raise_roster(tx: &Tx, org: OrgId, revision: u64) -> Result<(), StoreError> {
    let sql = "UPDATE org SET roster_revision = $2 WHERE id = $1 AND roster_revision < $2";
    let revision = i64::try_from(revision).unwrap_or(i64::MAX);
    tx.exec(sql, params![org.to_string(), revision]).await?;
    Ok(())
}

/// The revision of what banks are to be told.
///
/// # Errors
/// The store's.
pub async fn roster_revision(tx: &Tx, org: OrgId) -> Result<u64, StoreError> {
    let row = tx.query_one("SELECT roster_revision FROM org WHERE id = $1", params![org.to_string()]).await?;
    row.get(0)
}
