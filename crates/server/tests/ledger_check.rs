//! `bailee ledger check`: every kind of place is broken in turn and named; what a stop leaves is not.

#![allow(clippy::unwrap_used, reason = "the checks are functions that the macro makes tests of")]

#[path = "ledger_house/mod.rs"]
mod house;
#[path = "support/platform.rs"]
mod platform;
mod support;

use std::sync::Arc;

use bailee_audit::hash::TreeHead;
use bailee_audit::key::Ed25519Signer;
use bailee_audit::{Checkpoint, Hash};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_ledger::disk::{Disk, MemoryDisk};
use bailee_server::app::{AppError, Change, install};
use bailee_server::ledger::check::{Kept, Kind, check};
use bailee_server::ledger::{LedgerError, LogId, LogKey, Stage};
use bailee_server::params;
use house::{House, kinds, sealed, tail};
use platform::START;
use support::Fresh;

on_engine! { sqlite SqliteFile
    a_sound_ledger_is_sound
    what_a_stop_leaves_is_no_finding
    it_may_run_beside_the_platform
    any_byte_of_a_packed_segment_is_noticed
    any_byte_of_a_tail_is_noticed
    files_that_are_missing_are_named
    rows_that_are_missing_changed_or_moved_are_named
    an_event_whose_bytes_are_gone_is_named
    a_mark_that_was_moved_is_named
    checkpoints_of_another_key_are_named
    an_older_database_is_named
    an_older_folder_is_named
    lines_of_the_index_are_compared
    a_checkpoint_kept_elsewhere_shows_what_nothing_here_does
    what_witnesses_cosigned_is_compared
    chains_of_banks_are_followed
}
on_engine! { postgres Postgres
    a_sound_ledger_is_sound
    what_a_stop_leaves_is_no_finding
    it_may_run_beside_the_platform
    files_that_are_missing_are_named
    rows_that_are_missing_changed_or_moved_are_named
    an_event_whose_bytes_are_gone_is_named
    a_mark_that_was_moved_is_named
    checkpoints_of_another_key_are_named
    an_older_database_is_named
    an_older_folder_is_named
    lines_of_the_index_are_compared
    what_witnesses_cosigned_is_compared
    chains_of_banks_are_followed
}

async fn a_sound_ledger_is_sound(fresh: Fresh) {
    let house = House::new(fresh).await;
    house.cosign().await;
    let size = house.head().await.size;
    let report = house.checked().await;
    assert_eq!(report.findings.told, []);
    assert_eq!((report.entries, report.events, report.pending, report.unnoted), (size, size, 0, 0));
    assert_eq!((report.banks, report.bank_events, report.cosignatures), (1, 60, 1));
    assert!(report.checkpoints >= 8, "one for each group: {}", report.checkpoints);
    let packed = house.packed().await;
    assert!(packed.list().unwrap().contains(&sealed(0)), "most of it is packed");
    assert_eq!(house.checked_on(&packed, &[]).await.findings.told, []);
}

async fn what_a_stop_leaves_is_no_finding(fresh: Fresh) {
    let house = House::new(fresh).await;
    let stopping = install::sequencer(house.app()).with_tripwire(Arc::new(|stage| match stage {
        Stage::Appended => Err(LedgerError::Stopped(stage)),
        _ => Ok(()),
    }));
    let more = house.app().change(Actor::Platform, async |change: &Change| {
        for _ in 0..5 {
            change.event(PlatformEventKind::SignInRefused).await?;
        }
        Ok(())
    });
    more.await.unwrap();
    assert_eq!(house.checked().await.pending, 5);
    let before = house.head().await.size;
    stopping.run_once(START.unix_ms()).await.unwrap_err();
    let report = house.checked().await;
    assert_eq!((report.findings.told.as_slice(), report.unnoted, report.pending), (&[][..], 5, 0));
    let torn = house.disk.image();
    torn.tamper(tail(0), |bytes| {
        let last = (0..bytes.len()).step_by(64).rfind(|&at| bytes[at..].starts_with(b"BLGR"));
        let last = last.unwrap();
        bytes[last + 100..].fill(0);
    });
    let report = house.checked_on(&torn, &[]).await;
    assert_eq!((report.findings.told.as_slice(), report.entries, report.pending), (&[][..], before, 5));
}

