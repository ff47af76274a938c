//! A small log: 256 entries a segment, so that tests see many.

use std::sync::Arc;

use bailee_audit::key::{Ed25519Signer, KeyName, VerifyingKey};
use bailee_audit::verify::{DirSource, Report, verify_log};
use bailee_ledger::disk::Disk;
use bailee_ledger::{Config, LedgerError, Log, LogKey, Reader};

pub fn key(seed: u8) -> LogKey {
    let name = KeyName::new("log.example.org/log_a").expect("a good name");
    let signer = Ed25519Signer::from_seed(name, &[seed; 32]).expect("any seed will do");
    let verifying = signer.verifying_key().clone();
    LogKey { signer: Arc::new(signer), verifying, earlier: Vec::new() }
}

pub fn our_key() -> VerifyingKey {
    key(7).verifying
}

pub fn config() -> Config {
    Config { segment_height: 8, ..Config::new(key(7)) }
}

pub fn open(disk: impl Disk + 'static) -> Result<Log, LedgerError> {
    Log::open(disk, config())
}

/// Entry number `index`: some CBOR in a chain, some text.
pub fn entry(index: u64) -> Vec<u8> {
    match index % 5 {
        0 => format!("entry {index} ").repeat(1 + index as usize % 7).into_bytes(),
        _ => {
            let mut entry = vec![0xA3, 0x02, 0x48];
            entry.extend((index / 5).to_be_bytes());
            entry.extend([0x03, 0x1B]);
            entry.extend((1_800_000_000_000 + index).to_be_bytes());
            entry.extend([0x04, (index % 20) as u8]);
            entry
        }
    }
}

pub fn entries(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(entry).collect()
}

/// Exports the log, checks all of it with the public verifier, and returns its entries.
pub fn verified(reader: &Reader) -> (Report, Vec<Vec<u8>>) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    reader.export(dir.path()).expect("the log exports");
    let mut entries = Vec::new();
    let mut visitor = |_: u64, entry: &[u8]| {
        entries.push(entry.to_vec());
        Ok(())
    };
    let report =
        verify_log(&mut DirSource::new(dir.path()), &our_key(), &mut visitor).expect("the log is sound");
    reader.check(&our_key(), 2, &|_| ()).expect("what is stored is sound");
    (report, entries)
}
