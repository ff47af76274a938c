//! The outbox of events: a row in the transaction of the change it tells of, a leaf of the ledger soon after. Its bytes are in
//! the store until the log has them, then only there.

use std::ops::RangeInclusive;

use bailee_audit::bundle::MAX_ENTRY_LEN;

use super::{LedgerError, LogReader, column};
use crate::{
    params,
    store::{StoreError, Tx, names::numbers},
};

/// An event on its way into the ledger.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// The organisation whose log it belongs to.
    pub org: &'a str,
    /// Who made it: a bank, or a part of the platform.
    pub source_id: &'a str,
    /// The source's own number for it, without gaps.
    pub source_seq: u64,
    /// Exactly the bytes that were signed: the future leaf, 1 to 65,535 bytes.
    pub bytes: &'a [u8],
    /// When the platform got it, milliseconds since 1970.
    pub received_at_ms: i64,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is new.
    New {
        /// Row id; says nothing about the place in the log.
        id: i64,
    },
    /// The source has used this number before, and nothing was changed. It repeats itself or contradicts itself, which is an
    /// alarm: [`held`] has the bytes that stand.
    Held {
        /// Row id of the first.
        id: i64,
        /// Its leaf, once sequenced.
        leaf_index: Option<u64>,
    },
}

/// Records an event once, however often it is sent.
///
/// # Errors
/// [`LedgerError::EventSize`], or the store's.
pub async fn record(tx: &Tx, event: &NewEvent<'_>) -> Result<Recorded, LedgerError> {
    if event.bytes.is_empty() || event.bytes.len() > MAX_ENTRY_LEN {
        return Err(LedgerError::EventSize(event.bytes.len()));
    }
    let seq = column(event.source_seq)?;
    let [org, source] = numbers(tx, [Some(event.org), Some(event.source_id)]).await?;
    let insert = "INSERT INTO event (org, source, source_seq, received_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (source, source_seq) DO NOTHING RETURNING id";
    if let Some(row) = tx.query_opt(insert, params![org, source, seq, event.received_at_ms]).await? {
        let id: i64 = row.get(0)?;
        let keep = "INSERT INTO event_bytes (event, bytes) VALUES ($1, $2)";
        tx.exec(keep, params![id, event.bytes]).await?;
        return Ok(Recorded::New { id });
    }
    let earlier = "SELECT id, leaf_index FROM event WHERE source = $1 AND source_seq = $2";
    let row = tx.query_one(earlier, params![source, seq]).await?;
    Ok(Recorded::Held { id: row.get("id")?, leaf_index: row.get("leaf_index")? })
}

/// The bytes a source recorded under these numbers, the last included, in order: from the store while they wait, else
/// from the log, on this thread.
///
/// # Errors
/// The store's or the log's.
pub async fn held(
    tx: &Tx,
    log: &LogReader,
    source_id: &str,
    seqs: RangeInclusive<u64>,
) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
    let sql = "SELECT event.source_seq, event.leaf_index, event_bytes.bytes
        FROM event LEFT JOIN event_bytes ON event_bytes.event = event.id
        WHERE event.source = (SELECT id FROM log_name WHERE name = $1) AND event.source_seq BETWEEN $2 AND $3
        ORDER BY event.source_seq";
    let bound = |seq: &u64| i64::try_from(*seq).unwrap_or(i64::MAX);
    let values = params![source_id, bound(seqs.start()), bound(seqs.end())];
    let mut found = Vec::new();
    for row in tx.query(sql, values).await? {
        let bytes = match (row.get("bytes")?, row.get("leaf_index")?) {
            (Some(bytes), _) => bytes,
            (None, Some(index)) => log.entry_now(index)?,
            (None, None) => return Err(LedgerError::OutOfRange),
        };
        found.push((row.get("source_seq")?, bytes));
    }
    Ok(found)
}

/// The highest number recorded of a source: what may be acknowledged to a bank that sends in order.
///
/// # Errors
/// The store's.
pub async fn last_seq(tx: &Tx, source_id: &str) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT source_seq FROM event WHERE source = (SELECT id FROM log_name WHERE name = $1)
        ORDER BY source_seq DESC LIMIT 1";
    tx.query_opt(sql, params![source_id]).await?.map(|row| row.get(0)).transpose()
}