async fn it_may_run_beside_the_platform(fresh: Fresh) {
    let house = House::new(fresh).await;
    let app = house.app().clone();
    let working = tokio::spawn(async move {
        let sequencer = install::sequencer(&app);
        for _ in 0..60 {
            let said = app.change(Actor::Platform, async |change: &Change| {
                change.event(PlatformEventKind::SignInRefused).await?;
                Ok::<_, AppError>(())
            });
            said.await.unwrap();
            sequencer.run_once(START.unix_ms()).await.unwrap();
        }
    });
    while !working.is_finished() {
        let log = LogId::new(house.app().log_id()).unwrap();
        let org = house.app().org().to_string();
        let keys = [house.key.verifying.clone()];
        // The disk itself, not an image of it: it changes under the look.
        let disk = Box::new(house.disk.clone());
        let report =
            check(&house.rig.fresh.db, (&log, &org), &keys, disk, &[], &mut |_, _| ()).await.unwrap();
        assert_eq!(report.findings.told, []);
    }
    working.await.unwrap();
}

async fn any_byte_of_a_packed_segment_is_noticed(fresh: Fresh) {
    let house = House::new(fresh).await;
    let packed = house.packed().await;
    let length = packed.length(sealed(0)).unwrap() as usize;
    // Leaves, nodes, blocks, index, note and trailer, coarsely, and every byte of the end.
    let places = (0..length - 120).step_by(701).chain(length - 120..length);
    for at in places.step_by(3) {
        let disk = packed.image();
        disk.tamper(sealed(0), |bytes| bytes[at] ^= 0x10);
        let report = house.checked_on(&disk, &[]).await;
        assert_eq!(report.findings.told.first().map(|one| one.kind), Some(Kind::LogFile), "byte {at}");
        let what = &report.findings.told[0].what;
        assert!(what.contains(|c: char| c.is_ascii_digit()), "it names the place: {what}");
    }
}

async fn any_byte_of_a_tail_is_noticed(fresh: Fresh) {
    let house = House::new(fresh).await;
    let mut bytes = vec![0; house.disk.length(tail(0)).unwrap() as usize];
    house.disk.read_at(tail(0), 0, &mut bytes).unwrap();
    let end = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    for at in (0..end).step_by(397) {
        if bytes[at..(at + 64).min(end)].iter().all(|&byte| byte == 0) {
            continue; // Padding between groups.
        }
        let disk = house.disk.image();
        disk.tamper(tail(0), |bytes| bytes[at] ^= 1);
        let found = kinds(&house.checked_on(&disk, &[]).await);
        // In the last group it looks as if that had never been written, and the store knows better.
        assert!(matches!(found.first(), Some(Kind::LogFile | Kind::LogBehind)), "byte {at}: {found:?}");
    }
}

async fn files_that_are_missing_are_named(fresh: Fresh) {
    let house = House::new(fresh).await;
    let disk = house.packed().await;
    disk.remove(sealed(0)).unwrap();
    let report = house.checked_on(&disk, &[]).await;
    assert_eq!(kinds(&report), [Kind::LogFile]);
    assert!(report.findings.told[0].what.contains("segment 0 is missing"), "{:?}", report.findings);
    assert_eq!(report.entries, house.head().await.size - 256, "the others are looked at all the same");
    let report = house.checked_on(&MemoryDisk::default(), &[]).await;
    assert_eq!(kinds(&report), [Kind::LogGone]);
}

async fn rows_that_are_missing_changed_or_moved_are_named(fresh: Fresh) {
    let house = House::new(fresh).await;
    let size = house.head().await.size as i64;
    let other = "INSERT INTO event_bytes (event, bytes) SELECT id, $1 FROM event WHERE leaf_index = 10";
    house.sql(other, params![vec![1_u8, 2, 3]]).await;
    let report = house.checked().await;
    assert_eq!(kinds(&report), [Kind::EventChanged]);
    assert!(report.findings.told[0].what.contains("(entry 10)"), "{:?}", report.findings);
    house
        .sql("DELETE FROM log_index WHERE event_id = (SELECT id FROM event WHERE leaf_index = 10)", params![])
        .await;
    house.sql("DELETE FROM event_bytes", params![]).await;
    house.sql("DELETE FROM event WHERE leaf_index = 10", params![]).await;
    let report = house.checked().await;
    assert_eq!(kinds(&report), [Kind::EventMissing]);
    assert_eq!(report.findings.told[0].what, "entry 10 has no event in the store");
    house.sql("UPDATE event SET leaf_index = $1 WHERE leaf_index = 40", params![size + 5]).await;
    let report = house.checked().await;
    assert_eq!(kinds(&report), [Kind::EventMissing, Kind::Mark]);
    assert_eq!(report.findings.told.len(), 3, "entries 10 and 40, and where 40 went");
    house.sql("UPDATE event SET leaf_index = $1 WHERE leaf_index = 5", params![size + 6]).await;
    house.sql("UPDATE event SET leaf_index = 5 WHERE leaf_index = 6", params![]).await;
    house.sql("UPDATE event SET leaf_index = 6 WHERE leaf_index = $1", params![size + 6]).await;
    let report = house.checked().await;
    let changed = report.findings.told.iter().filter(|one| one.kind == Kind::EventChanged).count();
    assert_eq!(changed, 2, "two that changed places: {:?}", report.findings);
    house.sql("UPDATE event SET source_seq = 9999 WHERE leaf_index = 3", params![]).await;
    let report = house.checked().await;
    let filed = report.findings.told.iter().any(|one| one.what.contains("is filed as 9999"));
    assert!(filed, "{:?}", report.findings);
}

