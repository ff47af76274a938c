//! What goes into a bank's session and what comes out of it.

use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::event::Event;
use bailee_domain::id::CommandId;
use bailee_domain::time::{MonoTime, WallTime};
use bailee_wire::link::{BankStatus, Hello, Witnessed};

use super::chain::{Batch, Breach, Position};

/// The moment an input is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// For timers.
    pub mono: MonoTime,
    /// For deadlines and for the banks' clocks.
    pub wall: WallTime,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time passed.
    Tick,
    /// The bank connected and proved its key; the store holds its events up to here.
    Connected(Position),
    /// It sent a frame.
    Frame(Vec<u8>),
    /// What [`Output::Store`] asked for is durable up to here.
    Stored {
        /// The last event held.
        up_to: u64,
    },
    /// It could not be stored; the bank will send it again.
    StoreFailed,
    /// The connection is over.
    Disconnected,
}

/// What the caller must do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this frame to the bank.
    Send(Vec<u8>),
    /// Store these events, all or none, after the ones before; answer [`Input::Stored`] or [`Input::StoreFailed`].
    Store(Batch),
    /// An alarm whose turn has not come; it comes again in a batch.
    AlarmPreview {
        /// What happened.
        event: Event,
        /// The exact bytes of its leaf.
        leaf: Vec<u8>,
    },
    /// The bank said who it is and where it stands.
    Greeted(Box<Hello>),
    /// How the bank is now.
    Status(BankStatus),
    /// The bank answered a command.
    Replied {
        /// Which.
        command: CommandId,
        /// How.
        answer: Answer,
    },
    /// A command was not answered in time.
    Expired {
        /// Which.
        command: CommandId,
        /// Whether it may have reached the bank: then nobody knows what became of it.
        sent: bool,
    },
    /// The bank is heard (again).
    Online,
    /// The bank has not been heard for 60 seconds.
    Offline,
    /// Its witness answered.
    Witnessed(Witnessed),
    /// The bank's events do not continue what the platform holds. Nothing of the batch was taken.
    ChainBroken(Breach),
    /// Close the connection.
    Close(&'static str),
}

/// A request to a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its id; the same id is the same command.
    pub id: CommandId,
    /// Not to be obeyed after this time.
    pub deadline: WallTime,
    /// What.
    pub request: Request,
}

/// The bank already has [`super::session::MAX_COMMANDS`] commands waiting, or the request is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotQueued {
    /// Too many are waiting.
    #[error("too many commands are waiting for this bank")]
    Full,
    /// It breaks a bound of the link.
    #[error("the request is too long for the link")]
    TooLong,
}
