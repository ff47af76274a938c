//! Lock control boards: who may speak on a bus, what is said, and what an answer proves.
//!
//! Three things are kept apart: the board took the frame, the latch pulse was given, the door was seen open. Only
//! polling proves the last. A locker latch is a spring latch: nothing here can close a door.
//!
//! This module must never send an "unlock everything" frame (every codec makes its unlock frames from a [`Channel`]
//! the board has, and no other way), never send an unlock after its deadline, never repeat an unlock by itself, and
//! never speak while an answer is due.
//!
//! Start with [`Bus`], the thread that owns one line; its decisions are the pure [`BusMachine`]; what one kind of
//! board says is a [`Board`]: [`Board8a80`], [`KerongCu16`], [`KerongCu48`] or [`ModbusRelay`].

mod board_8a80;
mod bus;
mod dial;
mod event;
mod health;
mod heard;
mod inbox;
mod kerong;
mod line;
mod machine;
mod modbus;
mod outbox;
mod shape;

pub use board_8a80::{Board8a80, Board8a80Settings, check_byte};
pub use bus::{Bus, BusError, BusSettings, Clock, EventSink, Gauge};
pub use event::{BadFrame, BusEvent, BusTrouble, NotSent, Pulsed, UnknownOutcome, UnlockError, UnlockOrder};
pub use health::{BoardNumbers, BusHealth, DoorNumbers};
pub use kerong::{Cu16Settings, Cu48Settings, KerongCu16, KerongCu48, sum_byte};
pub use line::{Gateway, Line, LineAddress, LineError};
pub use machine::{Action, BusMachine, BusTiming, Sent};
pub use modbus::{ModbusRelay, ModbusRelaySettings, crc16};

use std::{fmt, num::NonZeroU8, time::Duration};

/// A lock of one board, counted from 1 as printed on the boards; zero does not exist, because several boards
/// read lock zero as "every lock".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(NonZeroU8);

impl Channel {
    /// The channel with this number, or nothing for zero.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        NonZeroU8::new(number).map(Self)
    }

    /// The number, from 1.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0.get()
    }
}

/// The address a board answers to on its bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoardAddress(pub u8);

impl fmt::Display for BoardAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "board {}", self.0)
    }
}

/// One door of a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DoorAddress {
    /// The board the lock is wired to.
    pub board: BoardAddress,
    /// The lock on that board.
    pub channel: Channel,
}

/// The caller's own number for one unlock order; it comes back with the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What the switch of a door says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoorState {
    /// The board sees the door open.
    Open,
    /// The board sees the door closed.
    Closed,
    /// The board said nothing about this door.
    Unknown,
}

/// What an item sensor of a door says, on boards that have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemSense {
    /// The board has no item sensors, or said nothing about this one.
    Unknown,
    /// Something is in the compartment.
    Present,
    /// Nothing is in the compartment.
    Absent,
}

/// One door as a board reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// The lock the report is about.
    pub channel: Channel,
    /// Open, closed, or not reported.
    pub state: DoorState,
    /// The item sensor.
    pub item: ItemSense,
}

/// How the feedback switches are wired; a property of the installation, proved at commissioning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    /// A set bit means closed ("short when locked").
    ClosedWhenBitSet,
    /// A clear bit means closed ("short when open").
    ClosedWhenBitClear,
}

impl Polarity {
    /// The door state a feedback bit stands for.
    #[must_use]
    pub fn state(self, bit_set: bool) -> DoorState {
        match (self, bit_set) {
            (Self::ClosedWhenBitSet, true) | (Self::ClosedWhenBitClear, false) => DoorState::Closed,
            _ => DoorState::Open,
        }
    }
}

/// What a kind of board can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Locks on this board.
    pub channels: u8,
    /// Whether the board may report a door without being asked.
    pub push: Feature,
    /// Whether the board reports item sensors.
    pub item_sensor: Feature,
    /// Whether the board times the latch pulse itself, so that a crash here leaves no coil energised.
    pub native_pulse: Feature,
}

