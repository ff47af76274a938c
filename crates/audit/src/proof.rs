//! Proofs: that an entry is in a tree, and that a tree begins with an older one (RFC 9162 §2.1.3, §2.1.4).
//!
//! Generating reads stored tiles, a handful whatever the size. Verifying needs the proof and two roots, and
//! accepts exactly one proof for each question.

use std::collections::BTreeMap;

use crate::hash::{HASH_LEN, Hash, TreeHead, complete_root, node_hash};
use crate::tile::{ReadError, TileId, TileReader, read_hashes};

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// The tree has no such entry, or is smaller than the older one.
    #[error("the tree is smaller than that")]
    OutOfRange,
    /// Tiles couldn't be read.
    #[error("a tile could not be read")]
    Read(#[from] ReadError<E>),
}

/// The proof doesn't show what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not hold")]
pub struct Disproved;

/// Proves that entry `index` is in the tree of `size`: the sibling hashes from leaf to root.
///
/// # Errors
/// `index` isn't below `size`, or a tile couldn't be read.
pub fn prove_inclusion<R: TileReader>(
    index: u64,
    size: u64,
    reader: &mut R,
) -> Result<Vec<Hash>, ProveError<R::Error>> {
    let siblings = inclusion_subtrees(index, size).ok_or(ProveError::OutOfRange)?;
    StoredTree::new(size, reader).roots(&siblings)
}

/// The subtrees, as first entry and number of entries, whose roots prove entry `index` of a tree of `size`, leaf to
/// root; [`subtree_root`] gives each. `None` where the tree has no such entry.
#[must_use]
pub fn inclusion_subtrees(index: u64, size: u64) -> Option<Vec<(u64, u64)>> {
    if index >= size {
        return None;
    }
    let mut siblings = Vec::with_capacity(64);
    let (mut start, mut len) = (0, size);
    while len > 1 {
        let left = split(len);
        if index - start < left {
            siblings.push((start + left, len - left));
            len = left;
        } else {
            siblings.push((start, left));
            (start, len) = (start + left, len - left);
        }
    }
    siblings.reverse();
    Some(siblings)
}

/// Proves that the tree of `old_size` is the beginning of the tree of `new_size`. Empty when nothing is to be
/// shown: equal sizes, or nothing before.
///
/// # Errors
/// `old_size` is above `new_size`, or a tile couldn't be read.
pub fn prove_consistency<R: TileReader>(
    old_size: u64,
    new_size: u64,
    reader: &mut R,
) -> Result<Vec<Hash>, ProveError<R::Error>> {
    let subtrees = consistency_subtrees(old_size, new_size).ok_or(ProveError::OutOfRange)?;
    StoredTree::new(new_size, reader).roots(&subtrees)
}

/// The subtrees whose roots prove that a tree of `old_size` is the beginning of one of `new_size`, as
/// [`inclusion_subtrees`] has them. `None` where the new tree is the smaller one.
#[must_use]
pub fn consistency_subtrees(old_size: u64, new_size: u64) -> Option<Vec<(u64, u64)>> {
    if old_size > new_size {
        return None;
    }
    let mut subtrees = Vec::new();
    if old_size == 0 {
        return Some(subtrees);
    }
    let (mut start, mut len) = (0, new_size);
    while start + len > old_size {
        let left = split(len);
        if old_size - start <= left {
            subtrees.push((start + left, len - left));
            len = left;
        } else {
            subtrees.push((start, left));
            (start, len) = (start + left, len - left);
        }
    }
    // The verifier has the old root; any other last part of the old tree must be told.
    if start > 0 {
        subtrees.push((start, len));
    }
    subtrees.reverse();
    Some(subtrees)
}

/// Root over the entries `start .. start + len` of a subtree of RFC 6962, where `node` gives the root of a complete
/// subtree by height and place: the entries `place << height .. (place + 1) << height`.
///
/// # Errors
/// Whatever `node` reports.
pub fn subtree_root<E>(
    start: u64,
    len: u64,
    node: &mut impl FnMut(u8, u64) -> Result<Hash, E>,
) -> Result<Hash, E> {
    if len.is_power_of_two() {
        let height = len.ilog2();
        return node(height as u8, start >> height);
    }
    let left = split(len);
    let (left, right) = (subtree_root(start, left, node)?, subtree_root(start + left, len - left, node)?);
    Ok(node_hash(&left, &right))
}

/// Checks that the entry with that leaf hash is entry `index` of the tree.
///
/// # Errors
/// [`Disproved`].
pub fn verify_inclusion(leaf: Hash, index: u64, tree: &TreeHead, proof: &[Hash]) -> Result<(), Disproved> {
    if index >= tree.size {
        return Err(Disproved);
    }
    let mut climb = Climb { node: index, last: tree.size - 1 };
    let mut root = leaf;
    for sibling in proof {
        root = match climb.step()? {
            Side::Left => node_hash(sibling, &root),
            Side::Right => node_hash(&root, sibling),
        };
    }
    if climb.last == 0 && root == tree.root { Ok(()) } else { Err(Disproved) }
}

