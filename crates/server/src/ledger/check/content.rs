//! What the entries themselves say: banks' chains, and the line each entry should have in the search index.

use std::collections::BTreeMap;

use bailee_audit::key::KeyName;
use bailee_domain::id::BankId;
use bailee_domain::platform::{KeyHandOver, PlatformEventKind};
use bailee_vault::sign::PublicKey;
use bailee_wire::chain::{Checker, Summary};
use bailee_wire::event::{Leaf, NO_EVENT, chain_hash, decode};

use super::finding::{Findings, Kind};
use super::rows::{BankSeen, EventSeen, LineSeen};
use crate::store::tables::log_index::Indexed;
use crate::store::tables::log_key;

type Verify = fn(&[u8; 32], &[u8], &[u8; 64]) -> bool;

/// What an entry's event and line must be.
pub(super) struct Expected {
    line: LineSeen,
    /// Which bank wrote it as which of its events; `None` for the platform.
    source: Option<(BankId, u64)>,
}

/// See the module.
pub(super) struct Content {
    checker: Checker<Verify>,
    /// Ends at the first thing wrong, or where entries are unknown.
    is_followed: bool,
    /// Ends where of an event no more is known than whose it is.
    is_read: bool,
    /// The last event of each bank: its number, and its bytes if they were read.
    last: BTreeMap<BankId, (u64, Option<Vec<u8>>)>,
    /// Hand-overs of the log's key.
    handed: Vec<KeyHandOver>,
    /// Whether these are all.
    is_handed_whole: bool,
}

impl Content {
    pub fn new() -> Self {
        let verify: Verify = |key, message, signature| PublicKey(*key).verify(message, signature).is_ok();
        Self {
            checker: Checker::new(verify),
            is_followed: true,
            is_read: true,
            last: BTreeMap::new(),
            handed: Vec::new(),
            is_handed_whole: true,
        }
    }

    /// The chains can't be followed any further.
    pub fn stop(&mut self) {
        self.is_followed = false;
    }

    /// Takes in the next entry; tells what the store should say of it, if it can be read.
    pub fn feed(&mut self, bytes: &[u8], findings: &mut Findings) -> Option<Expected> {
        if self.is_followed
            && self.is_read
            && let Err(unsound) = self.checker.feed(bytes)
        {
            findings.add(Kind::BankChain, unsound);
            self.is_followed = false;
        }
        let leaf = decode(bytes).ok()?;
        match &leaf {
            Leaf::Bank { bank, event, .. } => {
                let (seq, kept) = self.last.entry(*bank).or_default();
                *seq = event.seq;
                let kept = kept.get_or_insert_default();
                kept.clear();
                kept.extend_from_slice(bytes);
            }
            Leaf::Platform { event, .. } => {
                if let PlatformEventKind::LedgerKeyRolled { hand_over, .. } = &event.kind {
                    self.handed.push(hand_over.clone());
                }
            }
        }
        Some(expected(&leaf))
    }

    /// Takes in an event that went into the log after that was read: of its bytes nothing is known.
    pub fn pass(&mut self, event: &EventSeen) {
        self.is_read = false;
        if let Ok(bank) = event.source.0.parse() {
            self.last.insert(bank, (event.source.1, None));
        } else if event.line.as_ref().is_none_or(|line| line.kind == "LedgerKeyRolled") {
            self.is_handed_whole = false;
        }
    }

    /// What the checker has seen.
    pub fn summary(&self) -> Summary {
        self.checker.summary()
    }

    /// Checks the log's hand-overs, and that the store tells of the same ones.
    pub fn compare_hand_overs(&self, name: &KeyName, stored: &[KeyHandOver], findings: &mut Findings) {
        let wrong = |said: &KeyHandOver| !log_key::hand_over(name, said).is_sound();
        if let Some(place) = self.handed.iter().position(wrong) {
            let what = format!("hand-over {} of the log is not signed by both keys", place + 1);
            findings.add(Kind::KeyHandover, what);
        }
        if self.is_followed && self.is_handed_whole && self.handed != stored {
            let (log, store) = (self.handed.len(), stored.len());
            let what = format!("the log tells of {log} hand-over(s) of its key, the store of {store}");
            findings.add(Kind::KeyHandover, format!("{what}, and they are not the same"));
        }
    }

    /// Compares what the store notes of banks with their last events.
    pub fn compare_banks(&self, banks: &[BankSeen], findings: &mut Findings) {
        if !self.is_followed {
            return;
        }
        for bank in banks {
            let last = bank.id.parse().ok().and_then(|id: BankId| self.last.get(&id));
            let (seq, hash) =
                last.map_or((0, Some(NO_EVENT)), |(seq, bytes)| (*seq, bytes.as_deref().map(chain_hash)));
            if seq != bank.last_seq {
                let what = format!("the store notes event {} as the last of {}", bank.last_seq, bank.id);
                findings.add(Kind::BankMark, format!("{what}; its events end at {seq}"));
            } else if hash.is_some_and(|hash| hash != bank.last_hash) {
                let what = format!("the store notes another hash of event {seq} of {}", bank.id);
                findings.add(Kind::BankMark, what);
            }
        }
    }
}

fn expected(leaf: &Leaf) -> Expected {
    let (line, source) = match leaf {
        Leaf::Bank { bank, event, .. } => (Indexed::of_bank(*bank, event), Some((*bank, event.seq))),
        Leaf::Platform { org, event } => (Indexed::of_platform(*org, event), None),
    };
    let line = LineSeen {
        at: line.at.unix_ms(),
        severity: line.stored_severity(),
        bank: line.bank.map(String::from),
        actor: Some(line.actor),
        kind: line.kind,
    };
    Expected { line, source }
}

impl Expected {
    /// Compares an event of the store that is this entry.
    pub fn compare(&self, event: &EventSeen, findings: &mut Findings) {
        let name = name(event);
        if let Some((bank, seq)) = self.source
            && (event.source.0 != bank.to_string() || event.source.1 != seq)
        {
            let what = format!("{name} is filed as {} of {}", event.source.1, event.source.0);
            findings.add(Kind::EventChanged, format!("{what}; its bytes say {seq} of {bank}"));
        }
        let Some(line) = &event.line else {
            return findings.add(Kind::IndexMissing, format!("{name} has no line in the search index"));
        };
        let wrong = [
            ("time", line.at != self.line.at),
            ("kind", line.kind != self.line.kind),
            ("severity", line.severity != self.line.severity),
            ("bank", self.line.bank.is_some() && line.bank != self.line.bank),
            ("actor", line.actor != self.line.actor),
        ];
        if let Some((column, _)) = wrong.iter().find(|(_, is_wrong)| *is_wrong) {
            findings.add(Kind::IndexChanged, format!("the line of {name} has another {column}"));
        }
    }
}

/// How an event is named to people.
pub(super) fn name(event: &EventSeen) -> String {
    match event.leaf_index {
        Some(leaf) => format!("event {} (entry {leaf})", event.id),
        None => format!("event {} (no entry yet)", event.id),
    }
}
