//! Pages of the log explorer, facets and rows, in a long log beside the same pages in a short one.

use std::path::Path;

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::Severity;
use bailee_domain::id::OrgId;
use bailee_domain::time::WallTime;
use bailee_edge::clock::Clocks;
use bailee_server::app::AppError;
use bailee_server::store::tables::log_index::{self, Asked, LogFilter, Position, Synthetic, Turn};
use bailee_server::store::{Db, DbConfig, migrate};

use super::report::{Report, Table, number};
use super::stats::Quantiles;

const ORG: OrgId = OrgId::from_bytes([1; 16]);
const START_MS: i64 = 1_700_000_000_000;
const STEP_MS: i64 = 7_000;
/// The short log.
const FEW: u64 = 100_000;
/// Events of one transaction while the log is filled.
const BATCH: u64 = 20_000;
const ROWS: u32 = 50;
const MOST_GROWTH: f64 = 1.5;

/// What is asked for; the number picks one of many banks, people and parcels.
type Query = (&'static str, fn(u32) -> LogFilter);

const QUERIES: [Query; 11] = [
    ("everything", |_| LogFilter::default()),
    ("a frequent kind", |_| of_kind("CompartmentOpened")),
    ("a rare kind", |_| of_kind("AccessRefused")),
    ("notices", |_| LogFilter { severity: Some(Severity::Notice), ..LogFilter::default() }),
    ("alarms", |_| LogFilter { severity: Some(Severity::Alarm), ..LogFilter::default() }),
    ("a bank", |n| LogFilter { bank: Some(Synthetic::bank((n % 64) as u8)), ..LogFilter::default() }),
    ("a door", |n| LogFilter { compartment: Some(door(n)), ..of_bank(n) }),
    ("a kind at a bank", |n| LogFilter { kind: Some("ParcelCollected".into()), ..of_bank(n) }),
    ("a parcel", |n| LogFilter { parcel: Some(Synthetic::parcel(n % 12_000)), ..LogFilter::default() }),
    ("a person", |n| LogFilter {
        person: Some(Synthetic::person((n % 5_000) as u16)),
        ..LogFilter::default()
    }),
    ("a door's number, anywhere", |n| LogFilter { compartment: Some(door(n)), ..LogFilter::default() }),
];

fn of_kind(kind: &str) -> LogFilter {
    LogFilter { kind: Some(kind.to_owned()), ..LogFilter::default() }
}

fn of_bank(number: u32) -> LogFilter {
    LogFilter { bank: Some(Synthetic::bank((number % 64) as u8)), ..LogFilter::default() }
}

fn door(number: u32) -> CompartmentNo {
    CompartmentNo((number % 48 + 1) as u16)
}

const PLACES: [&str; 3] = ["newest", "middle", "oldest"];

/// Pages of a log of so many events.
///
/// # Errors
/// When the store does not work.
pub async fn log_page(dir: &Path, entries: u64, samples: u32) -> anyhow::Result<Report> {
    let clock = Clocks::start();
    let db = Db::open(&DbConfig::file(dir.join("store.db"))).await?;
    migrate::to_latest(&db).await?;
    let few = FEW.min(entries);
    fill(&db, 0..few, clock).await?;
    let short = measure(&db, few, samples, clock).await?;
    fill(&db, few..entries, clock).await?;
    let long = measure(&db, entries, samples, clock).await?;
    let mut report =
        Report::new("log-page", "pages of the log explorer: 50 rows with facets, from the store");
    let mut table = Table::new(&["ms", "page", "short: p50", "p99", "long: p50", "p99", "p50 beside"]);
    let mut worst: (f64, f64, String) = (0.0, 0.0, String::new());
    for (short, long) in short.iter().zip(&long) {
        let (few, many) = (Quantiles::of(&short.ms), Quantiles::of(&long.ms));
        let ratio = many.p50 / few.p50;
        let cells = [few.p50, few.p99, many.p50, many.p99, ratio].map(number);
        table.row([short.query.to_owned(), short.place.to_owned()].into_iter().chain(cells));
        if ratio > worst.0 {
            worst = (ratio, worst.1, format!("{}, {}", short.query, short.place));
        }
        worst.1 = worst.1.max(many.p99);
    }
    report.table(table);
    report.value(format!("the page that grew most ({}), p50", worst.2), worst.0, "x", Some(MOST_GROWTH));
    report.value("slowest p99 of the long log", worst.1, "ms", None);
    report.note(format!("{few} events and {entries}; {samples} pages of each kind, of other banks, people and parcels each time"));
    Ok(report)
}

async fn fill(db: &Db, events: std::ops::Range<u64>, clock: Clocks) -> anyhow::Result<()> {
    let start = clock.elapsed();
    let mut next = events.start;
    while next < events.end {
        let count = BATCH.min(events.end - next);
        let (from, many) = (i64::try_from(next)?, i64::try_from(count)?);
        let done: Result<(), AppError> =
            db.tx(async move |tx| log_index::fill(&tx, ORG, (from, many), START_MS).await).await;
        done?;
        next += count;
        if next.is_multiple_of(1_000_000) {
            eprintln!("{next} of {} events, {:.0} s", events.end, (clock.elapsed() - start).as_secs_f64());
        }
    }
    anyhow::ensure!(db.scrub(&[]).await?, "the write-ahead log could not be emptied");
    Ok(())
}

struct Measured {
    query: &'static str,
    place: &'static str,
    ms: Vec<f64>,
}

/// Every kind of page in turns, so that all meet the same moments of the machine.
async fn measure(db: &Db, entries: u64, samples: u32, clock: Clocks) -> anyhow::Result<Vec<Measured>> {
    let mut all: Vec<Measured> = QUERIES
        .iter()
        .flat_map(|&(query, _)| PLACES.map(|place| Measured { query, place, ms: Vec::new() }))
        .collect();
    for sample in 0..samples {
        let number = sample.wrapping_mul(2_654_435_761) >> 8;
        for (place, measured) in all.iter_mut().enumerate() {
            let filter = QUERIES[place / PLACES.len()].1(number);
            let turn = turn(measured.place, entries, number)?;
            let start = clock.elapsed();
            page(db, filter, turn).await?;
            measured.ms.push((clock.elapsed() - start).as_secs_f64() * 1e3);
        }
    }
    Ok(all)
}

fn turn(place: &str, entries: u64, number: u32) -> anyhow::Result<Turn> {
    let spread = u64::from(number) % 1_000;
    let event = match place {
        "newest" => return Ok(Turn::Newest),
        "middle" => entries / 2 + spread,
        _ => 2_000 + spread,
    };
    let id = i64::try_from(event)?;
    Ok(Turn::Older(Position { at: WallTime::from_unix_ms(START_MS + id * STEP_MS), id }))
}

async fn page(db: &Db, filter: LogFilter, turn: Turn) -> Result<(), AppError> {
    db.read(async move |tx| {
        let asked = Asked { org: ORG, filter: &filter, banks: None, turn, limit: ROWS };
        let facets = log_index::facets(&tx, &asked).await?;
        let found = log_index::explore(&tx, &asked).await?;
        std::hint::black_box((facets, found));
        Ok(())
    })
    .await
}
