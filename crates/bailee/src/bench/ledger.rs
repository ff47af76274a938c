//! Syncs and latency of the custody ledger with one submitter.
//!
//! One submitter's event takes a commit, the row in the transaction of its change, and a run of the sequencer: a group
//! of the tile log, then a commit that notes its place and is not synced. So an event must be two syncs. Their time is
//! measured beside a bare write of as many bytes with one `fdatasync`, into a file that is overwritten round and round like
//! SQLite's log, and beside the same two commits on PostgreSQL where there is one.

use std::path::Path;
use std::sync::Arc;

use bailee_audit::key::{Ed25519Signer, KeyName};
use bailee_edge::clock::Clocks;
use bailee_ledger::disk::FolderDisk;
use bailee_server::ledger::event::{self, NewEvent};
use bailee_server::ledger::{LedgerError, LogId, LogKey, Sequencer};
use bailee_server::store::{Db, DbConfig, migrate};

use super::limit::RawFile;
use super::postgres::Cluster;
use super::report::{Report, Table, cells, number};
use super::stats::{Quantiles, Ratio, is_steady, median};
use super::syncs::{self, STORE, Syncs};

const ORG: &str = "org_bench";
const ENTRY_BYTES: usize = 256;
const NOW_MS: i64 = 1_800_000_000_000;
/// Events before anything is measured: SQLite's log then has its length and is overwritten from the start, as it is on
/// any platform that has run for an hour; a file that still grows makes every sync dearer.
const WARM_UP: u32 = 250;
const MOST_P50: f64 = 1.15;
const MOST_P99: f64 = 1.5;

/// A log in a store, and the events it was given.
pub struct Ledger {
    db: Db,
    sequencer: Sequencer,
    next: u64,
}

impl Ledger {
    /// Makes the schema and an empty log.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn open(db: &Db, folder: &Path) -> anyhow::Result<Self> {
        migrate::to_latest(db).await?;
        let signer = Ed25519Signer::from_seed(KeyName::new("bench.example/log")?, &[7; 32])?;
        let verifying = signer.verifying_key().clone();
        let key = LogKey { signer: Arc::new(signer), verifying, earlier: Vec::new() };
        let log = LogId::new("bench").expect("a good name");
        let disk = FolderDisk::open(folder)?;
        let log = bailee_server::ledger::Ledger::open(db, (&log, ORG), &key, Box::new(disk), NOW_MS).await?;
        Ok(Self { db: db.clone(), sequencer: log.sequencer(db), next: 1 })
    }

    /// Records events one by one, each followed by a run of the sequencer.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn commit(&mut self, events: u32) -> anyhow::Result<()> {
        for _ in 0..events {
            self.record().await?;
            self.sequence().await?;
        }
        Ok(())
    }

    async fn record(&mut self) -> anyhow::Result<()> {
        let seq = self.next;
        self.next += 1;
        self.db
            .tx(async move |tx| {
                let mut bytes = vec![0x5A; ENTRY_BYTES];
                bytes[..8].copy_from_slice(&seq.to_be_bytes());
                let event = NewEvent {
                    org: ORG,
                    source_id: "bnk_bench",
                    source_seq: seq,
                    bytes: &bytes,
                    received_at_ms: NOW_MS,
                };
                event::record(&tx, &event).await.map(|_| ())
            })
            .await
            .map_err(|error: LedgerError| error.into())
    }

    async fn sequence(&self) -> anyhow::Result<()> {
        let done = self.sequencer.run_once(NOW_MS).await?;
        anyhow::ensure!(done.to == done.from + 1, "one event became {} entries", done.to - done.from);
        Ok(())
    }
}

/// Milliseconds of each operation.
#[derive(Clone, Default)]
struct Times {
    record: Vec<f64>,
    sequence: Vec<f64>,
}

struct Round {
    ours: Times,
    postgres: Option<Times>,
    /// As many bytes as each of our commits writes, bare.
    raw: Times,
}

/// Bytes one commit writes.
#[derive(Clone, Copy)]
struct Written {
    record: usize,
    sequence: usize,
}

/// Runs the bench.
///
/// # Errors
/// When the store does not work.
pub async fn run(dir: &Path, rounds: u32, samples: u32) -> anyhow::Result<Report> {
    let clock = Clocks::start();
    let counted = syncs::count(dir, samples)?;
    let db = Db::open(&DbConfig::file(dir.join(STORE))).await?;
    let mut ours = Ledger::open(&db, &dir.join("ledger")).await?;
    ours.commit(WARM_UP).await?;
    let written = written(&mut ours).await?;
    let cluster = Cluster::start()?;
    let mut peer = match &cluster {
        Some(cluster) => {
            let db = Db::open(&DbConfig::postgres(cluster.database()?)).await?;
            Some(Ledger::open(&db, &dir.join("ledger-of-postgres")).await?)
        }
        None => None,
    };
    let mut raw = (RawFile::ring(dir, written.record, clock)?, RawFile::ring(dir, written.sequence, clock)?);
    let mut all = Vec::new();
    for _ in 0..rounds {
        all.push(round(&mut ours, peer.as_mut(), &mut raw, clock, samples).await?);
    }
    Ok(report(&all, counted, written))
}

/// What a commit of each kind writes, as the kernel counts it for this process.
async fn written(ledger: &mut Ledger) -> anyhow::Result<Written> {
    const COMMITS: usize = 20;
    let (mut record, mut sequence) = (0, 0);
    for _ in 0..COMMITS {
        let start = bytes_written()?;
        ledger.record().await?;
        let between = bytes_written()?;
        ledger.sequence().await?;
        record += between - start;
        sequence += bytes_written()? - between;
    }
    Ok(Written { record: record / COMMITS, sequence: sequence / COMMITS })
}

