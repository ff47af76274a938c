//! What the check of a ledger can find, in stable words, and what to do about each.

use std::fmt;

/// Findings told in full; of more, only how many.
pub const MOST_TOLD: usize = 100;

/// What kind of place is wrong; each has a section in docs/operations/ledger.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A file of the log is damaged, missing or another's.
    LogFile,
    /// The log's folder is empty, and the store knows of entries.
    LogGone,
    /// The log ends before the store's mark.
    LogBehind,
    /// The log has entries that no event of the store explains.
    StoreBehind,
    /// The stored entries are not those that a checkpoint signs.
    Root,
    /// A checkpoint is not signed by a key of the log.
    CheckpointSignature,
    /// The store's mark, or the leaves of its events, don't say what the log says.
    Mark,
    /// An entry has no event in the store.
    EventMissing,
    /// An event of the store is not the entry it says it is.
    EventChanged,
    /// An event has no line in the search index, or a line no event.
    IndexMissing,
    /// A line of the search index says something else than its event.
    IndexChanged,
    /// A bank's events have a gap, don't continue each other, or aren't signed by it.
    BankChain,
    /// What the store notes of a bank's last event is not its last event.
    BankMark,
    /// A witness cosigned more entries than there are.
    WitnessAhead,
    /// A witness cosigned another tree.
    WitnessFork,
    /// A stored cosignature does not hold.
    Cosignature,
    /// A hand-over of the log's key does not hold, or log and store tell of different ones.
    KeyHandover,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::LogFile,
        Self::LogGone,
        Self::LogBehind,
        Self::StoreBehind,
        Self::Root,
        Self::CheckpointSignature,
        Self::Mark,
        Self::EventMissing,
        Self::EventChanged,
        Self::IndexMissing,
        Self::IndexChanged,
        Self::BankChain,
        Self::BankMark,
        Self::WitnessAhead,
        Self::WitnessFork,
        Self::Cosignature,
        Self::KeyHandover,
    ];

    /// The stable name: the heading in docs/operations/ledger.md.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::LogFile => "log-file",
            Self::LogGone => "log-gone",
            Self::LogBehind => "log-behind",
            Self::StoreBehind => "store-behind",
            Self::Root => "root",
            Self::CheckpointSignature => "checkpoint-signature",
            Self::Mark => "mark",
            Self::EventMissing => "event-missing",
            Self::EventChanged => "event-changed",
            Self::IndexMissing => "index-missing",
            Self::IndexChanged => "index-changed",
            Self::BankChain => "bank-chain",
            Self::BankMark => "bank-mark",
            Self::WitnessAhead => "witness-ahead",
            Self::WitnessFork => "witness-fork",
            Self::Cosignature => "cosignature",
            Self::KeyHandover => "key-handover",
        }
    }

    /// What to do first, in a sentence.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::LogFile => "copy the folder away, look at the disk, and put the file back from a backup",
            Self::LogGone => "put the folder back from a backup: the entries are nowhere else",
            Self::LogBehind => {
                "an old folder was put back or the disk lost what it had promised: put back the newest folder"
            }
            Self::StoreBehind => {
                "an old database was put back, or somebody wrote to the log: put back the newest database"
            }
            Self::Root | Self::CheckpointSignature => {
                "somebody wrote to the log's files, or they are another log's: keep a copy, put back the folder"
            }
            Self::Mark => {
                "database and log are not of one time, or somebody wrote to the database: put both back"
            }
            Self::EventMissing | Self::EventChanged => {
                "somebody wrote to the database: keep a copy, put it back from a backup no older than the log"
            }
            Self::IndexMissing | Self::IndexChanged => {
                "the log is not touched by this: make the index again from the events, and ask who wrote to it"
            }
            Self::BankChain => {
                "the bank or the platform changed its history: keep copies of both and compare"
            }
            Self::BankMark => {
                "somebody wrote to the database: put it back from a backup no older than the log"
            }
            Self::WitnessAhead => {
                "log and database were both put back, and the witness remembers more: put back newer ones"
            }
            Self::WitnessFork => {
                "this is not the log the witness saw: keep everything and find out which is true"
            }
            Self::KeyHandover => {
                "somebody wrote to the database, or to the log under its key: ask the witnesses"
            }
            Self::Cosignature => "somebody wrote to the database; the log itself is not touched by this",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of place.
    pub kind: Kind,
    /// Where, and what is wrong there.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.code(), self.what)
    }
}

/// Findings in the order in which they were made, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The first [`MOST_TOLD`].
    pub told: Vec<Finding>,
    /// How many more there are.
    pub more: u64,
}

impl Findings {
    pub(super) fn add(&mut self, kind: Kind, what: impl fmt::Display) {
        match self.told.len() < MOST_TOLD {
            true => self.told.push(Finding { kind, what: what.to_string() }),
            false => self.more += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_section_in_the_runbook() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations/ledger.md");
        let runbook = std::fs::read_to_string(path).expect("the runbook is there");
        for kind in Kind::ALL {
            let heading = format!("\n### `{}`\n", kind.code());
            assert!(runbook.contains(&heading), "{heading}");
        }
    }

    #[test]
    fn findings_beyond_the_bound_are_counted() {
        let mut findings = Findings::default();
        (0..MOST_TOLD + 7).for_each(|number| findings.add(Kind::Mark, number));
        assert_eq!((findings.told.len(), findings.more), (MOST_TOLD, 7));
    }
}
