//! The check of a ledger: everything the platform stores about its log, compared with everything else it stores.
//!
//! It reads the log's files as they lie there, not through an open log, so it works on one that is refused; and it only
//! reads, so it may run beside the platform that appends. The files are read after the store's mark, and each page of
//! events with the mark of its moment, so that what the platform does meanwhile is never taken for damage.
//!
//! It is the one part of the ledger that asks what entries say. Start at [`check`]; what it can find is [`Kind`].

mod before;
mod content;
mod finding;
mod rows;
mod tree;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::ops::ControlFlow;

use bailee_audit::hash::Hash;
use bailee_audit::key::VerifyingKey;
use bailee_ledger::disk::Disk;
use bailee_ledger::{Found, inspect};
use tokio::sync::mpsc;

pub use finding::{Finding, Findings, Kind, MOST_TOLD};

use super::{BATCH, LedgerError, LogId};
use crate::store::tables::log_key;
use crate::store::{Db, Tx};
use before::Before;
use content::{Content, Expected};
use rows::EventSeen;
use tree::Tree;

/// Things found that are handed over at once.
const AT_ONCE: usize = 1_024;
/// Entries beyond the store's mark that are looked at one by one. No stop leaves more: a run that may not be the last one
/// notes for good.
const MOST_AHEAD: usize = 10 * BATCH;

/// What was looked at, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries read from the log's files.
    pub entries: u64,
    /// Events of the store that are the entry they say they are, each with its line in the search index.
    pub events: u64,
    /// Events that wait for their leaf.
    pub pending: u64,
    /// Entries the store has not noted yet: its next start, or the running platform's next run, does.
    pub unnoted: u64,
    /// Checkpoints whose signature held, each compared with the tree.
    pub checkpoints: u64,
    /// Cosignatures that held.
    pub cosignatures: u64,
    /// Banks whose chains were followed.
    pub banks: u64,
    /// Their events.
    pub bank_events: u64,
    /// What is wrong.
    pub findings: Findings,
}

/// A checkpoint that somebody else kept, such as a witness: the log must continue it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Where it is from, for people.
    pub name: String,
    /// The note.
    pub note: Vec<u8>,
}