async fn an_event_whose_bytes_are_gone_is_named(fresh: Fresh) {
    let house = House::new(fresh).await;
    let said = house.app().change(Actor::Platform, async |change: &Change| {
        change.event(PlatformEventKind::SignInRefused).await?;
        Ok::<_, AppError>(())
    });
    said.await.unwrap();
    assert_eq!(house.found().await, []);
    house.sql("DELETE FROM event_bytes", params![]).await;
    let report = house.checked().await;
    assert_eq!((kinds(&report), report.pending), (vec![Kind::EventChanged], 1));
    assert!(report.findings.told[0].what.contains("are gone"), "{:?}", report.findings);
}

async fn a_mark_that_was_moved_is_named(fresh: Fresh) {
    let house = House::new(fresh).await;
    let head = house.head().await;
    let root = head.root.0.to_vec();
    house.sql("UPDATE ledger SET size = size - 3", params![]).await;
    let report = house.checked().await;
    assert_eq!(kinds(&report), [Kind::Mark]);
    assert!(
        report.findings.told.iter().any(|one| one.what.starts_with("3 event(s) are marked")),
        "{report:?}"
    );
    house.sql("UPDATE ledger SET size = size + 5", params![]).await;
    assert_eq!(house.found().await, [Kind::LogBehind]);
    house.sql("UPDATE ledger SET size = size - 2, root = $1", params![vec![1_u8; 32]]).await;
    assert_eq!(house.found().await, [Kind::Mark]);
    house.sql("UPDATE ledger SET root = $1", params![root]).await;
    assert_eq!(house.found().await, []);
}

async fn checkpoints_of_another_key_are_named(fresh: Fresh) {
    let house = House::new(fresh).await;
    let name = house.key.verifying.name().clone();
    let signer = Ed25519Signer::from_seed(name, &[77; 32]).unwrap();
    let verifying = signer.verifying_key().clone();
    let size = house.head().await.size;
    let entries = house.app().ledger().reader().range(0, size).await.unwrap();
    let entries: Vec<Vec<u8>> = entries.into_iter().map(|(_, entry)| entry).collect();
    let other = house.written(LogKey { signer: Arc::new(signer), verifying, earlier: Vec::new() }, &entries);
    let report = house.checked_on(&other, &[]).await;
    assert_eq!(kinds(&report), [Kind::CheckpointSignature]);
    assert_eq!((report.entries, report.checkpoints), (size, 0));
}

async fn an_older_database_is_named(fresh: Fresh) {
    let mut house = House::new(fresh).await;
    let (old, last) = (house.head().await, house.last);
    house.bank_does(4).await;
    house.say(vec![PlatformEventKind::SignInRefused; 6]).await;
    // As the database was before: no newer events, the mark and the bank's place as they were.
    let from = old.size as i64;
    house
        .sql(
            "DELETE FROM log_index WHERE event_id IN (SELECT id FROM event WHERE leaf_index >= $1)",
            params![from],
        )
        .await;
    house.sql("DELETE FROM event WHERE leaf_index >= $1", params![from]).await;
    house.sql("UPDATE ledger SET size = $1, root = $2", params![from, old.root.0]).await;
    house.sql("UPDATE bank SET last_seq = $1, last_hash = $2", params![last.0 as i64, last.1]).await;
    let report = house.checked().await;
    assert_eq!(report.findings.told.first().map(|one| one.kind), Some(Kind::StoreBehind));
    assert_eq!(report.findings.told.iter().filter(|one| one.kind == Kind::StoreBehind).count(), 11);
}

async fn an_older_folder_is_named(fresh: Fresh) {
    let house = House::new(fresh).await;
    let old = house.disk.image();
    house.say(vec![PlatformEventKind::SignInRefused; 6]).await;
    assert_eq!(kinds(&house.checked_on(&old, &[]).await), [Kind::LogBehind]);
    house.cosign().await;
    assert_eq!(
        kinds(&house.checked_on(&old, &[]).await),
        [Kind::WitnessAhead, Kind::LogBehind, Kind::WitnessAhead]
    );
}

