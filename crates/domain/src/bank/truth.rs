//! Physical truth: what is so at each compartment, how sure that is, and what to do about a doubt.
//!
//! A doubt never opens a door and never lets one be used as if nothing were: the next person is asked, an item sensor or
//! a person of the staff settles it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::io::Answer;
use super::screen::Notice;
use super::session::{PickupStep, Session, Step};
use super::{Bank, Turn};
use crate::compartment::{CompartmentNo, OutOfService, Sensed};
use crate::event::{EventKind, OpeningNo, Problem};
use crate::grant::GrantState;
use crate::id::{GrantId, ParcelId, PersonId};
use crate::tamper::{Sign, Source, Tamper};
use crate::time::{MonoTime, Now, WallTime};
use crate::truth::{Commanded, Confidence, Doubt, Fact, ItemSensed, Occupied, Seen, Teller, Truth};

/// An item sensor is believed after it said the same for this long with the door closed.
const SETTLED_MS: u64 = 3_000;
/// After so many changes with the door closed it is not believed until the door moves.
const MOST_TURNS: u8 = 3;
/// How long the kiosk asks whoever is there about a door that was just closed.
const ASKS_FOR_MS: u64 = 2 * 60_000;

/// What is known of the compartments besides what is written down.
#[derive(Debug, Default)]
pub(super) struct TruthRun {
    stamps: BTreeMap<CompartmentNo, Stamps>,
    items: BTreeMap<CompartmentNo, Item>,
    /// The door the kiosk asks about, and until when.
    asks: Option<(CompartmentNo, MonoTime)>,
    /// The door that a courier left open and went away from: whoever comes next can only close it.
    unattended: Option<CompartmentNo>,
    /// The sequence number of this start: openings before it were not seen by this engine.
    pub(super) started: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stamps {
    commanded: Commanded,
    commanded_at: Option<WallTime>,
    latch_at: Option<WallTime>,
    door_at: Option<WallTime>,
    occupied_at: Option<WallTime>,
    /// Somebody or something looked inside.
    seen: bool,
}

#[derive(Clone, Copy, Debug)]
struct Item {
    says: ItemSensed,
    since: MonoTime,
    /// Changes since the door last moved.
    turns: u8,
    /// Whether what it says has been acted on.
    judged: bool,
}

impl Bank {
    /// Takes note of when things changed.
    pub(super) fn stamp(&mut self, kind: &EventKind, at: WallTime) {
        let Some(number) = kind.compartment() else { return };
        let stamps = self.truth.stamps.entry(number).or_default();
        let command = match kind {
            EventKind::OpeningIntended { .. } => Some(Commanded::Opening),
            EventKind::CompartmentOpened { .. } => Some(Commanded::Opened),
            EventKind::CompartmentDidNotOpen { .. } => Some(Commanded::DidNotOpen),
            _ => None,
        };
        if let Some(command) = command {
            (stamps.commanded, stamps.commanded_at) = (command, Some(at));
        }
        match kind {
            EventKind::CompartmentOpened { .. }
            | EventKind::CompartmentClosed { .. }
            | EventKind::CompartmentForced { .. }
            | EventKind::CompartmentFoundOpen { .. } => {
                (stamps.door_at, stamps.seen) = (Some(at), false);
            }
            EventKind::ParcelDeposited(_)
            | EventKind::ParcelCollected { .. }
            | EventKind::OccupancyDoubted { .. } => stamps.occupied_at = Some(at),
            EventKind::OccupancyTold { seen: Seen::CannotTell, .. } => {}
            EventKind::OccupancyTold { .. } => (stamps.occupied_at, stamps.seen) = (Some(at), true),
            _ => {}
        }
    }

    /// A door's contact says something else than before.
    pub(super) fn latch_changed(&mut self, turn: &Turn<'_>, compartment: CompartmentNo) {
        self.truth.stamps.entry(compartment).or_default().latch_at = Some(turn.now.wall);
        if let Some(item) = self.truth.items.get_mut(&compartment) {
            (item.since, item.turns, item.judged) = (turn.now.mono, 0, false);
        }
    }

    /// The four states of every compartment.
    pub fn truth(&self) -> Vec<Truth> {
        self.layout.iter().map(|c| self.truth_of(c.number)).collect()
    }

