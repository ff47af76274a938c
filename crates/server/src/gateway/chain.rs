//! Whether a bank's next events continue what the platform holds of it.

use std::collections::{BTreeMap, VecDeque};

use bailee_domain::event::Event;
use bailee_domain::id::BankId;
use bailee_vault::sign::PublicKey;
use bailee_wire::event::{self, EventError, Hash, Leaf, NO_EVENT};
use bailee_wire::link::Events;

/// How many of the latest events a repeat can be compared with.
const REMEMBERED: usize = 512;

/// Up to where a bank's events are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The last event, 0 for none.
    pub seq: u64,
    /// [`event::chain_hash`] of its leaf, [`NO_EVENT`] for none.
    pub head: Hash,
}

impl Position {
    /// Before the first event.
    pub const START: Self = Self { seq: 0, head: NO_EVENT };
}

/// Consecutive new events of one bank, each checked to continue the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The bank.
    pub bank: BankId,
    /// The events, at least one.
    pub events: Vec<Checked>,
    /// The device key's statement about the last of them.
    pub head: Option<SignedHead>,
}

/// An event that continues its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What happened.
    pub event: Event,
    /// The bank's own bytes: the leaf of the custody log.
    pub leaf: Vec<u8>,
    /// [`event::chain_hash`] of the leaf.
    pub hash: Hash,
}

/// A signature that was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// After which event.
    pub seq: u64,
    /// The head.
    pub head: Hash,
    /// Over [`event::head_statement`].
    pub signature: [u8; 64],
}

/// Why events are not taken. Only a gap can be an accident of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// Events are missing in between.
    #[error("expected event {expected}, got {found}")]
    Gap {
        /// What should come.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// An event does not name the one held before it.
    #[error("event {seq} continues another history than the one held")]
    Fork {
        /// The event.
        seq: u64,
    },
    /// An event came again and is not what it was.
    #[error("event {seq} came again with other content")]
    ChangedRepeat {
        /// The event.
        seq: u64,
    },
    /// An event came again that is too old to be compared; a bank never does that.
    #[error("event {seq} came again long after it was acknowledged")]
    OldRepeat {
        /// The event.
        seq: u64,
    },
    /// An event is of another bank, or not where its batch says.
    #[error("event {seq} is not this bank's event of that number")]
    OtherBank {
        /// Where it came.
        seq: u64,
    },
    /// An event cannot be read.
    #[error("event {seq} is not readable: {error}")]
    Unreadable {
        /// Where it came.
        seq: u64,
        /// Why.
        error: EventError,
    },
    /// An alarm sent ahead was not what came in its turn.
    #[error("event {seq} is not the alarm that was sent ahead")]
    PreviewDiffers {
        /// The event.
        seq: u64,
    },
    /// The head is not signed by the bank's device key.
    #[error("the head after event {seq} is not signed by the bank's device key")]
    HeadSignature {
        /// After which event.
        seq: u64,
    },
    /// The bank's journal is older than what it sent before: restored or lost.
    #[error("the bank has written {claimed} events, the platform holds {stored}")]
    RolledBack {
        /// What the platform holds.
        stored: u64,
        /// What the bank has.
        claimed: u64,
    },
}

/// The end of a bank's chain as far as it was checked on this connection.
#[derive(Debug)]
pub(super) struct Chain {
    bank: BankId,
    device_key: PublicKey,
    recent: VecDeque<Position>,
}

impl Chain {
    pub(super) fn new(bank: BankId, device_key: [u8; 32], stored: Position) -> Self {
        Self { bank, device_key: PublicKey(device_key), recent: VecDeque::from([stored]) }
    }

    /// Up to where the chain was checked.
    pub(super) fn position(&self) -> Position {
        *self.recent.back().expect("never empty")
    }

    /// Checks events as a whole and takes the new ones; `None` when all of them are known.
    pub(super) fn extend(
        &mut self,
        events: &Events,
        previews: &BTreeMap<u64, Hash>,
    ) -> Result<Option<Batch>, Breach> {
        let mut end = self.position();
        // No bank ever gets to the end of the numbers.
        let last = u64::try_from(events.events.len()).ok().and_then(|n| events.first.checked_add(n));
        if last.is_none() {
            return Err(Breach::Gap { expected: end.seq.saturating_add(1), found: events.first });
        }
        let mut new = Vec::new();
        for (leaf, seq) in events.events.iter().zip(events.first..) {
            let (event, prev) = self.read(seq, leaf)?;
            let hash = event::chain_hash(leaf);
            if seq <= end.seq {
                self.repeat(seq, &hash, &new)?;
                continue;
            }
            if seq != end.seq + 1 {
                return Err(Breach::Gap { expected: end.seq + 1, found: seq });
            }
            if prev != end.head {
                return Err(Breach::Fork { seq });
            }
            if previews.get(&seq).is_some_and(|ahead| *ahead != hash) {
                return Err(Breach::PreviewDiffers { seq });
            }
            end = Position { seq, head: hash };
            new.push(Checked { event, leaf: leaf.clone(), hash });
        }
        if new.is_empty() {
            return Ok(None);
        }
        let head = self.signed(end, events.head_signature)?;
        self.remember(&new);
        Ok(Some(Batch { bank: self.bank, events: new, head }))
    }

    fn read(&self, seq: u64, leaf: &[u8]) -> Result<(Event, Hash), Breach> {
        match event::decode(leaf) {
            Ok(Leaf::Bank { bank, prev, event }) if bank == self.bank && event.seq == seq => {
                Ok((event, prev))
            }
            Ok(_) => Err(Breach::OtherBank { seq }),
            Err(error) => Err(Breach::Unreadable { seq, error }),
        }
    }

    fn repeat(&self, seq: u64, hash: &Hash, new: &[Checked]) -> Result<(), Breach> {
        let known = self.recent.iter().find(|p| p.seq == seq).map(|p| p.head);
        match known.or_else(|| new.iter().find(|c| c.event.seq == seq).map(|c| c.hash)) {
            Some(known) if known == *hash => Ok(()),
            Some(_) => Err(Breach::ChangedRepeat { seq }),
            None => Err(Breach::OldRepeat { seq }),
        }
    }

    fn signed(&self, end: Position, signature: Option<[u8; 64]>) -> Result<Option<SignedHead>, Breach> {
        let Some(signature) = signature else { return Ok(None) };
        let statement = event::head_statement(self.bank, end.seq, &end.head);
        match self.device_key.verify(&statement, &signature) {
            Ok(()) => Ok(Some(SignedHead { seq: end.seq, head: end.head, signature })),
            Err(_) => Err(Breach::HeadSignature { seq: end.seq }),
        }
    }

    fn remember(&mut self, new: &[Checked]) {
        self.recent.extend(new.iter().map(|c| Position { seq: c.event.seq, head: c.hash }));
        while self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
    }
}
