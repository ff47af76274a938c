//! The one writer of a log: pending events in, entries, tiles and a signed checkpoint out, in one transaction.
//!
//! A run keeps nothing in memory from the run before: it loads the right edge from the stored tiles, checks it against
//! the signed checkpoint, appends, reads back, recomputes, signs, swaps. So recovery after a stop is a run like any
//! other, and a damaged log is refused at the first run rather than signed over.
//!
//! What a stop leaves, at any [`Stage`]: before the commit the old log, the events still pending; after it the new one.
//! A checkpoint signed in a run that did not commit was never readable by anybody, since readers get it from the store.

use std::sync::Arc;

use bailee_audit::{
    checkpoint::Checkpoint,
    hash::{HASH_LEN, Hash, TreeHead, leaf_hash},
    key::{Signer, VerifyingKey},
    tile::{ReadError, TILE_WIDTH, TileId},
    tree::{Edge, Growth, root_from_leaves},
};

use super::{
    Disagreement, LedgerError, LogId,
    rows::{self, EntryRow, LogRow, PendingRow, Tiles},
};
use crate::store::{Db, Tx};

/// Most events one run turns into entries: it bounds how long a run holds the writer.
pub const BATCH: usize = 1_000;

/// The key of a log: what signs and what anybody checks with.
#[derive(Clone)]
pub struct LogKey {
    /// Signs checkpoints; its name is the log's origin. Called within the transaction: it should answer in milliseconds.
    pub signer: Arc<dyn Signer + Send + Sync>,
    /// The published key.
    pub verifying: VerifyingKey,
}

/// What a run did: the entries `from .. to` are new, durable and under the signed checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequenced {
    /// Size before.
    pub from: u64,
    /// Size after; equal when nothing was pending.
    pub to: u64,
}

impl Sequenced {
    /// True when as much was taken as one run may take: there is probably more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.to - self.from >= BATCH as u64
    }
}

/// The steps of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The log's row is held.
    Locked,
    /// The right edge is loaded and agrees with the checkpoint.
    Loaded,
    /// Entries are written.
    Entries,
    /// Tiles are written.
    Tiles,
    /// Events point at their leaves.
    Marked,
    /// What was written was read back and recomputed.
    Recomputed,
    /// The checkpoint is signed.
    Signed,
    /// The head is swapped; only the commit is left.
    Swapped,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 8] = [
        Self::Locked,
        Self::Loaded,
        Self::Entries,
        Self::Tiles,
        Self::Marked,
        Self::Recomputed,
        Self::Signed,
        Self::Swapped,
    ];
}

/// Called after each stage of a run; an error ends the run there. For crash tests and simulation.
pub type Tripwire = Arc<dyn Fn(Stage) -> Result<(), LedgerError> + Send + Sync>;

/// The sequencer of one log; cheap to clone.
#[derive(Clone)]
pub struct Sequencer {
    db: Db,
    log: LogId,
    key: LogKey,
    tripwire: Option<Tripwire>,
}

impl Sequencer {
    /// Opens a log for appending, making an empty one if there is none, and checks what is stored of it.
    ///
    /// # Errors
    /// [`LedgerError::Disagrees`] naming what contradicts what: the log is then not to be appended to.
    pub async fn open(
        db: &Db,
        log: &LogId,
        org: &str,
        key: &LogKey,
        now_ms: i64,
    ) -> Result<Self, LedgerError> {
        let this = Self { db: db.clone(), log: log.clone(), key: key.clone(), tripwire: None };
        let (checker, org) = (this.clone(), org.to_owned());
        db.tx_locked(async move |tx| {
            checker.create(&tx, &org, now_ms).await?;
            let row = rows::lock_log(&tx, &checker.log).await?;
            checker.load(&tx, &row).await.map(|_| ())
        })
        .await?;
        Ok(this)
    }

    /// The same sequencer with something watching its stages.
    #[must_use]
    pub fn with_tripwire(self, tripwire: Tripwire) -> Self {
        Self { tripwire: Some(tripwire), ..self }
    }

    /// Turns up to [`BATCH`] pending events into entries under a new signed checkpoint, or changes nothing.
    ///
    /// # Errors
    /// See [`LedgerError`]; after any of them the log is as it was before or, for an unknown outcome, after.
    pub async fn run_once(&self, now_ms: i64) -> Result<Sequenced, LedgerError> {
        let this = self.clone();
        let size = self.db.read(async move |tx| this.size_if_idle(&tx).await).await?;
        if let Some(size) = size {
            return Ok(Sequenced { from: size, to: size });
        }
        let this = self.clone();
        self.db.tx_locked(async move |tx| this.run(&tx, now_ms).await).await
    }

