//! The check of a whole log as it is stored: every entry, every hash, the signature; on all cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bailee_audit::checkpoint::Checkpoint;
use bailee_audit::hash::{HASH_LEN, Hash, TreeHead, leaf_hash, node_hash};
use bailee_audit::key::VerifyingKey;

use crate::disk::Disk;
use crate::error::{Disagreement, LedgerError};
use crate::read::Reader;
use crate::sealed::{MIDDLE, Sealed, UPPER, upper_place, uppers_len};

/// What was checked, and found sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The signed tree that all of it was checked against.
    pub head: TreeHead,
    /// Entries hashed.
    pub entries: u64,
}

impl Reader {
    /// Reads every entry, recomputes every stored hash from them, and compares the root with the signed one.
    /// `progress` hears how many entries were just checked.
    ///
    /// # Errors
    /// [`LedgerError::Disagrees`] with something that is wrong, or what kept the log from being read.
    pub fn check(
        &self,
        key: &VerifyingKey,
        threads: usize,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Checked, LedgerError> {
        let (checkpoint, sealed) = {
            let state = self.shared.state();
            (state.checkpoint.clone(), state.sealed.clone())
        };
        let signed = Checkpoint::open(checkpoint.as_bytes(), key).map_err(Disagreement::Checkpoint)?;
        let head = signed.checkpoint.head();
        let (next, failed) = (AtomicU64::new(0), Mutex::new(None));
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    while let Some(sealed) = sealed.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                        if let Err(error) = self.check_sealed(sealed, progress) {
                            failed.lock().expect("nobody panics with it").get_or_insert(error);
                            next.store(u64::MAX / 2, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        if let Some(error) = failed.into_inner().expect("nobody panicked with it") {
            return Err(error);
        }
        let packed = (sealed.len() as u64) << self.shared.identity.height;
        self.check_rest(packed, head, progress)?;
        Ok(Checked { head, entries: head.size })
    }

    /// The entries that aren't packed, and the root of all.
    fn check_rest(&self, from: u64, head: TreeHead, progress: &dyn Fn(u64)) -> Result<(), LedgerError> {
        let mut wrong = None;
        let mut leaves = Vec::new();
        self.visit(from, head.size, &mut |_, entry| leaves.push(leaf_hash(entry)))?;
        let mut nodes = crate::read::Nodes::default();
        for (leaf, index) in leaves.iter().zip(from..) {
            if self.node(&mut nodes, 0, index)? != *leaf {
                wrong.get_or_insert(index);
            }
        }
        if let Some(index) = wrong {
            return Err(Disagreement::EntryAndLeaf(index).into());
        }
        progress(leaves.len() as u64);
        let stored = TreeHead { size: head.size, root: self.root_at(head.size)? };
        match stored == head {
            true => Ok(()),
            false => Err(Disagreement::StoredAndSigned { stored, signed: head }.into()),
        }
    }

    fn check_sealed(&self, sealed: &Sealed, progress: &dyn Fn(u64)) -> Result<(), LedgerError> {
        let (disk, height) = (self.shared.disk.as_ref(), self.shared.identity.height);
        let first = sealed.segment << height;
        let mut stored = vec![0; HASH_LEN << height];
        sealed.leaves(disk, 0, &mut stored)?;
        let mut row = Vec::with_capacity(1 << height);
        for number in 0..sealed.blocks() {
            let block = sealed.block(disk, number)?;
            for entry in block.entries() {
                let leaf = leaf_hash(entry);
                if stored[row.len() * HASH_LEN..][..HASH_LEN] != leaf.0 {
                    return Err(Disagreement::EntryAndLeaf(first + row.len() as u64).into());
                }
                row.push(leaf);
            }
            progress(block.len() as u64);
        }
        wrong_node(disk, sealed, height, row)?.map_or(Ok(()), |wrong| Err(wrong.into()))
    }
}

/// The first stored node of a segment that isn't the hash of what is below it, given all its leaf hashes.
///
/// # Errors
/// The disk's.
pub(crate) fn wrong_node(
    disk: &dyn Disk,
    sealed: &Sealed,
    height: u8,
    mut row: Vec<Hash>,
) -> Result<Option<Disagreement>, LedgerError> {
    let (segment, first) = (sealed.segment, sealed.segment << height);
    let mut middles = vec![0; HASH_LEN << (height - MIDDLE)];
    sealed.middles(disk, 0, &mut middles)?;
    let mut uppers = vec![0; uppers_len(height)];
    sealed.uppers(disk, &mut uppers)?;
    for level in 1..=height {
        row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        let kept = match level {
            MIDDLE => &middles[..],
            UPPER.. => &uppers[upper_place(height, level, 0) * HASH_LEN..],
            _ => continue,
        };
        let wrong = row.iter().zip(kept.chunks_exact(HASH_LEN)).position(|(node, kept)| node.0 != kept);
        if let Some(place) = wrong {
            return Ok(Some(Disagreement::Node { segment, entry: first + ((place as u64) << level) }));
        }
    }
    let is_sound = row.first().is_some_and(|root| *root == sealed.root);
    Ok((!is_sound).then_some(Disagreement::Node { segment, entry: first }))
}
