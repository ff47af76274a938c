//! What survives a power cut: exactly the fold of the journal's records, so a restart runs the same code as work.
//!
//! The fold may begin at a snapshot: a [`Lasting`] that was written down in full replaces everything before it. It
//! must not grow with the years: everything in it belongs to a compartment, to the roster or to the last
//! [`WEEKLY_MISSES`](crate::budget::WEEKLY_MISSES) misses.

use alloc::collections::{BTreeMap, BTreeSet};

use super::badges::Enrolment;
use super::breaker::Breaker;
use super::io::Record;
use super::keyring::Keyring;
use super::work_order::WorkOrder;
use crate::badge::BadgePass;
use crate::boot_tag::BootTags;
use crate::budget::GuessBudget;
use crate::compartment::{CompartmentNo, OutOfService, Service};
use crate::event::{Deposit, Event, EventKind, OpeningNo, Purpose, RemoteRefusal};
use crate::grant::{Grant, GrantState};
use crate::id::{GrantId, ParcelId, PersonId, WorkOrderId};
use crate::lockdown::{Lockdown, LockdownNo};
use crate::roster::Roster;
use crate::signer::PersonKey;
use crate::tamper::{Source, Tamper};
use crate::time::WallTime;
use crate::truth::{Doubt, Seen};

/// The lasting state of one bank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lasting {
    /// The last event written.
    pub seq: u64,
    /// How often the controller has started.
    pub boot: u64,
    /// The last event the platform has confirmed.
    pub acknowledged: u64,
    /// The latest time seen.
    pub high_water: Option<WallTime>,
    /// The roster in force.
    pub roster: Roster,
    /// Every grant whose parcel has not been gone for long.
    pub grants: BTreeMap<GrantId, Grant>,
    /// Which compartments hold what.
    pub contents: BTreeMap<CompartmentNo, ParcelId>,
    /// Which compartments are not assigned.
    pub out_of_service: BTreeMap<CompartmentNo, OutOfService>,
    /// The latest opening of each compartment, until its door is closed again.
    pub openings: BTreeMap<CompartmentNo, Opening>,
    /// Doors that stand open without anybody having been let in.
    pub forced: BTreeSet<CompartmentNo>,
    /// Doors that have stood open for too long.
    pub held: BTreeSet<CompartmentNo>,
    /// Wrong codes.
    pub budget: GuessBudget,
    /// How long the controller has been running in all, as last written down.
    pub powered_ms: u64,
    /// Openings from afar within the hour.
    pub breaker: Breaker,
    /// People's keys.
    pub keyring: Keyring,
    /// Statements obeyed, by their digests, until they expire.
    pub spent: BTreeMap<[u8; 32], WallTime>,
    /// Work orders that are open.
    pub work_orders: BTreeMap<WorkOrderId, WorkOrder>,
    /// Offers to enrol a badge at the kiosk.
    pub enrolments: BTreeMap<PersonId, Enrolment>,
    /// Badges enrolled at the kiosk, by their MACs.
    pub badges: BTreeMap<[u8; 32], BadgePass>,
    /// Lockdowns in force.
    pub lockdowns: BTreeMap<LockdownNo, Lockdown>,
    /// Signs of tampering that stand, with how often each came.
    pub tampers: BTreeMap<(Source, Tamper), u64>,
    /// Compartments whose contents nobody can rely on.
    pub doubts: BTreeMap<CompartmentNo, Doubt>,
    /// The tags that tell this journal from an older copy of it, once the controller has a store for them.
    pub boot_tags: Option<BootTags>,
}

/// One intended opening and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The sequence number of its intent.
    pub no: OpeningNo,
    /// Why it was opened.
    pub purpose: Purpose,
    /// How far it got.
    pub phase: Phase,
    /// The courier took the parcel back; closing the door deposits nothing.
    pub cancelled: bool,
}

/// How far an opening got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Intended; the door has not been seen open.
    Intended,
    /// The door was not seen to open in time.
    Failed,
    /// The door is open.
    Open,
    /// The door opened after it had been given up.
    OpenLate,
}

