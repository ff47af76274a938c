//! The bank on the bench: its journal, its engine and its lines, with nobody served.
//!
//! A lock is driven by [`Bench::pulse`] alone, after the engine's event of it is durable. Doors that are not concerned are
//! told to the engine as always, so that one that opens is an alarm; the others are looked at here, as bare bits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use bailee_domain::bank::io::{Action, Input};
use bailee_domain::code::Code;
use bailee_domain::commissioning::Step;
use bailee_domain::compartment::{CompartmentNo, Layout, Sensed, Wiring};
use bailee_domain::time::TrustedClock;
use bailee_vault::OsRandom;

use super::judge::Pulse;
use super::scan::trouble;
use super::{CommissionError, Whole};
use crate::boards::{
    BoardAddress, Bus, BusEvent, BusSettings, BusTiming, Channel, DoorAddress, DoorState, EventSink, Ticket,
    UnlockError, UnlockOrder,
};
use crate::clock::Clocks;
use crate::codes::CodeChecker;
use crate::config::{BusConfig, ClosedWhen};
use crate::controller::{CommissionRefused, Controller, Effect};
use crate::journal::FolderDisk;
use crate::siren::SirenLine;

/// How long a door may take to show that it opened.
const OPENS_WITHIN: Duration = Duration::from_millis(2_500);
/// How long others may take to move with it.
const SETTLES: Duration = Duration::from_millis(500);
/// How long an order may wait for its line.
const SEND_WITHIN: Duration = Duration::from_millis(1_500);
/// How long an order may take to end.
const ENDS_WITHIN: Duration = Duration::from_secs(6);

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The board took it.
    Taken,
    /// The board declined.
    Refused,
    /// It never left.
    NotSent,
    /// Nobody knows.
    Nothing,
}

struct ToBench(usize, mpsc::SyncSender<(usize, BusEvent)>);

impl EventSink for ToBench {
    fn offer(&mut self, event: BusEvent) -> Result<(), BusEvent> {
        match self.1.try_send((self.0, event)) {
            Err(mpsc::TrySendError::Full((_, event))) => Err(event),
            _ => Ok(()),
        }
    }
}

/// A bank on the bench.
pub struct Bench {
    controller: Controller<FolderDisk, OsRandom>,
    checker: CodeChecker,
    clocks: Clocks,
    trusted: TrustedClock,
    siren: SirenLine,
    layout: Layout,
    only: Option<CompartmentNo>,
    closed_when: BTreeMap<u8, ClosedWhen>,
    buses: Vec<Bus>,
    places: BTreeMap<(usize, BoardAddress), u8>,
    inbox: Receiver<(usize, BusEvent)>,
    levels: BTreeMap<Wiring, bool>,
    next_ticket: u64,
    ended: BTreeMap<u64, Told>,
    /// What was the matter with each line.
    pub trouble: BTreeMap<usize, BTreeSet<String>>,
}

impl Bench {
    /// Puts a bank on the bench; no line is open yet.
    pub fn new(whole: Whole) -> Self {
        let Whole { controller, checker, clocks, trusted, siren, layout, only } = whole;
        Self {
            controller,
            checker,
            clocks,
            trusted,
            siren,
            layout,
            only,
            closed_when: BTreeMap::new(),
            buses: Vec::new(),
            places: BTreeMap::new(),
            inbox: mpsc::sync_channel(1).1,
            levels: BTreeMap::new(),
            next_ticket: 1,
            ended: BTreeMap::new(),
            trouble: BTreeMap::new(),
        }
    }

    /// Signs somebody in with a code, as at the keypad.
    ///
    /// # Errors
    /// [`CommissionError::BadCode`] when it has not eight digits.
    pub fn sign_in(&mut self, code: &str) -> Result<(), CommissionError> {
        let code = Code::parse(code.trim()).map_err(|_| CommissionError::BadCode)?;
        let effects = self.handle(Input::Kiosk(Action::EnterCode(code)));
        for effect in effects {
            if let Effect::Verify { guess, code, candidates } = effect {
                let outcome = self.checker.check(&code, &candidates);
                self.handle(Input::Verified { guess, outcome });
            }
        }
        Ok(())
    }

    /// Takes a step; gives the number of its event.
    ///
    /// # Errors
    /// [`CommissionError::Refused`].
    pub fn step(&mut self, step: Step) -> Result<u64, CommissionError> {
        let now = self.trusted.now(self.clocks.rtc(), self.clocks.mono());
        match self.controller.commission(step, now) {
            Ok((event, effects)) => {
                self.obey(&effects);
                Ok(event)
            }
            Err(CommissionRefused::Engine(why)) => Err(CommissionError::Refused(why)),
            Err(CommissionRefused::OutOfOrder) => Err(CommissionError::OutOfOrder),
        }
    }

    fn handle(&mut self, input: Input) -> Vec<Effect> {
        let now = self.trusted.now(self.clocks.rtc(), self.clocks.mono());
        let effects = self.controller.handle(input, now);
        self.obey(&effects);
        effects
    }

