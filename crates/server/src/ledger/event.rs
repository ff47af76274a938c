//! The outbox of events: a row in the transaction of the change it tells of, a leaf of the ledger soon after.

use bailee_audit::bundle::MAX_ENTRY_LEN;

use super::{LedgerError, column};
use crate::{
    params,
    store::{StoreError, Tx},
};

/// Who made an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A bank's controller, which signed the bytes.
    Bank,
    /// This platform.
    Platform,
}

impl SourceKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::Platform => "platform",
        }
    }
}

/// An event on its way into the ledger.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// The organisation whose log it belongs to.
    pub org: &'a str,
    /// Who made it.
    pub source_kind: SourceKind,
    /// Which bank, or which part of the platform; unique over all kinds.
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
    /// The same bytes were recorded before: an upload that was repeated.
    Repeated {
        /// Row id of the first.
        id: i64,
        /// Its leaf, once sequenced.
        leaf_index: Option<u64>,
    },
    /// The source has used this number for other bytes: it contradicts itself, which is an alarm. Nothing was changed.
    Conflicting {
        /// Row id of the first.
        id: i64,
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
    let insert = "INSERT INTO event (org, source_kind, source_id, source_seq, bytes, received_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (source_id, source_seq) DO NOTHING RETURNING id";
    let kind = event.source_kind.as_str();
    let values = params![event.org, kind, event.source_id, seq, event.bytes, event.received_at_ms];
    if let Some(row) = tx.query_opt(insert, values).await? {
        return Ok(Recorded::New { id: row.get(0)? });
    }
    let earlier = "SELECT id, org, bytes, leaf_index FROM event WHERE source_id = $1 AND source_seq = $2";
    let row = tx.query_one(earlier, params![event.source_id, seq]).await?;
    let id = row.get("id")?;
    let same = row.get::<String>("org")? == event.org && row.get::<Vec<u8>>("bytes")? == event.bytes;
    match same {
        true => Ok(Recorded::Repeated { id, leaf_index: row.get("leaf_index")? }),
        false => Ok(Recorded::Conflicting { id }),
    }
}

/// The highest number recorded of a source: what may be acknowledged to a bank that sends in order.
///
/// # Errors
/// The store's.
pub async fn last_seq(tx: &Tx, source_id: &str) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT source_seq FROM event WHERE source_id = $1 ORDER BY source_seq DESC LIMIT 1";
    tx.query_opt(sql, params![source_id]).await?.map(|row| row.get(0)).transpose()
}