/// Checks the log on that disk and the store against each other. `keys` are those that may have signed the log;
/// `progress` hears how many entries were looked at, and of how many.
///
/// # Errors
/// What kept store or folder from being read. What is wrong is in the report.
pub async fn check(
    db: &Db,
    (log, org): (&LogId, &str),
    keys: &[VerifyingKey],
    disk: Box<dyn Disk>,
    kept: &[Kept],
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Report, LedgerError> {
    let before = Before::read(db, log, org).await?;
    let mut run = Run::new(db, log, org, keys);
    let Run { tree, report, .. } = &mut run;
    report.cosignatures = before.claims(kept, tree, &mut report.findings);
    let total = before.mark.size;
    let origin = keys.first().map_or_else(String::new, |key| key.name().to_string());
    let (sender, mut found) = mpsc::channel(4);
    let looking = tokio::task::spawn_blocking(move || look(disk.as_ref(), &origin, &sender));
    while let Some(batch) = found.recv().await {
        run.take(batch);
        run.compare().await?;
        progress(run.next, total.max(run.next));
    }
    looking.await.map_err(|_| LedgerError::BrokenOff)??;
    run.finish(&before).await
}

/// Hands over what lies on the disk, in portions.
fn look(disk: &dyn Disk, origin: &str, sender: &mpsc::Sender<Vec<Found>>) -> Result<(), LedgerError> {
    let mut portion = Vec::with_capacity(AT_ONCE);
    let mut hear = |found| {
        portion.push(found);
        if portion.len() < AT_ONCE {
            return ControlFlow::Continue(());
        }
        match sender.blocking_send(std::mem::take(&mut portion)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    inspect(disk, origin, &mut hear)?;
    // Nobody listening any more is nobody's trouble.
    let _ = sender.blocking_send(portion);
    Ok(())
}

/// An entry that is compared with its event.
struct Seen {
    index: u64,
    leaf: Hash,
    expected: Option<Expected>,
}

struct Run {
    db: Db,
    log: LogId,
    org: String,
    tree: Tree,
    content: Content,
    report: Report,
    /// The next entry.
    next: u64,
    /// Whether anything lies in the folder.
    is_there: bool,
    /// Whether the log is known to end there.
    is_end_known: bool,
    page: Vec<Seen>,
    /// Entries the store had not noted when they were looked at, as many as are looked at one by one.
    ahead: Vec<Seen>,
}

impl Run {
    fn new(db: &Db, log: &LogId, org: &str, keys: &[VerifyingKey]) -> Self {
        Self {
            db: db.clone(),
            log: log.clone(),
            org: org.to_owned(),
            tree: Tree::new(keys.to_vec()),
            content: Content::new(),
            report: Report::default(),
            next: 0,
            is_there: false,
            is_end_known: true,
            page: Vec::new(),
            ahead: Vec::new(),
        }
    }

    fn take(&mut self, batch: Vec<Found>) {
        let findings = &mut self.report.findings;
        for found in batch {
            self.is_there = true;
            match found {
                Found::Entry { index, leaf, bytes } => {
                    self.tree.push(leaf, findings);
                    let expected = match bytes {
                        Some(bytes) => self.content.feed(&bytes, findings),
                        None => {
                            self.content.stop();
                            None
                        }
                    };
                    self.page.push(Seen { index, leaf, expected });
                    self.next = index + 1;
                    self.report.entries += 1;
                }
                Found::Note { name, size, note } => {
                    self.tree.note(&note, size, &name.to_string(), findings);
                }
                Found::Unknown { to, .. } => {
                    self.tree.stop();
                    self.content.stop();
                    self.is_end_known &= to.is_some();
                    self.next = to.unwrap_or(self.next);
                }
                Found::Wrong(error) => {
                    let why = error.source().map_or_else(String::new, |source| format!(": {source}"));
                    findings.add(Kind::LogFile, format!("{error}{why}"));
                }
            }
        }
    }

    /// Compares the entries taken with their events.
    async fn compare(&mut self) -> Result<(), LedgerError> {
        let page = std::mem::take(&mut self.page);
        let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(()) };
        let (log, org, from, to) = (self.log.clone(), self.org.clone(), first.index, last.index + 1);
        let read = async move |tx: Tx| rows::page(&tx, (&log, &org), from, to).await;
        let (mark, events) = self.db.read(read).await?;
        self.merge(page, events, mark.map_or(0, |mark| mark.head.size));
        Ok(())
    }

    fn merge(&mut self, page: Vec<Seen>, events: Vec<EventSeen>, mark: u64) {
        let mut events = events.into_iter().peekable();
        for seen in page {
            // Events of entries that can't be read have nothing to be compared with.
            while events.next_if(|event| event.leaf_index < Some(seen.index)).is_some() {}
            match events.next_if(|event| event.leaf_index == Some(seen.index)) {
                Some(event) => self.one(&seen, &event),
                None if seen.index < mark => {
                    let what = format!("entry {} has no event in the store", seen.index);
                    self.report.findings.add(Kind::EventMissing, what);
                }
                None if self.ahead.len() < MOST_AHEAD => self.ahead.push(seen),
                None => {}
            }
        }
    }

    fn one(&mut self, seen: &Seen, event: &EventSeen) {
        let findings = &mut self.report.findings;
        // What is still here of an event that the log has, a start was to drop.
        if event.bytes.as_ref().is_some_and(|(_, leaf)| *leaf != seen.leaf) {
            let name = content::name(event);
            return findings.add(Kind::EventChanged, format!("{name} has other bytes than the log"));
        }
        self.report.events += 1;
        if let Some(expected) = &seen.expected {
            expected.compare(event, findings);
        }
    }

    /// What can be told only when the end of the log is known.
    async fn finish(mut self, before: &Before) -> Result<Report, LedgerError> {
        let (log, org) = (self.log.clone(), self.org.clone());
        let from = self.ahead.first().map_or(self.next, |seen| seen.index);
        let read = async move |tx: Tx| {
            let (mark, events) = rows::page(&tx, (&log, &org), from, from + 2 * MOST_AHEAD as u64).await?;
            let mark = mark.map_or(0, |mark| mark.head.size);
            let pending = rows::pending(&tx, &org, MOST_AHEAD).await?;
            let beyond = rows::beyond(&tx, &org, mark).await?;
            let known = (rows::banks(&tx, &org).await?, log_key::all(&tx, log.as_str()).await?);
            Ok::<_, LedgerError>((mark, events, pending, beyond, known))
        };
        let (mark, events, pending, beyond, (banks, handed)) = self.db.read(read).await?;
        if let (1.., Some(first)) = beyond {
            let what = format!("{} event(s) are marked as entries from {first} on", beyond.0);
            self.report.findings.add(Kind::Mark, format!("{what}; the store's mark is {mark}"));
        }
        let is_behind = self.is_end_known && before.mark.size > self.next;
        let (of_log, later): (Vec<_>, Vec<_>) =
            events.into_iter().partition(|event| event.leaf_index < Some(self.next));
        let ahead = std::mem::take(&mut self.ahead);
        self.merge(ahead, of_log, mark);
        let rest = self.explain(mark, pending);
        if is_behind || !self.is_end_known || rest.len() + later.len() > MOST_AHEAD {
            self.content.stop();
        }
        self.report.pending = rest.len() as u64;
        for event in later.iter().chain(&rest) {
            self.feed(event);
        }
        self.content.compare_banks(&banks, &mut self.report.findings);
        if let Some(name) = self.tree.name() {
            self.content.compare_hand_overs(&name, &handed, &mut self.report.findings);
        }
        self.end(before)
    }

    /// Follows an event whose entry was not seen.
    fn feed(&mut self, event: &EventSeen) {
        let findings = &mut self.report.findings;
        match &event.bytes {
            Some((bytes, _)) => {
                if let Some(expected) = self.content.feed(bytes, findings) {
                    expected.compare(event, findings);
                }
            }
            None => {
                if event.leaf_index.is_none() {
                    let what = format!("the bytes of {} are gone", content::name(event));
                    findings.add(Kind::EventChanged, what);
                }
                self.content.pass(event);
            }
        }
    }

    /// Entries the store has not noted must each be an event that waits; gives the events that are left.
    fn explain(&mut self, mark: u64, pending: Vec<EventSeen>) -> Vec<EventSeen> {
        let findings = &mut self.report.findings;
        let ahead = std::mem::take(&mut self.ahead);
        let beyond = self.next.saturating_sub(mark);
        if !ahead.is_empty() && beyond > MOST_AHEAD as u64 {
            let what = format!("the log has {} entries, the store knows of {mark}", self.next);
            findings.add(Kind::StoreBehind, what);
            self.content.stop();
            return pending;
        }
        let mut waiting = BTreeMap::<[u8; 32], Vec<usize>>::new();
        for (place, event) in pending.iter().enumerate().rev() {
            if let Some((_, leaf)) = &event.bytes {
                waiting.entry(leaf.0).or_default().push(place);
            }
        }
        let mut is_taken = vec![false; pending.len()];
        for seen in &ahead {
            match waiting.get_mut(&seen.leaf.0).and_then(Vec::pop) {
                Some(place) => {
                    is_taken[place] = true;
                    if let Some(expected) = &seen.expected {
                        expected.compare(&pending[place], findings);
                    }
                }
                None => {
                    let what = format!("entry {} is no event that waits for its leaf", seen.index);
                    findings.add(Kind::StoreBehind, what);
                }
            }
        }
        self.report.unnoted = ahead.len() as u64;
        pending.into_iter().zip(is_taken).filter(|(_, is_taken)| !is_taken).map(|(event, _)| event).collect()
    }

    fn end(mut self, before: &Before) -> Result<Report, LedgerError> {
        let findings = &mut self.report.findings;
        if !self.is_there && before.mark.size > 0 {
            let what =
                format!("no file of the log is there; the store knows of {} entries", before.mark.size);
            findings.add(Kind::LogGone, what);
        } else if self.is_end_known {
            for row in before.witnesses.iter().filter(|row| row.size > self.next) {
                let what = format!("{} cosigned {} entries; the log has {}", row.name, row.size, self.next);
                findings.add(Kind::WitnessAhead, what);
            }
        }
        self.report.checkpoints = self.tree.checkpoints;
        let end = (self.is_there && self.is_end_known).then_some(self.next);
        self.tree.end(end, findings);
        let summary = self.content.summary();
        (self.report.banks, self.report.bank_events) = (summary.banks, summary.bank_events);
        Ok(self.report)
    }
}
