//! What a check says of a bundle that is sound.

use serde::Serialize;

use super::Log;
use crate::Statement;
use crate::facts::Facts;

/// Something to know about a bundle that is sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "note")]
pub enum Note {
    /// The key came from the bundle: anybody could have made it with a log of their own.
    KeyFromBundle,
    /// Events that their bank has not signed a head over.
    NotSignedByBank {
        /// How many.
        events: u64,
    },
    /// Entries that say they happened after the export.
    AfterExport {
        /// How many.
        entries: u64,
        /// The first.
        first: u64,
    },
    /// The report was drawn by another version and could not be compared.
    ReportNotCompared {
        /// That version.
        version: String,
    },
    /// Indexes between the entries asked for that are not here.
    Gaps {
        /// How many.
        skipped: u64,
    },
    /// Something was left out, on export or later.
    LeftOut {
        /// What, in words.
        what: String,
    },
}

/// What was checked, and found sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The log's origin line.
    pub origin: String,
    /// Entries in the tree of the checkpoint.
    pub tree_size: u64,
    /// What the bundle is about.
    pub subject: String,
    /// Why it was exported, if told.
    pub reason: Option<String>,
    /// Who exported it.
    pub exported_by: String,
    /// When.
    pub exported_at: String,
    /// Files whose hashes were checked.
    pub files: u64,
    /// Entries the bundle is about.
    pub asked: u64,
    /// Entries proved to be in the tree.
    pub entries: u64,
    /// Events of banks among them.
    pub bank_events: u64,
    /// Banks they are of.
    pub banks: u64,
    /// Signatures of banks over the heads of their chains.
    pub chain_heads: u64,
    /// Photos and other files among them that entries attach.
    pub enclosed: u64,
    /// Commitments opened.
    pub openings: u64,
    /// Signatures of the log's key on the checkpoint.
    pub checkpoint_signatures: usize,
    /// Signatures of others, such as witnesses, that were not checked here.
    pub other_signatures: usize,
    /// Whether the report was drawn again and compared.
    pub report_compared: bool,
    /// What else to know.
    pub notes: Vec<Note>,
    /// The signed checkpoint, for a policy to look at.
    #[serde(skip)]
    pub checkpoint: Vec<u8>,
}

pub(super) fn checked(
    statement: &Statement,
    log: Log,
    facts: &Facts,
    (files, enclosed, openings, report_compared): (usize, usize, usize, bool),
) -> Checked {
    Checked {
        origin: statement.log.origin.clone(),
        tree_size: log.tree.size,
        subject: statement.request.subject.clone(),
        reason: statement.request.reason.clone(),
        exported_by: statement.exported.by.clone(),
        exported_at: statement.exported.at.clone(),
        files: files as u64 + 1,
        asked: facts.counts.asked,
        entries: facts.counts.all,
        bank_events: facts.signed.events,
        banks: facts.signed.banks,
        chain_heads: facts.signed.heads,
        enclosed: enclosed as u64,
        openings: openings as u64,
        checkpoint_signatures: log.good,
        other_signatures: log.unchecked,
        report_compared,
        notes: notes(statement, &log, facts, report_compared),
        checkpoint: log.note,
    }
}

fn notes(statement: &Statement, log: &Log, facts: &Facts, report_compared: bool) -> Vec<Note> {
    let mut notes = Vec::new();
    if log.key_from_bundle {
        notes.push(Note::KeyFromBundle);
    }
    if let Some((first, _)) = facts.named_from_future.first() {
        notes.push(Note::AfterExport { entries: facts.from_future, first: *first });
    }
    if facts.signed.uncovered > 0 {
        notes.push(Note::NotSignedByBank { events: facts.signed.uncovered });
    }
    if statement.request.subject == "span" && facts.skipped > 0 {
        notes.push(Note::Gaps { skipped: facts.skipped });
    }
    notes.extend(statement.left_out.iter().map(|what| Note::LeftOut { what: what.clone() }));
    if !report_compared {
        notes.push(Note::ReportNotCompared { version: statement.report.clone() });
    }
    notes
}
