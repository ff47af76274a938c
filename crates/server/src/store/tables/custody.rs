//! `custody_item`, `custody_release`: keys of banks in sealed enclosures, who has which, and when each was out.

use bailee_domain::id::{BankId, CustodyId, OrgId, PersonId};
use bailee_domain::time::WallTime;

use super::{damaged, typed, typed_opt};
use crate::app::AppError;
use crate::params;
use crate::store::{Row, Tx};

/// Where a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// Under its seal.
    Sealed,
    /// Under its seal, and one person has asked for it.
    Asked,
    /// With people.
    Out,
    /// No longer kept.
    Retired,
}

/// A key in custody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustodyRow {
    /// Its id.
    pub id: CustodyId,
    /// The bank it belongs to.
    pub bank: BankId,
    /// What it is called.
    pub label: String,
    /// The number of the seal it lies or lay under.
    pub seal: String,
    /// Where it is.
    pub state: Whereabouts,
    /// Since when it lay under that seal.
    pub sealed_at: WallTime,
    /// Why it was asked for, sealed.
    pub reason: Option<Vec<u8>>,
    /// Who asked.
    pub first: Option<PersonId>,
    /// When.
    pub asked_at: Option<WallTime>,
    /// For how many hours.
    pub hours: Option<u16>,
    /// Who agreed.
    pub second: Option<PersonId>,
    /// Until when it may be out.
    pub until: Option<WallTime>,
    /// Whether it was noted that it is not back in time.
    pub overdue_noted: bool,
}

const COLUMNS: &str =
    "id, bank, label, seal, state, sealed_at, reason, first, asked_at, hours, second, until_at,
    overdue_noted";

const fn name(state: Whereabouts) -> &'static str {
    match state {
        Whereabouts::Sealed => "sealed",
        Whereabouts::Asked => "asked",
        Whereabouts::Out => "out",
        Whereabouts::Retired => "retired",
    }
}

fn read(row: &Row) -> Result<CustodyRow, AppError> {
    let state: String = row.get("state")?;
    let all = [Whereabouts::Sealed, Whereabouts::Asked, Whereabouts::Out, Whereabouts::Retired];
    let time = |column: &str| Ok::<_, AppError>(row.get::<Option<i64>>(column)?.map(WallTime::from_unix_ms));
    Ok(CustodyRow {
        id: typed(row, "id")?,
        bank: typed(row, "bank")?,
        label: row.get("label")?,
        seal: row.get("seal")?,
        state: all.into_iter().find(|it| name(*it) == state).ok_or(damaged("state"))?,
        sealed_at: WallTime::from_unix_ms(row.get("sealed_at")?),
        reason: row.get("reason")?,
        first: typed_opt(row, "first")?,
        asked_at: time("asked_at")?,
        hours: row.get::<Option<i64>>("hours")?.and_then(|hours| u16::try_from(hours).ok()),
        second: typed_opt(row, "second")?,
        until: time("until_at")?,
        overdue_noted: row.get::<i64>("overdue_noted")? != 0,
    })
}

/// Adds a key, or stores it anew.
///
/// # Errors
/// The store's.
pub async fn put(tx: &Tx, org: OrgId, row: &CustodyRow) -> Result<(), AppError> {
    let sql = "INSERT INTO custody_item (id, org, bank, label, seal, state, sealed_at, reason, first, asked_at, hours,
            second, until_at, overdue_noted)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT (id) DO UPDATE SET seal = excluded.seal, state = excluded.state, sealed_at = excluded.sealed_at,
            reason = excluded.reason, first = excluded.first, asked_at = excluded.asked_at, hours = excluded.hours,
            second = excluded.second, until_at = excluded.until_at, overdue_noted = excluded.overdue_noted";
    let values = params![
        row.id.to_string(),
        org.to_string(),
        row.bank.to_string(),
        &row.label,
        &row.seal,
        name(row.state),
        row.sealed_at.unix_ms(),
        row.reason.as_ref(),
        row.first.map(String::from),
        row.asked_at.map(WallTime::unix_ms),
        row.hours.map(i64::from),
        row.second.map(String::from),
        row.until.map(WallTime::unix_ms),
        i64::from(row.overdue_noted),
    ];
    tx.exec(sql, values).await?;
    Ok(())
}

/// One key.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, org: OrgId, id: CustodyId) -> Result<Option<CustodyRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM custody_item WHERE org = $1 AND id = $2");
    tx.query_opt(&sql, params![org.to_string(), id.to_string()]).await?.as_ref().map(read).transpose()
}

/// A bank's keys, those retired left out, in the order they were added.
///
/// # Errors
/// The store's.
pub async fn of_bank(tx: &Tx, bank: BankId) -> Result<Vec<CustodyRow>, AppError> {
    let sql =
        format!("SELECT {COLUMNS} FROM custody_item WHERE bank = $1 AND state <> 'retired' ORDER BY id");
    tx.query(&sql, params![bank.to_string()]).await?.iter().map(read).collect()
}

/// Keys that are out beyond their time and were not noted.
///
/// # Errors
/// The store's.
pub async fn overdue(tx: &Tx, org: OrgId, now: WallTime) -> Result<Vec<CustodyRow>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM custody_item WHERE org = $1 AND state = 'out' AND until_at <= $2
         AND overdue_noted = 0 ORDER BY id"
    );
    tx.query(&sql, params![org.to_string(), now.unix_ms()]).await?.iter().map(read).collect()
}

/// Notes that a key is out from now until a time.
///
/// # Errors
/// The store's.
pub async fn went_out(tx: &Tx, row: &CustodyRow, at: WallTime, until: WallTime) -> Result<(), AppError> {
    let sql = "INSERT INTO custody_release (item, bank, out_at, until_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (item, out_at) DO UPDATE SET until_at = excluded.until_at, back_at = NULL";
    tx.exec(sql, params![row.id.to_string(), row.bank.to_string(), at.unix_ms(), until.unix_ms()]).await?;
    Ok(())
}

/// Notes that a key is back.
///
/// # Errors
/// The store's.
pub async fn came_back(tx: &Tx, id: CustodyId, at: WallTime) -> Result<(), AppError> {
    let sql = "UPDATE custody_release SET back_at = $2 WHERE item = $1 AND back_at IS NULL";
    tx.exec(sql, params![id.to_string(), at.unix_ms()]).await?;
    Ok(())
}

/// Whether any key of a bank was out at a time, and in its time.
///
/// # Errors
/// The store's.
pub async fn was_out(tx: &Tx, bank: BankId, at: WallTime) -> Result<bool, AppError> {
    let sql = "SELECT item FROM custody_release
        WHERE bank = $1 AND out_at <= $2 AND until_at > $2 AND (back_at IS NULL OR back_at > $2) LIMIT 1";
    Ok(tx.query_opt(sql, params![bank.to_string(), at.unix_ms()]).await?.is_some())
}
