//! The same check on several threads: they hash, one looks at the entries in order.
//!
//! The tiles above the lowest level are checked first, by one thread, since they are one in 256. Then each thread takes
//! the next few tiles of leaves with their bundles: several at once, since handing over one costs as much as hashing some.
//! The first thing wrong, in the order of the log, is what is reported, as when one thread does it all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard};

use super::{Report, Source, VerifyError, Visitor, Walk, Wrong, open_checkpoint};
use crate::bundle;
use crate::hash::second::leaf_hash;
use crate::hash::{HASH_LEN, Hash, hashes};
use crate::key::VerifyingKey;
use crate::tile::{LEVELS, TileId, TilePath};

/// Tiles a thread takes at once.
const RUN: u64 = 16;
/// How many tiles a thread may be ahead of the one that looks at entries, for each thread.
const AHEAD: u64 = 4 * RUN;
/// Bytes of entries that may wait to be looked at; beyond, only the next tile is read.
const MOST_WAITING: u64 = 64 << 20;
/// A bundle's memory is used again unless it has more bytes.
const MOST_SPARE: usize = 64 << 10;

/// What the checked hashes above say of the tiles of leaves.
struct Leaves {
    /// Roots of the full tiles.
    full: Vec<Hash>,
    /// The leaves of the tile being filled.
    partial: Vec<u8>,
}

/// Lets no thread get far ahead.
#[derive(Default)]
struct Gate {
    state: Mutex<Waiting>,
    moved: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// Tiles looked at.
    seen: u64,
    /// Bytes of entries not looked at.
    bytes: u64,
    /// Memory of bundles that were looked at, as many as may be ahead: new memory costs more than hashing a few entries.
    spare: Vec<Vec<u8>>,
}

/// Checked tiles that follow each other, from the first one on: their entries as bundles, and what is wrong with the next.
#[derive(Default)]
struct Done {
    first: u64,
    bundles: Vec<Vec<u8>>,
    wrong: Option<VerifyError>,
}

/// As [`super::verify_log`], on that many threads, each with a source of its own.
///
/// # Errors
/// As [`super::verify_log`].
pub fn verify_log_parallel<S: Source + Clone + Send, V: Visitor>(
    source: &S,
    key: &VerifyingKey,
    visitor: &mut V,
    threads: usize,
) -> Result<Report, VerifyError> {
    let mut top = source.clone();
    let opened = open_checkpoint(&mut top, key)?;
    let size = opened.checkpoint.size;
    let mut report = Report {
        checkpoint: opened.checkpoint,
        entries: 0,
        bundles: 0,
        tiles: 0,
        signatures: opened.checked.good,
        unchecked_signatures: opened.checked.unchecked,
        handed_over: opened.handed_over,
    };
    let leaves = leaves(&mut top, &mut report, size)?;
    let tiles = leaves.full.len() as u64 + u64::from(!leaves.partial.is_empty());
    let (next, gate) = (AtomicU64::new(0), Gate::default());
    let ahead = AHEAD * threads.max(1) as u64;
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<Done>(ahead as usize);
        for _ in 0..threads.max(1) {
            let (send, source) = (send.clone(), source.clone());
            let (leaves, report, next, gate) = (&leaves, &report, &next, &gate);
            scope.spawn(move || work(source, leaves, report, size, tiles, next, gate, ahead, &send));
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut seen = Ok(0);
        while let Ok(done) = receive.recv() {
            waiting.insert(done.first, done);
            while let Some(done) = seen.as_ref().ok().and_then(|tile| waiting.remove(tile)) {
                seen = done.look(size, visitor, &gate);
                if seen.is_err() {
                    // Nothing behind the first thing wrong matters.
                    next.store(u64::MAX / RUN / 2, Ordering::Relaxed);
                    gate.open(u64::MAX, Vec::new());
                }
            }
        }
        seen.map(drop)
    })?;
    report.tiles += tiles;
    (report.bundles, report.entries) = (tiles, size);
    Ok(report)
}

/// Checks all tiles but those of leaves.
fn leaves<S: Source>(source: &mut S, report: &mut Report, size: u64) -> Result<Leaves, VerifyError> {
    let mut ignore = |_: u64, _: &[u8]| Ok(());
    let mut walk = Walk { source, visitor: &mut ignore, report: report.clone(), size };
    let edge = walk.edge()?;
    let mut full = Vec::new();
    for level in (1..LEVELS).rev() {
        if let Some((id, bytes)) = edge.partial(level) {
            walk.report.tiles += 1;
            walk.roots_below(id, bytes, &mut full)?;
        }
    }
    let partial = edge.partial(0).map(|(_, bytes)| bytes.to_vec()).unwrap_or_default();
    report.tiles = walk.report.tiles;
    Ok(Leaves { full, partial })
}

