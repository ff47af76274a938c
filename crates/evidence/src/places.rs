//! `data/places.json`: what banks are called and what they look like, for people to read. Nothing of it is proved.

use bailee_domain::compartment::Layout;
use bailee_domain::id::BankId;
use serde::{Deserialize, Serialize};

use crate::Fault;

pub(crate) const PLACE: &str = "data/places.json";
/// Bytes of the longest file of places.
pub(crate) const MAX_BYTES: usize = 4 << 20;
const MAX_BANKS: usize = 1_000;
const MAX_DOORS: usize = 500;
const MAX_GRID: u16 = 1_000;

/// A bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// `bnk_…`
    pub bank: String,
    /// What it is called.
    pub name: String,
    /// The site it stands on.
    pub site: String,
    /// Its doors.
    pub doors: Vec<Door>,
}

/// A door, in grid units from the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Door {
    /// The number on it.
    pub number: u16,
    /// Its column, from 0.
    pub column: u16,
    /// The row of its top edge, from 0.
    pub row: u16,
    /// Its height.
    pub height: u16,
}

impl Place {
    /// A bank with the doors of its layout.
    #[must_use]
    pub fn new(bank: BankId, name: &str, site: &str, layout: Option<&Layout>) -> Self {
        let doors = layout.into_iter().flat_map(Layout::iter).map(|door| Door {
            number: door.number.0,
            column: door.column,
            row: door.row,
            height: door.height,
        });
        Self { bank: bank.to_string(), name: name.to_owned(), site: site.to_owned(), doors: doors.collect() }
    }
}

pub(crate) fn to_bytes(places: &[Place]) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(places).expect("places have nothing JSON cannot say");
    bytes.push(b'\n');
    bytes
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Place>, Fault> {
    let places: Vec<Place> = serde_json::from_slice(bytes)
        .map_err(|error| Fault::unsound(PLACE, format!("cannot be read: {error}")))?;
    let fits =
        |door: &Door| door.column < MAX_GRID && door.row < MAX_GRID && (1..=MAX_GRID).contains(&door.height);
    let bounded = places.len() <= MAX_BANKS
        && places.iter().all(|place| place.doors.len() <= MAX_DOORS && place.doors.iter().all(fits));
    match bounded && to_bytes(&places) == bytes {
        true => Ok(places),
        false => Err(Fault::unsound(PLACE, "is not in the one form places have")),
    }
}
