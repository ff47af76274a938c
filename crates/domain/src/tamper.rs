//! Signs of tampering: what sensors, boards and readers can say, and what counts as an alarm.
//!
//! The engine's part, which folds repeated signs into one alarm, is in `bank::tamper`.

use crate::compartment::CompartmentNo;
use crate::lockdown::Cause;

/// What a sign of tampering comes from. Numbers are those of the controller's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A switch on the enclosure.
    Enclosure(u8),
    /// A switch on a pry plate.
    PrySwitch(u8),
    /// An accelerometer.
    Vibration(u8),
    /// A lock board.
    Board(u8),
    /// A reader.
    Reader(u8),
    /// A serial line.
    Bus(u8),
    /// A door and its feedback.
    Door(CompartmentNo),
}

/// What the sign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tamper {
    /// A switch has left its rest.
    Opened,
    /// The sensor or its wire gives no reading.
    Lost,
    /// Repeated strong blows.
    Impact,
    /// Prying.
    Pry,
    /// A drill.
    Drill,
    /// A saw.
    Saw,
    /// It does not answer.
    Silent,
    /// Bytes that are no answer come again and again.
    BadFrames,
    /// Answers come that nobody asked for: somebody else speaks on the line.
    Unsolicited,
    /// A reader gave up its secure channel, or speaks with a known key.
    Downgraded,
    /// A reader says that its case was opened.
    CaseOpened,
    /// A door changes again and again without anybody.
    Bouncing,
    /// A door is said to be open and closed at once.
    BothWays,
    /// This door opened when another's lock was driven: cables may be swapped.
    Crossed,
    /// An item sensor changes again and again with the door closed.
    Unsteady,
    /// Order after order is taken for this door and it is never seen open: a latch that jams, a bridged switch, or a board
    /// that says yes to what it does not do.
    StaysShut,
}

impl Tamper {
    /// What a policy may answer it with; `None` for a fault that is no attack.
    pub const fn cause(self, source: Source) -> Option<Cause> {
        match (self, source) {
            (Self::Opened, Source::Enclosure(_)) => Some(Cause::Enclosure),
            (Self::Opened, Source::PrySwitch(_)) => Some(Cause::PrySwitch),
            (Self::Impact, _) => Some(Cause::Impact),
            (Self::Pry, _) => Some(Cause::Pry),
            (Self::Drill | Self::Saw, _) => Some(Cause::Tool),
            (Self::Lost, _) => Some(Cause::SensorLost),
            (_, Source::Reader(_)) => Some(Cause::Reader),
            (Self::BadFrames | Self::Unsolicited, Source::Bus(_) | Source::Board(_)) => Some(Cause::Bus),
            _ => None,
        }
    }

    /// Whether the siren sounds for it.
    pub const fn is_loud(self) -> bool {
        matches!(self, Self::Opened | Self::Pry | Self::Drill | Self::Saw | Self::CaseOpened)
    }
}

/// Whether a sign begins, or what gave it is in order again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It is there, or came once more.
    Present,
    /// It is gone.
    Gone,
}

/// What a normally closed switch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchState {
    /// At rest.
    AtRest,
    /// Opened, or its wire was cut: nobody can tell which.
    Tripped,
    /// The input itself cannot be read.
    Lost,
}

/// What an accelerometer's classifier has decided about the last window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Felt {
    /// What it was.
    pub class: FeltClass,
    /// The classifier's integrating score in hundredths: from 100 a warning, from 300 an alarm.
    pub score: u16,
}

/// What was felt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FeltClass {
    /// Nothing.
    Quiet,
    /// A single knock: a slammed door, a parcel thrown in, a kick.
    Knock,
    /// Repeated strong blows.
    Impact,
    /// Prying.
    Pry,
    /// A drill.
    Drill,
    /// A saw.
    Saw,
    /// The sensor itself is broken.
    SensorFault,
}

/// The score from which a class is an alarm.
pub const ALARM_SCORE: u16 = 300;
