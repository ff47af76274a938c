//! Which numbers are wrong, and why: one table of rules for bank and platform.
//!
//! A [`Finding`] names what it is about and carries the numbers that its words need; how it reads is the surface's business.

use alloc::vec::Vec;

use super::{BoardFigures, Disk, DoorFigures, Guard, Health, LineFigures, PartKind, Supply, SupplyKind};
use crate::time::TimeQuality;

/// How bad something is, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Good,
    /// Worth knowing; nothing is to be done.
    Note,
    /// It works, and will not for ever.
    Amber,
    /// It fails, or is about to.
    Red,
}

/// What a finding is about, in the order in which a page shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matter {
    /// Mains and batteries.
    Power,
    /// The disk.
    Disk,
    /// Temperatures.
    Temperature,
    /// The clocks.
    Clock,
    /// The guard against old disks.
    Guard,
    /// Lock boards.
    Boards,
    /// Lines to the boards.
    Lines,
    /// Doors and latches.
    Doors,
    /// Readers.
    Readers,
    /// Sensors.
    Sensors,
    /// Events the platform has not confirmed.
    Backlog,
}

impl Matter {
    /// Every matter.
    pub const ALL: [Self; 11] = [
        Self::Power,
        Self::Disk,
        Self::Temperature,
        Self::Clock,
        Self::Guard,
        Self::Boards,
        Self::Lines,
        Self::Doors,
        Self::Readers,
        Self::Sensors,
        Self::Backlog,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Disk => "disk",
            Self::Temperature => "temperature",
            Self::Clock => "clock",
            Self::Guard => "guard",
            Self::Boards => "boards",
            Self::Lines => "lines",
            Self::Doors => "doors",
            Self::Readers => "readers",
            Self::Sensors => "sensors",
            Self::Backlog => "backlog",
        }
    }
}

/// Why something is not as it should be, with what was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Little room is left on the disk, in bytes.
    DiskLow {
        /// Free.
        free: u64,
        /// All of it.
        total: u64,
    },
    /// The mains are gone; the battery is this full.
    OnBattery {
        /// Percent, if known.
        charge: Option<u8>,
    },
    /// A battery is nearly empty.
    BatteryLow {
        /// Percent.
        charge: u8,
    },
    /// A supply gives less than it was built for, in millivolts.
    VoltageLow {
        /// Now.
        now: u32,
        /// The least it should give.
        least: u32,
    },
    /// Too hot, in thousandths of a degree.
    Hot(i32),
    /// Too cold, in thousandths of a degree.
    Cold(i32),
    /// The machine's clock is off, in milliseconds.
    ClockOff(i64),
    /// The bank's time can't be trusted.
    TimeUntrusted,
    /// Nothing tells this disk from a copy.
    NoGuard,
    /// The TPM does not answer.
    GuardSilent,
    /// The disk is an old or a copied one.
    DiskRestored,
    /// A board does not answer.
    BoardSilent,
    /// A board fails often.
    BoardErrors {
        /// Requests that failed.
        failed: u32,
        /// Of so many.
        requests: u32,
    },
    /// A line is lost or disturbed.
    LineTroubled {
        /// Times it was lost.
        losses: u32,
        /// Bytes that were no answer.
        bad_frames: u32,
    },
    /// A door needed more than one pulse, or stayed shut.
    DoorMisses {
        /// Pulses in vain.
        missed: u8,
        /// Of so many.
        tried: u8,
    },
    /// A door opens later and later.
    DoorSlower {
        /// Milliseconds it took.
        from_ms: u32,
        /// Milliseconds it takes.
        to_ms: u32,
        /// Within so many days.
        days: u8,
    },
    /// A reader or a sensor gives no answer.
    PartSilent(PartKind),
    /// Events pile up.
    Backlog(u64),
}

