//! The bank engine: the one place that decides whether a door opens, online or offline.
//!
//! [`Bank::handle`] takes one [`Input`] and returns what must be done, in order. It never does anything itself:
//! a record must be durable before the output after it is looked at, which is what "record, then unlock" means
//! here. All lasting state is [`Lasting`], the fold of the records; the rest (sensor readings, the session at the
//! kiosk) is rebuilt from the world after a restart. A caller whose journal fails must throw the engine away and
//! start a new one from what is durable; until then nothing opens.

pub mod badge {
    //! Badges as readers report them; see [`crate::badge`].
    pub use crate::badge::{Assurance, BadgeKind, BadgeShown};
}
pub mod breaker;
pub mod io;
pub mod keyring;
pub mod screen;
pub mod work_order;

mod badges;
mod commissioning;
mod drop_off;
mod keypad;
mod lasting;
mod lockdown;
mod opening;
mod override_;
mod presence;
mod remote;
mod requests;
mod rollback;
mod session;
mod staff;
mod tamper;
mod timers;
mod truth;
mod view;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use rand_core::Rng;

pub use self::badges::{Enrolment, MAX_ENROLMENTS};
use self::commissioning::Walk;
use self::io::{BoardHealth, DoorStatus, Input, Output, Record, Request, UnlockResult};
pub use self::lasting::{Lasting, Opening, Phase};
use self::lockdown::LockdownRun;
use self::opening::{LateOpening, Pulse};
pub use self::remote::MAX_SPENT;
use self::rollback::Guard;
use self::screen::Notice;
use self::session::Session;
use self::tamper::TamperRun;
use self::truth::TruthRun;
use crate::compartment::{Compartment, CompartmentNo, Layout, Sensed};
use crate::event::{Event, EventKind, Problem};
use crate::lockdown::Way;
use crate::roster::BankService;
use crate::time::{MonoTime, Now};
use crate::truth::Doubt;

/// One bank.
#[derive(Debug)]
pub struct Bank {
    layout: Layout,
    lasting: Lasting,
    doors: BTreeMap<CompartmentNo, Sensed>,
    /// Doors read at least once since the start.
    read_once: BTreeMap<CompartmentNo, MonoTime>,
    boards: BTreeMap<u8, BoardHealth>,
    pulse: Option<Pulse>,
    late: Option<LateOpening>,
    next_ticket: u64,
    session: Session,
    touched: MonoTime,
    opened_at: BTreeMap<CompartmentNo, MonoTime>,
    notice: Option<(Notice, MonoTime)>,
    /// Until then further refusals of the same surface are shown but not written again.
    quiet_until: MonoTime,
    /// What was reported since the compartment was last opened: said again, it is not written again.
    reported: Vec<(CompartmentNo, Problem)>,
    /// When [`Lasting::powered_ms`] was true.
    powered_from: MonoTime,
    presence: Option<presence::Presence>,
    asked: Option<remote::Asked>,
    response: Option<override_::Response>,
    /// Until then further refusals of openings from afar are answered but not written again.
    remote_quiet_until: MonoTime,
    /// The last unknown badges, by their MACs.
    unknown_badges: Vec<[u8; 32]>,
    lockdown: LockdownRun,
    tamper: TamperRun,
    truth: TruthRun,
    guard: Guard,
    walk: Option<Walk>,
}

/// One call of [`Bank::handle`]: the moment, randomness, and what comes out.
struct Turn<'a> {
    now: Now,
    rng: &'a mut dyn Rng,
    out: Vec<Output>,
}

impl Bank {
    /// Starts a bank from its journal; the first outputs belong to the start itself.
    pub fn start(layout: Layout, lasting: Lasting, now: Now, rng: &mut dyn Rng) -> (Self, Vec<Output>) {
        let mut bank = Self {
            layout,
            lasting,
            doors: BTreeMap::new(),
            read_once: BTreeMap::new(),
            boards: BTreeMap::new(),
            pulse: None,
            late: None,
            next_ticket: 1,
            session: Session::Idle,
            touched: now.mono,
            opened_at: BTreeMap::new(),
            notice: None,
            quiet_until: MonoTime::default(),
            reported: Vec::new(),
            powered_from: now.mono,
            presence: None,
            asked: None,
            response: None,
            remote_quiet_until: MonoTime::default(),
            unknown_badges: Vec::new(),
            lockdown: LockdownRun::from(now.mono),
            tamper: TamperRun::default(),
            truth: TruthRun::default(),
            guard: Guard::default(),
            walk: None,
        };
        let mut turn = Turn { now, rng, out: Vec::new() };
        let unfinished = bank.lasting.openings.values().filter(|o| o.phase == Phase::Intended).count();
        let started = EventKind::BankStarted {
            boot: bank.lasting.boot + 1,
            interrupted: u16::try_from(unfinished).unwrap_or(u16::MAX),
        };
        bank.event(&mut turn, started);
        bank.truth.started = bank.lasting.seq;
        bank.tampers_stand(&turn);
        (bank, turn.out)
    }

