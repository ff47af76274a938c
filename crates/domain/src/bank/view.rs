//! The engine as the kiosk shows it.

use alloc::vec::Vec;

use super::Bank;
use super::screen::{AlarmKind, DoorAlarm, Notice, Screen, Sounding, Task, View, Vouching};
use super::session::{Courier, PickupStep, Session, Step};
use crate::grant::MAX_ATTEMPTS;
use crate::time::Now;

impl Bank {
    /// What the kiosk shows now. `version` is left 0 for the caller to fill in.
    pub fn view(&self, now: Now) -> View {
        View {
            version: 0,
            bank_name: self.lasting.roster.bank_name.clone(),
            help: self.lasting.roster.help.clone(),
            screen: self.screen(now),
            notice: if self.shut() {
                Some(Notice::OutOfOrder)
            } else {
                self.notice.map(|(notice, _)| notice)
            },
            alarms: self.alarms(),
            leaving_in_s: self.leaving_in_s(now.mono),
            lockdowns: self.lockdowns(now.mono),
            tampers: self.lasting.tampers.keys().copied().collect(),
            asks: self.asks(now),
            unattended: self.unattended(),
            remote: self.remote_view(now),
            ledger: Vouching::Vouches,
        }
    }

    fn alarms(&self) -> Vec<DoorAlarm> {
        let forced =
            self.lasting.forced.iter().map(|c| DoorAlarm { compartment: *c, kind: AlarmKind::Forced });
        let held = self.lasting.held.iter().map(|c| DoorAlarm { compartment: *c, kind: AlarmKind::HeldOpen });
        forced.chain(held).collect()
    }

    fn screen(&self, now: Now) -> Screen {
        match &self.session {
            Session::Idle => Screen::Home { keypad: self.lasting.budget.keypad(now.wall) },
            Session::Checking { .. } => Screen::Checking,
            Session::Pickup { compartment, step } => {
                let compartment = *compartment;
                match step {
                    PickupStep::Opening => Screen::Opening { compartment, task: Task::Pickup },
                    PickupStep::Open => Screen::TakeParcel { compartment },
                    PickupStep::Collected { .. } => Screen::Collected { compartment },
                    PickupStep::DidNotOpen { .. } => {
                        let mut grants = self.lasting.grants.values();
                        let can_retry =
                            grants.any(|g| g.compartment == compartment && g.attempts < MAX_ATTEMPTS);
                        Screen::DidNotOpen { compartment, task: Task::Pickup, can_retry }
                    }
                }
            }
            Session::Courier(courier) => self.courier_screen(courier),
            Session::Staff(staff) => self.staff_screen(staff, now),
            Session::SecondFactor { .. } => Screen::SecondFactor,
            Session::Enrol { .. } => Screen::HoldBadge,
            Session::Keeper(_) => {
                let siren = if self.tamper.siren_until.is_some() { Sounding::Yes } else { Sounding::No };
                Screen::Keeper { siren }
            }
        }
    }

    fn courier_screen(&self, courier: &Courier) -> Screen {
        match courier.step.clone() {
            Step::Find { query, matches, more } => Screen::FindRecipient {
                carrier: courier.carrier_name.clone(),
                query,
                matches,
                more,
                delivered: courier.delivered,
            },
            Step::Confirm { recipient } => Screen::ConfirmRecipient { recipient },
            Step::PickSize { recipient } => {
                let sizes = self.size_choices(&recipient);
                Screen::PickSize { recipient, sizes }
            }
            Step::Opening { drop, .. } => {
                Screen::Opening { compartment: drop.compartment, task: Task::DropOff }
            }
            Step::Placing { drop } => Screen::PlaceParcel {
                compartment: drop.compartment,
                can_go_bigger: self.bigger_than(&drop).is_some(),
                recipient: drop.recipient,
            },
            Step::CloseFirst { drop, then } => Screen::CloseFirst { compartment: drop.compartment, then },
            Step::Deposited { drop } => Screen::Deposited {
                compartment: drop.compartment,
                recipient: drop.recipient,
                delivered: courier.delivered,
            },
            Step::DidNotOpen { drop, .. } => {
                Screen::DidNotOpen { compartment: drop.compartment, task: Task::DropOff, can_retry: false }
            }
        }
    }
}
