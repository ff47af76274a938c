//! The tile log beside its limits and peers: appending, its processor time and syncs, proofs, the check of a whole log,
//! bytes, and a hundred million entries.
//!
//! Work and limit take turns in slices of a few groups, so that both meet the same moments of the machine.

mod append;
mod events;
mod large;
mod proofs;
mod size;
mod syncs;
mod whole;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bailee_audit::key::{Ed25519Signer, KeyName, VerifyingKey};
use bailee_ledger::disk::FolderDisk;
use bailee_ledger::{Appender, Config, Log, LogKey, Reader, Ticket};
use nix::time::ClockId;

pub use append::{cpu, throughput};
pub use large::large;
pub use proofs::proofs;
pub use size::{bytes, json_bytes, size};
pub use syncs::{commit_watched, syncs};
pub use whole::whole;

pub use events::Events;

/// Bytes of an entry where the aim names them.
const ENTRY_BYTES: usize = 256;
/// Entries handed in at once while a log of realistic events is built.
const BUILD_BATCH: u64 = 4_096;
pub const SEED: u64 = 7;

/// The key of a bench's log.
///
/// # Errors
/// None but a mistake in its name.
pub fn key() -> anyhow::Result<LogKey> {
    let signer = Ed25519Signer::from_seed(KeyName::new("bench.example/log")?, &[7; 32])?;
    let verifying = signer.verifying_key().clone();
    Ok(LogKey { signer: Arc::new(signer), verifying, earlier: Vec::new() })
}

fn verifying_key() -> anyhow::Result<VerifyingKey> {
    Ok(key()?.verifying)
}

fn open(dir: &Path) -> anyhow::Result<Log> {
    Ok(Log::open(FolderDisk::open(dir)?, Config::new(key()?))?)
}

/// Callers that each hand in an entry, wait until it is durable and signed for, and hand in the next.
struct Callers {
    appender: Appender,
    waiting: VecDeque<Ticket>,
    number: usize,
    next: u64,
}

impl Callers {
    fn new(log: &Log, number: usize) -> Self {
        Self { appender: log.appender(), waiting: VecDeque::new(), number, next: 0 }
    }

    /// Until so many more entries are answered for, with all callers waiting all the time.
    fn run(&mut self, entries: usize) -> anyhow::Result<()> {
        let mut entry = [0x5A; ENTRY_BYTES];
        let mut done = 0;
        while done < entries {
            while self.waiting.len() < self.number {
                entry[..8].copy_from_slice(&self.next.to_be_bytes());
                self.next += 1;
                self.waiting.push_back(self.appender.submit(&entry)?);
            }
            // All of a group are answered at once, so the others of the first one's are there too.
            let first = self.waiting.pop_front().expect("somebody waits");
            first.wait()?;
            done += 1;
            while let Some(answer) = self.waiting.front().and_then(Ticket::poll_now) {
                answer?;
                self.waiting.pop_front();
                done += 1;
            }
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        self.waiting.into_iter().try_for_each(|ticket| ticket.wait().map(drop))?;
        Ok(())
    }
}

/// Appends realistic events until the log has so many.
fn build(log: &Log, events: &mut Events, size: u64) -> anyhow::Result<()> {
    let appender = log.appender();
    let mut left = size.saturating_sub(log.reader().head().size);
    let mut before: Option<Ticket> = None;
    while left > 0 {
        let mut last = None;
        for _ in 0..left.min(BUILD_BATCH) {
            last = Some(appender.submit(&events.entry())?);
            left -= 1;
        }
        // One batch is made while the one before becomes durable.
        if let Some(ticket) = std::mem::replace(&mut before, last) {
            ticket.wait()?;
        }
    }
    if let Some(ticket) = before {
        ticket.wait()?;
    }
    log.wait_until_packed()?;
    Ok(())
}

/// Numbers below a limit that look random and are the same each time.
struct Picks(u64);

impl Picks {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn many(&mut self, number: usize, reader: &Reader) -> Vec<u64> {
        let size = reader.head().size;
        (0..number).map(|_| self.below(size)).collect()
    }
}

/// Processor seconds of this process, by whether the thread has that name. Threads that have ended don't count.
fn processor_seconds(name: &str) -> anyhow::Result<(f64, f64)> {
    let (mut of_name, mut others) = (0.0, 0.0);
    for thread in std::fs::read_dir("/proc/self/task")? {
        let folder = thread?.path();
        let (Ok(comm), Ok(stat)) =
            (std::fs::read_to_string(folder.join("comm")), std::fs::read_to_string(folder.join("schedstat")))
        else {
            continue;
        };
        let nanoseconds: f64 = stat.split(' ').next().unwrap_or_default().parse()?;
        match comm.trim() == name {
            true => of_name += nanoseconds / 1e9,
            false => others += nanoseconds / 1e9,
        }
    }
    Ok((of_name, others))
}

/// Processor seconds of this process, threads that have ended too.
fn process_seconds() -> anyhow::Result<f64> {
    let time = ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?;
    Ok(Duration::from(time).as_secs_f64())
}
