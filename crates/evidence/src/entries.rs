//! `data/log/entries.jsonl`: entries with the proof of each, in the order of the log.
//!
//! Each proof goes up only to the first hash that an earlier one has shown ([`Known`]): together they are hardly longer than
//! one proof for all, and still the first entry that doesn't hold is the entry that is wrong.

use std::io::{BufRead, Read as _};

use bailee_audit::proof::verify_inclusion;
use bailee_audit::{Hash, TreeHead};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::Fault;

pub(crate) const PLACE: &str = "data/log/entries.jsonl";
/// Bytes of the longest line: a leaf of 65,535 bytes in base64, 64 hashes, and names.
const MAX_LINE: u64 = 100_000;

/// Why an entry is in a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// The bundle is about it.
    Asked,
    /// It records this export.
    Export,
    /// It names the key a bank signs with.
    Enrolment,
    /// It is a bank's signed head.
    Head,
    /// It holds a commitment that is opened here.
    Opening,
    /// It leads from an asked event of a bank to that bank's next signed head.
    Chain,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log.
    pub index: u64,
    /// Why it is here.
    pub why: Why,
    /// Its exact bytes.
    pub leaf: Vec<u8>,
    /// Its inclusion path, up to the first hash already known.
    pub path: Vec<Hash>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    index: u64,
    why: Why,
    leaf: String,
    path: Vec<String>,
}

impl Entry {
    /// Its line, newline included.
    #[must_use]
    pub fn to_line(&self) -> String {
        let line = Line {
            index: self.index,
            why: self.why,
            leaf: STANDARD.encode(&self.leaf),
            path: self.path.iter().map(ToString::to_string).collect(),
        };
        serde_json::to_string(&line).expect("an entry has nothing JSON cannot say") + "\n"
    }

    /// Reads a line, newline included; only the one form is accepted.
    #[must_use]
    pub fn from_line(text: &str) -> Option<Self> {
        let line: Line = serde_json::from_str(text).ok()?;
        let path = line.path.iter().map(|hash| hash.parse().ok()).collect::<Option<Vec<Hash>>>()?;
        let leaf = STANDARD.decode(&line.leaf).ok()?;
        let entry = Self { index: line.index, why: line.why, leaf, path };
        (entry.to_line() == text).then_some(entry)
    }
}

/// Reads the next entry; `None` at the end.
///
/// # Errors
/// [`Fault::Unsound`] for a line that is none, [`Fault::Failed`].
pub fn next(from: &mut impl BufRead) -> Result<Option<Entry>, Fault> {
    let mut line = Vec::new();
    from.by_ref()
        .take(MAX_LINE)
        .read_until(b'\n', &mut line)
        .map_err(|error| crate::archive::failed(PLACE, error))?;
    if line.is_empty() {
        return Ok(None);
    }
    let entry = std::str::from_utf8(&line).ok().and_then(Entry::from_line);
    entry.map(Some).ok_or_else(|| Fault::unsound(PLACE, "has a line that is no entry"))
}

#[derive(Clone, Copy, Debug)]
struct Range {
    start: u64,
    len: u64,
    hash: Hash,
}

/// The subtrees to the right of the last entry whose hashes are known to be those of the signed tree.
#[derive(Clone, Debug)]
pub struct Known {
    /// Disjoint, the leftmost last.
    ranges: Vec<Range>,
}

/// An entry that its path does not show to be in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the entry that was signed, or not where it says")]
pub struct NotInTree;

impl Known {
    /// Before the first entry: the whole tree.
    #[must_use]
    pub fn new(tree: &TreeHead) -> Self {
        let whole = Range { start: 0, len: tree.size, hash: tree.root };
        Self { ranges: if tree.size == 0 { Vec::new() } else { vec![whole] } }
    }

    /// Drops what lies before an entry and returns the range it is in.
    fn range_of(&mut self, index: u64) -> Option<Range> {
        while self
            .ranges
            .last()
            .is_some_and(|range| index.saturating_sub(range.start) >= range.len && index >= range.start)
        {
            self.ranges.pop();
        }
        self.ranges.last().copied().filter(|range| range.start <= index)
    }

    /// How many hashes the path of the next entry has.
    pub fn path_len(&mut self, index: u64) -> Option<usize> {
        self.range_of(index).map(|range| turns(range.len, index - range.start).count())
    }

    /// Checks the next entry and learns from its path.
    ///
    /// # Errors
    /// [`NotInTree`].
    pub fn take(&mut self, index: u64, leaf: Hash, path: &[Hash]) -> Result<(), NotInTree> {
        let range = self.range_of(index).ok_or(NotInTree)?;
        let subtree = TreeHead { size: range.len, root: range.hash };
        verify_inclusion(leaf, index - range.start, &subtree, path).map_err(|_| NotInTree)?;
        self.ranges.pop();
        for (turn, hash) in turns(range.len, index - range.start).zip(path.iter().rev()) {
            if let Turn::Left { start, len } = turn {
                self.ranges.push(Range { start: range.start + start, len, hash: *hash });
            }
        }
        Ok(())
    }
}

