//! Where hashes and entries are kept: tiles of 256, their C2SP paths, and the reader of stored tiles.
//!
//! [`TileId`] names what storage keeps; [`TilePath`] names what is published.

mod path;

use std::fmt;

use crate::hash::HASH_LEN;

pub(crate) use path::parse_decimal;
pub use path::{NotATilePath, TilePath};

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;
/// Bytes of a full hash tile.
pub const FULL_TILE_LEN: usize = TILE_WIDTH as usize * HASH_LEN;
/// Tile levels a tree of 2^64 entries has.
pub const LEVELS: u8 = 8;

/// Name of a hash tile, whatever its present width: what a stored row is keyed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TileId {
    /// 0 for leaf hashes; one more for each eight levels of the tree.
    pub level: u8,
    /// Place within the level, from the left.
    pub index: u64,
}

/// Number of hashes or entries in a tile: 1 to 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Width(u16);

/// Stored tiles; implemented by any `FnMut(TileId) -> Result<Vec<u8>, E>`.
pub trait TileReader {
    /// What can go wrong in storage.
    type Error;

    /// The present bytes of a tile: at least as many hashes as the tree that is asked about has there. More
    /// are ignored, since a narrower tile is a prefix of a wider one.
    ///
    /// # Errors
    /// Whatever storage reports. A tile that isn't stored may also be given as no bytes.
    fn tile(&mut self, id: TileId) -> Result<Vec<u8>, Self::Error>;
}

impl<F, E> TileReader for F
where
    F: FnMut(TileId) -> Result<Vec<u8>, E>,
{
    type Error = E;

    fn tile(&mut self, id: TileId) -> Result<Vec<u8>, E> {
        self(id)
    }
}

/// Why stored tiles couldn't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError<E> {
    /// Storage failed.
    #[error("reading {id} failed")]
    Storage {
        /// The tile asked for.
        id: TileId,
        /// What storage said.
        source: E,
    },
    /// Storage holds fewer hashes than a tree of that size has.
    #[error("{id} holds {have} bytes where the tree needs {need}")]
    Short {
        /// The tile asked for.
        id: TileId,
        /// Bytes needed.
        need: usize,
        /// Bytes found.
        have: usize,
    },
}

/// Reads exactly `width` hashes of a tile.
pub(crate) fn read_hashes<R: TileReader>(
    reader: &mut R,
    id: TileId,
    width: Width,
) -> Result<Vec<u8>, ReadError<R::Error>> {
    let mut bytes = reader.tile(id).map_err(|source| ReadError::Storage { id, source })?;
    if bytes.len() < width.hash_bytes() {
        return Err(ReadError::Short { id, need: width.hash_bytes(), have: bytes.len() });
    }
    bytes.truncate(width.hash_bytes());
    Ok(bytes)
}

impl TileId {
    /// The tile of a level that a tree of that size is still filling, with its width.
    ///
    /// `None` where the level has no partial tile: nothing yet, or full tiles only.
    #[must_use]
    pub fn partial(level: u8, size: u64) -> Option<(Self, Width)> {
        let at_level = hashes_at(level, size);
        let width = Width::new((at_level % u64::from(TILE_WIDTH)) as u16)?;
        Some((Self { level, index: at_level / u64::from(TILE_WIDTH) }, width))
    }

    /// How many of the tile's hashes a tree of that size has.
    #[must_use]
    pub fn width_at(self, size: u64) -> Option<Width> {
        width_of(self.index, hashes_at(self.level, size))
    }

    /// The path of this tile at that width.
    #[must_use]
    pub fn path(self, width: Width) -> TilePath {
        TilePath::Hashes { id: self, width }
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path(Width::FULL).fmt(f)
    }
}

/// Hashes that a tree of that size has at a tile level.
fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

fn width_of(index: u64, count: u64) -> Option<Width> {
    let before = index.checked_mul(u64::from(TILE_WIDTH))?;
    Width::new(count.saturating_sub(before).min(u64::from(TILE_WIDTH)) as u16)
}

impl Width {
    /// 256: the width of every tile but the last of its level.
    pub const FULL: Self = Self(TILE_WIDTH);

    /// `None` for 0 and above 256.
    #[must_use]
    pub fn new(width: u16) -> Option<Self> {
        (1..=TILE_WIDTH).contains(&width).then_some(Self(width))
    }

    /// The number itself.
    #[must_use]
    pub fn hashes(self) -> usize {
        usize::from(self.0)
    }

    /// Bytes that many hashes take.
    #[must_use]
    pub fn hash_bytes(self) -> usize {
        self.hashes() * HASH_LEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_tree_has_a_partial_tile_at_each_level() {
        for level in 0..LEVELS {
            let (id, width) = TileId::partial(level, u64::MAX).expect("all ones");
            assert_eq!((id.index, width), ((u64::MAX >> (8 * level)) >> 8, Width(255)));
        }
        assert_eq!(TileId::partial(LEVELS, u64::MAX), None);
        assert_eq!(TileId::partial(u8::MAX, u64::MAX), None);
    }
}
