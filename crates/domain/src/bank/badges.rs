//! What a badge held to a reader does: a courier signs in, a technician finds a work order, a recipient's door opens.
//!
//! A weak badge only says whose code is expected next, where policy does not refuse it or let it suffice. An unknown
//! badge costs a guess like a wrong code, because numbers can be tried; the same one held again costs nothing.

use alloc::vec::Vec;

use super::io::{Answer, Candidate, Record, Subject};
use super::session::Session;
use super::{Bank, Turn};
use crate::badge::{Assurance, BadgePass, BadgeShown, MAX_BADGES, WeakBadges};
use crate::budget::Keypad;
use crate::event::{EventKind, Refusal, Surface};
use crate::grant::{GrantState, Verifier};
use crate::id::{GrantId, PersonId};
use crate::time::WallTime;

/// Unknown badges remembered, so that the same one counts once.
const REMEMBERED: usize = 8;
/// Offers to enrol a badge that may be open at once.
pub const MAX_ENROLMENTS: usize = 64;
/// How long an offer to enrol may live.
const LONGEST_OFFER_MS: i64 = 48 * 3_600_000;
/// Badges one person may enrol at a kiosk.
const BADGES_EACH: usize = 4;

/// Somebody's right to enrol a badge at the kiosk, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// Proves the code they were sent.
    pub verifier: Verifier,
    /// Until when.
    pub expires: WallTime,
}

impl Bank {
    pub(super) fn badge_shown(&mut self, turn: &mut Turn<'_>, badge: BadgeShown) {
        match self.session {
            Session::Enrol { person } => self.enrol(turn, person, badge),
            Session::Idle | Session::SecondFactor { .. } => self.badge_asks(turn, badge),
            _ => {}
        }
    }

    fn badge_asks(&mut self, turn: &mut Turn<'_>, badge: BadgeShown) {
        self.touched = turn.now.mono;
        if self.shut() {
            return self.refuse_quietly(turn, Surface::Badge, Refusal::LockedDown);
        }
        if self.lasting.budget.keypad(turn.now.wall) != Keypad::Ready {
            return self.refuse_quietly(turn, Surface::Badge, Refusal::TooManyTries);
        }
        let Some(pass) = self.pass_of(&badge) else { return self.unknown_badge(turn, badge.mac) };
        // Enrolled by its serial number, it proves no more however it is read now.
        let weak = pass.assurance.min(badge.assurance) == Assurance::Weak;
        match self.lasting.roster.badges.weak {
            WeakBadges::Refused if weak => self.refuse_quietly(turn, Surface::Badge, Refusal::WeakBadge),
            WeakBadges::NeedCode if weak => {
                self.notice = None;
                self.session = Session::SecondFactor { person: pass.person };
            }
            _ => self.badge_proves(turn, pass.person),
        }
    }

    fn pass_of(&self, badge: &BadgeShown) -> Option<BadgePass> {
        let on_roster = self.lasting.roster.badges.passes.iter().find(|pass| pass.mac == badge.mac);
        on_roster.or_else(|| self.lasting.badges.get(&badge.mac)).copied()
    }

    fn unknown_badge(&mut self, turn: &mut Turn<'_>, mac: [u8; 32]) {
        if self.unknown_badges.contains(&mac) {
            return self.refuse_quietly(turn, Surface::Badge, Refusal::UnknownBadge);
        }
        if self.unknown_badges.len() >= REMEMBERED {
            self.unknown_badges.remove(0);
        }
        self.unknown_badges.push(mac);
        // Nothing is shown before this is durable, so cutting the power gives no guess back.
        let guess = self.lasting.budget.next();
        self.record(turn, Record::GuessReserved { guess, at: turn.now.wall });
        self.missed(turn, Surface::Badge, Refusal::UnknownBadge);
    }

    /// Whoever stands there is this person.
    pub(super) fn badge_proves(&mut self, turn: &mut Turn<'_>, person: PersonId) {
        self.session = Session::Idle;
        if self.pass(person) {
            return self.sign_in(turn, person);
        }
        let orders = self.lasting.work_orders.values();
        let order = orders.filter(|o| o.technician == person && turn.now.wall < o.expires).map(|o| o.order);
        if let Some(order) = order.min() {
            return self.technician_signs_in(turn, order);
        }
        // The oldest first; held again, the badge opens the next.
        let mine = self.lasting.grants.values().filter(|g| g.recipient == person && g.opens(turn.now.wall));
        match mine.map(|grant| grant.id).min() {
            Some(grant) => self.pick_up(turn, grant, Surface::Badge),
            None => self.refuse_quietly(turn, Surface::Badge, Refusal::NothingHere),
        }
    }

