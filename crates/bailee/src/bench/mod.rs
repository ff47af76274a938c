//! `bailee bench`: what this program costs, each figure beside a limit or a peer measured in the same run.
//!
//! A wall-clock number means nothing on a machine that others use too, so every aim is a ratio; limit and work take
//! turns, a round whose limit moved by more than [`stats::STEADY`] says nothing and is dropped, and a bench without
//! enough rounds says "noisy: no result". Benches drive the real controller and the real store; they are never part of
//! the test gate, and must never be needed to run anything. Start with [`run`]; how to read a table is in
//! docs/reference/performance.md.

mod backlog;
mod bank;
mod footprint;
mod forced;
mod keypad;
mod ledger;
mod limit;
mod log_page;
mod machine;
mod postgres;
mod report;
mod stats;
mod store_size;
mod syncs;
mod tile_log;
mod vibration;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use machine::Machine;
use report::Report;

/// What `bailee bench` takes.
#[derive(Args)]
pub struct BenchArgs {
    /// What to measure.
    name: Bench,
    /// How often; the figures are medians over rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Operations in a round.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    samples: u32,
    /// Where data goes, in a folder of its own that is removed; the system's temporary folder without it. It
    /// decides which disk is measured.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Entries of the log, for the benches of one.
    #[arg(long)]
    entries: Option<u64>,
}

/// Entries of a log that a bench builds.
const LOG_ENTRIES: u64 = 1_000_000;
const EXPLORED_ENTRIES: u64 = 10_000_000;
const LARGE_LOG_ENTRIES: u64 = 100_000_000;

/// The benches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bench {
    /// From the last digit of a code to the last byte of the unlock frame, board paced at 9600 baud.
    #[value(alias = "d1")]
    KeypadToWire,
    /// The same with three boards polled on the line.
    #[value(alias = "d1-three")]
    KeypadThreeBoards,
    /// From a forced door to the alarm on the kiosk's page, three boards polled on one line.
    ForcedDoor,
    /// Keypad to wire with no platform and 100,000 events waiting for it, beside the same bank without.
    #[value(alias = "d3")]
    KeypadBacklog,
    /// Syncs for each commit of the custody ledger, and how long a commit takes.
    #[value(alias = "a3")]
    LedgerSyncs,
    /// Memory, time to the first answer, and size of the program.
    #[value(alias = "u1")]
    Footprint,
    /// How well an accelerometer's signal is named, on simulated cabinets and tools, and what that costs.
    Vibration,
    /// Appends to the tile log per second, beside the bare group commit and PostgreSQL.
    #[value(alias = "a1")]
    TileAppend,
    /// Processor time of an append to the tile log.
    #[value(alias = "a2")]
    TileCpu,
    /// Syncs for each group of the tile log, and how long an append takes.
    #[value(alias = "a3-tile")]
    TileSyncs,
    /// Proofs: made and checked.
    #[value(alias = "a4")]
    TileProofs,
    /// The check of a whole log on all cores.
    #[value(alias = "a5")]
    TileVerify,
    /// Bytes an event takes in the tile log.
    #[value(alias = "s1")]
    TileSize,
    /// Bytes an event takes in the log's files and the store beside them.
    #[value(alias = "s1-store")]
    StoreSize,
    /// Pages of the log explorer in a log of ten million events, or as many as `--entries` says.
    LogPage,
    /// A log of a hundred million entries, or as many as `--entries` says.
    #[value(name = "ledger-100m")]
    LedgerLarge,
    /// Commits of a tile log in a folder, for another process to watch.
    #[value(hide = true)]
    TileCommits,
    /// Commits of a ledger in a folder, for another process to watch.
    #[value(hide = true)]
    LedgerCommits,
}

/// Runs a bench and prints what it found.
///
/// # Errors
/// When the bench cannot be run here; a missed aim is a result, not an error.
pub async fn run(args: BenchArgs, json: bool) -> anyhow::Result<()> {
    let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    if args.name == Bench::LedgerCommits {
        return syncs::commit_watched(&place, args.samples).await;
    }
    if args.name == Bench::TileCommits {
        return tile_log::commit_watched(&place, args.samples);
    }
    let entries = args.entries.unwrap_or(LOG_ENTRIES);
    let dir = tempfile::Builder::new().prefix("bailee-bench-").tempdir_in(&place)?;
    let machine = Machine::look(dir.path());
    let mut report = match args.name {
        Bench::KeypadToWire => keypad::run(dir.path(), args.rounds, args.samples, bank::ONE_BOARD).await?,
        Bench::KeypadThreeBoards => {
            keypad::run(dir.path(), args.rounds, args.samples, bank::THREE_BOARDS).await?
        }
        Bench::ForcedDoor => forced::run(dir.path(), args.rounds, args.samples).await?,
        Bench::KeypadBacklog => backlog::run(dir.path(), args.rounds, args.samples).await?,
        Bench::LedgerSyncs => ledger::run(dir.path(), args.rounds, args.samples).await?,
        Bench::Footprint => footprint::run(dir.path(), args.rounds).await?,
        Bench::Vibration => vibration::run(args.samples),
        Bench::TileAppend => tile_log::throughput(dir.path(), args.rounds)?,
        Bench::TileCpu => tile_log::cpu(dir.path(), args.rounds)?,
        Bench::TileSyncs => tile_log::syncs(dir.path(), args.rounds, args.samples)?,
        Bench::TileProofs => tile_log::proofs(dir.path(), args.rounds, entries)?,
        Bench::TileVerify => tile_log::whole(dir.path(), args.rounds, entries)?,
        Bench::TileSize => tile_log::size(dir.path(), entries)?,
        Bench::StoreSize => store_size::store_size(dir.path(), entries).await?,
        Bench::LogPage => {
            log_page::log_page(dir.path(), args.entries.unwrap_or(EXPLORED_ENTRIES), args.samples).await?
        }
        Bench::LedgerLarge => {
            tile_log::large(dir.path(), args.entries.unwrap_or(LARGE_LOG_ENTRIES), args.rounds)?
        }
        Bench::LedgerCommits | Bench::TileCommits => unreachable!("returned above"),
    };
    report.on(machine);
    print(&report, json)
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}
