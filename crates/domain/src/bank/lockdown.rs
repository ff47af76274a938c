//! Lockdown at the bank: beginning one by hand or by policy, what it holds, how it ends.
//!
//! It inhibits openings and nothing else. What is left of it is counted in running time, which is written down every
//! minute: neither the wall clock nor a power cut can shorten it, and a restart lengthens it by a minute at most.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::io::{Action, Answer, Output, Record, Siren};
use super::screen::{LockdownShown, Notice};
use super::session::Session;
use super::{Bank, Turn};
use crate::compartment::{Compartment, CompartmentNo};
use crate::event::EventKind;
use crate::grant::Verifier;
use crate::id::PersonId;
use crate::lockdown::{
    Area, Cause, Exercise, Grade, LONGEST_DRILL_S, LONGEST_S, LockdownNo, ReleaseFrom, Releasers, SHORTEST_S,
    Way,
};
use crate::time::MonoTime;

/// The running time is written down at least this often while a lockdown is in force.
const MARK_EVERY_MS: u64 = 60_000;
/// The second of two people must agree within this time of the first.
const AGREED_FOR_MS: u64 = 15 * 60_000;
/// How long a lockdown begun at the kiosk lasts.
const BY_KIOSK_S: u64 = 4 * 3_600;
/// A lockdown in force is not lengthened by less than this.
const LENGTHENED_BY_S: u64 = 60;

/// What is known of the lockdowns besides what is written down.
#[derive(Debug)]
pub(super) struct LockdownRun {
    /// The running time up to here is written down.
    marked: MonoTime,
    /// Who was the first of two to agree to an end, and until when that counts.
    agreed: BTreeMap<LockdownNo, (PersonId, MonoTime)>,
}

impl From<MonoTime> for LockdownRun {
    fn from(marked: MonoTime) -> Self {
        Self { marked, agreed: BTreeMap::new() }
    }
}

/// A staff member at the kiosk.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeeperSession {
    person: PersonId,
    /// What proved the code: once the roster has another or none, the session ends.
    verifier: Verifier,
}

impl KeeperSession {
    /// Who it is.
    pub(super) const fn person(&self) -> PersonId {
        self.person
    }
}

/// A lockdown somebody, or the policy, wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) area: Area,
    pub(super) grade: Grade,
    pub(super) cause: Cause,
    pub(super) exercise: Exercise,
    pub(super) by: Option<PersonId>,
    pub(super) lasts_s: u64,
}

/// Where somebody asks for an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AskedAt {
    Kiosk,
    Portal,
}

impl Bank {
    /// Whether a lockdown holds an opening of this compartment by this way, or the disk may be an old one. A
    /// compartment nobody knows is held.
    pub fn holds(&self, compartment: CompartmentNo, way: Way) -> bool {
        self.shut_for(way)
            || !self.lasting.lockdowns.is_empty()
                && self.layout.find(compartment).is_none_or(|c| self.held(c, way))
    }

    pub(super) fn held(&self, compartment: &Compartment, way: Way) -> bool {
        self.shut_for(way) || self.lasting.lockdowns.values().any(|lockdown| lockdown.holds(compartment, way))
    }

    /// What the policy wants done about a cause, if anything.
    pub(super) fn respond(&mut self, turn: &mut Turn<'_>, cause: Cause, area: Area) {
        let rule = self.lasting.roster.security.rules.iter().find(|rule| rule.cause == cause).copied();
        let Some(rule) = rule else { return };
        let (grade, lasts_s) = (rule.grade, rule.lasts_s);
        self.lock_down(turn, Wish { area, grade, cause, exercise: Exercise::Real, by: None, lasts_s });
    }

