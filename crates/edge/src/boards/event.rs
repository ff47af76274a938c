//! What goes into a bus owner and what comes out: orders, outcomes, door reports, trouble.

use std::time::Duration;

use super::{BoardAddress, Door, DoorAddress, DoorState, Ticket};

/// An order to open one door, in time or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnlockOrder {
    /// The caller's number for this order; unique among orders without an outcome.
    pub ticket: Ticket,
    /// The door to open.
    pub door: DoorAddress,
    /// Monotonic time of the bus's clock after which the frame must not leave any more.
    pub not_after: Duration,
}

/// The board took an unlock: it answered it, or (boards that never answer an unlock) it answers the poll after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulsed {
    /// What the board's switch said with it; `Closed` is a stuck door, one that waits to be pulled, or one whose
    /// pulse goes on. The following door reports are the proof.
    pub door: DoorState,
}

/// Why an unlock frame never left: the door certainly did not open because of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The deadline passed while the order waited.
    #[error("the deadline passed before the line was free")]
    TooLate,
    /// No such board or lock on this bus.
    #[error("there is no such door on this bus")]
    NoSuchDoor,
    /// Too many orders are waiting.
    #[error("too many unlock orders are waiting")]
    QueueFull,
    /// Waiting orders were cancelled by the caller.
    #[error("the order was cancelled while it waited")]
    Cancelled,
    /// The serial line is gone.
    #[error("the serial line is not there")]
    LineDown,
    /// The line took no byte.
    #[error("the serial line takes no bytes")]
    LineStalled,
    /// The bus owner has stopped.
    #[error("the bus is closed")]
    Closed,
}

/// Why nobody knows whether an unlock that was sent happened: look at the door, never repeat blindly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownOutcome {
    /// The board said nothing.
    #[error("the board did not answer")]
    Silence,
    /// Something came, but no answer to this order.
    #[error("the answer was unusable: {0}")]
    BadFrame(BadFrame),
    /// The line broke with the answer due.
    #[error("the serial line was lost")]
    LineLost,
    /// Only a part of the frame left.
    #[error("only a part of the frame was sent")]
    PartlySent,
    /// The bus owner stopped with the answer due.
    #[error("the bus was closed")]
    Closed,
}

/// How an unlock failed; the three cases need three different next steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlockError {
    /// Nothing was sent: it may be ordered again.
    #[error("not sent: {0}")]
    NotSent(NotSent),
    /// The board answered that it did not do it.
    #[error("the board refused")]
    Refused,
    /// It may have happened: poll first.
    #[error("the outcome is unknown: {0}")]
    OutcomeUnknown(UnknownOutcome),
}

/// What is wrong with bytes that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Fewer bytes than any frame.
    #[error("too short")]
    Short,
    /// More bytes than any frame, without a pause.
    #[error("more bytes than a frame can have")]
    Flood,
    /// Not the length this board's answers have.
    #[error("wrong length")]
    Length,
    /// Not the header of the expected answer.
    #[error("wrong header")]
    Header,
    /// Another board's address.
    #[error("wrong address")]
    Address,
    /// Another lock.
    #[error("wrong lock")]
    Lock,
    /// Not one of the values a state can have.
    #[error("no such state")]
    State,
    /// The board says that it can't do what was asked.
    #[error("the board answers with an exception")]
    Exception,
    /// The check byte does not fit.
    #[error("wrong check byte")]
    Check,
    /// Sooner than a pulse can be over.
    #[error("came before an answer was possible")]
    Early,
    /// Nobody asked.
    #[error("nobody asked for it")]
    Unasked,
    /// It may be the late answer to an earlier order for the same door.
    #[error("may be the late answer to an earlier order")]
    Stale,
}

