//! Requests, lockdowns and signs as dice throw them, for tests.

use bailee_domain::bank::io::Request;

use super::*;
use crate::sample::Dice;

fn person(dice: &mut Dice) -> PersonId {
    PersonId::from_bytes(dice.bytes())
}

fn maybe(dice: &mut Dice) -> Option<PersonId> {
    (dice.below(2) == 0).then(|| person(dice))
}

fn list<T>(dice: &mut Dice, max: usize, make: impl Fn(&mut Dice) -> T) -> Vec<T> {
    (0..dice.below(max + 1)).map(|_| make(dice)).collect()
}

fn number(dice: &mut Dice) -> u16 {
    u16::from_be_bytes(dice.bytes())
}

fn area(dice: &mut Dice) -> Area {
    let (door, column) = (CompartmentNo(number(dice)), number(dice));
    dice.pick(&[Area::Door(door), Area::Zone(column), Area::Bank])
}

fn exercise(dice: &mut Dice) -> Exercise {
    dice.pick(&[Exercise::Real, Exercise::Drill, Exercise::HoldingDrill])
}

pub(in super::super) fn security(dice: &mut Dice) -> Security {
    let verifier = |dice: &mut Dice| bailee_domain::grant::Verifier { salt: dice.bytes(), mac: dice.bytes() };
    Security {
        keepers: list(dice, 3, |dice| Keeper {
            person: person(dice),
            verifier: (dice.below(2) == 0).then(|| verifier(dice)),
        }),
        releasers: dice.pick(&[Releasers::One, Releasers::Two]),
        release_from: dice.pick(&[ReleaseFrom::Anywhere, ReleaseFrom::Kiosk]),
        rules: list(dice, MAX_RULES, |dice| Rule {
            cause: dice.pick(&Cause::AUTOMATIC),
            grade: dice.pick(&Grade::ALL),
            lasts_s: dice.number(),
        }),
        siren_s: dice.number(),
    }
}

pub(in super::super) fn lock_down(dice: &mut Dice) -> Request {
    let (area, grade, exercise) = (area(dice), dice.pick(&Grade::ALL), exercise(dice));
    Request::LockDown { area, grade, exercise, lasts_s: dice.number(), by: person(dice) }
}

pub(in super::super) fn tell_seen(dice: &mut Dice) -> Request {
    let seen = |dice: &mut Dice| {
        (CompartmentNo(number(dice)), dice.pick(&[Seen::Empty, Seen::Full, Seen::CannotTell]))
    };
    Request::TellSeen { by: person(dice), seen: list(dice, 9, seen) }
}

pub(in super::super) fn lockdown(dice: &mut Dice) -> LockdownShown {
    LockdownShown {
        lockdown: dice.number(),
        area: area(dice),
        grade: dice.pick(&Grade::ALL),
        cause: dice.pick(&Cause::AUTOMATIC),
        exercise: exercise(dice),
        owner: maybe(dice),
        left_min: dice.number(),
        agreed: maybe(dice),
    }
}

fn fact<T: Copy>(dice: &mut Dice, values: &[T]) -> Fact<T> {
    let known = [Confidence::Unknown, Confidence::Doubtful, Confidence::Likely, Confidence::Sure];
    Fact {
        value: dice.pick(values),
        since: (dice.below(2) == 0).then(|| WallTime::from_unix_ms(dice.number().cast_signed())),
        confidence: dice.pick(&known),
    }
}

pub(in super::super) fn truth(dice: &mut Dice) -> Truth {
    let latches = [Sensed::Closed, Sensed::Open, Sensed::Unknown];
    let commands = [Commanded::Nothing, Commanded::Opening, Commanded::Opened, Commanded::DidNotOpen];
    let doubts = [None, SOME_MISSING, SOME_UNEXPECTED, SOME_INTERRUPTED, SOME_CANCELLED];
    Truth {
        compartment: CompartmentNo(number(dice)),
        commanded: fact(dice, &commands),
        latch: fact(dice, &latches),
        door: fact(dice, &latches),
        occupancy: fact(dice, &[Occupied::Empty, Occupied::Full]),
        doubt: dice.pick(&doubts),
    }
}

pub(in super::super) fn sign(dice: &mut Dice) -> (Source, Tamper) {
    let [n] = dice.bytes();
    let source = [Source::Enclosure(n), Source::Reader(n), Source::Door(CompartmentNo(n.into()))];
    (dice.pick(&source), dice.pick(&[Tamper::Opened, Tamper::Saw, Tamper::Unsteady]))
}
