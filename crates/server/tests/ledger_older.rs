//! The store of an older program, which kept every event and its log in tables, becomes one with a log in files.

#![allow(clippy::unwrap_used, reason = "the checks are functions that the macro makes tests of")]

mod ledger_support;
mod support;

use bailee_audit::{
    hash::{TreeHead, leaf_hash},
    tree::Edge,
};
use bailee_ledger::disk::MemoryDisk;
use bailee_server::{
    ledger::{Disagreement, LedgerError},
    params,
    store::{Db, StoreError, migrate},
};
use ledger_support::{
    ORG, bytes_kept, bytes_of, check_entries, drain, exec, open, our_key, submit, verified,
};
use support::Fresh;

on_every_engine![the_log_of_an_older_program_becomes_files];

/// A store of a program that kept every event and its log in tables: `events` of them, their tree as it was signed.
async fn store_of_an_older_program(db: &Db, events: u64) -> TreeHead {
    migrate::apply(db, &migrate::ALL[..8]).await.unwrap();
    let (_, signed) = Edge::empty().append((0..events).map(|seq| leaf_hash(&bytes_of("bank", seq))));
    let head = signed.head;
    let made: Result<(), StoreError> = db
        .tx(async move |tx| {
            for seq in 0..events {
                let sql = "INSERT INTO event (org, source_kind, source_id, source_seq, bytes, received_at, leaf_index)
                    VALUES ($1, 'bank', 'bank', $2, $3, 5, $2)";
                tx.exec(sql, params![ORG, i64::try_from(seq).unwrap(), bytes_of("bank", seq)]).await?;
            }
            let sql = "INSERT INTO ledger (log_id, org, origin, size, root, checkpoint, signed_at, cas)
                VALUES ('log_a', $1, 'log.example.org/log_a', $2, $3, '', 5, 0)";
            tx.exec(sql, params![ORG, i64::try_from(events).unwrap(), head.root.0]).await?;
            Ok(())
        })
        .await;
    made.unwrap();
    head
}

async fn the_log_of_an_older_program_becomes_files(fresh: Fresh) {
    let db = &fresh.db;
    let signed = store_of_an_older_program(db, 1_234).await;
    migrate::to_latest(db).await.unwrap();
    for (damage, entry) in [
        (
            "UPDATE event_bytes SET bytes = (SELECT bytes FROM event_bytes WHERE event = 8) WHERE event = 9",
            1_234,
        ),
        ("DELETE FROM event_bytes WHERE event = 31", 30),
    ] {
        // On a copy of the row that is put back.
        exec(
            db,
            "CREATE TABLE kept AS SELECT event, bytes FROM event_bytes WHERE event IN (9, 31)".to_owned(),
        )
        .await;
        exec(db, damage.to_owned()).await;
        let refused = open(db, &MemoryDisk::default()).await.err();
        assert!(
            matches!(&refused, Some(LedgerError::Disagrees { what: Disagreement::NotRebuilt(at), .. }) if *at == entry),
            "{damage}: {refused:?}"
        );
        exec(db, "DELETE FROM event_bytes WHERE event IN (9, 31)".to_owned()).await;
        exec(db, "INSERT INTO event_bytes SELECT event, bytes FROM kept".to_owned()).await;
        exec(db, "DROP TABLE kept".to_owned()).await;
    }
    let disk = MemoryDisk::default();
    let ledger = open(db, &disk).await.unwrap();
    assert_eq!(ledger.reader().head().await.unwrap(), signed);
    assert_eq!(bytes_kept(db).await, 0, "what the log holds the store need not");
    submit(db, ORG, "bank".into(), 1_234..1_300).await.unwrap();
    assert_eq!(drain(&ledger.sequencer(db)).await, 1_300);
    check_entries(&verified(&ledger, &our_key()).await.1, &[("bank", 1_300)]);
}
