//! Entries packed small: a block of them is taken apart into columns, and each column is told by what was expected.
//!
//! The ledger doesn't know what entries say. It sees deterministic CBOR (anything else is kept as it is), finds entries
//! that hold the SHA-256 of an earlier one of the block, and leaves those 32 bytes out: they are computed again. The
//! form is in `docs/reference/ledger-format.md`. Unpacked bytes are never believed: whoever unpacks compares hashes.
//!
//! [`pack`] always succeeds, [`unpack`] refuses what [`pack`] didn't write, and neither looks outside its block.

mod model;
mod packer;
mod shape;
mod streams;
mod unpacker;

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};

use packer::Packer;
use shape::{Slot, Step};
use streams::Input;
use unpacker::Unpacker;

/// Packed bytes that don't give a block of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the packed entries are damaged")]
pub struct Damaged;

const SHAPES: usize = 0;
const PARENTS: usize = 1;
const RAW: usize = 2;
const SKELETONS: usize = 3;
const INT_WAYS: usize = 4;
const COLUMNS: usize = 5;

const NEW: u64 = 0;
const AS_IN_CHAIN: u64 = 1;
const AS_FOLLOWED: u64 = 2;
const PARENTS_HASH: u64 = 3;
const AGO: u64 = 4;

/// Bytes at the front of new byte strings that are told as the difference to the one before, place by place.
const FRONT: usize = 8;
/// No block has more columns or shapes; beyond, entries are kept as they are.
const MOST_SHAPES: usize = 4_096;
/// No block that is unpacked has more entries, or more bytes in them: a segment is packed in far smaller ones.
const MOST_ENTRIES: usize = 1 << 16;
const MOST_BYTES: usize = 16 << 20;

/// Packs entries, each at most 65,535 bytes long.
#[must_use]
pub fn pack<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut packer = Packer::default();
    for entry in entries {
        packer.entry(entry);
    }
    packer.finish()
}

/// Unpacks entries into a bundle (C2SP tlog-tiles) of up to 65,536 entries and 16 MiB.
///
/// # Errors
/// [`Damaged`], also for more.
pub fn unpack(packed: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut input = Input(packed);
    let count = input.length().ok().filter(|&count| count <= MOST_ENTRIES).ok_or(Damaged)?;
    let streams = streams::read(&mut input)?;
    if !input.0.is_empty() || streams.len() < COLUMNS {
        return Err(Damaged);
    }
    let mut unpacker = Unpacker::new(&streams)?;
    for _ in 0..count {
        unpacker.entry()?;
        if unpacker.bundle.len() > MOST_BYTES {
            return Err(Damaged);
        }
    }
    Ok(unpacker.bundle)
}

/// Shapes and columns in the order of their first use.
#[derive(Default)]
struct Layout {
    shapes: Vec<Shape>,
    columns: BTreeMap<Slot, usize>,
    slots: Vec<Slot>,
    /// Lengths of byte strings, and which of them a column has.
    lengths: Vec<usize>,
    length_of: Vec<usize>,
}

struct Shape {
    steps: Vec<(Step, usize)>,
    has_hash: bool,
}

impl Layout {
    fn add(&mut self, steps: Vec<Step>) {
        let mut has_hash = false;
        let steps = steps.into_iter().map(|step| {
            let slot = match &step {
                Step::Verbatim(_) => return (step, 0),
                Step::Int(_, slot) | Step::Bytes(slot) | Step::Text(slot) => slot.clone(),
            };
            let mut length_at = 0;
            if let Slot::Bytes(_, length) = &slot {
                has_hash |= *length == 32;
                length_at = self.lengths.iter().position(|other| other == length).unwrap_or_else(|| {
                    self.lengths.push(*length);
                    self.lengths.len() - 1
                });
            }
            let next = self.slots.len();
            let column = *self.columns.entry(slot.clone()).or_insert(next);
            if column == next {
                self.slots.push(slot);
                self.length_of.push(length_at);
            }
            (step, column)
        });
        let steps = steps.collect();
        self.shapes.push(Shape { steps, has_hash });
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests;