impl Why {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DiskLow { .. } => "disk-low",
            Self::OnBattery { .. } => "on-battery",
            Self::BatteryLow { .. } => "battery-low",
            Self::VoltageLow { .. } => "voltage-low",
            Self::Hot(_) => "hot",
            Self::Cold(_) => "cold",
            Self::ClockOff(_) => "clock-off",
            Self::TimeUntrusted => "time-untrusted",
            Self::NoGuard => "no-guard",
            Self::GuardSilent => "guard-silent",
            Self::DiskRestored => "disk-restored",
            Self::BoardSilent => "board-silent",
            Self::BoardErrors { .. } => "board-errors",
            Self::LineTroubled { .. } => "line-troubled",
            Self::DoorMisses { .. } => "door-misses",
            Self::DoorSlower { .. } => "door-slower",
            Self::PartSilent(_) => "part-silent",
            Self::Backlog(_) => "backlog",
        }
    }
}

/// Something that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub matter: Matter,
    /// Which board, line, door or part; for others their place in the report.
    pub number: u16,
    /// How bad it is.
    pub level: Level,
    /// Why.
    pub why: Why,
}

impl Finding {
    /// Whether somebody is told: everything red that no event of the bank tells already, and a door before it fails.
    pub fn alerts(&self) -> bool {
        let told_by_events = matches!(
            self.why,
            Why::BoardSilent | Why::PartSilent(_) | Why::DiskRestored | Why::GuardSilent | Why::Backlog(_)
        );
        !told_by_events
            && (self.level == Level::Red || (self.matter == Matter::Doors && self.level == Level::Amber))
    }
}

const MB: u64 = 1_000_000;
const HOT_MC: i32 = 70_000;
const TOO_HOT_MC: i32 = 85_000;
const COLD_MC: i32 = -10_000;
const TOO_COLD_MC: i32 = -20_000;
const CLOCK_AMBER_MS: i64 = 30_000;
const CLOCK_RED_MS: i64 = 300_000;
/// A rate of fewer requests says nothing.
const LEAST_REQUESTS: u32 = 100;
/// A door is judged by so many pulses.
const LEAST_PULSES: u8 = 5;
/// Slower by less is within what polling can see.
const LEAST_RISE_MS: u32 = 100;

/// Everything that is not as it should be, by matter and number.
pub fn judge(health: &Health) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |matter, number, verdict: Option<(Level, Why)>| {
        if let Some((level, why)) = verdict {
            found.push(Finding { matter, number, level, why });
        }
    };
    let mains_gone = health.power.iter().any(|s| s.kind == SupplyKind::Mains && s.online == Some(false));
    for (supply, n) in health.power.iter().zip(1..) {
        say(Matter::Power, n, power(supply, mains_gone));
    }
    say(Matter::Disk, 0, health.disk.and_then(disk));
    for (temperature, n) in health.temperatures.iter().zip(1..) {
        say(Matter::Temperature, n, warmth(temperature.millidegrees));
    }
    say(Matter::Clock, 0, clock(health));
    say(Matter::Guard, 0, guard(health.guard));
    health.boards.iter().for_each(|board| say(Matter::Boards, board.number.into(), errors(board)));
    health.lines.iter().for_each(|line| say(Matter::Lines, line.number.into(), line_trouble(line)));
    health.doors.iter().for_each(|door| say(Matter::Doors, door.compartment.0, wear(door)));
    for part in health.readers.iter().chain(&health.sensors).filter(|part| !part.answers) {
        let (reader, sensor) = (Matter::Readers, Matter::Sensors);
        let matter = if part.kind == PartKind::Reader { reader } else { sensor };
        say(matter, part.number.into(), Some((Level::Red, Why::PartSilent(part.kind))));
    }
    let piled = (health.backlog > 10_000).then_some((Level::Amber, Why::Backlog(health.backlog)));
    say(Matter::Backlog, 0, piled);
    found
}

/// The worst level of a matter among findings.
pub fn level_of(findings: &[Finding], matter: Matter) -> Level {
    let of = findings.iter().filter(|finding| finding.matter == matter);
    of.map(|finding| finding.level).max().unwrap_or(Level::Good)
}

fn disk(disk: Disk) -> Option<(Level, Why)> {
    let why = Why::DiskLow { free: disk.free, total: disk.total };
    let below = |percent: u64, bytes: u64| disk.free < bytes.min(disk.total / 100 * percent.max(1));
    if disk.free < 100 * MB || below(3, 1_000 * MB) {
        Some((Level::Red, why))
    } else if disk.free < 500 * MB || below(10, 5_000 * MB) {
        Some((Level::Amber, why))
    } else {
        None
    }
}