    fn obey(&self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Siren(siren) = effect {
                self.siren.set(*siren);
            }
        }
    }

    /// Opens the lines with these boards.
    ///
    /// # Errors
    /// [`CommissionError::Line`] when a line can't be had.
    pub fn open(&mut self, buses: &[BusConfig]) -> Result<(), CommissionError> {
        let (sender, inbox) = mpsc::sync_channel(512);
        self.inbox = inbox;
        for (index, bus) in buses.iter().enumerate() {
            let mut drivers = Vec::new();
            for board in &bus.boards {
                self.places.insert((index, BoardAddress(board.address)), board.number);
                self.closed_when.insert(board.number, board.closed_when);
                // Bare bits are wanted here: a set one reads as closed.
                let bare = crate::config::BoardConfig { closed_when: ClosedWhen::BitSet, ..board.clone() };
                drivers.push(bare.driver()?);
            }
            let settings = BusSettings { line: bus.line.clone(), timing: BusTiming::at_baud(bus.baud()) };
            let clocks = self.clocks;
            let sink = Box::new(ToBench(index, sender.clone()));
            let opened = Bus::open(settings, drivers, Box::new(move || clocks.elapsed()), sink);
            let line = bus.line.to_string();
            self.buses.push(opened.map_err(|source| CommissionError::Line { line, source })?);
        }
        Ok(())
    }

    /// Listens until something is so, or for so long; says whether it was.
    pub fn listen(&mut self, within: Duration, so: impl Fn(&Self) -> bool) -> bool {
        let ends = self.clocks.elapsed() + within;
        loop {
            if so(self) {
                return true;
            }
            let left = ends.saturating_sub(self.clocks.elapsed());
            if left.is_zero() {
                return false;
            }
            if let Ok((bus, event)) = self.inbox.recv_timeout(left.min(Duration::from_millis(100))) {
                self.hear(bus, event);
            }
        }
    }

    fn hear(&mut self, bus: usize, event: BusEvent) {
        if let Some(words) = trouble(&event) {
            self.trouble.entry(bus).or_default().insert(words);
        }
        match event {
            BusEvent::Doors { board, doors, .. } => {
                let Some(board) = self.places.get(&(bus, board)).copied() else { return };
                for door in doors {
                    self.bit(Wiring { board, channel: door.channel.number() }, door.state);
                }
            }
            BusEvent::DoorPushed { board, door, .. } => {
                let Some(board) = self.places.get(&(bus, board)).copied() else { return };
                self.bit(Wiring { board, channel: door.channel.number() }, door.state);
            }
            BusEvent::Unlock { ticket, outcome, .. } => {
                let told = match outcome {
                    Ok(_) => Told::Taken,
                    Err(UnlockError::Refused) => Told::Refused,
                    Err(UnlockError::NotSent(_)) => Told::NotSent,
                    Err(UnlockError::OutcomeUnknown(_)) => Told::Nothing,
                };
                self.ended.insert(ticket.0, told);
            }
            _ => {}
        }
    }

    fn bit(&mut self, lock: Wiring, state: DoorState) {
        let set = match state {
            DoorState::Closed => true,
            DoorState::Open => false,
            DoorState::Unknown => return,
        };
        if self.levels.insert(lock, set) == Some(set) {
            return;
        }
        // After a repair of one door all others go on being watched.
        let Some(only) = self.only else { return };
        let Some(door) = self.layout.at(lock).map(|c| c.number).filter(|door| *door != only) else { return };
        let closed = set == (self.closed_when.get(&lock.board) != Some(&ClosedWhen::BitClear));
        let sensed = if closed { Sensed::Closed } else { Sensed::Open };
        self.handle(Input::Door { compartment: door, sensed });
    }

    /// The bits as last read.
    pub const fn levels(&self) -> &BTreeMap<Wiring, bool> {
        &self.levels
    }

    /// Whether a board has answered.
    pub fn hears(&self, board: u8) -> bool {
        self.levels.keys().any(|lock| lock.board == board)
    }

    /// The bits that are not what they were.
    pub fn moved(&self, rest: &BTreeMap<Wiring, bool>) -> BTreeSet<Wiring> {
        let moved = self.levels.iter().filter(|(lock, set)| rest.get(lock).is_some_and(|rest| rest != *set));
        moved.map(|(lock, _)| *lock).collect()
    }

    /// Pulses one lock, once, after the engine has written down that it will be, and watches every switch.
    ///
    /// # Errors
    /// [`CommissionError::Refused`]; the lock was not driven then.
    pub fn pulse(&mut self, lock: Wiring) -> Result<Pulse, CommissionError> {
        let rest = self.levels.clone();
        self.step(Step::Try(lock))?;
        // A stop here leaves a trial without an answer in the log, and a lock that did not move.
        let told = self.order(lock);
        let within = if told == Told::NotSent { Duration::ZERO } else { OPENS_WITHIN };
        if self.listen(within, |bench| !bench.moved(&rest).is_empty()) {
            self.listen(SETTLES, |_| false);
        }
        Ok(Pulse { told, moved: self.moved(&rest) })
    }

    fn order(&mut self, lock: Wiring) -> Told {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let place = self.places.iter().find(|(_, number)| **number == lock.board).map(|(place, _)| *place);
        let Some(((bus, board), channel)) = place.zip(Channel::new(lock.channel)) else {
            return Told::NotSent;
        };
        let not_after = self.clocks.elapsed() + SEND_WITHIN;
        let order = UnlockOrder { ticket, door: DoorAddress { board, channel }, not_after };
        if self.buses[bus].unlock(order).is_err() {
            return Told::NotSent;
        }
        self.listen(ENDS_WITHIN, |bench| bench.ended.contains_key(&ticket.0));
        self.ended.get(&ticket.0).copied().unwrap_or(Told::Nothing)
    }

    /// The time, and whether it is behind what the journal has seen.
    pub fn now(&mut self) -> bailee_domain::time::Now {
        self.trusted.now(self.clocks.rtc(), self.clocks.mono())
    }
}
