//! Lockdown, tampering and physical truth as they travel: the policy in a roster, requests, and what a bank's status says.

use bailee_domain::bank::screen::LockdownShown;
use bailee_domain::compartment::{CompartmentNo, Sensed};
use bailee_domain::id::PersonId;
use bailee_domain::lockdown::{
    Area, Cause, Exercise, Grade, Keeper, MAX_KEEPERS, MAX_RULES, ReleaseFrom, Releasers, Rule, Security,
};
use bailee_domain::tamper::{Source, Tamper};
use bailee_domain::time::WallTime;
use bailee_domain::truth::{Commanded, Confidence, Doubt, Fact, Occupied, Seen, Truth};

use super::bounds::{LinkError, coded, compartment, count, fixed, small};
use super::proto;
use super::roster::{verifier_from, verifier_to};

/// A bank has at most this many doors, zones and areas that could be locked down, twice.
const MAX_LOCKDOWNS: usize = 2_048;
const MAX_TAMPERS: usize = 4_096;
const MAX_DOORS: usize = 500;

coded! {
    grade_number, grade: Grade = "grade" {
        1 Grade::Watch, 2 Grade::HoldRemote, 3 Grade::HoldZone, 4 Grade::HoldAll,
    }
}
coded! {
    exercise_number, exercise: Exercise = "exercise" {
        1 Exercise::Real, 2 Exercise::Drill, 3 Exercise::HoldingDrill,
    }
}
coded! {
    cause_number, cause: Cause = "cause" {
        1 Cause::ByHand, 2 Cause::Forced, 3 Cause::Enclosure, 4 Cause::PrySwitch, 5 Cause::Impact, 6 Cause::Pry,
        7 Cause::Tool, 8 Cause::SensorLost, 9 Cause::Reader, 10 Cause::Bus,
    }
}
coded! {
    releasers_number, releasers: Releasers = "releasers" { 1 Releasers::One, 2 Releasers::Two, }
}
coded! {
    release_from_number, release_from: ReleaseFrom = "place of release" {
        1 ReleaseFrom::Anywhere, 2 ReleaseFrom::Kiosk,
    }
}
coded! {
    seen_number, seen: Seen = "what was seen" { 1 Seen::Empty, 2 Seen::Full, 3 Seen::CannotTell, }
}
coded! {
    tamper_number, tamper: Tamper = "sign of tampering" {
        1 Tamper::Opened, 2 Tamper::Lost, 3 Tamper::Impact, 4 Tamper::Pry, 5 Tamper::Drill, 6 Tamper::Saw,
        7 Tamper::Silent, 8 Tamper::BadFrames, 9 Tamper::Unsolicited, 10 Tamper::Downgraded,
        11 Tamper::CaseOpened, 12 Tamper::Bouncing, 13 Tamper::BothWays, 14 Tamper::Crossed, 15 Tamper::Unsteady,
        16 Tamper::StaysShut,
    }
}
coded! {
    confidence_number, confidence: Confidence = "confidence" {
        1 Confidence::Unknown, 2 Confidence::Doubtful, 3 Confidence::Likely, 4 Confidence::Sure,
    }
}
coded! {
    commanded_number, commanded: Commanded = "command" {
        1 Commanded::Nothing, 2 Commanded::Opening, 3 Commanded::Opened, 4 Commanded::DidNotOpen,
    }
}
coded! {
    occupied_number, occupied: Occupied = "occupancy" { 1 Occupied::Empty, 2 Occupied::Full, }
}
coded! {
    latch_number, latch: Sensed = "latch" { 1 Sensed::Closed, 2 Sensed::Open, 3 Sensed::Unknown, }
}
coded! {
    doubt_number, doubt: Option<Doubt> = "doubt" {
        0 None, 1 SOME_MISSING, 2 SOME_UNEXPECTED, 3 SOME_INTERRUPTED, 4 SOME_CANCELLED,
    }
}

const SOME_MISSING: Option<Doubt> = Some(Doubt::Missing);
const SOME_UNEXPECTED: Option<Doubt> = Some(Doubt::Unexpected);
const SOME_INTERRUPTED: Option<Doubt> = Some(Doubt::Interrupted);
const SOME_CANCELLED: Option<Doubt> = Some(Doubt::Cancelled);

