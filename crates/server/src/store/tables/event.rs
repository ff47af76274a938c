//! `event` and `log_index`: every fact of the custody log, in the transaction of the change it tells of.

use bailee_domain::id::{BankId, OrgId};
use bailee_domain::platform::PlatformEvent;
use bailee_domain::time::WallTime;
use bailee_wire::event::encode_platform;

use super::log_index::{self, Indexed};
use super::{damaged, typed};
use crate::app::AppError;
use crate::ledger::LedgerError;
use crate::ledger::event::{NewEvent, Recorded, SourceKind, record};
use crate::params;
use crate::store::{Row, Tx};

/// Appends an event of the platform; `number` only tells rows of the same source apart.
///
/// # Errors
/// The store's; [`AppError::Damaged`] when a text in it is too long to be an entry (use cases bound their texts).
pub async fn append_platform(
    tx: &Tx,
    org: OrgId,
    number: u64,
    event: &PlatformEvent,
) -> Result<(), AppError> {
    let bytes = encode_platform(org, event).map_err(|_| damaged("event"))?;
    let new = NewEvent {
        org: &org.to_string(),
        source_kind: SourceKind::Platform,
        source_id: &org.to_string(),
        source_seq: number,
        bytes: &bytes,
        received_at_ms: event.at.unix_ms(),
    };
    let id = insert(tx, &new).await?;
    log_index::insert(tx, org, id, Indexed::of_platform(org, event)).await
}

/// Appends an event of a bank, whose place in the bank's chain has been checked, with its line in the index; tells its row.
///
/// # Errors
/// The store's; [`AppError::Damaged`] when the bank has used that number for other bytes.
pub async fn append_bank(
    tx: &Tx,
    org: OrgId,
    (bank, seq): (BankId, u64),
    (bytes, line): (&[u8], Indexed),
    at: WallTime,
) -> Result<i64, AppError> {
    let new = NewEvent {
        org: &org.to_string(),
        source_kind: SourceKind::Bank,
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
        Ok(Recorded::Repeated { .. } | Recorded::Conflicting { .. }) => Err(damaged("event.source_seq")),
        Err(LedgerError::Store(error)) => Err(AppError::Store(error)),
        Err(_) => Err(damaged("event.bytes")),
    }
}

/// The bytes a bank uploaded under these numbers, `from` and `to` included, in order.
///
/// # Errors
/// The store's.
pub async fn of_bank(tx: &Tx, bank: BankId, from: u64, to: u64) -> Result<Vec<(u64, Vec<u8>)>, AppError> {
    let sql = "SELECT source_seq, bytes FROM event
        WHERE source_id = $1 AND source_seq BETWEEN $2 AND $3 ORDER BY source_seq";
    let (from, to) = (i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(to).unwrap_or(i64::MAX));
    let rows = tx.query(sql, params![bank.to_string(), from, to]).await?;
    rows.iter().map(|row| Ok((row.get("source_seq")?, row.get("bytes")?))).collect()
}

/// One event as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its row, which is how the portal names it.
    pub id: i64,
    /// The organisation whose log it is in.
    pub org: OrgId,
    /// The exact leaf.
    pub bytes: Vec<u8>,
    /// When the platform got it.
    pub received_at: WallTime,
    /// Its place in the log, once the sequencer has given it one.
    pub leaf_index: Option<u64>,
}

impl EventRow {
    fn read(row: &Row) -> Result<Self, AppError> {
        Ok(Self {
            id: row.get("id")?,
            org: typed(row, "org")?,
            bytes: row.get("bytes")?,
            received_at: WallTime::from_unix_ms(row.get("received_at")?),
            leaf_index: row.get("leaf_index")?,
        })
    }
}

/// The event of this row.
///
/// # Errors
/// The store's.
pub async fn by_id(tx: &Tx, org: OrgId, id: i64) -> Result<Option<EventRow>, AppError> {
    let sql = "SELECT id, org, bytes, received_at, leaf_index FROM event WHERE org = $1 AND id = $2";
    let row = tx.query_opt(sql, params![org.to_string(), id]).await?;
    row.as_ref().map(EventRow::read).transpose()
}
