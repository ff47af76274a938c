//! How fast entries become durable, beside the bare group commit and PostgreSQL; and what they cost the processor.

use std::path::{Path, PathBuf};
use std::sync::Barrier;

use bailee_audit::hash::{Hash, leaf_hash, node_hash};
use bailee_edge::clock::Clocks;

use super::super::limit::{RawFile, timed};
use super::super::postgres::Cluster;
use super::super::report::{Report, Table, number};
use super::super::stats::{Ratio, is_steady, median};
use super::{Callers, ENTRY_BYTES, open, processor_seconds};

/// Entries of a batch of the limit.
const LIMIT_BATCH: usize = 1_000;
const SLICES: usize = 12;
/// Callers, and entries they have answered in a slice.
const CALLERS: [(usize, usize); 3] = [(20, 400), (200, 4_000), (2_000, 20_000)];
/// 2,000 clients take PostgreSQL seconds to connect, which count.
const PG_SECONDS: u32 = 12;
const SQLITE_INSERTS: u32 = 500;
const SYNCS: usize = 300;
const SYNCED_BYTES: usize = 4_096;
const MOST_BESIDE_LIMIT: f64 = 1.0 / 0.6;
const MOST_BESIDE_POSTGRES: f64 = 1.0 / 12.0;
const MOST_CPU: f64 = 2.5;
const CPU_SLICE: usize = 20_000;
const PACKER: &str = "ledger-packer";

/// Microseconds an entry takes.
#[derive(Clone, Default)]
struct Round {
    limit: Vec<f64>,
    /// For each number of callers.
    ours: [Vec<f64>; 3],
    postgres: [Option<f64>; 3],
    sqlite: Option<f64>,
    /// Bare syncs of a small write in a second: one at a time, and two.
    syncs: [f64; 2],
}

/// Appends per second.
///
/// # Errors
/// When the disk or PostgreSQL does not work.
pub fn throughput(dir: &Path, rounds: u32) -> anyhow::Result<Report> {
    let clock = Clocks::start();
    let log = open(&dir.join("log"))?;
    let mut raw = RawFile::ring(dir, LIMIT_BATCH * ENTRY_BYTES, clock)?;
    let cluster = Cluster::start()?;
    let mut all = Vec::new();
    for _ in 0..rounds {
        let mut round = Round::default();
        for (place, (clients, entries)) in CALLERS.into_iter().enumerate() {
            let mut callers = Callers::new(&log, clients);
            // Half before the peer and half after it.
            for slice in 0..SLICES {
                if let Some(cluster) = cluster.as_ref().filter(|_| slice == SLICES / 2) {
                    let rate = cluster.inserts(clients, ENTRY_BYTES, PG_SECONDS)?;
                    round.postgres[place] = Some(1e6 / rate);
                }
                round.limit.push(raw.write_and_sync()? * 1e3 / LIMIT_BATCH as f64);
                let (done, ms) = timed(clock, || callers.run(entries));
                done?;
                round.ours[place].push(ms * 1e3 / entries as f64);
                round.limit.push(raw.write_and_sync()? * 1e3 / LIMIT_BATCH as f64);
            }
            callers.finish()?;
        }
        round.sqlite = sqlite::insert(dir, ENTRY_BYTES, SQLITE_INSERTS, clock)?;
        round.syncs = [syncs(dir, 1, clock)?, syncs(dir, 2, clock)?];
        all.push(round);
    }
    Ok(report(&all))
}

