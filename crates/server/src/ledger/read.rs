//! The log as others see it: checkpoint, tiles, bundles, proofs, and all of it as files.
//!
//! Everything is bounded by the signed size: what is stored but not signed for is never shown.

use std::path::Path;
use std::sync::Arc;

use bailee_audit::hash::{Hash, TreeHead};
use bailee_audit::tile::{TileId, TilePath, Width};
use bailee_audit::verify::CHECKPOINT_PATH;
use bailee_ledger::Reader;

use super::{LedgerError, aside};

/// Reads one log; cheap to clone.
#[derive(Clone)]
pub struct LogReader {
    log: Reader,
    succession: Arc<str>,
}

impl LogReader {
    pub(super) const fn new(log: Reader, succession: Arc<str>) -> Self {
        Self { log, succession }
    }

    /// The signed checkpoint, a note as C2SP tlog-checkpoint has it, with the hand-overs of the log's key.
    ///
    /// # Errors
    /// None today: it is at hand.
    pub async fn checkpoint(&self) -> Result<String, LedgerError> {
        Ok(format!("{}{}", self.log.checkpoint(), self.succession))
    }

    /// Size and root that the checkpoint signs.
    ///
    /// # Errors
    /// None today: it is at hand.
    pub async fn head(&self) -> Result<TreeHead, LedgerError> {
        Ok(self.log.head())
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, bailee_ledger::LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let log = self.log.clone();
        aside(move || Ok(read(&log)?)).await
    }

    /// The bytes of any file of the log but its checkpoint.
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] when the signed tree does not have all of it.
    pub async fn file(&self, path: TilePath) -> Result<Vec<u8>, LedgerError> {
        self.read(move |log| log.file(path)).await
    }

    /// The first `width` hashes of a tile.
    ///
    /// # Errors
    /// As [`LogReader::file`].
    pub async fn tile(&self, id: TileId, width: Width) -> Result<Vec<u8>, LedgerError> {
        self.read(move |log| log.tile(id, width)).await
    }

    /// The bundle of the first `width` entries from entry `256 × index` on.
    ///
    /// # Errors
    /// As [`LogReader::file`].
    pub async fn entries(&self, index: u64, width: Width) -> Result<Vec<u8>, LedgerError> {
        self.read(move |log| log.bundle(index, width)).await
    }

    /// The bytes of one entry.
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] when the signed tree is smaller.
    pub async fn entry(&self, index: u64) -> Result<Vec<u8>, LedgerError> {
        self.read(move |log| log.entry(index)).await
    }

    /// The bytes of one entry, read on this thread: for a transaction, which may await nothing but its statements, and for
    /// entries so young that they are at hand.
    ///
    /// # Errors
    /// As [`LogReader::entry`].
    pub fn entry_now(&self, index: u64) -> Result<Vec<u8>, LedgerError> {
        Ok(self.log.entry(index)?)
    }

    /// The entries `from .. to` with their indexes, at most [`super::BATCH`], as far as the signed tree has them.
    ///
    /// # Errors
    /// The log's.
    pub async fn range(&self, from: u64, to: u64) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
        let to = to.min(self.log.head().size).min(from.saturating_add(super::BATCH as u64));
        self.read(move |log| log.range(from.min(to), to)).await
    }

    /// The proof that entry `index` is in the tree of `size`, leaf to root (RFC 9162 §2.1.3).
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] when the signed tree is smaller than that.
    pub async fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        self.read(move |log| log.inclusion_proof(index, size)).await
    }

    /// The proof that the tree of `old` is the beginning of the tree of `new` (RFC 9162 §2.1.4).
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] when the signed tree is smaller than that.
    pub async fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, LedgerError> {
        self.read(move |log| log.consistency_proof(old, new)).await
    }

    /// Root of the tree of an earlier size.
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] when the signed tree is smaller.
    pub async fn root_at(&self, size: u64) -> Result<Hash, LedgerError> {
        self.read(move |log| log.root_at(size)).await
    }

    /// Writes the whole log below a folder in the layout of C2SP tlog-tiles; the checkpoint comes last, so a stop
    /// leaves no checkpoint that promises more than is there.
    ///
    /// # Errors
    /// The log's, or that a file cannot be written.
    pub async fn export(&self, dir: &Path) -> Result<TreeHead, LedgerError> {
        let (dir, succession) = (dir.to_owned(), Arc::clone(&self.succession));
        self.read(move |log| {
            let head = log.export(&dir)?;
            if !succession.is_empty() {
                let path = dir.join(CHECKPOINT_PATH);
                let note = std::fs::read(&path).map(|note| [&note, succession.as_bytes()].concat());
                let kept = note.and_then(|note| std::fs::write(&path, note));
                kept.map_err(bailee_ledger::LedgerError::Export)?;
            }
            Ok(head)
        })
        .await
    }
}