/// One step down from the root of a subtree to a leaf.
enum Turn {
    /// To the left; this is what lies to the right.
    Left { start: u64, len: u64 },
    /// To the right.
    Right,
}

/// The steps from the root of a tree of `len` leaves down to leaf `at` (RFC 9162 §2.1.3.1).
fn turns(mut len: u64, at: u64) -> impl Iterator<Item = Turn> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if len < 2 {
            return None;
        }
        let left = 1 << (u64::BITS - 1 - (len - 1).leading_zeros());
        if at - start < left {
            let right = Turn::Left { start: start + left, len: len - left };
            len = left;
            return Some(right);
        }
        (start, len) = (start + left, len - left);
        Some(Turn::Right)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use bailee_audit::proof::prove_inclusion;
    use bailee_audit::{Edge, TileId, leaf_hash};
    use proptest::prelude::*;

    use super::*;

    fn tree(size: u64) -> (TreeHead, BTreeMap<TileId, Vec<u8>>) {
        let (edge, growth) = Edge::empty().append((0..size).map(|n| leaf_hash(&n.to_be_bytes())));
        (edge.head(), growth.tiles.into_iter().collect())
    }

    fn entries(size: u64, indexes: &[u64]) -> (TreeHead, Vec<Entry>) {
        let (head, tiles) = tree(size);
        let mut reader = |id: TileId| Ok::<_, Infallible>(tiles.get(&id).cloned().unwrap_or_default());
        let mut known = Known::new(&head);
        let mut list = Vec::new();
        for index in indexes {
            let mut path = prove_inclusion(*index, size, &mut reader).unwrap();
            path.truncate(known.path_len(*index).unwrap());
            let leaf = index.to_be_bytes().to_vec();
            known.take(*index, leaf_hash(&leaf), &path).unwrap();
            list.push(Entry { index: *index, why: Why::Asked, leaf, path });
        }
        (head, list)
    }

    fn wrong(head: &TreeHead, list: &[Entry]) -> Option<usize> {
        let mut known = Known::new(head);
        list.iter().position(|entry| known.take(entry.index, leaf_hash(&entry.leaf), &entry.path).is_err())
    }

    #[test]
    fn neighbours_share_their_proofs() {
        let all: Vec<u64> = (0..1_000).collect();
        let (head, list) = entries(1_000, &all);
        assert_eq!(wrong(&head, &list), None);
        let hashes: usize = list.iter().map(|entry| entry.path.len()).sum();
        assert_eq!(hashes, 999, "as many as the tree has inner nodes");
    }

    proptest! {
        #[test]
        fn any_entries_prove_themselves_and_a_changed_one_is_named(
            size in 1_u64..700, picks in prop::collection::vec(any::<prop::sample::Index>(), 1..30), at: prop::sample::Index,
            how in 0_u8..6,
        ) {
            let indexes: std::collections::BTreeSet<u64> = picks.iter().map(|pick| pick.index(size as usize) as u64).collect();
            let indexes: Vec<u64> = indexes.into_iter().collect();
            let (head, list) = entries(size, &indexes);
            prop_assert_eq!(wrong(&head, &list), None);
            let at = at.index(list.len());
            let mut forged = list.clone();
            match how {
                0 => forged[at].leaf.push(0),
                1 => forged[at].index = forged[at].index.wrapping_add(1),
                2 => forged[at].path.push(Hash([0; 32])),
                3 if !forged[at].path.is_empty() => forged[at].path[0].0[0] ^= 1,
                4 if !forged[at].path.is_empty() => drop(forged[at].path.pop()),
                5 => {
                    let again = forged[at].clone();
                    forged.insert(at + 1, again);
                    prop_assert_eq!(wrong(&head, &forged), Some(at + 1));
                    return Ok(());
                }
                _ => return Ok(()),
            }
            prop_assert_eq!(wrong(&head, &forged), Some(at), "{}", how);
        }

        #[test]
        fn lines_read_back(index: u64, leaf in prop::collection::vec(any::<u8>(), 0..300), path in prop::collection::vec(any::<[u8; 32]>(), 0..5)) {
            let entry = Entry { index, why: Why::Chain, leaf, path: path.into_iter().map(Hash).collect() };
            let line = entry.to_line();
            prop_assert_eq!(Entry::from_line(&line), Some(entry));
            prop_assert_eq!(Entry::from_line(&format!(" {line}")), None);
        }

        #[test]
        fn any_sizes_and_paths_are_taken_or_refused(size: u64, index: u64, next: u64, path in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
            let mut known = Known::new(&TreeHead { size, root: Hash([0; 32]) });
            let path: Vec<Hash> = path.into_iter().map(Hash).collect();
            prop_assert!(known.take(index, Hash([1; 32]), &path).is_err());
            let _ = known.path_len(next);
        }
    }
}