/// Checks that the new tree begins with the old one.
///
/// # Errors
/// [`Disproved`].
pub fn verify_consistency(old: &TreeHead, new: &TreeHead, proof: &[Hash]) -> Result<(), Disproved> {
    if old.size == 0 || old.size == new.size {
        let is_true = if old.size == new.size { old.root == new.root } else { old.root == Hash::EMPTY_TREE };
        return if is_true && proof.is_empty() { Ok(()) } else { Err(Disproved) };
    }
    if old.size > new.size {
        return Err(Disproved);
    }
    // A complete old tree is itself the first subtree, so the proof leaves it out.
    let (first, rest) = match proof.split_first() {
        _ if old.size.is_power_of_two() => (old.root, proof),
        Some((first, rest)) => (*first, rest),
        None => return Err(Disproved),
    };
    let complete = (old.size - 1).trailing_ones();
    let mut climb = Climb { node: (old.size - 1) >> complete, last: (new.size - 1) >> complete };
    let (mut old_root, mut new_root) = (first, first);
    for sibling in rest {
        match climb.step()? {
            Side::Left => {
                old_root = node_hash(sibling, &old_root);
                new_root = node_hash(sibling, &new_root);
            }
            Side::Right => new_root = node_hash(&new_root, sibling),
        }
    }
    let holds = climb.last == 0 && old_root == old.root && new_root == new.root;
    if holds { Ok(()) } else { Err(Disproved) }
}

/// The way from a node up to the root: `fn` and `sn` of RFC 9162.
struct Climb {
    node: u64,
    last: u64,
}

/// Where the next sibling stands.
enum Side {
    Left,
    Right,
}

impl Climb {
    fn step(&mut self) -> Result<Side, Disproved> {
        if self.last == 0 {
            return Err(Disproved);
        }
        if self.node & 1 == 0 && self.node != self.last {
            self.shift(1);
            return Ok(Side::Right);
        }
        // The last node of a level may have no sibling there; it rises to where it has one.
        self.shift(self.node.trailing_zeros() + 1);
        Ok(Side::Left)
    }

    fn shift(&mut self, levels: u32) {
        self.node = self.node.checked_shr(levels).unwrap_or(0);
        self.last = self.last.checked_shr(levels).unwrap_or(0);
    }
}

/// The largest power of two below `len`, which is above 1.
fn split(len: u64) -> u64 {
    1 << (len - 1).ilog2()
}

struct StoredTree<'a, R> {
    size: u64,
    reader: &'a mut R,
    tiles: BTreeMap<TileId, Vec<u8>>,
}

impl<'a, R: TileReader> StoredTree<'a, R> {
    fn new(size: u64, reader: &'a mut R) -> Self {
        Self { size, reader, tiles: BTreeMap::new() }
    }

    fn roots(&mut self, subtrees: &[(u64, u64)]) -> Result<Vec<Hash>, ProveError<R::Error>> {
        let mut node = |height, place| self.complete(height, place);
        subtrees.iter().map(|&(start, len)| Ok(subtree_root(start, len, &mut node)?)).collect()
    }

    fn complete(&mut self, height: u8, place: u64) -> Result<Hash, ReadError<R::Error>> {
        let level = height / 8;
        let first = place << (height % 8);
        let id = TileId { level, index: first / 256 };
        let from = (first % 256) as usize * HASH_LEN;
        let bytes = self.tile(id)?;
        Ok(complete_root(&bytes[from..from + (HASH_LEN << (height % 8))]))
    }

