//! What can go wrong with a log, and what two parts of one can disagree about.

use std::io;

use bailee_audit::checkpoint::CheckpointError;
use bailee_audit::hash::TreeHead;

use crate::disk::Name;

/// Why the ledger couldn't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The disk failed. What was being appended may or may not be in the log: opening it again tells.
    #[error("the disk failed at {name}")]
    Disk {
        /// The file.
        name: Name,
        /// What the system said.
        source: io::Error,
    },
    /// The folder failed.
    #[error("the folder of the log failed")]
    Folder(#[source] io::Error),
    /// The stored log contradicts itself in a way that no stop explains. Nothing is appended or signed until a person
    /// has looked.
    #[error("the log contradicts itself: {0}")]
    Disagrees(Disagreement),
    /// The key couldn't be used; nothing was appended.
    #[error("the checkpoint could not be signed")]
    Sign(#[source] CheckpointError),
    /// The log has no such entry, tile or size.
    #[error("the log does not reach that far")]
    OutOfRange,
    /// No entry has so many bytes.
    #[error("an entry of {0} bytes is too long")]
    EntrySize(usize),
    /// A file of an export couldn't be written.
    #[error("the log could not be exported")]
    Export(#[source] io::Error),
}

/// Two parts of a stored log that don't say the same.
#[derive(Debug, thiserror::Error)]
pub enum Disagreement {
    /// A file isn't this log's, or not of the segment its name says.
    #[error("{0} does not begin as a file of this log and segment does")]
    Foreign(Name),
    /// A segment is missing though later ones are there.
    #[error("segment {0} is missing and a later one is there")]
    SegmentMissing(u64),
    /// Segment after segment must be full but the last.
    #[error("segment {segment} ends at entry {end} and a later one is there")]
    SegmentShort {
        /// The segment.
        segment: u64,
        /// The entry it should have next.
        end: u64,
    },
    /// A damaged group stands before a good one: it had been durable.
    #[error("{name} is damaged at byte {at} and goes on after it")]
    GroupDamaged {
        /// The file.
        name: Name,
        /// Where.
        at: u64,
    },
    /// A good group begins at another entry than the one before ended at.
    #[error("a group begins at entry {found} where {expected} is next")]
    GroupOrder {
        /// The next entry.
        expected: u64,
        /// The one found.
        found: u64,
    },
    /// A packed segment is damaged.
    #[error("packed segment {segment} is damaged: {what}")]
    Sealed {
        /// The segment.
        segment: u64,
        /// Which part of it.
        what: &'static str,
    },
    /// The checkpoint is not one that a key of this log signed.
    #[error("the stored checkpoint is not valid under the log's key")]
    Checkpoint(#[source] CheckpointError),
    /// What is stored is another tree than the one signed.
    #[error("stored are {} entries with root {}, signed are {} with root {}", stored.size, stored.root, signed.size, signed.root)]
    StoredAndSigned {
        /// The tree of the stored entries.
        stored: TreeHead,
        /// The tree of the checkpoint.
        signed: TreeHead,
    },
    /// The log is older than what its owner knows of it: an old copy was put back, or the disk lost what it had promised.
    #[error("the log has {found} entries and had {known} before")]
    Behind {
        /// Size known to have been signed.
        known: u64,
        /// Size found.
        found: u64,
    },
    /// The log isn't a continuation of what its owner knows of it.
    #[error("the first {} entries have root {}, and had {} before", known.size, found, known.root)]
    Forked {
        /// The tree known to have been signed.
        known: TreeHead,
        /// Root of as many entries.
        found: bailee_audit::Hash,
    },
    /// The root computed a second way is another.
    #[error("the appender gives root {}, the bytes about to be written give {}", appended.root, recomputed.root)]
    SecondPath {
        /// The tree the append gave.
        appended: TreeHead,
        /// The tree of the bytes.
        recomputed: TreeHead,
    },
    /// An entry's bytes hash to something else than its leaf.
    #[error("entry {0} is not what its leaf hash says")]
    EntryAndLeaf(u64),
    /// A stored node isn't the hash of what is below it.
    #[error("segment {segment} holds a wrong hash above entry {entry}")]
    Node {
        /// The segment.
        segment: u64,
        /// An entry below the node.
        entry: u64,
    },
}

impl From<Disagreement> for LedgerError {
    fn from(what: Disagreement) -> Self {
        Self::Disagrees(what)
    }
}

/// Names the file in a failure of the disk.
pub(crate) trait At<T> {
    fn at(self, name: Name) -> Result<T, LedgerError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, name: Name) -> Result<T, LedgerError> {
        self.map_err(|source| LedgerError::Disk { name, source })
    }
}