    /// Begins a lockdown, or makes the one in force there harder or longer. Never milder, never shorter.
    fn lock_down(&mut self, turn: &mut Turn<'_>, wish: Wish) {
        self.mark_lockdowns(turn);
        let Wish { area, grade, cause, exercise, by, lasts_s } = wish;
        let mut standing = self.lasting.lockdowns.iter();
        let standing =
            standing.find(|(_, l)| l.area == area && l.exercise == exercise).map(|(no, l)| (*no, *l));
        let Some((lockdown, l)) = standing else {
            return self.event(turn, EventKind::LockdownBegan { area, grade, cause, exercise, by, lasts_s });
        };
        let left_s = l.left_ms.div_ceil(1_000);
        if grade > l.grade || lasts_s >= left_s.saturating_add(LENGTHENED_BY_S) {
            let (grade, lasts_s) = (l.grade.max(grade), left_s.max(lasts_s));
            self.event(turn, EventKind::LockdownChanged { lockdown, grade, cause, by, lasts_s });
        }
    }

    /// The platform passes on what somebody wants.
    pub(super) fn ask_lockdown(
        &mut self,
        turn: &mut Turn<'_>,
        (area, grade, exercise): (Area, Grade, Exercise),
        lasts_s: u64,
        by: PersonId,
    ) -> Answer {
        let longest = if exercise.is_drill() { LONGEST_DRILL_S } else { LONGEST_S };
        let exists = match area {
            Area::Door(number) => self.layout.find(number).is_some(),
            Area::Zone(column) => self.layout.iter().any(|c| c.column == column),
            Area::Bank => true,
        };
        if !exists {
            return Answer::NoSuchCompartment;
        }
        if !(SHORTEST_S..=longest).contains(&lasts_s) {
            return Answer::Invalid;
        }
        self.lock_down(turn, Wish { area, grade, cause: Cause::ByHand, exercise, by: Some(by), lasts_s });
        Answer::Done
    }

    /// Ends a lockdown if the policy lets this person, and takes note of the first of two.
    pub(super) fn ask_release(
        &mut self,
        turn: &mut Turn<'_>,
        lockdown: LockdownNo,
        by: PersonId,
        at: AskedAt,
    ) -> Answer {
        let Some(exercise) = self.lasting.lockdowns.get(&lockdown).map(|l| l.exercise) else {
            return Answer::NoSuchLockdown;
        };
        let security = &self.lasting.roster.security;
        let elsewhere = at == AskedAt::Portal && security.release_from == ReleaseFrom::Kiosk;
        let named = security.keepers.iter().any(|keeper| keeper.person == by);
        if !named || elsewhere && !exercise.is_drill() {
            return Answer::NotAllowed;
        }
        let two = security.releasers == Releasers::Two && !exercise.is_drill();
        let first = self.lockdown.agreed.get(&lockdown).filter(|(_, until)| turn.now.mono < *until);
        let with = match first.map(|(person, _)| *person) {
            None if two => {
                self.event(turn, EventKind::LockdownReleaseAsked { lockdown, by });
                self.lockdown.agreed.insert(lockdown, (by, turn.now.mono.plus_ms(AGREED_FOR_MS)));
                return Answer::NeedsAnother;
            }
            Some(person) if two && person == by => return Answer::NeedsAnother,
            other => other.filter(|_| two),
        };
        self.lockdown.agreed.remove(&lockdown);
        self.mark_lockdowns(turn);
        self.event(turn, EventKind::LockdownReleased { lockdown, by, with });
        Answer::Done
    }

    /// Ends what is over and writes the running time down.
    pub(super) fn lockdown_timers(&mut self, turn: &mut Turn<'_>) {
        if self.lasting.lockdowns.is_empty() {
            self.lockdown.marked = turn.now.mono;
            return;
        }
        let ran = turn.now.mono.since_ms(self.lockdown.marked);
        let over = |left_ms: u64| left_ms <= ran;
        if !self.lasting.lockdowns.values().any(|l| over(l.left_ms)) {
            if ran >= MARK_EVERY_MS {
                self.mark_lockdowns(turn);
            }
            return;
        }
        self.mark_lockdowns(turn);
        let ended: Vec<LockdownNo> =
            self.lasting.lockdowns.iter().filter(|(_, l)| l.left_ms == 0).map(|(no, _)| *no).collect();
        for lockdown in ended {
            self.lockdown.agreed.remove(&lockdown);
            self.event(turn, EventKind::LockdownExpired { lockdown });
        }
    }

