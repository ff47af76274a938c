//! Growing the tree: the right edge of all tiles is everything an append needs.
//!
//! Storage keeps one row per (level, tile) with its present bytes. [`Edge::append`] never touches it: it
//! answers with the rows that change, to be written in the caller's transaction, and with the edge that holds
//! once that transaction has committed. A caller whose commit failed keeps the edge it had.
//!
//! Before signing, recompute with [`root_from_leaves`] from what storage gives back; it shares no code with
//! the append but the node hash.

use crate::hash::{HASH_LEN, Hash, TreeHead, complete_root, node_hash};
use crate::tile::{FULL_TILE_LEN, LEVELS, ReadError, TILE_WIDTH, TileId, TileReader, read_hashes};

const HEIGHTS: usize = u64::BITS as usize;

/// The right edge of a tree: the partial tile of each level, at most 64 KiB.
#[derive(Clone)]
pub struct Edge {
    size: u64,
    /// Bytes of the tile that each level is filling; empty where the last one is full.
    partial: [Vec<u8>; LEVELS as usize],
    /// `peaks[h]` is the root of the complete subtree of 2^h entries at the edge; it counts only while bit
    /// `h` of `size` is set.
    peaks: [Hash; HEIGHTS],
}

/// What an append changes in storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// The tree after it.
    pub head: TreeHead,
    /// Every hash tile that is new or longer, with all of its bytes; each tile at most once.
    pub tiles: Vec<(TileId, Vec<u8>)>,
}

impl Default for Edge {
    fn default() -> Self {
        Self::empty()
    }
}

impl Edge {
    /// The edge of a log without entries.
    #[must_use]
    pub fn empty() -> Self {
        Self { size: 0, partial: Default::default(), peaks: [Hash::EMPTY_TREE; HEIGHTS] }
    }

    /// Rebuilds the edge of a tree of that size from stored tiles, one per level at most.
    ///
    /// The caller compares [`Edge::root`] with the last signed checkpoint before it builds on it: a damaged
    /// tile of the edge gives another root.
    ///
    /// # Errors
    /// Storage failed, or a tile is shorter than that size needs.
    pub fn load<R: TileReader>(size: u64, reader: &mut R) -> Result<Self, ReadError<R::Error>> {
        let mut edge = Self { size, ..Self::empty() };
        for level in 0..LEVELS {
            if let Some((id, width)) = TileId::partial(level, size) {
                let bytes = read_hashes(reader, id, width)?;
                edge.load_peaks(level, &bytes);
                edge.partial[usize::from(level)] = bytes;
            }
        }
        Ok(edge)
    }

    /// A partial tile of width 0b101 is a subtree of 4 hashes and one of 1.
    fn load_peaks(&mut self, level: u8, bytes: &[u8]) {
        let mut rest = bytes;
        for bit in (0..8_usize).rev() {
            if ((rest.len() / HASH_LEN) >> bit) & 1 == 1 {
                let (complete, right) = rest.split_at(HASH_LEN << bit);
                self.peaks[8 * usize::from(level) + bit] = complete_root(complete);
                rest = right;
            }
        }
    }

