//! Durable events the platform has not confirmed, and where the bank stands: what the uplink reads.
//!
//! Shared between the engine's thread, which adds and removes, and the uplink, which copies a batch at a time.

use std::collections::VecDeque;

use bailee_domain::compartment::Layout;
use bailee_domain::event::Severity;
use bailee_domain::id::BankId;
use bailee_domain::time::Now;
use bailee_vault::sign::SigningKey;
use bailee_wire::event::{Hash, NO_EVENT, chain_hash, head_statement};
use bailee_wire::link::Hello;
use bailee_wire::record;

use crate::uplink::EventSource;

/// Who this bank is.
pub struct Identity {
    /// Its id.
    pub bank: BankId,
    /// Signs the heads of its chain of events.
    pub device: SigningKey,
    /// How it is built.
    pub layout: Layout,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiting {
    /// Its place in the journal.
    index: u64,
    seq: u64,
    leaf: Vec<u8>,
    severity: Severity,
}

/// Unconfirmed events, in order and without gaps.
pub struct Backlog {
    identity: Identity,
    waiting: VecDeque<Waiting>,
    head: Hash,
    last_seq: u64,
    acknowledged: u64,
    boot: u64,
    roster_revision: u64,
    now: Option<Now>,
    /// The verifier key of the bank's cosignatures.
    witness: Option<String>,
}

impl Backlog {
    /// A bank that has written nothing yet.
    pub const fn new(identity: Identity) -> Self {
        Self {
            identity,
            waiting: VecDeque::new(),
            head: NO_EVENT,
            last_seq: 0,
            acknowledged: 0,
            boot: 0,
            roster_revision: 0,
            now: None,
            witness: None,
        }
    }

    /// The bank is a witness, and cosigns with this key.
    pub fn witnesses_with(&mut self, key: String) {
        self.witness = Some(key);
    }

    /// Who this bank is.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// [`chain_hash`] of the last durable event.
    pub const fn head(&self) -> Hash {
        self.head
    }

    /// How many events the platform has not confirmed.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether the platform has confirmed everything.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The sequence number of the last durable event.
    pub(crate) const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Where in the journal the oldest unconfirmed event is.
    pub(crate) fn first_index(&self) -> Option<u64> {
        self.waiting.front().map(|waiting| waiting.index)
    }

    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
    }

    /// The next event is the one after `seq`, whose hash is `head`.
    pub(crate) const fn continues(&mut self, seq: u64, head: Hash) {
        self.last_seq = seq;
        self.head = head;
    }

    /// Adds a durable event, given as the journal's bytes and the index it has there.
    pub(crate) fn push(&mut self, index: u64, seq: u64, severity: Severity, payload: &[u8]) {
        let leaf = record::leaf(payload).expect("the record is an event").to_vec();
        self.head = chain_hash(&leaf);
        self.last_seq = seq;
        self.waiting.push_back(Waiting { index, seq, leaf, severity });
    }

    pub(crate) fn confirmed(&mut self, up_to: u64) {
        self.acknowledged = self.acknowledged.max(up_to);
        while self.waiting.front().is_some_and(|waiting| waiting.seq <= up_to) {
            self.waiting.pop_front();
        }
    }

    pub(crate) fn stands(&mut self, boot: u64, roster_revision: u64, now: Now) {
        self.boot = boot;
        self.roster_revision = roster_revision;
        self.now = Some(now);
    }

    /// The severity of an unconfirmed event.
    pub fn severity(&self, seq: u64) -> Option<Severity> {
        self.waiting.iter().find(|waiting| waiting.seq == seq).map(|waiting| waiting.severity)
    }
}

impl EventSource for Backlog {
    fn hello(&mut self) -> Hello {
        let now = self.now.expect("the link starts after the engine");
        Hello {
            bank: self.identity.bank,
            software: concat!("bailee ", env!("CARGO_PKG_VERSION")).to_owned(),
            boot: self.boot,
            last_seq: self.last_seq,
            acked_seq: self.acknowledged,
            roster_revision: self.roster_revision,
            layout: self.identity.layout.clone(),
            clock: now.wall,
            clock_quality: now.quality,
            screens: 1,
            witness: self.witness.clone(),
        }
    }

    fn head(&mut self) -> u64 {
        self.last_seq
    }

    fn events_from(&mut self, seq: u64, max_bytes: usize) -> Vec<(u64, Vec<u8>)> {
        let Some(first) = self.waiting.front().map(|waiting| waiting.seq) else { return Vec::new() };
        if seq < first {
            return Vec::new();
        }
        let skip = usize::try_from(seq - first).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let fits = |waiting: &&Waiting| {
            bytes += waiting.leaf.len();
            bytes <= max_bytes
        };
        self.waiting.iter().skip(skip).take_while(fits).map(|w| (w.seq, w.leaf.clone())).collect()
    }

    fn alarms(&mut self) -> Vec<u64> {
        let alarms = self.waiting.iter().filter(|waiting| waiting.severity == Severity::Alarm);
        alarms.map(|waiting| waiting.seq).collect()
    }

    fn sign_head(&mut self, seq: u64, head: &Hash) -> [u8; 64] {
        self.identity.device.sign(&head_statement(self.identity.bank, seq, head))
    }
}
