//! The check of a whole published log: every signature of its key, every tile, every entry.
//!
//! It goes from what is signed downwards. The tiles of the right edge must add up to the signed root; each
//! hash in them vouches for the tile below, and the lowest for the entries. So the first thing that doesn't
//! fit is the thing that is wrong, and an entry is shown to the visitor only once it is known to be the one
//! that was signed for. At most one tile per level and one bundle are held.

mod finding;
mod parallel;
mod source;

use crate::bundle::{self, MAX_BUNDLE_LEN};
use crate::checkpoint::{Checkpoint, OpenedCheckpoint};
use crate::hash::second::leaf_hash;
use crate::hash::{HASH_LEN, Hash, complete_root, hashes};
use crate::key::VerifyingKey;
use crate::note::MAX_NOTE_LEN;
use crate::tile::{LEVELS, ReadError, TileId, TilePath};
use crate::tree::Edge;

pub use finding::{Place, Report, Unreadable, VerifyError, Wrong};
pub use parallel::verify_log_parallel;
pub use source::{DirSource, Source, SourceError};

/// Path of the checkpoint below the log's prefix.
pub const CHECKPOINT_PATH: &str = "checkpoint";

/// Looks at every entry, in order, after it is known to be in the signed tree.
pub trait Visitor {
    /// Checks what the entry says.
    ///
    /// # Errors
    /// A sentence about what is wrong with the entry; the log is then unsound.
    fn entry(&mut self, index: u64, entry: &[u8]) -> Result<(), String>;
}

impl<F: FnMut(u64, &[u8]) -> Result<(), String>> Visitor for F {
    fn entry(&mut self, index: u64, entry: &[u8]) -> Result<(), String> {
        self(index, entry)
    }
}

/// Checks a whole log against its key.
///
/// # Errors
/// The first thing wrong and where, or what kept the log from being read.
pub fn verify_log<S: Source, V: Visitor>(
    source: &mut S,
    key: &VerifyingKey,
    visitor: &mut V,
) -> Result<Report, VerifyError> {
    let opened = open_checkpoint(source, key)?;
    let size = opened.checkpoint.size;
    let report = Report {
        checkpoint: opened.checkpoint,
        entries: 0,
        bundles: 0,
        tiles: 0,
        signatures: opened.checked.good,
        unchecked_signatures: opened.checked.unchecked,
        handed_over: opened.handed_over,
    };
    let mut walk = Walk { source, visitor, report, size };
    let edge = walk.edge()?;
    for level in (0..LEVELS).rev() {
        if let Some((id, bytes)) = edge.partial(level) {
            walk.report.tiles += 1;
            walk.below(id, bytes)?;
        }
    }
    Ok(walk.report)
}

fn open_checkpoint<S: Source>(source: &mut S, key: &VerifyingKey) -> Result<OpenedCheckpoint, VerifyError> {
    let unusable = |what| VerifyError::Unusable { where_: Place::of(CHECKPOINT_PATH), what };
    let bytes = source.read(CHECKPOINT_PATH, MAX_NOTE_LEN + 1).map_err(|error| match error {
        SourceError::Absent => unusable(Unreadable::NoCheckpoint),
        SourceError::Failed(source) => unusable(Unreadable::Source(source)),
    })?;
    Checkpoint::open(&bytes, key).map_err(|error| {
        if error.is_about_form() {
            return unusable(Unreadable::Checkpoint(error));
        }
        VerifyError::Unsound { where_: Place::of(CHECKPOINT_PATH), what: Wrong::Checkpoint(error) }
    })
}

struct Walk<'a, S, V> {
    source: &'a mut S,
    visitor: &'a mut V,
    report: Report,
    size: u64,
}

