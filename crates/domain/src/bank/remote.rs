//! Openings from afar, and whatever else people sign for. The platform passes it on; the signatures decide.
//!
//! A statement is obeyed when every signature under it is genuine and of a key that counts here for this, when its time
//! has not passed and is not far away, when it was not obeyed before, when it names the code on the screen, and when
//! the [breaker](super::breaker) lets one more through. A quorum of administrators needs neither code nor breaker.
//! Nothing of this can be had with the platform's own keys.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::breaker::{PoweredMs, Verdict};
use super::io::{Answer, Checked, Output, Record};
use super::screen::RemoteView;
use super::session::{PickupStep, Session};
use super::staff::{Staff, StaffStep, Who};
use super::{Bank, Turn};
use crate::compartment::CompartmentNo;
use crate::event::{Authority, EventKind, Purpose, RemoteRefusal, Surface};
use crate::grant::MAX_ATTEMPTS;
use crate::id::{CommandId, GrantId, PersonId};
use crate::signer::{
    Act, KeyUse, MAX_SIGNATURES, PersonKey, QUORUM_LIFE_MS, STATEMENT_LIFE_MS, Signed, Statement,
};
use crate::time::{MonoTime, Now, WallTime};

/// A check of signatures that takes longer than this has failed.
pub(super) const CHECKED_WITHIN_MS: u64 = 15_000;
/// Refusals that prove nothing about anybody are written at most once in this time.
const QUIET_MS: u64 = 5_000;
/// Statements remembered until they expire. More can only be a quorum in a hurry.
pub const MAX_SPENT: usize = 64;

/// A statement whose signatures are being checked.
#[derive(Debug)]
pub(super) struct Asked {
    check: u64,
    command: CommandId,
    deadline: WallTime,
    statement: Statement,
    keys: Vec<PersonKey>,
    until: MonoTime,
}

/// What was found good: who signed, and whether they are a quorum.
struct Proven {
    statement: Statement,
    first: PersonId,
    second: Option<PersonId>,
    quorum: bool,
}

impl Bank {
    /// The controller's age in milliseconds of running.
    pub(super) fn powered(&self, now: MonoTime) -> PoweredMs {
        self.lasting.powered_ms.saturating_add(now.since_ms(self.powered_from))
    }

    /// Writes the age down, so that what is written next is counted from now.
    pub(super) fn mark_powered(&mut self, turn: &mut Turn<'_>) {
        let total_ms = self.powered(turn.now.mono);
        self.powered_from = turn.now.mono;
        self.record(turn, Record::Powered { total_ms });
    }

    /// Somebody's signed wish came over the link: its form is examined here, its signatures off the engine.
    pub(super) fn signed(&mut self, turn: &mut Turn<'_>, command: CommandId, by: WallTime, signed: Signed) {
        let answer = match self.examine(turn, by, &signed) {
            Ok(keys) => return self.check(turn, command, by, signed, keys),
            Err(Refused::Answer(answer)) => answer,
            Err(Refused::Reason(compartment, reason)) => {
                self.refuse_remote(turn, None, compartment, reason);
                answer_of(reason)
            }
        };
        turn.out.push(Output::Reply { command, answer });
    }

    fn examine(
        &self,
        turn: &Turn<'_>,
        deadline: WallTime,
        signed: &Signed,
    ) -> Result<Vec<PersonKey>, Refused> {
        let Signed { statement, signatures } = signed;
        if turn.now.wall > deadline {
            return Err(Refused::Answer(Answer::TooLate));
        }
        if self.asked.is_some() {
            return Err(Refused::Answer(Answer::Busy));
        }
        let people: BTreeSet<PersonId> = signatures.iter().map(|s| s.person).collect();
        if !(1..=MAX_SIGNATURES).contains(&signatures.len()) || people.len() != signatures.len() {
            return Err(Refused::Answer(Answer::Invalid));
        }
        let (compartment, used_for) = match statement.act {
            Act::Collect { compartment, .. } => (compartment, KeyUse::Resident),
            Act::Inspect { compartment, .. } => (compartment, KeyUse::Administrator),
            Act::Admit(_) => (CompartmentNo(0), KeyUse::Administrator),
            Act::Override { .. } => return Err(Refused::Answer(Answer::Invalid)),
        };
        if !matches!(statement.act, Act::Admit(_)) && self.layout.find(compartment).is_none() {
            return Err(Refused::Answer(Answer::NoSuchCompartment));
        }
        let life_ms = if statement.presence.is_some() { STATEMENT_LIFE_MS } else { QUORUM_LIFE_MS };
        if !(1..=life_ms).contains(&statement.expires.since_ms(turn.now.wall)) {
            return Err(Refused::Reason(compartment, RemoteRefusal::OutOfTime));
        }
        let powered = self.powered(turn.now.mono);
        let keyring = &self.lasting.keyring;
        let keys: Option<Vec<PersonKey>> =
            signatures.iter().map(|s| keyring.believed(s.person, s.public, used_for, powered)).collect();
        keys.ok_or(Refused::Reason(compartment, RemoteRefusal::NotAuthorised))
    }

