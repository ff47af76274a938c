//! Keypad to wire: how long after its last digit a code has the unlock frame at the board.
//!
//! The limit, measured between the pickups and on the same disk, is what the design prescribes and the line demands:
//! one Argon2 stretch (every attempt pays one, right or wrong), the bytes of the journal in one write with one
//! `fdatasync`, one poll that has just begun (request, answer, the pause after it), and the five bytes of the frame.
//! The real path syncs twice, because the guess is durable before it is compared; the second sync is ours to pay.

use std::path::Path;
use std::time::Duration;

use bailee_edge::boards::BusTiming;
use bailee_edge::clock::Clocks;

use super::bank::{BenchBank, Platform, Shape};
use super::limit::{RawFile, stretch};
use super::report::{Report, Table, cells, number};
use super::stats::{Quantiles, Ratio, is_steady};

/// Bytes of every request of the board.
const REQUEST_BYTES: usize = 5;
/// Bytes of the board's answer beside its status bytes.
const ANSWER_BYTES: usize = 4;
/// The simulated board looks at its inputs for so long.
const THINKING: Duration = Duration::from_millis(1);
/// Pickups spread over this time after the line's last poll, so that every phase of polling is met.
const SPREAD_MS: f64 = 110.0;
/// p99 beyond the limit's.
const MOST_RATIO: f64 = 1.2;
/// Slowest of a thousand, in milliseconds.
const MOST_P999_MS: f64 = 100.0;

struct Round {
    ours: Vec<f64>,
    limit: Vec<f64>,
}

impl Round {
    fn ratio(&self, of: impl Fn(&Quantiles) -> f64) -> f64 {
        of(&Quantiles::of(&self.ours)) / of(&Quantiles::of(&self.limit))
    }
}

/// Runs the bench.
///
/// # Errors
/// When the bank does not work.
pub async fn run(dir: &Path, rounds: u32, samples: u32, shape: Shape) -> anyhow::Result<Report> {
    let clock = Clocks::start();
    let mut bank = BenchBank::start(&dir.join("bank"), clock, shape, Platform::There).await?;
    bank.deposit().await?;
    let bytes = bank.pick_up().await?.journal_bytes;
    let mut raw = RawFile::growing(dir, usize::try_from(bytes)?, clock)?;
    let mut parts = Parts::default();
    let mut all = Vec::new();
    for _ in 0..rounds {
        all.push(round(&mut bank, &mut raw, clock, (samples, shape), &mut parts).await?);
    }
    bank.stop().await;
    Ok(report(&all, &parts, bytes, shape))
}

#[derive(Default)]
struct Parts {
    stretch: Vec<f64>,
    sync: Vec<f64>,
}

async fn round(
    bank: &mut BenchBank,
    raw: &mut RawFile,
    clock: Clocks,
    (samples, shape): (u32, Shape),
    parts: &mut Parts,
) -> anyhow::Result<Round> {
    let mut round = Round { ours: Vec::new(), limit: Vec::new() };
    for sample in 0..samples {
        bank.deposit().await?;
        // Steps of the golden ratio fill the interval evenly without a rhythm.
        let phase = (f64::from(sample) * 0.618_034).fract() * SPREAD_MS;
        tokio::time::sleep(Duration::from_secs_f64(phase / 1e3)).await;
        round.ours.push(bank.pick_up().await?.took_ms);
        let stretched = tokio::task::block_in_place(|| stretch(clock));
        let synced = tokio::task::block_in_place(|| raw.write_and_sync())?;
        round.limit.push(stretched + synced + line_ms(shape));
        parts.stretch.push(stretched);
        parts.sync.push(synced);
    }
    Ok(round)
}

/// One whole poll and the unlock frame on the line, in milliseconds.
fn line_ms(shape: Shape) -> f64 {
    let timing = BusTiming::at_baud(shape.baud());
    let answer = ANSWER_BYTES + usize::from(shape.locks).div_ceil(8);
    let poll = timing.wire_time(REQUEST_BYTES) + THINKING + timing.wire_time(answer) + timing.gap();
    (poll + timing.wire_time(REQUEST_BYTES)).as_secs_f64() * 1e3
}

fn report(rounds: &[Round], parts: &Parts, bytes: u64, shape: Shape) -> Report {
    let mut report =
        Report::new("d1 keypad-to-wire", "code handed in to last byte of the unlock frame, 9600 baud");
    report.table(per_round(rounds));
    let kept: Vec<&Round> = rounds.iter().filter(|round| is_steady(&round.limit)).collect();
    let ratios = |of: fn(&Quantiles) -> f64| kept.iter().map(|round| round.ratio(of)).collect::<Vec<_>>();
    report.table(in_all(&kept, parts, shape));
    report.ratio("p99 beside the limit's", Ratio::of(&ratios(|q| q.p99), rounds.len()), MOST_RATIO);
    let pooled: Vec<f64> = kept.iter().flat_map(|round| round.ours.iter().copied()).collect();
    match (kept.is_empty(), pooled.len()) {
        (false, 1_000..) => {
            let slow = Quantiles::of(&pooled).p999.expect("a thousand are enough");
            report.value("p99.9", slow, "ms", Some(MOST_P999_MS));
        }
        _ => report.note("p99.9 needs 1,000 pickups in steady rounds: --rounds 5 --samples 200"),
    }
    report.value("journal, in two groups with a sync each", bytes as f64, "B", None);
    report.value("boards polled on the line", f64::from(shape.boards), "", None);
    report.note("the limit holds one Argon2 stretch, because the design prescribes one for every attempt");
    report
        .note("the limit holds one sync; the path makes two, since a guess is durable before it is compared");
    report.note("the limit takes the worst case on the line, a poll that has just begun, for every pickup");
    report
}

fn per_round(rounds: &[Round]) -> Table {
    let mut table = Table::new(&[
        "round",
        "ours p50 ms",
        "p99",
        "p99.9",
        "limit p50 ms",
        "p99",
        "p99.9",
        "p50 x",
        "p99 x",
        "counts",
    ]);
    for (index, round) in rounds.iter().enumerate() {
        let ratios = [number(round.ratio(|q| q.p50)), number(round.ratio(|q| q.p99))];
        let counts = if is_steady(&round.limit) { "yes" } else { "no: the limit moved" };
        table.row(
            std::iter::once((index + 1).to_string())
                .chain(cells(&Quantiles::of(&round.ours)))
                .chain(cells(&Quantiles::of(&round.limit)))
                .chain(ratios)
                .chain([counts.to_owned()]),
        );
    }
    table
}

fn in_all(kept: &[&Round], parts: &Parts, shape: Shape) -> Table {
    let mut table = Table::new(&["all rounds that count", "p50 ms", "p99", "p99.9"]);
    let mut row = |name: &str, values: &[f64]| {
        if !values.is_empty() {
            table.row(std::iter::once(name.to_owned()).chain(cells(&Quantiles::of(values))));
        }
    };
    row("keypad to wire", &kept.iter().flat_map(|round| round.ours.clone()).collect::<Vec<_>>());
    row("limit", &kept.iter().flat_map(|round| round.limit.clone()).collect::<Vec<_>>());
    row("of it, in every round: Argon2 stretch", &parts.stretch);
    row("of it, in every round: write and fdatasync", &parts.sync);
    row("of it: the line", &[line_ms(shape)]);
    table
}
