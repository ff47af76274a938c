//! A snapshot of a bank's lasting state as bytes: what a journal keeps in place of all records before it.
//!
//! One state has one form: fixed-width big-endian numbers, maps in ascending order of their keys, the roster last.
//! It carries the hash of the last event, so the chain of events goes on behind it. The engine knows nothing of
//! it: only the controller writes snapshots, and only of what is durable.

use std::collections::{BTreeMap, BTreeSet};

use bailee_domain::bank::{Lasting, Opening, Phase};
use bailee_domain::budget::{GuessBudget, WEEKLY_MISSES};
use bailee_domain::compartment::{CompartmentNo, OutOfService, Size};
use bailee_domain::event::{Authority, Purpose, Surface};
use bailee_domain::grant::{Grant, GrantState, Verifier};
use bailee_domain::id::{BankId, CarrierId, GrantId, ParcelId, PersonId, WorkOrderId};
use bailee_domain::time::WallTime;

mod guard;
mod sections;

use super::{Place, RecordError, cut, people, time};
use crate::link;

const SNAPSHOT: u8 = 8;
const FIRST: u8 = 1;
const VERSION: u8 = 2;

/// The forms of snapshots this program reads; it writes the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    First,
    WithSections,
}

/// No snapshot is longer than this, in bytes: the largest roster and 4 MiB for everything else.
pub const MAX_SNAPSHOT_BYTES: usize = link::MAX_REQUEST_BYTES + (4 << 20);

/// The state of a bank after an event, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The fold of all records before it.
    pub lasting: Lasting,
    /// The bank, and the hash that its next event must name.
    pub place: Place,
}

/// Whether the bytes of a journal's entry are a snapshot rather than a record.
pub fn is_snapshot(payload: &[u8]) -> bool {
    payload.first() == Some(&SNAPSHOT)
}

/// The bytes of a snapshot of `lasting`, where `place` names the bank and its last event.
pub fn encode_snapshot(lasting: &Lasting, place: Place) -> Vec<u8> {
    let mut to = vec![SNAPSHOT, VERSION];
    to.extend(place.bank.to_bytes());
    to.extend(place.prev);
    for number in [lasting.seq, lasting.boot, lasting.acknowledged] {
        to.extend(number.to_be_bytes());
    }
    match lasting.high_water {
        None => to.push(0),
        Some(at) => {
            to.push(1);
            put_time(&mut to, at);
        }
    }
    put_budget(&mut to, &lasting.budget);
    put_all(&mut to, lasting.contents.iter(), |to, (compartment, parcel)| {
        put_compartment(to, *compartment);
        to.extend(parcel.to_bytes());
    });
    put_all(&mut to, lasting.out_of_service.iter(), |to, (compartment, why)| {
        put_compartment(to, *compartment);
        to.push(OUTAGES.number(*why));
    });
    put_all(&mut to, lasting.openings.iter(), |to, (compartment, opening)| {
        put_compartment(to, *compartment);
        put_opening(to, opening);
    });
    for set in [&lasting.forced, &lasting.held] {
        put_all(&mut to, set.iter(), |to, compartment| put_compartment(to, *compartment));
    }
    put_all(&mut to, lasting.grants.values(), put_grant);
    sections::put(&mut to, lasting);
    to.extend(link::encode_roster(&lasting.roster));
    to
}

/// Reads a snapshot.
///
/// # Errors
/// The [`RecordError`] that says what is wrong with it.
pub fn decode_snapshot(payload: &[u8]) -> Result<Snapshot, RecordError> {
    if payload.len() > MAX_SNAPSHOT_BYTES {
        return Err(RecordError::Malformed);
    }
    let (form, rest) = match payload {
        [SNAPSHOT, FIRST, rest @ ..] => (Form::First, rest),
        [SNAPSHOT, VERSION, rest @ ..] => (Form::WithSections, rest),
        _ => return Err(RecordError::Malformed),
    };
    let (mut snapshot, roster) = read(form, rest).ok_or(RecordError::Malformed)?;
    snapshot.lasting.roster = link::decode_roster(roster).map_err(RecordError::Roster)?;
    Ok(snapshot)
}