    fn check(
        &mut self,
        turn: &mut Turn<'_>,
        command: CommandId,
        deadline: WallTime,
        signed: Signed,
        keys: Vec<PersonKey>,
    ) {
        let Signed { statement, signatures } = signed;
        let check = self.ticket();
        let until = turn.now.mono.plus_ms(CHECKED_WITHIN_MS);
        let proofs = signatures.into_iter().map(|signature| signature.proof);
        let signatures = keys.iter().copied().zip(proofs).collect();
        self.asked = Some(Asked { check, command, deadline, statement, keys, until });
        turn.out.push(Output::CheckSignatures { check, statement, signatures });
    }

    /// Signatures have been checked.
    pub(super) fn signatures_checked(&mut self, turn: &mut Turn<'_>, check: u64, checked: &Checked) {
        let Some(asked) = self.asked.take_if(|asked| asked.check == check) else {
            return self.response_checked(turn, check, checked);
        };
        let (compartment, first) = (door_of(&asked.statement), asked.keys[0].person);
        let answer = match self.prove(turn, &asked, checked) {
            Err(reason) => {
                self.refuse_remote(turn, None, compartment, reason);
                answer_of(reason)
            }
            Ok(proven) => match self.obey(turn, &asked, &proven, checked) {
                Ok(()) => Answer::Done,
                Err(Refused::Answer(answer)) => answer,
                Err(Refused::Reason(compartment, reason)) => {
                    self.refuse_remote(turn, Some(first), compartment, reason);
                    answer_of(reason)
                }
            },
        };
        turn.out.push(Output::Reply { command: asked.command, answer });
    }

    fn prove(&self, turn: &Turn<'_>, asked: &Asked, checked: &Checked) -> Result<Proven, RemoteRefusal> {
        let genuine = checked.proven.len() == asked.keys.len()
            && asked.keys.iter().zip(&checked.proven).all(|(key, count)| self.is_fresh(key, *count));
        if !genuine || self.lasting.spent.contains_key(&checked.digest) {
            return Err(RemoteRefusal::NotAuthorised);
        }
        if turn.now.wall >= asked.statement.expires || turn.now.wall > asked.deadline {
            return Err(RemoteRefusal::OutOfTime);
        }
        let staff = asked.keys[0].used_for == KeyUse::Administrator;
        let quorum = staff && asked.keys.len() >= usize::from(self.lasting.keyring.quorum());
        let second = asked.keys.get(1).map(|key| key.person);
        Ok(Proven { statement: asked.statement, first: asked.keys[0].person, second, quorum })
    }

    /// Whether the key still counts and its authenticator has not been copied: counts only ever rise.
    fn is_fresh(&self, key: &PersonKey, count: Option<u32>) -> bool {
        let held = self.lasting.keyring.find(key);
        held.zip(count).is_some_and(|(held, count)| count > held.count || (count == 0 && held.count == 0))
    }

