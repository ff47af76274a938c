//! The check of a whole log, as published files and as it is stored, beside the hashes it cannot do without.

use std::path::Path;

use bailee_audit::hash::{Hash, leaf_hash, node_hash};
use bailee_audit::{DirSource, verify_log_parallel};
use bailee_edge::clock::Clocks;

use super::super::limit::timed;
use super::super::report::{Report, Table, number};
use super::super::stats::{Ratio, median};
use super::{Events, SEED, build, open, process_seconds, verifying_key};

const MOST_BESIDE_LIMIT: f64 = 1.0 / 0.85;

/// Checks of a log of so many entries.
///
/// # Errors
/// When the log does not work.
pub fn whole(dir: &Path, rounds: u32, entries: u64) -> anyhow::Result<Report> {
    let clock = Clocks::start();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let log = open(&dir.join("log"))?;
    build(&log, &mut Events::new(SEED), entries)?;
    let reader = log.reader();
    let export = dir.join("export");
    reader.export(&export)?;
    let mut events = Events::new(SEED);
    let all: Vec<Vec<u8>> = (0..entries).map(|_| events.entry()).collect();
    let key = verifying_key()?;
    let (mut limits, mut published, mut stored) = (Times::default(), Times::default(), Times::default());
    for _ in 0..rounds {
        limits.add(clock, || {
            hash(&all, threads);
            Ok(())
        })?;
        published.add(clock, || {
            let mut visitor = |_: u64, _: &[u8]| Ok(());
            verify_log_parallel(&DirSource::new(&export), &key, &mut visitor, threads)?;
            Ok(())
        })?;
        stored.add(clock, || Ok(reader.check(&key, threads, &|_| ()).map(drop)?))?;
    }
    let mut report =
        Report::new("a5 tile-verify", "the check of a whole log, on all cores, without looking into entries");
    let mut table = Table::new(&["", "entries per second", "µs of processor an entry"]);
    let mut row = |name: &str, of: &Times| {
        let seconds = median(&of.cpu) * 1e6 / entries as f64;
        table.row([name.to_owned(), number(entries as f64 * 1e3 / median(&of.wall)), number(seconds)]);
    };
    row("one leaf hash and one node hash each", &limits);
    row("published files (bailee verify ledger)", &published);
    row("packed segments (ledger check)", &stored);
    report.table(table);
    let ratio = |ours: &[f64], limit: &[f64]| {
        let each: Vec<f64> = ours.iter().zip(limit).map(|(ours, limit)| ours / limit).collect();
        Ratio::of(&each, rounds as usize)
    };
    let (wall, cpu) = (ratio(&published.wall, &limits.wall), ratio(&published.cpu, &limits.cpu));
    report.ratio(
        "published files, processor time beside the limit's (aim: 0.85 of its rate)",
        cpu,
        MOST_BESIDE_LIMIT,
    );
    report.ratio("published files, time beside the limit's (aim: 0.85 of its rate)", wall, MOST_BESIDE_LIMIT);
    let packed = ratio(&stored.cpu, &limits.cpu).map_or(0.0, |ratio| ratio.median);
    report.value("packed segments, processor time beside the limit's", packed, "x", None);
    report.note(format!("{entries} realistic events, {threads} threads"));
    Ok(report)
}

/// Milliseconds by the clock, and seconds of the processor.
#[derive(Default)]
struct Times {
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

impl Times {
    fn add(&mut self, clock: Clocks, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let before = process_seconds()?;
        let (done, ms) = timed(clock, work);
        self.wall.push(ms);
        self.cpu.push(process_seconds()? - before);
        done
    }
}

/// The hashes of the tree, on that many threads.
fn hash(entries: &[Vec<u8>], threads: usize) {
    std::thread::scope(|scope| {
        for part in entries.chunks(entries.len().div_ceil(threads).max(1)) {
            scope.spawn(move || {
                let climb = |node: Hash, entry: &Vec<u8>| node_hash(&leaf_hash(entry), &node);
                std::hint::black_box(part.iter().fold(Hash::EMPTY_TREE, climb));
            });
        }
    });
}
