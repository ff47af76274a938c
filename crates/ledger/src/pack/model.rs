//! What packing and unpacking expect next, from what both have seen of the block so far.
//!
//! Entries that hold the SHA-256 of an earlier entry form *chains*: a source's events name each other. A value is
//! expected near the one at the same place of the chain, near the one at the same place of the entry before, or near
//! the last large number of its own entry, whichever has worked best for that column.

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

/// How a byte string that was there before is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// As the chain has it in this column.
    AsInChain,
    /// As it followed the byte string before.
    AsFollowed,
    /// The one seen first so many distinct ones ago.
    Ago(usize),
}

type Column = usize;
type Chain = usize;

/// What is known of the values at one place: nothing, or the last one.
#[derive(Default)]
struct Last(Vec<Option<u64>>);

impl Last {
    fn of(&self, column: Column) -> Option<u64> {
        self.0.get(column).copied().flatten()
    }

    fn learn(&mut self, column: Column, value: u64) {
        if self.0.len() <= column {
            self.0.resize(column + 1, None);
        }
        self.0[column] = Some(value);
    }
}

/// A run of entries that name each other.
#[derive(Default)]
struct Link {
    entries: Vec<usize>,
    /// The last number or the last byte string of each column.
    last: Last,
    last_number: u64,
}

/// A byte string that was told in full, and which ones came after it, by column.
struct Seen {
    bytes: Vec<u8>,
    followers: Vec<(Column, usize)>,
}

/// See the module. Byte strings are numbered as they come, each length on its own.
#[derive(Default)]
pub(super) struct Model {
    chains: Vec<Link>,
    recent: Vec<Chain>,
    chain_of: Vec<Chain>,
    chain: Chain,
    in_column: Last,
    large: u64,
    sequence: u64,
    /// By place in the list of lengths.
    seen: Vec<Vec<Seen>>,
    before: Option<(usize, usize)>,
}

impl Model {
    /// Where an earlier entry stands among the chains.
    pub(super) fn parent(&self, entry: usize) -> Option<Parent> {
        let chain = self.chain_of[entry];
        let rank = self.recent.iter().rev().position(|&other| other == chain)?;
        let steps = self.chains[chain].entries.iter().rev().position(|&other| other == entry)?;
        Some(Parent { rank, steps })
    }

    /// The entry that stands there.
    pub(super) fn entry(&self, parent: Parent) -> Option<usize> {
        let chain = *self.recent.iter().rev().nth(parent.rank)?;
        self.chains[chain].entries.iter().rev().nth(parent.steps).copied()
    }

    /// Begins the next entry: with its parent, or in a chain of its own, or in none.
    pub(super) fn begin(&mut self, parent: Option<Parent>, is_chained: bool) {
        let entry = self.chain_of.len();
        if self.chains.is_empty() {
            // The chain of entries that name no other; it is never a parent's.
            self.chains.push(Link::default());
        }
        self.chain = match parent {
            Some(parent) => self.recent.remove(self.recent.len() - 1 - parent.rank),
            None if is_chained => {
                self.chains.push(Link::default());
                self.chains.len() - 1
            }
            None => 0,
        };
        if self.chain != 0 {
            self.recent.push(self.chain);
            self.chains[self.chain].entries.push(entry);
        }
        self.chain_of.push(self.chain);
        (self.large, self.before) = (0, None);
        self.sequence = self.chains[self.chain].last_number;
    }

    /// What a number of this column is expected near to.
    pub(super) fn expected(&self, column: Column) -> [u64; WAYS] {
        let last = self.in_column.of(column).unwrap_or(0);
        let chain = self.chains[self.chain].last.of(column).unwrap_or(last);
        [chain, last, self.large, self.sequence]
    }

    /// Takes note of a number.
    pub(super) fn learn(&mut self, column: Column, number: u64) {
        let link = &mut self.chains[self.chain];
        link.last.learn(column, number);
        self.in_column.learn(column, number);
        if number >= LARGE {
            self.large = number;
        } else {
            link.last_number = number;
        }
    }

    /// How a byte string that was told in full before can be told.
    pub(super) fn tell(&self, column: Column, length: usize, number: usize) -> Told {
        if self.chains[self.chain].last.of(column) == Some(number as u64) {
            return Told::AsInChain;
        }
        if self.follower(column) == Some(number) {
            return Told::AsFollowed;
        }
        Told::Ago(self.seen[length].len() - 1 - number)
    }

    fn follower(&self, column: Column) -> Option<usize> {
        let (length, number) = self.before?;
        let followers = &self.seen[length][number].followers;
        followers.iter().find(|(of, _)| *of == column).map(|&(_, follower)| follower)
    }

    /// The number of the byte string told, and its bytes.
    pub(super) fn told(&self, column: Column, length: usize, told: Told) -> Option<(usize, &[u8])> {
        let seen = self.seen.get(length)?;
        let number = match told {
            Told::AsInChain => self.chains[self.chain].last.of(column)? as usize,
            Told::AsFollowed => self.follower(column)?,
            Told::Ago(ago) => seen.len().checked_sub(ago.checked_add(1)?)?,
        };
        seen.get(number).map(|seen| (number, seen.bytes.as_slice()))
    }

    /// Numbers a byte string told in full.
    pub(super) fn number(&mut self, length: usize, bytes: &[u8]) -> usize {
        if self.seen.len() <= length {
            self.seen.resize_with(length + 1, Vec::new);
        }
        self.seen[length].push(Seen { bytes: bytes.to_vec(), followers: Vec::new() });
        self.seen[length].len() - 1
    }

    /// Takes note of a byte string by its number.
    pub(super) fn learn_bytes(&mut self, column: Column, length: usize, number: usize) {
        self.chains[self.chain].last.learn(column, number as u64);
        if let Some((length, before)) = self.before {
            let followers = &mut self.seen[length][before].followers;
            match followers.iter_mut().find(|(of, _)| *of == column) {
                Some((_, follower)) => *follower = number,
                None => followers.push((column, number)),
            }
        }
        self.before = Some((length, number));
    }
}
