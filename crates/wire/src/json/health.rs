//! A bank's health.

use bailee_domain::health::judge::{Finding, Level, Matter, Why, level_of};
use bailee_domain::health::{Guard, Health, PartKind, SupplyKind};
use bailee_domain::time::{TimeQuality, WallTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::time_text;

/// What a controller measures of itself and its cabinet, and what is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BankHealth {
    /// When it was measured, by the bank's clock.
    pub measured_at: String,
    /// How old that is, in seconds, by the clock of whoever answers.
    pub age_s: u64,
    /// `good`, `note`, `amber` or `red`: the worst of `findings`.
    pub level: String,
    /// What is not as it should be, worst first.
    pub findings: Vec<HealthFinding>,
    /// Name and version of the bank's software.
    pub software: String,
    /// Seconds since the controller started.
    pub up_s: u64,
    /// Events the platform has not confirmed.
    pub backlog: u64,
    /// The disk the journal is on, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<HealthDisk>,
    /// Power supplies the system knows.
    pub power: Vec<HealthSupply>,
    /// Temperatures.
    pub temperatures: Vec<HealthTemperature>,
    /// What the bank's time is worth: `trusted`, `holdover` or `degraded`.
    pub clock: String,
    /// The machine's own clock less the platform's time, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<i64>,
    /// Keys of the platform the bank knows; they are pinned, and no date ends them.
    pub pins: u8,
    /// What tells the disk from a copy: `none`, `in-order`, `silent` or `restored`.
    pub guard: String,
    /// Lock boards, over the last hour.
    pub boards: Vec<HealthBoard>,
    /// Lines to them, over the last hour.
    pub lines: Vec<HealthLine>,
    /// Doors that were ever ordered, by their last fifty pulses.
    pub doors: Vec<HealthDoor>,
    /// Readers and sensors.
    pub parts: Vec<HealthPart>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthFinding {
    /// `power`, `disk`, `temperature`, `clock`, `guard`, `boards`, `lines`, `doors`, `readers`, `sensors` or `backlog`.
    pub matter: String,
    /// Which board, line, door or part; 0 for the bank.
    pub number: u16,
    /// `note`, `amber` or `red`.
    pub level: String,
    /// A stable word, such as `door-slower`.
    pub why: String,
    /// Since when it stands, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// Room on a disk, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthDisk {
    /// Free for the controller.
    pub free: u64,
    /// All of it.
    pub total: u64,
    /// What the journal takes.
    pub journal: u64,
}

/// One power supply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthSupply {
    /// The system's name for it.
    pub name: String,
    /// `mains` or `battery`.
    pub kind: String,
    /// Whether it delivers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online: Option<bool>,
    /// Its voltage, in millivolts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub millivolts: Option<u32>,
    /// How full it is, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge: Option<u8>,
}

/// One temperature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthTemperature {
    /// The system's name for the place.
    pub name: String,
    /// Thousandths of a degree Celsius.
    pub millidegrees: i32,
}

/// One lock board over the last hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthBoard {
    /// Its number.
    pub number: u8,
    /// Frames sent to it.
    pub requests: u32,
    /// Those without an answer that could be used.
    pub failed: u32,
    /// Whether it counts as cut off.
    pub silent: bool,
}

/// One line over the last hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthLine {
    /// Its place in the configuration, from 1.
    pub number: u8,
    /// Bytes that were no answer.
    pub bad_frames: u32,
    /// How often it was lost.
    pub losses: u32,
}

/// One door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthDoor {
    /// The number on it.
    pub compartment: u16,
    /// Pulses, at most fifty.
    pub tried: u8,
    /// Those after which it was seen open.
    pub opened: u8,
    /// The median time from pulse to open, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usual_ms: Option<u32>,
    /// The longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowest_ms: Option<u32>,
    /// How long it took when the trend began, and takes now, in milliseconds; absent with too few days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trend_ms: Option<(u32, u32)>,
}

/// A reader or a sensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthPart {
    /// `reader`, `accelerometer` or `switch`.
    pub kind: String,
    /// Its number.
    pub number: u8,
    /// Whether it answers.
    pub answers: bool,
}

