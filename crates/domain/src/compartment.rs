//! Compartments: what a bank is made of, and whether each can take a parcel.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::id::ParcelId;

/// The number on a compartment's door, unique in its bank, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CompartmentNo(pub u16);

impl fmt::Display for CompartmentNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// The clear inside size of a compartment, or of what must fit into one; ordered from small to large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// Up to a shoe box.
    Small,
    /// Up to a removal box.
    Medium,
    /// Up to a suitcase.
    Large,
    /// Anything the bank takes at all.
    ExtraLarge,
}

impl Size {
    /// Every size, smallest first.
    pub const ALL: [Self; 4] = [Self::Small, Self::Medium, Self::Large, Self::ExtraLarge];

    /// The stable one-letter code: `S`, `M`, `L`, `X`.
    pub const fn code(self) -> char {
        match self {
            Self::Small => 'S',
            Self::Medium => 'M',
            Self::Large => 'L',
            Self::ExtraLarge => 'X',
        }
    }

    /// The size with this code.
    pub fn from_code(code: char) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.code() == code)
    }
}

/// Where a compartment can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Within reach from a wheelchair (facts: 380 to 1220 mm above the floor).
    Low,
    /// Anywhere else.
    Standard,
}

/// The lock board and channel a compartment is wired to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wiring {
    /// Which board, as numbered in the controller's configuration.
    pub board: u8,
    /// The lock channel on that board, from 1.
    pub channel: u8,
}

/// One compartment as built and wired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compartment {
    /// The number on the door.
    pub number: CompartmentNo,
    /// What fits inside.
    pub size: Size,
    /// Who can reach it.
    pub reach: Reach,
    /// Which lock opens it.
    pub wiring: Wiring,
    /// Column in the cabinet front, from 0 at the reading start.
    pub column: u16,
    /// Row of its top edge in the cabinet front, from 0 at the top, in grid units.
    pub row: u16,
    /// Height in grid units.
    pub height: u16,
}

/// The compartments of one bank, in order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    compartments: Vec<Compartment>,
}

/// Why a list of compartments is no layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// A bank has 1 to 500 compartments.
    Count(usize),
    /// Two compartments have this number, or a number is 0.
    Number(CompartmentNo),
    /// Two compartments are wired to this lock, or a channel is 0.
    Wiring(CompartmentNo),
    /// This compartment overlaps another in the front, or has no height.
    Place(CompartmentNo),
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(n) => write!(f, "a bank has 1 to 500 compartments, not {n}"),
            Self::Number(n) => write!(f, "compartment number {n} is 0 or used twice"),
            Self::Wiring(n) => {
                write!(f, "compartment {n} is wired to channel 0 or to another compartment's lock")
            }
            Self::Place(n) => write!(f, "compartment {n} has no height or overlaps another"),
        }
    }
}

impl core::error::Error for LayoutError {}

impl Layout {
    /// Checks that numbers and locks are unique and that nothing overlaps in the front.
    ///
    /// # Errors
    /// The first [`LayoutError`] found.
    pub fn new(mut compartments: Vec<Compartment>) -> Result<Self, LayoutError> {
        if compartments.is_empty() || compartments.len() > 500 {
            return Err(LayoutError::Count(compartments.len()));
        }
        compartments.sort_by_key(|c| c.number);
        for (i, c) in compartments.iter().enumerate() {
            let before = &compartments[..i];
            if c.number.0 == 0 || before.iter().any(|b| b.number == c.number) {
                return Err(LayoutError::Number(c.number));
            }
            if c.wiring.channel == 0 || before.iter().any(|b| b.wiring == c.wiring) {
                return Err(LayoutError::Wiring(c.number));
            }
            if c.height == 0 || before.iter().any(|b| overlaps(b, c)) {
                return Err(LayoutError::Place(c.number));
            }
        }
        Ok(Self { compartments })
    }

    /// Every compartment, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Compartment> {
        self.compartments.iter()
    }

    /// The compartment with this number.
    pub fn find(&self, number: CompartmentNo) -> Option<&Compartment> {
        self.compartments.iter().find(|c| c.number == number)
    }

    /// The compartment wired to this lock.
    pub fn at(&self, wiring: Wiring) -> Option<&Compartment> {
        self.compartments.iter().find(|c| c.wiring == wiring)
    }
}

fn overlaps(a: &Compartment, b: &Compartment) -> bool {
    a.column == b.column
        && u32::from(a.row) < u32::from(b.row) + u32::from(b.height)
        && u32::from(b.row) < u32::from(a.row) + u32::from(a.height)
}

/// Whether a compartment holds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupancy {
    /// Nothing that we know of.
    Empty,
    /// This parcel.
    Holds(ParcelId),
}

/// Whether a compartment may be assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// It works.
    In,
    /// It is not assigned until a person puts it back.
    Out(OutOfService),
}

/// Why a compartment is not assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfService {
    /// Its door did not open when asked.
    DidNotOpen,
    /// Power or contact was lost while it was being opened; somebody must look inside.
    NeedsCheck,
    /// Its door was forced.
    Forced,
    /// A person took it out.
    ByHand,
}

/// What the door sensor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensed {
    /// The latch contact says closed.
    Closed,
    /// The latch contact says open.
    Open,
    /// No fresh answer from the board.
    Unknown,
}

/// A person's name as shown before it is confirmed: initials only, so `Mara Roth` becomes `M. R.`.
pub fn masked_name(name: &str) -> String {
    let mut masked = String::new();
    for initial in name.split_whitespace().filter_map(|part| part.chars().next()).take(3) {
        if !masked.is_empty() {
            masked.push(' ');
        }
        masked.extend(initial.to_uppercase());
        masked.push('.');
    }
    masked
}
