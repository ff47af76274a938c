//! A driver and a cabinet in virtual time: every run is the same.

use std::{collections::BTreeMap, time::Duration};

use bailee_edge::boards::{
    Action, BusEvent, BusMachine, BusTiming, BusTrouble, DoorState, Polarity, Pulsed, Ticket, UnlockError,
    UnlockOrder,
};
use bailee_sim::cabinet::{BoardPlan, Cabinet, DoorPlace, Pacing};

use crate::rig::{address_of, driver};

/// The driver and a cabinet in virtual time.
pub struct World {
    pub now: Duration,
    pub machine: BusMachine,
    pub cabinet: Cabinet,
    pub events: Vec<BusEvent>,
    pub sent: Vec<(Duration, Vec<u8>)>,
}

impl World {
    pub fn new(plans: &[BoardPlan]) -> Self {
        let boards = plans.iter().map(|plan| driver(plan, Polarity::ClosedWhenBitSet)).collect();
        let baud = plans[0].family.baud();
        let mut machine = BusMachine::new(boards, BusTiming::at_baud(baud));
        let now = Duration::from_secs(1);
        machine.line_back(now);
        Self {
            now,
            machine,
            cabinet: Cabinet::new(plans, Pacing::Baud(baud)),
            events: Vec::new(),
            sent: Vec::new(),
        }
    }

    pub fn run_until(&mut self, end: Duration) {
        loop {
            self.machine.advance(self.now);
            while let Some(action) = self.machine.next_action() {
                if let Action::Send(bytes) = action {
                    self.cabinet.hear(self.now, &bytes);
                    self.sent.push((self.now, bytes));
                }
            }
            while let Some(event) = self.machine.next_event() {
                self.events.push(event);
            }
            let due = [self.machine.wakes_at(), self.cabinet.next_due()].into_iter().flatten().min();
            // At least a microsecond passes, as in life.
            let next = due.unwrap_or(end).max(self.now + Duration::from_micros(1));
            if next >= end {
                self.now = end;
                return;
            }
            self.now = next;
            let said = self.cabinet.speak(self.now);
            self.machine.received(self.now, &said);
        }
    }

    pub fn order(&mut self, ticket: u64, place: DoorPlace, within: Duration) {
        let order =
            UnlockOrder { ticket: Ticket(ticket), door: address_of(place), not_after: self.now + within };
        self.machine.order(self.now, order);
    }

    /// Every trouble reported so far, in order.
    pub fn troubles(&self) -> Vec<BusTrouble> {
        let trouble = |event: &BusEvent| match event {
            BusEvent::Trouble { what, .. } => Some(*what),
            _ => None,
        };
        self.events.iter().filter_map(trouble).collect()
    }

    /// The first report of a door as open, after a moment.
    pub fn seen_open(&self, place: DoorPlace, after: Duration) -> Option<Duration> {
        self.events.iter().find_map(|event| match event {
            BusEvent::Doors { board, at, doors } if board.0 == place.board && *at >= after => {
                let door = &doors[usize::from(place.lock - 1)];
                (door.state == DoorState::Open).then_some(*at)
            }
            _ => None,
        })
    }

    pub fn outcomes(&self) -> BTreeMap<u64, Vec<Result<Pulsed, UnlockError>>> {
        let mut all: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        for event in &self.events {
            if let BusEvent::Unlock { ticket, outcome, .. } = event {
                all.entry(ticket.0).or_default().push(*outcome);
            }
        }
        all
    }
}
