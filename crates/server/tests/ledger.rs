//! The ledger's promises: nothing lost, nothing twice, nothing in another order, nothing signed that does not hold.

#![allow(clippy::unwrap_used, reason = "the checks are functions that the macro makes tests of")]

mod support;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bailee_audit::{
    checkpoint::Checkpoint,
    hash::leaf_hash,
    key::{Ed25519Signer, KeyName},
    proof::{verify_consistency, verify_inclusion},
    tile::{TileId, TilePath, Width},
    tree::Edge,
    verify::{DirSource, Report, verify_log},
};
use bailee_server::{
    ledger::{
        BATCH, Disagreement, LedgerError, LogId, LogKey, LogReader, Sequenced, Sequencer, Stage,
        event::{self, NewEvent, Recorded, SourceKind},
    },
    params,
    store::{Db, DbConfig, StoreError, migrate},
};
use support::{Fresh, On};

on_every_engine![
    events_become_a_log_anybody_can_verify,
    a_stop_at_any_stage_leaves_the_old_log,
    racing_sequencers_do_not_split_the_log,
    a_run_is_one_commit_and_an_idle_run_none,
    more_than_a_batch_takes_several_runs,
    proofs_hold_and_reach_no_further_than_the_signed_tree,
    repeated_events_count_once_and_contradictions_show,
    a_damaged_log_is_refused_by_name,
    logs_of_two_organisations_do_not_mix,
];

const ORG: &str = "org_a";

fn log_id() -> LogId {
    LogId::new("log_a").expect("a good name")
}

fn key(name: &str, seed: u8) -> LogKey {
    let name = KeyName::new(name).expect("a good name");
    let signer = Ed25519Signer::from_seed(name, &[seed; 32]).expect("any seed will do");
    let verifying = signer.verifying_key().clone();
    LogKey { signer: Arc::new(signer), verifying }
}

fn our_key() -> LogKey {
    key("log.example.org/log_a", 7)
}

async fn open(db: &Db) -> Result<Sequencer, LedgerError> {
    Sequencer::open(db, &log_id(), ORG, &our_key(), 1_000).await
}

async fn ready(fresh: &Fresh) -> Sequencer {
    migrate::apply(&fresh.db, &migrate::ALL[..1]).await.expect("the schema applies");
    open(&fresh.db).await.expect("an empty log opens")
}

fn bytes_of(source: &str, seq: u64) -> Vec<u8> {
    format!("{source} did its {seq}th thing; ").repeat(1 + seq as usize % 9).into_bytes()
}

async fn submit(
    db: &Db,
    org: &'static str,
    source: String,
    seqs: std::ops::Range<u64>,
) -> Result<(), LedgerError> {
    db.tx(async move |tx| {
        for seq in seqs.clone() {
            let bytes = bytes_of(&source, seq);
            let (source_kind, source_id, received_at_ms) = (SourceKind::Bank, source.as_str(), 5);
            let event =
                NewEvent { org, source_kind, source_id, source_seq: seq, bytes: &bytes, received_at_ms };
            event::record(&tx, &event).await?;
        }
        Ok(())
    })
    .await
}

async fn drain(sequencer: &Sequencer) -> u64 {
    loop {
        let Sequenced { from, to } = sequencer.run_once(2_000).await.expect("a sound log goes on");
        if from == to {
            return to;
        }
    }
}

/// Exports the log, checks all of it with the public verifier, and returns its entries.
async fn verified(db: &Db, key: &LogKey, log: &LogId) -> (Report, Vec<Vec<u8>>) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    LogReader::new(db, log).export(dir.path()).await.expect("the log exports");
    let mut entries = Vec::new();
    let mut visitor = |_: u64, entry: &[u8]| {
        entries.push(entry.to_vec());
        Ok(())
    };
    let report =
        verify_log(&mut DirSource::new(dir.path()), &key.verifying, &mut visitor).expect("the log is sound");
    (report, entries)
}

/// Each source's events are in the log once each, in the order it made them.
fn check_entries(entries: &[Vec<u8>], sources: &[(&str, u64)]) {
    let text = |entry: &Vec<u8>| String::from_utf8(entry.clone()).expect("these entries are text");
    let mut by_source: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for entry in entries {
        let source = text(entry).split(' ').next().expect("it begins with its source").to_owned();
        by_source.entry(source).or_default().push(entry.clone());
    }
    let wanted = sources.iter().map(|(source, count)| {
        let events = (0..*count).map(|seq| bytes_of(source, seq)).collect();
        ((*source).to_owned(), events)
    });
    assert_eq!(by_source, wanted.collect());
}

