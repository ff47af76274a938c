//! The ledger's promises: nothing lost, nothing twice, nothing in another order, nothing signed that does not hold.

#![allow(clippy::unwrap_used, reason = "the checks are functions that the macro makes tests of")]

mod ledger_support;
mod support;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bailee_audit::{
    checkpoint::Checkpoint,
    hash::leaf_hash,
    proof::{verify_consistency, verify_inclusion},
    tile::{TileId, TilePath, Width},
    tree::Edge,
};
use bailee_ledger::disk::{FolderDisk, MemoryDisk};
use bailee_server::{
    ledger::{
        BATCH, Disagreement, Ledger, LedgerError, LogId, LogKey, Sequenced, Sequencer, Stage,
        event::{self, NewEvent, Recorded},
    },
    params,
    store::{Db, DbConfig, StoreError, migrate},
};
use ledger_support::{
    ORG, bytes_kept, bytes_of, check_entries, drain, exec, key, log_id, open, open_as, our_key, submit,
    verified,
};
use support::Fresh;

on_every_engine![
    events_become_a_log_anybody_can_verify,
    a_stop_at_any_stage_loses_nothing_and_doubles_nothing,
    racing_sequencers_do_not_split_the_log,
    a_run_is_one_sync_and_one_commit_and_an_idle_run_none,
    more_than_a_batch_takes_several_runs,
    proofs_hold_and_reach_no_further_than_the_signed_tree,
    repeated_events_count_once_and_contradictions_show,
    an_old_database_is_refused,
    an_old_or_foreign_log_is_refused,
    a_log_that_is_gone_is_refused,
    a_full_disk_stops_the_ledger_and_loses_nothing,
    logs_of_two_organisations_do_not_mix,
];

/// A fresh store with a log on a disk in memory.
struct House {
    fresh: Fresh,
    disk: MemoryDisk,
    ledger: Ledger,
}

impl House {
    async fn new(fresh: Fresh) -> Self {
        migrate::to_latest(&fresh.db).await.expect("the schema applies");
        let disk = MemoryDisk::default();
        let ledger = open(&fresh.db, &disk).await.expect("an empty log opens");
        Self { fresh, disk, ledger }
    }

    fn sequencer(&self) -> Sequencer {
        self.ledger.sequencer(&self.fresh.db)
    }

    async fn grow(&self, seqs: std::ops::Range<u64>) -> u64 {
        submit(&self.fresh.db, ORG, "bank".into(), seqs).await.unwrap();
        drain(&self.sequencer()).await
    }

    /// Closes the log and opens what is on its disk, as a new process would.
    async fn reopen(self) -> Self {
        let Self { fresh, disk, ledger } = self;
        drop(ledger);
        let ledger = open(&fresh.db, &disk).await.expect("a sound log opens");
        Self { fresh, disk, ledger }
    }
}

async fn events_become_a_log_anybody_can_verify(fresh: Fresh) {
    let house = House::new(fresh).await;
    let empty = house.ledger.reader().checkpoint().await.unwrap();
    let opened = Checkpoint::open(empty.as_bytes(), &our_key().verifying).unwrap();
    assert_eq!(opened.checkpoint.head(), Edge::empty().head());
    let mut grown = 0;
    for count in [1_u64, 2, 253, 1, 300] {
        submit(&house.fresh.db, ORG, "bank".into(), grown..grown + count).await.unwrap();
        let done = house.sequencer().run_once(2_000).await.unwrap();
        assert_eq!(done, Sequenced { from: grown, to: grown + count });
        grown += count;
        let (report, entries) = verified(&house.ledger, &our_key()).await;
        assert_eq!((report.checkpoint.size, report.entries, report.signatures), (grown, grown, 1));
        check_entries(&entries, &[("bank", grown)]);
    }
    let house = house.reopen().await;
    let (_, expected) = Edge::empty().append((0..grown).map(|seq| leaf_hash(&bytes_of("bank", seq))));
    assert_eq!(house.ledger.reader().head().await.unwrap(), expected.head);
}

