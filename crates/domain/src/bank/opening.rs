//! Driving a lock and reading doors: intent, pulse, outcome, and every opening nobody authorised.
//!
//! One lock at a time. An intent covers at most two pulses: the second only when a reading after the first proves
//! that the door is still closed. An unanswered pulse is never repeated blindly.

use super::io::{Output, UnlockResult};
use super::lasting::{Opening, Phase};
use super::{Bank, Turn};
use crate::compartment::{CompartmentNo, OutOfService, Sensed, Service};
use crate::event::{Authority, EventKind, OpenFailure, OpeningNo, Purpose};
use crate::time::MonoTime;

/// How long after it was given up a door may still open on account of that pulse: a jammed latch lets go late.
const LATE_MS: u64 = 10_000;
/// A pulse must leave the controller within this time or not at all.
const SEND_WITHIN_MS: u64 = 1_500;

/// The opening whose door has not been seen open yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulse {
    pub(super) compartment: CompartmentNo,
    pub(super) opening: OpeningNo,
    pub(super) ticket: u64,
    pub(super) deadline: MonoTime,
    second: bool,
    answer: Option<UnlockResult>,
    /// The door was read closed since the board answered.
    read_closed: bool,
}

/// A given-up opening whose door may still let go.
#[derive(Clone, Copy, Debug)]
pub(super) struct LateOpening {
    compartment: CompartmentNo,
    until: MonoTime,
}

impl Bank {
    /// Writes the intent and drives the lock. The caller has checked that the compartment is ready.
    pub(super) fn open(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, purpose: Purpose) {
        debug_assert!(self.pulse.is_none(), "one lock at a time");
        debug_assert!(!self.holds(compartment, purpose.way()), "a lockdown holds it");
        let attempt = match purpose {
            Purpose::Pickup { grant, .. } => self.lasting.grants.get(&grant).map_or(1, |g| g.attempts + 1),
            Purpose::DropOff { .. } | Purpose::Inspect { .. } => 1,
        };
        self.event(turn, EventKind::OpeningIntended { compartment, purpose, attempt });
        let opening = self.lasting.seq;
        self.late = None;
        self.reported.retain(|(reported, _)| *reported != compartment);
        self.drive(turn, compartment, opening, false);
    }

    fn drive(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, opening: OpeningNo, second: bool) {
        let ticket = self.ticket();
        let deadline = turn.now.mono.plus_ms(self.lasting.roster.policy.open_wait_ms);
        self.pulse =
            Some(Pulse { compartment, opening, ticket, deadline, second, answer: None, read_closed: false });
        let wiring =
            self.layout.find(compartment).expect("only compartments of the layout are opened").wiring;
        let send_by = turn.now.mono.plus_ms(SEND_WITHIN_MS.min(self.lasting.roster.policy.open_wait_ms));
        turn.out.push(Output::Unlock { ticket, compartment, wiring, deadline: send_by });
    }

    pub(super) fn pulse_answered(&mut self, turn: &mut Turn<'_>, result: UnlockResult) {
        let Some(pulse) = self.pulse.as_mut() else { return };
        pulse.answer = Some(result);
        pulse.read_closed = false;
        if result == UnlockResult::NotSent {
            self.did_not_open(turn, OpenFailure::NotSent);
        }
    }

    /// The wait for the door is over.
    pub(super) fn pulse_overdue(&mut self, turn: &mut Turn<'_>) {
        let Some(pulse) = self.pulse else { return };
        match pulse.answer {
            // Proven closed after the pulse: once more.
            Some(_) if pulse.read_closed && !pulse.second && self.still_allowed(turn, pulse.compartment) => {
                self.drive(turn, pulse.compartment, pulse.opening, true);
            }
            Some(UnlockResult::Refused) if pulse.read_closed => self.did_not_open(turn, OpenFailure::Refused),
            Some(_) if pulse.read_closed => self.did_not_open(turn, OpenFailure::StayedClosed),
            _ => self.did_not_open(turn, OpenFailure::Unknown),
        }
    }

    /// Whether the grant behind the opening under way has not ended since.
    fn still_allowed(&self, turn: &Turn<'_>, compartment: CompartmentNo) -> bool {
        let opening = self.lasting.openings.get(&compartment);
        if opening.is_some_and(|opening| self.holds(compartment, opening.purpose.way())) {
            return false;
        }
        match self.lasting.openings.get(&compartment).map(|opening| opening.purpose) {
            Some(Purpose::Pickup { grant, .. }) => self.live(turn, grant),
            Some(Purpose::Inspect { authority: Authority::WorkOrder { order }, .. }) => {
                self.doors_of(order, turn.now.wall).contains(&compartment)
            }
            Some(Purpose::DropOff { .. } | Purpose::Inspect { .. }) => true,
            None => false,
        }
    }

    fn did_not_open(&mut self, turn: &mut Turn<'_>, why: OpenFailure) {
        let Some(Pulse { compartment, opening, .. }) = self.pulse.take() else { return };
        self.event(turn, EventKind::CompartmentDidNotOpen { compartment, opening, why });
        let out =
            if why == OpenFailure::Unknown { OutOfService::NeedsCheck } else { OutOfService::DidNotOpen };
        self.put_out_of_service(turn, compartment, out);
        self.late = Some(LateOpening { compartment, until: turn.now.mono.plus_ms(LATE_MS) });
        self.session_opening_failed(turn, compartment);
    }

