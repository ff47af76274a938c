//! The log as others see it: checkpoint, tiles, bundles, proofs, and all of it as files.
//!
//! Everything is bounded by the signed size: what is stored but not signed for is never shown.

use std::path::Path;

use bailee_audit::{
    bundle,
    hash::{Hash, TreeHead},
    proof::{ProveError, prove_consistency, prove_inclusion},
    tile::{ReadError, TILE_WIDTH, TileId, TilePath, Width},
    verify::CHECKPOINT_PATH,
};

use super::{
    Disagreement, LedgerError, LogId,
    rows::{self, Tiles},
};
use crate::store::{Db, Tx};

/// Reads one log; cheap to clone.
#[derive(Clone)]
pub struct LogReader {
    db: Db,
    log: LogId,
}

impl LogReader {
    /// A reader of the log of that name, which need not exist yet.
    #[must_use]
    pub fn new(db: &Db, log: &LogId) -> Self {
        Self { db: db.clone(), log: log.clone() }
    }

    /// The signed checkpoint, a note as C2SP tlog-checkpoint has it.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchLog`], or the store's.
    pub async fn checkpoint(&self) -> Result<String, LedgerError> {
        let log = self.log.clone();
        self.db.read(async move |tx| Ok(rows::log(&tx, &log).await?.checkpoint)).await
    }

    /// Size and root that the checkpoint signs.
    ///
    /// # Errors
    /// As [`LogReader::checkpoint`].
    pub async fn head(&self) -> Result<TreeHead, LedgerError> {
        let log = self.log.clone();
        self.db.read(async move |tx| Ok(rows::log(&tx, &log).await?.head)).await
    }

