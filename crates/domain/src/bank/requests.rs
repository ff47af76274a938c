//! What the platform asks. It asks; the bank decides, and never after the deadline.

use super::io::{Answer, Record, Request};
use super::lockdown::AskedAt;
use super::{Bank, Turn};
use crate::badge::MAX_BADGES;
use crate::compartment::{CompartmentNo, Service};
use crate::event::EventKind;
use crate::grant::{GrantState, Verifier};
use crate::id::{GrantId, PersonId};
use crate::roster::{MAX_COURIERS, MAX_RECIPIENTS, Roster};
use crate::signer::{MAX_KEYS, MAX_STAFF_KEYS};
use crate::time::WallTime;

/// No grant lives longer than this from now.
const LONGEST_GRANT_MS: i64 = 31 * 86_400_000;
/// No time of a policy is longer than a day.
const LONGEST_POLICY_MS: u64 = 86_400_000;
/// A roster may be this many revisions ahead, so that nobody can use the numbers up.
const FURTHEST_REVISION: u64 = 1 << 32;

impl Bank {
    pub(super) fn request(&mut self, turn: &mut Turn<'_>, deadline: WallTime, request: Request) -> Answer {
        if turn.now.wall > deadline {
            return Answer::TooLate;
        }
        match request {
            Request::TakeRoster(roster) => self.take_roster(turn, roster),
            Request::Arm { grant, generation, verifier, expires } => {
                self.arm(turn, grant, generation, verifier, expires)
            }
            Request::Revoke { grant } => self.revoke(turn, grant),
            Request::SetService { compartment, service, by } => {
                self.set_service(turn, compartment, service, by)
            }
            Request::LockDown { area, grade, exercise, lasts_s, by } => {
                self.ask_lockdown(turn, (area, grade, exercise), lasts_s, by)
            }
            Request::Release { lockdown, by } => self.ask_release(turn, lockdown, by, AskedAt::Portal),
            Request::TellSeen { by, seen } => self.seen_by_staff(turn, by, &seen),
            Request::SilenceSiren { by } => {
                self.silence(turn, by);
                Answer::Done
            }
            Request::ResetKeypad { by } => {
                self.event(turn, EventKind::KeypadReset { by });
                Answer::Done
            }
            // Answered once its signatures have been checked.
            Request::Signed(_) => Answer::Invalid,
            Request::OpenWorkOrder(order) => self.open_work_order(turn, order),
            Request::CloseWorkOrder { order } => self.close_work_order(turn, order),
            Request::OfferEnrolment { person, verifier, expires } => {
                self.offer_enrolment(turn, person, verifier, expires)
            }
            Request::Resynchronise { by } => self.resynchronise(turn, by),
            Request::ForgetBadges { person } => self.forget_badges(turn, person),
        }
    }

    fn take_roster(&mut self, turn: &mut Turn<'_>, roster: Roster) -> Answer {
        let revision = roster.revision;
        if revision <= self.lasting.roster.revision {
            return if roster == self.lasting.roster { Answer::Done } else { Answer::Superseded };
        }
        let policy = roster.policy;
        let sound = roster.recipients.len() <= MAX_RECIPIENTS
            && roster.couriers.len() <= MAX_COURIERS
            && revision - self.lasting.roster.revision <= FURTHEST_REVISION
            && !roster.couriers.iter().any(|c| self.named_like_a_grant(c.person))
            && !roster.security.keepers.iter().any(|k| self.named_like_a_grant(k.person))
            && roster.signers.keys.len() <= MAX_KEYS
            && roster.signers.keys.iter().filter(|k| k.used_for.is_staff()).count() <= MAX_STAFF_KEYS
            && roster.badges.passes.len() <= MAX_BADGES
            && !roster.badges.passes.iter().any(|b| b.pin.is_some() && self.named_like_a_grant(b.person))
            && (1..=30).contains(&policy.expiry_days)
            && (500..=2_200).contains(&policy.open_wait_ms)
            && (10_000..=LONGEST_POLICY_MS).contains(&policy.held_open_ms)
            && (20_000..=LONGEST_POLICY_MS).contains(&policy.idle_ms)
            && (20_000..=LONGEST_POLICY_MS).contains(&policy.idle_warning_ms)
            && roster.security.is_sound();
        if !sound {
            return Answer::Invalid;
        }
        let staff = self.staff_keys();
        self.mark_powered(turn);
        self.record(turn, Record::Roster(roster));
        self.event(turn, EventKind::RosterTaken { revision });
        self.staff_keys_changed(turn, &staff);
        Answer::Done
    }

    /// A verifier covers the bytes of its subject's id, not its kind: this courier's code would prove the grant.
    fn named_like_a_grant(&self, courier: PersonId) -> bool {
        self.lasting.grants.contains_key(&GrantId::from_bytes(courier.to_bytes()))
    }

    fn arm(
        &mut self,
        turn: &mut Turn<'_>,
        id: GrantId,
        generation: u8,
        verifier: Verifier,
        expires: WallTime,
    ) -> Answer {
        let Some(grant) = self.lasting.grants.get(&id).filter(|g| g.state != GrantState::Burnt) else {
            return Answer::NoSuchGrant;
        };
        if expires.since_ms(turn.now.wall) > LONGEST_GRANT_MS || expires <= turn.now.wall {
            return Answer::Invalid;
        }
        if generation <= grant.generation {
            let same = generation == grant.generation && grant.state == GrantState::Live(verifier);
            return if same { Answer::Done } else { Answer::Superseded };
        }
        self.record(turn, Record::Armed { grant: id, generation, verifier, expires });
        self.event(turn, EventKind::GrantArmed { grant: id, generation, expires });
        Answer::Done
    }

    fn revoke(&mut self, turn: &mut Turn<'_>, id: GrantId) -> Answer {
        match self.lasting.grants.get(&id).map(|grant| grant.state) {
            None | Some(GrantState::Burnt) => Answer::NoSuchGrant,
            Some(GrantState::Revoked) => Answer::Done,
            Some(_) => {
                self.event(turn, EventKind::GrantRevoked { grant: id });
                Answer::Done
            }
        }
    }

    fn set_service(
        &mut self,
        turn: &mut Turn<'_>,
        compartment: CompartmentNo,
        service: Service,
        by: PersonId,
    ) -> Answer {
        if self.layout.find(compartment).is_none() {
            return Answer::NoSuchCompartment;
        }
        let current =
            self.lasting.out_of_service.get(&compartment).map_or(Service::In, |why| Service::Out(*why));
        if current != service {
            self.event(turn, EventKind::ServiceChanged { compartment, service, by: Some(by) });
        }
        Answer::Done
    }
}
