//! Codes and tokens: who is asking. Wrong, used, expired and foreign all end in the same refusal.

use alloc::vec::Vec;

use super::io::{Candidate, Output, Record, Subject, TokenClaims, TokenFault, Verdict};
use super::screen::Notice;
use super::session::{Courier, PickupStep, Session, Step};
use super::{Bank, Turn};
use crate::budget::Keypad;
use crate::code::Code;
use crate::event::{EventKind, Purpose, Refusal, Surface};
use crate::grant::{GrantState, MAX_ATTEMPTS};
use crate::id::{GrantId, PersonId};
use crate::lockdown::Way;

/// Refusals that cost a guesser nothing are written at most once in this time, so that nobody can fill the disk.
const QUIET_MS: u64 = 5_000;
/// A comparison that takes longer than this has failed; the guess stays a miss.
const CHECKED_WITHIN_MS: u64 = 15_000;

impl Bank {
    pub(super) fn code_entered(&mut self, turn: &mut Turn<'_>, code: Code) {
        if self.shut() {
            return self.refuse_quietly(turn, Surface::Keypad, Refusal::LockedDown);
        }
        if self.lasting.budget.keypad(turn.now.wall) != Keypad::Ready {
            return self.refuse_quietly(turn, Surface::Keypad, Refusal::TooManyTries);
        }
        let guess = self.lasting.budget.next();
        self.record(turn, Record::GuessReserved { guess, at: turn.now.wall });
        turn.out.push(Output::Verify { guess, code, candidates: self.candidates_now() });
        self.session = Session::Checking { guess, until: turn.now.mono.plus_ms(CHECKED_WITHIN_MS) };
    }

    fn candidates_now(&self) -> Vec<Candidate> {
        match self.session {
            Session::SecondFactor { person } => self.candidates_of(person),
            _ => self.candidates(),
        }
    }

    fn candidates(&self) -> Vec<Candidate> {
        let grants = self.lasting.grants.values().filter_map(|grant| match grant.state {
            GrantState::Live(verifier) => Some(Candidate { subject: Subject::Grant(grant.id), verifier }),
            _ => None,
        });
        let couriers = self.lasting.roster.couriers.iter();
        let couriers =
            couriers.map(|c| Candidate { subject: Subject::Courier(c.person), verifier: c.verifier });
        let keepers = self.lasting.roster.security.keepers.iter().filter_map(|keeper| {
            keeper.verifier.map(|verifier| Candidate { subject: Subject::Keeper(keeper.person), verifier })
        });
        grants.chain(couriers).chain(keepers).chain(self.further_candidates()).collect()
    }

    pub(super) fn code_verified(&mut self, turn: &mut Turn<'_>, guess: u64, outcome: Verdict) {
        match self.session {
            Session::Checking { guess: expected, .. } if expected == guess => self.session = Session::Idle,
            _ => return,
        }
        match outcome {
            Verdict::Match(Subject::Grant(grant)) if self.live(turn, grant) => {
                self.record(turn, Record::GuessRefunded { guess });
                self.pick_up(turn, grant, Surface::Keypad);
            }
            Verdict::Match(Subject::Courier(person)) if self.pass(person) => {
                self.record(turn, Record::GuessRefunded { guess });
                self.sign_in(turn, person);
            }
            Verdict::Match(Subject::Keeper(person)) if self.keeps(person) => {
                self.record(turn, Record::GuessRefunded { guess });
                self.keeper_in(turn, person);
            }
            Verdict::Match(subject) if self.further_right(turn, subject) => {
                self.record(turn, Record::GuessRefunded { guess });
                self.further_proven(turn, subject);
            }
            Verdict::RepeatedMiss => {
                self.record(turn, Record::GuessRefunded { guess });
                self.refuse_quietly(turn, Surface::Keypad, Refusal::UnknownCode);
            }
            _ => self.missed(turn, Surface::Keypad, Refusal::UnknownCode),
        }
    }

    pub(super) fn missed(&mut self, turn: &mut Turn<'_>, surface: Surface, reason: Refusal) {
        self.refuse(turn, surface, reason);
        let until = match self.lasting.budget.keypad(turn.now.wall) {
            Keypad::Closed(until) => Some(until),
            Keypad::ClosedUntilReset => None,
            Keypad::Ready | Keypad::Paused(_) => return,
        };
        self.event(turn, EventKind::KeypadClosed { until });
    }

