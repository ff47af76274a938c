//! The log in order of time: what a page holds, how pages follow each other, and that every one is read off an index.

#![allow(clippy::unwrap_used, reason = "the checks are functions that the macro makes tests of")]

mod support;

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::Severity;
use bailee_domain::id::{BankId, OrgId, PersonId};
use bailee_domain::time::WallTime;
use bailee_server::app::AppError;
use bailee_server::params;
use bailee_server::store::tables::log_index::{
    self, Asked, Counted, Found, LogFilter, LogOrder, LogRow, Position, Rest, Synthetic, Turn,
};
use bailee_server::store::{Db, EngineKind, migrate};
use support::Fresh;

on_every_engine![
    pages_hold_what_matches_in_order_of_time_and_follow_each_other,
    pages_stay_as_they_were_while_the_log_grows,
    a_search_for_the_rare_is_bounded_and_goes_on,
    facets_count_what_matches,
    every_page_is_read_off_an_index,
];

const ORG: OrgId = OrgId::from_bytes([1; 16]);
const START_MS: i64 = 1_700_000_000_000;
const EVENTS: i64 = 3_000;

async fn filled(db: &Db, events: i64) {
    migrate::to_latest(db).await.unwrap();
    grow(db, 0, events).await;
}

async fn grow(db: &Db, from: i64, events: i64) {
    let done: Result<(), AppError> =
        db.tx(async move |tx| log_index::fill(&tx, ORG, (from, events), START_MS).await).await;
    done.unwrap();
}

async fn page(db: &Db, filter: &LogFilter, banks: Option<&[BankId]>, turn: Turn) -> Found {
    let (filter, banks) = (filter.clone(), banks.map(<[BankId]>::to_vec));
    let found: Result<Found, AppError> = db
        .read(async move |tx| {
            let asked = Asked { org: ORG, filter: &filter, banks: banks.as_deref(), turn, limit: 25 };
            log_index::explore(&tx, &asked).await
        })
        .await;
    found.unwrap()
}

fn at(row: &LogRow) -> Position {
    Position { at: row.line.at, id: row.id }
}

/// Every way to ask, with at least one that needs rows looked at one by one.
fn filters() -> Vec<(LogFilter, Option<Vec<BankId>>)> {
    let all = LogFilter::default;
    let time = |step: i64| Some(WallTime::from_unix_ms(START_MS + step * 7_000));
    let kind = |name: &str| Some(name.to_owned());
    let door = Some(CompartmentNo(7));
    let of = |filter| (filter, None);
    let mine = Some(vec![Synthetic::bank(1), Synthetic::bank(2), Synthetic::bank(3)]);
    vec![
        of(all()),
        of(LogFilter { from: time(500), until: time(900), ..all() }),
        of(LogFilter { kind: kind("AccessRefused"), ..all() }),
        of(LogFilter { kind: kind("ParcelDeposited"), from: time(1_000), ..all() }),
        of(LogFilter { severity: Some(Severity::Notice), ..all() }),
        of(LogFilter { severity: Some(Severity::Alarm), ..all() }),
        of(LogFilter { severity: Some(Severity::Alarm), kind: kind("CompartmentForced"), ..all() }),
        of(LogFilter { bank: Some(Synthetic::bank(5)), ..all() }),
        of(LogFilter { bank: Some(Synthetic::bank(5)), compartment: door, ..all() }),
        of(LogFilter { bank: Some(Synthetic::bank(5)), kind: kind("ParcelCollected"), ..all() }),
        of(LogFilter { compartment: door, ..all() }),
        of(LogFilter { parcel: Some(Synthetic::parcel(40)), ..all() }),
        of(LogFilter { parcel: Some(Synthetic::parcel(40)), kind: kind("ParcelDeposited"), ..all() }),
        of(LogFilter { person: Some(Synthetic::person(17)), ..all() }),
        of(LogFilter { person: Some(Synthetic::person(17)), until: time(2_000), ..all() }),
        (all(), mine.clone()),
        (LogFilter { kind: kind("CompartmentOpened"), ..all() }, mine.clone()),
        (LogFilter { bank: Some(Synthetic::bank(9)), ..all() }, mine.clone()),
        (LogFilter { person: Some(Synthetic::person(17)), ..all() }, mine),
        (all(), Some(Vec::new())),
        (all(), Some((0..40).map(Synthetic::bank).collect())),
    ]
}

