//! Events as an organisation of this size makes them: visits of couriers and recipients at many banks at once, with
//! the platform's own events between them. Encoded by `wire`, chained like a bank's, the same for the same seed.

use std::collections::VecDeque;

use bailee_domain::compartment::{CompartmentNo, Size};
use bailee_domain::event::{Deposit, Event, EventKind, Purpose, Refusal, Surface};
use bailee_domain::id::{BankId, CarrierId, GrantId, MessageId, OrgId, ParcelId, PersonId};
use bailee_domain::platform::{Actor, Channel, PlatformEvent, PlatformEventKind};
use bailee_domain::time::{TimeQuality, WallTime};
use bailee_wire::event::{NO_EVENT, chain_hash, encode_bank, encode_platform};

const BANKS: usize = 120;
const COMPARTMENTS: u16 = 60;
const RECIPIENTS_OF_A_BANK: usize = 120;
const COURIERS: usize = 300;
const CARRIERS: usize = 8;
/// Visits that happen at the same time somewhere.
const VISITS: usize = 6;
const START_MS: i64 = 1_800_000_000_000;
const THREE_DAYS_MS: i64 = 72 * 3_600_000;
/// Events of a bank between two signed heads of its chain.
const HEAD_EVERY: u64 = 100;

/// An endless source of entries.
pub struct Events {
    dice: Dice,
    now_ms: i64,
    org: OrgId,
    banks: Vec<Bank>,
    couriers: Vec<PersonId>,
    carriers: Vec<CarrierId>,
    visits: Vec<VecDeque<Fact>>,
}

struct Bank {
    id: BankId,
    seq: u64,
    prev: [u8; 32],
    recipients: Vec<PersonId>,
    free: Vec<u16>,
    stored: Vec<(u16, ParcelId, GrantId, PersonId)>,
}

/// Something about to happen.
enum Fact {
    /// At a bank; an opening names the number of its intent.
    At(usize, EventKind),
    Opened(usize, u16),
    Head(usize),
    Platform(PlatformEventKind),
}

/// SplitMix64: enough for samples, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// The bytes of an id made at that time: 48 bits of it, 80 random bits.
    fn id(&mut self, at_ms: i64) -> [u8; 16] {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.next().to_be_bytes());
        id[8..].copy_from_slice(&self.next().to_be_bytes());
        id[..6].copy_from_slice(&at_ms.to_be_bytes()[2..]);
        id
    }
}

