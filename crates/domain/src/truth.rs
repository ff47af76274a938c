//! What is physically so at a compartment, as far as anybody can tell: four states, each with since when and how sure.
//!
//! The engine's part is in `bank::truth`.

use crate::compartment::{CompartmentNo, Sensed};
use crate::id::PersonId;
use crate::time::WallTime;

/// How sure a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Nobody can say.
    Unknown,
    /// Somebody must look.
    Doubtful,
    /// Concluded, not seen.
    Likely,
    /// Seen by a sensor or said by a person who looked.
    Sure,
}

/// One statement about a compartment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact<T> {
    /// What is so.
    pub value: T,
    /// Since when; `None` when it was so before the controller started.
    pub since: Option<WallTime>,
    /// How sure that is.
    pub confidence: Confidence,
}

/// What the controller last wanted of the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Commanded {
    /// Nothing since the start.
    #[default]
    Nothing,
    /// To open, and the outcome is awaited.
    Opening,
    /// To open, and it did.
    Opened,
    /// To open, and it was not seen to.
    DidNotOpen,
}

/// Whether something lies in a compartment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupied {
    /// Nothing.
    Empty,
    /// Something.
    Full,
}

/// The four states of one compartment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Which compartment.
    pub compartment: CompartmentNo,
    /// What its lock was last told.
    pub commanded: Fact<Commanded>,
    /// What its contact says.
    pub latch: Fact<Sensed>,
    /// Where the door is, as the engine concludes it.
    pub door: Fact<Sensed>,
    /// Whether something is inside.
    pub occupancy: Fact<Occupied>,
    /// Why the belief about the inside is not to be relied on.
    pub doubt: Option<Doubt>,
}

/// Why nobody can rely on what a compartment is believed to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// It should hold a parcel, and a sensor or a person says that it is empty.
    Missing,
    /// It should be empty, and a sensor or a person says that something is inside.
    Unexpected,
    /// The controller stopped between the opening for a pickup and the closing: the parcel was taken or not.
    Interrupted,
    /// A drop-off was cancelled, and nobody saw the parcel leave.
    Cancelled,
}

/// What somebody says about the inside of a compartment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing is inside.
    Empty,
    /// Something is.
    Full,
    /// The person could not tell.
    CannotTell,
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teller {
    /// Somebody at the kiosk.
    Kiosk,
    /// The item sensor.
    Sensor,
    /// A person of the staff, on a round.
    Person(PersonId),
}

/// What the item sensor of a compartment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemSensed {
    /// Something is inside.
    Present,
    /// Nothing is inside.
    Absent,
    /// There is no sensor, or it says nothing.
    Unknown,
}
