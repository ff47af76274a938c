//! Everything that happens because time passed.

use super::io::Record;
use super::session::{PickupStep, Session, Step};
use super::staff::StaffStep;
use super::{Bank, Turn};
use crate::compartment::CompartmentNo;
use crate::event::EventKind;
use crate::grant::GrantState;
use crate::time::MonoTime;

/// The time is written down at least this often, so that a restart cannot go back further.
const HIGH_WATER_EVERY_MS: i64 = 10 * 60_000;
/// A session whose door was left open is ended this long after the alarm; the door stays on the alarm list.
const ABANDONED_MS: u64 = 60_000;

impl Bank {
    pub(super) fn timers(&mut self, turn: &mut Turn<'_>) {
        if self.pulse.is_some_and(|pulse| turn.now.mono >= pulse.deadline) {
            self.pulse_overdue(turn);
        }
        if self.notice.is_some_and(|(_, until)| turn.now.mono >= until) {
            self.notice = None;
        }
        self.lockdown_timers(turn);
        self.tamper_timers(turn);
        self.doors_held_open(turn);
        self.expire_grants(turn);
        self.override_timers(turn);
        self.remote_timers(turn);
        self.leave(turn);
        self.truth_timers(turn);
        let mark = self.lasting.high_water;
        if mark.is_none_or(|mark| turn.now.wall.since_ms(mark) >= HIGH_WATER_EVERY_MS) {
            self.record(turn, Record::HighWater(turn.now.wall));
        }
    }

    fn doors_held_open(&mut self, turn: &mut Turn<'_>) {
        let limit = self.lasting.roster.policy.held_open_ms;
        let held: alloc::vec::Vec<CompartmentNo> = self
            .opened_at
            .iter()
            .filter(|(_, since)| turn.now.mono.since_ms(**since) >= limit)
            .map(|(compartment, _)| *compartment)
            .filter(|c| !self.lasting.held.contains(c) && !self.lasting.forced.contains(c))
            .collect();
        for compartment in held {
            self.event(turn, EventKind::CompartmentHeldOpen { compartment });
        }
    }

    fn expire_grants(&mut self, turn: &mut Turn<'_>) {
        let over: alloc::vec::Vec<_> = self
            .lasting
            .grants
            .values()
            .filter(|g| matches!(g.state, GrantState::Live(_) | GrantState::Unarmed))
            .filter(|g| turn.now.wall >= g.expires)
            .map(|g| (g.id, g.parcel))
            .collect();
        for (grant, parcel) in over {
            self.event(turn, EventKind::GrantExpired { grant, parcel });
        }
    }

    /// Ends the session when its last screen has been shown, when nobody is there, or when its door was left open.
    fn leave(&mut self, turn: &Turn<'_>) {
        let now = turn.now.mono;
        let over = match &self.session {
            Session::Idle => false,
            Session::Checking { until, .. } => now >= *until,
            Session::Pickup { step: PickupStep::Opening, .. } => self.pulse.is_none(),
            Session::Pickup { step: PickupStep::Open, compartment } => self.abandoned(now, *compartment),
            Session::Pickup {
                step: PickupStep::Collected { until } | PickupStep::DidNotOpen { until },
                ..
            } => now >= *until,
            Session::Keeper(keeper) => !self.still_keeps(keeper) || now >= self.leaves_at(),
            Session::Staff(staff) => match staff.step {
                StaffStep::Choose | StaffStep::Challenge { .. } if staff.gone(&self.lasting) => true,
                StaffStep::Choose => now >= self.leaves_at(),
                // It has a time of its own.
                StaffStep::Challenge { .. } => false,
                StaffStep::Opening { .. } => self.pulse.is_none(),
                StaffStep::Open { compartment } => self.abandoned(now, compartment),
                StaffStep::Done { until, .. } | StaffStep::DidNotOpen { until, .. } => now >= until,
            },
            Session::SecondFactor { .. } | Session::Enrol { .. } => now >= self.leaves_at(),
            Session::Courier(courier) => match &courier.step {
                Step::Opening { .. } => self.pulse.is_none(),
                Step::Placing { drop } | Step::CloseFirst { drop, .. } => {
                    self.abandoned(now, drop.compartment)
                }
                _ if !self.still_passes(courier) => true,
                Step::DidNotOpen { until, .. } => now >= *until,
                _ => now >= self.leaves_at(),
            },
        };
        if over {
            self.session = Session::Idle;
        }
    }

    fn abandoned(&self, now: MonoTime, compartment: CompartmentNo) -> bool {
        let limit = self.lasting.roster.policy.held_open_ms.saturating_add(ABANDONED_MS);
        self.opened_at.get(&compartment).is_none_or(|since| now.since_ms(*since) >= limit)
    }

    fn leaves_at(&self) -> MonoTime {
        let policy = self.lasting.roster.policy;
        self.touched.plus_ms(policy.idle_ms).plus_ms(policy.idle_warning_ms)
    }

    /// Seconds until the session ends, once it is time to ask.
    pub(super) fn leaving_in_s(&self, now: MonoTime) -> Option<u32> {
        let waits = matches!(&self.session, Session::Keeper(_))
            || matches!(&self.session, Session::Courier(courier)
            if matches!(courier.step, Step::Find { .. } | Step::Confirm { .. } | Step::PickSize { .. } | Step::Deposited { .. }));
        let policy = self.lasting.roster.policy;
        let asked = now.since_ms(self.touched) >= policy.idle_ms;
        (waits && asked).then(|| {
            let left_ms = self.leaves_at().ms().saturating_sub(now.ms());
            u32::try_from(left_ms.div_ceil(1_000)).unwrap_or(u32::MAX)
        })
    }

    /// The next moment at which [`super::io::Input::Tick`] could change anything; between inputs nothing else can.
    pub fn next_timeout(&self, now: MonoTime) -> MonoTime {
        // Every timer but the pulse is counted in seconds, so a quarter of one is exact enough for them.
        let soon = now.plus_ms(250);
        self.pulse.map_or(soon, |pulse| pulse.deadline.min(soon))
    }
}