    /// What a code may prove after a weak badge of this person.
    pub(super) fn candidates_of(&self, person: PersonId) -> Vec<Candidate> {
        let grants = self.lasting.grants.values().filter(|grant| grant.recipient == person);
        let grants = grants.filter_map(|grant| match grant.state {
            GrantState::Live(verifier) => Some(Candidate { subject: Subject::Grant(grant.id), verifier }),
            _ => None,
        });
        let couriers = self.lasting.roster.couriers.iter().filter(|courier| courier.person == person);
        let couriers = couriers
            .map(|courier| Candidate { subject: Subject::Courier(person), verifier: courier.verifier });
        let passes = self.lasting.roster.badges.passes.iter().chain(self.lasting.badges.values());
        let pins = passes.filter(|pass| pass.person == person).filter_map(|pass| pass.pin);
        let pins = pins.map(|verifier| Candidate { subject: Subject::Pin(person), verifier });
        let orders = self.lasting.work_orders.values().filter(|order| order.technician == person);
        let orders = orders.filter_map(|order| {
            order.verifier.map(|verifier| Candidate { subject: Subject::WorkOrder(order.order), verifier })
        });
        grants.chain(couriers).chain(pins).chain(orders).collect()
    }

    /// Codes besides those of recipients and couriers that are good at the home screen.
    pub(super) fn further_candidates(&self) -> impl Iterator<Item = Candidate> {
        let orders = self.lasting.work_orders.values().filter_map(|order| {
            order.verifier.map(|verifier| Candidate { subject: Subject::WorkOrder(order.order), verifier })
        });
        let offers = self.lasting.enrolments.iter();
        orders.chain(offers.map(|(person, offer)| Candidate {
            subject: Subject::Enrolment(*person),
            verifier: offer.verifier,
        }))
    }

    /// Whether what a code proved is still a right.
    pub(super) fn further_right(&self, turn: &Turn<'_>, subject: Subject) -> bool {
        let now = turn.now.wall;
        match subject {
            Subject::WorkOrder(order) => {
                self.lasting.work_orders.get(&order).is_some_and(|order| now < order.expires)
            }
            Subject::Enrolment(person) => self.may_enrol(person, now),
            Subject::Pin(person) => {
                let mut passes = self.lasting.roster.badges.passes.iter().chain(self.lasting.badges.values());
                passes.any(|pass| pass.person == person && pass.pin.is_some())
            }
            _ => false,
        }
    }

    pub(super) fn further_proven(&mut self, turn: &mut Turn<'_>, subject: Subject) {
        match subject {
            Subject::WorkOrder(order) => self.technician_signs_in(turn, order),
            Subject::Enrolment(person) => {
                self.notice = None;
                self.session = Session::Enrol { person };
            }
            Subject::Pin(person) => self.badge_proves(turn, person),
            _ => {}
        }
    }

    pub(super) fn offer_enrolment(
        &mut self,
        turn: &mut Turn<'_>,
        person: PersonId,
        verifier: Verifier,
        expires: WallTime,
    ) -> Answer {
        let known = self.lasting.roster.recipients.iter().any(|r| r.person == person) || self.pass(person);
        let left_ms = expires.since_ms(turn.now.wall);
        let full =
            self.lasting.enrolments.len() >= MAX_ENROLMENTS && !self.lasting.enrolments.contains_key(&person);
        let confused = self.lasting.grants.contains_key(&GrantId::from_bytes(person.to_bytes()));
        if !known || full || confused || !(1..=LONGEST_OFFER_MS).contains(&left_ms) {
            return Answer::Invalid;
        }
        self.record(turn, Record::Enrolment { person, verifier, expires });
        self.event(turn, EventKind::EnrolmentOffered { person, expires });
        Answer::Done
    }

    pub(super) fn may_enrol(&self, person: PersonId, now: WallTime) -> bool {
        self.lasting.enrolments.get(&person).is_some_and(|offer| now < offer.expires)
    }

    fn enrol(&mut self, turn: &mut Turn<'_>, person: PersonId, badge: BadgeShown) {
        self.session = Session::Idle;
        let BadgeShown { assurance, mac, .. } = badge;
        let theirs = self.lasting.badges.values().filter(|pass| pass.person == person).count();
        let full = self.lasting.badges.len() >= MAX_BADGES || theirs >= BADGES_EACH;
        // Somebody else's badge stays theirs.
        if full || self.pass_of(&badge).is_some() || !self.may_enrol(person, turn.now.wall) {
            return self.refuse_quietly(turn, Surface::Badge, Refusal::NothingHere);
        }
        self.record(turn, Record::Badge(BadgePass { mac, person, assurance, pin: None }));
        self.event(turn, EventKind::BadgeEnrolled { person, assurance });
        self.notify(turn, super::screen::Notice::BadgeEnrolled);
    }

    pub(super) fn forget_badges(&mut self, turn: &mut Turn<'_>, person: PersonId) -> Answer {
        if self.lasting.badges.values().any(|pass| pass.person == person) {
            self.event(turn, EventKind::BadgesForgotten { person });
        }
        Answer::Done
    }
}