impl<S: Source, V: Visitor> Walk<'_, S, V> {
    /// The tiles of the right edge, known to be those of the signed tree.
    fn edge(&mut self) -> Result<Edge, VerifyError> {
        let size = self.size;
        let edge = Edge::load(size, &mut |id: TileId| self.tile(id)).map_err(|error| match error {
            ReadError::Storage { source, .. } => source,
            ReadError::Short { .. } => unreachable!("Walk::tile gives exactly the width of the path"),
        })?;
        if edge.root() == self.report.checkpoint.root { Ok(edge) } else { Err(self.blame_edge(&edge)) }
    }

    /// The root says that some tile of the edge is wrong, but not which. The entries know, if they are those
    /// that were signed; if they aren't either, only the checkpoint is left to name.
    fn blame_edge(&mut self, stored: &Edge) -> VerifyError {
        let computed = match self.edge_of_entries() {
            Ok(computed) => computed,
            Err(error) => return error,
        };
        let is_signed = computed.root() == self.report.checkpoint.root;
        let is_changed = |level: &u8| is_signed && stored.partial(*level) != computed.partial(*level);
        let changed = (0..LEVELS).find(is_changed).and_then(|level| stored.partial(level));
        match changed {
            Some((id, _)) => VerifyError::unsound(&self.path(id).to_string(), None, Wrong::Hashes),
            None => VerifyError::unsound(CHECKPOINT_PATH, None, Wrong::Root),
        }
    }

    fn edge_of_entries(&mut self) -> Result<Edge, VerifyError> {
        let mut edge = Edge::empty();
        for index in 0..self.size.div_ceil(256) {
            self.bundle(index, Vec::new(), |_, _, entry| {
                edge.push(leaf_hash(entry), &mut |_, _| ());
                Ok(())
            })?;
        }
        Ok(edge)
    }

    /// Checks everything that the hashes of a tile stand for.
    fn below(&mut self, id: TileId, bytes: &[u8]) -> Result<(), VerifyError> {
        if id.level == 0 {
            return self.entries(id.index, bytes);
        }
        for (place, expected) in (id.index * 256..).zip(hashes(bytes)) {
            self.full_tile(TileId { level: id.level - 1, index: place }, expected)?;
        }
        Ok(())
    }

    fn full_tile(&mut self, id: TileId, expected: Hash) -> Result<(), VerifyError> {
        let bytes = self.checked_tile(id, expected)?;
        self.below(id, &bytes)
    }

    fn checked_tile(&mut self, id: TileId, expected: Hash) -> Result<Vec<u8>, VerifyError> {
        let bytes = self.tile(id)?;
        if complete_root(&bytes) != expected {
            return Err(VerifyError::unsound(&self.path(id).to_string(), None, Wrong::Hashes));
        }
        self.report.tiles += 1;
        Ok(bytes)
    }

    fn entries(&mut self, index: u64, leaves: &[u8]) -> Result<(), VerifyError> {
        let mut expected = leaves.chunks_exact(HASH_LEN);
        let width = expected.len() as u64;
        self.bundle(index, Vec::new(), |walk, place, entry| {
            if expected.next() != Some(&leaf_hash(entry).0[..]) {
                return Err(Wrong::Entry);
            }
            walk.visitor.entry(place, entry).map_err(Wrong::Content)
        })?;
        self.report.entries += width;
        self.report.bundles += 1;
        Ok(())
    }

    /// Calls `each` with every entry of a bundle and its index, and checks that they are as many as its path
    /// says, without bytes left over. Reads it into `bytes`.
    fn bundle(
        &mut self,
        index: u64,
        mut bytes: Vec<u8>,
        mut each: impl FnMut(&mut Self, u64, &[u8]) -> Result<(), Wrong>,
    ) -> Result<Vec<u8>, VerifyError> {
        let path = TilePath::entries(index, self.size).expect("only bundles below the size are read");
        let name = path.to_string();
        self.read(&name, MAX_BUNDLE_LEN, &mut bytes)?;
        let need = path.width().hashes();
        let mut found = 0;
        for entry in bundle::entries(&bytes) {
            let place = index * 256 + found as u64;
            let Some(entry) = entry.ok().filter(|_| found < need) else {
                return Err(VerifyError::unsound(&name, Some(place), Wrong::EntryCount { need }));
            };
            each(self, place, entry).map_err(|what| VerifyError::unsound(&name, Some(place), what))?;
            found += 1;
        }
        if found == need {
            Ok(bytes)
        } else {
            Err(VerifyError::unsound(&name, None, Wrong::EntryCount { need }))
        }
    }

    fn tile(&mut self, id: TileId) -> Result<Vec<u8>, VerifyError> {
        let path = self.path(id);
        let (name, need) = (path.to_string(), path.width().hash_bytes());
        let mut bytes = Vec::new();
        self.read(&name, need, &mut bytes)?;
        if bytes.len() == need {
            Ok(bytes)
        } else {
            Err(VerifyError::unsound(&name, None, Wrong::Length { need, have: bytes.len() }))
        }
    }

    fn path(&self, id: TileId) -> TilePath {
        id.path(id.width_at(self.size).expect("only tiles below the size are read"))
    }

    /// Reads a file that the signed size promises, and one byte more than it may have.
    fn read(&mut self, path: &str, most: usize, bytes: &mut Vec<u8>) -> Result<(), VerifyError> {
        self.source.read_into(path, most + 1, bytes).map_err(|error| match error {
            SourceError::Absent => VerifyError::unsound(path, None, Wrong::Missing),
            SourceError::Failed(source) => {
                VerifyError::Unusable { where_: Place::of(path), what: Unreadable::Source(source) }
            }
        })?;
        if bytes.len() > most {
            return Err(VerifyError::unsound(path, None, Wrong::Length { need: most, have: bytes.len() }));
        }
        Ok(())
    }
}
