//! A bank's health as it travels in its status, and as the platform keeps it.

use bailee_domain::health::wear::Trend;
use bailee_domain::health::{
    BoardFigures, Clock, Disk, DoorFigures, Guard, Health, LineFigures, LinkKeys, MAX_BOARDS, MAX_DOORS,
    MAX_PARTS, MAX_SUPPLIES, MAX_TEMPERATURES, Part, PartKind, Supply, SupplyKind, Temperature,
};
use bailee_domain::time::WallTime;
use prost::Message as _;

use super::bounds::{LinkError, MAX_FRAME_BYTES, coded, compartment, count, small, text};
use super::from_bank::{quality, quality_number};
use super::proto;

coded! {
    guard_number, guard: Guard = "guard" {
        0 Guard::None, 1 Guard::InOrder, 2 Guard::Silent, 3 Guard::Restored,
    }
}
coded! {
    supply_number, supply_kind: SupplyKind = "power supply" { 1 SupplyKind::Mains, 2 SupplyKind::Battery, }
}
coded! {
    part_number, part_kind: PartKind = "part" {
        1 PartKind::Reader, 2 PartKind::Accelerometer, 3 PartKind::Switch,
    }
}

/// A bank's health as the platform keeps it.
pub fn encode_health(health: &Health) -> Vec<u8> {
    health_to(health).encode_to_vec()
}

/// Reads what [`encode_health`] wrote.
///
/// # Errors
/// [`LinkError`].
pub fn decode_health(bytes: &[u8]) -> Result<Health, LinkError> {
    if bytes.len() > MAX_FRAME_BYTES {
        return Err(LinkError::FrameTooLong);
    }
    health_from(proto::Health::decode(bytes).map_err(|_| LinkError::Unreadable)?)
}

pub(super) fn health_to(health: &Health) -> proto::Health {
    proto::Health {
        at: health.at.unix_ms(),
        software: health.software.clone(),
        up_s: health.up_s,
        backlog: health.backlog,
        disk: health.disk.map(|d| proto::Disk { free: d.free, total: d.total, journal: d.journal }),
        power: health.power.iter().map(supply_to).collect(),
        temperatures: health.temperatures.iter().map(temperature_to).collect(),
        clock_quality: quality_number(health.clock.quality),
        clock_offset_ms: health.clock.offset_ms,
        pins: health.link.pins.into(),
        guard: guard_number(health.guard),
        boards: health.boards.iter().map(board_to).collect(),
        lines: health.lines.iter().map(line_to).collect(),
        doors: health.doors.iter().map(door_to).collect(),
        readers: health.readers.iter().map(part_to).collect(),
        sensors: health.sensors.iter().map(part_to).collect(),
    }
}

pub(super) fn health_from(health: proto::Health) -> Result<Health, LinkError> {
    count(&health.power, MAX_SUPPLIES, "list of power supplies")?;
    count(&health.temperatures, MAX_TEMPERATURES, "list of temperatures")?;
    count(&health.boards, MAX_BOARDS, "list of boards")?;
    count(&health.lines, MAX_BOARDS, "list of lines")?;
    count(&health.doors, MAX_DOORS, "list of doors")?;
    count(&health.readers, MAX_PARTS, "list of readers")?;
    count(&health.sensors, MAX_PARTS, "list of sensors")?;
    Ok(Health {
        at: WallTime::from_unix_ms(health.at),
        software: text(health.software, "software")?,
        up_s: health.up_s,
        backlog: health.backlog,
        disk: health.disk.map(|d| Disk { free: d.free, total: d.total, journal: d.journal }),
        power: health.power.into_iter().map(supply_from).collect::<Result<_, _>>()?,
        temperatures: health.temperatures.into_iter().map(temperature_from).collect::<Result<_, _>>()?,
        clock: Clock { quality: quality(health.clock_quality)?, offset_ms: health.clock_offset_ms },
        link: LinkKeys { pins: small(health.pins, "pins")? },
        guard: guard(health.guard)?,
        boards: health.boards.iter().map(board_from).collect::<Result<_, _>>()?,
        lines: health.lines.iter().map(line_from).collect::<Result<_, _>>()?,
        doors: health.doors.into_iter().map(door_from).collect::<Result<_, _>>()?,
        readers: health.readers.iter().map(part_from).collect::<Result<_, _>>()?,
        sensors: health.sensors.iter().map(part_from).collect::<Result<_, _>>()?,
    })
}

fn supply_to(supply: &Supply) -> proto::Supply {
    proto::Supply {
        name: supply.name.clone(),
        kind: supply_number(supply.kind),
        online: supply.online,
        millivolts: supply.millivolts,
        least_millivolts: supply.least_millivolts,
        charge: supply.charge.map(u32::from),
    }
}

fn supply_from(supply: proto::Supply) -> Result<Supply, LinkError> {
    let charge: Option<u8> = supply.charge.map(|charge| small(charge, "charge")).transpose()?;
    if charge.is_some_and(|charge| charge > 100) {
        return Err(LinkError::Invalid("charge"));
    }
    Ok(Supply {
        name: text(supply.name, "power supply")?,
        kind: supply_kind(supply.kind)?,
        online: supply.online,
        millivolts: supply.millivolts,
        least_millivolts: supply.least_millivolts,
        charge,
    })
}

fn temperature_to(temperature: &Temperature) -> proto::Temperature {
    proto::Temperature { name: temperature.name.clone(), millidegrees: temperature.millidegrees }
}

