//! `event` and `log_index`: every fact of the custody log, in the transaction of the change it tells of.

use std::ops::RangeInclusive;

use bailee_domain::id::{BankId, OrgId};
use bailee_domain::platform::PlatformEvent;
use bailee_domain::time::WallTime;
use bailee_wire::event::encode_platform;

use super::damaged;
use super::log_index::{self, Indexed};
use crate::app::AppError;
use crate::ledger::event::{NewEvent, Recorded, held, record};
use crate::ledger::{LedgerError, LogReader};
use crate::params;
use crate::store::{Row, Tx};

/// Appends an event of the platform and tells its row; `number` only tells rows of the same source apart.
///
/// # Errors
/// The store's; [`AppError::Damaged`] when a text in it is too long to be an entry (use cases bound their texts).
pub async fn append_platform(
    tx: &Tx,
    org: OrgId,
    number: u64,
    event: &PlatformEvent,
) -> Result<i64, AppError> {
    let bytes = encode_platform(org, event).map_err(|_| damaged("event"))?;
    let new = NewEvent {
        org: &org.to_string(),
        source_id: &org.to_string(),
        source_seq: number,
        bytes: &bytes,
        received_at_ms: event.at.unix_ms(),
    };
    let id = insert(tx, &new).await?;
    log_index::insert(tx, org, id, Indexed::of_platform(org, event)).await?;
    Ok(id)
}

/// Appends an event of a bank, whose place in the bank's chain has been checked, with its line in the index; tells its row.
///
/// # Errors
/// The store's; [`AppError::Damaged`] when the bank has used that number before.
pub async fn append_bank(
    tx: &Tx,
    org: OrgId,
    (bank, seq): (BankId, u64),
    (bytes, line): (&[u8], Indexed),
    at: WallTime,
) -> Result<i64, AppError> {
    let new = NewEvent {
        org: &org.to_string(),
        source_id: &bank.to_string(),
        source_seq: seq,
        bytes,
        received_at_ms: at.unix_ms(),
    };
    let id = insert(tx, &new).await?;
    log_index::insert(tx, org, id, line).await?;
    Ok(id)
}

async fn insert(tx: &Tx, new: &NewEvent<'_>) -> Result<i64, AppError> {
    match record(tx, new).await {
        Ok(Recorded::New { id }) => Ok(id),
        Ok(Recorded::Held { .. }) => Err(damaged("event.source_seq")),
        Err(LedgerError::Store(error)) => Err(AppError::Store(error)),
        Err(_) => Err(damaged("event.bytes")),
    }
}

/// The bytes a bank uploaded under these numbers, the last included, in order. What the log has is read from there, on this
/// thread: for the few that a bank sends again, or has just sent.
///
/// # Errors
/// The store's; [`AppError::Damaged`] when the log does not have them.
pub async fn of_bank(
    tx: &Tx,
    log: &LogReader,
    bank: BankId,
    seqs: RangeInclusive<u64>,
) -> Result<Vec<(u64, Vec<u8>)>, AppError> {
    held(tx, log, &bank.to_string(), seqs).await.map_err(|error| match error {
        LedgerError::Store(error) => AppError::Store(error),
        _ => damaged("event.leaf_index"),
    })
}

/// The bytes of an event, read on this thread: for a transaction, which may await nothing but its statements.
///
/// # Errors
/// [`AppError::Damaged`] when they are neither here nor in the log.
pub(super) fn bytes_now(row: &Row, log: &LogReader) -> Result<Vec<u8>, AppError> {
    match place_of(row)? {
        Place::Waiting(bytes) => Ok(bytes),
        Place::Log(index) => log.entry_now(index).map_err(|_| damaged("event.leaf_index")),
    }
}

/// Reads `leaf_index` and `bytes`.
fn place_of(row: &Row) -> Result<Place, AppError> {
    match (row.get("leaf_index")?, row.get("bytes")?) {
        (Some(index), _) => Ok(Place::Log(index)),
        (None, Some(bytes)) => Ok(Place::Waiting(bytes)),
        (None, None) => Err(damaged("event_bytes")),
    }
}

/// One event as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its row, which is how the portal names it.
    pub id: i64,
    /// When the platform got it.
    pub received_at: WallTime,
    /// Where its bytes are.
    pub place: Place,
}

/// Where the bytes of an event are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Here, until the sequencer has given it a place in the log: these.
    Waiting(Vec<u8>),
    /// In the log, the entry of this index.
    Log(u64),
}

impl Place {
    /// The entry, once it is one.
    #[must_use]
    pub const fn entry(&self) -> Option<u64> {
        match self {
            Self::Waiting(_) => None,
            Self::Log(index) => Some(*index),
        }
    }
}

/// The event of this row.
///
/// # Errors
/// The store's.
pub async fn by_id(tx: &Tx, org: OrgId, id: i64) -> Result<Option<EventRow>, AppError> {
    let sql = "SELECT event.id, event.received_at, event.leaf_index, event_bytes.bytes
        FROM event LEFT JOIN event_bytes ON event_bytes.event = event.id
        WHERE event.org = (SELECT id FROM log_name WHERE name = $1) AND event.id = $2";
    let row = tx.query_opt(sql, params![org.to_string(), id]).await?;
    row.map(|row| {
        let received_at = WallTime::from_unix_ms(row.get("received_at")?);
        Ok(EventRow { id: row.get("id")?, received_at, place: place_of(&row)? })
    })
    .transpose()
}