/// The stable name of a level.
pub const fn level_name(level: Level) -> &'static str {
    match level {
        Level::Good => "good",
        Level::Note => "note",
        Level::Amber => "amber",
        Level::Red => "red",
    }
}

impl BankHealth {
    /// A report with what stands, as of `now`.
    pub fn of(health: &Health, findings: &[(Finding, Option<WallTime>)], now: WallTime) -> Self {
        let plain: Vec<Finding> = findings.iter().map(|(finding, _)| *finding).collect();
        let worst = Matter::ALL.iter().map(|matter| level_of(&plain, *matter)).max().unwrap_or(Level::Good);
        let mut shown: Vec<_> = findings.iter().collect();
        shown.sort_by_key(|(finding, _)| std::cmp::Reverse(finding.level));
        Self {
            measured_at: time_text(health.at),
            age_s: u64::try_from(now.since_ms(health.at) / 1_000).unwrap_or(0),
            level: level_name(worst).into(),
            findings: shown.into_iter().map(finding).collect(),
            software: health.software.clone(),
            up_s: health.up_s,
            backlog: health.backlog,
            disk: health.disk.map(|d| HealthDisk { free: d.free, total: d.total, journal: d.journal }),
            power: health.power.iter().map(supply).collect(),
            temperatures: health.temperatures.iter().map(temperature).collect(),
            clock: quality(health.clock.quality).into(),
            clock_offset_ms: health.clock.offset_ms,
            pins: health.link.pins,
            guard: guard(health.guard).into(),
            boards: health.boards.iter().map(board).collect(),
            lines: health.lines.iter().map(line).collect(),
            doors: health.doors.iter().map(door).collect(),
            parts: health.readers.iter().chain(&health.sensors).map(part).collect(),
        }
    }
}

fn finding((finding, since): &(Finding, Option<WallTime>)) -> HealthFinding {
    let why: Why = finding.why;
    HealthFinding {
        matter: finding.matter.name().into(),
        number: finding.number,
        level: level_name(finding.level).into(),
        why: why.name().into(),
        since: since.map(time_text),
    }
}

const fn quality(quality: TimeQuality) -> &'static str {
    match quality {
        TimeQuality::Trusted => "trusted",
        TimeQuality::Holdover => "holdover",
        TimeQuality::Degraded => "degraded",
    }
}

const fn guard(guard: Guard) -> &'static str {
    match guard {
        Guard::None => "none",
        Guard::InOrder => "in-order",
        Guard::Silent => "silent",
        Guard::Restored => "restored",
    }
}

fn supply(supply: &bailee_domain::health::Supply) -> HealthSupply {
    let kind = match supply.kind {
        SupplyKind::Mains => "mains",
        SupplyKind::Battery => "battery",
    };
    HealthSupply {
        name: supply.name.clone(),
        kind: kind.into(),
        online: supply.online,
        millivolts: supply.millivolts,
        charge: supply.charge,
    }
}

fn temperature(temperature: &bailee_domain::health::Temperature) -> HealthTemperature {
    HealthTemperature { name: temperature.name.clone(), millidegrees: temperature.millidegrees }
}

const fn board(board: &bailee_domain::health::BoardFigures) -> HealthBoard {
    HealthBoard { number: board.number, requests: board.requests, failed: board.failed, silent: board.silent }
}

const fn line(line: &bailee_domain::health::LineFigures) -> HealthLine {
    HealthLine { number: line.number, bad_frames: line.bad_frames, losses: line.losses }
}

fn door(door: &bailee_domain::health::DoorFigures) -> HealthDoor {
    HealthDoor {
        compartment: door.compartment.0,
        tried: door.tried,
        opened: door.opened,
        usual_ms: door.usual_ms,
        slowest_ms: door.slowest_ms,
        trend_ms: door.trend.map(|trend| (trend.from_ms, trend.to_ms)),
    }
}

fn part(part: &bailee_domain::health::Part) -> HealthPart {
    let kind = match part.kind {
        PartKind::Reader => "reader",
        PartKind::Accelerometer => "accelerometer",
        PartKind::Switch => "switch",
    };
    HealthPart { kind: kind.into(), number: part.number, answers: part.answers }
}
