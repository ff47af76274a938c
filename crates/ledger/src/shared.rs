//! What the writer changes and everybody reads: the tree, the signed checkpoint, and where entries are.
//!
//! Entries and nodes never change once they are in, and a full segment moves from its tail to a packed file without
//! changing an entry: so a reader needs the lock only to learn where something is, or to read from a tail.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bailee_audit::hash::TreeHead;

use crate::disk::{Disk, Name};
use crate::error::{At, LedgerError};
use crate::group::{Identity, Place};
use crate::nodes::{Levels, Tree};
use crate::sealed::{Block, Sealed};

/// Unpacked blocks kept for the next reader; each has about a megabyte.
const CACHED_BLOCKS: usize = 8;

pub(crate) struct Shared {
    pub disk: Box<dyn Disk>,
    pub identity: Identity,
    state: RwLock<State>,
    blocks: Mutex<VecDeque<(u64, usize, Arc<Block>)>>,
    sealing: Mutex<()>,
}

/// See the module.
pub(crate) struct State {
    pub tree: Tree,
    pub head: TreeHead,
    pub checkpoint: Arc<str>,
    pub sealed: Vec<Arc<Sealed>>,
    /// Segments that aren't packed, in order; only the last may not be full. Only full ones are shared.
    pub tails: VecDeque<Arc<Tail>>,
}

/// A segment that isn't packed.
#[derive(Debug)]
pub(crate) struct Tail {
    pub segment: u64,
    pub levels: Levels,
    /// Where each entry is in the tail's file.
    pub places: Vec<Place>,
    /// The latest note in the file.
    pub note: Arc<str>,
}

impl Tail {
    pub fn new(segment: u64, height: u8, note: Arc<str>) -> Self {
        Self { segment, levels: Levels::with_room(height), places: Vec::with_capacity(1 << height), note }
    }

    pub fn is_full(&self, height: u8) -> bool {
        self.places.len() == 1 << height
    }

    /// Reads entries of the tail in as few reads as their places allow.
    ///
    /// # Errors
    /// The disk's.
    pub fn read(
        &self,
        disk: &dyn Disk,
        range: std::ops::Range<usize>,
        each: &mut dyn FnMut(u64, &[u8]),
        first: u64,
    ) -> Result<(), LedgerError> {
        const AT_ONCE: u64 = 1 << 20;
        let name = Name::tail(self.segment);
        let mut buffer = Vec::new();
        let mut from = range.start;
        while from < range.end {
            let start = self.places[from].at;
            let mut to = from + 1;
            let end_of = |place: &Place| place.at + u64::from(place.len);
            while to < range.end && end_of(&self.places[to]) - start <= AT_ONCE {
                to += 1;
            }
            buffer.resize((end_of(&self.places[to - 1]) - start) as usize, 0);
            disk.read_at(name, start, &mut buffer).at(name)?;
            for (place, index) in self.places[from..to].iter().zip(first + from as u64..) {
                let at = (place.at - start) as usize;
                each(index, &buffer[at..at + usize::from(place.len)]);
            }
            from = to;
        }
        Ok(())
    }
}

impl Shared {
    pub fn new(disk: Box<dyn Disk>, identity: Identity, state: State) -> Self {
        Self {
            disk,
            identity,
            state: RwLock::new(state),
            blocks: Mutex::default(),
            sealing: Mutex::default(),
        }
    }

    pub fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().expect("no holder of the state panics")
    }

    pub fn change(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().expect("no holder of the state panics")
    }

    /// Held while a segment is packed, and while everything is read again.
    pub fn sealing(&self) -> MutexGuard<'_, ()> {
        self.sealing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, VecDeque<(u64, usize, Arc<Block>)>> {
        self.blocks.lock().expect("no holder of the blocks panics")
    }

    /// A block of a packed segment, unpacked lately or now.
    ///
    /// # Errors
    /// As [`Sealed::block`].
    pub fn block(&self, sealed: &Sealed, number: usize) -> Result<Arc<Block>, LedgerError> {
        let known = |entry: &&(u64, usize, Arc<Block>)| (entry.0, entry.1) == (sealed.segment, number);
        if let Some((_, _, block)) = self.cache().iter().find(known) {
            return Ok(Arc::clone(block));
        }
        let block = Arc::new(sealed.block(self.disk.as_ref(), number)?);
        let mut cache = self.cache();
        cache.push_front((sealed.segment, number, Arc::clone(&block)));
        cache.truncate(CACHED_BLOCKS);
        Ok(block)
    }
}
