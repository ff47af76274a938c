//! A simulated cabinet: lock control boards of every family the controller drives, their spring latches and doors,
//! and everything such hardware does wrong.
//!
//! It must never know more than real hardware does: it hears bytes, says bytes, and its doors are moved by
//! latches and people. It shares no code with the drivers, so that both can't be wrong alike. Start with [`Cabinet`],
//! which is pure (time is a parameter) and can be used without any device; [`PtyCabinet`] puts one behind a pseudo
//! terminal, [`TcpCabinet`] behind a socket like a serial gateway; a [`Command`] changes one by words.

mod board;
mod bus;
mod command;
mod fault;
mod live;
mod log;
mod port;
mod speech;

pub use board::{BoardPlan, Wiring};
pub use bus::Cabinet;
pub use command::{Command, NotUnderstood};
pub use fault::Fault;
pub use live::{LiveCabinet, PtyCabinet, PtyError, TcpCabinet};
pub use log::{CabinetEvent, Cause, Happening, Pacing};
pub use speech::{Family, opens_everything};

/// One door: the board's address and its lock, the lock from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DoorPlace {
    /// The board's address on the bus.
    pub board: u8,
    /// The lock on that board.
    pub lock: u8,
}
