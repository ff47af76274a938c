//! The way in when nothing else is left: two officers, no network.
//!
//! Somebody at the kiosk names a door and is shown a [`Challenge`]. Two officers, who may be anywhere, each sign bank,
//! door and challenge with a key of their own that never was at the platform; their answers are scanned or typed. The
//! challenge is good for this door and for a quarter of an hour, and is gone after a restart. Anybody may ask: without
//! the signatures asking gets nobody anywhere.

use super::io::{Checked, Output};
use super::remote::CHECKED_WITHIN_MS;
use super::session::Session;
use super::staff::{Staff, StaffStep, Who};
use super::{Bank, Turn};
use crate::compartment::CompartmentNo;
use crate::event::{Authority, EventKind, Purpose, Refusal, Surface};
use crate::signer::{Act, Challenge, KeyUse, PersonKey, Proof, PublicKey, Statement};
use crate::time::{MonoTime, WallTime};

/// How long a challenge may be answered, in milliseconds.
pub const CHALLENGE_MS: u64 = 15 * 60_000;
/// Requests for a challenge are written at most once in this time.
const QUIET_MS: u64 = 5_000;

/// An answer whose signature is being checked.
#[derive(Debug)]
pub(super) struct Response {
    check: u64,
    challenge: Challenge,
    key: PersonKey,
    until: MonoTime,
}

impl Bank {
    /// Whether two officers could answer a challenge here.
    pub(super) fn has_officers(&self, now: MonoTime) -> bool {
        self.lasting.keyring.people(KeyUse::Officer, self.powered(now)) >= 2
    }

    pub(super) fn emergency(&mut self, turn: &Turn<'_>) {
        if self.has_officers(turn.now.mono) && self.pulse.is_none() {
            self.notice = None;
            self.session = Session::Staff(Staff { who: Who::Officers, step: StaffStep::Choose });
        }
    }

    pub(super) fn challenge(&mut self, turn: &mut Turn<'_>, compartment: CompartmentNo) {
        if self.layout.find(compartment).is_none() {
            return;
        }
        let mut challenge = Challenge([0; 5]);
        turn.rng.fill_bytes(&mut challenge.0);
        if turn.now.mono >= self.quiet_until {
            self.quiet_until = turn.now.mono.plus_ms(QUIET_MS);
            self.event(turn, EventKind::OverrideAsked { compartment });
        }
        let until = turn.now.mono.plus_ms(CHALLENGE_MS);
        self.staff_goes(StaffStep::Challenge { compartment, challenge, until, first: None });
    }

    /// An answer was scanned or typed.
    pub(super) fn answered(&mut self, turn: &mut Turn<'_>, tag: [u8; 8], signature: [u8; 64]) {
        let Session::Staff(Staff { step: StaffStep::Challenge { compartment, challenge, .. }, .. }) =
            &self.session
        else {
            return;
        };
        let (compartment, challenge) = (*compartment, *challenge);
        self.touched = turn.now.mono;
        if self.response.is_some() {
            return;
        }
        let powered = self.powered(turn.now.mono);
        let is_meant = |key: &&PersonKey| {
            key.used_for == KeyUse::Officer
                && matches!(key.public, PublicKey::Ed25519(public) if public[..8] == tag)
        };
        let Some(key) = self.lasting.keyring.believable(powered).find(is_meant).copied() else {
            return self.refuse_quietly(turn, Surface::Keypad, Refusal::BadResponse);
        };
        let check = self.ticket();
        let until = turn.now.mono.plus_ms(CHECKED_WITHIN_MS);
        self.response = Some(Response { check, challenge, key, until });
        let act = Act::Override { compartment, challenge };
        // The challenge has its own time, kept here.
        let statement = Statement { act, presence: None, expires: WallTime::default() };
        let signatures = alloc::vec![(key, Proof::Plain(signature))];
        turn.out.push(Output::CheckSignatures { check, statement, signatures });
    }

    pub(super) fn response_checked(&mut self, turn: &mut Turn<'_>, check: u64, checked: &Checked) {
        let Some(response) = self.response.take_if(|response| response.check == check) else { return };
        let Session::Staff(Staff {
            step: StaffStep::Challenge { compartment, challenge, until, first }, ..
        }) = &self.session
        else {
            return;
        };
        let (compartment, challenge, until, first) = (*compartment, *challenge, *until, *first);
        let by = response.key.person;
        let genuine = checked.proven.len() == 1 && checked.proven[0].is_some();
        let counts = self.lasting.keyring.find(&response.key).is_some();
        if !genuine || !counts || challenge != response.challenge || turn.now.mono >= until {
            return self.refuse_quietly(turn, Surface::Keypad, Refusal::BadResponse);
        }
        match first {
            None => {
                self.event(turn, EventKind::OverrideAnswered { compartment, by });
                self.notice = None;
                self.staff_goes(StaffStep::Challenge { compartment, challenge, until, first: Some(by) });
            }
            Some(first) if first == by => {}
            Some(first) => {
                let purpose = Purpose::Inspect { by: first, authority: Authority::Override { second: by } };
                self.open_for_staff(turn, compartment, purpose);
            }
        }
    }

    /// A check that never ended, and a challenge whose time is over.
    pub(super) fn override_timers(&mut self, turn: &Turn<'_>) {
        self.response.take_if(|response| turn.now.mono >= response.until);
        if let Session::Staff(Staff { step: StaffStep::Challenge { until, .. }, .. }) = &self.session
            && turn.now.mono >= *until
        {
            self.session = Session::Idle;
        }
    }
}