/// Syncs of 4,096 bytes in a second by that many threads, each into a file of its own.
fn syncs(dir: &Path, threads: usize, clock: Clocks) -> anyhow::Result<f64> {
    let files = (0..threads).map(|thread| {
        let folder = dir.join(format!("raw-{thread}"));
        std::fs::create_dir_all(&folder)?;
        RawFile::ring(&folder, SYNCED_BYTES, clock)
    });
    let files = files.collect::<std::io::Result<Vec<_>>>()?;
    let work = |mut file: RawFile| (0..SYNCS).try_for_each(|_| file.write_and_sync().map(drop));
    let (done, ms) = timed(clock, || {
        std::thread::scope(|scope| {
            let threads: Vec<_> = files.into_iter().map(|file| scope.spawn(move || work(file))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().expect("it does not panic"))
        })
    });
    done?;
    Ok((threads * SYNCS) as f64 * 1e3 / ms)
}

fn report(rounds: &[Round]) -> Report {
    let title = "appends, 256-byte entries; answered when durable, in the tree and signed for";
    let mut report = Report::new("a1 tile-append", title);
    let kept: Vec<&Round> = rounds.iter().filter(|round| is_steady(&round.limit)).collect();
    let shown = if kept.is_empty() { rounds.iter().collect() } else { kept.clone() };
    let mut table =
        Table::new(&["callers", "tile log, entries per second", "PostgreSQL inserts", "SQLite inserts"]);
    let per_second = |values: Vec<f64>| match values.is_empty() {
        true => "–".to_owned(),
        false => number(1e6 / median(&values)),
    };
    let sqlite = per_second(shown.iter().filter_map(|round| round.sqlite).collect());
    for (place, (callers, _)) in CALLERS.into_iter().enumerate() {
        let ours = shown.iter().map(|round| median(&round.ours[place])).collect();
        let postgres = shown.iter().filter_map(|round| round.postgres[place]).collect();
        table.row([callers.to_string(), per_second(ours), per_second(postgres), sqlite.clone()]);
    }
    let limit = per_second(shown.iter().map(|round| median(&round.limit)).collect());
    table.row(["a write and fdatasync of 1,000 entries".to_owned(), limit, "–".to_owned(), "–".to_owned()]);
    report.table(table);
    let beside_limit: Vec<f64> =
        kept.iter().map(|round| median(&round.ours[2]) / median(&round.limit)).collect();
    let what = "time of an entry with 2,000 callers beside the limit (aim: 0.6 of its rate)";
    report.ratio(what, Ratio::of(&beside_limit, rounds.len()), MOST_BESIDE_LIMIT);
    for (place, (callers, _)) in CALLERS.into_iter().enumerate() {
        let beside = |round: &Round| Some(median(&round.ours[place]) / round.postgres[place]?);
        let each: Vec<f64> = rounds.iter().filter_map(beside).collect();
        if !each.is_empty() {
            let what = format!(
                "time of an entry with {callers} callers beside PostgreSQL's (aim: 12 times its rate)"
            );
            report.ratio(what, Ratio::of(&each, rounds.len()), MOST_BESIDE_POSTGRES);
        }
    }
    for (place, what) in ["one at a time", "two at a time"].into_iter().enumerate() {
        let each: Vec<f64> = rounds.iter().map(|round| round.syncs[place]).collect();
        report.value(format!("bare syncs of 4,096 bytes in a second, {what}"), median(&each), "", None);
    }
    if rounds.iter().all(|round| round.postgres[0].is_none()) {
        report.note("no PostgreSQL below /usr/lib/postgresql: measured without this peer");
    }
    report.note("SQLite has one writer at a time, so its callers wait in line: one of them is measured");
    report.note(format!("{} of {} rounds had a steady limit", kept.len(), rounds.len()));
    report
}

