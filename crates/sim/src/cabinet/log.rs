//! What really happened in a cabinet, and how fast bytes travel there.

use std::time::Duration;

use super::DoorPlace;

/// How fast bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// At once.
    Instant,
    /// At so many bits a second, ten a byte.
    Baud(u32),
}

impl Pacing {
    pub(super) fn wire_time(self, bytes: usize) -> Duration {
        match self {
            Self::Instant => Duration::ZERO,
            Self::Baud(baud) => Duration::from_nanos(bytes as u64 * 10_000_000_000 / u64::from(baud.max(1))),
        }
    }
}

/// Why a door moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its latch was pulsed.
    Latch,
    /// A person closed it.
    Person,
    /// Somebody forced it.
    Force,
}

/// Something that really happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A coil was energised.
    CoilOn(DoorPlace),
    /// A door opened.
    Opened(DoorPlace, Cause),
    /// A door closed.
    Closed(DoorPlace, Cause),
    /// A coil was energised while another one was: the supply may not bear it.
    TwoCoils(DoorPlace),
    /// A coil was switched on by a frame that does not end it: it burns if nobody comes back.
    CoilHeld(DoorPlace),
    /// Every output of a board was switched off.
    AtRest(u8),
    /// Somebody spoke while an answer was due.
    Collision,
    /// Somebody sent a frame that opens every door of a board.
    UnlockAll(u8),
}

/// A line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CabinetEvent {
    /// When, in the caller's time.
    pub at: Duration,
    /// What.
    pub what: Happening,
}