    fn obey(
        &mut self,
        turn: &mut Turn<'_>,
        asked: &Asked,
        proven: &Proven,
        checked: &Checked,
    ) -> Result<(), Refused> {
        if self.lasting.spent.values().filter(|until| turn.now.wall < **until).count() >= MAX_SPENT {
            return Err(Refused::Answer(Answer::Busy));
        }
        if let Act::Admit(key) = proven.statement.act {
            self.may_admit(turn, &key, asked.keys.len())?;
            self.spend(turn, asked, checked);
            self.admit(turn, key, proven);
            return Ok(());
        }
        let compartment = door_of(&proven.statement);
        let purpose = self.purpose(turn, proven)?;
        self.is_present(turn, proven, compartment)?;
        if !matches!(self.session, Session::Idle) || self.pulse.is_some() {
            return Err(Refused::Answer(Answer::Busy));
        }
        let ready = self.layout.find(compartment).is_some_and(|c| self.ready(c));
        if !ready || self.holds(compartment, purpose.way()) {
            return Err(Refused::Reason(compartment, RemoteRefusal::DoorUnavailable));
        }
        // From here on it takes place: a stop after the first of these records has spent the statement, and a stop
        // before the intent has opened nothing.
        self.mark_powered(turn);
        self.spend(turn, asked, checked);
        if let Some(presence) = self.presence.as_mut() {
            presence.used(turn.now.mono, turn.rng);
        }
        self.notice = None;
        self.touched = turn.now.mono;
        self.session = match purpose {
            Purpose::Pickup { .. } => Session::Pickup { compartment, step: PickupStep::Opening },
            _ => Session::Staff(Staff { who: Who::Remote, step: StaffStep::Opening { compartment } }),
        };
        self.open(turn, compartment, purpose);
        Ok(())
    }

    fn spend(&mut self, turn: &mut Turn<'_>, asked: &Asked, checked: &Checked) {
        let counts = checked.proven.iter().map(|count| count.unwrap_or_default());
        let keys = asked.keys.iter().copied().zip(counts).collect();
        let (digest, expires) = (checked.digest, asked.statement.expires);
        self.record(turn, Record::Signed { digest, expires, keys });
    }

    /// Why the door would open, if the signer has a right to it.
    fn purpose(&self, turn: &Turn<'_>, proven: &Proven) -> Result<Purpose, Refused> {
        match proven.statement.act {
            Act::Collect { compartment, grant } => self.own_parcel(turn, proven.first, compartment, grant),
            Act::Inspect { reason, .. } => {
                let authority = match proven.second {
                    Some(second) if proven.quorum => Authority::Quorum { second, reason },
                    _ => Authority::Remote { reason },
                };
                Ok(Purpose::Inspect { by: proven.first, authority })
            }
            Act::Admit(_) | Act::Override { .. } => Err(Refused::Answer(Answer::Invalid)),
        }
    }

    fn own_parcel(
        &self,
        turn: &Turn<'_>,
        person: PersonId,
        compartment: CompartmentNo,
        id: GrantId,
    ) -> Result<Purpose, Refused> {
        let grant = self.lasting.grants.get(&id).filter(|g| self.live(turn, g.id));
        let Some(grant) = grant.filter(|g| g.recipient == person && g.compartment == compartment) else {
            return Err(Refused::Reason(compartment, RemoteRefusal::NotAuthorised));
        };
        if grant.attempts >= MAX_ATTEMPTS {
            return Err(Refused::Reason(compartment, RemoteRefusal::DoorUnavailable));
        }
        Ok(Purpose::Pickup { parcel: grant.parcel, grant: id, surface: Surface::Remote })
    }

    /// Whether somebody stands there and the breaker lets one more through; neither is asked of a quorum.
    fn is_present(
        &self,
        turn: &Turn<'_>,
        proven: &Proven,
        compartment: CompartmentNo,
    ) -> Result<(), Refused> {
        if proven.quorum {
            return Ok(());
        }
        if self.lasting.breaker.at(self.powered(turn.now.mono)) == Verdict::Open {
            return Err(Refused::Reason(compartment, RemoteRefusal::BreakerOpen));
        }
        let shown = |code| self.presence.is_some_and(|presence| presence.is(code));
        if proven.statement.presence.is_some_and(shown) {
            Ok(())
        } else {
            Err(Refused::Reason(compartment, RemoteRefusal::NotPresent))
        }
    }

    /// Enough administrators: the quorum, or all there are while they are fewer.
    fn may_admit(&self, turn: &Turn<'_>, key: &PersonKey, signers: usize) -> Result<(), Refused> {
        let powered = self.powered(turn.now.mono);
        let there_are = self.lasting.keyring.people(KeyUse::Administrator, powered);
        let needed = usize::from(self.lasting.keyring.quorum()).min(there_are).max(1);
        if self.lasting.keyring.find(key).is_none() {
            return Err(Refused::Answer(Answer::Invalid));
        }
        if signers >= needed { Ok(()) } else { Err(Refused::Answer(Answer::NotAuthorised)) }
    }

    fn admit(&mut self, turn: &mut Turn<'_>, key: PersonKey, proven: &Proven) {
        self.record(turn, Record::Admitted(key));
        let PersonKey { person, used_for, public, .. } = key;
        let (by, second) = (proven.first, proven.second);
        let key = public.fingerprint();
        self.event(turn, EventKind::KeyAdmitted { person, key, used_for, by, second });
    }