/// Everything but the roster, and the bytes of that.
fn read(form: Form, mut rest: &[u8]) -> Option<(Snapshot, &[u8])> {
    let from = &mut rest;
    let place = Place { bank: BankId::from_bytes(cut(from)?), prev: cut(from)? };
    let [seq, boot, acknowledged] = [number(from)?, number(from)?, number(from)?];
    let high_water = if flag(from)? { Some(time(from)?) } else { None };
    let mut lasting = Lasting {
        seq,
        boot,
        acknowledged,
        high_water,
        budget: budget(from)?,
        contents: map(from, |from| Some((compartment(from)?, ParcelId::from_bytes(cut(from)?))))?,
        out_of_service: map(from, |from| Some((compartment(from)?, OUTAGES.value(from)?)))?,
        openings: map(from, |from| Some((compartment(from)?, opening(from)?)))?,
        forced: set(from)?,
        held: set(from)?,
        grants: map(from, |from| grant(from).map(|grant| (grant.id, grant)))?,
        ..Lasting::default()
    };
    if form == Form::WithSections {
        sections::read(from, &mut lasting)?;
    }
    Some((Snapshot { lasting, place }, rest))
}

/// The numbers that stand for the values of an enumeration: their places in the list, from 1.
struct Numbered<T: 'static>(&'static [T]);

impl<T: Copy + PartialEq> Numbered<T> {
    fn number(&self, value: T) -> u8 {
        let at = self.0.iter().position(|known| *known == value).expect("every value is listed");
        u8::try_from(at + 1).expect("the lists are short")
    }

    fn value(&self, from: &mut &[u8]) -> Option<T> {
        let [number] = cut(from)?;
        self.0.get(usize::from(number).checked_sub(1)?).copied()
    }
}

const OUTAGES: Numbered<OutOfService> = Numbered(&[
    OutOfService::DidNotOpen,
    OutOfService::NeedsCheck,
    OutOfService::Forced,
    OutOfService::ByHand,
]);
const PHASES: Numbered<Phase> = Numbered(&[Phase::Intended, Phase::Failed, Phase::Open, Phase::OpenLate]);
const SIZES: Numbered<Size> = Numbered(&Size::ALL);
const SURFACES: Numbered<Surface> =
    Numbered(&[Surface::Keypad, Surface::Qr, Surface::Badge, Surface::Remote]);
/// A live grant's verifier follows its number.
const LIVE: u8 = 5;
const DEAD: Numbered<GrantState> =
    Numbered(&[GrantState::Unarmed, GrantState::Burnt, GrantState::Expired, GrantState::Revoked]);
const DROP_OFF: u8 = 1;
const PICKUP: u8 = 2;
const INSPECT: u8 = 3;

fn put_time(to: &mut Vec<u8>, at: WallTime) {
    to.extend(at.unix_ms().to_be_bytes());
}

fn put_compartment(to: &mut Vec<u8>, compartment: CompartmentNo) {
    to.extend(compartment.0.to_be_bytes());
}

/// A count and that many items.
fn put_all<T>(to: &mut Vec<u8>, items: impl ExactSizeIterator<Item = T>, put: impl Fn(&mut Vec<u8>, T)) {
    let count = u32::try_from(items.len()).expect("a bank has few compartments");
    to.extend(count.to_be_bytes());
    items.for_each(|item| put(to, item));
}

fn put_budget(to: &mut Vec<u8>, budget: &GuessBudget) {
    to.extend(budget.next().to_be_bytes());
    let misses: Vec<_> = budget.misses().collect();
    put_all(to, misses.into_iter(), |to, (guess, at)| {
        to.extend(guess.to_be_bytes());
        put_time(to, at);
    });
}

fn put_opening(to: &mut Vec<u8>, opening: &Opening) {
    to.extend(opening.no.to_be_bytes());
    to.push(PHASES.number(opening.phase));
    to.push(u8::from(opening.cancelled));
    match opening.purpose {
        Purpose::DropOff { parcel, recipient, courier, carrier, size } => {
            to.push(DROP_OFF);
            to.extend(parcel.to_bytes());
            to.extend(recipient.to_bytes());
            to.extend(courier.to_bytes());
            to.extend(carrier.to_bytes());
            to.push(SIZES.number(size));
        }
        Purpose::Pickup { parcel, grant, surface } => {
            to.push(PICKUP);
            to.extend(parcel.to_bytes());
            to.extend(grant.to_bytes());
            to.push(SURFACES.number(surface));
        }
        Purpose::Inspect { by, authority } => {
            to.push(INSPECT);
            to.extend(by.to_bytes());
            put_authority(to, authority);
        }
    }
}

fn put_grant(to: &mut Vec<u8>, grant: &Grant) {
    to.extend(grant.id.to_bytes());
    to.extend(grant.parcel.to_bytes());
    to.extend(grant.recipient.to_bytes());
    put_compartment(to, grant.compartment);
    put_time(to, grant.expires);
    to.extend([grant.generation, grant.attempts]);
    match grant.state {
        GrantState::Live(verifier) => {
            to.push(LIVE);
            to.extend(verifier.salt);
            to.extend(verifier.mac);
        }
        dead => to.push(DEAD.number(dead)),
    }
}