    pub(super) fn put_out_of_service(
        &mut self,
        turn: &mut Turn<'_>,
        compartment: CompartmentNo,
        why: OutOfService,
    ) {
        if !self.lasting.out_of_service.contains_key(&compartment) {
            let service = Service::Out(why);
            self.event(turn, EventKind::ServiceChanged { compartment, service, by: None });
        }
    }

    /// Takes a reading of a door and decides what it means.
    pub(super) fn door_read(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, sensed: Sensed) {
        if self.layout.find(compartment).is_none() {
            return;
        }
        if self.bounced(turn, compartment, sensed) {
            return;
        }
        if self.doors.insert(compartment, sensed) != Some(sensed) {
            self.latch_changed(turn, compartment);
        }
        let first = sensed != Sensed::Unknown && self.read_once.insert(compartment, turn.now.mono).is_none();
        let known_open = self.lasting.stands_open(compartment);
        match sensed {
            Sensed::Open if known_open => {
                self.opened_at.entry(compartment).or_insert(turn.now.mono);
            }
            Sensed::Open => self.door_opened(turn, compartment, first),
            Sensed::Closed if known_open => self.door_closed(turn, compartment),
            Sensed::Closed => self.door_stays_closed(turn, compartment),
            Sensed::Unknown => {}
        }
    }

    fn door_opened(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, first: bool) {
        self.opened_at.insert(compartment, turn.now.mono);
        let opening = self.lasting.openings.get(&compartment).copied();
        match opening {
            Some(Opening { no, phase: Phase::Intended, .. }) => {
                self.event(turn, EventKind::CompartmentOpened { compartment, opening: no });
                if self.pulse.take_if(|pulse| pulse.compartment == compartment).is_some() {
                    self.session_opened(turn, compartment);
                }
            }
            Some(Opening { no, phase: Phase::Failed, .. }) if self.still_late(turn, compartment) => {
                self.late = None;
                self.event(turn, EventKind::CompartmentOpened { compartment, opening: no });
            }
            _ if first => {
                self.unauthorised(turn, compartment, EventKind::CompartmentFoundOpen { compartment });
            }
            _ => self.unauthorised(turn, compartment, EventKind::CompartmentForced { compartment }),
        }
    }

    fn still_late(&self, turn: &Turn<'_>, compartment: CompartmentNo) -> bool {
        self.late.is_some_and(|late| late.compartment == compartment && turn.now.mono <= late.until)
    }

    fn unauthorised(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, kind: EventKind) {
        self.event(turn, kind);
        self.put_out_of_service(turn, compartment, OutOfService::Forced);
        self.intruded(turn, compartment);
    }

    fn door_closed(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo) {
        self.opened_at.remove(&compartment);
        let opening = self.lasting.openings.get(&compartment).copied();
        self.event(turn, EventKind::CompartmentClosed { compartment });
        match opening {
            Some(Opening { no, purpose: Purpose::Pickup { .. }, phase: Phase::Open, .. })
                if self.interrupted(no) =>
            {
                self.interrupted_closed(turn, compartment);
            }
            Some(Opening { cancelled: true, .. }) => self.cancelled_closed(turn, compartment),
            Some(Opening { purpose, phase: Phase::Open, cancelled: false, .. }) => {
                self.complete(turn, compartment, purpose);
            }
            // The courier was told to use another door, so only a look inside can tell. A late pickup stays
            // with staff as well: the door may have opened after its owner left.
            Some(Opening {
                purpose: Purpose::Pickup { parcel, grant, .. }, phase: Phase::OpenLate, ..
            }) => {
                self.event(turn, EventKind::ParcelCollected { parcel, compartment, grant });
            }
            _ => {}
        }
        self.session_closed(turn, compartment);
    }

    fn complete(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, purpose: Purpose) {
        match purpose {
            Purpose::DropOff { .. } => self.deposit(turn, compartment, purpose),
            Purpose::Inspect { .. } => {}
            Purpose::Pickup { parcel, grant, .. } => {
                self.event(turn, EventKind::ParcelCollected { parcel, compartment, grant });
            }
        }
    }

    /// A closed door: proof for the pulse under way, or the end of an opening that a power cut interrupted.
    fn door_stays_closed(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo) {
        if let Some(pulse) = self.pulse.as_mut().filter(|pulse| pulse.compartment == compartment) {
            pulse.read_closed = pulse.answer.is_some();
            return;
        }
        let Some(Opening { no, purpose, phase: Phase::Intended, .. }) =
            self.lasting.openings.get(&compartment).copied()
        else {
            return;
        };
        let why = OpenFailure::Unknown;
        self.event(turn, EventKind::CompartmentDidNotOpen { compartment, opening: no, why });
        // A drop-off cut short may have left a parcel inside; a pickup may be tried again with the same code.
        if matches!(purpose, Purpose::DropOff { .. }) {
            self.put_out_of_service(turn, compartment, OutOfService::NeedsCheck);
        }
    }
}
