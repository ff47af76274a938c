//! Forced door: how long after a door is pried open the kiosk's page has the alarm, with three boards polled on one line.
//!
//! The limit is counted, not measured: a board is asked every tenth of a second, and 50 ms are allowed for the frames on
//! the line, the journal's sync and the engine. The same bound in virtual time is a test (`sim/tests/boards`).

use std::path::Path;

use bailee_domain::compartment::CompartmentNo;
use bailee_edge::boards::BusTiming;
use bailee_edge::clock::Clocks;

use super::bank::{BenchBank, Platform, THREE_BOARDS};
use super::report::{Report, Table, cells};
use super::stats::Quantiles;

const ALLOWED_MS: f64 = 50.0;
/// Steps of the golden ratio meet every phase of polling evenly.
const STEP: f64 = 0.618_034;

/// Runs the bench.
///
/// # Errors
/// When the bank does not work.
pub async fn run(dir: &Path, rounds: u32, samples: u32) -> anyhow::Result<Report> {
    let clock = Clocks::start();
    let sweep_ms = BusTiming::at_baud(THREE_BOARDS.baud()).poll_every.as_secs_f64() * 1e3;
    let mut table = Table::new(&["round", "p50 ms", "p99", "p99.9"]);
    let mut all = Vec::new();
    // A door forced for the third time within minutes is told as bouncing instead: every round has a bank of its own.
    let samples = samples.min(2 * u32::from(THREE_BOARDS.doors()));
    for round in 1..=rounds {
        let place = dir.join(format!("bank-{round}"));
        let mut bank = BenchBank::start(&place, clock, THREE_BOARDS, Platform::There).await?;
        let mut took = Vec::new();
        for sample in 0..samples {
            let number = u16::try_from(sample % u32::from(THREE_BOARDS.doors()))? + 1;
            let phase = (f64::from(sample) * STEP).fract() * sweep_ms;
            // Closed and put back by the one before.
            tokio::time::sleep(std::time::Duration::from_secs_f64((2.0 * sweep_ms + phase) / 1e3)).await;
            took.push(bank.force(CompartmentNo(number)).await?.as_secs_f64() * 1e3);
        }
        table.row(std::iter::once(round.to_string()).chain(cells(&Quantiles::of(&took))));
        all.extend(took);
        bank.stop().await;
    }
    let mut report =
        Report::new("forced-door", "a door is forced, the kiosk's page has the alarm; 3 boards, 9600 baud");
    report.table(table);
    let quantiles = Quantiles::of(&all);
    report.value("p50", quantiles.p50, "ms", None);
    report.value("p99", quantiles.p99, "ms", Some(sweep_ms + ALLOWED_MS));
    let slowest = all.iter().copied().fold(0.0, f64::max);
    report.value("slowest", slowest, "ms", Some(sweep_ms + ALLOWED_MS));
    report.note("one sweep of polls is 100 ms: every board is asked that often; 50 ms are allowed on top");
    Ok(report)
}