impl<S: Source, V: Visitor> Walk<'_, S, V> {
    fn roots_below(&mut self, id: TileId, bytes: &[u8], full: &mut Vec<Hash>) -> Result<(), VerifyError> {
        if id.level == 1 {
            full.extend(hashes(bytes));
            return Ok(());
        }
        for (index, expected) in (id.index * 256..).zip(hashes(bytes)) {
            let id = TileId { level: id.level - 1, index };
            let bytes = self.checked_tile(id, expected)?;
            self.roots_below(id, &bytes, full)?;
        }
        Ok(())
    }
}

impl<S: Source, V: Visitor> Walk<'_, S, V> {
    /// Checks a tile of leaves and its entries, and gives them as a bundle.
    fn leaf_tile(&mut self, index: u64, leaves: &Leaves, memory: Vec<u8>) -> Result<Vec<u8>, VerifyError> {
        let read;
        let expected = match leaves.full.get(index as usize) {
            Some(&root) => {
                read = self.checked_tile(TileId { level: 0, index }, root)?;
                &read
            }
            None => &leaves.partial,
        };
        let mut expected = expected.chunks_exact(HASH_LEN);
        self.bundle(index, memory, |_, _, entry| {
            if expected.next() == Some(&leaf_hash(entry).0[..]) { Ok(()) } else { Err(Wrong::Entry) }
        })
    }
}

#[expect(clippy::too_many_arguments, reason = "what the threads share")]
fn work<S: Source>(
    mut source: S,
    leaves: &Leaves,
    report: &Report,
    size: u64,
    tiles: u64,
    next: &AtomicU64,
    gate: &Gate,
    ahead: u64,
    send: &SyncSender<Done>,
) {
    let mut ignore = |_: u64, _: &[u8]| Ok(());
    let mut walk = Walk { source: &mut source, visitor: &mut ignore, report: report.clone(), size };
    loop {
        let first = next.fetch_add(1, Ordering::Relaxed) * RUN;
        let mut done = Done { first, ..Done::default() };
        for tile in first..tiles.min(first + RUN) {
            if !gate.is_open_for(tile, ahead) {
                if !done.bundles.is_empty() {
                    let before = std::mem::replace(&mut done, Done { first: tile, ..Done::default() });
                    if send.send(before).is_err() {
                        return;
                    }
                }
                gate.wait_until_open_for(tile, ahead);
            }
            match walk.leaf_tile(tile, leaves, gate.memory()) {
                Ok(bundle) => {
                    gate.hold(bundle.len() as u64);
                    done.bundles.push(bundle);
                }
                Err(wrong) => {
                    done.wrong = Some(wrong);
                    break;
                }
            }
        }
        if first >= tiles || send.send(done).is_err() {
            return;
        }
    }
}

impl Done {
    /// Shows the entries to the visitor; tells which tile is next.
    fn look<V: Visitor>(self, size: u64, visitor: &mut V, gate: &Gate) -> Result<u64, VerifyError> {
        let mut next = self.first;
        for bundle in &self.bundles {
            look(next, size, bundle, visitor)?;
            next += 1;
        }
        gate.open(next, self.bundles);
        self.wrong.map_or(Ok(next), Err)
    }
}

/// Shows the entries of a tile to the visitor.
fn look<V: Visitor>(tile: u64, size: u64, bytes: &[u8], visitor: &mut V) -> Result<(), VerifyError> {
    for (entry, index) in bundle::entries(bytes).zip(tile * 256..) {
        let entry = entry.expect("its thread read all of it");
        visitor.entry(index, entry).map_err(|what| {
            let path = TilePath::entries(tile, size).expect("the bundle is in the tree").to_string();
            VerifyError::unsound(&path, Some(index), Wrong::Content(what))
        })?;
    }
    Ok(())
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().expect("no holder of the gate panics")
    }

    fn hold(&self, bytes: u64) {
        self.state().bytes += bytes;
    }

    fn memory(&self) -> Vec<u8> {
        self.state().spare.pop().unwrap_or_default()
    }

    fn open(&self, seen: u64, bundles: Vec<Vec<u8>>) {
        let bytes = bundles.iter().map(|bundle| bundle.len() as u64).sum();
        let mut state = self.state();
        (state.seen, state.bytes) = (seen, state.bytes.saturating_sub(bytes));
        state.spare.extend(bundles.into_iter().filter(|bundle| bundle.capacity() <= MOST_SPARE));
        drop(state);
        self.moved.notify_all();
    }

    fn is_open_for(&self, tile: u64, ahead: u64) -> bool {
        self.state().lets(tile, ahead)
    }

    fn wait_until_open_for(&self, tile: u64, ahead: u64) {
        let mut state = self.state();
        while !state.lets(tile, ahead) {
            state = self.moved.wait(state).expect("no holder of the gate panics");
        }
    }
}

impl Waiting {
    fn lets(&self, tile: u64, ahead: u64) -> bool {
        tile <= self.seen || (tile < self.seen.saturating_add(ahead) && self.bytes < MOST_WAITING)
    }
}
