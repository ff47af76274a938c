//! What tests of the ledger share: a log's name and key, events of a source, and the check of everything.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::{collections::BTreeMap, sync::Arc};

use bailee_audit::{
    key::{Ed25519Signer, KeyName},
    verify::{DirSource, Report, verify_log},
};
use bailee_ledger::disk::{Disk, MemoryDisk};
use bailee_server::{
    ledger::{
        Ledger, LedgerError, LogId, LogKey, Sequenced, Sequencer,
        event::{self, NewEvent},
    },
    params,
    store::{Db, StoreError},
};

pub const ORG: &str = "org_a";

pub fn log_id() -> LogId {
    LogId::new("log_a").expect("a good name")
}

pub fn key(name: &str, seed: u8) -> LogKey {
    let name = KeyName::new(name).expect("a good name");
    let signer = Ed25519Signer::from_seed(name, &[seed; 32]).expect("any seed will do");
    let verifying = signer.verifying_key().clone();
    LogKey { signer: Arc::new(signer), verifying, earlier: Vec::new() }
}

pub fn our_key() -> LogKey {
    key("log.example.org/log_a", 7)
}

pub async fn open(db: &Db, disk: &MemoryDisk) -> Result<Ledger, LedgerError> {
    open_as(db, (&log_id(), ORG), &our_key(), Box::new(disk.clone())).await
}

pub async fn open_as(
    db: &Db,
    whose: (&LogId, &str),
    key: &LogKey,
    disk: Box<dyn Disk>,
) -> Result<Ledger, LedgerError> {
    Ledger::open(db, whose, key, disk, 1_000).await
}

pub fn bytes_of(source: &str, seq: u64) -> Vec<u8> {
    format!("{source} did its {seq}th thing; ").repeat(1 + seq as usize % 9).into_bytes()
}

pub async fn submit(
    db: &Db,
    org: &'static str,
    source: String,
    seqs: std::ops::Range<u64>,
) -> Result<(), LedgerError> {
    db.tx(async move |tx| {
        for seq in seqs.clone() {
            let bytes = bytes_of(&source, seq);
            let event =
                NewEvent { org, source_id: &source, source_seq: seq, bytes: &bytes, received_at_ms: 5 };
            event::record(&tx, &event).await?;
        }
        Ok(())
    })
    .await
}

pub async fn drain(sequencer: &Sequencer) -> u64 {
    loop {
        let Sequenced { from, to } = sequencer.run_once(2_000).await.expect("a sound log goes on");
        if from == to {
            return to;
        }
    }
}

/// Exports the log, checks all of it with the public verifier, and returns its entries.
pub async fn verified(ledger: &Ledger, key: &LogKey) -> (Report, Vec<Vec<u8>>) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    ledger.reader().export(dir.path()).await.expect("the log exports");
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
pub fn check_entries(entries: &[Vec<u8>], sources: &[(&str, u64)]) {
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

/// Bytes of events that the store holds.
pub async fn bytes_kept(db: &Db) -> i64 {
    let sql = "SELECT COALESCE(SUM(LENGTH(bytes)), 0) AS kept FROM event_bytes";
    let kept: Result<i64, StoreError> =
        db.read(async move |tx| tx.query_one(sql, params![]).await?.get("kept")).await;
    kept.unwrap()
}

pub async fn exec(db: &Db, sql: String) {
    let done = db.tx(async move |tx| tx.exec(&sql, params![]).await).await;
    done.expect("the statement runs");
}
