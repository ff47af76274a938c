//! Words for what a technician proves before a bank is used, and after a repair.

use crate::compartment::{CompartmentNo, Wiring};

/// What came of pulsing one lock while its technician stood by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockFound {
    /// The door opened, its own switch said so, and said so again when it was closed.
    Proved,
    /// Another door's switch answered: two cables are swapped.
    Crossed,
    /// The door opened and no switch said so.
    SensorDead,
    /// The door opened and the switches of several said so.
    Several,
    /// It opened a door that another lock has opened already.
    SameDoor,
    /// Its switch says "closed" where the others of its board say "open".
    Inverted,
    /// No door opened.
    StayedClosed,
    /// The order never left.
    NotSent,
    /// The board declined.
    Refused,
    /// The board did not answer, and nobody saw a door open.
    Unanswered,
    /// The technician said that nothing is wired there.
    Unused,
    /// The door was not closed again.
    LeftOpen,
}

impl LockFound {
    /// Every one.
    pub const ALL: [Self; 12] = [
        Self::Proved,
        Self::Crossed,
        Self::SensorDead,
        Self::Several,
        Self::SameDoor,
        Self::Inverted,
        Self::StayedClosed,
        Self::NotSent,
        Self::Refused,
        Self::Unanswered,
        Self::Unused,
        Self::LeftOpen,
    ];

    /// The stable name, in reports and in keys of texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Crossed => "crossed",
            Self::SensorDead => "sensor-dead",
            Self::Several => "several",
            Self::SameDoor => "same-door",
            Self::Inverted => "inverted",
            Self::StayedClosed => "stayed-closed",
            Self::NotSent => "not-sent",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::Unused => "unused",
            Self::LeftOpen => "left-open",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|found| found.name() == name)
    }

    /// Whether the door can be used as it is.
    pub const fn is_fault(self) -> bool {
        !matches!(self, Self::Proved | Self::Unused)
    }
}

/// A part of a bank that is looked at besides its doors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A line with lock boards, by its place in the configuration.
    Line(u8),
    /// A lock board, by its number.
    Board(u8),
    /// A reader, by its number.
    Reader(u8),
    /// An enclosure switch, by its number.
    Enclosure(u8),
    /// A pry switch, by its number.
    PrySwitch(u8),
    /// An accelerometer, by its number.
    Vibration(u8),
    /// The kiosk's camera.
    Camera,
    /// The clock.
    Clock,
    /// The bank's keys and the pins of its platform.
    Identity,
    /// The TPM.
    Tpm,
    /// The supply: mains or battery.
    Supply,
}

/// What came of looking at a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartState {
    /// It works.
    Sound,
    /// It does not.
    Faulty,
    /// The bank has none.
    Absent,
    /// It was not looked at.
    Skipped,
}

/// One step of a walk, in the order of their use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The technician begins; `technician` is a salted commitment to the name, `only` the one door after a repair.
    Begin {
        /// Salted commitment to who says they are at work.
        technician: [u8; 32],
        /// The one door to prove again; all of them otherwise.
        only: Option<CompartmentNo>,
    },
    /// One lock is about to be pulsed.
    Try(Wiring),
    /// What came of the lock tried last, and the number on the door it opened.
    Answered(LockFound, Option<CompartmentNo>),
    /// A part was looked at.
    Checked(Part, PartState),
    /// It is over.
    End {
        /// SHA-256 of the report.
        report: [u8; 32],
        /// Doors that can be used.
        doors: u16,
        /// What is wrong, in number.
        faults: u16,
    },
}

/// Why a step of commissioning is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotCommissioned {
    /// Somebody is being served, or an opening has not come to its end.
    Serving,
    /// A compartment concerned holds a parcel, or nobody knows what it holds.
    Occupied(CompartmentNo),
    /// There is no such compartment.
    NoSuchCompartment,
    /// The bank is in service: somebody of its roster must sign in first.
    NobodySignedIn,
    /// The work order does not name all doors concerned.
    NotOrdered,
    /// A lockdown is in force.
    LockedDown,
    /// The disk may be an old one.
    OldDisk,
    /// It was not begun.
    NotBegun,
    /// The lock tried last has no answer yet.
    TrialOpen,
    /// No lock was tried.
    NothingTried,
    /// The lock belongs to a door that is not concerned.
    OtherDoor,
}
