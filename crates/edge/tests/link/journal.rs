//! A journal in memory.

use bailee_domain::compartment::{Compartment, CompartmentNo, Layout, Reach, Size, Wiring};
use bailee_domain::event::{Event, EventKind, Severity};
use bailee_domain::id::BankId;
use bailee_domain::time::{TimeQuality, WallTime};
use bailee_edge::uplink::EventSource;
use bailee_vault::Secret;
use bailee_vault::sign::SigningKey;
use bailee_wire::event::{Hash, NO_EVENT, chain_hash, encode_bank, head_statement};
use bailee_wire::link::Hello;

pub const BANK: BankId = BankId::from_bytes([7; 16]);

pub fn device() -> SigningKey {
    SigningKey::from_seed(&Secret::new([3; 32]))
}

pub fn layout() -> Layout {
    Layout::new(vec![Compartment {
        number: CompartmentNo(1),
        size: Size::Small,
        reach: Reach::Low,
        wiring: Wiring { board: 1, channel: 1 },
        column: 0,
        row: 0,
        height: 1,
    }])
    .unwrap()
}

pub struct Journal {
    pub leaves: Vec<Vec<u8>>,
    prev: Hash,
    device: SigningKey,
    /// Events up to here are gone.
    pub forgotten: u64,
}

impl Journal {
    pub fn new() -> Self {
        Self { leaves: Vec::new(), prev: NO_EVENT, device: device(), forgotten: 0 }
    }

    pub fn routine(&mut self) -> u64 {
        self.append(EventKind::CompartmentClosed { compartment: CompartmentNo(1) }).0
    }

    pub fn append(&mut self, kind: EventKind) -> (u64, Severity) {
        let seq = self.leaves.len() as u64 + 1;
        let severity = kind.severity();
        let at = WallTime::from_unix_ms(1_800_000_000_000).plus_ms(seq.cast_signed());
        let leaf = encode_bank(BANK, &self.prev, &Event { seq, at, quality: TimeQuality::Trusted, kind });
        self.prev = chain_hash(&leaf);
        self.leaves.push(leaf);
        (seq, severity)
    }

    pub fn alarm(&mut self) -> (u64, Severity) {
        self.append(EventKind::CompartmentForced { compartment: CompartmentNo(1) })
    }
}

impl EventSource for Journal {
    fn hello(&mut self) -> Hello {
        Hello {
            bank: BANK,
            software: "test".into(),
            boot: 1,
            last_seq: self.head(),
            acked_seq: self.forgotten,
            roster_revision: 0,
            layout: layout(),
            clock: WallTime::default(),
            clock_quality: TimeQuality::Degraded,
            screens: 1,
            witness: None,
        }
    }

    fn head(&mut self) -> u64 {
        self.leaves.len() as u64
    }

    fn events_from(&mut self, seq: u64, max_bytes: usize) -> Vec<(u64, Vec<u8>)> {
        let mut left = max_bytes;
        if seq <= self.forgotten {
            return Vec::new();
        }
        (seq..)
            .zip(self.leaves.iter().skip(usize::try_from(seq - 1).unwrap()))
            .take_while(|(_, leaf)| {
                let fits = leaf.len() <= left;
                left = left.saturating_sub(leaf.len());
                fits
            })
            .map(|(seq, leaf)| (seq, leaf.clone()))
            .collect()
    }

    fn sign_head(&mut self, seq: u64, head: &Hash) -> [u8; 64] {
        self.device.sign(&head_statement(BANK, seq, head))
    }
}