    async fn create(&self, tx: &Tx, org: &str, now_ms: i64) -> Result<(), LedgerError> {
        let head = Edge::empty().head();
        let origin = self.key.signer.name().as_str().to_owned();
        let checkpoint = self.sign(&origin, head)?;
        let row = LogRow { org: org.to_owned(), origin, head, checkpoint, cas: 0 };
        rows::insert_log(tx, &self.log, &row, now_ms).await.map(|_| ())
    }

    /// The size when nothing is pending, so that an idle run writes nothing and wakes nobody.
    async fn size_if_idle(&self, tx: &Tx) -> Result<Option<u64>, LedgerError> {
        match rows::is_pending(tx, &self.log).await? {
            true => Ok(None),
            false => Ok(Some(rows::log(tx, &self.log).await?.head.size)),
        }
    }

    async fn run(&self, tx: &Tx, now_ms: i64) -> Result<Sequenced, LedgerError> {
        let row = rows::lock_log(tx, &self.log).await?;
        self.passed(Stage::Locked)?;
        let before = self.load(tx, &row).await?;
        self.passed(Stage::Loaded)?;
        let pending = rows::pending(tx, &row.org, BATCH).await?;
        if pending.is_empty() {
            return Ok(Sequenced { from: row.head.size, to: row.head.size });
        }
        let ids: Vec<i64> = pending.iter().map(|event| event.id).collect();
        let growth = self.append(tx, &before, pending).await?;
        let marked = rows::mark_sequenced(tx, &ids, before.size()).await?;
        if marked != growth.head.size - before.size() {
            return Err(self.disagree(Disagreement::EntryAndEvent(before.size() + marked)));
        }
        self.passed(Stage::Marked)?;
        self.recompute(tx, &row, &before, &growth).await?;
        self.passed(Stage::Recomputed)?;
        let checkpoint = self.sign(&row.origin, growth.head)?;
        self.passed(Stage::Signed)?;
        if !rows::swap_head(tx, &self.log, &row, &growth.head, &checkpoint, now_ms).await? {
            return Err(LedgerError::Overtaken(self.log.clone()));
        }
        self.passed(Stage::Swapped)?;
        Ok(Sequenced { from: before.size(), to: growth.head.size })
    }

    /// The right edge from stored tiles, once row, checkpoint, tiles and the last entries agree.
    async fn load(&self, tx: &Tx, row: &LogRow) -> Result<Edge, LedgerError> {
        let opened = Checkpoint::open(row.checkpoint.as_bytes(), &self.key.verifying)
            .map_err(|error| self.disagree(Disagreement::Checkpoint(error)))?;
        let signed = opened.checkpoint.head();
        if signed != row.head {
            return Err(self.disagree(Disagreement::RowAndCheckpoint {
                row_size: row.head.size,
                row_root: row.head.root,
                signed_size: signed.size,
                signed_root: signed.root,
            }));
        }
        let tiles = rows::edge_tiles(tx, &self.log, row.head.size).await?;
        let edge = self.edge_of(row.head.size, &tiles)?;
        if edge.root() != row.head.root {
            return Err(self.disagree(Disagreement::TilesAndRoot { tiles: edge.root(), row: row.head.root }));
        }
        self.check_last_entries(tx, row.head.size).await?;
        Ok(edge)
    }

    fn edge_of(&self, size: u64, tiles: &Tiles) -> Result<Edge, LedgerError> {
        let mut reader =
            |id: TileId| Ok::<_, std::convert::Infallible>(tiles.get(&id).cloned().unwrap_or_default());
        Edge::load(size, &mut reader).map_err(|error| match error {
            ReadError::Short { id, need, have } => {
                self.disagree(Disagreement::TileShort { tile: id, have, need })
            }
            ReadError::Storage { source, .. } => match source {},
        })
    }

    /// The entries of the last bundle are those its leaf tile names, and nothing lies beyond.
    async fn check_last_entries(&self, tx: &Tx, size: u64) -> Result<(), LedgerError> {
        match rows::last_entry(tx, &self.log).await? {
            Some(last) if last >= size => return Err(self.disagree(Disagreement::EntryBeyond(last))),
            _ => {}
        }
        let start = rows::last_bundle_start(size);
        let leaves = self.leaves_as_stored(tx, start, size).await?;
        let tile =
            rows::tile(tx, &self.log, TileId { level: 0, index: start / u64::from(TILE_WIDTH) }).await?;
        for ((leaf, of_tile), index) in leaves.iter().zip(tile.chunks(HASH_LEN)).zip(start..) {
            if leaf.0 != of_tile {
                return Err(self.disagree(Disagreement::EntryAndLeaf(index)));
            }
        }
        Ok(())
    }

