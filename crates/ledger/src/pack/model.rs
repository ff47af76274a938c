//! What packing and unpacking expect next, from what both have seen of the block so far.
//!
//! Entries that hold the SHA-256 of an earlier entry form *chains*: a source's events name each other. A value is
//! expected near the one at the same place of the chain, near the one at the same place of the entry before, or near
//! the last large number of its own entry, whichever has worked best for that column.

use std::collections::BTreeMap;

/// Ways a number is expected: the chain's last in its column, the column's last, the entry's last large number, the
/// chain's last number of any column.
pub(super) const WAYS: usize = 4;
const LARGE: u64 = 1 << 32;

/// The entry that one holds the hash of: the newest entry but `steps` of the chain used `rank` chains ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    pub rank: usize,
    pub steps: usize,
}

/// How a byte string is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// In full.
    New,
    /// As the chain has it in this column.
    AsInChain,
    /// As it followed the byte string before.
    AsFollowed,
    /// The one seen first so many distinct ones ago.
    Ago(usize),
}

type Column = usize;
type Chain = usize;

/// Strings of one length, numbered as they came.
#[derive(Default)]
struct Seen {
    numbers: BTreeMap<Vec<u8>, usize>,
    strings: Vec<Vec<u8>>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Model {
    chains: Vec<Vec<usize>>,
    recent: Vec<Chain>,
    chain_of: Vec<Chain>,
    chain: Chain,
    in_chain: BTreeMap<(Chain, Column), u64>,
    in_column: BTreeMap<Column, u64>,
    large: u64,
    largest_before: BTreeMap<Chain, u64>,
    sequence: u64,
    seen: BTreeMap<usize, Seen>,
    bytes_in_chain: BTreeMap<(Chain, Column), usize>,
    followed: BTreeMap<(usize, usize, Column), usize>,
    before: (usize, usize),
}

impl Model {
    /// Where an earlier entry stands among the chains.
    pub(super) fn parent(&self, entry: usize) -> Option<Parent> {
        let chain = self.chain_of[entry];
        let rank = self.recent.iter().rev().position(|&other| other == chain)?;
        let steps = self.chains[chain].iter().rev().position(|&other| other == entry)?;
        Some(Parent { rank, steps })
    }

    /// The entry that stands there.
    pub(super) fn entry(&self, parent: Parent) -> Option<usize> {
        let chain = *self.recent.iter().rev().nth(parent.rank)?;
        self.chains[chain].iter().rev().nth(parent.steps).copied()
    }

    /// Begins the next entry: with its parent, or in a chain of its own, or in none.
    pub(super) fn begin(&mut self, parent: Option<Parent>, is_chained: bool) {
        let entry = self.chain_of.len();
        if self.chains.is_empty() {
            // The chain of entries that name no other; it is never a parent's.
            self.chains.push(Vec::new());
        }
        self.chain = match parent {
            Some(parent) => self.recent.remove(self.recent.len() - 1 - parent.rank),
            None if is_chained => {
                self.chains.push(Vec::new());
                self.chains.len() - 1
            }
            None => 0,
        };
        if self.chain != 0 {
            self.recent.push(self.chain);
            self.chains[self.chain].push(entry);
        }
        self.chain_of.push(self.chain);
        (self.large, self.before) = (0, (0, 0));
        self.sequence = self.largest_before.get(&self.chain).copied().unwrap_or(0);
    }

    /// What a number of this column is expected near to.
    pub(super) fn expected(&self, column: Column) -> [u64; WAYS] {
        let last = self.in_column.get(&column).copied().unwrap_or(0);
        let chain = self.in_chain.get(&(self.chain, column)).copied().unwrap_or(last);
        [chain, last, self.large, self.sequence]
    }

    /// Takes note of a number.
    pub(super) fn learn(&mut self, column: Column, number: u64) {
        self.in_chain.insert((self.chain, column), number);
        self.in_column.insert(column, number);
        if number >= LARGE {
            self.large = number;
        } else {
            self.largest_before.insert(self.chain, number);
        }
    }

    /// How a byte string can be told.
    pub(super) fn tell(&self, column: Column, bytes: &[u8]) -> Told {
        let number = self.seen.get(&bytes.len()).and_then(|seen| Some((seen, *seen.numbers.get(bytes)?)));
        let Some((seen, number)) = number else { return Told::New };
        if self.bytes_in_chain.get(&(self.chain, column)) == Some(&number) {
            return Told::AsInChain;
        }
        if self.followed.get(&(self.before.0, self.before.1, column)) == Some(&number) {
            return Told::AsFollowed;
        }
        Told::Ago(seen.strings.len() - 1 - number)
    }

    /// The byte string told.
    pub(super) fn told(&self, column: Column, length: usize, told: Told) -> Option<&[u8]> {
        let seen = self.seen.get(&length)?;
        let number = match told {
            Told::New => return None,
            Told::AsInChain => *self.bytes_in_chain.get(&(self.chain, column))?,
            Told::AsFollowed => *self.followed.get(&(self.before.0, self.before.1, column))?,
            Told::Ago(ago) => seen.strings.len().checked_sub(ago + 1)?,
        };
        seen.strings.get(number).map(Vec::as_slice)
    }

    /// Takes note of a byte string.
    pub(super) fn learn_bytes(&mut self, column: Column, bytes: &[u8]) {
        let seen = self.seen.entry(bytes.len()).or_default();
        let number = match seen.numbers.get(bytes) {
            Some(&number) => number,
            None => {
                let number = seen.strings.len();
                seen.numbers.insert(bytes.to_vec(), number);
                seen.strings.push(bytes.to_vec());
                number
            }
        };
        self.bytes_in_chain.insert((self.chain, column), number);
        self.followed.insert((self.before.0, self.before.1, column), number);
        self.before = (bytes.len(), number + 1);
    }
}
