//! Drop-off: recipient, size, door, parcel in, next.

use alloc::string::String;
use alloc::vec::Vec;

use super::io::Action;
use super::screen::{Match, Notice, SizeChoice, Then};
use super::session::{Drop, Session, Step};
use super::{Bank, Turn};
use crate::allocation::{Need, allocate};
use crate::compartment::{CompartmentNo, Reach, Size, masked_name};
use crate::event::{Deposit, EventKind, Problem, Purpose, Refusal, Surface};
use crate::id::{GrantId, ParcelId, PersonId};
use crate::roster::Recipient;
use crate::time::MonoTime;

/// Matches shown at once.
const MATCHES: usize = 8;
/// Characters of a search that are read.
const QUERY_CHARS: usize = 64;
/// Doors tried for one parcel before the courier is told to call.
const DOORS_TRIED: u8 = 3;
const DAY_MS: i64 = 86_400_000;

impl Bank {
    pub(super) fn courier_acts(&mut self, turn: &mut Turn<'_>, action: Action) {
        let Session::Courier(courier) = &mut self.session else { return };
        let step = courier.step.clone();
        match (step, action) {
            (Step::Find { .. }, Action::Search(query)) => self.search(&query),
            (Step::Find { .. }, Action::Pick(person)) => self.pick(person),
            (Step::Find { .. }, Action::Cancel | Action::Finish | Action::Back) => {
                self.session = Session::Idle;
            }
            (Step::Confirm { recipient }, Action::ConfirmRecipient) => self.go(Step::PickSize { recipient }),
            (Step::Confirm { .. } | Step::PickSize { .. }, Action::Back | Action::Cancel) => {
                self.find_again();
            }
            (Step::PickSize { recipient }, Action::PickSize(size)) => self.give(turn, recipient, size, 0),
            (Step::Placing { drop }, Action::Bigger) => self.go_bigger(turn, drop),
            (Step::Placing { drop }, Action::Cancel | Action::Back) => {
                self.take_back(turn, drop, Then::Cancelled);
            }
            (Step::Placing { drop }, Action::Report(problem)) => self.unusable(turn, drop, problem),
            (Step::Deposited { .. }, Action::NextParcel) => self.find_again(),
            (Step::Deposited { .. } | Step::DidNotOpen { .. }, Action::Finish | Action::Cancel) => {
                self.session = Session::Idle;
            }
            (Step::DidNotOpen { .. }, Action::NextParcel | Action::Back) => self.find_again(),
            _ => {}
        }
    }

    fn go(&mut self, step: Step) {
        if let Session::Courier(courier) = &mut self.session {
            courier.step = step;
        }
    }

    fn find_again(&mut self) {
        self.go(Step::Find { query: String::new(), matches: Vec::new(), more: false });
    }

    fn search(&mut self, query: &str) {
        let query: String = query.trim().chars().take(QUERY_CHARS).collect();
        let mut found = self.lasting.roster.recipients.iter().filter(|r| matches(r, &query)).map(masked);
        let matches: Vec<Match> = found.by_ref().take(MATCHES).collect();
        let more = found.next().is_some();
        self.go(Step::Find { query, matches, more });
    }

    fn pick(&mut self, person: PersonId) {
        let recipient = self.lasting.roster.recipients.iter().find(|r| r.person == person).map(masked);
        if let Some(recipient) = recipient {
            self.go(Step::Confirm { recipient });
        }
    }

    fn need(&self, recipient: &Match, size: Size) -> Need {
        let recipients = &self.lasting.roster.recipients;
        let reach =
            recipients.iter().find(|r| r.person == recipient.person).map_or(Reach::Standard, |r| r.reach);
        Need { size, reach }
    }

    fn allocated(&self, need: Need) -> Option<CompartmentNo> {
        allocate(self.layout.iter().filter(|c| self.free(c)), need)
    }

    pub(super) fn size_choices(&self, recipient: &Match) -> Vec<SizeChoice> {
        let built = |size| self.layout.iter().any(|c| c.size == size);
        let free = |size| {
            let need = self.need(recipient, size);
            let fits = |c: &&_| {
                self.free(c) && c.size >= size && (need.reach == Reach::Standard || c.reach == Reach::Low)
            };
            u16::try_from(self.layout.iter().filter(fits).count()).unwrap_or(u16::MAX)
        };
        Size::ALL
            .into_iter()
            .filter(|s| built(*s))
            .map(|size| SizeChoice { size, free: free(size) })
            .collect()
    }

