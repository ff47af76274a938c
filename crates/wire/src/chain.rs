//! Checks that the entries of one log are sound in themselves: every bank's sequence without gaps or repeats, its
//! hash chain unbroken, and every statement about a chain's head signed by that bank's device key.
//!
//! Knows nothing of Merkle trees; whether the entries are the logged ones is for `audit`. Feed a [`Checker`] every
//! entry in log order; it stops at the first that is unsound.

use std::collections::BTreeMap;

use bailee_domain::event::Event;
use bailee_domain::id::{BankId, OrgId};
use bailee_domain::platform::PlatformEventKind;

use crate::event::{self, EventError, Hash, Leaf, NO_EVENT};

/// A bank signs the head of its chain with every upload, and the platform logs that statement in the transaction of the
/// upload; so this many entries later it is long there.
pub const SIGNED_WITHIN: u64 = 4_096;

/// The first thing that is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {index}: {why}")]
pub struct Unsound {
    /// Which entry, from 0.
    pub index: u64,
    /// What is wrong with it.
    pub why: Fault,
}

/// What can be wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(EventError),
    /// It is of another organisation than the entries before it.
    #[error("it belongs to the log of {0}")]
    OtherLog(OrgId),
    /// It speaks of a bank that was not enrolled before.
    #[error("bank {0} was not enrolled before this entry")]
    NotEnrolled(BankId),
    /// A bank's sequence has a gap or a repeat.
    #[error("bank {bank} should be at sequence number {expected}, the entry has {found}")]
    Sequence {
        /// The bank.
        bank: BankId,
        /// What should follow.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// An event does not name the hash of the one before it.
    #[error("event {seq} of bank {bank} does not continue the event before it")]
    Chain {
        /// The bank.
        bank: BankId,
        /// The event.
        seq: u64,
    },
    /// A head statement is about an event that is not in the log, or another head than the log has there.
    #[error("the signed head of bank {bank} at {seq} is not the log's")]
    Head {
        /// The bank.
        bank: BankId,
        /// Where the statement puts its head.
        seq: u64,
    },
    /// No signed head covers an event within [`SIGNED_WITHIN`] entries: nothing shows that the bank wrote it.
    #[error("event {seq} of bank {bank} is not under a head the bank signed within {SIGNED_WITHIN} entries")]
    Unsigned {
        /// The bank.
        bank: BankId,
        /// The event.
        seq: u64,
    },
    /// A head statement's signature is not by the bank's device key.
    #[error("the head of bank {bank} at {seq} is not signed by its device key")]
    Signature {
        /// The bank.
        bank: BankId,
        /// Where the statement puts its head.
        seq: u64,
    },
}

/// What has been checked so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Entries in all.
    pub entries: u64,
    /// Of these, events of banks.
    pub bank_events: u64,
    /// Of these, statements of a bank about its head.
    pub heads: u64,
    /// Events of banks that no signed head covers yet.
    pub uncovered: u64,
    /// Banks with at least one event.
    pub banks: u64,
}

#[derive(Debug)]
struct Chain {
    device_key: [u8; 32],
    seq: u64,
    covered: u64,
    /// The hash at `covered` and at every event after it, with the entry it is in.
    tail: Vec<(Hash, u64)>,
}

/// Checks entries in log order; `verify(key, message, signature)` is Ed25519 (RFC 8032).
#[derive(Debug)]
pub struct Checker<V> {
    verify: V,
    org: Option<OrgId>,
    chains: BTreeMap<BankId, Chain>,
    /// The entry of the oldest event of each bank that no signed head covers.
    unsigned: BTreeMap<u64, BankId>,
    entries: u64,
    bank_events: u64,
    heads: u64,
    failed: Option<Unsound>,
}

impl<V: Fn(&[u8; 32], &[u8], &[u8; 64]) -> bool> Checker<V> {
    /// A checker at the beginning of a log.
    pub const fn new(verify: V) -> Self {
        Self {
            verify,
            org: None,
            chains: BTreeMap::new(),
            unsigned: BTreeMap::new(),
            entries: 0,
            bank_events: 0,
            heads: 0,
            failed: None,
        }
    }

