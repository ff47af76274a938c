//! Commissioning at the bank: one lock after the other, each written down before it moves, while nobody is served.
//!
//! What a channel opens is not known yet, so these trials are not openings of compartments and have events of their
//! own. The rules are the same: the intent is durable before a coil is energised, one lock at a time, nothing that may
//! hold a parcel. A bank in service wants somebody of its roster first; a new one has nothing to protect, and whoever
//! runs this holds its keys (docs/decisions/0022-commissioning.md).

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use rand_core::Rng;

use super::session::Session;
use super::staff::{Staff, Who};
use super::{Bank, Output, Phase, Turn};
use crate::commissioning::{NotCommissioned, Step};
use crate::compartment::{CompartmentNo, Wiring};
use crate::event::EventKind;
use crate::id::PersonId;
use crate::lockdown::Grade;
use crate::roster::BankService;
use crate::time::Now;

/// A walk under way; lost on a restart, on purpose: it is then begun anew.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    by: Option<PersonId>,
    only: Option<CompartmentNo>,
    /// The event of the lock tried last, while it has no answer.
    trial: Option<u64>,
}

impl Bank {
    /// Takes one step of commissioning; gives the number of the event written and what must be done, in order. A lock may
    /// be driven only once the outputs of its [`Step::Try`] are durable.
    ///
    /// # Errors
    /// [`NotCommissioned`]; nothing is written then.
    pub fn commission(
        &mut self,
        step: Step,
        now: Now,
        rng: &mut dyn Rng,
    ) -> Result<(u64, Vec<Output>), NotCommissioned> {
        let mut turn = Turn { now, rng, out: Vec::new() };
        let event = match step {
            Step::Begin { technician, only } => self.begin_walk(&turn, technician, only)?,
            Step::Try(wiring) => self.try_lock(wiring)?,
            Step::Answered(found, compartment) => {
                let walk = self.walk.as_mut().ok_or(NotCommissioned::NotBegun)?;
                let trial = walk.trial.take().ok_or(NotCommissioned::NothingTried)?;
                EventKind::LockAnswered { trial, found, compartment }
            }
            Step::Checked(part, state) => {
                self.walk.ok_or(NotCommissioned::NotBegun)?;
                EventKind::PartChecked { part, state }
            }
            Step::End { report, doors, faults } => {
                let walk = self.walk.ok_or(NotCommissioned::NotBegun)?;
                if walk.trial.is_some() {
                    return Err(NotCommissioned::TrialOpen);
                }
                self.walk = None;
                EventKind::BankCommissioned { report, doors, faults, by: walk.by }
            }
        };
        let tries = matches!(event, EventKind::LockTried { .. });
        self.event(&mut turn, event);
        if let Some(walk) = self.walk.as_mut().filter(|_| tries) {
            walk.trial = Some(self.lasting.seq);
        }
        Ok((self.lasting.seq, turn.out))
    }

    fn begin_walk(
        &mut self,
        turn: &Turn<'_>,
        technician: [u8; 32],
        only: Option<CompartmentNo>,
    ) -> Result<EventKind, NotCommissioned> {
        if self.shut() {
            return Err(NotCommissioned::OldDisk);
        }
        if self.lasting.lockdowns.values().any(|lockdown| lockdown.grade != Grade::Watch) {
            return Err(NotCommissioned::LockedDown);
        }
        if only.is_some_and(|door| self.layout.find(door).is_none()) {
            return Err(NotCommissioned::NoSuchCompartment);
        }
        let by = self.technician_at_work(turn, only)?;
        let concerned = |door: CompartmentNo| only.is_none_or(|only| only == door);
        let unfinished = |phase| matches!(phase, Phase::Intended | Phase::Open | Phase::OpenLate);
        if self.lasting.openings.iter().any(|(door, o)| concerned(*door) && unfinished(o.phase)) {
            return Err(NotCommissioned::Serving);
        }
        let held = self.lasting.contents.keys().chain(self.lasting.doubts.keys());
        if let Some(door) = held.copied().find(|door| concerned(*door)) {
            return Err(NotCommissioned::Occupied(door));
        }
        self.session = Session::Idle;
        self.walk = Some(Walk { by, only, trial: None });
        Ok(EventKind::CommissioningBegan { by, technician, only })
    }

    /// Who is at work, as the session at the bank proves it; a bank that serves nobody yet asks for nobody.
    fn technician_at_work(
        &self,
        turn: &Turn<'_>,
        only: Option<CompartmentNo>,
    ) -> Result<Option<PersonId>, NotCommissioned> {
        match &self.session {
            Session::Keeper(keeper) => Ok(Some(keeper.person())),
            Session::Staff(Staff { who: Who::Technician { person, order }, .. }) => {
                let named: BTreeSet<_> = self.doors_of(*order, turn.now.wall).into_iter().collect();
                let all = match only {
                    Some(door) => named.contains(&door),
                    None => self.layout.iter().all(|c| named.contains(&c.number)),
                };
                if all { Ok(Some(*person)) } else { Err(NotCommissioned::NotOrdered) }
            }
            Session::Idle if self.is_new() => Ok(None),
            Session::Idle => Err(NotCommissioned::NobodySignedIn),
            _ => Err(NotCommissioned::Serving),
        }
    }

    /// Whether nobody has been told to use this bank yet.
    fn is_new(&self) -> bool {
        self.lasting.roster.revision == 0 || self.lasting.roster.service == BankService::NotAccepted
    }

    fn try_lock(&mut self, wiring: Wiring) -> Result<EventKind, NotCommissioned> {
        let walk = self.walk.ok_or(NotCommissioned::NotBegun)?;
        if walk.trial.is_some() || self.pulse.is_some() {
            return Err(NotCommissioned::TrialOpen);
        }
        let door = self.layout.at(wiring).map(|c| c.number);
        if let Some(door) = door.filter(|door| self.lasting.contents.contains_key(door)) {
            return Err(NotCommissioned::Occupied(door));
        }
        if walk.only.is_some() && walk.only != door {
            return Err(NotCommissioned::OtherDoor);
        }
        Ok(EventKind::LockTried { board: wiring.board, channel: wiring.channel, by: walk.by })
    }
}