/// Something an honest cabinet does not do, named; the engine decides what becomes an alarm. Each is repeated at most
/// every five seconds per door (or per board, or per line) while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum BusTrouble {
    /// More bytes that are no answer than a sound line has: noise, wiring, or somebody on the bus.
    #[error("many bad frames")]
    ManyBadFrames,
    /// Bytes came again and again while nothing was asked: somebody else speaks on the bus.
    #[error("frames nobody asked for")]
    UnaskedFrames,
    /// A door was seen to open, and no unlock frame had left for it.
    #[error("a door opened without an order")]
    OpenedUnordered(DoorAddress),
    /// One door was ordered and stayed closed, another one opened: the cables of two locks or boards are swapped.
    #[error("another door opened than the one ordered")]
    OtherDoorOpened {
        /// The door the frame was for.
        ordered: DoorAddress,
        /// The door that opened.
        opened: DoorAddress,
    },
    /// The board took order after order, and no door's bit changes, lastly this one's: jammed latches, bridged switches or
    /// a board that takes what it does not do.
    #[error("unlocked again and again, and never seen open")]
    NeverSeenOpen(DoorAddress),
    /// The board answers order after order with "the door is open", lastly of this one, and every poll with "it is closed":
    /// it lies.
    #[error("said to be open by one answer and closed by the next")]
    Contradicted(DoorAddress),
    /// The item sensor changed its mind behind a door that stayed closed: a lying sensor, or another way in.
    #[error("the item sensor changed behind a closed door")]
    ItemChangedBehindClosedDoor(DoorAddress),
}

/// What the owner of a bus reports. Times are monotonic, of the bus's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusEvent {
    /// The unlock frame has left: from now on the door may open.
    UnlockSent {
        /// The order.
        ticket: Ticket,
        /// When.
        at: Duration,
    },
    /// The end of an order; exactly one per order that was taken.
    Unlock {
        /// The order.
        ticket: Ticket,
        /// Its door.
        door: DoorAddress,
        /// When.
        at: Duration,
        /// What is known.
        outcome: Result<Pulsed, UnlockError>,
    },
    /// One board's doors, after a poll.
    Doors {
        /// The board.
        board: BoardAddress,
        /// When the answer was complete.
        at: Duration,
        /// Every door of the board, in order.
        doors: Vec<Door>,
    },
    /// A board reported one door without being asked.
    DoorPushed {
        /// The board.
        board: BoardAddress,
        /// When.
        at: Duration,
        /// The door.
        door: Door,
    },
    /// A board gives no usable answer; its doors are unknown and it counts as cut off.
    Silent {
        /// The board.
        board: BoardAddress,
        /// The last usable answer, or when the line was opened.
        since: Duration,
    },
    /// A silent board answers again.
    Back {
        /// The board.
        board: BoardAddress,
        /// When.
        at: Duration,
    },
    /// Bytes came that were no answer; many of them without a reason mean tampering or bad wiring.
    BadFrames {
        /// The board that was asked, if one was.
        board: Option<BoardAddress>,
        /// When the latest came.
        at: Duration,
        /// All of them since the bus was opened.
        total: u64,
        /// What was wrong with the latest.
        latest: BadFrame,
    },
    /// The serial line is gone (unplugged, or cannot be opened).
    LineLost {
        /// When.
        at: Duration,
    },
    /// The serial line is there.
    LineBack {
        /// When.
        at: Duration,
    },
    /// Something an honest cabinet does not do. Silence and a lost line have events of their own.
    Trouble {
        /// The board it is about, if it is about one.
        board: Option<BoardAddress>,
        /// When it was noticed.
        at: Duration,
        /// What.
        what: BusTrouble,
    },
    /// Door reports were dropped because the receiver did not take them; outcomes never are.
    ReportsDropped {
        /// How many.
        count: u64,
    },
}

impl BusEvent {
    /// Whether this may be dropped when the receiver is slow: reports that the next poll, the next total or the
    /// trouble itself repeats.
    #[must_use]
    pub fn may_be_dropped(&self) -> bool {
        matches!(
            self,
            Self::Doors { .. } | Self::DoorPushed { .. } | Self::BadFrames { .. } | Self::Trouble { .. }
        )
    }
}