    fn truth_of(&self, compartment: CompartmentNo) -> Truth {
        let stamps = self.truth.stamps.get(&compartment).copied().unwrap_or_default();
        let latch = self.sensed(compartment);
        let bouncing = self.tamper.bounces(compartment);
        let sure = match latch {
            _ if bouncing => Confidence::Doubtful,
            Sensed::Unknown => Confidence::Unknown,
            _ => Confidence::Sure,
        };
        let door = if self.lasting.stands_open(compartment) { Sensed::Open } else { Sensed::Closed };
        let concluded = match sure {
            Confidence::Unknown => Confidence::Likely,
            _ if door != latch && !bouncing => Confidence::Likely,
            sure => sure,
        };
        let commanded = Fact {
            value: stamps.commanded,
            since: stamps.commanded_at,
            confidence: if stamps.commanded_at.is_some() { Confidence::Sure } else { Confidence::Unknown },
        };
        let doubt = self.lasting.doubts.get(&compartment).copied();
        Truth {
            compartment,
            commanded,
            latch: Fact { value: latch, since: stamps.latch_at, confidence: sure },
            door: Fact { value: door, since: stamps.door_at, confidence: concluded },
            occupancy: self.occupancy(compartment, &stamps, doubt),
            doubt,
        }
    }

    fn occupancy(&self, compartment: CompartmentNo, stamps: &Stamps, doubt: Option<Doubt>) -> Fact<Occupied> {
        let believed = self.lasting.contents.contains_key(&compartment);
        let full = match doubt {
            Some(Doubt::Missing) => false,
            Some(Doubt::Unexpected) => true,
            _ => believed,
        };
        let sensed = self.truth.items.get(&compartment).is_some_and(|item| {
            item.judged && item.says == if believed { ItemSensed::Present } else { ItemSensed::Absent }
        });
        let confidence = match doubt {
            Some(_) => Confidence::Doubtful,
            None if stamps.seen || sensed => Confidence::Sure,
            None => Confidence::Likely,
        };
        let value = if full { Occupied::Full } else { Occupied::Empty };
        Fact { value, since: stamps.occupied_at, confidence }
    }

    fn doubt(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, doubt: Doubt) {
        if self.lasting.doubts.get(&compartment) != Some(&doubt) {
            self.event(turn, EventKind::OccupancyDoubted { compartment, doubt });
        }
    }

    /// Whether a pickup's opening preceded this start: nobody here saw whether the parcel was taken.
    pub(super) const fn interrupted(&self, opening: OpeningNo) -> bool {
        opening < self.truth.started
    }

    /// The door of an interrupted pickup was closed: whoever is there is asked.
    pub(super) fn interrupted_closed(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo) {
        self.doubt(turn, compartment, Doubt::Interrupted);
        self.truth.asks = Some((compartment, turn.now.mono.plus_ms(ASKS_FOR_MS)));
    }

    /// The door of a cancelled drop-off was closed.
    pub(super) fn cancelled_closed(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo) {
        let bigger = matches!(&self.session, Session::Courier(courier)
            if matches!(&courier.step, Step::CloseFirst { drop, then: super::screen::Then::Bigger }
                if drop.compartment == compartment));
        if !bigger && !self.lasting.contents.contains_key(&compartment) {
            self.doubt(turn, compartment, Doubt::Cancelled);
            self.truth.asks = Some((compartment, turn.now.mono.plus_ms(ASKS_FOR_MS)));
        }
    }

    /// Which compartment the kiosk asks about now: the one before the person, or one just closed.
    pub(super) fn asks(&self, now: Now) -> Option<CompartmentNo> {
        let before = match &self.session {
            Session::Courier(courier) => match &courier.step {
                Step::Placing { drop } => Some(drop.compartment),
                Step::Find { .. } => None,
                _ => return None,
            },
            Session::Pickup { compartment, step: PickupStep::Open } => Some(*compartment),
            Session::Idle => None,
            _ => return None,
        };
        let closed =
            self.truth.asks.filter(|(_, until)| now.mono < *until).map(|(compartment, _)| compartment);
        before.or(closed).filter(|compartment| self.lasting.doubts.contains_key(compartment))
    }

    /// Somebody at the kiosk answers.
    pub(super) fn seen_at_kiosk(&mut self, turn: &mut Turn<'_>, seen: Seen) {
        let Some(compartment) = self.asks(turn.now) else { return };
        self.truth.asks = None;
        self.told(turn, compartment, seen, Teller::Kiosk);
        let placing = matches!(&self.session, Session::Courier(courier)
            if matches!(&courier.step, Step::Placing { .. }));
        match (seen, placing) {
            (Seen::Full, true) => {
                self.courier_acts(turn, super::io::Action::Report(Problem::AlreadyFull));
            }
            _ => self.notify(turn, Notice::Thanks),
        }
    }

    /// Staff on a round, through the platform.
    pub(super) fn seen_by_staff(
        &mut self,
        turn: &mut Turn<'_>,
        by: PersonId,
        all: &[(CompartmentNo, Seen)],
    ) -> Answer {
        if all.iter().any(|(number, _)| self.layout.find(*number).is_none()) {
            return Answer::NoSuchCompartment;
        }
        for (compartment, seen) in all {
            self.told(turn, *compartment, *seen, Teller::Person(by));
        }
        Answer::Done
    }

