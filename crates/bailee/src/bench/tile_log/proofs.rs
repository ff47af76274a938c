//! Proofs: made from the log as it is stored, and checked; beside `tlog_tiles` and the hashes nobody can do without.

mod memory;

use std::path::Path;

use bailee_audit::hash::{Hash, TreeHead, leaf_hash, node_hash};
use bailee_audit::proof::verify_inclusion;
use bailee_edge::clock::Clocks;
use bailee_ledger::Reader;

use super::super::limit::timed;
use super::super::report::{Report, Table, number};
use super::super::stats::{Ratio, median};
use super::{Events, Picks, SEED, build, open};

const SLICES: usize = 10;
const PROOFS: usize = 100;
const AT_ONCE: usize = 1_000;
/// Entries of the largest tree that peers hold in memory.
const MOST_IN_MEMORY: u64 = 2_000_000;
const MOST_BESIDE_PEER: f64 = 1.0 / 3.0;
const MOST_BESIDE_LIMIT: f64 = 1.0 / 0.97;

/// Microseconds of one of each.
#[derive(Default)]
struct Times {
    inclusion: Vec<f64>,
    consistency: Vec<f64>,
    at_once: Vec<f64>,
    verify: Vec<f64>,
    limit: Vec<f64>,
    peer_inclusion: Vec<f64>,
    peer_consistency: Vec<f64>,
    ct_inclusion: Vec<f64>,
    ct_consistency: Vec<f64>,
    rs_inclusion: Vec<f64>,
}

/// Proofs in a log of so many entries.
///
/// # Errors
/// When the log does not work.
pub fn proofs(dir: &Path, rounds: u32, entries: u64) -> anyhow::Result<Report> {
    let log = open(&dir.join("log"))?;
    build(&log, &mut Events::new(SEED), entries)?;
    measure(&log.reader(), rounds)
}

/// Proofs in that log.
///
/// # Errors
/// When the log does not work.
pub fn measure(reader: &Reader, rounds: u32) -> anyhow::Result<Report> {
    let clock = Clocks::start();
    let head = reader.head();
    let mut picks = Picks(0x1234_5678_9ABC_DEF1);
    let peer = peer::Peer::new(reader)?;
    let in_memory = memory::Trees::new(reader, MOST_IN_MEMORY)?;
    let mut all = Vec::new();
    for _ in 0..rounds {
        let mut times = Times::default();
        for _ in 0..SLICES {
            slice(reader, &head, &peer, clock, &mut picks, &mut times)?;
            if let Some(trees) = &in_memory {
                trees.slice(&picks.many(PROOFS, reader), clock, &mut times);
            }
        }
        all.push(times);
    }
    let title = format!("proofs in a log of {} entries", head.size);
    let mut report = Report::new("a4 tile-proofs", "proofs, from the log as it is stored");
    report.note(title);
    let mut table = Table::new(&["µs", "ours", "tlog_tiles", "ct-merkle, in memory", "rs_merkle, in memory"]);
    let middle = |pick: &dyn Fn(&Times) -> &Vec<f64>| {
        let each: Vec<f64> = all.iter().flat_map(|times| pick(times).clone()).collect();
        if each.is_empty() { "–".to_owned() } else { number(median(&each)) }
    };
    let none = || "–".to_owned();
    table.row([
        "inclusion".into(),
        middle(&|t| &t.inclusion),
        middle(&|t| &t.peer_inclusion),
        middle(&|t| &t.ct_inclusion),
        middle(&|t| &t.rs_inclusion),
    ]);
    table.row([
        "consistency".into(),
        middle(&|t| &t.consistency),
        middle(&|t| &t.peer_consistency),
        middle(&|t| &t.ct_consistency),
        none(),
    ]);
    table.row([
        "inclusion, each of 1,000 at once".into(),
        middle(&|t| &t.at_once),
        middle(&|t| &t.peer_inclusion),
        none(),
        none(),
    ]);
    table.row(["checking an inclusion".into(), middle(&|t| &t.verify), none(), none(), none()]);
    table.row(["its node hashes alone".into(), middle(&|t| &t.limit), none(), none(), none()]);
    report.table(table);
    let mut ratio =
        |what: &str, ours: &dyn Fn(&Times) -> &Vec<f64>, other: &dyn Fn(&Times) -> &Vec<f64>, most: f64| {
            let each: Vec<f64> = all
                .iter()
                .filter(|times| !other(times).is_empty())
                .map(|times| median(ours(times)) / median(other(times)))
                .collect();
            if !each.is_empty() {
                report.ratio(what, Ratio::of(&each, each.len()), most);
            }
        };
    ratio(
        "an inclusion proof beside tlog_tiles",
        &|t| &t.inclusion,
        &|t| &t.peer_inclusion,
        MOST_BESIDE_PEER,
    );
    ratio(
        "a consistency proof beside tlog_tiles",
        &|t| &t.consistency,
        &|t| &t.peer_consistency,
        MOST_BESIDE_PEER,
    );
    ratio(
        "each of 1,000 at once beside tlog_tiles",
        &|t| &t.at_once,
        &|t| &t.peer_inclusion,
        MOST_BESIDE_PEER,
    );
    ratio("checking beside its hashes (aim: 0.97)", &|t| &t.verify, &|t| &t.limit, MOST_BESIDE_LIMIT);
    if !peer::IS_THERE {
        report.note("built without the feature bench-peers: measured without others");
    }
    if in_memory.is_none() {
        report.note("ct-merkle and rs_merkle hold their trees in memory: measured up to two million entries");
    }
    Ok(report)
}