/// Whether a kind of board has a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// It has.
    Present,
    /// It has not.
    Absent,
}

/// What comes back after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing: only the next poll tells whether the board is there.
    None,
    /// Bytes that can never be the request's own, so that equal bytes are an echo.
    Distinct,
    /// Bytes that may be the request's own.
    MayEqual,
}

/// What a request does to a coil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coil {
    /// Nothing.
    Idle,
    /// It is energised until the answer comes, or the time for the answer is over.
    UntilAnswer,
    /// The board energises it for so long, whatever is said meanwhile.
    For(Duration),
}

/// A frame to send and how long to wait for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The frame.
    pub bytes: Vec<u8>,
    /// What comes back.
    pub reply: Reply,
    /// What happens to a coil.
    pub coil: Coil,
    /// An answer that begins sooner than this after the last bit was sent cannot be the answer.
    pub not_before: Duration,
    /// An answer that has not begun this long after the last bit was sent is missing; without an answer, the pause
    /// before the poll that tells.
    pub within: Duration,
}

impl Request {
    /// A question whose answer can't be mistaken for the question.
    fn question(bytes: Vec<u8>) -> Self {
        let within = Duration::from_millis(150);
        Self { bytes, reply: Reply::Distinct, coil: Coil::Idle, not_before: Duration::ZERO, within }
    }
}

/// Whether more bytes of an answer may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burst {
    /// Bytes may still be coming.
    Flowing,
    /// The line has been quiet long enough for the answer to be over.
    Ended,
}

/// What a board driver makes of the bytes heard so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading<T> {
    /// Not enough yet.
    More,
    /// A whole answer, and how many bytes it took.
    Whole(T, usize),
    /// The board understood and declined.
    Declined(usize),
    /// A well-formed frame that answers something else: drop this many bytes, for this reason, and read on.
    Stray(usize, BadFrame),
    /// The burst is over and is no answer.
    Bad(BadFrame),
}

impl<T> Reading<T> {
    /// The same reading of something else.
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Self::More => Reading::More,
            Self::Whole(value, used) => Reading::Whole(change(value), used),
            Self::Declined(used) => Reading::Declined(used),
            Self::Stray(used, bad) => Reading::Stray(used, bad),
            Self::Bad(bad) => Reading::Bad(bad),
        }
    }
}

/// One lock control board as a small pure codec: it makes frames and judges answers; it never waits, never
/// touches a line and keeps no door state.
pub trait Board: Send {
    /// Where the board listens.
    fn address(&self) -> BoardAddress;

    /// What the board can do.
    fn capabilities(&self) -> Capabilities;

    /// The frame that pulses one latch.
    ///
    /// # Errors
    /// [`NotSent::NoSuchDoor`] when the board has no such lock.
    fn unlock(&self, channel: Channel) -> Result<Request, NotSent>;

    /// The frame that puts the board's outputs to rest, sent once when the board is first met and when it is back
    /// after a silence. It can energise nothing.
    fn rest(&self) -> Option<Request> {
        None
    }

    /// The frame that asks for every door.
    fn query_all(&self) -> Request;

    /// A harmless frame whose answer can never be equal to the frame itself; it tells whether the line adapter
    /// echoes what we send.
    fn echo_probe(&self) -> Request {
        self.query_all()
    }

    /// Judges the answer to [`Board::unlock`].
    fn read_unlock(&self, channel: Channel, heard: &[u8], burst: Burst) -> Reading<DoorState>;

    /// Judges the answer to [`Board::query_all`].
    fn read_query(&mut self, heard: &[u8], burst: Burst) -> Reading<Vec<Door>>;

    /// Judges the answer to [`Board::echo_probe`].
    fn read_probe(&self, heard: &[u8], burst: Burst) -> Reading<()>;

    /// A door report nobody asked for, if the bytes begin with one from this board, and its length.
    fn read_push(&self, heard: &[u8]) -> Option<(Door, usize)> {
        let _ = heard;
        None
    }
}