    /// Writes a refusal down. A wrong presence code under a genuine signature always is, because it is counted;
    /// the breaker bounds how many there can be.
    fn refuse_remote(
        &mut self,
        turn: &mut Turn<'_>,
        by: Option<PersonId>,
        compartment: CompartmentNo,
        reason: RemoteRefusal,
    ) {
        if reason == RemoteRefusal::NotPresent {
            self.mark_powered(turn);
        } else if turn.now.mono < self.remote_quiet_until {
            return;
        } else {
            self.remote_quiet_until = turn.now.mono.plus_ms(QUIET_MS);
        }
        self.event(turn, EventKind::RemoteOpeningRefused { by, compartment, reason });
    }

    pub(super) fn staff_keys(&self) -> Vec<PersonKey> {
        let held = self.lasting.keyring.held();
        held.map(|(key, _)| *key).filter(|key| key.used_for.is_staff()).collect()
    }

    /// A roster was taken: what it did to keys of staff is told.
    pub(super) fn staff_keys_changed(&mut self, turn: &mut Turn<'_>, before: &[PersonKey]) {
        let powered = self.powered(turn.now.mono);
        let waiting = self.lasting.keyring.waiting_staff(powered);
        for PersonKey { person, used_for, public, .. } in waiting.into_iter().filter(|k| !before.contains(k))
        {
            self.event(turn, EventKind::KeyWaits { person, key: public.fingerprint(), used_for });
        }
        let after = self.staff_keys();
        for PersonKey { person, used_for, public, .. } in before.iter().filter(|k| !after.contains(k)) {
            let (person, used_for) = (*person, *used_for);
            self.event(turn, EventKind::KeyRemoved { person, key: public.fingerprint(), used_for });
        }
    }

    /// What the home screen says about all of this.
    pub(super) fn remote_view(&self, now: Now) -> RemoteView {
        let waiting = self.lasting.keyring.waiting_staff(self.powered(now.mono)).len();
        let idle = matches!(self.session, Session::Idle);
        RemoteView {
            presence: self.presence.filter(|_| idle).map(|presence| presence.shown()),
            emergency: idle && self.has_officers(now.mono),
            waiting_keys: u8::try_from(waiting).unwrap_or(u8::MAX),
        }
    }

    /// What the passing of time means for all of this.
    pub(super) fn remote_timers(&mut self, turn: &mut Turn<'_>) {
        if let Some(asked) = self.asked.take_if(|asked| turn.now.mono >= asked.until) {
            turn.out.push(Output::Reply { command: asked.command, answer: Answer::Busy });
        }
        if self.lasting.keyring.held().len() > 0 {
            let (now, rng) = (turn.now.mono, &mut *turn.rng);
            self.presence.get_or_insert_with(|| super::presence::Presence::begin(now, rng)).turn(now, rng);
        } else {
            self.presence = None;
        }
        let powered = self.powered(turn.now.mono);
        let counts = self.lasting.breaker.waits(powered) || self.lasting.keyring.waits(powered);
        if counts && turn.now.mono.since_ms(self.powered_from) >= MARK_EVERY_MS {
            self.mark_powered(turn);
        }
        self.expire_work_orders(turn);
    }
}

/// While something is counted in powered time, it is written down this often; a power cut costs no more.
const MARK_EVERY_MS: u64 = 10 * 60_000;

/// Why a statement is not obeyed.
enum Refused {
    /// The platform is told, and there is nothing to write.
    Answer(Answer),
    /// It is written down as well.
    Reason(CompartmentNo, RemoteRefusal),
}

const fn door_of(statement: &Statement) -> CompartmentNo {
    match statement.act {
        Act::Collect { compartment, .. }
        | Act::Inspect { compartment, .. }
        | Act::Override { compartment, .. } => compartment,
        Act::Admit(_) => CompartmentNo(0),
    }
}

const fn answer_of(reason: RemoteRefusal) -> Answer {
    match reason {
        RemoteRefusal::NotAuthorised => Answer::NotAuthorised,
        RemoteRefusal::NotPresent => Answer::NotPresent,
        RemoteRefusal::BreakerOpen => Answer::BreakerOpen,
        RemoteRefusal::OutOfTime => Answer::TooLate,
        RemoteRefusal::DoorUnavailable => Answer::DoorUnavailable,
    }
}