fn number(from: &mut &[u8]) -> Option<u64> {
    cut(from).map(u64::from_be_bytes)
}

fn flag(from: &mut &[u8]) -> Option<bool> {
    match cut(from)? {
        [0] => Some(false),
        [1] => Some(true),
        _ => None,
    }
}

fn compartment(from: &mut &[u8]) -> Option<CompartmentNo> {
    cut(from).map(u16::from_be_bytes).map(CompartmentNo)
}

/// Every item takes bytes of what is left, so a count that is a lie ends soon.
fn map<K: Ord, V>(from: &mut &[u8], item: impl Fn(&mut &[u8]) -> Option<(K, V)>) -> Option<BTreeMap<K, V>> {
    let count = cut(from).map(u32::from_be_bytes)?;
    let mut map = BTreeMap::new();
    for _ in 0..count {
        let (key, value) = item(from)?;
        if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return None;
        }
        map.insert(key, value);
    }
    Some(map)
}

fn set(from: &mut &[u8]) -> Option<BTreeSet<CompartmentNo>> {
    map(from, |from| Some((compartment(from)?, ()))).map(|map| map.into_keys().collect())
}

/// Repeats the calls that made the budget; the newest number may be of a guess that was no miss.
fn budget(from: &mut &[u8]) -> Option<GuessBudget> {
    let next = number(from)?;
    let misses = map(from, |from| Some((number(from)?, time(from)?)))?;
    if misses.len() > WEEKLY_MISSES || misses.last_key_value().is_some_and(|(guess, _)| *guess >= next) {
        return None;
    }
    let mut budget = GuessBudget::default();
    if let Some(newest) = next.checked_sub(1) {
        budget.reserve(newest, WallTime::from_unix_ms(0));
        budget.refund(newest);
    }
    misses.into_iter().for_each(|(guess, at)| budget.reserve(guess, at));
    Some(budget)
}

fn opening(from: &mut &[u8]) -> Option<Opening> {
    let (no, phase, cancelled) = (number(from)?, PHASES.value(from)?, flag(from)?);
    let purpose = match cut(from)? {
        [DROP_OFF] => Purpose::DropOff {
            parcel: ParcelId::from_bytes(cut(from)?),
            recipient: PersonId::from_bytes(cut(from)?),
            courier: PersonId::from_bytes(cut(from)?),
            carrier: CarrierId::from_bytes(cut(from)?),
            size: SIZES.value(from)?,
        },
        [PICKUP] => Purpose::Pickup {
            parcel: ParcelId::from_bytes(cut(from)?),
            grant: GrantId::from_bytes(cut(from)?),
            surface: SURFACES.value(from)?,
        },
        [INSPECT] => Purpose::Inspect { by: PersonId::from_bytes(cut(from)?), authority: authority(from)? },
        _ => return None,
    };
    Some(Opening { no, purpose, phase, cancelled })
}

fn put_authority(to: &mut Vec<u8>, authority: Authority) {
    match authority {
        Authority::Remote { reason } => {
            to.push(1);
            to.extend(reason);
        }
        Authority::Quorum { second, reason } => {
            to.push(2);
            to.extend(second.to_bytes());
            to.extend(reason);
        }
        Authority::Override { second } => {
            to.push(3);
            to.extend(second.to_bytes());
        }
        Authority::WorkOrder { order } => {
            to.push(4);
            to.extend(order.to_bytes());
        }
    }
}

fn authority(from: &mut &[u8]) -> Option<Authority> {
    Some(match cut(from)? {
        [1] => Authority::Remote { reason: cut(from)? },
        [2] => Authority::Quorum { second: PersonId::from_bytes(cut(from)?), reason: cut(from)? },
        [3] => Authority::Override { second: PersonId::from_bytes(cut(from)?) },
        [4] => Authority::WorkOrder { order: WorkOrderId::from_bytes(cut(from)?) },
        _ => return None,
    })
}

fn grant(from: &mut &[u8]) -> Option<Grant> {
    Some(Grant {
        id: GrantId::from_bytes(cut(from)?),
        parcel: ParcelId::from_bytes(cut(from)?),
        recipient: PersonId::from_bytes(cut(from)?),
        compartment: compartment(from)?,
        expires: time(from)?,
        generation: cut::<1>(from)?[0],
        attempts: cut::<1>(from)?[0],
        state: if from.first() == Some(&LIVE) {
            cut::<1>(from)?;
            GrantState::Live(Verifier { salt: cut(from)?, mac: cut(from)? })
        } else {
            DEAD.value(from)?
        },
    })
}

#[cfg(test)]
mod tests;
