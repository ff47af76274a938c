//! The invariants of a bank, checked while a run goes on (numbers as in SECURITY.md).
//!
//! A watch keeps its own small account of what a bank has durably written and what its doors did. It never asks the
//! engine what is right. A broken invariant panics with its number; the seed of the run is the way back to it.

use std::collections::{BTreeMap, BTreeSet};

use bailee_domain::bank::Lasting;
use bailee_domain::bank::screen::{Screen, View};
use bailee_domain::budget::{DAILY_MISSES, WEEKLY_MISSES};
use bailee_domain::compartment::{CompartmentNo, Sensed};
use bailee_domain::event::{Event, EventKind, OpeningNo, Purpose};
use bailee_domain::grant::MAX_ATTEMPTS;
use bailee_domain::id::{BankId, GrantId, ParcelId};
use bailee_domain::lockdown::{Area, Exercise, Grade};
use bailee_domain::time::{Now, WallTime};
use bailee_domain::truth::{Doubt, Seen};
use bailee_wire::event::{Hash, Leaf, NO_EVENT, chain_hash, decode};
use bailee_wire::record;

/// How far a restart may set a bank's time back: the time is written down every ten minutes, and while nothing
/// happens for days a run looks at a bank only that often.
const HIGH_WATER_MS: u64 = 50 * 60_000;
/// The platform's time may be this old when it arrives.
const TIME_WORTH_MS: u64 = 10_000;
/// How long after an order its lock may still move the door, in milliseconds.
const ORDER_MS: u64 = 15_000;
const DAY_MS: i64 = 86_400_000;

/// Panics with what is broken unless it holds.
macro_rules! holds {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            panic!($($what)+);
        }
    };
}
pub(super) use holds;

/// What is known of one grant.
#[derive(Clone, Copy, Debug)]
pub struct Granted {
    /// Whose parcel it opens to.
    pub parcel: ParcelId,
    /// Where.
    pub compartment: CompartmentNo,
    /// Until when.
    pub expires: WallTime,
    /// Which code is live, 0 before the first.
    pub generation: u8,
    /// How often its door was written to have opened for it.
    pub opened: u32,
    /// Openings intended since the last new code.
    pub attempts: u8,
    /// Ended by the platform.
    pub revoked: bool,
    /// Its time ended.
    pub expired: bool,
    /// Its parcel is gone.
    pub collected: bool,
}

/// The account of one bank.
#[derive(Debug)]
pub struct Watch {
    bank: BankId,
    /// Every durable event in order, as bytes.
    pub leaves: Vec<Vec<u8>>,
    /// The same, read.
    pub events: Vec<Event>,
    head: Hash,
    intents: BTreeMap<OpeningNo, (CompartmentNo, Purpose)>,
    /// Openings that have an outcome.
    settled: BTreeSet<OpeningNo>,
    /// Every order given to a lock, by its opening.
    orders: BTreeMap<OpeningNo, u32>,
    last_order: BTreeMap<CompartmentNo, u64>,
    /// Every grant the bank ever made.
    pub grants: BTreeMap<GrantId, Granted>,
    /// What lies where, by the bank's own events.
    pub contents: BTreeMap<CompartmentNo, ParcelId>,
    /// Lockdowns in force.
    held: BTreeMap<u64, (Area, Grade, Exercise)>,
    /// Compartments whose pickup was cut in two.
    interrupted: BTreeSet<CompartmentNo>,
    misses: Vec<WallTime>,
    reset_at: usize,
    coil: Option<(CompartmentNo, u64)>,
    sensed: BTreeMap<CompartmentNo, Sensed>,
    /// Doors seen open without authority of which no event is written yet.
    owed: BTreeSet<CompartmentNo>,
    /// The platform holds the events up to here.
    pub stored: u64,
    lag_ms: u64,
}

impl Watch {
    /// The account of a bank that has done nothing.
    pub fn new(bank: BankId) -> Self {
        Self {
            bank,
            leaves: Vec::new(),
            events: Vec::new(),
            head: NO_EVENT,
            intents: BTreeMap::new(),
            settled: BTreeSet::new(),
            orders: BTreeMap::new(),
            last_order: BTreeMap::new(),
            grants: BTreeMap::new(),
            contents: BTreeMap::new(),
            misses: Vec::new(),
            reset_at: 0,
            coil: None,
            sensed: BTreeMap::new(),
            owed: BTreeSet::new(),
            held: BTreeMap::new(),
            interrupted: BTreeSet::new(),
            stored: 0,
            lag_ms: TIME_WORTH_MS,
        }
    }

