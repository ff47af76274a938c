//! Counting syncs from outside: a process of this program commits to a ledger while `strace` writes down every
//! `fsync` and `fdatasync` with the file it is for.
//!
//! The watched process syncs a file of its own, [`MARK`], when it begins and when it ends what is to be counted, so
//! the trace says itself where the set-up ends.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use bailee_server::store::{Db, DbConfig};
use serde::{Deserialize, Serialize};

use super::ledger::Ledger;

const MARK: &str = "bench-mark";
/// What the store's file is called; SQLite calls its log `…-wal`.
pub const STORE: &str = "store.db";

/// What the watched process says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Done {
    /// Commits that changed something, as the store counts them.
    commits: u64,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Syncs {
    /// Commits that changed something.
    pub commits: u64,
    /// Syncs of SQLite's log: what makes a commit durable.
    pub log: u64,
    /// Syncs of the database file: when the log is copied into it, once in about a thousand pages.
    pub database: u64,
    /// Syncs of the tile log: one for each group.
    pub tail: u64,
    /// Syncs of anything else.
    pub other: u64,
}

/// Commits `events` events one by one, each followed by a run of the sequencer, in a process that is watched.
///
/// Nothing when there is no `strace`.
///
/// # Errors
/// When the process fails.
pub fn count(dir: &Path, events: u32) -> anyhow::Result<Option<Syncs>> {
    let dir = tempfile::Builder::new().prefix("syncs-").tempdir_in(dir)?;
    let trace = dir.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-qq", "-e", "trace=fsync,fdatasync", "-o"]).arg(&trace);
    command.arg(std::env::current_exe()?).args(["bench", "ledger-commits", "--samples", &events.to_string()]);
    command.arg("--dir").arg(dir.path());
    let output = match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        output => output?,
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "the watched process failed: {errors}");
    let done: Done = serde_json::from_slice(&output.stdout)?;
    let mut syncs = between_marks(&std::fs::read_to_string(&trace)?).context("the trace has no marks")?;
    syncs.commits = done.commits;
    Ok(Some(syncs))
}

/// The watched process: prints [`Done`].
///
/// # Errors
/// Whatever the store says.
pub async fn commit_watched(dir: &Path, events: u32) -> anyhow::Result<()> {
    let db = Db::open(&DbConfig::file(dir.join(STORE))).await?;
    let mut ledger = Ledger::open(&db, &dir.join("ledger")).await?;
    // The file's first pages and the statements are made here.
    ledger.commit(8).await?;
    let (mark, before) = (dir.join(MARK), *db.commits().borrow());
    sync_mark(&mark)?;
    ledger.commit(events).await?;
    sync_mark(&mark)?;
    let commits = *db.commits().borrow() - before;
    println!("{}", serde_json::to_string(&Done { commits })?);
    Ok(())
}

fn sync_mark(path: &PathBuf) -> std::io::Result<()> {
    std::fs::File::create(path)?.sync_data()
}

/// Counts the calls between the two marks. A call that another thread interrupts takes two lines, the second without
/// the file: only lines with a file begin a call.
fn between_marks(trace: &str) -> Option<Syncs> {
    let calls =
        trace.lines().filter_map(|line| line.split_once("sync(")?.1.split_once('<')?.1.split_once('>'));
    let mut files = calls.map(|(file, _)| file).skip_while(|file| !file.ends_with(MARK));
    files.next()?;
    let mut syncs = Syncs::default();
    for file in files {
        if file.ends_with(MARK) {
            return Some(syncs);
        } else if file.ends_with("-wal") {
            syncs.log += 1;
        } else if file.ends_with(".tail") {
            syncs.tail += 1;
        } else if file.ends_with(STORE) {
            syncs.database += 1;
        } else {
            syncs.other += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_between_the_marks_count_once_each() {
        let trace = "7 fsync(9</d/store.db-wal>) = 0\n\
            7 fdatasync(4</d/bench-mark>) = 0\n\
            8 fdatasync(9</d/store.db-wal> <unfinished ...>\n\
            8 <... fdatasync resumed>) = 0\n\
            8 fdatasync(9</d/store.db-wal>) = 0\n\
            8 fdatasync(8</d/store.db>) = 0\n\
            8 fdatasync(5</d/ledger/00000000.tail>) = 0\n\
            8 fsync(3</d>) = 0\n\
            7 fdatasync(4</d/bench-mark>) = 0\n\
            8 fdatasync(9</d/store.db-wal>) = 0\n";
        assert_eq!(between_marks(trace), Some(Syncs { commits: 0, log: 2, database: 1, tail: 1, other: 1 }));
        assert_eq!(between_marks("7 fdatasync(4</d/bench-mark>) = 0\n"), None);
    }
}
