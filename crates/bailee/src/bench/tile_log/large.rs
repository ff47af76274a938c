//! A log of a hundred million entries, built as a stream: what a proof, a page and the memory cost on the way there.

use std::path::Path;

use bailee_edge::clock::Clocks;
use bailee_ledger::Reader;

use super::super::limit::timed;
use super::super::report::{Report, Table, number};
use super::super::stats::median;
use super::{Events, Picks, SEED, build, open, proofs, size};

const PAGE: u64 = 50;
const PICKS: usize = 500;
const MOST_MEMORY_MB: f64 = 200.0;
/// Entries between two words about progress.
const STEP: u64 = 1_000_000;

/// Builds a log of so many entries and looks at it at each power of ten from a million on.
///
/// # Errors
/// When the log does not work.
pub fn large(dir: &Path, entries: u64, rounds: u32) -> anyhow::Result<Report> {
    let clock = Clocks::start();
    let folder = dir.join("log");
    let log = open(&folder)?;
    let mut events = Events::new(SEED);
    let mut report =
        Report::new("ledger-100m", "a large log: proofs, pages, memory and bytes while it grows");
    let mut table = Table::new(&[
        "entries",
        "proof µs",
        "page of 50, ms",
        "resident MB",
        "bytes per event",
        "µs per append",
    ]);
    let looks: Vec<u64> = std::iter::successors(Some(STEP), |size| size.checked_mul(10))
        .take_while(|&size| size < entries)
        .chain([entries])
        .collect();
    let mut since = clock.elapsed();
    let mut before = 0;
    for look in looks {
        let mut size_now = log.reader().head().size;
        while size_now < look {
            size_now = (size_now + STEP).min(look);
            build(&log, &mut events, size_now)?;
            eprintln!("{size_now} of {entries} entries, {:.0} s", clock.elapsed().as_secs_f64());
        }
        let took = (clock.elapsed() - since).as_secs_f64() * 1e6 / (look - before).max(1) as f64;
        let (proof, page) = cost(&log.reader(), clock)?;
        let bytes = size::bytes(&folder)?.0 as f64 / look as f64;
        let resident = memory("VmRSS")?;
        table.row([
            look.to_string(),
            number(proof),
            number(page),
            number(resident),
            number(bytes),
            number(took),
        ]);
        (since, before) = (clock.elapsed(), look);
    }
    report.table(table);
    report.value("most resident memory", memory("VmHWM")?, "MB", Some(MOST_MEMORY_MB));
    let (opened, ms) = {
        drop(log);
        timed(clock, || open(&folder))
    };
    report.value("opening it again", ms / 1e3, "s", None);
    eprintln!("{}", proofs::measure(&opened?.reader(), rounds)?);
    Ok(report)
}

/// Microseconds of an inclusion proof and milliseconds of a page of entries, anywhere in the log; the middle of many.
fn cost(reader: &Reader, clock: Clocks) -> anyhow::Result<(f64, f64)> {
    let mut picks = Picks(0xD1B5_4A32_D192_ED03);
    let size = reader.head().size;
    let (mut proofs, mut pages) = (Vec::new(), Vec::new());
    for index in picks.many(PICKS, reader) {
        let (done, ms) = timed(clock, || reader.inclusion_proof(index, size));
        done?;
        proofs.push(ms * 1e3);
    }
    for index in picks.many(PICKS, reader) {
        let (done, ms) = timed(clock, || reader.range(index, index + PAGE));
        done?;
        pages.push(ms);
    }
    Ok((median(&proofs), median(&pages)))
}

fn memory(line: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kilobytes =
        status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':')?.trim().split(' ').next());
    Ok(kilobytes.unwrap_or("0").parse::<f64>()? * 1_024.0 / 1e6)
}