    /// The number of the next event.
    pub fn next_seq(&self) -> u64 {
        self.leaves.len() as u64 + 1
    }

    /// I5: takes note of a durable event, which must continue the one before.
    pub fn wrote(&mut self, leaf: Vec<u8>) -> EventKind {
        let bank = self.bank;
        let Ok(Leaf::Bank { bank: of, prev, event }) = decode(&leaf) else {
            panic!("I5: {bank} wrote something that is no event of a bank");
        };
        holds!(of == bank && event.seq == self.next_seq(), "I5: {bank} wrote {} out of order", event.seq);
        holds!(prev == self.head, "I5: event {} of {bank} does not continue the one before", event.seq);
        if let Some(before) = self.events.last() {
            holds!(event.at >= before.at, "I10: time went back at event {} of {bank}", event.seq);
        }
        self.head = chain_hash(&leaf);
        self.leaves.push(leaf);
        self.fold(&event);
        self.events.push(event.clone());
        event.kind
    }

    fn fold(&mut self, event: &Event) {
        let bank = self.bank;
        match event.kind {
            EventKind::OpeningIntended { compartment, purpose, .. } => {
                self.intended(event.seq, compartment, purpose);
            }
            EventKind::CompartmentOpened { compartment, opening } => self.opened(compartment, opening),
            EventKind::CompartmentDidNotOpen { opening, .. } => drop(self.settled.insert(opening)),
            EventKind::CompartmentForced { compartment }
            | EventKind::CompartmentFoundOpen { compartment } => {
                self.owed.remove(&compartment);
            }
            EventKind::ParcelDeposited(deposit) => {
                let before = self.contents.insert(deposit.compartment, deposit.parcel);
                holds!(
                    before.is_none(),
                    "I13: {bank} put a parcel into occupied compartment {}",
                    deposit.compartment
                );
                let (parcel, compartment, expires) = (deposit.parcel, deposit.compartment, deposit.expires);
                let granted = Granted {
                    parcel,
                    compartment,
                    expires,
                    generation: 0,
                    opened: 0,
                    attempts: 0,
                    revoked: false,
                    expired: false,
                    collected: false,
                };
                let before = self.grants.insert(deposit.grant, granted);
                holds!(before.is_none(), "I13: {bank} made a grant twice");
            }
            EventKind::ParcelCollected { parcel, compartment, grant } => {
                let found = self.contents.remove(&compartment);
                holds!(found == Some(parcel), "I13: {bank} handed over what was not in {compartment}");
                let granted = self.grant(grant);
                holds!(
                    granted.opened == 1,
                    "I13: a parcel was collected from a door that opened {} times",
                    granted.opened
                );
                granted.collected = true;
            }
            EventKind::GrantArmed { grant, generation, expires } => {
                let granted = self.grant(grant);
                holds!(generation > granted.generation, "I18: an older code came alive again");
                (granted.generation, granted.expires, granted.attempts) = (generation, expires, 0);
                (granted.revoked, granted.expired) = (false, false);
            }
            EventKind::GrantExpired { grant, .. } => self.grant(grant).expired = true,
            EventKind::GrantRevoked { grant } => self.grant(grant).revoked = true,
            EventKind::KeypadReset { .. } => self.reset_at = self.misses.len(),
            EventKind::LockdownBegan { area, grade, exercise, .. } => {
                self.held.insert(event.seq, (area, grade, exercise));
            }
            EventKind::LockdownChanged { lockdown, grade, .. } => {
                self.held.entry(lockdown).and_modify(|held| held.1 = grade);
            }
            EventKind::LockdownReleased { lockdown, .. } | EventKind::LockdownExpired { lockdown } => {
                self.held.remove(&lockdown);
            }
            EventKind::OccupancyDoubted { compartment, doubt: Doubt::Interrupted } => {
                self.interrupted.insert(compartment);
            }
            EventKind::OccupancyTold { compartment, seen, .. } => self.told(compartment, seen),
            _ => {}
        }
    }