fn bytes_written() -> anyhow::Result<usize> {
    let io = std::fs::read_to_string("/proc/self/io")?;
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| anyhow::anyhow!("/proc/self/io has no wchar"))
}

/// Every kind of operation takes turns, so that all of them meet the same moments of the disk.
async fn round(
    ours: &mut Ledger,
    mut peer: Option<&mut Ledger>,
    raw: &mut (RawFile, RawFile),
    clock: Clocks,
    samples: u32,
) -> anyhow::Result<Round> {
    let mut round = Round {
        ours: Times::default(),
        postgres: peer.as_ref().map(|_| Times::default()),
        raw: Times::default(),
    };
    for _ in 0..samples {
        round.raw.record.push(tokio::task::block_in_place(|| raw.0.write_and_sync())?);
        timed(ours, &mut round.ours, clock).await?;
        if let (Some(peer), Some(times)) = (peer.as_mut(), round.postgres.as_mut()) {
            timed(peer, times, clock).await?;
        }
        round.raw.sequence.push(tokio::task::block_in_place(|| raw.1.write_and_sync())?);
    }
    Ok(round)
}

async fn timed(ledger: &mut Ledger, times: &mut Times, clock: Clocks) -> anyhow::Result<()> {
    let start = clock.elapsed();
    ledger.record().await?;
    let between = clock.elapsed();
    ledger.sequence().await?;
    times.record.push((between - start).as_secs_f64() * 1e3);
    times.sequence.push((clock.elapsed() - between).as_secs_f64() * 1e3);
    Ok(())
}

fn report(rounds: &[Round], counted: Option<Syncs>, written: Written) -> Report {
    let mut report =
        Report::new("a3 ledger-syncs", "syncs and time of a commit, one submitter, 256-byte entries");
    let kept: Vec<&Round> = rounds
        .iter()
        .filter(|round| is_steady(&round.raw.record) && is_steady(&round.raw.sequence))
        .collect();
    report.table(times(
        if kept.is_empty() { rounds.iter().collect() } else { kept.clone() }.as_slice(),
        written,
    ));
    count(&mut report, counted);
    let ratio = |pick: fn(&Times) -> &Vec<f64>, of: fn(&[f64]) -> f64| {
        let each: Vec<f64> = kept.iter().map(|round| of(pick(&round.ours)) / of(pick(&round.raw))).collect();
        Ratio::of(&each, rounds.len())
    };
    let p99 = |values: &[f64]| Quantiles::of(values).p99;
    report.ratio("an event's commit, p50 beside the bare write", ratio(|t| &t.record, median), MOST_P50);
    report.ratio("an event's commit, p99 beside the bare write", ratio(|t| &t.record, p99), MOST_P99);
    report.ratio(
        "a run of the sequencer, p50 beside the bare write",
        ratio(|t| &t.sequence, median),
        MOST_P50,
    );
    report.ratio("a run of the sequencer, p99 beside the bare write", ratio(|t| &t.sequence, p99), MOST_P99);
    report.note(format!("{} of {} rounds had a steady limit", kept.len(), rounds.len()));
    if rounds.iter().all(|round| round.postgres.is_none()) {
        report.note("no PostgreSQL below /usr/lib/postgresql: measured without this peer");
    }
    report
}

fn count(report: &mut Report, counted: Option<Syncs>) {
    let Some(syncs) = counted else {
        return report.note("no strace: the syncs were not counted");
    };
    let Syncs { commits, log, database, tail, other } = syncs;
    // Every event is two commits and one group; the second commit, which notes its place, waits for no sync.
    let each = |count: u64| 2.0 * count as f64 / commits as f64;
    report.value("syncs of the store for an event", each(log.saturating_sub(2 * database)), "", Some(1.0));
    report.value("syncs of the tile log for its group", each(tail), "", Some(1.0));
    report.value("other syncs for an event", each(other), "", Some(0.0));
    report.note(format!(
        "counted by strace in {commits} commits: {log} syncs of the log, {database} of the database file, {tail} of the tile log, {other} others"
    ));
    report.note(
        "once in about a thousand pages SQLite copies its log into the database file: one sync of the log before, one \
         of the file, one of the log's new header; these are told apart by the sync of the file",
    );
}

fn times(rounds: &[&Round], written: Written) -> Table {
    let mut table = Table::new(&["in a round's turns", "bytes", "p50 ms", "p99", "p99.9"]);
    let mut row = |name: &str, bytes: Option<usize>, pick: &dyn Fn(&Round) -> Option<Vec<f64>>| {
        let values: Vec<f64> = rounds.iter().filter_map(|round| pick(round)).flatten().collect();
        if !values.is_empty() {
            let bytes = bytes.map_or_else(|| "–".to_owned(), |bytes| number(bytes as f64));
            table.row([name.to_owned(), bytes].into_iter().chain(cells(&Quantiles::of(&values))));
        }
    };
    row("bare write and fdatasync", Some(written.record), &|r| Some(r.raw.record.clone()));
    row("an event's commit, SQLite", Some(written.record), &|r| Some(r.ours.record.clone()));
    row("an event's commit, PostgreSQL", None, &|r| r.postgres.as_ref().map(|t| t.record.clone()));
    row("bare write and fdatasync", Some(written.sequence), &|r| Some(r.raw.sequence.clone()));
    row("a run of the sequencer, SQLite", Some(written.sequence), &|r| Some(r.ours.sequence.clone()));
    row("a run of the sequencer, PostgreSQL", None, &|r| r.postgres.as_ref().map(|t| t.sequence.clone()));
    table
}
