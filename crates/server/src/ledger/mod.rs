//! The custody ledger: one append-only Merkle log per organisation, in the same store as everything else.
//!
//! A use case writes its event with [`event::record`] in the transaction of its change, so neither exists without the
//! other. The [`Sequencer`] of a log turns such rows into leaves, in order, and signs the tree; [`LogReader`] serves
//! it in the layout of C2SP tlog-tiles. Nothing here knows what an event says, and nothing here ever changes or
//! removes a leaf.
//!
//! # Order, and why no lock on writers is needed
//! On PostgreSQL an event's id is drawn before its transaction commits, so id 6 may become visible before id 5. The
//! sequencer therefore keeps no "last id seen" that a latecomer could slip under: pending is every row without a leaf
//! index, and a latecomer is taken by the next run. What must hold is that a consequence never precedes its cause: if
//! the transaction of event B could see event A, then A had committed before B drew its id, so A's id is smaller and
//! every snapshot that holds B holds A. Taking a snapshot's pending rows in id order keeps that. Two events neither of
//! which saw the other have no order to keep. Who follows the ledger follows the leaf index, which has no gaps, never
//! the row id.
//!
//! # One sequencer
//! The first statement of a run locks the log's row, and the last one swaps (size, root) only if both are what the run
//! started from. Any number of sequencers of one log may run: they take turns, and none can sign a second future. With
//! the lock held nobody else writes the log's rows, so on PostgreSQL a run is `READ COMMITTED`: as `SERIALIZABLE` it
//! would collide with every writer of events and could starve.

pub mod event;
mod read;
mod rows;
mod sequencer;

use bailee_audit::{checkpoint::CheckpointError, hash::Hash, tile::TileId};

pub use read::LogReader;
pub use sequencer::{BATCH, LogKey, Sequenced, Sequencer, Stage, Tripwire};

use crate::store::StoreError;

/// Name of a log: it is part of URLs and folders.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogId(String);

impl LogId {
    /// A name of 1 to 64 characters out of `a-z0-9_-`; `None` for anything else.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let fits =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        ((1..=64).contains(&name.len()) && name.bytes().all(fits)).then_some(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for LogId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why the ledger could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The store failed; nothing was changed unless it says otherwise.
    #[error("the store of the ledger failed")]
    Store(#[from] StoreError),
    /// There is no log of that name.
    #[error("there is no log {0}")]
    NoSuchLog(LogId),
    /// The stored log contradicts itself. Nothing is appended or signed until a person has looked.
    #[error("log {log} contradicts itself: {what}")]
    Disagrees {
        /// The log.
        log: LogId,
        /// Which of its parts disagree.
        what: Disagreement,
    },
    /// Another sequencer was faster; nothing was changed.
    #[error("another sequencer has moved log {0} on")]
    Overtaken(LogId),
    /// The key could not be used.
    #[error("the checkpoint could not be signed")]
    Sign(#[source] CheckpointError),
    /// The log has no such entry, tile or size.
    #[error("the log does not reach that far")]
    OutOfRange,
    /// An event has no bytes, or more than an entry can hold.
    #[error("an event of {0} bytes does not fit an entry")]
    EventSize(usize),
    /// A file of an export could not be written.
    #[error("the log could not be exported")]
    Export(#[from] std::io::Error),
    /// A [`Tripwire`] ended the run; nothing was changed.
    #[error("stopped at {0:?}")]
    Stopped(Stage),
}

/// Two parts of a stored log that do not say the same.
#[derive(Debug, thiserror::Error)]
pub enum Disagreement {
    /// The stored checkpoint is not one this key signed for this log.
    #[error("the stored checkpoint is not valid under the log's key")]
    Checkpoint(#[source] CheckpointError),
    /// The row says one tree, the signed checkpoint another.
    #[error(
        "the row has size {row_size} and root {row_root}, the signed checkpoint size {signed_size} and root {signed_root}"
    )]
    RowAndCheckpoint {
        /// Size in the row.
        row_size: u64,
        /// Root in the row.
        row_root: Hash,
        /// Size that was signed.
        signed_size: u64,
        /// Root that was signed.
        signed_root: Hash,
    },
    /// A tile of the right edge is missing or too short.
    #[error("{tile} has {have} bytes where the tree needs {need}")]
    TileShort {
        /// The tile.
        tile: TileId,
        /// Bytes found.
        have: usize,
        /// Bytes needed.
        need: usize,
    },
    /// The tiles add up to another root.
    #[error("the tiles give root {tiles}, the row says {row}")]
    TilesAndRoot {
        /// Root computed from tiles.
        tiles: Hash,
        /// Root in the row.
        row: Hash,
    },
    /// An entry is missing where the tree has one.
    #[error("entry {0} is missing")]
    EntryMissing(u64),
    /// An entry's bytes hash to something else than its leaf.
    #[error("entry {0} is not what its leaf hash says")]
    EntryAndLeaf(u64),
    /// The event that points at a leaf is not the entry stored there.
    #[error("entry {0} is not the event that points at it")]
    EntryAndEvent(u64),
    /// A tile read back is not the tile written.
    #[error("{0} reads back differently than it was written")]
    TileWritten(TileId),
    /// There are entries beyond the size that was signed.
    #[error("entry {0} is beyond the signed size")]
    EntryBeyond(u64),
    /// The root computed a second way is another.
    #[error("the appender gives root {appended}, the entries read back give {recomputed}")]
    SecondPath {
        /// Root the append gave.
        appended: Hash,
        /// Root recomputed from what is stored.
        recomputed: Hash,
    },
}

/// A count or index for a column; the store's integers end at 2^63 - 1.
pub(crate) fn column(number: u64) -> Result<i64, LedgerError> {
    i64::try_from(number).map_err(|_| LedgerError::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_name_fits_a_url_and_a_folder() {
        for good in ["org_01", "a", "oak-court"] {
            assert!(LogId::new(good).is_some(), "{good}");
        }
        for bad in ["", "Oak", "../x", "a/b", "a b", "é", &"a".repeat(65)] {
            assert!(LogId::new(bad).is_none(), "{bad}");
        }
    }
}