    /// Writes down what somebody or something says about the inside, and draws the conclusions.
    fn told(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, seen: Seen, teller: Teller) {
        let held = self.parcel_in(compartment);
        let in_use = self.lasting.stands_open(compartment);
        self.event(turn, EventKind::OccupancyTold { compartment, seen, teller });
        match (seen, held) {
            (Seen::Empty, Some((parcel, grant, GrantState::Burnt))) if !in_use => {
                self.event(turn, EventKind::ParcelCollected { parcel, compartment, grant });
            }
            (Seen::Empty, Some(_)) if !in_use => self.doubt(turn, compartment, Doubt::Missing),
            (Seen::Full, None) if !in_use => {
                self.doubt(turn, compartment, Doubt::Unexpected);
                self.put_out_of_service(turn, compartment, OutOfService::NeedsCheck);
            }
            _ => {}
        }
    }

    fn parcel_in(&self, compartment: CompartmentNo) -> Option<(ParcelId, GrantId, GrantState)> {
        let parcel = *self.lasting.contents.get(&compartment)?;
        let grant = self.lasting.grants.values().find(|grant| grant.parcel == parcel)?;
        Some((parcel, grant.id, grant.state))
    }

    /// Takes a reading of an item sensor.
    pub(super) fn item_read(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, says: ItemSensed) {
        if self.layout.find(compartment).is_none() {
            return;
        }
        let since = turn.now.mono;
        let item = self.truth.items.entry(compartment);
        let item = item.or_insert(Item { says: ItemSensed::Unknown, since, turns: 0, judged: false });
        if item.says != says {
            let turns = item.turns.saturating_add(1);
            *item = Item { says, since, turns, judged: false };
            if turns == MOST_TURNS + 1 && self.sensed(compartment) == Sensed::Closed {
                self.reported(turn, Source::Door(compartment), Tamper::Unsteady, Sign::Present);
            }
        }
    }

    pub(super) fn truth_timers(&mut self, turn: &mut Turn<'_>) {
        if self.truth.asks.is_some_and(|(_, until)| turn.now.mono >= until) {
            self.truth.asks = None;
        }
        self.watch_attendance(turn);
        let now = turn.now.mono;
        let settled = |(number, item): (&CompartmentNo, &Item)| {
            let steady = item.turns <= MOST_TURNS && now.since_ms(item.since) >= SETTLED_MS;
            (!item.judged && steady && item.says != ItemSensed::Unknown).then_some((*number, item.says))
        };
        let settled: Vec<_> = self.truth.items.iter().filter_map(settled).collect();
        for (compartment, says) in settled {
            if self.sensed(compartment) == Sensed::Closed && !self.lasting.stands_open(compartment) {
                self.truth.items.entry(compartment).and_modify(|item| item.judged = true);
                self.judge(turn, compartment, says);
            }
        }
    }

    /// An item sensor contradicts or settles what is believed.
    fn judge(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, says: ItemSensed) {
        let believed = self.lasting.contents.contains_key(&compartment);
        let doubt = self.lasting.doubts.get(&compartment).copied();
        let seen = if says == ItemSensed::Present { Seen::Full } else { Seen::Empty };
        match (seen, believed, doubt) {
            (Seen::Full, false, Some(Doubt::Unexpected)) | (Seen::Empty, true, Some(Doubt::Missing)) => {}
            (Seen::Empty, true, None) => self.doubt(turn, compartment, Doubt::Missing),
            (Seen::Full, false, None | Some(Doubt::Cancelled)) => {
                self.doubt(turn, compartment, Doubt::Unexpected);
            }
            (seen, _, Some(_)) => self.told(turn, compartment, seen, Teller::Sensor),
            _ => {}
        }
    }

    /// A courier who has not touched the screen for long may have gone, leaving the door to whoever comes by.
    fn watch_attendance(&mut self, turn: &Turn<'_>) {
        let placing = match &self.session {
            Session::Courier(courier) => match &courier.step {
                Step::Placing { drop } => Some(drop.compartment),
                _ => None,
            },
            _ => None,
        };
        if self.truth.unattended != placing {
            self.truth.unattended = None;
        }
        if turn.now.mono.since_ms(self.touched) >= self.lasting.roster.policy.idle_ms {
            self.truth.unattended = placing;
        }
    }

    /// Whether the courier before the open door may have gone: then only closing it counts.
    pub(super) const fn unattended(&self) -> bool {
        self.truth.unattended.is_some()
    }
}
