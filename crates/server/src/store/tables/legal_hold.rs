//! `legal_hold`: what must not be erased for now. Why and who answers for it stands here sealed.

use bailee_domain::id::{HoldId, OrgId, ParcelId, PersonId};
use bailee_domain::time::WallTime;

use super::{typed, typed_opt};
use crate::app::AppError;
use crate::params;
use crate::store::{Row, Tx};

/// One hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// The hold.
    pub id: HoldId,
    /// The person it protects.
    pub person: Option<PersonId>,
    /// The parcel it protects, with the people it names.
    pub parcel: Option<ParcelId>,
    /// Reason, owner and salt, sealed.
    pub details: Vec<u8>,
    /// Who placed it.
    pub placed_by: String,
    /// When.
    pub placed_at: WallTime,
    /// Who lifted it, once somebody has.
    pub lifted_by: Option<String>,
    /// When.
    pub lifted_at: Option<WallTime>,
}

const COLUMNS: &str =
    "h.id, h.person, h.parcel, h.details, h.placed_by, h.placed_at, h.lifted_by, h.lifted_at";

fn read(row: &Row) -> Result<HoldRow, AppError> {
    Ok(HoldRow {
        id: typed(row, "id")?,
        person: typed_opt(row, "person")?,
        parcel: typed_opt(row, "parcel")?,
        details: row.get("details")?,
        placed_by: row.get("placed_by")?,
        placed_at: WallTime::from_unix_ms(row.get("placed_at")?),
        lifted_by: row.get("lifted_by")?,
        lifted_at: row.get::<Option<i64>>("lifted_at")?.map(WallTime::from_unix_ms),
    })
}

/// Adds a hold.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &Tx, org: OrgId, hold: &HoldRow) -> Result<(), AppError> {
    let sql = "INSERT INTO legal_hold (id, org, person, parcel, details, placed_by, placed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = params![
        hold.id.to_string(),
        org.to_string(),
        hold.person.map(String::from),
        hold.parcel.map(String::from),
        &hold.details,
        &hold.placed_by,
        hold.placed_at.unix_ms(),
    ];
    tx.exec(sql, values).await?;
    Ok(())
}

/// One hold.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, org: OrgId, id: HoldId) -> Result<Option<HoldRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM legal_hold h WHERE h.org = $1 AND h.id = $2");
    tx.query_opt(&sql, params![org.to_string(), id.to_string()]).await?.as_ref().map(read).transpose()
}

/// Ends a hold; tells whether it was in force.
///
/// # Errors
/// The store's.
pub async fn lift(tx: &Tx, id: HoldId, by: &str, at: WallTime) -> Result<bool, AppError> {
    let sql = "UPDATE legal_hold SET lifted_by = $2, lifted_at = $3 WHERE id = $1 AND lifted_at IS NULL";
    Ok(tx.exec(sql, params![id.to_string(), by, at.unix_ms()]).await? == 1)
}

/// Holds in force, the newest first.
///
/// # Errors
/// The store's.
pub async fn in_force(
    tx: &Tx,
    org: OrgId,
    before: Option<HoldId>,
    limit: u32,
) -> Result<Vec<HoldRow>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM legal_hold h WHERE h.org = $1 AND h.lifted_at IS NULL AND h.id < $2
        ORDER BY h.id DESC LIMIT $3"
    );
    let before = before.map_or_else(|| "hld_~".to_owned(), |id| id.to_string());
    tx.query(&sql, params![org.to_string(), before, limit]).await?.iter().map(read).collect()
}

/// Holds in force that protect a person: on them, or on a parcel they were to get or brought.
///
/// # Errors
/// The store's.
pub async fn protecting(tx: &Tx, org: OrgId, person: PersonId) -> Result<Vec<HoldRow>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM legal_hold h WHERE h.org = $1 AND h.lifted_at IS NULL AND (h.person = $2
            OR h.parcel IN (SELECT p.id FROM parcel p WHERE p.recipient = $2 OR p.courier = $2))
        ORDER BY h.id DESC"
    );
    tx.query(&sql, params![org.to_string(), person.to_string()]).await?.iter().map(read).collect()
}

/// Holds in force that protect a parcel: on it, or on somebody it was for or came by.
///
/// # Errors
/// The store's.
pub async fn on_parcel(tx: &Tx, org: OrgId, parcel: ParcelId) -> Result<Vec<HoldRow>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM legal_hold h WHERE h.org = $1 AND h.lifted_at IS NULL AND (h.parcel = $2
            OR h.person IN (SELECT p.recipient FROM parcel p WHERE p.id = $2)
            OR h.person IN (SELECT p.courier FROM parcel p WHERE p.id = $2))
        ORDER BY h.id DESC"
    );
    tx.query(&sql, params![org.to_string(), parcel.to_string()]).await?.iter().map(read).collect()
}

/// Forgets the words of lifted holds on a person or on a parcel of theirs; the custody log keeps that there were any.
///
/// # Errors
/// The store's.
pub async fn forget_lifted(tx: &Tx, person: PersonId) -> Result<(), AppError> {
    let sql = "DELETE FROM legal_hold WHERE lifted_at IS NOT NULL AND (person = $1
        OR parcel IN (SELECT p.id FROM parcel p WHERE p.recipient = $1 OR p.courier = $1))";
    tx.exec(sql, params![person.to_string()]).await?;
    Ok(())
}
