//! Lockdowns, signs of tampering and doubts in a snapshot.

use bailee_domain::bank::Lasting;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::PersonId;
use bailee_domain::lockdown::{Area, Cause, Exercise, Grade, Lockdown};
use bailee_domain::tamper::{Source, Tamper};
use bailee_domain::truth::Doubt;

use super::super::cut;
use super::{Numbered, compartment, flag, map, number, put_all, put_compartment};

const GRADES: Numbered<Grade> = Numbered(&Grade::ALL);
const CAUSES: Numbered<Cause> = Numbered(&[
    Cause::ByHand,
    Cause::Forced,
    Cause::Enclosure,
    Cause::PrySwitch,
    Cause::Impact,
    Cause::Pry,
    Cause::Tool,
    Cause::SensorLost,
    Cause::Reader,
    Cause::Bus,
]);
const EXERCISES: Numbered<Exercise> = Numbered(&[Exercise::Real, Exercise::Drill, Exercise::HoldingDrill]);
const TAMPERS: Numbered<Tamper> = Numbered(&[
    Tamper::Opened,
    Tamper::Lost,
    Tamper::Impact,
    Tamper::Pry,
    Tamper::Drill,
    Tamper::Saw,
    Tamper::Silent,
    Tamper::BadFrames,
    Tamper::Unsolicited,
    Tamper::Downgraded,
    Tamper::CaseOpened,
    Tamper::Bouncing,
    Tamper::BothWays,
    Tamper::Crossed,
    Tamper::Unsteady,
    Tamper::StaysShut,
]);
const DOUBTS: Numbered<Doubt> =
    Numbered(&[Doubt::Missing, Doubt::Unexpected, Doubt::Interrupted, Doubt::Cancelled]);

/// Writes the three of them.
pub(super) fn put(to: &mut Vec<u8>, lasting: &Lasting) {
    put_all(to, lasting.lockdowns.iter(), |to, (no, lockdown)| {
        to.extend(no.to_be_bytes());
        put_lockdown(to, lockdown);
    });
    put_all(to, lasting.tampers.iter(), |to, ((source, tamper), times)| {
        put_source(to, *source);
        to.push(TAMPERS.number(*tamper));
        to.extend(times.to_be_bytes());
    });
    put_all(to, lasting.doubts.iter(), |to, (number, doubt)| {
        put_compartment(to, *number);
        to.push(DOUBTS.number(*doubt));
    });
}

/// Reads them into the state.
pub(super) fn take(from: &mut &[u8], lasting: &mut Lasting) -> Option<()> {
    lasting.lockdowns = map(from, |from| Some((number(from)?, lockdown(from)?)))?;
    lasting.tampers = map(from, |from| Some(((source(from)?, TAMPERS.value(from)?), number(from)?)))?;
    lasting.doubts = map(from, |from| Some((compartment(from)?, DOUBTS.value(from)?)))?;
    Some(())
}

fn put_lockdown(to: &mut Vec<u8>, lockdown: &Lockdown) {
    let (kind, place) = match lockdown.area {
        Area::Door(number) => (1, number.0),
        Area::Zone(column) => (2, column),
        Area::Bank => (3, 0),
    };
    to.push(kind);
    to.extend(place.to_be_bytes());
    to.push(GRADES.number(lockdown.grade));
    to.push(CAUSES.number(lockdown.cause));
    to.push(EXERCISES.number(lockdown.exercise));
    match lockdown.owner {
        None => to.push(0),
        Some(person) => {
            to.push(1);
            to.extend(person.to_bytes());
        }
    }
    to.extend(lockdown.left_ms.to_be_bytes());
}

fn lockdown(from: &mut &[u8]) -> Option<Lockdown> {
    let ([kind], place) = (cut(from)?, cut(from).map(u16::from_be_bytes)?);
    let area = match (kind, place) {
        (1, number) => Area::Door(CompartmentNo(number)),
        (2, column) => Area::Zone(column),
        (3, 0) => Area::Bank,
        _ => return None,
    };
    Some(Lockdown {
        area,
        grade: GRADES.value(from)?,
        cause: CAUSES.value(from)?,
        exercise: EXERCISES.value(from)?,
        owner: if flag(from)? { Some(PersonId::from_bytes(cut(from)?)) } else { None },
        left_ms: number(from)?,
    })
}

fn put_source(to: &mut Vec<u8>, source: Source) {
    let (kind, number) = match source {
        Source::Enclosure(n) => (1, n.into()),
        Source::PrySwitch(n) => (2, n.into()),
        Source::Vibration(n) => (3, n.into()),
        Source::Board(n) => (4, n.into()),
        Source::Reader(n) => (5, n.into()),
        Source::Bus(n) => (6, n.into()),
        Source::Door(number) => (7, number.0),
    };
    to.push(kind);
    to.extend(number.to_be_bytes());
}

fn source(from: &mut &[u8]) -> Option<Source> {
    let ([kind], number) = (cut(from)?, cut(from).map(u16::from_be_bytes)?);
    let byte = || u8::try_from(number).ok();
    Some(match kind {
        1 => Source::Enclosure(byte()?),
        2 => Source::PrySwitch(byte()?),
        3 => Source::Vibration(byte()?),
        4 => Source::Board(byte()?),
        5 => Source::Reader(byte()?),
        6 => Source::Bus(byte()?),
        7 => Source::Door(CompartmentNo(number)),
        _ => return None,
    })
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;
    use crate::sample::Dice;

    fn place(dice: &mut Dice) -> u16 {
        u16::from_be_bytes(dice.bytes())
    }

    pub(in super::super) fn lockdown(dice: &mut Dice) -> Lockdown {
        let (number, column) = (CompartmentNo(place(dice)), place(dice));
        Lockdown {
            area: dice.pick(&[Area::Door(number), Area::Zone(column), Area::Bank]),
            grade: dice.pick(GRADES.0),
            cause: dice.pick(CAUSES.0),
            exercise: dice.pick(EXERCISES.0),
            owner: (dice.below(2) == 0).then(|| PersonId::from_bytes(dice.bytes())),
            left_ms: dice.number(),
        }
    }

    pub(in super::super) fn sign(dice: &mut Dice) -> (Source, Tamper) {
        let [n] = dice.bytes();
        let number = CompartmentNo(place(dice));
        let sources = [
            Source::Enclosure(n),
            Source::PrySwitch(n),
            Source::Vibration(n),
            Source::Board(n),
            Source::Reader(n),
            Source::Bus(n),
            Source::Door(number),
        ];
        (dice.pick(&sources), dice.pick(TAMPERS.0))
    }

    pub(in super::super) fn doubt(dice: &mut Dice) -> Doubt {
        dice.pick(DOUBTS.0)
    }
}