/// Processor time of an append with 2,000 callers, on memory.
///
/// # Errors
/// When the log does not work.
pub fn cpu(dir: &Path, rounds: u32) -> anyhow::Result<Report> {
    let memory = PathBuf::from("/dev/shm");
    let place = if memory.is_dir() { memory } else { dir.to_owned() };
    let folder = tempfile::Builder::new().prefix("bailee-bench-").tempdir_in(place)?;
    let log = open(&folder.path().join("log"))?;
    let mut callers = Callers::new(&log, 2_000);
    callers.run(CPU_SLICE)?;
    let (mut limits, mut ours, mut ratios, mut packing) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (mut limit, mut work, mut packed) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..SLICES {
            let start = processor_seconds(PACKER)?;
            let hashed = hash_on_all_cores(CPU_SLICE)?;
            let between = processor_seconds(PACKER)?;
            callers.run(CPU_SLICE)?;
            let end = processor_seconds(PACKER)?;
            let of_entry = |seconds: f64| seconds * 1e6 / CPU_SLICE as f64;
            limit.push(of_entry(hashed.1 - start.1));
            work.push(of_entry(end.1 - between.1));
            packed.push(of_entry(end.0 - start.0));
        }
        ratios.push(median(&work) / median(&limit));
        limits.push(median(&limit));
        ours.push(median(&work));
        packing.push(packed.iter().sum::<f64>() / packed.len() as f64);
    }
    callers.finish()?;
    let mut report =
        Report::new("a2 tile-cpu", "processor time of an append, 2,000 callers, 256-byte entries, on memory");
    let mut table = Table::new(&["", "µs"]);
    table.row(["one leaf hash and one node hash".to_owned(), number(median(&limits))]);
    table.row(["an append, callers and writer".to_owned(), number(median(&ours))]);
    table.row(["packing it later, in the background".to_owned(), number(median(&packing))]);
    report.table(table);
    report.ratio("an append beside the limit", Ratio::of(&ratios, rounds as usize), MOST_CPU);
    report.note("an append hashes twice: once to build the tree, once from the bytes about to be written");
    Ok(report)
}

/// The hashes of so many entries, on as many cores as the log keeps busy: cores that share their units are each slower
/// when both work. The threads' time is theirs until they are told to end.
fn hash_on_all_cores(entries: usize) -> anyhow::Result<(f64, f64)> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (done, measured) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                hash(entries / threads);
                done.wait();
                measured.wait();
            });
        }
        done.wait();
        let seconds = processor_seconds(PACKER);
        measured.wait();
        seconds
    })
}

/// So many leaf hashes and node hashes.
fn hash(entries: usize) {
    let mut entry = [0x5A; ENTRY_BYTES];
    let mut root = Hash::EMPTY_TREE;
    for number in 0..entries {
        entry[..8].copy_from_slice(&(number as u64).to_be_bytes());
        root = node_hash(&leaf_hash(&entry), &root);
    }
    std::hint::black_box(root);
}

/// One row in a transaction of its own, as `synchronous = FULL` makes it durable.
#[cfg(feature = "bench-peers")]
mod sqlite {
    use std::path::Path;

    use bailee_edge::clock::Clocks;
    use rusqlite::Connection;

    use super::timed;

    /// Microseconds of an insert.
    pub fn insert(dir: &Path, bytes: usize, inserts: u32, clock: Clocks) -> anyhow::Result<Option<f64>> {
        let conn = Connection::open(dir.join("peer.db"))?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
            CREATE TABLE IF NOT EXISTS inserted (id INTEGER PRIMARY KEY, entry BLOB NOT NULL);",
        )?;
        let mut statement = conn.prepare("INSERT INTO inserted (entry) VALUES (?1)")?;
        let entry = vec![0x5A_u8; bytes];
        let (done, ms) =
            timed(clock, || (0..inserts).try_for_each(|_| statement.execute([&entry]).map(drop)));
        done?;
        Ok(Some(ms * 1e3 / f64::from(inserts)))
    }
}

#[cfg(not(feature = "bench-peers"))]
mod sqlite {
    use std::path::Path;

    use bailee_edge::clock::Clocks;

    /// Nobody.
    #[expect(clippy::unnecessary_wraps, reason = "the peer that is there can fail")]
    pub fn insert(_dir: &Path, _bytes: usize, _inserts: u32, _clock: Clocks) -> anyhow::Result<Option<f64>> {
        Ok(None)
    }
}