/// What a filter means, told once more and without an index.
fn matches(filter: &LogFilter, banks: Option<&[BankId]>, row: &LogRow) -> bool {
    let line = &row.line;
    let is = |person: PersonId| line.person == Some(person) || line.actor == person.to_string();
    filter.from.is_none_or(|from| line.at >= from)
        && filter.until.is_none_or(|until| line.at < until)
        && filter.kind.as_ref().is_none_or(|kind| line.kind == *kind)
        && filter.severity.is_none_or(|least| line.severity >= least)
        && filter.bank.is_none_or(|bank| line.bank == Some(bank))
        && filter.compartment.is_none_or(|door| line.compartment == Some(door))
        && filter.parcel.is_none_or(|parcel| line.parcel == Some(parcel))
        && filter.person.is_none_or(is)
        && banks.is_none_or(|banks| line.bank.is_some_and(|bank| banks.contains(&bank)))
}

async fn everything(db: &Db) -> Vec<LogRow> {
    let rows: Result<Vec<LogRow>, AppError> = db
        .read(async |tx| {
            let order = LogOrder::OldestFirst { after: 0, up_to: i64::MAX };
            log_index::list(&tx, ORG, &LogFilter::default(), order, (None, 1_000_000)).await
        })
        .await;
    let mut rows = rows.unwrap();
    rows.sort_by_key(|row| std::cmp::Reverse(at(row)));
    rows
}

async fn pages_hold_what_matches_in_order_of_time_and_follow_each_other(fresh: Fresh) {
    let db = &fresh.db;
    filled(db, EVENTS).await;
    // Some events came late, some at the same moment.
    let shift = "UPDATE log_index SET at = at - 600000 WHERE event_id % 11 = 0";
    let same = "UPDATE log_index SET at = at - at % 70000 WHERE event_id % 3 = 0";
    let done: Result<(), AppError> = db
        .tx(async move |tx| {
            tx.exec(shift, params![]).await?;
            tx.exec(same, params![]).await?;
            Ok(())
        })
        .await;
    done.unwrap();
    let all = everything(db).await;
    for (filter, banks) in filters() {
        let banks = banks.as_deref();
        let wanted: Vec<&LogRow> = all.iter().filter(|row| matches(&filter, banks, row)).collect();
        let (mut turn, mut seen, mut pages) = (Turn::Newest, Vec::new(), Vec::new());
        loop {
            let found = page(db, &filter, banks, turn).await;
            seen.extend(found.rows.clone());
            pages.push(found.rows);
            match found.rest {
                Rest::Beyond(place) => turn = Turn::Older(place),
                Rest::Nothing => break,
                Rest::Unseen(_) => panic!("so few are all looked at: {filter:?}"),
            }
        }
        assert_eq!(seen.iter().collect::<Vec<_>>(), wanted, "{filter:?} {banks:?}");
        let Some(mut first) = pages.pop().and_then(|last| last.first().map(at)) else { continue };
        for earlier in pages.iter().rev() {
            let found = page(db, &filter, banks, Turn::Newer(first)).await;
            assert_eq!(found.rows, *earlier, "{filter:?}");
            first = at(&found.rows[0]);
        }
        assert_eq!(page(db, &filter, banks, Turn::Newer(first)).await.rest, Rest::Nothing);
    }
}

async fn pages_stay_as_they_were_while_the_log_grows(fresh: Fresh) {
    let db = &fresh.db;
    filled(db, 200).await;
    let filter = LogFilter::default();
    let first = page(db, &filter, None, Turn::Newest).await;
    let Rest::Beyond(place) = first.rest else { panic!("200 events are more than a page") };
    let second = page(db, &filter, None, Turn::Older(place)).await;
    grow(db, 200, 500).await;
    assert_eq!(page(db, &filter, None, Turn::Older(place)).await, second);
    let back = page(db, &filter, None, Turn::Newer(at(&second.rows[0]))).await;
    assert_eq!(back.rows, first.rows);
    assert!(matches!(back.rest, Rest::Beyond(_)), "what came since is a page further");
    assert_ne!(page(db, &filter, None, Turn::Newest).await.rows, first.rows);
}