fn temperature_from(temperature: proto::Temperature) -> Result<Temperature, LinkError> {
    let name = text(temperature.name, "temperature")?;
    Ok(Temperature { name, millidegrees: temperature.millidegrees })
}

fn board_to(board: &BoardFigures) -> proto::BoardFigures {
    proto::BoardFigures {
        number: board.number.into(),
        requests: board.requests,
        failed: board.failed,
        silent: board.silent,
    }
}

fn board_from(board: &proto::BoardFigures) -> Result<BoardFigures, LinkError> {
    Ok(BoardFigures {
        number: small(board.number, "board")?,
        requests: board.requests,
        failed: board.failed,
        silent: board.silent,
    })
}

fn line_to(line: &LineFigures) -> proto::LineFigures {
    proto::LineFigures { number: line.number.into(), bad_frames: line.bad_frames, losses: line.losses }
}

fn line_from(line: &proto::LineFigures) -> Result<LineFigures, LinkError> {
    let number = small(line.number, "line")?;
    Ok(LineFigures { number, bad_frames: line.bad_frames, losses: line.losses })
}

fn door_to(door: &DoorFigures) -> proto::DoorFigures {
    proto::DoorFigures {
        compartment: door.compartment.0.into(),
        tried: door.tried.into(),
        opened: door.opened.into(),
        in_vain: door.in_vain.into(),
        usual_ms: door.usual_ms,
        slowest_ms: door.slowest_ms,
        trend: door.trend.map(|t| proto::Trend { from_ms: t.from_ms, to_ms: t.to_ms, days: t.days.into() }),
    }
}

fn door_from(door: proto::DoorFigures) -> Result<DoorFigures, LinkError> {
    let trend =
        |t: proto::Trend| Ok(Trend { from_ms: t.from_ms, to_ms: t.to_ms, days: small(t.days, "days")? });
    Ok(DoorFigures {
        compartment: compartment(door.compartment)?,
        tried: small(door.tried, "pulses")?,
        opened: small(door.opened, "openings")?,
        in_vain: small(door.in_vain, "pulses in vain")?,
        usual_ms: door.usual_ms,
        slowest_ms: door.slowest_ms,
        trend: door.trend.map(trend).transpose()?,
    })
}

fn part_to(part: &Part) -> proto::Part {
    proto::Part { kind: part_number(part.kind), number: part.number.into(), answers: part.answers }
}

fn part_from(part: &proto::Part) -> Result<Part, LinkError> {
    Ok(Part { kind: part_kind(part.kind)?, number: small(part.number, "part")?, answers: part.answers })
}

/// A report with something in every field, for tests.
#[cfg(test)]
pub(super) fn sample() -> Health {
    let door = |n, trend| DoorFigures {
        compartment: bailee_domain::compartment::CompartmentNo(n),
        tried: 50,
        opened: 41,
        in_vain: 1,
        usual_ms: Some(260),
        slowest_ms: None,
        trend,
    };
    Health {
        at: WallTime::from_unix_ms(1_800_000_000_000),
        software: "bailee 0.1.0".into(),
        up_s: 86_400,
        backlog: 3,
        disk: Some(Disk { free: 1, total: u64::MAX, journal: 2 }),
        power: vec![
            Supply { name: "AC".into(), online: Some(false), ..Supply::default() },
            Supply {
                name: "BAT0".into(),
                kind: SupplyKind::Battery,
                online: None,
                millivolts: Some(12_100),
                least_millivolts: Some(11_000),
                charge: Some(87),
            },
        ],
        temperatures: vec![Temperature { name: "cpu-thermal".into(), millidegrees: -1_500 }],
        clock: Clock { quality: bailee_domain::time::TimeQuality::Trusted, offset_ms: Some(-40) },
        link: LinkKeys { pins: 2 },
        guard: Guard::Silent,
        boards: vec![BoardFigures { number: 1, requests: 36_000, failed: 12, silent: true }],
        lines: vec![LineFigures { number: 1, bad_frames: 3, losses: 1 }],
        doors: vec![door(7, Some(Trend { from_ms: 200, to_ms: 400, days: 29 })), door(8, None)],
        readers: vec![Part { kind: PartKind::Reader, number: 1, answers: true }],
        sensors: vec![Part { kind: PartKind::Accelerometer, number: 2, answers: false }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back() {
        let health = sample();
        assert_eq!(decode_health(&encode_health(&health)), Ok(health));
        assert_eq!(decode_health(&[]), Ok(Health::default()));
    }

    #[test]
    fn too_much_or_too_long_is_refused() {
        let many = |n| Health { temperatures: vec![Temperature::default(); n], ..Health::default() };
        assert!(decode_health(&encode_health(&many(MAX_TEMPERATURES))).is_ok());
        let refused = decode_health(&encode_health(&many(MAX_TEMPERATURES + 1)));
        assert_eq!(refused, Err(LinkError::TooLong("list of temperatures")));
        let long = Health { software: "x".repeat(201), ..Health::default() };
        assert_eq!(decode_health(&encode_health(&long)), Err(LinkError::TooLong("software")));
        let overfull = Supply { charge: Some(101), ..Supply::default() };
        let overfull = Health { power: vec![overfull], ..Health::default() };
        assert_eq!(decode_health(&encode_health(&overfull)), Err(LinkError::Invalid("charge")));
    }
}