fn power(supply: &Supply, mains_gone: bool) -> Option<(Level, Why)> {
    if let (Some(now), Some(least)) = (supply.millivolts, supply.least_millivolts)
        && now < least
    {
        return Some((Level::Red, Why::VoltageLow { now, least }));
    }
    match (supply.kind, supply.charge) {
        (SupplyKind::Battery, Some(charge)) if charge < 20 => Some((Level::Red, Why::BatteryLow { charge })),
        (SupplyKind::Battery, charge) if mains_gone => Some((Level::Amber, Why::OnBattery { charge })),
        (SupplyKind::Battery, Some(charge)) if charge < 50 => {
            Some((Level::Amber, Why::BatteryLow { charge }))
        }
        (SupplyKind::Mains, _) if supply.online == Some(false) => {
            Some((Level::Amber, Why::OnBattery { charge: None }))
        }
        _ => None,
    }
}

const fn warmth(millidegrees: i32) -> Option<(Level, Why)> {
    match millidegrees {
        TOO_HOT_MC.. => Some((Level::Red, Why::Hot(millidegrees))),
        HOT_MC..TOO_HOT_MC => Some((Level::Amber, Why::Hot(millidegrees))),
        COLD_MC..HOT_MC => None,
        TOO_COLD_MC..COLD_MC => Some((Level::Amber, Why::Cold(millidegrees))),
        _ => Some((Level::Red, Why::Cold(millidegrees))),
    }
}

fn clock(health: &Health) -> Option<(Level, Why)> {
    let off = health.clock.offset_ms.unwrap_or(0);
    match off.saturating_abs() {
        _ if health.clock.quality == TimeQuality::Degraded => Some((Level::Red, Why::TimeUntrusted)),
        CLOCK_RED_MS.. => Some((Level::Red, Why::ClockOff(off))),
        CLOCK_AMBER_MS..CLOCK_RED_MS => Some((Level::Amber, Why::ClockOff(off))),
        _ => None,
    }
}

const fn guard(guard: Guard) -> Option<(Level, Why)> {
    match guard {
        Guard::InOrder => None,
        Guard::None => Some((Level::Note, Why::NoGuard)),
        Guard::Silent => Some((Level::Red, Why::GuardSilent)),
        Guard::Restored => Some((Level::Red, Why::DiskRestored)),
    }
}

fn errors(board: &BoardFigures) -> Option<(Level, Why)> {
    if board.silent {
        return Some((Level::Red, Why::BoardSilent));
    }
    if board.requests < LEAST_REQUESTS {
        return None;
    }
    let why = Why::BoardErrors { failed: board.failed, requests: board.requests };
    match board.failed_ppm() {
        100_000.. => Some((Level::Red, why)),
        10_000..100_000 => Some((Level::Amber, why)),
        _ => None,
    }
}

const fn line_trouble(line: &LineFigures) -> Option<(Level, Why)> {
    let why = Why::LineTroubled { losses: line.losses, bad_frames: line.bad_frames };
    match (line.losses, line.bad_frames) {
        (5.., _) | (_, 1_000..) => Some((Level::Red, why)),
        (1.., _) | (_, 50..) => Some((Level::Amber, why)),
        _ => None,
    }
}

fn wear(door: &DoorFigures) -> Option<(Level, Why)> {
    let missed = door.tried.saturating_sub(door.opened);
    let misses = Why::DoorMisses { missed, tried: door.tried };
    let share = |of: u8| u16::from(missed) * u16::from(of) >= u16::from(door.tried);
    if door.in_vain >= 3 || (door.tried >= LEAST_PULSES && share(3)) {
        return Some((Level::Red, misses));
    }
    if door.tried >= LEAST_PULSES && missed >= 2 && share(10) {
        return Some((Level::Amber, misses));
    }
    let trend = door.trend?;
    let rise = trend.to_ms.saturating_sub(trend.from_ms);
    let slower = Why::DoorSlower { from_ms: trend.from_ms, to_ms: trend.to_ms, days: trend.days };
    (rise >= LEAST_RISE_MS && rise >= trend.from_ms / 2).then_some((Level::Amber, slower))
}

#[cfg(test)]
mod tests;