    /// Number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks =
            (0..HEIGHTS).filter(|height| (self.size >> height) & 1 == 1).map(|height| self.peaks[height]);
        let smallest = peaks.next().unwrap_or(Hash::EMPTY_TREE);
        peaks.fold(smallest, |right, left| node_hash(&left, &right))
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root() }
    }

    /// The edge after these entries, and the tiles that they change.
    ///
    /// Costs one node hash per leaf besides what the caller spent on the leaf, plus a copy of the edge, so
    /// append in batches.
    #[must_use]
    pub fn append(&self, leaves: impl IntoIterator<Item = Hash>) -> (Self, Growth) {
        let mut edge = self.clone();
        let mut tiles = Vec::new();
        for leaf in leaves {
            edge.push(leaf, &mut |id, bytes| tiles.push((id, bytes)));
        }
        for level in 0..LEVELS {
            let partial = &edge.partial[usize::from(level)];
            let has_grown = self.size >> (8 * level) != edge.size >> (8 * level);
            if let Some((id, _)) = TileId::partial(level, edge.size).filter(|_| has_grown) {
                tiles.push((id, partial.clone()));
            }
        }
        let growth = Growth { head: edge.head(), tiles };
        (edge, growth)
    }

    /// Adds one leaf; hands over each tile that it fills.
    pub fn push(&mut self, leaf: Hash, filled: &mut impl FnMut(TileId, Vec<u8>)) {
        let merges = self.size.trailing_ones() as usize;
        let mut hash = leaf;
        self.place(0, hash, filled);
        for height in 1..=merges {
            hash = node_hash(&self.peaks[height - 1], &hash);
            if height.is_multiple_of(8) {
                self.place(height / 8, hash, filled);
            }
        }
        self.peaks[merges] = hash;
        self.size = self.size.checked_add(1).expect("no log lives to see 2^64 entries");
    }

    fn place(&mut self, level: usize, hash: Hash, filled: &mut impl FnMut(TileId, Vec<u8>)) {
        let tile = &mut self.partial[level];
        tile.extend_from_slice(&hash.0);
        if tile.len() == FULL_TILE_LEN {
            let index = (self.size >> (8 * level)) / u64::from(TILE_WIDTH);
            let full = std::mem::replace(tile, Vec::with_capacity(FULL_TILE_LEN));
            filled(TileId { level: level as u8, index }, full);
        }
    }

    /// The tile that a level is filling, if it holds any hash.
    pub(crate) fn partial(&self, level: u8) -> Option<(TileId, &[u8])> {
        let (id, _) = TileId::partial(level, self.size)?;
        Some((id, &self.partial[usize::from(level)]))
    }
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").field("size", &self.size).field("root", &self.root()).finish_non_exhaustive()
    }
}

/// Root after appending `leaves` to the tree of `before`, computed by the recursion of RFC 6962 §2.1 from
/// the leaves and the bytes of the edge's tiles.
///
/// For the check before signing: load `before` from storage, hash the stored entries again, and sign only if
/// this equals the root the append gave.
///
/// # Panics
/// If the tree would have 2^64 entries.
#[must_use]
pub fn root_from_leaves(before: &Edge, leaves: &[Hash]) -> Hash {
    let size = before.size.checked_add(leaves.len() as u64).expect("no log lives to see 2^64 entries");
    if size == 0 { Hash::EMPTY_TREE } else { (Recomputation { before, leaves }).subtree(0, size) }
}

struct Recomputation<'a> {
    before: &'a Edge,
    leaves: &'a [Hash],
}

impl Recomputation<'_> {
    /// MTH over the entries `start .. start + len`, `len` > 0.
    fn subtree(&self, start: u64, len: u64) -> Hash {
        let is_stored = start + len <= self.before.size;
        if is_stored && len.is_power_of_two() {
            return self.stored(start, len);
        }
        if len == 1 {
            return self.leaves[(start - self.before.size) as usize];
        }
        let left = 1 << (len - 1).ilog2();
        node_hash(&self.subtree(start, left), &self.subtree(start + left, len - left))
    }

    /// A complete subtree of the tree before. The recursion meets only those whose sibling isn't complete
    /// there, and their hashes are in the tile their level is filling.
    fn stored(&self, start: u64, len: u64) -> Hash {
        let height = len.ilog2();
        let level = height / 8;
        let width = 1 << (height % 8);
        let first = (start >> (8 * level)) as usize % usize::from(TILE_WIDTH);
        let tile = &self.before.partial[level as usize];
        halves(&tile[first * HASH_LEN..(first + width) * HASH_LEN])
    }
}

