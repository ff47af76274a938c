//! Reads chosen entries one after another and proves each, into a temporary file of lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};

use bailee_audit::proof::{ProveError, prove_inclusion};
use bailee_audit::tile::ReadError;
use bailee_audit::{TileId, TileReader, TreeHead, leaf_hash};
use bailee_domain::id::EvidenceId;
use bailee_evidence::entries::{Entry, Known, Why};

use super::CollectError;
use crate::app::AppError;
use crate::ledger::LogReader;
use crate::store::Db;
use crate::store::tables::evidence;

/// Tiles kept at once: a few per level, of 8 KiB each.
const TILES: usize = 64;
/// Entries read at once.
const RUN: u64 = 256;
/// After how many entries progress is told.
pub const STEP: u64 = 1_000;

/// Where it is noted how far an export is.
#[derive(Clone)]
pub struct Progress {
    /// The store.
    pub db: Db,
    /// Which export.
    pub id: EvidenceId,
}

impl Progress {
    async fn note(&self, done: u64, total: u64) -> Result<(), AppError> {
        let id = self.id;
        self.db.tx(async move |tx| Ok::<_, AppError>(evidence::progress(&tx, id, done, total).await?)).await
    }
}

/// Tiles at hand; asking for another says which.
#[derive(Default)]
struct AtHand(BTreeMap<TileId, Vec<u8>>);

/// A tile was not at hand.
#[derive(Debug)]
struct Absent;

impl TileReader for AtHand {
    type Error = Absent;

    fn tile(&mut self, id: TileId) -> Result<Vec<u8>, Absent> {
        self.0.get(&id).cloned().ok_or(Absent)
    }
}

/// Writes the line of every entry, in order, and notes every [`STEP`] entries how many are done.
///
/// # Errors
/// [`CollectError`]; what the log gives is checked against the tree before it is written.
pub async fn spool(
    log: &LogReader,
    tree: &TreeHead,
    entries: &BTreeMap<u64, Why>,
    progress: &Progress,
) -> Result<File, CollectError> {
    let mut out = BufWriter::new(tempfile::tempfile()?);
    let (mut known, mut tiles, mut done) = (Known::new(tree), AtHand::default(), 0);
    let mut run: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    let total = entries.len() as u64;
    for (index, why) in entries {
        if !run.contains_key(index) {
            run = log.range(*index, index.saturating_add(RUN)).await?.into_iter().collect();
        }
        let missing = || CollectError::Unsound(format!("entry {index} is missing"));
        let leaf = run.remove(index).ok_or_else(missing)?;
        let length = known.path_len(*index).ok_or_else(missing)?;
        let mut path = if length == 0 { Vec::new() } else { prove(log, tree, *index, &mut tiles).await? };
        path.truncate(length);
        known
            .take(*index, leaf_hash(&leaf), &path)
            .map_err(|error| CollectError::Unsound(format!("entry {index} {error}")))?;
        out.write_all(Entry { index: *index, why: *why, leaf, path }.to_line().as_bytes())?;
        done += 1;
        if done % STEP == 0 {
            progress.note(done, total).await?;
        }
    }
    let mut file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

async fn prove(
    log: &LogReader,
    tree: &TreeHead,
    index: u64,
    tiles: &mut AtHand,
) -> Result<Vec<bailee_audit::Hash>, CollectError> {
    loop {
        let id = match prove_inclusion(index, tree.size, tiles) {
            Ok(path) => return Ok(path),
            Err(ProveError::Read(ReadError::Storage { id, .. })) => id,
            Err(error) => return Err(CollectError::Unsound(format!("entry {index}: {error}"))),
        };
        let width = id.width_at(tree.size);
        let width = width.ok_or_else(|| CollectError::Unsound(format!("{id} is beyond the tree")))?;
        if tiles.0.len() >= TILES {
            // The leftmost are behind us.
            tiles.0.retain(|kept, _| kept.level > 0);
        }
        tiles.0.insert(id, log.tile(id, width).await?);
    }
}