async fn a_stop_at_any_stage_loses_nothing_and_doubles_nothing(fresh: Fresh) {
    let mut house = House::new(fresh).await;
    let mut size = house.grow(0..250).await;
    for stop in Stage::ALL {
        submit(&house.fresh.db, ORG, "bank".into(), size..size + 10).await.unwrap();
        let stopping = house.sequencer().with_tripwire(Arc::new(move |stage| match stage == stop {
            true => Err(LedgerError::Stopped(stage)),
            false => Ok(()),
        }));
        assert!(matches!(stopping.run_once(2_000).await, Err(LedgerError::Stopped(at)) if at == stop));
        drop(stopping);
        // The same process goes on with the next run for one stage, a new one for the others.
        if stop != Stage::Taken {
            house = house.reopen().await;
        }
        size += 10;
        assert_eq!(drain(&house.sequencer()).await, size, "{stop:?}");
        assert_eq!(house.ledger.noted(&house.fresh.db).await.unwrap(), size);
        check_entries(&verified(&house.ledger, &our_key()).await.1, &[("bank", size)]);
    }
    submit(&house.fresh.db, ORG, "bank".into(), size..size + 10).await.unwrap();
    let crashing = house.sequencer().with_tripwire(Arc::new(|stage| {
        assert_ne!(stage, Stage::Appended, "pulled the plug");
        Ok(())
    }));
    tokio::spawn(async move { crashing.run_once(2_000).await }).await.unwrap_err();
    assert_eq!(
        drain(&house.sequencer()).await,
        size + 10,
        "a run that broke off is caught up in the same process"
    );
    check_entries(&verified(&house.ledger, &our_key()).await.1, &[("bank", size + 10)]);
}