impl Lasting {
    /// Rebuilds the state from a journal.
    pub fn replay<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut lasting = Self::default();
        for record in records {
            lasting.apply(record);
        }
        lasting
    }

    /// Takes one record into the state.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Event(event) => self.apply_event(event),
            Record::Roster(roster) => self.take_roster(roster),
            Record::Armed { grant, generation, verifier, expires } => {
                if let Some(grant) = self.grants.get_mut(grant) {
                    grant.state = GrantState::Live(*verifier);
                    grant.generation = *generation;
                    grant.expires = *expires;
                    grant.attempts = 0;
                }
            }
            Record::GuessReserved { guess, at } => {
                self.budget.reserve(*guess, *at);
                self.saw(*at);
            }
            Record::GuessRefunded { guess } => self.budget.refund(*guess),
            Record::Acknowledged { up_to } => self.acknowledged = self.acknowledged.max(*up_to),
            Record::HighWater(at) => self.saw(*at),
            Record::Powered { total_ms } => self.powered_ms = self.powered_ms.max(*total_ms),
            Record::Signed { digest, expires, keys } => self.spend(*digest, *expires, keys),
            Record::Admitted(key) => self.keyring.admit(key),
            Record::WorkOrder(order) => drop(self.work_orders.insert(order.order, order.clone())),
            Record::Enrolment { person, verifier, expires } => {
                self.enrolments.insert(*person, Enrolment { verifier: *verifier, expires: *expires });
            }
            Record::Badge(pass) => {
                self.enrolments.remove(&pass.person);
                self.badges.insert(pass.mac, *pass);
            }
            Record::BootTags(tags) => self.boot_tags = *tags,
            Record::LockdownRan { ms } => {
                self.lockdowns.values_mut().for_each(|l| l.left_ms = l.left_ms.saturating_sub(*ms));
            }
        }
    }

    /// Nothing that an old disk grants is worth anything; nobody can say what it does not remember.
    fn resynchronised(&mut self) {
        for grant in self.grants.values_mut() {
            // No generation follows the last: whatever somebody sees inside later, no code makes it live again.
            (grant.state, grant.generation) = (GrantState::Burnt, u8::MAX);
        }
        self.work_orders.clear();
        self.enrolments.clear();
    }

    fn saw(&mut self, at: WallTime) {
        self.high_water = self.high_water.max(Some(at));
    }

    fn apply_event(&mut self, event: &Event) {
        self.seq = event.seq;
        self.saw(event.at);
        match &event.kind {
            EventKind::BankStarted { boot, .. } => self.boot = *boot,
            EventKind::OpeningIntended { compartment, purpose, .. } => {
                self.intend(*compartment, event.seq, *purpose);
            }
            EventKind::CompartmentOpened { compartment, .. } => self.opened(*compartment),
            EventKind::CompartmentDidNotOpen { compartment, .. } => {
                self.opening_mut(*compartment, |opening| opening.phase = Phase::Failed);
            }
            EventKind::DropOffCancelled { compartment, .. } => {
                self.opening_mut(*compartment, |opening| opening.cancelled = true);
            }
            EventKind::CompartmentClosed { compartment } => {
                self.openings.remove(compartment);
                self.forced.remove(compartment);
                self.held.remove(compartment);
            }
            EventKind::CompartmentForced { compartment }
            | EventKind::CompartmentFoundOpen { compartment } => {
                self.forced.insert(*compartment);
            }
            EventKind::CompartmentHeldOpen { compartment } => {
                self.held.insert(*compartment);
            }
            EventKind::ParcelDeposited(deposit) => self.deposited(deposit),
            EventKind::ParcelCollected { compartment, grant, .. } => {
                self.contents.remove(compartment);
                self.grants.remove(grant);
                self.settled(*compartment);
            }
            EventKind::GrantExpired { grant, .. } => self.end(*grant, GrantState::Expired),
            EventKind::GrantRevoked { grant } => self.end(*grant, GrantState::Revoked),
            EventKind::KeypadReset { .. } => self.budget.reset(),
            EventKind::ServiceChanged { compartment, service, .. } => match service {
                Service::In => drop(self.out_of_service.remove(compartment)),
                Service::Out(why) => drop(self.out_of_service.insert(*compartment, *why)),
            },
            kind => self.apply_guard(event.seq, kind),
        }
    }

    /// Lockdown, tampering and doubts.
    fn apply_guard(&mut self, seq: u64, kind: &EventKind) {
        match *kind {
            EventKind::LockdownBegan { area, grade, cause, exercise, by, lasts_s } => {
                let left_ms = lasts_s.saturating_mul(1_000);
                self.lockdowns.insert(seq, Lockdown { area, grade, cause, exercise, owner: by, left_ms });
            }
            EventKind::LockdownChanged { lockdown, grade, cause, lasts_s, .. } => {
                if let Some(l) = self.lockdowns.get_mut(&lockdown) {
                    (l.grade, l.cause, l.left_ms) = (grade, cause, lasts_s.saturating_mul(1_000));
                }
            }
            EventKind::LockdownReleased { lockdown, .. } | EventKind::LockdownExpired { lockdown } => {
                self.lockdowns.remove(&lockdown);
            }
            EventKind::TamperBegan { source, tamper } => drop(self.tampers.insert((source, tamper), 1)),
            EventKind::TamperContinued { source, tamper, times, .. } => {
                self.tampers.insert((source, tamper), times);
            }
            EventKind::TamperEnded { source, tamper, .. } => drop(self.tampers.remove(&(source, tamper))),
            EventKind::OccupancyDoubted { compartment, doubt } => {
                self.doubts.insert(compartment, doubt);
            }
            EventKind::OccupancyTold { compartment, seen, .. } => self.told(compartment, seen),
            EventKind::RemoteOpeningRefused { reason: RemoteRefusal::NotPresent, .. } => {
                self.breaker.missed(self.powered_ms);
            }
            EventKind::BankResynchronised { .. } => self.resynchronised(),
            EventKind::WorkOrderClosed { order } => drop(self.work_orders.remove(&order)),
            EventKind::BadgesForgotten { person } => self.badges.retain(|_, pass| pass.person != person),
            _ => {}
        }
    }

    /// Somebody looked: what they saw settles a doubt. A parcel found still inside gets its grant back, unarmed.
    fn told(&mut self, compartment: CompartmentNo, seen: Seen) {
        match (seen, self.doubts.get(&compartment)) {
            (Seen::Empty, _) | (Seen::Full, Some(Doubt::Missing)) => drop(self.doubts.remove(&compartment)),
            (Seen::Full, Some(Doubt::Interrupted)) => {
                self.doubts.remove(&compartment);
                let parcel = self.contents.get(&compartment).copied();
                let grant = self.grants.values_mut().find(|grant| Some(grant.parcel) == parcel);
                if let Some(grant) = grant.filter(|grant| grant.state == GrantState::Burnt) {
                    (grant.state, grant.attempts) = (GrantState::Unarmed, 0);
                }
            }
            _ => {}
        }
    }

    /// The parcel is gone, and with it every doubt about it.
    fn settled(&mut self, compartment: CompartmentNo) {
        if matches!(self.doubts.get(&compartment), Some(Doubt::Missing | Doubt::Interrupted)) {
            self.doubts.remove(&compartment);
        }
    }

    /// A new roster: keys come and go by their own rules; badges and offers of people who left go with them.
    fn take_roster(&mut self, roster: &Roster) {
        let first = self.roster.revision == 0;
        self.keyring.take(&roster.signers, self.powered_ms, first);
        let people: BTreeSet<PersonId> = roster.recipients.iter().map(|r| r.person).collect();
        let couriers: BTreeSet<PersonId> = roster.couriers.iter().map(|c| c.person).collect();
        let stays = |person: &PersonId| people.contains(person) || couriers.contains(person);
        self.badges.retain(|_, pass| stays(&pass.person));
        self.enrolments.retain(|person, _| stays(person));
        self.roster = roster.clone();
    }

    fn spend(&mut self, digest: [u8; 32], expires: WallTime, keys: &[(PersonKey, u32)]) {
        let now = self.high_water;
        self.spent.retain(|_, until| Some(*until) > now);
        self.spent.insert(digest, expires);
        keys.iter().for_each(|(key, count)| self.keyring.counted(key, *count));
    }

    fn intend(&mut self, compartment: CompartmentNo, no: OpeningNo, purpose: Purpose) {
        if purpose.is_remote() {
            self.breaker.opened(self.powered_ms);
        }
        if let Purpose::Pickup { grant, .. } = purpose
            && let Some(grant) = self.grants.get_mut(&grant)
        {
            grant.attempts = grant.attempts.saturating_add(1);
        }
        let opening = Opening { no, purpose, phase: Phase::Intended, cancelled: false };
        self.openings.insert(compartment, opening);
    }

    fn opened(&mut self, compartment: CompartmentNo) {
        let mut used = None;
        self.opening_mut(compartment, |opening| {
            opening.phase = if opening.phase == Phase::Failed { Phase::OpenLate } else { Phase::Open };
            if let Purpose::Pickup { grant, .. } = opening.purpose {
                used = Some(grant);
            }
        });
        if let Some(grant) = used {
            self.end(grant, GrantState::Burnt);
        }
    }

    fn opening_mut(&mut self, compartment: CompartmentNo, change: impl FnOnce(&mut Opening)) {
        if let Some(opening) = self.openings.get_mut(&compartment) {
            change(opening);
        }
    }

    fn end(&mut self, grant: GrantId, state: GrantState) {
        if let Some(grant) = self.grants.get_mut(&grant)
            && grant.state != GrantState::Burnt
        {
            grant.state = state;
        }
    }

    fn deposited(&mut self, deposit: &Deposit) {
        self.contents.insert(deposit.compartment, deposit.parcel);
        self.grants.insert(
            deposit.grant,
            Grant {
                id: deposit.grant,
                parcel: deposit.parcel,
                recipient: deposit.recipient,
                compartment: deposit.compartment,
                expires: deposit.expires,
                state: GrantState::Unarmed,
                generation: 0,
                attempts: 0,
            },
        );
    }

    /// Whether the door is known to stand open, with or without authority.
    pub fn stands_open(&self, compartment: CompartmentNo) -> bool {
        self.forced.contains(&compartment)
            || self
                .openings
                .get(&compartment)
                .is_some_and(|opening| matches!(opening.phase, Phase::Open | Phase::OpenLate))
    }
}
