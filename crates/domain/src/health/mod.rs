//! What a controller measures of itself and its cabinet, and what each number means.
//!
//! [`Health`] holds numbers only; [`judge::judge`] says which of them are wrong and why, by the same rules at the bank and on the
//! platform; [`wear`] keeps the openings of a door and sees it tire. [`standing::Standing`] knows since when something is
//! wrong. Nothing here ever decides whether a door may open: a sick bank goes on serving.

pub mod judge;
pub mod standing;
pub mod wear;

use alloc::string::String;
use alloc::vec::Vec;

use crate::compartment::CompartmentNo;
use crate::time::{TimeQuality, WallTime};

/// Most power supplies told.
pub const MAX_SUPPLIES: usize = 8;
/// Most temperatures told.
pub const MAX_TEMPERATURES: usize = 16;
/// Most boards and lines told.
pub const MAX_BOARDS: usize = 256;
/// Most doors told.
pub const MAX_DOORS: usize = 500;
/// Most readers, and most sensors, told.
pub const MAX_PARTS: usize = 256;

/// One look at a controller and its cabinet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// When it was taken, by the bank's clock.
    pub at: WallTime,
    /// Name and version of the bank's software.
    pub software: String,
    /// Seconds since the controller started.
    pub up_s: u64,
    /// Events the platform has not confirmed.
    pub backlog: u64,
    /// The disk the journal is on.
    pub disk: Option<Disk>,
    /// Power supplies the system knows; none on most boards without a battery.
    pub power: Vec<Supply>,
    /// Temperatures, by the system's own name for the place.
    pub temperatures: Vec<Temperature>,
    /// The clocks.
    pub clock: Clock,
    /// The keys of the link.
    pub link: LinkKeys,
    /// The guard against old disks.
    pub guard: Guard,
    /// Lock boards, over the last hour.
    pub boards: Vec<BoardFigures>,
    /// Lines to them, over the last hour.
    pub lines: Vec<LineFigures>,
    /// Doors that were ever ordered.
    pub doors: Vec<DoorFigures>,
    /// Readers.
    pub readers: Vec<Part>,
    /// Accelerometers and switches.
    pub sensors: Vec<Part>,
}

/// Room on a disk, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// Free for the controller.
    pub free: u64,
    /// All of it.
    pub total: u64,
    /// What the journal takes of it.
    pub journal: u64,
}

/// One power supply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supply {
    /// The system's name for it.
    pub name: String,
    /// What it is.
    pub kind: SupplyKind,
    /// Whether it delivers, for mains.
    pub online: Option<bool>,
    /// Its voltage now, in millivolts.
    pub millivolts: Option<u32>,
    /// The lowest voltage it was built for, in millivolts.
    pub least_millivolts: Option<u32>,
    /// How full it is, in percent.
    pub charge: Option<u8>,
}

/// What a power supply is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SupplyKind {
    /// The mains, or another supply that does not run out.
    #[default]
    Mains,
    /// A battery.
    Battery,
}

/// One temperature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Temperature {
    /// The system's name for the place.
    pub name: String,
    /// Thousandths of a degree Celsius.
    pub millidegrees: i32,
}

/// How the bank's time stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What the bank's time is worth.
    pub quality: TimeQuality,
    /// The machine's own clock less the platform's time, in milliseconds, when they were last compared.
    pub offset_ms: Option<i64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { quality: TimeQuality::Degraded, offset_ms: None }
    }
}

/// The keys by which bank and platform know each other. They are pinned, so no date ends them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkKeys {
    /// How many keys of the platform the bank knows: the one in use and its backups.
    pub pins: u8,
}

/// What tells this disk from a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guard {
    /// Nothing does.
    #[default]
    None,
    /// The TPM answered, and the disk is the latest.
    InOrder,
    /// The TPM does not answer.
    Silent,
    /// The disk is an old or a copied one.
    Restored,
}

/// One lock board over the last hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoardFigures {
    /// Its number.
    pub number: u8,
    /// Frames sent to it.
    pub requests: u32,
    /// Those without an answer that could be used.
    pub failed: u32,
    /// Whether it counts as cut off now.
    pub silent: bool,
}

impl BoardFigures {
    /// Failed requests in a million.
    pub fn failed_ppm(&self) -> u32 {
        let ppm = u64::from(self.failed) * 1_000_000 / u64::from(self.requests.max(1));
        u32::try_from(ppm).unwrap_or(u32::MAX)
    }
}

/// One line over the last hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineFigures {
    /// Its place in the configuration, from 1.
    pub number: u8,
    /// Bytes that were no answer.
    pub bad_frames: u32,
    /// How often it was lost.
    pub losses: u32,
}

/// One door, from its last openings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorFigures {
    /// Which.
    pub compartment: CompartmentNo,
    /// Pulses, at most [`wear::RECENT`].
    pub tried: u8,
    /// Those after which the door was seen open.
    pub opened: u8,
    /// How many of the latest pulses in a row were in vain.
    pub in_vain: u8,
    /// The median time from pulse to open, in milliseconds.
    pub usual_ms: Option<u32>,
    /// The longest, in milliseconds.
    pub slowest_ms: Option<u32>,
    /// How that time has changed over the days, if there are enough of them.
    pub trend: Option<wear::Trend>,
}

impl DoorFigures {
    /// What a door's record says.
    pub fn of(compartment: CompartmentNo, record: &wear::Record) -> Self {
        let (tried, opened) = record.tried_and_opened();
        let times = record.times();
        Self {
            compartment,
            tried,
            opened,
            in_vain: record.in_vain(),
            usual_ms: times.map(|(usual, _)| usual),
            slowest_ms: times.map(|(_, slowest)| slowest),
            trend: record.trend(),
        }
    }
}

/// A reader or a sensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Its number in the configuration.
    pub number: u8,
    /// Whether it answers.
    pub answers: bool,
}

/// What a part is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// A badge reader or scanner.
    #[default]
    Reader,
    /// An accelerometer.
    Accelerometer,
    /// A tamper switch.
    Switch,
}