    /// A parcel whose pickup was cut in two and that is still inside may be fetched with a new code.
    fn told(&mut self, compartment: CompartmentNo, seen: Seen) {
        if seen == Seen::CannotTell || !self.interrupted.remove(&compartment) || seen == Seen::Empty {
            return;
        }
        let parcel = self.contents.get(&compartment).copied();
        for granted in self.grants.values_mut().filter(|granted| Some(granted.parcel) == parcel) {
            (granted.opened, granted.attempts) = (0, 0);
        }
    }

    /// Whether a lockdown holds an opening of a compartment by somebody at the bank. Every column here is one door.
    fn is_held(&self, compartment: CompartmentNo) -> bool {
        self.held.values().any(|(area, grade, exercise)| {
            let here = match *area {
                Area::Door(number) => number == compartment,
                Area::Zone(column) => column == compartment.0,
                Area::Bank => true,
            };
            *exercise != Exercise::Drill && (*grade == Grade::HoldAll || *grade == Grade::HoldZone && here)
        })
    }

    fn grant(&mut self, grant: GrantId) -> &mut Granted {
        self.grants.get_mut(&grant).expect("the bank speaks of grants it made")
    }

    fn intended(&mut self, no: OpeningNo, compartment: CompartmentNo, purpose: Purpose) {
        match purpose {
            Purpose::DropOff { .. } => {
                let empty = !self.contents.contains_key(&compartment);
                holds!(empty, "I13: occupied compartment {compartment} of {} was assigned", self.bank);
            }
            Purpose::Pickup { grant, .. } => self.grant(grant).attempts += 1,
            Purpose::Inspect { .. } => panic!("I2: {} opens {compartment} and nobody asked", self.bank),
        }
        self.intents.insert(no, (compartment, purpose));
    }

    /// I1: a door was written to have opened.
    fn opened(&mut self, compartment: CompartmentNo, opening: OpeningNo) {
        let (intended, purpose) = *self.intents.get(&opening).expect("an opening has an intent");
        holds!(intended == compartment, "I12: intended {intended}, opened {compartment}");
        self.settled.insert(opening);
        if let Purpose::Pickup { grant, .. } = purpose {
            let granted = self.grant(grant);
            granted.opened += 1;
            holds!(granted.opened == 1, "I1: a grant opened its door twice");
        }
    }

    /// I2, I9, I10, I12, I13: an order to a lock leaves the controller. `ahead` is the true time.
    pub fn ordered(
        &mut self,
        compartment: CompartmentNo,
        now: Now,
        (ms, truth): (u64, WallTime),
        view: &View,
    ) -> u32 {
        let bank = self.bank;
        let last = self.intents.iter().rev().find(|(_, (c, _))| *c == compartment);
        let Some((no, (_, purpose))) = last.map(|(no, it)| (*no, *it)) else {
            panic!("I2: {bank} drives lock {compartment} without an intent");
        };
        holds!(
            !self.settled.contains(&no),
            "I2: {bank} drives lock {compartment} for an opening that is over"
        );
        let orders = self.orders.entry(no).or_default();
        *orders += 1;
        let orders = *orders;
        holds!(orders <= 2, "I2: {bank} drives lock {compartment} {orders} times on one intent");
        holds!(
            !self.is_held(compartment),
            "I26: a lockdown holds {compartment} of {bank}, and its lock is driven"
        );
        self.last_order.insert(compartment, ms);
        let shown = matches!(view.screen, Screen::Opening { compartment: c, .. } if c == compartment);
        holds!(shown, "I12: {bank} opens {compartment} and shows {:?}", view.screen);
        let lag = truth.since_ms(now.wall);
        let allowed = i64::try_from(self.lag_ms).unwrap_or(i64::MAX);
        holds!(lag <= allowed, "I10: {bank} is {lag} ms behind the true time, {allowed} can be explained");
        if let Purpose::Pickup { grant, .. } = purpose {
            let granted = *self.grant(grant);
            holds!(!granted.revoked, "I9: a revoked grant opens {compartment} of {bank}");
            holds!(
                !granted.expired && now.wall < granted.expires,
                "I10: an expired grant opens {compartment} of {bank}"
            );
            holds!(granted.generation > 0, "I18: a grant without a code opens {compartment} of {bank}");
            holds!(granted.opened == 0, "I1: a used grant drives a lock of {bank}");
            holds!(
                granted.attempts <= MAX_ATTEMPTS,
                "I1: {} attempts on one code at {bank}",
                granted.attempts
            );
        }
        orders
    }

