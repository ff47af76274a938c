//! Keys, work orders and badges as bytes, in records and in snapshots: ids and keys as they are, numbers big-endian,
//! a count before whatever repeats.

use std::collections::BTreeSet;

use bailee_domain::badge::{Assurance, BadgePass};
use bailee_domain::bank::io::Record;
use bailee_domain::bank::work_order::{MAX_ORDER_DOORS, WorkOrder};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::grant::Verifier;
use bailee_domain::id::{PersonId, WorkOrderId};
use bailee_domain::signer::{KeyForm, KeyUse, MAX_SIGNATURES, PersonKey, PublicKey};

use super::{cut, time};

const SIGNED: u8 = 17;
const ADMITTED: u8 = 18;
const WORK_ORDER: u8 = 19;
const ENROLMENT: u8 = 20;
const BADGE: u8 = 21;

const USES: [KeyUse; 3] = [KeyUse::Resident, KeyUse::Administrator, KeyUse::Officer];
const FORMS: [KeyForm; 2] = [KeyForm::Plain, KeyForm::Passkey];
const ASSURANCES: [Assurance; 2] = [Assurance::Weak, Assurance::Strong];

/// A value's place in its list, from 1.
fn number<T: PartialEq>(list: &[T], value: &T) -> u8 {
    let at = list.iter().position(|known| known == value).expect("every value is listed");
    u8::try_from(at + 1).expect("the lists are short")
}

fn value<T: Copy>(list: &[T], from: &mut &[u8]) -> Option<T> {
    let [number] = cut(from)?;
    list.get(usize::from(number).checked_sub(1)?).copied()
}

pub(super) fn put_key(to: &mut Vec<u8>, key: &PersonKey) {
    to.extend(key.person.to_bytes());
    to.extend([number(&USES, &key.used_for), number(&FORMS, &key.form)]);
    match &key.public {
        PublicKey::Ed25519(public) => {
            to.push(1);
            to.extend(public);
        }
        PublicKey::P256(public) => {
            to.push(2);
            to.extend(public);
        }
    }
}

pub(super) fn key(from: &mut &[u8]) -> Option<PersonKey> {
    Some(PersonKey {
        person: PersonId::from_bytes(cut(from)?),
        used_for: value(&USES, from)?,
        form: value(&FORMS, from)?,
        public: match cut(from)? {
            [1] => PublicKey::Ed25519(cut(from)?),
            [2] => PublicKey::P256(cut(from)?),
            _ => return None,
        },
    })
}

pub(super) fn put_verifier(to: &mut Vec<u8>, verifier: &Verifier) {
    to.extend(verifier.salt);
    to.extend(verifier.mac);
}

pub(super) fn verifier(from: &mut &[u8]) -> Option<Verifier> {
    Some(Verifier { salt: cut(from)?, mac: cut(from)? })
}

fn put_some(to: &mut Vec<u8>, some: Option<&Verifier>) {
    to.push(u8::from(some.is_some()));
    if let Some(some) = some {
        put_verifier(to, some);
    }
}

fn some(from: &mut &[u8]) -> Option<Option<Verifier>> {
    match cut(from)? {
        [0] => Some(None),
        [1] => verifier(from).map(Some),
        _ => None,
    }
}

pub(super) fn put_order(to: &mut Vec<u8>, order: &WorkOrder) {
    to.extend(order.order.to_bytes());
    to.extend(order.technician.to_bytes());
    to.extend(order.expires.unix_ms().to_be_bytes());
    put_some(to, order.verifier.as_ref());
    let count = u16::try_from(order.doors.len()).expect("an order has few doors");
    to.extend(count.to_be_bytes());
    order.doors.iter().for_each(|door| to.extend(door.0.to_be_bytes()));
}

pub(super) fn order(from: &mut &[u8]) -> Option<WorkOrder> {
    let (order, technician) = (WorkOrderId::from_bytes(cut(from)?), PersonId::from_bytes(cut(from)?));
    let (expires, verifier) = (time(from)?, some(from)?);
    let count = usize::from(u16::from_be_bytes(cut(from)?));
    let mut doors = BTreeSet::new();
    for _ in 0..count {
        let door = CompartmentNo(u16::from_be_bytes(cut(from)?));
        if doors.last().is_some_and(|last| *last >= door) {
            return None;
        }
        doors.insert(door);
    }
    (count <= MAX_ORDER_DOORS).then_some(WorkOrder { order, technician, doors, expires, verifier })
}

pub(super) fn put_badge(to: &mut Vec<u8>, badge: &BadgePass) {
    to.extend(badge.mac);
    to.extend(badge.person.to_bytes());
    to.push(number(&ASSURANCES, &badge.assurance));
    put_some(to, badge.pin.as_ref());
}

