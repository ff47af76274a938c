//! The log as others see it: checkpoint, tiles, bundles, entries, proofs, and all of it as files.
//!
//! Everything is bounded by the signed size. Any number of readers may read while the writer works.

use std::path::Path;
use std::sync::Arc;

use bailee_audit::bundle;
use bailee_audit::hash::{HASH_LEN, Hash, TreeHead, node_hash};
use bailee_audit::proof::{consistency_subtrees, inclusion_subtrees, subtree_root};
use bailee_audit::tile::{TILE_WIDTH, TileId, TilePath, Width};
use bailee_audit::verify::CHECKPOINT_PATH;

use crate::disk::Disk;
use crate::error::LedgerError;
use crate::group::Identity;
use crate::sealed::{MIDDLE, Sealed, UPPER, upper_place, uppers_len};
use crate::shared::{Shared, State};

/// Most entries one call of [`Reader::range`] gives.
pub const PAGE: u64 = 4_096;

/// Reads one log; cheap to clone.
#[derive(Clone)]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
}

impl Reader {
    /// The signed checkpoint, a note as C2SP tlog-checkpoint has it.
    #[must_use]
    pub fn checkpoint(&self) -> Arc<str> {
        Arc::clone(&self.shared.state().checkpoint)
    }

    /// Size and root that the checkpoint signs.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.shared.state().head
    }

    /// The bytes of any file of the log but its checkpoint.
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] when the signed tree doesn't have all of it.
    pub fn file(&self, path: TilePath) -> Result<Vec<u8>, LedgerError> {
        match path {
            TilePath::Hashes { id, width } => self.tile(id, width),
            TilePath::Entries { index, width } => self.bundle(index, width),
        }
    }

    /// The first `width` hashes of a tile.
    ///
    /// # Errors
    /// As [`Reader::file`].
    pub fn tile(&self, id: TileId, width: Width) -> Result<Vec<u8>, LedgerError> {
        self.within(id.path(width))?;
        let (height, first) = (8 * id.level, id.index * u64::from(TILE_WIDTH));
        let segment_height = self.shared.identity.height;
        let mut bytes = vec![0; width.hash_bytes()];
        let sealed = self.sealed(first >> segment_height);
        if let (0, Some(sealed)) = (height, sealed) {
            let from = first & ((1 << segment_height) - 1);
            sealed.leaves(self.shared.disk.as_ref(), from, &mut bytes)?;
            return Ok(bytes);
        }
        let mut nodes = Nodes::default();
        for (hash, place) in bytes.chunks_exact_mut(HASH_LEN).zip(first..) {
            hash.copy_from_slice(&self.node(&mut nodes, height, place)?.0);
        }
        Ok(bytes)
    }

    /// The bundle of the first `width` entries from entry `256 × index` on.
    ///
    /// # Errors
    /// As [`Reader::file`].
    pub fn bundle(&self, index: u64, width: Width) -> Result<Vec<u8>, LedgerError> {
        self.within(TilePath::Entries { index, width })?;
        let first = index * u64::from(TILE_WIDTH);
        let mut bytes = Vec::new();
        self.visit(first, first + width.hashes() as u64, &mut |_, entry| {
            bundle::push(&mut bytes, entry).expect("it came out of a bundle");
        })?;
        Ok(bytes)
    }

    /// The entries `from .. to` with their indexes, at most [`PAGE`], as far as the signed tree has them.
    ///
    /// # Errors
    /// The disk's, or a [`crate::Disagreement`].
    pub fn range(&self, from: u64, to: u64) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
        let to = to.min(self.head().size).min(from.saturating_add(PAGE));
        let mut entries = Vec::new();
        self.visit(from.min(to), to, &mut |index, entry| entries.push((index, entry.to_vec())))?;
        Ok(entries)
    }

    /// One entry.
    ///
    /// # Errors
    /// As [`Reader::file`].
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, LedgerError> {
        if index >= self.head().size {
            return Err(LedgerError::OutOfRange);
        }
        let mut found = Vec::new();
        self.visit(index, index + 1, &mut |_, entry| found.extend_from_slice(entry))?;
        Ok(found)
    }

    /// Calls `each` with the entries `from .. to` in order.
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] when the signed tree doesn't have them all.
    pub fn visit(&self, from: u64, to: u64, each: &mut dyn FnMut(u64, &[u8])) -> Result<(), LedgerError> {
        if to > self.head().size {
            return Err(LedgerError::OutOfRange);
        }
        let height = self.shared.identity.height;
        let mut next = from;
        while next < to {
            let segment = next >> height;
            let start = segment << height;
            let end = to.min(start + (1 << height));
            let state = self.shared.state();
            match state.sealed.get(segment as usize).map(Arc::clone) {
                Some(sealed) => {
                    drop(state);
                    self.visit_sealed(&sealed, (next - start) as u32..(end - start) as u32, start, each)?;
                }
                None => {
                    // The lock is held: the tail's file is written over only when nobody can be reading it.
                    let tail = &state.tails[segment as usize - state.sealed.len()];
                    let range = (next - start) as usize..(end - start) as usize;
                    tail.read(self.shared.disk.as_ref(), range, each, start)?;
                }
            }
            next = end;
        }
        Ok(())
    }

    fn visit_sealed(
        &self,
        sealed: &Sealed,
        range: std::ops::Range<u32>,
        start: u64,
        each: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<(), LedgerError> {
        let mut next = range.start;
        while next < range.end {
            let block = self.shared.block(sealed, sealed.block_of(next))?;
            let end = range.end.min(block.first + block.len() as u32);
            for place in next..end {
                let entry = block.entry((place - block.first) as usize).expect("the block has it");
                each(start + u64::from(place), entry);
            }
            next = end;
        }
        Ok(())
    }

    /// The proof that entry `index` is in the tree of `size`, leaf to root (RFC 9162 §2.1.3).
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] when the signed tree is smaller than that.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        self.inclusion(&mut Nodes::default(), index, size)
    }

    /// One proof for each of many entries, in the order given. Neighbours share what is read: ask in rising order.
    ///
    /// # Errors
    /// As [`Reader::inclusion_proof`].
    pub fn inclusion_proofs(&self, indexes: &[u64], size: u64) -> Result<Vec<Vec<Hash>>, LedgerError> {
        let mut nodes = Nodes::default();
        indexes.iter().map(|&index| self.inclusion(&mut nodes, index, size)).collect()
    }

    fn inclusion(&self, nodes: &mut Nodes, index: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        let subtrees = inclusion_subtrees(index, size).filter(|_| size <= self.head().size);
        self.roots(nodes, &subtrees.ok_or(LedgerError::OutOfRange)?)
    }

    /// The proof that the tree of `old` is the beginning of the tree of `new` (RFC 9162 §2.1.4).
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] when the signed tree is smaller than that.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, LedgerError> {
        let subtrees = consistency_subtrees(old, new).filter(|_| new <= self.head().size);
        self.roots(&mut Nodes::default(), &subtrees.ok_or(LedgerError::OutOfRange)?)
    }

    /// Root of the tree of an earlier size.
    ///
    /// # Errors
    /// As [`Reader::consistency_proof`].
    pub fn root_at(&self, size: u64) -> Result<Hash, LedgerError> {
        match size {
            0 => Ok(Hash::EMPTY_TREE),
            _ if size > self.head().size => Err(LedgerError::OutOfRange),
            _ => Ok(self.roots(&mut Nodes::default(), &[(0, size)])?[0]),
        }
    }

    fn roots(&self, nodes: &mut Nodes, subtrees: &[(u64, u64)]) -> Result<Vec<Hash>, LedgerError> {
        let mut node = |height, place| self.node(nodes, height, place);
        subtrees.iter().map(|&(start, len)| subtree_root(start, len, &mut node)).collect()
    }

    pub(crate) fn node(&self, nodes: &mut Nodes, height: u8, place: u64) -> Result<Hash, LedgerError> {
        let identity = self.shared.identity;
        if height < identity.height {
            let sealed = self.sealed(place >> (identity.height - height));
            if let Some(sealed) = sealed {
                return nodes.sealed(self.shared.disk.as_ref(), identity, &sealed, height, place);
            }
        }
        nodes.node(self.shared.disk.as_ref(), identity, &self.shared.state(), height, place)
    }

    fn sealed(&self, segment: u64) -> Option<Arc<Sealed>> {
        self.shared.state().sealed.get(usize::try_from(segment).ok()?).map(Arc::clone)
    }

    fn within(&self, path: TilePath) -> Result<(), LedgerError> {
        if path.is_within(self.head().size) { Ok(()) } else { Err(LedgerError::OutOfRange) }
    }

    /// Writes the whole log below a folder in the layout of C2SP tlog-tiles; the checkpoint comes last, so a stop
    /// leaves no checkpoint that promises more than is there.
    ///
    /// # Errors
    /// [`LedgerError::Export`] when a file can't be written.
    pub fn export(&self, dir: &Path) -> Result<TreeHead, LedgerError> {
        let (head, checkpoint) = {
            let state = self.shared.state();
            (state.head, Arc::clone(&state.checkpoint))
        };
        for path in TilePath::all(head.size) {
            write(dir, &path.to_string(), &self.file(path)?)?;
        }
        write(dir, CHECKPOINT_PATH, checkpoint.as_bytes())?;
        Ok(head)
    }
}

