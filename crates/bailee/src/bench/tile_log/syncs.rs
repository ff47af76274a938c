//! One caller: syncs for each group, counted from outside by `strace`, and the time of an append beside a bare write.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use bailee_edge::clock::Clocks;

use super::super::limit::{RawFile, timed};
use super::super::report::{Report, Table, cells, number};
use super::super::stats::{Quantiles, Ratio, is_steady, median};
use super::{Callers, open};

const MARK: &str = "bench-mark";
/// Bytes a group of one 256-byte entry takes in the file: header, entry, checkpoint, padding.
const GROUP_BYTES: usize = 512;
const WARM_UP: usize = 50;
const MOST_P50: f64 = 1.15;
const MOST_P99: f64 = 1.5;

/// Syncs and latency with one caller.
///
/// # Errors
/// When the disk does not work.
pub fn syncs(dir: &Path, rounds: u32, samples: u32) -> anyhow::Result<Report> {
    let clock = Clocks::start();
    let counted = count(dir, samples)?;
    let log = open(&dir.join("log"))?;
    let mut caller = Callers::new(&log, 1);
    caller.run(WARM_UP)?;
    let mut raw = RawFile::ring(dir, GROUP_BYTES, clock)?;
    let mut all = Vec::new();
    for _ in 0..rounds {
        let (mut limit, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..samples {
            limit.push(raw.write_and_sync()?);
            let (done, ms) = timed(clock, || caller.run(1));
            done?;
            ours.push(ms);
        }
        all.push((limit, ours));
    }
    caller.finish()?;
    let mut report = Report::new(
        "a3 tile-syncs",
        "syncs and time of an append to the tile log, one caller, 256-byte entries",
    );
    let mut table = Table::new(&["in a round's turns", "bytes", "p50 ms", "p99", "p99.9"]);
    let mut row = |name: &str, values: Vec<f64>| {
        table.row(
            [name.to_owned(), number(GROUP_BYTES as f64)].into_iter().chain(cells(&Quantiles::of(&values))),
        );
    };
    row("bare write and fdatasync", all.iter().flat_map(|(limit, _)| limit.clone()).collect());
    row("an append", all.iter().flat_map(|(_, ours)| ours.clone()).collect());
    report.table(table);
    match counted {
        Some((groups, syncs, other)) => {
            report.value("syncs for a group", syncs as f64 / f64::from(groups), "", Some(1.0));
            report.value("other syncs for a group", other as f64 / f64::from(groups), "", Some(0.0));
        }
        None => report.note("no strace: the syncs were not counted"),
    }
    let kept: Vec<&(Vec<f64>, Vec<f64>)> = all.iter().filter(|(limit, _)| is_steady(limit)).collect();
    let mut ratio = |what: &str, of: fn(&[f64]) -> f64, most: f64| {
        let each: Vec<f64> = kept.iter().map(|(limit, ours)| of(ours) / of(limit)).collect();
        report.ratio(what, Ratio::of(&each, all.len()), most);
    };
    ratio("an append, p50 beside the bare write", median, MOST_P50);
    ratio("an append, p99 beside the bare write", |values| Quantiles::of(values).p99, MOST_P99);
    report.note(format!("{} of {} rounds had a steady limit", kept.len(), all.len()));
    report.note("the first group of 65,536 entries also makes a file name durable: one sync of the folder");
    Ok(report)
}

/// Groups, syncs of tails, and other syncs; nothing when there is no `strace`.
fn count(dir: &Path, groups: u32) -> anyhow::Result<Option<(u32, u64, u64)>> {
    let dir = tempfile::Builder::new().prefix("syncs-").tempdir_in(dir)?;
    let trace = dir.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-qq", "-e", "trace=fsync,fdatasync", "-o"]).arg(&trace);
    command.arg(std::env::current_exe()?).args(["bench", "tile-commits", "--samples", &groups.to_string()]);
    command.arg("--dir").arg(dir.path());
    let output = match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        output => output?,
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "the watched process failed: {errors}");
    let (syncs, other) =
        between_marks(&std::fs::read_to_string(&trace)?).context("the trace has no marks")?;
    Ok(Some((groups, syncs, other)))
}

/// Lines with a file begin a call; a call that another thread interrupts has a second line without one.
fn between_marks(trace: &str) -> Option<(u64, u64)> {
    let calls =
        trace.lines().filter_map(|line| line.split_once("sync(")?.1.split_once('<')?.1.split_once('>'));
    let mut files = calls.map(|(file, _)| file).skip_while(|file| !file.ends_with(MARK));
    files.next()?;
    let (mut tails, mut other) = (0, 0);
    for file in files {
        match file {
            file if file.ends_with(MARK) => return Some((tails, other)),
            file if file.ends_with(".tail") => tails += 1,
            _ => other += 1,
        }
    }
    None
}

/// The watched process: so many groups of one entry.
///
/// # Errors
/// When the disk does not work.
pub fn commit_watched(dir: &Path, groups: u32) -> anyhow::Result<()> {
    let log = open(&dir.join("log"))?;
    let mut caller = Callers::new(&log, 1);
    caller.run(8)?;
    let mark = dir.join(MARK);
    std::fs::File::create(&mark)?.sync_data()?;
    caller.run(groups as usize)?;
    std::fs::File::create(&mark)?.sync_data()?;
    caller.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_between_the_marks_count_once_each() {
        let trace = "7 fdatasync(9</d/00000000.tail>) = 0\n\
            7 fdatasync(4</d/bench-mark>) = 0\n\
            8 fdatasync(9</d/00000000.tail> <unfinished ...>\n\
            8 <... fdatasync resumed>) = 0\n\
            8 fsync(3</d>) = 0\n\
            7 fdatasync(4</d/bench-mark>) = 0\n";
        assert_eq!(between_marks(trace), Some((1, 1)));
        assert_eq!(between_marks("7 fdatasync(4</d/bench-mark>) = 0\n"), None);
    }
}