    fn tile(&mut self, id: TileId) -> Result<&[u8], ReadError<R::Error>> {
        use std::collections::btree_map::Entry;
        match self.tiles.entry(id) {
            Entry::Occupied(tile) => Ok(tile.into_mut()),
            Entry::Vacant(place) => {
                let width = id.width_at(self.size).expect("a subtree of the tree has hashes in its tile");
                Ok(place.insert(read_hashes(self.reader, id, width)?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::hash::leaf_hash;
    use crate::tree::{Edge, root_from_leaves};

    struct Log {
        leaves: Vec<Hash>,
        tiles: BTreeMap<TileId, Vec<u8>>,
    }

    impl Log {
        fn of(size: u64) -> Self {
            let leaves: Vec<Hash> = (0..size).map(|index| leaf_hash(&index.to_be_bytes())).collect();
            let (_, growth) = Edge::empty().append(leaves.iter().copied());
            Self { leaves, tiles: growth.tiles.into_iter().collect() }
        }

        fn head(&self, size: u64) -> TreeHead {
            TreeHead { size, root: root_from_leaves(&Edge::empty(), &self.leaves[..size as usize]) }
        }

        fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
            prove_inclusion(index, size, &mut |id| Ok::<_, Infallible>(self.tiles[&id].clone()))
                .expect("in range")
        }

        fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
            prove_consistency(old, new, &mut |id| Ok::<_, Infallible>(self.tiles[&id].clone()))
                .expect("in range")
        }
    }

    const SIZES: [u64; 12] = [1, 2, 3, 7, 8, 9, 255, 256, 257, 511, 513, 600];

    #[test]
    fn every_entry_is_proved_and_for_no_other_place_or_tree() {
        let log = Log::of(600);
        for size in SIZES {
            let head = log.head(size);
            for index in 0..size {
                let leaf = log.leaves[index as usize];
                let proof = log.inclusion(index, size);
                assert_eq!(verify_inclusion(leaf, index, &head, &proof), Ok(()), "{index} of {size}");
                let foreign = log.leaves[(index as usize + 1) % log.leaves.len()];
                assert_eq!(verify_inclusion(foreign, index, &head, &proof), Err(Disproved));
                assert_eq!(verify_inclusion(leaf, index ^ 1, &head, &proof), Err(Disproved));
                assert_eq!(verify_inclusion(leaf, index + size, &head, &proof), Err(Disproved));
            }
        }
    }

    #[test]
    fn every_older_tree_is_proved_and_no_other() {
        let log = Log::of(600);
        for new in SIZES {
            for old in 0..=new {
                let (old, new) = (log.head(old), log.head(new));
                let proof = log.consistency(old.size, new.size);
                assert_eq!(verify_consistency(&old, &new, &proof), Ok(()), "{} to {}", old.size, new.size);
                let forged = TreeHead { root: leaf_hash(b"forged"), ..old };
                assert_eq!(verify_consistency(&forged, &new, &proof), Err(Disproved));
                let forged = TreeHead { root: leaf_hash(b"forged"), ..new };
                assert_eq!(verify_consistency(&old, &forged, &proof).is_ok(), old.size == 0);
            }
        }
    }

    #[test]
    fn a_changed_longer_or_shorter_proof_is_refused() {
        let log = Log::of(600);
        let (old, new) = (log.head(257), log.head(600));
        for place in 0..log.inclusion(300, 600).len() {
            let mut proof = log.inclusion(300, 600);
            proof[place].0[0] ^= 1;
            assert_eq!(verify_inclusion(log.leaves[300], 300, &new, &proof), Err(Disproved));
        }
        for place in 0..log.consistency(257, 600).len() {
            let mut proof = log.consistency(257, 600);
            proof[place].0[31] ^= 0x80;
            assert_eq!(verify_consistency(&old, &new, &proof), Err(Disproved));
        }
        let (mut inclusion, mut consistency) = (log.inclusion(300, 600), log.consistency(257, 600));
        inclusion.push(Hash::EMPTY_TREE);
        consistency.push(Hash::EMPTY_TREE);
        assert_eq!(verify_inclusion(log.leaves[300], 300, &new, &inclusion), Err(Disproved));
        assert_eq!(verify_consistency(&old, &new, &consistency), Err(Disproved));
        inclusion.truncate(inclusion.len() - 2);
        consistency.truncate(consistency.len() - 2);
        assert_eq!(verify_inclusion(log.leaves[300], 300, &new, &inclusion), Err(Disproved));
        assert_eq!(verify_consistency(&old, &new, &consistency), Err(Disproved));
        assert_eq!(verify_consistency(&old, &new, &[]), Err(Disproved));
        assert_eq!(verify_consistency(&new, &old, &[]), Err(Disproved));
    }

    #[test]
    fn what_the_tree_does_not_have_is_not_proved() {
        let read = |_: TileId| -> Result<Vec<u8>, &'static str> { Err("down") };
        assert_eq!(prove_inclusion(5, 5, &mut { read }), Err(ProveError::OutOfRange));
        assert_eq!(prove_consistency(6, 5, &mut { read }), Err(ProveError::OutOfRange));
        assert!(matches!(
            prove_inclusion(4, 5, &mut { read }),
            Err(ProveError::Read(ReadError::Storage { source: "down", .. }))
        ));
    }

    #[test]
    fn the_largest_sizes_do_not_overflow() {
        let head = TreeHead { size: u64::MAX, root: Hash::EMPTY_TREE };
        let old = TreeHead { size: u64::MAX - 1, root: Hash::EMPTY_TREE };
        let proof = [Hash::EMPTY_TREE; 70];
        assert_eq!(verify_inclusion(Hash::EMPTY_TREE, u64::MAX - 1, &head, &proof), Err(Disproved));
        assert_eq!(verify_consistency(&old, &head, &proof), Err(Disproved));
        let zeros = |_| Ok::<_, Infallible>(vec![0; 8192]);
        assert_eq!(prove_inclusion(7, u64::MAX, &mut { zeros }).expect("in range").len(), 64);
        assert!(prove_consistency(u64::MAX - 1, u64::MAX, &mut { zeros }).is_ok());
    }
}
