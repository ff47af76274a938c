//! The session at the kiosk: who stands there and how far they got. Lost on a restart, on purpose.

use alloc::string::String;
use alloc::vec::Vec;

use super::io::Action;
use super::lockdown::KeeperSession;
use super::screen::{Match, Notice, Then};
use super::staff::Staff;
use super::{Bank, Turn};
use crate::compartment::{CompartmentNo, OutOfService, Size};
use crate::event::{EventKind, Problem};
use crate::grant::Verifier;
use crate::id::{CarrierId, PersonId};
use crate::time::MonoTime;

/// How long a notice stays.
pub(super) const NOTICE_MS: u64 = 8_000;
/// How long a last screen stays before the kiosk is free again.
const FAREWELL_MS: u64 = 8_000;
/// How long a screen with bad news stays.
const BAD_NEWS_MS: u64 = 30_000;

#[derive(Clone, Debug)]
pub(super) enum Session {
    Idle,
    Checking {
        guess: u64,
        until: MonoTime,
    },
    Pickup {
        compartment: CompartmentNo,
        step: PickupStep,
    },
    Courier(Courier),
    Staff(Staff),
    /// A weak badge was shown: a code of this person must follow.
    SecondFactor {
        person: PersonId,
    },
    /// The next badge shown becomes this person's.
    Enrol {
        person: PersonId,
    },
    Keeper(KeeperSession),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum PickupStep {
    Opening,
    Open,
    Collected { until: MonoTime },
    DidNotOpen { until: MonoTime },
}

#[derive(Clone, Debug)]
pub(super) struct Courier {
    pub(super) person: PersonId,
    pub(super) carrier: CarrierId,
    pub(super) carrier_name: String,
    /// What proved the code: once the roster has another or none, the session ends.
    pub(super) verifier: Verifier,
    pub(super) delivered: u16,
    pub(super) step: Step,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Find { query: String, matches: Vec<Match>, more: bool },
    Confirm { recipient: Match },
    PickSize { recipient: Match },
    Opening { drop: Drop, failed: u8 },
    Placing { drop: Drop },
    CloseFirst { drop: Drop, then: Then },
    Deposited { drop: Drop },
    DidNotOpen { drop: Drop, until: MonoTime },
}

#[derive(Clone, Debug)]
pub(super) struct Drop {
    pub(super) recipient: Match,
    pub(super) size: Size,
    pub(super) compartment: CompartmentNo,
}

impl Bank {
    /// Somebody touched the kiosk.
    pub(super) fn act(&mut self, turn: &mut Turn<'_>, action: Action) {
        self.touched = turn.now.mono;
        match (&self.session, action) {
            (_, Action::StillHere) => {}
            (
                Session::Courier(_),
                Action::Cancel
                | Action::Back
                | Action::Bigger
                | Action::Seen(_)
                | Action::Report(Problem::AlreadyFull),
            ) if self.unattended() => {}
            (_, Action::Seen(seen)) => self.seen_at_kiosk(turn, seen),
            (Session::Keeper(_), action) => self.keeper_acts(turn, &action),
            (Session::Idle | Session::SecondFactor { .. }, Action::EnterCode(code)) => {
                self.code_entered(turn, code);
            }
            (Session::Idle, Action::Emergency) => self.emergency(turn),
            (Session::Staff(_), action) => self.staff_acts(turn, action),
            (
                Session::SecondFactor { .. } | Session::Enrol { .. },
                Action::Finish | Action::Back | Action::Cancel,
            ) => self.session = Session::Idle,
            (
                Session::Pickup { compartment, step: PickupStep::Open | PickupStep::Collected { .. } },
                Action::Report(problem),
            ) => {
                let compartment = *compartment;
                self.problem(turn, compartment, problem);
            }
            (
                Session::Pickup {
                    step: PickupStep::Collected { .. } | PickupStep::DidNotOpen { .. }, ..
                },
                Action::Finish | Action::Back | Action::Cancel,
            ) => self.session = Session::Idle,
            (Session::Courier(_), action) => self.courier_acts(turn, action),
            _ => {}
        }
    }

    fn problem(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, problem: Problem) {
        if !self.reported.contains(&(compartment, problem)) {
            self.reported.push((compartment, problem));
            self.event(turn, EventKind::ProblemReported { compartment, problem });
        }
        if matches!(problem, Problem::DoesNotClose | Problem::NotMine | Problem::AlreadyFull) {
            self.put_out_of_service(turn, compartment, OutOfService::NeedsCheck);
        }
        self.notify(turn, Notice::Reported);
    }

    pub(super) fn report(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, problem: Problem) {
        self.problem(turn, compartment, problem);
    }

    /// The door of the session's compartment was seen to open.
    pub(super) fn session_opened(&mut self, turn: &Turn<'_>, compartment: CompartmentNo) {
        self.touched = turn.now.mono;
        match &mut self.session {
            Session::Pickup { compartment: c, step } if *c == compartment => *step = PickupStep::Open,
            Session::Staff(_) => self.staff_opened(compartment),
            Session::Courier(courier) => {
                if let Step::Opening { drop, .. } = &courier.step
                    && drop.compartment == compartment
                {
                    courier.step = Step::Placing { drop: drop.clone() };
                }
            }
            _ => {}
        }
    }

    /// It was not.
    pub(super) fn session_opening_failed(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo) {
        let until = turn.now.mono.plus_ms(BAD_NEWS_MS);
        match &mut self.session {
            Session::Pickup { compartment: c, step } if *c == compartment => {
                *step = PickupStep::DidNotOpen { until };
            }
            Session::Courier(_) => self.drop_off_failed(turn, compartment, until),
            Session::Staff(_) => self.staff_opening_failed(compartment, until),
            _ => {}
        }
    }

    /// It was closed again.
    pub(super) fn session_closed(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo) {
        self.touched = turn.now.mono;
        let until = turn.now.mono.plus_ms(FAREWELL_MS);
        match &mut self.session {
            Session::Pickup { compartment: c, step } if *c == compartment => {
                *step = PickupStep::Collected { until };
            }
            Session::Courier(_) => self.drop_off_closed(turn, compartment),
            Session::Staff(_) => self.staff_closed(compartment, until),
            _ => {}
        }
    }
}
