//! What was added to a bank's state since the first form of snapshots: a count of sections, each a number, a length and
//! its bytes. A section this program does not know is refused: it must not be lost.

use bailee_domain::bank::breaker::Breaker;
use bailee_domain::bank::keyring::{Held, Keyring, Standing};
use bailee_domain::bank::{Enrolment, Lasting, MAX_ENROLMENTS, MAX_SPENT};
use bailee_domain::id::PersonId;

use super::super::{put_tags, tags};
use super::{cut, flag, guard, map, number, people, put_all, put_time, time};

const PEOPLE: u8 = 1;
const GUARD: u8 = 2;
const ROLLBACK: u8 = 3;

/// Writes every section.
pub(super) fn put(to: &mut Vec<u8>, lasting: &Lasting) {
    type Put = fn(&mut Vec<u8>, &Lasting);
    let all: &[(u8, Put)] = &[(PEOPLE, put_people), (GUARD, guard::put), (ROLLBACK, put_rollback)];
    let sections = if lasting.boot_tags.is_some() { all } else { &all[..2] };
    to.push(u8::try_from(sections.len()).expect("there are few sections"));
    for (tag, put) in sections {
        let mut section = Vec::new();
        put(&mut section, lasting);
        to.push(*tag);
        to.extend(u32::try_from(section.len()).expect("a section is far below 4 GiB").to_be_bytes());
        to.extend(section);
    }
}

/// Reads every section into the state.
pub(super) fn read(from: &mut &[u8], lasting: &mut Lasting) -> Option<()> {
    let [count] = cut(from)?;
    for _ in 0..count {
        let [tag] = cut(from)?;
        let length = usize::try_from(u32::from_be_bytes(cut(from)?)).ok()?;
        let (mut section, rest) = from.split_at_checked(length)?;
        *from = rest;
        match tag {
            PEOPLE => read_people(&mut section, lasting)?,
            GUARD => guard::take(&mut section, lasting)?,
            ROLLBACK => lasting.boot_tags = Some(tags(&mut section)??),
            _ => return None,
        }
        if !section.is_empty() {
            return None;
        }
    }
    Some(())
}

fn put_rollback(to: &mut Vec<u8>, lasting: &Lasting) {
    put_tags(to, lasting.boot_tags.as_ref());
}

fn put_people(to: &mut Vec<u8>, lasting: &Lasting) {
    to.extend(lasting.powered_ms.to_be_bytes());
    let (opened, missed) = lasting.breaker.counted();
    for times in [opened, missed] {
        put_all(to, times.iter(), |to, at| to.extend(at.to_be_bytes()));
    }
    let keyring = &lasting.keyring;
    to.extend([u8::from(keyring.anchored()), keyring.quorum()]);
    put_all(to, keyring.held(), |to, (key, held)| {
        people::put_key(to, key);
        put_held(to, held);
    });
    put_all(to, lasting.spent.iter(), |to, (digest, until)| {
        to.extend(digest);
        put_time(to, *until);
    });
    put_all(to, lasting.work_orders.values(), people::put_order);
    put_all(to, lasting.enrolments.iter(), |to, (person, offer)| {
        to.extend(person.to_bytes());
        people::put_verifier(to, &offer.verifier);
        put_time(to, offer.expires);
    });
    put_all(to, lasting.badges.values(), people::put_badge);
}

fn read_people(from: &mut &[u8], lasting: &mut Lasting) -> Option<()> {
    lasting.powered_ms = number(from)?;
    lasting.breaker = Breaker::restored(times(from)?, times(from)?)?;
    let (anchored, [quorum]) = (flag(from)?, cut(from)?);
    let keys = map(from, |from| Some((people::key(from)?, held(from)?)))?;
    lasting.keyring = Keyring::restored(keys, anchored, quorum)?;
    lasting.spent = map(from, |from| Some((cut(from)?, time(from)?)))?;
    lasting.work_orders = map(from, |from| people::order(from).map(|order| (order.order, order)))?;
    lasting.enrolments = map(from, |from| {
        let person = PersonId::from_bytes(cut(from)?);
        Some((person, Enrolment { verifier: people::verifier(from)?, expires: time(from)? }))
    })?;
    lasting.badges = map(from, |from| people::badge(from).map(|badge| (badge.mac, badge)))?;
    (lasting.spent.len() <= MAX_SPENT && lasting.enrolments.len() <= MAX_ENROLMENTS).then_some(())
}

fn times(from: &mut &[u8]) -> Option<Vec<u64>> {
    let count = u32::from_be_bytes(cut(from)?);
    (0..count).map(|_| number(from)).collect()
}

fn put_held(to: &mut Vec<u8>, held: &Held) {
    match held.standing {
        Standing::Admitted => to.push(1),
        Standing::After(at) => {
            to.push(2);
            to.extend(at.to_be_bytes());
        }
        Standing::NeedsSignatures => to.push(3),
    }
    to.extend(held.count.to_be_bytes());
}

fn held(from: &mut &[u8]) -> Option<Held> {
    let standing = match cut(from)? {
        [1] => Standing::Admitted,
        [2] => Standing::After(number(from)?),
        [3] => Standing::NeedsSignatures,
        _ => return None,
    };
    Some(Held { standing, count: u32::from_be_bytes(cut(from)?) })
}
