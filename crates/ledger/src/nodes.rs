//! The tree in memory: the nodes of segments that aren't packed, and the roots of all segments.

use bailee_audit::hash::{Hash, TreeHead, node_hash, second};

use crate::group::Group;

/// The complete subtrees of one segment by height, leaves first. Height *h* has a node for each 2^*h* entries.
#[derive(Clone, Debug)]
pub(crate) struct Levels(pub Vec<Vec<Hash>>);

/// Nodes that a group adds, not in the tree yet.
pub(crate) struct Staged {
    levels: Vec<Vec<Hash>>,
    /// Roots of runs of segments, by height above a segment; at most one each.
    upper: Vec<Hash>,
    pub head: TreeHead,
}

/// See the module; `upper[0]` holds the roots of full segments.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    height: u8,
    size: u64,
    pub upper: Vec<Vec<Hash>>,
}

impl Levels {
    pub fn new(height: u8) -> Self {
        Self(vec![Vec::new(); usize::from(height) + 1])
    }

    /// None yet, with room for all of a segment: growing would copy what is there again and again.
    pub fn with_room(height: u8) -> Self {
        Self((0..=height).map(|at| Vec::with_capacity(1 << (height - at))).collect())
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.0[0].len()
    }

    /// The parents of what is there and what is added, level by level; the added leaves come first.
    fn grow(&self, leaves: &[Hash]) -> Vec<Vec<Hash>> {
        let mut added = vec![leaves.to_vec()];
        for height in 1..self.0.len() {
            let (before, below) = (&self.0[height - 1], &added[height - 1]);
            let total = (before.len() + below.len()) / 2;
            let child = |at: usize| if at < before.len() { &before[at] } else { &below[at - before.len()] };
            let parents = self.0[height].len()..total;
            added.push(parents.map(|at| node_hash(child(2 * at), child(2 * at + 1))).collect());
        }
        added
    }
}

impl Tree {
    pub fn new(height: u8) -> Self {
        Self { height, size: 0, upper: Vec::new() }
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// The tree with one more full segment.
    pub fn push_segment(&mut self, root: Hash) {
        for (height, node) in self.grow_upper(root).into_iter().enumerate() {
            if height == self.upper.len() {
                self.upper.push(Vec::new());
            }
            self.upper[height].push(node);
        }
        self.size = (self.size >> self.height << self.height) + (1 << self.height);
    }

    fn grow_upper(&self, root: Hash) -> Vec<Hash> {
        let mut added = vec![root];
        for row in &self.upper {
            let Some(left) = row.last().filter(|_| row.len() % 2 == 1) else { break };
            let right = added[added.len() - 1];
            added.push(node_hash(left, &right));
        }
        added
    }

    /// What these leaves add. They must fit into the segment being filled, whose nodes are given.
    pub fn stage(&self, filling: &Levels, leaves: &[Hash]) -> Staged {
        let levels = filling.grow(leaves);
        let size = self.size + leaves.len() as u64;
        let upper =
            levels[usize::from(self.height)].first().map(|&root| self.grow_upper(root)).unwrap_or_default();
        let peak = |height: u8| {
            let place = ((size >> height) - 1) as usize;
            if height < self.height {
                let (before, at) =
                    (&filling.0[usize::from(height)], place & ((1 << (self.height - height)) - 1));
                return if at < before.len() {
                    before[at]
                } else {
                    levels[usize::from(height)][at - before.len()]
                };
            }
            let height = usize::from(height - self.height);
            let before = self.upper.get(height).map_or(&[][..], Vec::as_slice);
            if place < before.len() { before[place] } else { upper[height] }
        };
        let root = fold(size, peak);
        Staged { levels, upper, head: TreeHead { size, root } }
    }

    /// Takes the staged nodes in.
    pub fn apply(&mut self, filling: &mut Levels, staged: Staged) {
        for (row, added) in filling.0.iter_mut().zip(staged.levels) {
            row.extend(added);
        }
        for (height, node) in staged.upper.into_iter().enumerate() {
            if height == self.upper.len() {
                self.upper.push(Vec::new());
            }
            self.upper[height].push(node);
        }
        self.size = staged.head.size;
    }

    /// The tree after a group, computed by the recursion of RFC 6962 §2.1 from the bytes about to be written and the
    /// roots of the complete subtrees before them. Shares nothing with [`Tree::stage`], not even the program that hashes.
    pub fn second_path(&self, filling: &Levels, group: &Group) -> Option<TreeHead> {
        let mut leaves = Vec::with_capacity(group.leaves.len());
        for entry in group.entries() {
            leaves.push(second::leaf_hash(entry.ok()?));
        }
        let before = |start: u64, len: u64| {
            let height = len.ilog2() as u8;
            let place = start >> height;
            match height.checked_sub(self.height) {
                Some(above) => self.upper[usize::from(above)][place as usize],
                None => {
                    filling.0[usize::from(height)][(place & ((1 << (self.height - height)) - 1)) as usize]
                }
            }
        };
        let size = group.first + leaves.len() as u64;
        let root = match size {
            0 => Hash::EMPTY_TREE,
            _ => Recursion { stored: self.size, leaves: &leaves, before }.root(0, size),
        };
        (group.first == self.size).then_some(TreeHead { size, root })
    }
}

/// Root of a tree from its peaks, the complete subtrees that its size is the sum of.
fn fold(size: u64, peak: impl Fn(u8) -> Hash) -> Hash {
    let mut peaks = (0..64).filter(|height| (size >> height) & 1 == 1).map(peak);
    let smallest = peaks.next().unwrap_or(Hash::EMPTY_TREE);
    peaks.fold(smallest, |right, left| node_hash(&left, &right))
}

struct Recursion<'a, F> {
    stored: u64,
    leaves: &'a [Hash],
    before: F,
}