fn slice(
    reader: &Reader,
    head: &TreeHead,
    peer: &peer::Peer<'_>,
    clock: Clocks,
    picks: &mut Picks,
    times: &mut Times,
) -> anyhow::Result<()> {
    let indexes = picks.many(PROOFS, reader);
    let each = |ms: f64| ms * 1e3 / PROOFS as f64;
    let (proofs, ms) = timed(clock, || {
        indexes.iter().map(|&index| reader.inclusion_proof(index, head.size)).collect::<Result<Vec<_>, _>>()
    });
    let proofs = proofs?;
    times.inclusion.push(each(ms));
    let (done, ms) = timed(clock, || peer.inclusions(&indexes));
    if done? {
        times.peer_inclusion.push(each(ms));
    }
    let consistencies =
        || indexes.iter().try_for_each(|&old| reader.consistency_proof(old.max(1), head.size).map(drop));
    let (done, ms) = timed(clock, consistencies);
    done?;
    times.consistency.push(each(ms));
    let (done, ms) = timed(clock, || peer.consistencies(&indexes));
    if done? {
        times.peer_consistency.push(each(ms));
    }
    let mut many = picks.many(AT_ONCE, reader);
    many.sort_unstable();
    let (done, ms) = timed(clock, || reader.inclusion_proofs(&many, head.size));
    done?;
    times.at_once.push(ms * 1e3 / AT_ONCE as f64);
    let leaves = indexes.iter().map(|&index| Ok(leaf_hash(&reader.entry(index)?)));
    let leaves = leaves.collect::<anyhow::Result<Vec<Hash>>>()?;
    // Three times each, in turns: a slice of either is below a millisecond.
    for _ in 0..3 {
        let verify = || {
            let mut each = leaves.iter().zip(&indexes).zip(&proofs);
            each.all(|((leaf, &index), proof)| verify_inclusion(*leaf, index, head, proof).is_ok())
        };
        let (hold, ms) = timed(clock, verify);
        anyhow::ensure!(hold, "a proof does not hold");
        times.verify.push(each(ms));
        let climb = |leaf: Hash, proof: &Vec<Hash>| {
            proof.iter().fold(leaf, |node, sibling| node_hash(&node, sibling))
        };
        let hashes = || leaves.iter().zip(&proofs).map(|(leaf, proof)| climb(*leaf, proof)).max();
        let (root, ms) = timed(clock, hashes);
        std::hint::black_box(root);
        times.limit.push(each(ms));
    }
    Ok(())
}

#[cfg(feature = "bench-peers")]
mod peer {
    use std::collections::BTreeMap;

    use bailee_audit::tile::{TileId, Width};
    use bailee_ledger::Reader;
    use tlog_tiles::{Error, Hash, Tile, TileHashReader, TileReader, prove_record, prove_tree};

    pub const IS_THERE: bool = true;

    /// The peer reads tiles of leaves from the log, all others from memory: no worse than the log's own reads.
    pub struct Peer<'a> {
        reader: &'a Reader,
        size: u64,
        root: Hash,
        above: BTreeMap<(u8, u64), Vec<u8>>,
    }

    impl<'a> Peer<'a> {
        pub fn new(reader: &'a Reader) -> anyhow::Result<Self> {
            let head = reader.head();
            let mut above = BTreeMap::new();
            for level in 1..8 {
                for index in 0.. {
                    let id = TileId { level, index };
                    let Some(width) = id.width_at(head.size) else { break };
                    above.insert((level, index), reader.tile(id, width)?);
                }
            }
            Ok(Self { reader, size: head.size, root: Hash(head.root.0), above })
        }

        pub fn inclusions(&self, indexes: &[u64]) -> anyhow::Result<bool> {
            for &index in indexes {
                let hashes = TileHashReader::new(self.size, self.root, self);
                prove_record(self.size, index, &hashes).map_err(|error| anyhow::anyhow!("{error:?}"))?;
            }
            Ok(true)
        }

        pub fn consistencies(&self, indexes: &[u64]) -> anyhow::Result<bool> {
            for &index in indexes {
                let hashes = TileHashReader::new(self.size, self.root, self);
                prove_tree(self.size, index.max(1), &hashes).map_err(|error| anyhow::anyhow!("{error:?}"))?;
            }
            Ok(true)
        }
    }

    impl TileReader for Peer<'_> {
        fn height(&self) -> u8 {
            8
        }

        fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
            let read = |tile: &Tile| {
                let bytes = tile.width() as usize * 32;
                if let Some(tile) = self.above.get(&(tile.level(), tile.level_index())) {
                    return tile[..bytes].to_vec();
                }
                let width = Width::new(tile.width() as u16).expect("a tile has 1 to 256 hashes");
                let id = TileId { level: tile.level(), index: tile.level_index() };
                self.reader.tile(id, width).expect("the log has it")
            };
            Ok(tiles.iter().map(read).collect())
        }

        fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
    }
}

#[cfg(not(feature = "bench-peers"))]
mod peer {
    use std::marker::PhantomData;

    use bailee_ledger::Reader;

    pub const IS_THERE: bool = false;

    /// Nobody.
    pub struct Peer<'a>(PhantomData<&'a Reader>);

    #[expect(clippy::unnecessary_wraps, reason = "the peer that is there can fail")]
    impl<'a> Peer<'a> {
        pub fn new(_reader: &'a Reader) -> anyhow::Result<Self> {
            Ok(Self(PhantomData))
        }

        pub fn inclusions(&self, _indexes: &[u64]) -> anyhow::Result<bool> {
            Ok(false)
        }

        pub fn consistencies(&self, _indexes: &[u64]) -> anyhow::Result<bool> {
            Ok(false)
        }
    }
}