async fn lines_of_the_index_are_compared(fresh: Fresh) {
    const HIDE: &str = "UPDATE log_index SET severity = 0
        WHERE kind = (SELECT id FROM log_name WHERE name = 'CompartmentForced')";
    const SHOW: &str = "UPDATE log_index SET severity = 2
        WHERE kind = (SELECT id FROM log_name WHERE name = 'CompartmentForced')";
    let house = House::new(fresh).await;
    house.sql(HIDE, params![]).await;
    let report = house.checked().await;
    assert_eq!(kinds(&report), [Kind::IndexChanged]);
    assert_eq!(report.findings.told.len(), 60, "a forced door that is hidden from the list of alarms");
    house.sql(SHOW, params![]).await;
    assert_eq!(house.found().await, []);
    house
        .sql("DELETE FROM log_index WHERE event_id = (SELECT id FROM event WHERE leaf_index = 77)", params![])
        .await;
    let report = house.checked().await;
    assert_eq!(kinds(&report), [Kind::IndexMissing]);
    assert!(report.findings.told[0].what.contains("(entry 77)"), "{:?}", report.findings);
    house
        .sql("UPDATE log_name SET name = 'CompartmentClosed' WHERE name = 'CompartmentForced'", params![])
        .await;
    let report = house.checked().await;
    let renamed = report.findings.told.iter().filter(|one| one.kind == Kind::IndexChanged).count();
    assert_eq!(renamed, 60, "a word that stands for another: {:?}", report.findings);
}

async fn a_checkpoint_kept_elsewhere_shows_what_nothing_here_does(fresh: Fresh) {
    let house = House::new(fresh).await;
    let kept = |head: TreeHead| {
        let origin = house.key.verifying.name().as_str();
        let note = Checkpoint::new(origin, head).sign(&[house.key.signer.as_ref()]).unwrap().to_string();
        [Kept { name: "the witness's".into(), note: note.into_bytes() }]
    };
    let head = house.head().await;
    let ahead = TreeHead { size: head.size + 1, ..head };
    let fork = TreeHead { root: Hash([3; 32]), size: head.size - 7 };
    for (said, expected) in
        [(head, vec![]), (ahead, vec![Kind::WitnessAhead]), (fork, vec![Kind::WitnessFork])]
    {
        let report = house.checked_on(&house.disk, &kept(said)).await;
        assert_eq!(kinds(&report), expected);
    }
    let foreign = [Kept { name: "somebody's".into(), note: b"nothing of the kind".to_vec() }];
    assert_eq!(kinds(&house.checked_on(&house.disk, &foreign).await), [Kind::CheckpointSignature]);
}

async fn what_witnesses_cosigned_is_compared(fresh: Fresh) {
    let house = House::new(fresh).await;
    house.cosign().await;
    assert_eq!(house.checked().await.cosignatures, 1);
    house.sql("UPDATE witness SET size = size + 1", params![]).await;
    assert_eq!(house.found().await, [Kind::WitnessAhead]);
    house.sql("UPDATE witness SET size = size - 1", params![]).await;
    let (origin, size) = (house.key.verifying.name().as_str().to_owned(), house.head().await.size);
    let other = Checkpoint::new(origin, TreeHead { size, root: Hash([9; 32]) });
    let other = other.sign(&[house.key.signer.as_ref()]).unwrap().to_string();
    house.sql("UPDATE witness_round SET checkpoint = $1", params![other]).await;
    let found = house.found().await;
    assert_eq!(
        found,
        [Kind::Cosignature, Kind::WitnessFork],
        "the line is of another text, and the tree another"
    );
}

async fn chains_of_banks_are_followed(fresh: Fresh) {
    let mut house = House::new(fresh).await;
    house.sql("UPDATE bank SET last_seq = last_seq - 1", params![]).await;
    assert_eq!(house.found().await, [Kind::BankMark]);
    house.sql("UPDATE bank SET last_seq = last_seq + 1, last_hash = $1", params![vec![0_u8; 32]]).await;
    assert_eq!(house.found().await, [Kind::BankMark]);
    house.sql("UPDATE bank SET last_seq = 63, last_hash = $1", params![house.last.1]).await;
    // Three events that never came.
    house.last.0 = 63;
    house.bank_does(2).await;
    let report = house.checked().await;
    assert_eq!(kinds(&report), [Kind::BankChain]);
    assert!(
        report.findings.told[0].what.contains("should be at sequence number 61"),
        "{:?}",
        report.findings
    );
}