    async fn append(&self, tx: &Tx, before: &Edge, pending: Vec<PendingRow>) -> Result<Growth, LedgerError> {
        let entry = |(event, index): (PendingRow, u64)| {
            let leaf = leaf_hash(&event.bytes);
            EntryRow { index, bytes: event.bytes, leaf }
        };
        let entries: Vec<EntryRow> = pending.into_iter().zip(before.size()..).map(entry).collect();
        rows::insert_entries(tx, &self.log, &entries).await?;
        self.passed(Stage::Entries)?;
        let (_, growth) = before.append(entries.iter().map(|entry| entry.leaf));
        for (id, bytes) in &growth.tiles {
            rows::put_tile(tx, &self.log, *id, bytes).await?;
        }
        self.passed(Stage::Tiles)?;
        Ok(growth)
    }

    /// Reads back what this run wrote and arrives at the same root by another way, or refuses to sign.
    ///
    /// This finds what we did wrong (a mistaken bind, order, conversion or hash), not what the disk does later: for
    /// that there is the check at the start of every run, and the verifier.
    async fn recompute(
        &self,
        tx: &Tx,
        row: &LogRow,
        before: &Edge,
        growth: &Growth,
    ) -> Result<(), LedgerError> {
        let (from, to) = (before.size(), growth.head.size);
        let leaves = self.leaves_as_stored(tx, from, to).await?;
        let recomputed = root_from_leaves(before, &leaves);
        if recomputed != growth.head.root {
            return Err(self.disagree(Disagreement::SecondPath { appended: growth.head.root, recomputed }));
        }
        let events = rows::events_at(tx, &row.org, from, to).await?;
        for entry in rows::entries(tx, &self.log, from, to).await? {
            if events.get(&entry.index) != Some(&entry.bytes) {
                return Err(self.disagree(Disagreement::EntryAndEvent(entry.index)));
            }
        }
        for (id, bytes) in &growth.tiles {
            if rows::tile(tx, &self.log, *id).await? != *bytes {
                return Err(self.disagree(Disagreement::TileWritten(*id)));
            }
        }
        let tiles = rows::edge_tiles(tx, &self.log, to).await?;
        let stored = self.edge_of(to, &tiles)?.root();
        match stored == growth.head.root {
            true => Ok(()),
            false => Err(self.disagree(Disagreement::TilesAndRoot { tiles: stored, row: growth.head.root })),
        }
    }

    /// Leaf hashes computed anew from the stored bytes of the entries `from .. to`, each compared with the stored hash.
    async fn leaves_as_stored(&self, tx: &Tx, from: u64, to: u64) -> Result<Vec<Hash>, LedgerError> {
        let stored = rows::entries(tx, &self.log, from, to).await?;
        for (entry, index) in stored.iter().zip(from..) {
            if entry.index != index {
                return Err(self.disagree(Disagreement::EntryMissing(index)));
            }
            if entry.leaf != leaf_hash(&entry.bytes) {
                return Err(self.disagree(Disagreement::EntryAndLeaf(index)));
            }
        }
        let reached = from + stored.len() as u64;
        match reached == to {
            true => Ok(stored.into_iter().map(|entry| entry.leaf).collect()),
            false => Err(self.disagree(Disagreement::EntryMissing(reached))),
        }
    }

    /// Signs a tree and checks the signature as everybody else will.
    fn sign(&self, origin: &str, head: TreeHead) -> Result<String, LedgerError> {
        let note =
            Checkpoint::new(origin, head).sign(&[self.key.signer.as_ref()]).map_err(LedgerError::Sign)?;
        let text = note.to_string();
        let opened = Checkpoint::open(text.as_bytes(), &self.key.verifying).map_err(LedgerError::Sign)?;
        debug_assert_eq!(opened.checkpoint.head(), head);
        Ok(text)
    }

    fn passed(&self, stage: Stage) -> Result<(), LedgerError> {
        self.tripwire.as_ref().map_or(Ok(()), |tripwire| tripwire(stage))
    }

    fn disagree(&self, what: Disagreement) -> LedgerError {
        LedgerError::Disagrees { log: self.log.clone(), what }
    }
}