fn halves(hashes: &[u8]) -> Hash {
    if hashes.len() == HASH_LEN {
        return Hash::from_slice(hashes);
    }
    let (left, right) = hashes.split_at(hashes.len() / 2);
    node_hash(&halves(left), &halves(right))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::hash::leaf_hash;

    /// Rows as a database keeps them; a row never gets shorter and never changes what it holds.
    #[derive(Default)]
    struct Rows(BTreeMap<TileId, Vec<u8>>);

    impl Rows {
        fn apply(&mut self, growth: &Growth) {
            for (id, bytes) in &growth.tiles {
                let old = self.0.insert(*id, bytes.clone()).unwrap_or_default();
                assert!(bytes.len() > old.len() && bytes.starts_with(&old), "{id} must only grow");
            }
        }

        fn load(&self, size: u64) -> Edge {
            let read = |id| Ok::<_, Infallible>(self.0.get(&id).cloned().unwrap_or_default());
            Edge::load(size, &mut { read }).expect("all tiles are stored")
        }
    }

    fn leaves(range: std::ops::Range<u64>) -> Vec<Hash> {
        range.map(|index| leaf_hash(&index.to_be_bytes())).collect()
    }

    /// Appends batches to a log; after each, edge, reloaded edge and recomputation must agree.
    fn check(batches: impl IntoIterator<Item = u64>) {
        let (mut edge, mut rows) = (Edge::empty(), Rows::default());
        for batch in batches {
            let added = leaves(edge.size()..edge.size() + batch);
            let (next, growth) = edge.append(added.iter().copied());
            assert_eq!(growth.head.root, root_from_leaves(&rows.load(edge.size()), &added));
            rows.apply(&growth);
            assert_eq!(rows.load(next.size()).head(), growth.head);
            assert_eq!((next.head(), next.size()), (growth.head, edge.size() + batch));
            edge = next;
        }
        let all = leaves(0..edge.size());
        assert_eq!(edge.root(), root_from_leaves(&Edge::empty(), &all));
    }

    #[test]
    fn one_at_a_time_and_at_once_make_the_same_tree() {
        check([1; 600]);
        check([600]);
        check([0, 0, 1, 0]);
        check([255, 1, 1, 254, 1, 65_024, 1, 255, 1]);
    }

    #[test]
    fn every_old_size_of_a_grown_log_loads() {
        let (_, growth) = Edge::empty().append(leaves(0..700));
        let mut rows = Rows::default();
        rows.apply(&growth);
        for size in 0..=700 {
            let expected = root_from_leaves(&Edge::empty(), &leaves(0..size));
            assert_eq!(rows.load(size).root(), expected, "size {size}");
        }
    }

    #[test]
    fn an_append_names_exactly_the_tiles_it_changes() {
        let (edge, first) = Edge::empty().append(leaves(0..255));
        let names = |growth: &Growth| {
            growth.tiles.iter().map(|(id, bytes)| (id.level, id.index, bytes.len() / 32)).collect::<Vec<_>>()
        };
        assert_eq!(names(&first), [(0, 0, 255)]);
        let (edge, second) = edge.append(leaves(255..256));
        assert_eq!(names(&second), [(0, 0, 256), (1, 0, 1)]);
        let (edge, third) = edge.append(leaves(256..514));
        assert_eq!(names(&third), [(0, 1, 256), (0, 2, 2), (1, 0, 2)]);
        assert_eq!(names(&edge.append([]).1), []);
    }

    #[test]
    fn a_missing_or_short_tile_is_named() {
        let read = |id: TileId| Ok::<_, Infallible>(vec![0; if id.level == 0 { 8192 } else { 32 }]);
        let error = Edge::load(512, &mut { read }).expect_err("level 1 needs two hashes");
        assert_eq!(error, ReadError::Short { id: TileId { level: 1, index: 0 }, need: 64, have: 32 });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_batches_make_the_same_tree(batches in proptest::collection::vec(0..900_u64, 0..12)) {
            check(batches);
        }
    }
}