    /// Decides about one input.
    pub fn handle(&mut self, input: Input, now: Now, rng: &mut dyn Rng) -> Vec<Output> {
        let mut turn = Turn { now, rng, out: Vec::new() };
        match input {
            Input::Tick => {}
            Input::Kiosk(action) => self.act(&mut turn, action),
            Input::Token(token) => self.token_shown(&mut turn, token),
            Input::Verified { guess, outcome } => self.code_verified(&mut turn, guess, outcome),
            Input::Door { compartment, sensed } => self.door_read(&mut turn, compartment, sensed),
            Input::Unlocked { ticket, result } => self.unlocked(&mut turn, ticket, result),
            Input::Board { board, health } => self.board(&mut turn, board, health),
            Input::Platform { command, deadline, request: Request::Signed(signed) } => {
                self.signed(&mut turn, command, deadline, signed);
            }
            Input::Platform { command, deadline, request } => {
                let answer = self.request(&mut turn, deadline, request);
                turn.out.push(Output::Reply { command, answer });
            }
            Input::Acknowledged { up_to } => self.acknowledged(&mut turn, up_to),
            Input::ClockStepped { by_ms } => self.event(&mut turn, EventKind::ClockStepped { by_ms }),
            Input::Switch { source, state } => self.switch(&mut turn, source, state),
            Input::Vibration { sensor, area, felt } => self.felt(&mut turn, sensor, area, felt),
            Input::Tamper { source, tamper, sign } => self.reported(&mut turn, source, tamper, sign),
            Input::Item { compartment, item } => self.item_read(&mut turn, compartment, item),
            Input::Badge(badge) => self.badge_shown(&mut turn, badge),
            Input::SignaturesChecked { check, checked } => {
                self.signatures_checked(&mut turn, check, &checked);
            }
            Input::Response { key, signature } => self.answered(&mut turn, key, signature),
            Input::TagRead(read) => self.tag_read(&mut turn, read),
            Input::TagStored(tag) => self.tag_stored(&mut turn, tag),
            Input::LedgerRefused { misconduct, size, evidence } => {
                self.event(&mut turn, EventKind::LedgerRefused { misconduct, size, evidence });
            }
        }
        self.timers(&mut turn);
        turn.out
    }

    /// The compartments of this bank.
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The lasting state, as the journal holds it.
    pub const fn lasting(&self) -> &Lasting {
        &self.lasting
    }

    /// Whether nobody is served and no lock is driven: the moment for upkeep of the journal.
    pub const fn at_rest(&self) -> bool {
        matches!(self.session, Session::Idle) && self.pulse.is_none() && self.walk.is_none()
    }

    /// Every door, for the live map.
    pub fn doors(&self) -> Vec<DoorStatus> {
        self.layout
            .iter()
            .map(|c| DoorStatus {
                compartment: c.number,
                sensed: self.sensed(c.number),
                occupied: self.lasting.contents.contains_key(&c.number),
                out_of_service: self.lasting.out_of_service.get(&c.number).copied(),
                alarm: self.lasting.forced.contains(&c.number) || self.lasting.held.contains(&c.number),
            })
            .collect()
    }

    fn sensed(&self, compartment: CompartmentNo) -> Sensed {
        self.doors.get(&compartment).copied().unwrap_or(Sensed::Unknown)
    }

    /// Whether a pulse could be given to this compartment and its outcome be seen.
    fn ready(&self, compartment: &Compartment) -> bool {
        self.walk.is_none()
            && self.sensed(compartment.number) == Sensed::Closed
            && self.boards.get(&compartment.wiring.board) != Some(&BoardHealth::Silent)
            && !self.lasting.stands_open(compartment.number)
    }

    /// Whether a parcel may be put in: empty, in service, closed, and nobody else's business.
    fn free(&self, compartment: &Compartment) -> bool {
        let number = compartment.number;
        self.ready(compartment)
            && self.lasting.roster.service == BankService::InService
            && !self.held(compartment, Way::Local)
            && !self.tamper.bounces(number)
            && !matches!(self.lasting.doubts.get(&number), Some(Doubt::Missing | Doubt::Unexpected))
            && !self.lasting.contents.contains_key(&number)
            && !self.lasting.out_of_service.contains_key(&number)
            && self.lasting.openings.get(&number).is_none_or(|opening| opening.phase == Phase::Failed)
    }

    /// A number for something that will be answered.
    const fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket - 1
    }

    fn record(&mut self, turn: &mut Turn<'_>, record: Record) {
        self.lasting.apply(&record);
        turn.out.push(Output::Record(record));
    }

    fn event(&mut self, turn: &mut Turn<'_>, kind: EventKind) {
        let Now { wall, quality, .. } = turn.now;
        self.stamp(&kind, wall);
        let event = Event { seq: self.lasting.seq + 1, at: wall, quality, kind };
        self.record(turn, Record::Event(event));
    }

    fn notify(&mut self, turn: &Turn<'_>, notice: Notice) {
        self.notice = Some((notice, turn.now.mono.plus_ms(session::NOTICE_MS)));
    }

    fn unlocked(&mut self, turn: &mut Turn<'_>, ticket: u64, result: UnlockResult) {
        if self.pulse.as_ref().is_some_and(|pulse| pulse.ticket == ticket) {
            self.pulse_answered(turn, result);
        }
    }

    fn board(&mut self, turn: &mut Turn<'_>, board: u8, health: BoardHealth) {
        let before = self.boards.insert(board, health).unwrap_or(BoardHealth::Answering);
        match (before, health) {
            (BoardHealth::Answering, BoardHealth::Silent) => {
                let wired = self.layout.iter().filter(|c| c.wiring.board == board);
                self.doors.extend(wired.map(|c| (c.number, Sensed::Unknown)));
                self.event(turn, EventKind::BoardSilent { board });
            }
            (BoardHealth::Silent, BoardHealth::Answering) => {
                self.event(turn, EventKind::BoardAnswers { board });
            }
            _ => {}
        }
    }

    fn acknowledged(&mut self, turn: &mut Turn<'_>, up_to: u64) {
        if up_to > self.lasting.acknowledged && up_to <= self.lasting.seq {
            self.record(turn, Record::Acknowledged { up_to });
        }
    }
}