    /// Opens the best compartment for this parcel, the `failed + 1`-th tried.
    fn give(&mut self, turn: &mut Turn<'_>, recipient: Match, size: Size, failed: u8) {
        let Some(compartment) = self.allocated(self.need(&recipient, size)) else {
            self.refuse_quietly(turn, Surface::Keypad, Refusal::NoSpace);
            self.notify(turn, Notice::NoSpace);
            return self.go(Step::PickSize { recipient });
        };
        let Session::Courier(courier) = &self.session else { return };
        if !self.still_passes(courier) {
            return self.session = Session::Idle;
        }
        let purpose = Purpose::DropOff {
            parcel: ParcelId::new(turn.now.wall, &mut &mut *turn.rng),
            recipient: recipient.person,
            courier: courier.person,
            carrier: courier.carrier,
            size,
        };
        self.go(Step::Opening { drop: Drop { recipient, size, compartment }, failed });
        self.open(turn, compartment, purpose);
    }

    pub(super) fn bigger_than(&self, drop: &Drop) -> Option<Size> {
        let current = self.layout.find(drop.compartment)?.size;
        let bigger = Size::ALL.into_iter().find(|size| *size > current)?;
        self.allocated(self.need(&drop.recipient, bigger)).map(|_| bigger)
    }

    fn go_bigger(&mut self, turn: &mut Turn<'_>, mut drop: Drop) {
        match self.bigger_than(&drop) {
            Some(size) => {
                drop.size = size;
                self.take_back(turn, drop, Then::Bigger);
            }
            None => self.notify(turn, Notice::NoSpace),
        }
    }

    fn take_back(&mut self, turn: &mut Turn<'_>, drop: Drop, then: Then) {
        if let Some(opening) = self.lasting.openings.get(&drop.compartment) {
            let (parcel, opening) = (opening.purpose.parcel(), opening.no);
            let compartment = drop.compartment;
            if let Some(parcel) = parcel {
                self.event(turn, EventKind::DropOffCancelled { parcel, compartment, opening });
            }
        }
        self.go(Step::CloseFirst { drop, then });
    }

    fn unusable(&mut self, turn: &mut Turn<'_>, drop: Drop, problem: Problem) {
        self.report(turn, drop.compartment, problem);
        if problem == Problem::AlreadyFull {
            self.take_back(turn, drop, Then::Bigger);
        }
    }

    pub(super) fn drop_off_failed(
        &mut self,
        turn: &mut Turn<'_>,
        compartment: CompartmentNo,
        until: MonoTime,
    ) {
        let Session::Courier(courier) = &self.session else { return };
        let Step::Opening { drop, failed } = courier.step.clone() else { return };
        if drop.compartment != compartment {
            return;
        }
        if failed + 1 < DOORS_TRIED && self.allocated(self.need(&drop.recipient, drop.size)).is_some() {
            self.notify(turn, Notice::TryingAnother { failed: compartment });
            self.give(turn, drop.recipient, drop.size, failed + 1);
        } else {
            self.go(Step::DidNotOpen { drop, until });
        }
    }

    pub(super) fn drop_off_closed(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo) {
        let Session::Courier(courier) = &mut self.session else { return };
        match courier.step.clone() {
            Step::Placing { drop } if drop.compartment == compartment => {
                courier.delivered = courier.delivered.saturating_add(1);
                courier.step = Step::Deposited { drop };
                self.notice = None;
            }
            Step::CloseFirst { drop, then } if drop.compartment == compartment => match then {
                Then::Bigger => self.give(turn, drop.recipient, drop.size, 0),
                Then::Cancelled => {
                    self.find_again();
                    self.notify(turn, Notice::Cancelled);
                }
            },
            _ => {}
        }
    }

    /// Custody passes to the bank.
    pub(super) fn deposit(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo, purpose: Purpose) {
        let Purpose::DropOff { parcel, recipient, courier, carrier, size } = purpose else { return };
        let days = i64::from(self.lasting.roster.policy.expiry_days);
        let deposit = Deposit {
            parcel,
            grant: GrantId::new(turn.now.wall, &mut &mut *turn.rng),
            compartment,
            recipient,
            courier,
            carrier,
            size,
            expires: turn.now.wall.plus_ms(days * DAY_MS),
        };
        self.event(turn, EventKind::ParcelDeposited(deposit));
    }
}

fn masked(recipient: &Recipient) -> Match {
    Match {
        person: recipient.person,
        unit: recipient.unit.clone(),
        masked_name: masked_name(&recipient.name),
    }
}

/// A unit by its beginning, or a word of a name by at least two letters.
fn matches(recipient: &Recipient, query: &str) -> bool {
    let query = fold(query);
    let unit = fold(&recipient.unit);
    !query.is_empty()
        && (unit.starts_with(&query)
            || (query.chars().count() >= 2
                && recipient.name.split_whitespace().any(|word| fold(word).starts_with(&query))))
}

fn fold(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
