//! Keypad to wire with the platform gone and 100,000 events waiting for it, beside the same bank with nothing waiting.
//!
//! Two banks of 48 doors on one machine and disk take turns, pickup by pickup, so that both meet the same load. The
//! events are real ones, written into the bank's journal beforehand by [`bailee_sim::journal`].

use std::path::Path;
use std::time::Duration;

use bailee_edge::clock::Clocks;

use super::bank::{BenchBank, DOORS_48, Platform};
use super::report::{Report, Table, cells, number};
use super::stats::{Quantiles, Ratio, is_steady};

const BACKLOG: u32 = 100_000;
/// p99 beside the same bank's with nothing waiting.
const MOST_RATIO: f64 = 1.1;
const SPREAD_MS: f64 = 110.0;

/// Runs the bench.
///
/// # Errors
/// When a bank does not work.
pub async fn run(dir: &Path, rounds: u32, samples: u32) -> anyhow::Result<Report> {
    let clock = Clocks::start();
    let mut idle = BenchBank::start(&dir.join("idle"), clock, DOORS_48, Platform::There).await?;
    let away = Platform::Away { backlog: BACKLOG };
    let mut laden = BenchBank::start(&dir.join("laden"), clock, DOORS_48, away).await?;
    let mut table = Table::new(&[
        "round",
        "idle p50 ms",
        "p99",
        "p99.9",
        "laden p50 ms",
        "p99",
        "p99.9",
        "p99 x",
        "counts",
    ]);
    let mut kept = Vec::new();
    for round in 1..=rounds {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for sample in 0..samples {
            let phase = Duration::from_secs_f64((f64::from(sample) * 0.618_034).fract() * SPREAD_MS / 1e3);
            for (bank, took) in [(&mut idle, &mut without), (&mut laden, &mut with)] {
                bank.deposit().await?;
                tokio::time::sleep(phase).await;
                took.push(bank.pick_up().await?.took_ms);
            }
        }
        let (without_q, with_q) = (Quantiles::of(&without), Quantiles::of(&with));
        let ratio = with_q.p99 / without_q.p99;
        let counts = is_steady(&without);
        kept.extend(counts.then_some(ratio));
        let counts = if counts { "yes" } else { "no: the idle bank was not steady" };
        table.row(
            std::iter::once(round.to_string())
                .chain(cells(&without_q))
                .chain(cells(&with_q))
                .chain([number(ratio), counts.to_owned()]),
        );
    }
    idle.stop().await;
    laden.stop().await;
    let mut report =
        Report::new("d3 keypad-backlog", "keypad to wire, platform gone, 100,000 events waiting; 48 doors");
    report.table(table);
    report.ratio("p99 beside the idle bank's", Ratio::of(&kept, usize::try_from(rounds)?), MOST_RATIO);
    report.note(
        "both banks run at once and take turns; the laden one also looks for its platform all the time",
    );
    Ok(report)
}
