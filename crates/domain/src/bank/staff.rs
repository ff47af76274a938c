//! Staff at the kiosk: a door opened from afar, by a work order or in an emergency.

use super::io::Action;
use super::screen::{Screen, Task};
use super::session::Session;
use super::{Bank, Lasting, Turn};
use crate::compartment::CompartmentNo;
use crate::event::{Authority, EventKind, Purpose, Refusal, Surface};
use crate::id::{PersonId, WorkOrderId};
use crate::signer::Challenge;
use crate::time::{MonoTime, Now};

/// Who is at work, and how far they got.
#[derive(Clone, Debug)]
pub(super) struct Staff {
    pub(super) who: Who,
    pub(super) step: StaffStep,
}

/// What lets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Somebody whose wish came over the link.
    Remote,
    /// Officers in an emergency; nobody is known until they have answered.
    Officers,
    /// A technician with a work order.
    Technician { person: PersonId, order: WorkOrderId },
}

#[derive(Clone, Debug)]
pub(super) enum StaffStep {
    Choose,
    Challenge { compartment: CompartmentNo, challenge: Challenge, until: MonoTime, first: Option<PersonId> },
    Opening { compartment: CompartmentNo },
    Open { compartment: CompartmentNo },
    Done { compartment: CompartmentNo, until: MonoTime },
    DidNotOpen { compartment: CompartmentNo, until: MonoTime },
}

impl Staff {
    /// Whether what lets them has ended meanwhile.
    pub(super) fn gone(&self, lasting: &Lasting) -> bool {
        matches!(self.who, Who::Technician { order, .. } if !lasting.work_orders.contains_key(&order))
    }
}

impl Bank {
    pub(super) fn staff_acts(&mut self, turn: &mut Turn<'_>, action: Action) {
        let Session::Staff(Staff { who, step }) = &self.session else { return };
        let (who, step) = (*who, step.clone());
        match (step, action) {
            (StaffStep::Choose, Action::ChooseDoor(compartment)) => self.choose(turn, who, compartment),
            (
                StaffStep::Choose | StaffStep::Done { .. } | StaffStep::DidNotOpen { .. },
                Action::Finish | Action::Cancel | Action::Back,
            ) => self.session = Session::Idle,
            (StaffStep::Challenge { .. }, Action::Cancel | Action::Finish | Action::Back) => {
                self.response = None;
                self.session = Session::Idle;
            }
            (StaffStep::Open { compartment }, Action::Report(problem)) => {
                self.report(turn, compartment, problem);
            }
            _ => {}
        }
    }

    fn choose(&mut self, turn: &mut Turn<'_>, who: Who, compartment: CompartmentNo) {
        match who {
            Who::Remote => {}
            Who::Officers => self.challenge(turn, compartment),
            Who::Technician { person, order } => self.work_on(turn, person, order, compartment),
        }
    }

    pub(super) fn technician_signs_in(&mut self, turn: &mut Turn<'_>, order: WorkOrderId) {
        let Some(technician) = self.lasting.work_orders.get(&order).map(|order| order.technician) else {
            return;
        };
        self.event(turn, EventKind::TechnicianSignedIn { technician, order });
        self.notice = None;
        self.touched = turn.now.mono;
        let who = Who::Technician { person: technician, order };
        self.session = Session::Staff(Staff { who, step: StaffStep::Choose });
    }

    fn work_on(
        &mut self,
        turn: &mut Turn<'_>,
        person: PersonId,
        order: WorkOrderId,
        compartment: CompartmentNo,
    ) {
        if !self.doors_of(order, turn.now.wall).contains(&compartment) {
            let held = self.lasting.contents.contains_key(&compartment);
            let reason = if held { Refusal::Occupied } else { Refusal::NothingHere };
            return self.refuse_quietly(turn, Surface::Keypad, reason);
        }
        let purpose = Purpose::Inspect { by: person, authority: Authority::WorkOrder { order } };
        self.open_for_staff(turn, compartment, purpose);
    }

    /// Opens a door for the staff session under way.
    pub(super) fn open_for_staff(
        &mut self,
        turn: &mut Turn<'_>,
        compartment: CompartmentNo,
        purpose: Purpose,
    ) {
        let ready = self.layout.find(compartment).is_some_and(|c| self.ready(c)) && self.pulse.is_none();
        if self.holds(compartment, purpose.way()) {
            return self.refuse_quietly(turn, Surface::Keypad, Refusal::LockedDown);
        }
        if !ready {
            return self.refuse_quietly(turn, Surface::Keypad, Refusal::DoorUnavailable);
        }
        self.staff_goes(StaffStep::Opening { compartment });
        self.open(turn, compartment, purpose);
    }

    pub(super) fn staff_goes(&mut self, next: StaffStep) {
        if let Session::Staff(Staff { step, .. }) = &mut self.session {
            *step = next;
        }
    }

    pub(super) fn staff_opened(&mut self, compartment: CompartmentNo) {
        if matches!(&self.session, Session::Staff(Staff { step: StaffStep::Opening { compartment: c }, .. }) if *c == compartment)
        {
            self.staff_goes(StaffStep::Open { compartment });
        }
    }

    pub(super) fn staff_opening_failed(&mut self, compartment: CompartmentNo, until: MonoTime) {
        if matches!(&self.session, Session::Staff(Staff { step: StaffStep::Opening { compartment: c }, .. }) if *c == compartment)
        {
            self.staff_goes(StaffStep::DidNotOpen { compartment, until });
        }
    }

    /// The door is shut again: a technician goes on with the order, others are done.
    pub(super) fn staff_closed(&mut self, compartment: CompartmentNo, until: MonoTime) {
        let Session::Staff(Staff { who, step: StaffStep::Open { compartment: c } }) = &self.session else {
            return;
        };
        if *c == compartment {
            let on = matches!(who, Who::Technician { .. });
            self.staff_goes(if on { StaffStep::Choose } else { StaffStep::Done { compartment, until } });
        }
    }

    pub(super) fn staff_screen(&self, staff: &Staff, now: Now) -> Screen {
        match (&staff.step, staff.who) {
            (StaffStep::Choose, Who::Technician { order, .. }) => {
                Screen::ChooseDoor { doors: self.doors_of(order, now.wall), task: Task::Repair }
            }
            (StaffStep::Choose, _) => {
                let doors = self.layout.iter().map(|c| c.number).collect();
                Screen::ChooseDoor { doors, task: Task::Emergency }
            }
            (StaffStep::Challenge { compartment, challenge, first, .. }, _) => {
                let answers = u8::from(first.is_some());
                Screen::Challenge { compartment: *compartment, challenge: *challenge, answers }
            }
            (StaffStep::Opening { compartment }, _) => {
                Screen::Opening { compartment: *compartment, task: Task::Inspect }
            }
            (StaffStep::Open { compartment }, _) => Screen::Inspecting { compartment: *compartment },
            (StaffStep::Done { compartment, .. }, _) => Screen::Inspected { compartment: *compartment },
            (StaffStep::DidNotOpen { compartment, .. }, _) => {
                Screen::DidNotOpen { compartment: *compartment, task: Task::Inspect, can_retry: false }
            }
        }
    }
}