pub(super) fn security_to(security: &Security) -> proto::Security {
    let keeper = |k: &Keeper| proto::Keeper {
        person: k.person.to_bytes().to_vec(),
        verifier: k.verifier.as_ref().map(verifier_to),
    };
    let rule = |r: &Rule| proto::Rule {
        cause: cause_number(r.cause),
        grade: grade_number(r.grade),
        lasts_s: r.lasts_s,
    };
    proto::Security {
        keepers: security.keepers.iter().map(keeper).collect(),
        releasers: releasers_number(security.releasers),
        release_from: release_from_number(security.release_from),
        rules: security.rules.iter().map(rule).collect(),
        siren_s: security.siren_s,
    }
}

/// A roster of a platform that knows nothing of it leaves a bank with the standard policy.
pub(super) fn security_from(security: Option<proto::Security>) -> Result<Security, LinkError> {
    let Some(security) = security else { return Ok(Security::default()) };
    count(&security.keepers, MAX_KEEPERS, "list of keepers")?;
    count(&security.rules, MAX_RULES, "list of rules")?;
    let keeper = |k: proto::Keeper| {
        let verifier = k.verifier.map(|verifier| verifier_from(Some(verifier))).transpose()?;
        Ok(Keeper { person: PersonId::from_bytes(fixed(&k.person, "keeper")?), verifier })
    };
    let rule =
        |r: proto::Rule| Ok(Rule { cause: cause(r.cause)?, grade: grade(r.grade)?, lasts_s: r.lasts_s });
    Ok(Security {
        keepers: security.keepers.into_iter().map(keeper).collect::<Result<_, LinkError>>()?,
        releasers: releasers(security.releasers)?,
        release_from: release_from(security.release_from)?,
        rules: security.rules.into_iter().map(rule).collect::<Result<_, LinkError>>()?,
        siren_s: security.siren_s,
    })
}

pub(super) fn area_to(area: Area) -> proto::Area {
    let (kind, number) = match area {
        Area::Door(number) => (1, number.0),
        Area::Zone(column) => (2, column),
        Area::Bank => (3, 0),
    };
    proto::Area { kind, number: number.into() }
}

pub(super) fn area_from(area: Option<proto::Area>) -> Result<Area, LinkError> {
    let area = area.ok_or(LinkError::Invalid("area"))?;
    match area.kind {
        1 => compartment(area.number).map(Area::Door),
        2 => small(area.number, "zone").map(Area::Zone),
        3 => Ok(Area::Bank),
        _ => Err(LinkError::Invalid("area")),
    }
}

pub(super) fn lock_down_to(
    area: Area,
    grade: Grade,
    exercise: Exercise,
    lasts_s: u64,
    by: PersonId,
) -> proto::LockDown {
    proto::LockDown {
        area: Some(area_to(area)),
        grade: grade_number(grade),
        exercise: exercise_number(exercise),
        lasts_s,
        by: by.to_bytes().to_vec(),
    }
}

pub(super) fn lock_down_from(
    lock_down: &proto::LockDown,
) -> Result<(Area, Grade, Exercise, u64, PersonId), LinkError> {
    Ok((
        area_from(lock_down.area)?,
        grade(lock_down.grade)?,
        exercise(lock_down.exercise)?,
        lock_down.lasts_s,
        PersonId::from_bytes(fixed(&lock_down.by, "person")?),
    ))
}

pub(super) fn all_seen_to(all: &[(CompartmentNo, Seen)]) -> Vec<proto::SeenAt> {
    let one = |(number, seen): &(CompartmentNo, Seen)| proto::SeenAt {
        compartment: number.0.into(),
        seen: seen_number(*seen),
    };
    all.iter().map(one).collect()
}

pub(super) fn all_seen_from(all: &[proto::SeenAt]) -> Result<Vec<(CompartmentNo, Seen)>, LinkError> {
    count(all, MAX_DOORS, "list of compartments")?;
    all.iter().map(|one| Ok((compartment(one.compartment)?, seen(one.seen)?))).collect()
}

pub(super) fn lockdowns_to(lockdowns: &[LockdownShown]) -> Vec<proto::Lockdown> {
    let one = |l: &LockdownShown| proto::Lockdown {
        lockdown: l.lockdown,
        area: Some(area_to(l.area)),
        grade: grade_number(l.grade),
        cause: cause_number(l.cause),
        exercise: exercise_number(l.exercise),
        owner: person_to(l.owner),
        left_min: l.left_min,
        agreed: person_to(l.agreed),
    };
    lockdowns.iter().map(one).collect()
}