impl Events {
    /// The events of that seed.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let old = |dice: &mut Dice| {
            let before = dice.below(1 << 34) as i64;
            dice.id(START_MS - before)
        };
        let org = OrgId::from_bytes(old(&mut dice));
        let couriers = (0..COURIERS).map(|_| PersonId::from_bytes(old(&mut dice))).collect();
        let carriers = (0..CARRIERS).map(|_| CarrierId::from_bytes(old(&mut dice))).collect();
        let banks = (0..BANKS)
            .map(|_| Bank {
                id: BankId::from_bytes(old(&mut dice)),
                seq: 0,
                prev: NO_EVENT,
                recipients: (0..RECIPIENTS_OF_A_BANK).map(|_| PersonId::from_bytes(old(&mut dice))).collect(),
                free: (1..=COMPARTMENTS).collect(),
                stored: Vec::new(),
            })
            .collect();
        let visits = (0..VISITS).map(|_| VecDeque::new()).collect();
        Self { dice, now_ms: START_MS, org, banks, couriers, carriers, visits }
    }

    /// Whose events they are.
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// The next entry.
    pub fn entry(&mut self) -> Vec<u8> {
        loop {
            let visit = self.dice.below(VISITS);
            match self.visits[visit].pop_front() {
                Some(fact) => {
                    self.now_ms += self.dice.below(2_500) as i64;
                    return self.encode(fact);
                }
                None => self.visits[visit] = self.visit(),
            }
        }
    }

    fn encode(&mut self, fact: Fact) -> Vec<u8> {
        match fact {
            Fact::At(bank, kind) => self.at_bank(bank, kind),
            Fact::Opened(bank, compartment) => {
                let opening = self.banks[bank].seq;
                self.at_bank(
                    bank,
                    EventKind::CompartmentOpened { compartment: CompartmentNo(compartment), opening },
                )
            }
            Fact::Head(bank) => {
                let mut signature = [0; 64];
                signature
                    .chunks_exact_mut(8)
                    .for_each(|chunk| chunk.copy_from_slice(&self.dice.next().to_be_bytes()));
                let Bank { id, seq, prev, .. } = self.banks[bank];
                self.platform(PlatformEventKind::ChainHead { bank: id, seq, head: prev, signature })
            }
            Fact::Platform(kind) => self.platform(kind),
        }
    }

    fn at_bank(&mut self, bank: usize, kind: EventKind) -> Vec<u8> {
        let bank = &mut self.banks[bank];
        bank.seq += 1;
        let at = WallTime::from_unix_ms(self.now_ms);
        let event = Event { seq: bank.seq, at, quality: TimeQuality::Trusted, kind };
        let bytes = encode_bank(bank.id, &bank.prev, &event);
        bank.prev = chain_hash(&bytes);
        bytes
    }

    fn platform(&mut self, kind: PlatformEventKind) -> Vec<u8> {
        let at = WallTime::from_unix_ms(self.now_ms);
        let event = PlatformEvent { at, actor: Actor::Platform, kind };
        encode_platform(self.org, &event).expect("the texts are short")
    }

    fn visit(&mut self) -> VecDeque<Fact> {
        let bank = self.dice.below(BANKS);
        let mut facts = VecDeque::new();
        let is_full = self.banks[bank].free.len() < 12;
        match self.dice.below(100) {
            0..3 => {
                let refusal =
                    EventKind::AccessRefused { surface: Surface::Keypad, reason: Refusal::UnknownCode };
                facts.push_back(Fact::At(bank, refusal));
            }
            3..6 => {
                let bank = self.banks[bank].id;
                facts.push_back(Fact::Platform(PlatformEventKind::BankOffline { bank }));
                facts.push_back(Fact::Platform(PlatformEventKind::BankOnline { bank }));
            }
            6..30 if !is_full => self.drop_offs(bank, &mut facts),
            _ if !self.banks[bank].stored.is_empty() => self.pickup(bank, &mut facts),
            _ => self.drop_offs(bank, &mut facts),
        }
        if self.banks[bank].seq % HEAD_EVERY > HEAD_EVERY - 12 {
            facts.push_back(Fact::Head(bank));
        }
        facts
    }

    fn drop_offs(&mut self, bank: usize, facts: &mut VecDeque<Fact>) {
        let (courier, carrier) =
            (self.couriers[self.dice.below(COURIERS)], self.carriers[self.dice.below(CARRIERS)]);
        facts.push_back(Fact::At(bank, EventKind::CourierSignedIn { courier, carrier }));
        for _ in 0..1 + self.dice.below(6) {
            let place = self.dice.below(self.banks[bank].free.len());
            let number = self.banks[bank].free.swap_remove(place);
            let (parcel, grant) = (
                ParcelId::from_bytes(self.dice.id(self.now_ms)),
                GrantId::from_bytes(self.dice.id(self.now_ms)),
            );
            let recipient = self.banks[bank].recipients[self.dice.below(RECIPIENTS_OF_A_BANK)];
            let (compartment, size) = (CompartmentNo(number), Size::ALL[self.dice.below(4)]);
            let expires =
                WallTime::from_unix_ms(self.now_ms + THREE_DAYS_MS + self.dice.below(20_000) as i64);
            let purpose = Purpose::DropOff { parcel, recipient, courier, carrier, size };
            let deposit = Deposit { parcel, grant, compartment, recipient, courier, carrier, size, expires };
            let message = MessageId::from_bytes(self.dice.id(self.now_ms));
            facts.extend([
                Fact::At(bank, EventKind::OpeningIntended { compartment, purpose, attempt: 1 }),
                Fact::Opened(bank, number),
                Fact::At(bank, EventKind::CompartmentClosed { compartment }),
                Fact::At(bank, EventKind::ParcelDeposited(deposit)),
                Fact::Platform(PlatformEventKind::CodeIssued { grant, generation: 1 }),
                Fact::At(bank, EventKind::GrantArmed { grant, generation: 1, expires }),
                Fact::Platform(PlatformEventKind::NotificationSent {
                    message,
                    person: recipient,
                    channel: Channel::Email,
                }),
            ]);
            self.banks[bank].stored.push((number, parcel, grant, recipient));
            if self.banks[bank].free.is_empty() {
                break;
            }
        }
    }

    fn pickup(&mut self, bank: usize, facts: &mut VecDeque<Fact>) {
        let place = self.dice.below(self.banks[bank].stored.len());
        let (number, parcel, grant, person) = self.banks[bank].stored.swap_remove(place);
        self.banks[bank].free.push(number);
        let compartment = CompartmentNo(number);
        let purpose = Purpose::Pickup { parcel, grant, surface: Surface::Keypad };
        let message = MessageId::from_bytes(self.dice.id(self.now_ms));
        facts.extend([
            Fact::At(bank, EventKind::OpeningIntended { compartment, purpose, attempt: 1 }),
            Fact::Opened(bank, number),
            Fact::At(bank, EventKind::ParcelCollected { parcel, compartment, grant }),
            Fact::At(bank, EventKind::CompartmentClosed { compartment }),
            Fact::Platform(PlatformEventKind::NotificationSent { message, person, channel: Channel::Email }),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use bailee_wire::event::{Leaf, decode};

    use super::*;

    #[test]
    fn entries_are_leaves_and_chains_hold() {
        let mut events = Events::new(1);
        let mut heads = std::collections::BTreeMap::new();
        for _ in 0..5_000 {
            let entry = events.entry();
            if let Leaf::Bank { bank, prev, event } = decode(&entry).expect("a leaf") {
                let before = heads.insert(bank, (event.seq, chain_hash(&entry)));
                assert_eq!(before.unwrap_or((0, NO_EVENT)), (event.seq - 1, prev));
            }
        }
    }
}