    /// Checks the next entry and returns it decoded.
    ///
    /// # Errors
    /// What is wrong with it; from then on every call returns the same.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Leaf, Unsound> {
        if let Some(unsound) = &self.failed {
            return Err(unsound.clone());
        }
        let checked = self.check(bytes);
        match checked {
            Ok(leaf) => {
                self.entries += 1;
                Ok(leaf)
            }
            Err(why) => {
                let unsound = Unsound { index: self.entries, why };
                self.failed = Some(unsound.clone());
                Err(unsound)
            }
        }
    }

    fn check(&mut self, bytes: &[u8]) -> Result<Leaf, Fault> {
        let leaf = event::decode(bytes).map_err(Fault::Unreadable)?;
        self.all_signed_in_time()?;
        match &leaf {
            Leaf::Bank { bank, prev, event } => self.bank_event(*bank, prev, event, bytes)?,
            Leaf::Platform { org, event } => {
                if *self.org.get_or_insert(*org) != *org {
                    return Err(Fault::OtherLog(*org));
                }
                self.platform_event(&event.kind)?;
            }
        }
        Ok(leaf)
    }

    /// A fabricated event can't be followed by a head that its bank signed.
    fn all_signed_in_time(&self) -> Result<(), Fault> {
        match self.unsigned.first_key_value() {
            Some((entry, bank)) if self.entries - entry > SIGNED_WITHIN => {
                let seq = self.chains.get(bank).map_or(0, |chain| chain.covered) + 1;
                Err(Fault::Unsigned { bank: *bank, seq })
            }
            _ => Ok(()),
        }
    }

    fn bank_event(&mut self, bank: BankId, prev: &Hash, event: &Event, bytes: &[u8]) -> Result<(), Fault> {
        let chain = self.chains.get_mut(&bank).ok_or(Fault::NotEnrolled(bank))?;
        if chain.seq.checked_add(1) != Some(event.seq) {
            return Err(Fault::Sequence { bank, expected: chain.seq.saturating_add(1), found: event.seq });
        }
        if chain.tail.last().map(|(hash, _)| hash) != Some(prev) {
            return Err(Fault::Chain { bank, seq: event.seq });
        }
        if chain.seq == chain.covered {
            self.unsigned.insert(self.entries, bank);
        }
        chain.seq = event.seq;
        chain.tail.push((event::chain_hash(bytes), self.entries));
        self.bank_events += 1;
        Ok(())
    }

    fn platform_event(&mut self, kind: &PlatformEventKind) -> Result<(), Fault> {
        match kind {
            PlatformEventKind::BankEnrolled { bank, device_key } => {
                let fresh = Chain { device_key: *device_key, seq: 0, covered: 0, tail: vec![(NO_EVENT, 0)] };
                self.chains.entry(*bank).or_insert(fresh).device_key = *device_key;
                Ok(())
            }
            PlatformEventKind::ChainHead { bank, seq, head, signature } => {
                self.head(*bank, *seq, head, signature)
            }
            _ => Ok(()),
        }
    }

    fn head(&mut self, bank: BankId, seq: u64, head: &Hash, signature: &[u8; 64]) -> Result<(), Fault> {
        let chain = self.chains.get_mut(&bank).ok_or(Fault::NotEnrolled(bank))?;
        let at = seq.checked_sub(chain.covered).and_then(|n| usize::try_from(n).ok());
        match at.and_then(|at| chain.tail.get(at)) {
            Some((logged, _)) if logged == head && seq > 0 => {}
            _ => return Err(Fault::Head { bank, seq }),
        }
        if !(self.verify)(&chain.device_key, &event::head_statement(bank, seq, head), signature) {
            return Err(Fault::Signature { bank, seq });
        }
        if let Some((_, entry)) = chain.tail.get(1) {
            self.unsigned.remove(entry);
        }
        chain.tail.drain(..at.expect("found in the tail above"));
        chain.covered = seq;
        if let Some((_, entry)) = chain.tail.get(1) {
            self.unsigned.insert(*entry, bank);
        }
        self.heads += 1;
        Ok(())
    }

    /// What has been checked so far.
    pub fn summary(&self) -> Summary {
        Summary {
            entries: self.entries,
            bank_events: self.bank_events,
            heads: self.heads,
            uncovered: self.chains.values().map(|c| c.seq - c.covered).sum(),
            banks: self.chains.values().filter(|c| c.seq > 0).count() as u64,
        }
    }
}

#[cfg(test)]
mod tests;
