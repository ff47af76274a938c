//! `receipt`: who is owed the proof of which opening, and the link that gives it to them. Rows are only ever added.

use bailee_domain::id::{BankId, OrgId, ParcelId, PersonId, SiteId};
use bailee_domain::receipt::Way;
use bailee_domain::time::WallTime;

use super::{damaged, typed};
use crate::app::AppError;
use crate::params;
use crate::store::{Row, Tx};

/// One receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    /// The row of the opening's event, which names the receipt too.
    pub event: i64,
    /// The bank.
    pub bank: BankId,
    /// The bank's number of the event.
    pub seq: u64,
    /// Whose parcel lay there.
    pub person: PersonId,
    /// The parcel.
    pub parcel: ParcelId,
    /// How the door came to be open.
    pub way: Way,
    /// When, by the bank's clock.
    pub opened_at: WallTime,
    /// When its link stops working.
    pub link_ends: WallTime,
}

const COLUMNS: &str = "event_id, bank, event_seq, person, parcel, way, opened_at, link_ends";

fn read(row: &Row) -> Result<ReceiptRow, AppError> {
    Ok(ReceiptRow {
        event: row.get("event_id")?,
        bank: typed(row, "bank")?,
        seq: row.get("event_seq")?,
        person: typed(row, "person")?,
        parcel: typed(row, "parcel")?,
        way: Way::from_name(&row.get::<String>("way")?).ok_or(damaged("receipt.way"))?,
        opened_at: WallTime::from_unix_ms(row.get("opened_at")?),
        link_ends: WallTime::from_unix_ms(row.get("link_ends")?),
    })
}

/// Adds a receipt whose link has this hash, unless the opening has one; tells whether it did.
///
/// # Errors
/// The store's.
pub async fn insert(
    tx: &Tx,
    org: OrgId,
    link_hash: [u8; 32],
    receipt: &ReceiptRow,
) -> Result<bool, AppError> {
    let sql = "INSERT INTO receipt (event_id, org, bank, event_seq, person, parcel, way, opened_at, link_ends, link_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
    let values = params![
        receipt.event,
        org.to_string(),
        receipt.bank.to_string(),
        i64::try_from(receipt.seq).unwrap_or(i64::MAX),
        receipt.person.to_string(),
        receipt.parcel.to_string(),
        receipt.way.name(),
        receipt.opened_at.unix_ms(),
        receipt.link_ends.unix_ms(),
        link_hash,
    ];
    Ok(tx.exec(sql, values).await? == 1)
}

/// The receipt whose link has this hash.
///
/// # Errors
/// The store's.
pub async fn by_link(tx: &Tx, org: OrgId, link_hash: [u8; 32]) -> Result<Option<ReceiptRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM receipt WHERE org = $1 AND link_hash = $2");
    tx.query_opt(&sql, params![org.to_string(), link_hash]).await?.as_ref().map(read).transpose()
}

/// The receipt for the opening told by this event.
///
/// # Errors
/// The store's.
pub async fn by_event(tx: &Tx, org: OrgId, event: i64) -> Result<Option<ReceiptRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM receipt WHERE org = $1 AND event_id = $2");
    tx.query_opt(&sql, params![org.to_string(), event]).await?.as_ref().map(read).transpose()
}

/// At most `limit` receipts about a parcel, the newest first.
///
/// # Errors
/// The store's.
pub async fn of_parcel(tx: &Tx, parcel: ParcelId, limit: u32) -> Result<Vec<ReceiptRow>, AppError> {
    let sql = format!("SELECT {COLUMNS} FROM receipt WHERE parcel = $1 ORDER BY event_id DESC LIMIT $2");
    tx.query(&sql, params![parcel.to_string(), limit]).await?.iter().map(read).collect()
}

/// At most `limit` receipts of a person, the newest first, older than `before`.
///
/// # Errors
/// The store's.
pub async fn of_person(
    tx: &Tx,
    person: PersonId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<ReceiptRow>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM receipt WHERE person = $1 AND event_id < $2 ORDER BY event_id DESC LIMIT $3"
    );
    let values = params![person.to_string(), before.unwrap_or(i64::MAX), limit];
    tx.query(&sql, values).await?.iter().map(read).collect()
}

/// Ends the links of a person's receipts and forgets what proves them: eight bytes that are no hash stand in its place.
///
/// # Errors
/// The store's.
pub async fn forget_links(tx: &Tx, person: PersonId, at: WallTime) -> Result<(), AppError> {
    let id = person.to_string();
    let rows = tx.query("SELECT event_id FROM receipt WHERE person = $1", params![&id]).await?;
    for row in rows {
        let event: i64 = row.get("event_id")?;
        let sql = "UPDATE receipt SET link_hash = $2, link_ends = $3 WHERE event_id = $1";
        tx.exec(sql, params![event, &event.to_be_bytes()[..], at.unix_ms()]).await?;
    }
    Ok(())
}

/// Days the links of a site's receipts work.
///
/// # Errors
/// The store's.
pub async fn link_days(tx: &Tx, site: SiteId) -> Result<u16, AppError> {
    let row = tx.query_one("SELECT receipt_days FROM site WHERE id = $1", params![site.to_string()]).await?;
    Ok(row.get("receipt_days")?)
}
