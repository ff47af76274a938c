//! Keypad to wire with the platform gone and 100,000 events waiting for it, beside the same bank with nothing waiting.
//!
//! Two banks of 48 doors on one machine and disk take turns, pickup by pickup, so that both meet the same load. The
//! events are real ones, written by a real engine into the bank's journal beforehand; only their syncs are left out.

use std::io;
use std::path::Path;
use std::time::Duration;

use bailee_domain::bank::io::{Input, Request};
use bailee_domain::compartment::{CompartmentNo, OutOfService, Service};
use bailee_domain::id::{CommandId, PersonId};
use bailee_domain::time::TrustedClock;
use bailee_edge::backlog::Identity;
use bailee_edge::clock::Clocks;
use bailee_edge::config::EdgeConfig;
use bailee_edge::controller::Controller;
use bailee_edge::installation::Installation;
use bailee_edge::journal::{Disk, FolderDisk, Journal};
use bailee_vault::OsRandom;

use super::bank::{BenchBank, DOORS_48, Platform};
use super::report::{Report, Table, cells, number};
use super::stats::{Quantiles, Ratio, is_steady};

const BACKLOG: u32 = 100_000;
/// p99 beside the same bank's with nothing waiting.
const MOST_RATIO: f64 = 1.1;
const SPREAD_MS: f64 = 110.0;
const BY: PersonId = PersonId::from_bytes([12; 16]);

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

/// A folder whose syncs are left out.
struct Unsynced(FolderDisk);

impl Disk for Unsynced {
    fn segments(&self) -> io::Result<Vec<u64>> {
        self.0.segments()
    }

    fn create(&mut self, segment: u64) -> io::Result<()> {
        self.0.create(segment)
    }

    fn append(&mut self, segment: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.append(segment, bytes)
    }

    fn sync(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, segment: u64) -> io::Result<Vec<u8>> {
        self.0.read(segment)
    }

    fn truncate(&mut self, segment: u64, length: u64) -> io::Result<()> {
        self.0.truncate(segment, length)
    }

    fn remove(&mut self, segment: u64) -> io::Result<()> {
        self.0.remove(segment)
    }
}

/// Writes so many events, and a few more, into the journal of a bank that is not running; says how many there are.
///
/// # Errors
/// When the installation or its journal can't be used.
pub fn fill(config: &EdgeConfig, events: u32, clocks: Clocks) -> anyhow::Result<u64> {
    let installation = Installation::open(&config.data_dir)?;
    let layout = config.layout()?;
    let disk = Unsynced(FolderDisk::open(&config.data_dir.join("journal"))?);
    let (journal, recovered) =
        Journal::open(disk, installation.journal_key(), installation.journal_id()?, OsRandom)?;
    let entries = recovered.entries.into_iter().map(|entry| (entry.index, entry.payload));
    let identity = Identity { bank: installation.bank()?, device: installation.device(), layout };
    let starting = Controller::recover(identity, journal, entries, Box::new(OsRandom))?;
    let mut trusted = TrustedClock::start(starting.high_water(), clocks.rtc(), clocks.mono());
    let (mut controller, _) = starting.begin(trusted.now(clocks.rtc(), clocks.mono()));
    let compartment = CompartmentNo(1);
    // An even number leaves the compartment in service.
    for turn in 0..events.next_multiple_of(2) {
        let now = trusted.now(clocks.rtc(), clocks.mono());
        let service = if turn % 2 == 0 { Service::Out(OutOfService::ByHand) } else { Service::In };
        let request = Request::SetService { compartment, service, by: BY };
        let command = CommandId::new(now.wall, &mut OsRandom);
        let deadline = now.wall.plus_ms(60_000);
        controller.handle(Input::Platform { command, deadline, request }, now);
    }
    let backlog = controller.backlog();
    let waiting = backlog.lock().unwrap_or_else(std::sync::PoisonError::into_inner).len();
    Ok(u64::try_from(waiting)?)
}
