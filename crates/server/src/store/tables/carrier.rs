//! `carrier`: companies whose couriers drop off parcels.

use bailee_domain::id::{CarrierId, OrgId};
use bailee_domain::time::WallTime;

use super::column::parsed;
use crate::params;
use crate::store::{StoreError, Tx};

/// A carrier and what depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierRow {
    /// Its id.
    pub id: CarrierId,
    /// Its name, unique.
    pub name: String,
    /// Couriers of it who may drop off.
    pub couriers: u32,
    /// Parcels it brought that still wait.
    pub waiting: u32,
}

/// Adds a carrier; tells whether the name was free.
///
/// # Errors
/// The store's.
pub async fn insert(
    tx: &Tx,
    org: OrgId,
    id: CarrierId,
    name: &str,
    at: WallTime,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO carrier (id, org, name, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (org, name) DO NOTHING";
    Ok(tx.exec(sql, params![id.to_string(), org.to_string(), name, at.unix_ms()]).await? == 1)
}

/// The name of a carrier.
///
/// # Errors
/// The store's.
pub async fn name_of(tx: &Tx, org: OrgId, id: CarrierId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT name FROM carrier WHERE id = $1 AND org = $2";
    let row = tx.query_opt(sql, params![id.to_string(), org.to_string()]).await?;
    row.map(|row| row.get("name")).transpose()
}

/// Every carrier, by name.
///
/// # Errors
/// The store's.
pub async fn all(tx: &Tx, org: OrgId) -> Result<Vec<CarrierRow>, StoreError> {
    let sql = "SELECT c.id, c.name,
           (SELECT COUNT(*) FROM courier k JOIN person p ON p.id = k.person
            WHERE k.carrier = c.id AND p.state = 'active') AS couriers,
           (SELECT COUNT(*) FROM parcel l WHERE l.carrier = c.id AND l.custody = 'bank') AS waiting
         FROM carrier c WHERE c.org = $1 ORDER BY c.name";
    let rows = tx.query(sql, params![org.to_string()]).await?;
    let read = |row: &crate::store::Row| {
        Ok(CarrierRow {
            id: parsed(row, "id")?,
            name: row.get("name")?,
            couriers: row.get("couriers")?,
            waiting: row.get("waiting")?,
        })
    };
    rows.iter().map(read).collect()
}