    fn mark_lockdowns(&mut self, turn: &mut Turn<'_>) {
        let ran = turn.now.mono.since_ms(self.lockdown.marked);
        if ran > 0 && !self.lasting.lockdowns.is_empty() {
            self.record(turn, Record::LockdownRan { ms: ran });
        }
        self.lockdown.marked = turn.now.mono;
    }

    /// Every lockdown in force, for screens; what is left is in whole minutes, so that it seldom changes.
    pub fn lockdowns(&self, now: MonoTime) -> Vec<LockdownShown> {
        let ran = now.since_ms(self.lockdown.marked);
        let shown = |(no, l): (&LockdownNo, &crate::lockdown::Lockdown)| LockdownShown {
            lockdown: *no,
            area: l.area,
            grade: l.grade,
            cause: l.cause,
            exercise: l.exercise,
            owner: l.owner,
            left_min: l.left_ms.saturating_sub(ran).div_ceil(60_000),
            agreed: self.lockdown.agreed.get(no).filter(|(_, until)| now < *until).map(|(person, _)| *person),
        };
        self.lasting.lockdowns.iter().map(shown).collect()
    }

    /// Somebody with a keeper's code stands at the kiosk.
    pub(super) fn keeper_in(&mut self, turn: &mut Turn<'_>, person: PersonId) {
        let keepers = &self.lasting.roster.security.keepers;
        let verifier =
            keepers.iter().find(|keeper| keeper.person == person).and_then(|keeper| keeper.verifier);
        let Some(verifier) = verifier else { return };
        self.event(turn, EventKind::StaffSignedIn { person });
        self.notice = None;
        self.session = Session::Keeper(KeeperSession { person, verifier });
    }

    /// Whether this person's code would let them end lockdowns here.
    pub(super) fn keeps(&self, person: PersonId) -> bool {
        let keepers = &self.lasting.roster.security.keepers;
        keepers.iter().any(|keeper| keeper.person == person && keeper.verifier.is_some())
    }

    pub(super) fn still_keeps(&self, session: &KeeperSession) -> bool {
        let keepers = &self.lasting.roster.security.keepers;
        keepers.iter().any(|k| k.person == session.person && k.verifier == Some(session.verifier))
    }

    pub(super) fn keeper_acts(&mut self, turn: &mut Turn<'_>, action: &Action) {
        let Session::Keeper(session) = &self.session else { return };
        let session = *session;
        if !self.still_keeps(&session) {
            return self.session = Session::Idle;
        }
        let by = session.person;
        match action {
            Action::Release(lockdown) => {
                let notice = match self.ask_release(turn, *lockdown, by, AskedAt::Kiosk) {
                    Answer::NeedsAnother => Notice::ReleaseNeedsAnother,
                    _ => Notice::Released,
                };
                self.notify(turn, notice);
            }
            Action::LockDown => {
                let (area, grade, exercise) = (Area::Bank, Grade::HoldAll, Exercise::Real);
                let (cause, by) = (Cause::ByHand, Some(by));
                self.lock_down(turn, Wish { area, grade, cause, exercise, by, lasts_s: BY_KIOSK_S });
                self.notify(turn, Notice::LockedDown);
            }
            Action::SilenceSiren => self.silence(turn, by),
            Action::Finish | Action::Cancel | Action::Back => self.session = Session::Idle,
            _ => {}
        }
    }

    /// Somebody who may has heard the siren.
    pub(super) fn silence(&mut self, turn: &mut Turn<'_>, by: PersonId) {
        if self.tamper.siren_until.take().is_some() {
            self.event(turn, EventKind::SirenSilenced { by });
            turn.out.push(Output::Siren(Siren::Off));
        }
    }
}