async fn a_search_for_the_rare_is_bounded_and_goes_on(fresh: Fresh) {
    let db = &fresh.db;
    filled(db, 25_000).await;
    // One event of a kind, the oldest, at a door that is everywhere: no index knows both.
    let rare: Result<u64, AppError> = db
        .tx(async |tx| {
            let sql = "UPDATE log_index SET compartment = 200 WHERE event_id = 2";
            Ok(tx.exec(sql, params![]).await?)
        })
        .await;
    assert_eq!(rare.unwrap(), 1);
    let filter = LogFilter { compartment: Some(CompartmentNo(200)), ..LogFilter::default() };
    let (mut turn, mut pages, mut found) = (Turn::Newest, 0, Vec::new());
    loop {
        let looked = page(db, &filter, None, turn).await;
        pages += 1;
        found.extend(looked.rows);
        match looked.rest {
            Rest::Unseen(place) | Rest::Beyond(place) => turn = Turn::Older(place),
            Rest::Nothing => break,
        }
    }
    assert_eq!((pages, found.len()), (3, 1), "10,000 rows at a time");
    assert_eq!(found[0].id, 2);
    let back = page(db, &filter, None, Turn::Newer(at(&found[0]))).await;
    assert!(matches!(back.rest, Rest::Unseen(_)) && back.rows.is_empty());
}

async fn facets_count_what_matches(fresh: Fresh) {
    let db = &fresh.db;
    filled(db, EVENTS).await;
    let all = everything(db).await;
    for (filter, banks) in filters() {
        let asked = (filter.clone(), banks.clone());
        let facets = db.read(async move |tx| {
            let (filter, banks) = &asked;
            let asked = Asked { org: ORG, filter, banks: banks.as_deref(), turn: Turn::Newest, limit: 25 };
            log_index::facets(&tx, &asked).await
        });
        let facets: log_index::Facets = facets.await.unwrap();
        let wanted: Vec<&LogRow> =
            all.iter().filter(|row| matches(&filter, banks.as_deref(), row)).take(1_000).collect();
        assert_eq!(facets.events as usize, wanted.len(), "{filter:?}");
        let counted = if all.iter().filter(|row| matches(&filter, banks.as_deref(), row)).count() > 1_000 {
            Counted::Newest
        } else {
            Counted::All
        };
        assert_eq!(facets.counted, counted, "{filter:?}");
        for (kind, count) in &facets.kinds {
            let really = wanted.iter().filter(|row| row.line.kind == *kind).count();
            assert_eq!(*count as usize, really, "{kind} in {filter:?}");
        }
        assert!(facets.kinds.is_sorted_by_key(|(_, count)| std::cmp::Reverse(*count)));
        let alarms = wanted.iter().filter(|row| row.line.severity == Severity::Alarm).count();
        assert_eq!(facets.severe[1] as usize, alarms);
    }
}

async fn every_page_is_read_off_an_index(fresh: Fresh) {
    let db = &fresh.db;
    filled(db, 25_000).await;
    if db.engine() == EngineKind::Postgres {
        // Without figures an engine that counts guesses; a server in use has them from its autovacuum.
        let done: Result<(), AppError> = db
            .tx(async |tx| {
                tx.exec("ANALYZE log_index", params![]).await?;
                tx.exec("ANALYZE event", params![]).await?;
                Ok(())
            })
            .await;
        done.unwrap();
    }
    for (filter, banks) in filters() {
        let middle = Position { at: WallTime::from_unix_ms(START_MS + 7_000 * 12_000), id: 12_001 };
        for turn in [Turn::Newest, Turn::Older(middle), Turn::Newer(middle)] {
            let (engine, asked) = (db.engine(), (filter.clone(), banks.clone()));
            let plan: Result<Vec<String>, AppError> = db
                .read(async move |tx| {
                    let (filter, banks) = &asked;
                    let asked = Asked { org: ORG, filter, banks: banks.as_deref(), turn, limit: 25 };
                    log_index::explained(&tx, engine, &asked).await
                })
                .await;
            let plan = plan.unwrap();
            let told = plan.join("\n");
            let reads = |step: &&String| match engine {
                EngineKind::Sqlite => step.contains("log_index"),
                EngineKind::Postgres => step.contains("Scan") && step.contains("on log_index"),
            };
            for step in plan.iter().filter(reads) {
                // Where an index has fewer rows than a page may look at, PostgreSQL gathers them from it and sorts.
                let by_index = match engine {
                    EngineKind::Sqlite => {
                        step.starts_with("SEARCH log_index USING") && step.contains("_time (")
                    }
                    EngineKind::Postgres => [
                        "using log_index_",
                        "Bitmap Index Scan on log_index_",
                        "Bitmap Heap Scan on log_index",
                    ]
                    .iter()
                    .any(|way| step.contains(way)),
                };
                assert!(by_index, "{filter:?} {turn:?}: {step}\n{told}");
            }
            assert!(!told.contains("Seq Scan on event"), "{filter:?}\n{told}");
        }
    }
}