fn write(dir: &Path, path: &str, bytes: &[u8]) -> Result<(), LedgerError> {
    let path = dir.join(path);
    let folder = path.parent().expect("it is below a folder");
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, bytes)).map_err(LedgerError::Export)
}

/// What was read last of packed segments: neighbouring nodes are in the same few reads.
#[derive(Default)]
pub(crate) struct Nodes {
    leaves: (Option<(u64, u64)>, Vec<u8>),
    middles: (Option<(u64, u64)>, Vec<u8>),
    uppers: (Option<(u64, u64)>, Vec<u8>),
}

impl Nodes {
    /// The root of a complete subtree: the entries `place << height .. (place + 1) << height`.
    ///
    /// # Errors
    /// The disk's.
    pub fn node(
        &mut self,
        disk: &dyn Disk,
        identity: Identity,
        state: &State,
        height: u8,
        place: u64,
    ) -> Result<Hash, LedgerError> {
        if let Some(above) = height.checked_sub(identity.height) {
            return Ok(state.tree.upper[usize::from(above)][place as usize]);
        }
        let segment = place >> (identity.height - height);
        match state.sealed.get(segment as usize) {
            Some(sealed) => self.sealed(disk, identity, sealed, height, place),
            None => {
                let tail = &state.tails[segment as usize - state.sealed.len()];
                let local = place & ((1 << (identity.height - height)) - 1);
                Ok(tail.levels.0[usize::from(height)][local as usize])
            }
        }
    }