async fn events_become_a_log_anybody_can_verify(fresh: Fresh) {
    let sequencer = ready(&fresh).await;
    let empty = LogReader::new(&fresh.db, &log_id()).checkpoint().await.unwrap();
    let opened = Checkpoint::open(empty.as_bytes(), &our_key().verifying).unwrap();
    assert_eq!(opened.checkpoint.head(), Edge::empty().head());
    let mut grown = 0;
    for count in [1_u64, 2, 253, 1, 300] {
        submit(&fresh.db, ORG, "bank".into(), grown..grown + count).await.unwrap();
        let done = sequencer.run_once(2_000).await.unwrap();
        assert_eq!(done, Sequenced { from: grown, to: grown + count });
        grown += count;
        let (report, entries) = verified(&fresh.db, &our_key(), &log_id()).await;
        assert_eq!((report.checkpoint.size, report.entries, report.signatures), (grown, grown, 1));
        check_entries(&entries, &[("bank", grown)]);
    }
    open(&fresh.db).await.unwrap();
    let (_, expected) = Edge::empty().append((0..grown).map(|seq| leaf_hash(&bytes_of("bank", seq))));
    assert_eq!(LogReader::new(&fresh.db, &log_id()).head().await.unwrap(), expected.head);
}

async fn a_stop_at_any_stage_leaves_the_old_log(fresh: Fresh) {
    let sequencer = ready(&fresh).await;
    submit(&fresh.db, ORG, "bank".into(), 0..250).await.unwrap();
    let mut size = drain(&sequencer).await;
    for stop in Stage::ALL {
        submit(&fresh.db, ORG, "bank".into(), size..size + 10).await.unwrap();
        let reader = LogReader::new(&fresh.db, &log_id());
        let before = reader.checkpoint().await.unwrap();
        let stopping = sequencer.clone().with_tripwire(Arc::new(move |stage| match stage == stop {
            true => Err(LedgerError::Stopped(stage)),
            false => Ok(()),
        }));
        let crashing = sequencer.clone().with_tripwire(Arc::new(move |stage| {
            assert_ne!(stage, stop, "pulled the plug");
            Ok(())
        }));
        assert!(matches!(stopping.run_once(2_000).await, Err(LedgerError::Stopped(at)) if at == stop));
        assert!(matches!(crashing.run_once(2_000).await, Err(LedgerError::Store(StoreError::Panicked(_)))));
        assert_eq!(reader.checkpoint().await.unwrap(), before);
        let (report, _) = verified(&fresh.db, &our_key(), &log_id()).await;
        assert_eq!(report.entries, size);
        let again = open(&fresh.db).await.unwrap();
        assert_eq!(again.run_once(2_000).await.unwrap(), Sequenced { from: size, to: size + 10 });
        size += 10;
    }
    let (_, entries) = verified(&fresh.db, &our_key(), &log_id()).await;
    check_entries(&entries, &[("bank", size)]);
}