async fn racing_sequencers_do_not_split_the_log(fresh: Fresh) {
    let house = House::new(fresh).await;
    let names = ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"];
    let left = Arc::new(AtomicUsize::new(names.len()));
    let bank = |name: &'static str| {
        let (db, left) = (house.fresh.db.clone(), left.clone());
        tokio::spawn(async move {
            for seq in 0..40 {
                submit(&db, ORG, name.into(), seq..seq + 1).await.unwrap();
            }
            left.fetch_sub(1, Ordering::SeqCst);
        })
    };
    let sequencer = |_| {
        let (sequencer, left) = (house.sequencer(), left.clone());
        tokio::spawn(async move {
            while left.load(Ordering::SeqCst) > 0 {
                sequencer.run_once(2_000).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    };
    let tasks: Vec<_> = names.into_iter().map(bank).chain((0..3).map(sequencer)).collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(drain(&house.sequencer()).await, 320);
    check_entries(&verified(&house.ledger, &our_key()).await.1, &names.map(|name| (name, 40)));
}

async fn a_run_is_one_sync_and_one_commit_and_an_idle_run_none(fresh: Fresh) {
    let house = House::new(fresh).await;
    submit(&house.fresh.db, ORG, "bank".into(), 0..700).await.unwrap();
    let counts = || (*house.fresh.db.commits().borrow(), house.disk.syncs());
    let (commits, syncs) = counts();
    house.sequencer().run_once(2_000).await.unwrap();
    assert_eq!(counts(), (commits + 1, syncs + 1));
    let idle = house.sequencer().run_once(2_000).await.unwrap();
    assert_eq!(idle, Sequenced { from: 700, to: 700 });
    assert_eq!(counts(), (commits + 1, syncs + 1));
}

async fn more_than_a_batch_takes_several_runs(fresh: Fresh) {
    let house = House::new(fresh).await;
    let sequencer = house.sequencer();
    submit(&house.fresh.db, ORG, "bank".into(), 0..2_100).await.unwrap();
    let mut sizes = Vec::new();
    for _ in 0..4 {
        let done = sequencer.run_once(2_000).await.unwrap();
        assert_eq!(done.is_full(), done.to - done.from == BATCH as u64);
        sizes.push(done.to);
    }
    assert_eq!(sizes, [1_000, 2_000, 2_100, 2_100]);
    let (_, entries) = verified(&house.ledger, &our_key()).await;
    check_entries(&entries, &[("bank", 2_100)]);
}

async fn proofs_hold_and_reach_no_further_than_the_signed_tree(fresh: Fresh) {
    let house = House::new(fresh).await;
    let reader = house.ledger.reader();
    house.grow(0..300).await;
    let old = reader.head().await.unwrap();
    house.grow(300..600).await;
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
}

async fn repeated_events_count_once_and_contradictions_show(fresh: Fresh) {
    let house = House::new(fresh).await;
    let sequencer = house.sequencer();
    let (db, log) = (&house.fresh.db, house.ledger.reader());
    let record = async |org: &'static str, source_seq: u64, bytes: Vec<u8>| {
        db.tx(async move |tx| {
            let event = NewEvent { org, source_id: "platform", source_seq, bytes: &bytes, received_at_ms: 9 };
            let recorded = event::record(&tx, &event).await?;
            Ok::<_, LedgerError>((recorded, event::last_seq(&tx, "platform").await?))
        })
        .await
    };
    let held = async || {
        let log = log.clone();
        db.read(async move |tx| event::held(&tx, &log, "platform", 0..=9).await).await.unwrap()
    };
    let (Recorded::New { id }, Some(0)) = record(ORG, 0, b"one".to_vec()).await.unwrap() else {
        panic!("not new")
    };
    for (org, bytes) in [(ORG, b"one"), (ORG, b"two"), ("org_b", b"one")] {
        let again = record(org, 0, bytes.to_vec()).await.unwrap().0;
        assert_eq!(again, Recorded::Held { id, leaf_index: None });
    }
    assert_eq!(record(ORG, 5, vec![1; 65_535]).await.unwrap().1, Some(5));
    for size in [0, 65_536] {
        assert!(
            matches!(record(ORG, 6, vec![1; size]).await, Err(LedgerError::EventSize(found)) if found == size)
        );
    }
    let both = [(0, b"one".to_vec()), (5, vec![1; 65_535])];
    assert_eq!(held().await, both, "while they wait");
    assert_eq!(drain(&sequencer).await, 2);
    assert_eq!(bytes_kept(db).await, 0);
    assert_eq!(held().await, both, "out of the log");
    let again = record(ORG, 0, b"two".to_vec()).await.unwrap().0;
    assert_eq!(again, Recorded::Held { id, leaf_index: Some(0) });
    assert_eq!(bytes_kept(db).await, 0);
    let (_, entries) = verified(&house.ledger, &our_key()).await;
    assert_eq!(entries, both.map(|(_, bytes)| bytes));
}

/// Takes the store back to when the log had `size` entries.
async fn forget(house: &House, size: u64, and_their_events: bool) {
    let reader = house.ledger.reader();
    let root = reader.root_at(size).await.unwrap().0;
    let mut later = Vec::new();
    while size + (later.len() as u64) < reader.head().await.unwrap().size {
        later.extend(reader.range(size + later.len() as u64, u64::MAX).await.unwrap());
    }
    let size = i64::try_from(size).unwrap();
    let done = house.fresh.db.tx(async move |tx| {
        for (index, bytes) in &later {
            let keep = "INSERT INTO event_bytes (event, bytes) SELECT id, $2 FROM event
                WHERE org = (SELECT id FROM log_name WHERE name = $3) AND leaf_index = $1";
            tx.exec(keep, params![i64::try_from(*index).unwrap(), bytes, ORG]).await?;
        }
        let sql = match and_their_events {
            true => "DELETE FROM event WHERE leaf_index >= $1",
            false => "UPDATE event SET leaf_index = NULL WHERE leaf_index >= $1",
        };
        tx.exec(sql, params![size]).await?;
        tx.exec("UPDATE ledger SET size = $1, root = $2", params![size, root]).await
    });
    done.await.unwrap();
}

async fn refused(house: House) -> (House, LedgerError) {
    let House { fresh, disk, ledger } = house;
    drop(ledger);
    let error = open(&fresh.db, &disk).await.err().expect("it is refused");
    // For the next question: what the store knows is put right by whoever asks.
    let ledger = Ledger::open_beside((&log_id(), ORG), &our_key(), Box::new(disk.clone())).await.unwrap();
    (House { fresh, disk, ledger }, error)
}

async fn an_old_database_is_refused(fresh: Fresh) {
    let house = House::new(fresh).await;
    house.grow(0..2_300).await;
    forget(&house, 2_290, false).await;
    let house = house.reopen().await;
    assert_eq!(
        house.ledger.noted(&house.fresh.db).await.unwrap(),
        2_300,
        "one run behind is what a stop leaves"
    );
    forget(&house, 1_200, false).await;
    let house = house.reopen().await;
    assert_eq!(
        house.ledger.noted(&house.fresh.db).await.unwrap(),
        2_300,
        "several runs behind is what a power cut leaves: notes are not synced"
    );
    assert_eq!(bytes_kept(&house.fresh.db).await, 0);
    forget(&house, 2_290, true).await;
    let (house, error) = refused(house).await;
    let what = |error: &LedgerError| match error {
        LedgerError::Disagrees { what, .. } => format!("{what:?}"),
        other => format!("{other:?}"),
    };
    assert_eq!(what(&error), "EntryAndEvent(2290)");
    assert!(matches!(house.sequencer().run_once(2_000).await, Err(LedgerError::NotOurs)));
}

async fn an_old_or_foreign_log_is_refused(fresh: Fresh) {
    use bailee_ledger::Disagreement as Log;
    let house = House::new(fresh).await;
    house.grow(0..100).await;
    let old = house.disk.image();
    house.grow(100..130).await;
    let House { fresh, disk, ledger } = house;
    drop(ledger);
    let why = async |disk: &MemoryDisk, key: &LogKey| {
        let opened = open_as(&fresh.db, (&log_id(), ORG), key, Box::new(disk.clone())).await;
        match opened.err() {
            Some(LedgerError::Log(bailee_ledger::LedgerError::Disagrees(what))) => what,
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(why(&old, &our_key()).await, Log::Behind { known: 130, found: 100 }));
    assert!(matches!(why(&disk, &key("log.example.org/log_a", 8)).await, Log::Checkpoint(_)));
    exec(&fresh.db, "UPDATE ledger SET root = (SELECT root FROM ledger) , size = 120".to_owned()).await;
    assert!(matches!(why(&disk, &our_key()).await, Log::Forked { .. }));
}

async fn a_log_that_is_gone_is_refused(fresh: Fresh) {
    let house = House::new(fresh).await;
    house.grow(0..1_234).await;
    let House { fresh, ledger, .. } = house;
    drop(ledger);
    let refused = open(&fresh.db, &MemoryDisk::default()).await.err();
    assert!(
        matches!(&refused, Some(LedgerError::Disagrees { what: Disagreement::NotRebuilt(0), .. })),
        "{refused:?}"
    );
}

async fn logs_of_two_organisations_do_not_mix(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (their_log, their_key) = (LogId::new("log_b").unwrap(), key("log.example.org/log_b", 9));
    let disk = || Box::new(MemoryDisk::default());
    let theirs = open_as(&house.fresh.db, (&their_log, "org_b"), &their_key, disk())
        .await
        .expect("a second log opens");
    for seq in 0..20 {
        submit(&house.fresh.db, ORG, "ours".into(), seq..seq + 1).await.unwrap();
        submit(&house.fresh.db, "org_b", "theirs".into(), seq..seq + 1).await.unwrap();
    }
    let (ours, their) = (house.sequencer(), theirs.sequencer(&house.fresh.db));
    let (ours, their) = futures_util::future::join(ours.run_once(2_000), their.run_once(2_000)).await;
    assert_eq!((ours.unwrap().to, their.unwrap().to), (20, 20));
    check_entries(&verified(&house.ledger, &our_key()).await.1, &[("ours", 20)]);
    check_entries(&verified(&theirs, &their_key).await.1, &[("theirs", 20)]);
    let third = LogId::new("log_c").unwrap();
    let twice = open_as(&house.fresh.db, (&third, ORG), &key("c.example.org", 1), disk()).await;
    assert!(matches!(twice.err(), Some(LedgerError::Store(StoreError::Unique(_)))));
}

async fn a_full_disk_stops_the_ledger_and_loses_nothing(fresh: Fresh) {
    let house = House::new(fresh).await;
    submit(&house.fresh.db, ORG, "bank".into(), 0..600).await.unwrap();
    house.disk.limit(Some(house.disk.used()));
    let full = house.sequencer().run_once(2_000).await;
    assert!(matches!(full, Err(LedgerError::Append(_))), "{full:?}");
    assert_eq!(verified(&house.ledger, &our_key()).await.0.entries, 0);
    house.disk.limit(None);
    assert_eq!(drain(&house.sequencer()).await, 600);
    check_entries(&verified(&house.ledger, &our_key()).await.1, &[("bank", 600)]);
}

/// Names the file to work on when this binary runs itself as the process to be killed.
const VICTIM: &str = "BAILEE_TEST_LEDGER_VICTIM";

/// A store and a log in files, as a platform has them.
async fn on_disk(path: &Path) -> (Db, Ledger) {
    let db = Db::open(&DbConfig::file(path)).await.unwrap();
    migrate::to_latest(&db).await.unwrap();
    let disk = FolderDisk::open(&path.with_extension("ledger")).unwrap();
    let ledger = open_as(&db, (&log_id(), ORG), &our_key(), Box::new(disk)).await.unwrap();
    (db, ledger)
}

/// Submits and sequences for ever, printing the size after each run; does nothing in an ordinary test run.
#[tokio::test]
async fn victim() {
    let Some(path) = std::env::var_os(VICTIM) else { return };
    let (db, ledger) = on_disk(Path::new(&path)).await;
    let sequencer = ledger.sequencer(&db);
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
        let (db, ledger) = on_disk(&path).await;
        let size = drain(&ledger.sequencer(&db)).await;
        assert!(size >= said, "{said} were signed, {size} are there");
        let (_, entries) = verified(&ledger, &our_key()).await;
        check_entries(&entries, &[("bank", size)]);
    }
    assert!(said >= 97 * 7, "each victim went on where the last one was stopped");
}