pub(super) fn badge(from: &mut &[u8]) -> Option<BadgePass> {
    Some(BadgePass {
        mac: cut(from)?,
        person: PersonId::from_bytes(cut(from)?),
        assurance: value(&ASSURANCES, from)?,
        pin: some(from)?,
    })
}

/// The bytes of a record of this module, its tag first.
pub(super) fn put_record(to: &mut Vec<u8>, record: &Record) {
    match record {
        Record::Signed { digest, expires, keys } => {
            to.push(SIGNED);
            to.extend(digest);
            to.extend(expires.unix_ms().to_be_bytes());
            for (key, count) in keys {
                put_key(to, key);
                to.extend(count.to_be_bytes());
            }
        }
        Record::Admitted(key) => {
            to.push(ADMITTED);
            put_key(to, key);
        }
        Record::WorkOrder(order) => {
            to.push(WORK_ORDER);
            put_order(to, order);
        }
        Record::Enrolment { person, verifier, expires } => {
            to.push(ENROLMENT);
            to.extend(person.to_bytes());
            put_verifier(to, verifier);
            to.extend(expires.unix_ms().to_be_bytes());
        }
        Record::Badge(badge) => {
            to.push(BADGE);
            put_badge(to, badge);
        }
        _ => unreachable!("the caller passes on this module's records only"),
    }
}

/// Reads a record of this module.
pub(super) fn record(tag: u8, from: &mut &[u8]) -> Option<Record> {
    Some(match tag {
        SIGNED => {
            let (digest, expires) = (cut(from)?, time(from)?);
            let mut keys = Vec::new();
            while !from.is_empty() {
                keys.push((key(from)?, u32::from_be_bytes(cut(from)?)));
            }
            if keys.len() > MAX_SIGNATURES {
                return None;
            }
            Record::Signed { digest, expires, keys }
        }
        ADMITTED => Record::Admitted(key(from)?),
        WORK_ORDER => Record::WorkOrder(order(from)?),
        ENROLMENT => Record::Enrolment {
            person: PersonId::from_bytes(cut(from)?),
            verifier: verifier(from)?,
            expires: time(from)?,
        },
        BADGE => Record::Badge(badge(from)?),
        _ => return None,
    })
}

#[cfg(test)]
pub(crate) mod samples {
    use bailee_domain::time::WallTime;

    use super::*;
    use crate::sample::Dice;

    fn moment(dice: &mut Dice) -> WallTime {
        WallTime::from_unix_ms(dice.number().cast_signed())
    }

    pub fn sample_verifier(dice: &mut Dice) -> Verifier {
        Verifier { salt: dice.bytes(), mac: dice.bytes() }
    }

    fn maybe(dice: &mut Dice) -> Option<Verifier> {
        (dice.below(2) == 0).then(|| sample_verifier(dice))
    }

    pub fn sample_key(dice: &mut Dice) -> PersonKey {
        let ed25519 = PublicKey::Ed25519(dice.bytes());
        let public = if dice.below(2) == 0 { ed25519 } else { PublicKey::P256(dice.bytes()) };
        let person = PersonId::from_bytes(dice.bytes());
        PersonKey { person, used_for: dice.pick(&USES), form: dice.pick(&FORMS), public }
    }

    pub fn sample_order(dice: &mut Dice) -> WorkOrder {
        WorkOrder {
            order: WorkOrderId::from_bytes(dice.bytes()),
            technician: PersonId::from_bytes(dice.bytes()),
            doors: (0..dice.below(6)).map(|_| CompartmentNo(u16::from_be_bytes(dice.bytes()))).collect(),
            expires: moment(dice),
            verifier: maybe(dice),
        }
    }

    pub fn sample_badge(dice: &mut Dice) -> BadgePass {
        let (mac, person) = (dice.bytes(), PersonId::from_bytes(dice.bytes()));
        BadgePass { mac, person, assurance: dice.pick(&ASSURANCES), pin: maybe(dice) }
    }

    pub fn sample_record(dice: &mut Dice) -> Record {
        match dice.below(6) {
            0 => Record::Powered { total_ms: dice.number() },
            1 => {
                let keys = (0..dice.below(MAX_SIGNATURES + 1))
                    .map(|_| (sample_key(dice), u32::from_be_bytes(dice.bytes())));
                let keys = keys.collect();
                Record::Signed { digest: dice.bytes(), expires: moment(dice), keys }
            }
            2 => Record::Admitted(sample_key(dice)),
            3 => Record::WorkOrder(sample_order(dice)),
            4 => {
                let person = PersonId::from_bytes(dice.bytes());
                Record::Enrolment { person, verifier: sample_verifier(dice), expires: moment(dice) }
            }
            _ => Record::Badge(sample_badge(dice)),
        }
    }
}
