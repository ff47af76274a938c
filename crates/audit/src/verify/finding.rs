//! What a check of a log can find: all sound, something unsound and where, or nothing to check.

use std::fmt;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::handover::HandOver;

/// What was checked, and found sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The checkpoint that all of it was checked against.
    pub checkpoint: Checkpoint,
    /// Entries hashed and visited.
    pub entries: u64,
    /// Entry bundles read.
    pub bundles: u64,
    /// Hash tiles read and recomputed.
    pub tiles: u64,
    /// Signatures on the checkpoint by the log's key, all good.
    pub signatures: usize,
    /// Signatures on the checkpoint by other keys, which nobody has vouched for here.
    pub unchecked_signatures: usize,
    /// How the log came from the known key to the one that signed. That each is an entry of the log is for who knows what
    /// entries say.
    pub handed_over: Vec<HandOver>,
}

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Path below the log's prefix.
    pub path: String,
    /// Index of the entry, if it is about one.
    pub entry: Option<u64>,
}

/// Why a log isn't sound, or couldn't be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log isn't what its key signed.
    #[error("{where_}: {what}")]
    Unsound {
        /// The first thing wrong.
        where_: Place,
        /// What is wrong with it.
        what: Wrong,
    },
    /// The log couldn't be read, so nothing is known.
    #[error("{where_}: {what}")]
    Unusable {
        /// What was being read.
        where_: Place,
        /// Why that failed.
        what: Unreadable,
    },
}

/// What is wrong with a part of a log.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// The checkpoint isn't signed by the log's key, or is another log's.
    #[error(transparent)]
    Checkpoint(CheckpointError),
    /// The signed size needs this file and it isn't there.
    #[error("is missing, though the checkpoint promises it")]
    Missing,
    /// More or fewer bytes than the path says.
    #[error("has {have} bytes instead of {need}")]
    Length {
        /// Bytes expected; for "more than", one too many were read.
        need: usize,
        /// Bytes found.
        have: usize,
    },
    /// Hashes that aren't those of the signed tree.
    #[error("holds hashes that do not belong to the signed tree")]
    Hashes,
    /// The signed root is that of neither the stored tiles nor the stored entries.
    #[error("its root is neither that of the tiles nor that of the entries")]
    Root,
    /// The bundle has another number of entries than its path says.
    #[error("does not hold exactly {need} entries")]
    EntryCount {
        /// Entries expected.
        need: usize,
    },
    /// An entry whose hash isn't in the signed tree.
    #[error("is not the entry that was signed")]
    Entry,
    /// The caller's own check of the entry.
    #[error("{0}")]
    Content(String),
}

/// Why a part of a log couldn't be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Nothing there: not a log, or the wrong place.
    #[error("there is no checkpoint here")]
    NoCheckpoint,
    /// Not a note, or not a checkpoint.
    #[error(transparent)]
    Checkpoint(CheckpointError),
    /// The source failed.
    #[error("reading failed")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => write!(f, "{}, entry {entry}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

impl Place {
    pub(super) fn of(path: &str) -> Self {
        Self { path: path.to_owned(), entry: None }
    }
}

impl VerifyError {
    pub(super) fn unsound(path: &str, entry: Option<u64>, what: Wrong) -> Self {
        Self::Unsound { where_: Place { path: path.to_owned(), entry }, what }
    }
}
