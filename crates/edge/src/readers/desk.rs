//! Where one reader's reads become facts: numbers become keyed MACs here and go no further.
//!
//! It must never log, keep or pass on a badge's number, and never block on its receiver: reads give way, conditions
//! wait until they are taken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bailee_domain::badge::{Assurance, BadgeKind, BadgeShown};
use bailee_vault::badge::BadgeKey;

use super::config::{Accept, Carries, Proves};
use super::fact::{Condition, Fact, ReaderNo, Standing};
use super::gate::{Admitted, Gate};
use super::osdp::reply::RawBadge;
use super::wedge::typed_number;
use super::wiegand;

/// Where facts go: it must not block, and gives back what it has no room for.
pub type FactSink = Arc<dyn Fn(Fact) -> Result<(), Fact> + Send + Sync>;

/// One reader's desk.
pub struct Desk {
    reader: ReaderNo,
    accept: Accept,
    key: Arc<BadgeKey>,
    sink: FactSink,
    gate: Gate,
    standing: BTreeSet<Condition>,
    untold: BTreeMap<Condition, Standing>,
}

impl Desk {
    /// The desk of a reader.
    pub fn new(reader: ReaderNo, accept: Accept, key: Arc<BadgeKey>, sink: FactSink) -> Self {
        let (gate, standing, untold) = (Gate::new(), BTreeSet::new(), BTreeMap::new());
        Self { reader, accept, key, sink, gate, standing, untold }
    }

    /// Which reader it is.
    pub const fn reader(&self) -> ReaderNo {
        self.reader
    }

    /// A badge came as bits.
    pub fn bits(&mut self, badge: &RawBadge, now: Duration) {
        match self.number_of(badge) {
            Some((format, number)) => self.number(format, &number, self.kind(), now),
            None => self.unreadable(now),
        }
    }

    fn number_of(&self, badge: &RawBadge) -> Option<(&'static str, Vec<u8>)> {
        let number = wiegand::decode(badge.bits, &badge.data).ok();
        if let Some(number) = number.filter(|number| self.accept.takes(number.width)) {
            return Some((number.width.name(), number.bytes()));
        }
        let is_serial = matches!(badge.bits, 32 | 56 | 80) && self.accept.serials();
        is_serial.then(|| ("uid", badge.data.clone()))
    }

    /// A card's serial number was read.
    pub fn serial(&mut self, serial: &[u8], now: Duration) {
        self.number("uid", serial, BadgeKind::Identifier, now);
    }

    /// Something was read that is no badge.
    pub fn unreadable(&mut self, now: Duration) {
        if self.admit(now, [0; 32]) {
            self.offer(Fact::Unreadable(self.reader));
        }
    }

    /// A text was read: a token, or a badge's number, as the reader is set up.
    pub fn text(&mut self, text: String, now: Duration) {
        match self.accept.carries() {
            Carries::Tokens => {
                // A digest under the badge key, only to notice the same code lying there.
                let digest = self.key.mac("text", text.as_bytes());
                if self.admit(now, digest) {
                    self.offer(Fact::Text(self.reader, text));
                }
            }
            Carries::Barcodes => self.number("barcode", text.as_bytes(), BadgeKind::Barcode, now),
            Carries::Badges(written) => match typed_number(written, &text) {
                Some((format, number)) => self.number(format, &number, BadgeKind::Identifier, now),
                None => self.unreadable(now),
            },
        }
    }

    const fn kind(&self) -> BadgeKind {
        match self.accept.proves() {
            Proves::Number => BadgeKind::Identifier,
            Proves::Application => BadgeKind::Application,
            Proves::Phone => BadgeKind::Phone,
        }
    }

    fn number(&mut self, format: &str, number: &[u8], kind: BadgeKind, now: Duration) {
        let mac = self.key.mac(format, number);
        if !self.admit(now, mac) {
            return;
        }
        let assurance = match kind {
            BadgeKind::Identifier | BadgeKind::Barcode => Assurance::Weak,
            BadgeKind::Application | BadgeKind::Phone => Assurance::Strong,
        };
        self.offer(Fact::Badge(BadgeShown { reader: self.reader.0, kind, assurance, mac }));
    }

    fn admit(&mut self, now: Duration, digest: [u8; 32]) -> bool {
        self.tick(now);
        match self.gate.admit(now, digest) {
            Admitted::Yes => true,
            Admitted::Again => false,
            Admitted::Flood => {
                self.condition(Condition::Flooding, Standing::Raised);
                false
            }
        }
    }

    /// Time passed: a flood may be over, and what could not be told may be now.
    pub fn tick(&mut self, now: Duration) {
        if self.gate.calmed(now) {
            self.condition(Condition::Flooding, Standing::Cleared);
        }
        let untold = std::mem::take(&mut self.untold);
        for (condition, standing) in untold {
            self.tell(condition, standing);
        }
    }

    /// A condition begins or ends; saying so twice says it once.
    pub fn condition(&mut self, condition: Condition, standing: Standing) {
        let changed = match standing {
            Standing::Raised => self.standing.insert(condition),
            Standing::Cleared => self.standing.remove(&condition),
        };
        if changed {
            self.tell(condition, standing);
        }
    }

    fn tell(&mut self, condition: Condition, standing: Standing) {
        if (self.sink)(Fact::Condition(self.reader, condition, standing)).is_err() {
            self.untold.insert(condition, standing);
        }
    }

    fn offer(&self, read: Fact) {
        if (self.sink)(read).is_err() {
            // The person will hold it there once more.
            tracing::warn!(reader = self.reader.0, "the controller has no time for this reader");
        }
    }
}