    /// The bytes of any file of the log but its checkpoint.
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] when the signed tree does not have all of it.
    pub async fn file(&self, path: TilePath) -> Result<Vec<u8>, LedgerError> {
        match path {
            TilePath::Hashes { id, width } => self.tile(id, width).await,
            TilePath::Entries { index, width } => self.entries(index, width).await,
        }
    }

    /// The first `width` hashes of a tile.
    ///
    /// # Errors
    /// As [`LogReader::file`].
    pub async fn tile(&self, id: TileId, width: Width) -> Result<Vec<u8>, LedgerError> {
        let log = self.log.clone();
        self.db
            .read(async move |tx| {
                within(&tx, &log, id.path(width)).await?;
                let mut bytes = rows::tile(&tx, &log, id).await?;
                let (need, have) = (width.hash_bytes(), bytes.len());
                if have < need {
                    return Err(disagree(&log, Disagreement::TileShort { tile: id, have, need }));
                }
                bytes.truncate(need);
                Ok(bytes)
            })
            .await
    }

    /// The bundle of the first `width` entries from entry `256 × index` on.
    ///
    /// # Errors
    /// As [`LogReader::file`].
    pub async fn entries(&self, index: u64, width: Width) -> Result<Vec<u8>, LedgerError> {
        let log = self.log.clone();
        self.db
            .read(async move |tx| {
                within(&tx, &log, TilePath::Entries { index, width }).await?;
                let start = index * u64::from(TILE_WIDTH); // fits: the bundle is within the tree
                let end = start + width.hashes() as u64;
                let mut bytes = Vec::new();
                let mut next = start;
                for entry in
                    rows::entries(&tx, &log, start, end).await?.iter().filter(|entry| entry.index < end)
                {
                    if entry.index != next {
                        break;
                    }
                    let pushed = bundle::push(&mut bytes, &entry.bytes);
                    pushed.map_err(|_| LedgerError::EventSize(entry.bytes.len()))?;
                    next += 1;
                }
                match next == end {
                    true => Ok(bytes),
                    false => Err(disagree(&log, Disagreement::EntryMissing(next))),
                }
            })
            .await
    }

    /// The entries `from .. to` with their indexes, at most [`super::BATCH`], as far as the signed tree has them.
    ///
    /// # Errors
    /// As [`LogReader::checkpoint`].
    pub async fn range(&self, from: u64, to: u64) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
        let log = self.log.clone();
        self.db
            .read(async move |tx| {
                let size = rows::log(&tx, &log).await?.head.size;
                let to = to.min(size).min(from.saturating_add(super::BATCH as u64));
                let entries = rows::entries(&tx, &log, from.min(to), to).await?;
                Ok(entries.into_iter().map(|entry| (entry.index, entry.bytes)).collect())
            })
            .await
    }

    /// The proof that entry `index` is in the tree of `size`, leaf to root (RFC 9162 §2.1.3).
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] when the signed tree is smaller than that.
    pub async fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        self.prove(size, move |tiles| prove_inclusion(index, size, tiles)).await
    }

    /// The proof that the tree of `old` is the beginning of the tree of `new` (RFC 9162 §2.1.4).
    ///
    /// # Errors
    /// [`LedgerError::OutOfRange`] when the signed tree is smaller than that.
    pub async fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, LedgerError> {
        self.prove(new, move |tiles| prove_consistency(old, new, tiles)).await
    }

    /// Proves from the tiles at hand, fetching each one it turns out to need: a handful whatever the size.
    async fn prove<P>(&self, size: u64, prove: P) -> Result<Vec<Hash>, LedgerError>
    where
        P: Fn(&mut Fetched) -> Result<Vec<Hash>, ProveError<Absent>> + Send + Sync + 'static,
    {
        let log = self.log.clone();
        self.db
            .read(async move |tx| {
                if size > rows::log(&tx, &log).await?.head.size {
                    return Err(LedgerError::OutOfRange);
                }
                let mut tiles = Fetched(Tiles::new());
                loop {
                    match prove(&mut tiles) {
                        Ok(proof) => return Ok(proof),
                        Err(ProveError::OutOfRange) => return Err(LedgerError::OutOfRange),
                        Err(ProveError::Read(ReadError::Storage { id, .. })) => {
                            tiles.0.insert(id, rows::tile(&tx, &log, id).await?);
                        }
                        Err(ProveError::Read(ReadError::Short { id, need, have })) => {
                            return Err(disagree(&log, Disagreement::TileShort { tile: id, have, need }));
                        }
                    }
                }
            })
            .await
    }

    /// Writes the whole log below a folder in the layout of C2SP tlog-tiles; the checkpoint comes last, so a stop
    /// leaves no checkpoint that promises more than is there.
    ///
    /// # Errors
    /// [`LedgerError::Export`] when a file cannot be written.
    pub async fn export(&self, dir: &Path) -> Result<TreeHead, LedgerError> {
        let log = self.log.clone();
        let row = self.db.read(async move |tx| rows::log(&tx, &log).await).await?;
        for path in TilePath::all(row.head.size) {
            write(dir, &path.to_string(), &self.file(path).await?).await?;
        }
        write(dir, CHECKPOINT_PATH, row.checkpoint.as_bytes()).await?;
        Ok(row.head)
    }
}

/// Tiles at hand; asking for another says which.
struct Fetched(Tiles);

/// A tile was not at hand.
#[derive(Debug)]
struct Absent;

impl bailee_audit::tile::TileReader for Fetched {
    type Error = Absent;

    fn tile(&mut self, id: TileId) -> Result<Vec<u8>, Absent> {
        self.0.get(&id).cloned().ok_or(Absent)
    }
}

async fn within(tx: &Tx, log: &LogId, path: TilePath) -> Result<(), LedgerError> {
    let size = rows::log(tx, log).await?.head.size;
    if path.is_within(size) { Ok(()) } else { Err(LedgerError::OutOfRange) }
}

fn disagree(log: &LogId, what: Disagreement) -> LedgerError {
    LedgerError::Disagrees { log: log.clone(), what }
}

/// Writes a file whole or not at all.
async fn write(dir: &Path, path: &str, bytes: &[u8]) -> std::io::Result<()> {
    let target = dir.join(path);
    let folder = target.parent().unwrap_or(dir);
    tokio::fs::create_dir_all(folder).await?;
    let draft = target.with_extension("partial");
    tokio::fs::write(&draft, bytes).await?;
    tokio::fs::rename(&draft, &target).await
}