    pub(super) fn live(&self, turn: &Turn<'_>, grant: GrantId) -> bool {
        self.lasting.grants.get(&grant).is_some_and(|grant| grant.opens(turn.now.wall))
    }

    pub(super) fn pass(&self, person: PersonId) -> bool {
        self.lasting.roster.couriers.iter().any(|courier| courier.person == person)
    }

    pub(super) fn token_shown(&mut self, turn: &mut Turn<'_>, token: Result<TokenClaims, TokenFault>) {
        if !matches!(self.session, Session::Idle) {
            return;
        }
        self.touched = turn.now.mono;
        if self.shut() {
            return self.refuse_quietly(turn, Surface::Qr, Refusal::LockedDown);
        }
        let refusal = match token {
            Err(TokenFault::Forged) => Refusal::ForgedToken,
            Ok(claims) if !claims.this_bank => Refusal::OtherBank,
            Ok(claims) if self.token_opens(turn, &claims) => {
                return self.pick_up(turn, claims.grant, Surface::Qr);
            }
            Ok(_) => Refusal::DeadToken,
        };
        self.refuse_quietly(turn, Surface::Qr, refusal);
    }

    fn token_opens(&self, turn: &Turn<'_>, claims: &TokenClaims) -> bool {
        let now = turn.now.wall;
        (claims.not_before..claims.expires).contains(&now)
            && self
                .lasting
                .grants
                .get(&claims.grant)
                .is_some_and(|grant| grant.generation == claims.generation && grant.opens(now))
    }

    pub(super) fn pick_up(&mut self, turn: &mut Turn<'_>, grant: GrantId, surface: Surface) {
        let grant = &self.lasting.grants[&grant];
        let (id, parcel, compartment, attempts) = (grant.id, grant.parcel, grant.compartment, grant.attempts);
        if attempts >= MAX_ATTEMPTS {
            return self.refuse_quietly(turn, surface, Refusal::DoorStuck);
        }
        if self.holds(compartment, Way::Local) {
            return self.refuse_quietly(turn, surface, Refusal::LockedDown);
        }
        let ready = self.layout.find(compartment).is_some_and(|c| self.ready(c)) && self.pulse.is_none();
        if !ready {
            return self.refuse_quietly(turn, surface, Refusal::DoorUnavailable);
        }
        self.notice = None;
        self.session = Session::Pickup { compartment, step: PickupStep::Opening };
        self.open(turn, compartment, Purpose::Pickup { parcel, grant: id, surface });
    }

    pub(super) fn sign_in(&mut self, turn: &mut Turn<'_>, person: PersonId) {
        let couriers = &self.lasting.roster.couriers;
        let pass = couriers.iter().find(|c| c.person == person).expect("the caller found the pass");
        let (carrier, carrier_name, verifier) = (pass.carrier, pass.carrier_name.clone(), pass.verifier);
        self.event(turn, EventKind::CourierSignedIn { courier: person, carrier });
        self.notice = None;
        let step = Step::Find { query: Default::default(), matches: Vec::new(), more: false };
        self.session =
            Session::Courier(Courier { person, carrier, carrier_name, verifier, delivered: 0, step });
    }

    /// Whether the code that the courier signed in with would still let them in.
    pub(super) fn still_passes(&self, courier: &Courier) -> bool {
        let couriers = &self.lasting.roster.couriers;
        couriers.iter().any(|pass| pass.person == courier.person && pass.verifier == courier.verifier)
    }

    fn refuse(&mut self, turn: &mut Turn<'_>, surface: Surface, reason: Refusal) {
        self.event(turn, EventKind::AccessRefused { surface, reason });
        self.show_refusal(turn, reason);
    }

    pub(super) fn refuse_quietly(&mut self, turn: &mut Turn<'_>, surface: Surface, reason: Refusal) {
        if turn.now.mono >= self.quiet_until {
            self.quiet_until = turn.now.mono.plus_ms(QUIET_MS);
            self.event(turn, EventKind::AccessRefused { surface, reason });
        }
        self.show_refusal(turn, reason);
    }

    fn show_refusal(&mut self, turn: &Turn<'_>, reason: Refusal) {
        let tries_left = self.lasting.budget.tries_left(turn.now.wall);
        let tries_left = u8::try_from(tries_left).unwrap_or(u8::MAX);
        self.notify(turn, Notice::Refused { reason, tries_left });
    }
}
