//! The custody ledger: one append-only Merkle log per organisation, as files beside the store.
//!
//! A use case writes its event with [`event::record`] in the transaction of its change, so neither exists without the
//! other, and the caller is answered when that is durable. The [`Sequencer`] hands such rows to the tile log of
//! `bailee_ledger`, in order, which makes them durable under a signed checkpoint; then it notes their leaves in the store.
//! [`LogReader`] serves the log. Nothing here knows what an event says, and nothing here changes or removes a leaf.
//!
//! # Two places that must agree
//! | stop | found at the next opening |
//! |---|---|
//! | before the tile log has the group | the events pending, as before |
//! | after, before the store notes it | entries beyond the store's mark: each must be a pending event, and is marked |
//! | after the store notes it | both, or, after a power cut, what is in the line above: the note is not synced |
//!
//! So the log may be ahead of the store by a few runs, and never behind. A log that is behind, or has another tree, or has
//! entries that no pending event explains, is refused: an old database or an old folder was put back, or somebody wrote
//! into one of them. A folder that is gone is refused too: the store does not keep the bytes of what is in the log. (One that an
//! older program left without a folder still has them all, and the log is made of them once.)
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
//! The folder is locked by one process, and runs of a process take turns. The store's mark moves only from where the run
//! found it.

pub mod check;
pub mod event;
mod keeper;
mod read;
mod rows;
mod sequencer;

use bailee_ledger::AppendError;

pub use bailee_ledger::LogKey;
pub use keeper::Ledger;
pub use read::LogReader;
pub use sequencer::{BATCH, Sequenced, Sequencer, Stage, Tripwire};

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
    /// The tile log failed, or contradicts itself or what the store knows of it.
    #[error("the custody log failed")]
    Log(#[source] bailee_ledger::LedgerError),
    /// Entries may or may not have been appended; the next run finds out.
    #[error("the custody log could not be appended to")]
    Append(#[from] AppendError),
    /// Log and store don't say the same. Nothing is appended or signed until a person has looked.
    #[error("log {log} and the store contradict each other: {what}")]
    Disagrees {
        /// The log.
        log: LogId,
        /// What they disagree about.
        what: Disagreement,
    },
    /// The log has no such entry, tile or size.
    #[error("the log does not reach that far")]
    OutOfRange,
    /// An event has no bytes, or more than an entry can hold.
    #[error("an event of {0} bytes does not fit an entry")]
    EventSize(usize),
    /// A [`Tripwire`] ended the run.
    #[error("stopped at {0:?}")]
    Stopped(Stage),
    /// The thread that worked on it has ended.
    #[error("the work on the custody log was broken off")]
    BrokenOff,
    /// This process only reads the log; another one owns it.
    #[error("another process appends to this log")]
    NotOurs,
}

impl From<bailee_ledger::LedgerError> for LedgerError {
    fn from(error: bailee_ledger::LedgerError) -> Self {
        match error {
            bailee_ledger::LedgerError::OutOfRange => Self::OutOfRange,
            error => Self::Log(error),
        }
    }
}

/// What a log and the store of its events can disagree about.
#[derive(Debug, thiserror::Error)]
pub enum Disagreement {
    /// The log has an entry that no pending event explains: the store is older than the log, or one of them was written to.
    #[error("entry {0} is no event that waits for its leaf")]
    EntryAndEvent(u64),
    /// The row of the log in the store moved while this process held the log.
    #[error("somebody else has marked events beyond entry {0}")]
    Marked(u64),
    /// The log's folder is empty, and the store does not hold the events that the tree was made of.
    #[error("the log's folder is empty and entry {0} is nowhere else: put the folder back as it was")]
    NotRebuilt(u64),
}

/// A count or index for a column; the store's integers end at 2^63 - 1.
pub(crate) fn column(number: u64) -> Result<i64, LedgerError> {
    i64::try_from(number).map_err(|_| LedgerError::OutOfRange)
}

/// Runs something that reads or writes files away from the threads that serve requests.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, LedgerError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| LedgerError::BrokenOff)?
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