    /// I12: a coil moves.
    pub fn coil(&mut self, compartment: CompartmentNo, ms: u64, lasts_ms: u64) {
        if let Some((other, until)) = self.coil {
            holds!(
                other == compartment || until <= ms,
                "I12: coils {other} and {compartment} of {} together",
                self.bank
            );
        }
        self.coil = Some((compartment, ms + lasts_ms));
        self.last_order.insert(compartment, ms);
    }

    /// I3: a reading reached the controller. What nobody can have authorised is owed as an event.
    pub fn read(&mut self, compartment: CompartmentNo, sensed: Sensed, ms: u64) {
        let before = self.sensed.insert(compartment, sensed);
        let recent = self.last_order.get(&compartment).is_some_and(|at| ms <= at + ORDER_MS);
        match sensed {
            Sensed::Open if before == Some(Sensed::Closed) && !recent => drop(self.owed.insert(compartment)),
            Sensed::Open => {}
            // Closed again before anything could be written, or not known any more.
            Sensed::Closed | Sensed::Unknown => drop(self.owed.remove(&compartment)),
        }
    }

    /// I3: nothing may be owed once the controller works and has handled what it was told.
    pub fn settled(&self) {
        holds!(self.owed.is_empty(), "I3: {} saw {:?} open and wrote nothing", self.bank, self.owed);
    }

    /// I11: a code was compared and was nobody's.
    pub fn missed(&mut self, wall: WallTime) {
        self.misses.push(wall);
        let day = self.misses_within(wall, DAY_MS);
        holds!(day <= DAILY_MISSES, "I11: {day} misses in a day at {}", self.bank);
    }

    fn misses_within(&self, wall: WallTime, span_ms: i64) -> usize {
        self.misses[self.reset_at..].iter().filter(|at| wall.since_ms(**at) < span_ms).count()
    }

    /// The platform's authenticated time reached the controller.
    pub const fn trusted(&mut self) {
        self.lag_ms = TIME_WORTH_MS;
    }

    /// I4, I11: the journal after a start. What was durable is still there; what was cut off may be more.
    pub fn restarted(&mut self, payloads: &[Vec<u8>], off_ms: u64) -> usize {
        let bank = self.bank;
        let leaves: Vec<&[u8]> = payloads.iter().filter_map(|payload| record::leaf(payload)).collect();
        let held = leaves.iter().zip(&self.leaves).take_while(|(found, known)| *found == known).count();
        holds!(held == self.leaves.len(), "I4: {bank} lost event {} of {}", held + 1, self.leaves.len());
        for leaf in &leaves[held..] {
            self.wrote(leaf.to_vec());
        }
        for no in self.orders.keys() {
            holds!(self.intents.contains_key(no), "I2: {bank} drove a lock without a durable intent");
        }
        self.lag_ms = self.lag_ms.saturating_add(off_ms).saturating_add(HIGH_WATER_MS);
        self.sensed.clear();
        self.owed.clear();
        self.coil = None;
        leaves.len() - held
    }

    /// I11: the engine counts at least what was compared. I13: it believes what its events say.
    pub fn agrees(&self, lasting: &Lasting, wall: WallTime) {
        let bank = self.bank;
        let counted = lasting.budget.misses().filter(|(_, at)| wall.since_ms(*at) < DAY_MS).count();
        let compared = self.misses_within(wall, DAY_MS).min(WEEKLY_MISSES);
        holds!(counted >= compared, "I11: {bank} counts {counted} misses of {compared} after a start");
        holds!(lasting.contents == self.contents, "I13: {bank} believes something else than it wrote");
    }

    /// I5: the platform says that it holds the events up to here.
    pub fn acknowledged(&self, up_to: u64) {
        holds!(
            up_to <= self.stored,
            "I5: {} of {} was acknowledged, {} is held",
            up_to,
            self.bank,
            self.stored
        );
    }

    /// Whether this opening was for a pickup, and whose.
    pub fn purpose_of(&self, compartment: CompartmentNo) -> Option<Purpose> {
        self.intents.values().rev().find(|(c, _)| *c == compartment).map(|(_, purpose)| *purpose)
    }

    /// The grant of a parcel.
    pub fn grant_of(&self, parcel: ParcelId) -> Option<(GrantId, Granted)> {
        self.grants.iter().find(|(_, granted)| granted.parcel == parcel).map(|(id, granted)| (*id, *granted))
    }
}
