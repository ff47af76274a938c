//! A simulated cabinet: lock control boards of the `8A/80` kind, their spring latches and doors, and everything
//! such hardware does wrong.
//!
//! It must never know more than real hardware does: it hears bytes, says bytes, and its doors are moved by
//! latches and people. Start with [`Cabinet`], which is pure (time is a parameter) and can be used without any
//! device; [`PtyCabinet`] puts one behind a pseudo terminal.

mod board;
mod bus;
mod pty;

pub use board::{BoardPlan, Fault, Wiring};
pub use bus::{Cabinet, CabinetEvent, Cause, Happening, Pacing};
pub use pty::{PtyCabinet, PtyError};

/// One door: the board's address and its lock, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DoorPlace {
    /// The board's address on the bus.
    pub board: u8,
    /// The lock on that board.
    pub lock: u8,
}