pub(super) fn lockdowns_from(lockdowns: Vec<proto::Lockdown>) -> Result<Vec<LockdownShown>, LinkError> {
    count(&lockdowns, MAX_LOCKDOWNS, "list of lockdowns")?;
    let one = |l: proto::Lockdown| {
        Ok(LockdownShown {
            lockdown: l.lockdown,
            area: area_from(l.area)?,
            grade: grade(l.grade)?,
            cause: cause(l.cause)?,
            exercise: exercise(l.exercise)?,
            owner: person_from(&l.owner)?,
            left_min: l.left_min,
            agreed: person_from(&l.agreed)?,
        })
    };
    lockdowns.into_iter().map(one).collect()
}

fn person_to(person: Option<PersonId>) -> Vec<u8> {
    person.map(|person| person.to_bytes().to_vec()).unwrap_or_default()
}

fn person_from(bytes: &[u8]) -> Result<Option<PersonId>, LinkError> {
    if bytes.is_empty() { Ok(None) } else { Ok(Some(PersonId::from_bytes(fixed(bytes, "person")?))) }
}

pub(super) fn tampers_to(tampers: &[(Source, Tamper)]) -> Vec<proto::TamperSign> {
    let one = |(source, tamper): &(Source, Tamper)| {
        let (kind, number) = match *source {
            Source::Enclosure(n) => (1, n.into()),
            Source::PrySwitch(n) => (2, n.into()),
            Source::Vibration(n) => (3, n.into()),
            Source::Board(n) => (4, n.into()),
            Source::Reader(n) => (5, n.into()),
            Source::Bus(n) => (6, n.into()),
            Source::Door(number) => (7, number.0),
        };
        proto::TamperSign { source: kind, number: number.into(), tamper: tamper_number(*tamper) }
    };
    tampers.iter().map(one).collect()
}

pub(super) fn tampers_from(tampers: &[proto::TamperSign]) -> Result<Vec<(Source, Tamper)>, LinkError> {
    count(tampers, MAX_TAMPERS, "list of signs of tampering")?;
    let one = |sign: &proto::TamperSign| {
        let byte = || small(sign.number, "source of tampering");
        let source = match sign.source {
            1 => Source::Enclosure(byte()?),
            2 => Source::PrySwitch(byte()?),
            3 => Source::Vibration(byte()?),
            4 => Source::Board(byte()?),
            5 => Source::Reader(byte()?),
            6 => Source::Bus(byte()?),
            7 => Source::Door(compartment(sign.number)?),
            _ => return Err(LinkError::Invalid("source of tampering")),
        };
        Ok((source, tamper(sign.tamper)?))
    };
    tampers.iter().map(one).collect()
}

pub(super) fn truth_to(truth: &[Truth]) -> Vec<proto::Truth> {
    let one = |t: &Truth| proto::Truth {
        compartment: t.compartment.0.into(),
        commanded: Some(fact_to(t.commanded, commanded_number)),
        latch: Some(fact_to(t.latch, latch_number)),
        door: Some(fact_to(t.door, latch_number)),
        occupancy: Some(fact_to(t.occupancy, occupied_number)),
        doubt: doubt_number(t.doubt),
    };
    truth.iter().map(one).collect()
}

fn fact_to<T: Copy>(fact: Fact<T>, number: impl Fn(T) -> u32) -> proto::Fact {
    proto::Fact {
        value: number(fact.value),
        since: fact.since.map(WallTime::unix_ms),
        confidence: confidence_number(fact.confidence),
    }
}

pub(super) fn truth_from(truth: Vec<proto::Truth>) -> Result<Vec<Truth>, LinkError> {
    count(&truth, MAX_DOORS, "list of states")?;
    let one = |t: proto::Truth| {
        Ok(Truth {
            compartment: compartment(t.compartment)?,
            commanded: fact_from(t.commanded, commanded)?,
            latch: fact_from(t.latch, latch)?,
            door: fact_from(t.door, latch)?,
            occupancy: fact_from(t.occupancy, occupied)?,
            doubt: doubt(t.doubt)?,
        })
    };
    truth.into_iter().map(one).collect()
}

fn fact_from<T>(
    fact: Option<proto::Fact>,
    value: impl Fn(u32) -> Result<T, LinkError>,
) -> Result<Fact<T>, LinkError> {
    let fact = fact.ok_or(LinkError::Invalid("state"))?;
    Ok(Fact {
        value: value(fact.value)?,
        since: fact.since.map(WallTime::from_unix_ms),
        confidence: confidence(fact.confidence)?,
    })
}

#[cfg(test)]
pub(super) mod samples;