    fn sealed(
        &mut self,
        disk: &dyn Disk,
        identity: Identity,
        sealed: &Sealed,
        height: u8,
        place: u64,
    ) -> Result<Hash, LedgerError> {
        let segment = sealed.segment;
        let local = place & ((1 << (identity.height - height)) - 1);
        let (kept, row, unit) = match height {
            UPPER.. => {
                let bytes = once(&mut self.uppers, (segment, 0), uppers_len(identity.height), |into| {
                    sealed.uppers(disk, into)
                })?;
                return Ok(hash(bytes, upper_place(identity.height, height, local)));
            }
            MIDDLE.. => (&mut self.middles, MIDDLE, UPPER - MIDDLE),
            _ => (&mut self.leaves, 0, MIDDLE),
        };
        // The unit of 8 middle nodes or 32 leaves that holds everything below this node.
        let up = height - row;
        let first = local << up >> unit << unit;
        let bytes = once(kept, (segment, first), HASH_LEN << unit, |into| match row {
            MIDDLE => sealed.middles(disk, first, into),
            _ => sealed.leaves(disk, first, into),
        })?;
        let from = ((local << up) - first) as usize;
        Ok(complete(&bytes[from * HASH_LEN..(from + (1 << up)) * HASH_LEN]))
    }
}

fn once(
    kept: &mut (Option<(u64, u64)>, Vec<u8>),
    key: (u64, u64),
    bytes: usize,
    read: impl FnOnce(&mut [u8]) -> Result<(), LedgerError>,
) -> Result<&[u8], LedgerError> {
    if kept.0 != Some(key) {
        kept.0 = None;
        kept.1.resize(bytes, 0);
        read(&mut kept.1)?;
        kept.0 = Some(key);
    }
    Ok(&kept.1)
}

fn hash(bytes: &[u8], place: usize) -> Hash {
    Hash(bytes[place * HASH_LEN..(place + 1) * HASH_LEN].try_into().expect("32 bytes"))
}

fn complete(bytes: &[u8]) -> Hash {
    if bytes.len() == HASH_LEN {
        return hash(bytes, 0);
    }
    let (left, right) = bytes.split_at(bytes.len() / 2);
    node_hash(&complete(left), &complete(right))
}