async fn racing_sequencers_do_not_split_the_log(fresh: Fresh) {
    ready(&fresh).await;
    // A second handle on a database that can be opened twice, as a second process would have.
    let other = if fresh.is_shared() { Db::open(&fresh.config).await.unwrap() } else { fresh.db.clone() };
    let names = ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"];
    let left = Arc::new(AtomicUsize::new(names.len()));
    let bank = |name: &'static str| {
        let (db, left) = (fresh.db.clone(), left.clone());
        tokio::spawn(async move {
            for seq in 0..40 {
                submit(&db, ORG, name.into(), seq..seq + 1).await.unwrap();
            }
            left.fetch_sub(1, Ordering::SeqCst);
        })
    };
    let sequencer = |db: &Db| {
        let (db, left) = (db.clone(), left.clone());
        tokio::spawn(async move {
            let sequencer = open(&db).await.unwrap();
            while left.load(Ordering::SeqCst) > 0 {
                sequencer.run_once(2_000).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    };
    let tasks: Vec<_> =
        names.into_iter().map(bank).chain([&fresh.db, &other, &other].into_iter().map(sequencer)).collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(drain(&open(&other).await.unwrap()).await, 320);
    let (_, entries) = verified(&fresh.db, &our_key(), &log_id()).await;
    check_entries(&entries, &names.map(|name| (name, 40)));
}

async fn a_run_is_one_commit_and_an_idle_run_none(fresh: Fresh) {
    let sequencer = ready(&fresh).await;
    submit(&fresh.db, ORG, "bank".into(), 0..700).await.unwrap();
    let before = *fresh.db.commits().borrow();
    sequencer.run_once(2_000).await.unwrap();
    assert_eq!(*fresh.db.commits().borrow(), before + 1);
    let idle = sequencer.run_once(2_000).await.unwrap();
    assert_eq!(idle, Sequenced { from: 700, to: 700 });
    assert_eq!(*fresh.db.commits().borrow(), before + 1);
}

async fn more_than_a_batch_takes_several_runs(fresh: Fresh) {
    let sequencer = ready(&fresh).await;
    submit(&fresh.db, ORG, "bank".into(), 0..2_100).await.unwrap();
    let mut sizes = Vec::new();
    for _ in 0..4 {
        let done = sequencer.run_once(2_000).await.unwrap();
        assert_eq!(done.is_full(), done.to - done.from == BATCH as u64);
        sizes.push(done.to);
    }
    assert_eq!(sizes, [1_000, 2_000, 2_100, 2_100]);
    let (_, entries) = verified(&fresh.db, &our_key(), &log_id()).await;
    check_entries(&entries, &[("bank", 2_100)]);
}

async fn proofs_hold_and_reach_no_further_than_the_signed_tree(fresh: Fresh) {
    let sequencer = ready(&fresh).await;
    let reader = LogReader::new(&fresh.db, &log_id());
    submit(&fresh.db, ORG, "bank".into(), 0..300).await.unwrap();
    drain(&sequencer).await;
    let old = reader.head().await.unwrap();
    submit(&fresh.db, ORG, "bank".into(), 300..600).await.unwrap();
    drain(&sequencer).await;
    let head = reader.head().await.unwrap();
    for index in [0, 1, 255, 256, 299, 511, 512, 599] {
        let leaf = leaf_hash(&bytes_of("bank", index));
        for tree in [&old, &head].into_iter().filter(|tree| index < tree.size) {
            let proof = reader.inclusion_proof(index, tree.size).await.unwrap();
            verify_inclusion(leaf, index, tree, &proof).unwrap();
        }
    }
    verify_consistency(&old, &head, &reader.consistency_proof(300, 600).await.unwrap()).unwrap();
    let range = reader.range(598, 5_000).await.unwrap();
    assert_eq!(range, [(598, bytes_of("bank", 598)), (599, bytes_of("bank", 599))]);
    let narrow = reader.tile(TileId { level: 0, index: 2 }, Width::new(3).unwrap()).await.unwrap();
    let wide = reader.tile(TileId { level: 0, index: 2 }, Width::new(88).unwrap()).await.unwrap();
    assert_eq!(narrow, wide[..96]);
    let beyond =
        ["tile/0/002", "tile/0/002.p/89", "tile/0/003.p/1", "tile/entries/002.p/89", "tile/1/000.p/3"];
    for path in beyond {
        let refused = reader.file(path.parse::<TilePath>().unwrap()).await;
        assert!(matches!(refused, Err(LedgerError::OutOfRange)), "{path}: {refused:?}");
    }
    for (index, size) in [(600, 600), (0, 601), (0, 0), (u64::MAX, u64::MAX)] {
        assert!(matches!(reader.inclusion_proof(index, size).await, Err(LedgerError::OutOfRange)));
    }
    assert!(matches!(reader.consistency_proof(300, 601).await, Err(LedgerError::OutOfRange)));
    let nobody = LogReader::new(&fresh.db, &LogId::new("nobody").unwrap()).checkpoint().await;
    assert!(matches!(nobody, Err(LedgerError::NoSuchLog(_))));
}

async fn repeated_events_count_once_and_contradictions_show(fresh: Fresh) {
    let sequencer = ready(&fresh).await;
    let record = async |org: &'static str, source_seq: u64, bytes: Vec<u8>| {
        fresh
            .db
            .tx(async move |tx| {
                let (source_kind, source_id, received_at_ms) = (SourceKind::Platform, "platform", 9);
                let event =
                    NewEvent { org, source_kind, source_id, source_seq, bytes: &bytes, received_at_ms };
                let recorded = event::record(&tx, &event).await?;
                Ok::<_, LedgerError>((recorded, event::last_seq(&tx, "platform").await?))
            })
            .await
    };
    let (Recorded::New { id }, Some(0)) = record(ORG, 0, b"one".to_vec()).await.unwrap() else {
        panic!("not new")
    };
    let again = record(ORG, 0, b"one".to_vec()).await.unwrap().0;
    assert_eq!(again, Recorded::Repeated { id, leaf_index: None });
    assert_eq!(record(ORG, 0, b"two".to_vec()).await.unwrap().0, Recorded::Conflicting { id });
    assert_eq!(record("org_b", 0, b"one".to_vec()).await.unwrap().0, Recorded::Conflicting { id });
    assert_eq!(record(ORG, 5, vec![1; 65_535]).await.unwrap().1, Some(5));
    for size in [0, 65_536] {
        assert!(
            matches!(record(ORG, 6, vec![1; size]).await, Err(LedgerError::EventSize(found)) if found == size)
        );
    }
    assert_eq!(drain(&sequencer).await, 2);
    let again = record(ORG, 0, b"one".to_vec()).await.unwrap().0;
    assert_eq!(again, Recorded::Repeated { id, leaf_index: Some(0) });
    let (_, entries) = verified(&fresh.db, &our_key(), &log_id()).await;
    assert_eq!(entries, [b"one".to_vec(), vec![1; 65_535]]);
}

/// Whether the refusal names what was damaged.
type Names = fn(&Disagreement) -> bool;

async fn a_damaged_log_is_refused_by_name(fresh: Fresh) {
    let sequencer = ready(&fresh).await;
    submit(&fresh.db, ORG, "bank".into(), 0..300).await.unwrap();
    drain(&sequencer).await;
    submit(&fresh.db, ORG, "bank".into(), 300..310).await.unwrap();
    let damages: &[(&str, Names)] = &[
        ("UPDATE ledger SET size = 299", |what| {
            matches!(what, Disagreement::RowAndCheckpoint { row_size: 299, signed_size: 300, .. })
        }),
        ("UPDATE ledger SET checkpoint = replace(checkpoint, '300', '301')", |what| {
            matches!(what, Disagreement::Checkpoint(_))
        }),
        ("DELETE FROM ledger_tile WHERE level = 0 AND idx = 1", |what| {
            matches!(
                what,
                Disagreement::TileShort { tile: TileId { level: 0, index: 1 }, have: 0, need: 1_408 }
            )
        }),
        (
            "UPDATE ledger_tile SET bytes = (SELECT bytes FROM ledger_tile WHERE level = 0 AND idx = 0) WHERE idx = 1",
            |what| matches!(what, Disagreement::TilesAndRoot { .. }),
        ),
        (
            "UPDATE ledger_tile SET bytes = (SELECT bytes FROM ledger_tile WHERE level = 0 AND idx = 0) WHERE level = 1",
            |what| matches!(what, Disagreement::TilesAndRoot { .. }),
        ),
        (
            "UPDATE ledger_entry SET bytes = (SELECT bytes FROM ledger_entry WHERE idx = 5) WHERE idx = 280",
            |what| matches!(what, Disagreement::EntryAndLeaf(280)),
        ),
        (
            "UPDATE ledger_entry SET bytes = (SELECT bytes FROM ledger_entry WHERE idx = 5),
            leaf_hash = (SELECT leaf_hash FROM ledger_entry WHERE idx = 5) WHERE idx = 281",
            |what| matches!(what, Disagreement::EntryAndLeaf(281)),
        ),
        ("DELETE FROM ledger_entry WHERE idx = 290", |what| matches!(what, Disagreement::EntryMissing(290))),
        (
            "INSERT INTO ledger_entry SELECT log_id, 300, bytes, leaf_hash FROM ledger_entry WHERE idx = 299",
            |what| matches!(what, Disagreement::EntryBeyond(300)),
        ),
    ];
    for (damage, names) in damages {
        for table in ["ledger", "ledger_tile", "ledger_entry"] {
            exec(&fresh.db, format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await;
        }
        exec(&fresh.db, (*damage).to_owned()).await;
        for refused in [open(&fresh.db).await.err(), sequencer.run_once(2_000).await.err()] {
            match refused {
                Some(LedgerError::Disagrees { what, .. }) => assert!(names(&what), "{damage}: {what}"),
                other => panic!("{damage}: {other:?}"),
            }
        }
        for table in ["ledger_entry", "ledger_tile", "ledger"] {
            exec(&fresh.db, format!("DELETE FROM {table}")).await;
        }
        for table in ["ledger", "ledger_tile", "ledger_entry"] {
            exec(&fresh.db, format!("INSERT INTO {table} SELECT * FROM kept_{table}")).await;
            exec(&fresh.db, format!("DROP TABLE kept_{table}")).await;
        }
    }
    let foreign =
        Sequencer::open(&fresh.db, &log_id(), ORG, &key("log.example.org/log_a", 8), 1_000).await.err();
    assert!(
        matches!(foreign, Some(LedgerError::Disagrees { what: Disagreement::Checkpoint(_), .. })),
        "{foreign:?}"
    );
    assert_eq!(sequencer.run_once(2_000).await.unwrap(), Sequenced { from: 300, to: 310 });
}

async fn exec(db: &Db, sql: String) {
    let done = db.tx(async move |tx| tx.exec(&sql, params![]).await).await;
    done.expect("the statement runs");
}

async fn logs_of_two_organisations_do_not_mix(fresh: Fresh) {
    let ours = ready(&fresh).await;
    let (their_log, their_key) = (LogId::new("log_b").unwrap(), key("log.example.org/log_b", 9));
    let theirs = Sequencer::open(&fresh.db, &their_log, "org_b", &their_key, 1_000).await.unwrap();
    for seq in 0..20 {
        submit(&fresh.db, ORG, "ours".into(), seq..seq + 1).await.unwrap();
        submit(&fresh.db, "org_b", "theirs".into(), seq..seq + 1).await.unwrap();
    }
    let (ours, theirs) = futures_util::future::join(ours.run_once(2_000), theirs.run_once(2_000)).await;
    assert_eq!((ours.unwrap().to, theirs.unwrap().to), (20, 20));
    check_entries(&verified(&fresh.db, &our_key(), &log_id()).await.1, &[("ours", 20)]);
    check_entries(&verified(&fresh.db, &their_key, &their_log).await.1, &[("theirs", 20)]);
    let twice =
        Sequencer::open(&fresh.db, &LogId::new("log_c").unwrap(), ORG, &key("c.example.org", 1), 1_000).await;
    assert!(matches!(twice.err(), Some(LedgerError::Store(StoreError::Unique(_)))));
}

#[tokio::test]
async fn a_full_disk_stops_the_ledger_and_loses_nothing() {
    let fresh = support::fresh(On::SqliteFile).await.unwrap();
    let sequencer = ready(&fresh).await;
    submit(&fresh.db, ORG, "bank".into(), 0..600).await.unwrap();
    let limit = async |pages: u32| {
        let sql = format!("PRAGMA max_page_count = {pages}");
        fresh.db.tx(async move |tx| tx.query(&sql, params![]).await).await.unwrap();
    };
    limit(1).await; // SQLite takes this as "no more than now"
    let full = sequencer.run_once(2_000).await;
    assert!(matches!(full, Err(LedgerError::Store(StoreError::Full(_)))), "{full:?}");
    assert_eq!(verified(&fresh.db, &our_key(), &log_id()).await.0.entries, 0);
    limit(100_000).await;
    assert_eq!(sequencer.run_once(2_000).await.unwrap(), Sequenced { from: 0, to: 600 });
    check_entries(&verified(&fresh.db, &our_key(), &log_id()).await.1, &[("bank", 600)]);
}

/// Names the file to work on when this binary runs itself as the process to be killed.
const VICTIM: &str = "BAILEE_TEST_LEDGER_VICTIM";

/// Submits and sequences for ever, printing the size after each run; does nothing in an ordinary test run.
#[tokio::test]
async fn victim() {
    let Some(path) = std::env::var_os(VICTIM) else { return };
    let db = Db::open(&DbConfig::file(path)).await.unwrap();
    migrate::apply(&db, &migrate::ALL[..1]).await.unwrap();
    let sequencer = open(&db).await.unwrap();
    let mut size = sequencer.run_once(2_000).await.unwrap().to;
    loop {
        submit(&db, ORG, "bank".into(), size..size + 7).await.unwrap();
        size = sequencer.run_once(2_000).await.unwrap().to;
        println!("\nsigned {size}");
    }
}

#[tokio::test]
async fn what_was_said_to_be_signed_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let mut said = 0;
    for lines in [1, 9, 30, 2, 55] {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "victim", "--nocapture"])
            .env(VICTIM, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let printed = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(Result::ok);
        let sizes = printed.filter_map(|line| line.strip_prefix("signed ")?.parse::<u64>().ok());
        said = sizes.take(lines).last().unwrap();
        victim.kill().unwrap();
        victim.wait().unwrap();
        let db = Db::open(&DbConfig::file(&path)).await.unwrap();
        let size = drain(&open(&db).await.unwrap()).await;
        assert!(size >= said, "{said} were signed, {size} are there");
        let (_, entries) = verified(&db, &our_key(), &log_id()).await;
        check_entries(&entries, &[("bank", size)]);
    }
    assert!(said >= 97 * 7, "each victim went on where the last one was stopped");
}