impl<F: Fn(u64, u64) -> Hash> Recursion<'_, F> {
    fn root(&self, start: u64, len: u64) -> Hash {
        if start + len <= self.stored && len.is_power_of_two() {
            return (self.before)(start, len);
        }
        if len == 1 {
            return self.leaves[(start - self.stored) as usize];
        }
        let left = 1 << (len - 1).ilog2();
        second::node_hash(&self.root(start, left), &self.root(start + left, len - left))
    }
}

#[cfg(test)]
mod tests {
    use bailee_audit::hash::leaf_hash;
    use bailee_audit::tree::{Edge, root_from_leaves};
    use proptest::prelude::*;

    use super::*;

    const HEIGHT: u8 = 3;

    fn check(sizes: &[usize]) {
        let (mut tree, mut filling, mut all) = (Tree::new(HEIGHT), Levels::new(HEIGHT), Vec::new());
        for &size in sizes {
            let room = (1 << HEIGHT) - filling.len();
            let mut group = Group::default();
            group.clear(tree.size());
            for at in 0..size.min(room) {
                let entry = [all.len() as u8, at as u8];
                group.push(&entry, leaf_hash(&entry));
                all.push(leaf_hash(&entry));
            }
            let staged = tree.stage(&filling, &group.leaves);
            assert_eq!(staged.head.root, root_from_leaves(&Edge::empty(), &all));
            assert_eq!(tree.second_path(&filling, &group), Some(staged.head));
            tree.apply(&mut filling, staged);
            if filling.len() == 1 << HEIGHT {
                filling = Levels::new(HEIGHT);
            }
        }
        let segments = all.len() >> HEIGHT;
        let mut again = Tree::new(HEIGHT);
        let roots = tree.upper.first().cloned().unwrap_or_default();
        roots.iter().take(segments).for_each(|&root| again.push_segment(root));
        assert_eq!(again.upper, tree.upper);
    }

    proptest! {
        #[test]
        fn any_groups_make_the_tree_of_rfc_6962(sizes in proptest::collection::vec(0..9_usize, 0..60)) {
            check(&sizes);
        }
    }
}
