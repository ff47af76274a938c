//! SQLite: one writer thread that group-commits, and readers of their own.
//!
//! Use cases run on the writer thread one after another, each in its own savepoint, and up to [`GROUP`] of them share
//! one `COMMIT`, which is one sync of the write-ahead log. A caller hears of success only after that sync. Because every
//! statement is answered at once, a use case never waits: one that does awaits something foreign and is refused.
//!
//! A stop before the commit leaves nothing of the group, a stop after it leaves all of it. One caller's error, refusal
//! or panic undoes its own savepoint only. When the disk is full each of the group is tried again alone, so that a
//! large one does not take the small ones down with it.

mod error;
mod job;
mod open;
pub(in crate::store) mod statement;

use std::{
    cell::Cell,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use rusqlite::Connection;
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};

use job::{Job, UseCase, Verdict};

use super::{Pending, SqlitePlace, StoreError, Threads, Tx, tx::Access};
use error::translate;

/// Most use cases that share one commit.
const GROUP: usize = 256;
/// Use cases waiting for a thread before callers are held back.
const QUEUE: usize = 1_024;
/// Connections for `read`, each with a thread.
const READERS: usize = 2;

/// A connection as a [`Tx`] shares it with its thread.
pub(super) type Shared = Arc<Mutex<Connection>>;

pub(super) fn lock(conn: &Shared) -> MutexGuard<'_, Connection> {
    conn.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The SQLite engine.
pub(super) struct Sqlite {
    writer: Lane,
    readers: Option<Lane>,
    file: Option<PathBuf>,
}

/// Where a kind of job is run.
enum Lane {
    Threads {
        jobs: Option<mpsc::Sender<Box<dyn Job>>>,
        threads: Vec<JoinHandle<()>>,
    },
    /// The caller's own thread; the lock keeps transactions of several callers apart.
    Inline(tokio::sync::Mutex<Runner>),
}

impl Sqlite {
    pub(super) fn open(
        place: &SqlitePlace,
        threads: Threads,
        commits: watch::Sender<u64>,
    ) -> Result<Self, StoreError> {
        let writer = Runner { conn: share(open::writer(place)?), synced: Cell::new(true), commits };
        let file = match place {
            SqlitePlace::Memory => None,
            SqlitePlace::File(path) => Some(path.clone()),
        };
        if threads == Threads::Callers {
            return Ok(Self { writer: Lane::Inline(writer.into()), readers: None, file });
        }
        let writer = Lane::threads("store-writer", vec![writer], Runner::run_group)?;
        let readers = match place {
            SqlitePlace::Memory => None,
            SqlitePlace::File(path) => Some(Self::readers(path)?),
        };
        Ok(Self { writer, readers, file })
    }

    fn readers(path: &Path) -> Result<Lane, StoreError> {
        let (commits, _) = watch::channel(0);
        let runner = || {
            Ok(Runner { conn: share(open::reader(path)?), synced: Cell::new(true), commits: commits.clone() })
        };
        let runners = (0..READERS).map(|_| runner()).collect::<Result<_, StoreError>>()?;
        Lane::threads("store-reader", runners, |runner, jobs| {
            jobs.into_iter().for_each(|job| runner.run_reads(job));
        })
    }

    /// Leaves nothing of deleted rows in the files; blocks its thread for at most seconds.
    pub(super) fn scrub(&self) -> Result<bool, StoreError> {
        self.file.as_deref().map_or(Ok(true), open::empty_log)
    }

    pub(super) fn run<F, T, E>(self: Arc<Self>, access: Access, use_case: F) -> Pending<T, E>
    where
        F: AsyncFn(Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (job, answer) = UseCase::new(access, use_case);
        let job: Box<dyn Job> = Box::new(job);
        Box::pin(async move {
            let lane = match (access, &self.readers) {
                (Access::Read, Some(readers)) => readers,
                _ => &self.writer,
            };
            lane.submit(job).await?;
            answer.await.unwrap_or_else(|_| Err(gone().into()))
        })
    }
}

fn share(conn: Connection) -> Shared {
    Arc::new(Mutex::new(conn))
}

fn gone() -> StoreError {
    StoreError::Unavailable(super::Cause::new("the store's thread has ended"))
}

impl Lane {
    fn threads(
        name: &str,
        runners: Vec<Runner>,
        run: fn(&Runner, Vec<Box<dyn Job>>),
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let most = if runners.len() == 1 { GROUP } else { 1 };
        let spawn = |runner: Runner| {
            let (queue, runtime) = (queue.clone(), Handle::try_current().ok());
            let body = move || {
                let _context = runtime.as_ref().map(Handle::enter); // so that a timer in a use case is refused, not a panic
                while let Some(jobs) = next_group(&queue, most) {
                    run(&runner, jobs);
                }
            };
            std::thread::Builder::new().name(name.to_owned()).spawn(body)
        };
        let threads = runners.into_iter().map(spawn).collect::<Result<Vec<_>, _>>();
        let threads =
            threads.map_err(|error| StoreError::other(format!("no thread for the store: {error}")))?;
        Ok(Self::Threads { jobs: Some(jobs), threads })
    }

    async fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        match self {
            Self::Threads { jobs, .. } => {
                let jobs = jobs.as_ref().ok_or_else(gone)?;
                jobs.send(job).await.map_err(|_| gone())
            }
            Self::Inline(runner) => {
                runner.lock().await.run_group(vec![job]);
                Ok(())
            }
        }
    }
}

impl Drop for Lane {
    /// Waits for the jobs already accepted, so that a file closed can be opened, copied or removed at once.
    fn drop(&mut self) {
        if let Self::Threads { jobs, threads } = self {
            jobs.take();
            let here = std::thread::current().id();
            for thread in threads.drain(..).filter(|thread| thread.thread().id() != here) {
                let _ = thread.join(); // a thread that panicked has nothing left to wait for
            }
        }
    }
}

/// Waits for a job and takes what else is waiting; `None` when the store was closed.
fn next_group(queue: &Mutex<mpsc::Receiver<Box<dyn Job>>>, most: usize) -> Option<Vec<Box<dyn Job>>> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    let mut group = vec![queue.blocking_recv()?];
    while group.len() < most {
        match queue.try_recv() {
            Ok(job) => group.push(job),
            Err(_) => break,
        }
    }
    Some(group)
}

/// A connection and what to do with jobs on it.
struct Runner {
    conn: Shared,
    /// Whether commits wait for a sync now.
    synced: Cell<bool>,
    commits: watch::Sender<u64>,
}

impl Runner {
    /// Runs jobs in one transaction and delivers their results after its commit.
    fn run_group(&self, mut jobs: Vec<Box<dyn Job>>) {
        let outcome = self.attempt(&mut jobs);
        match outcome {
            Err(StoreError::Full(_)) if jobs.len() > 1 => {
                jobs.into_iter().for_each(|job| self.run_group(vec![job]));
            }
            outcome => {
                let commit = outcome.map(|changed| {
                    if changed {
                        self.commits.send_modify(|count| *count += 1);
                    }
                });
                jobs.into_iter().for_each(|job| job.deliver(commit.clone()));
            }
        }
    }

    /// Returns whether the commit changed anything; on an error nothing of the group is stored.
    fn attempt(&self, jobs: &mut [Box<dyn Job>]) -> Result<bool, StoreError> {
        self.sync_commits(jobs.iter().any(|job| job.is_synced()))?;
        self.sql("BEGIN IMMEDIATE")?;
        let ran = self.run_in_savepoints(jobs);
        let committed = ran.and_then(|changed| self.sql("COMMIT").map(|()| changed));
        if committed.is_err() && !lock(&self.conn).is_autocommit() {
            let _ = self.sql("ROLLBACK"); // the first error says more
        }
        committed
    }

    /// Says whether the next commit waits for a sync. One that does makes all before it durable: they are in the same file.
    fn sync_commits(&self, synced: bool) -> Result<(), StoreError> {
        if self.synced.replace(synced) == synced {
            return Ok(());
        }
        let pragma = if synced { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
        let set = lock(&self.conn).execute_batch(pragma).map_err(translate);
        if set.is_err() {
            self.synced.set(!synced);
        }
        set
    }

    fn run_in_savepoints(&self, jobs: &mut [Box<dyn Job>]) -> Result<bool, StoreError> {
        let mut any_change = false;
        for job in jobs {
            self.sql("SAVEPOINT use_case")?;
            match job.run(&self.conn) {
                Verdict::Keep { changed } => any_change |= changed,
                // A full disk or a failed read makes SQLite itself undo the whole transaction.
                Verdict::Undo if lock(&self.conn).is_autocommit() => {
                    return Err(StoreError::Full(super::Cause::new(
                        "the engine undid the whole transaction",
                    )));
                }
                Verdict::Undo => self.sql("ROLLBACK TO use_case")?,
            }
            self.sql("RELEASE use_case")?;
        }
        Ok(any_change)
    }

    /// Runs one job on one snapshot; the connection cannot write.
    fn run_reads(&self, mut job: Box<dyn Job>) {
        let began = self.sql("BEGIN DEFERRED");
        if began.is_ok() {
            job.run(&self.conn);
        }
        if !lock(&self.conn).is_autocommit() {
            let _ = self.sql("ROLLBACK"); // nothing was written
        }
        job.deliver(began);
    }

    fn sql(&self, sql: &str) -> Result<(), StoreError> {
        let conn = lock(&self.conn);
        let mut statement = conn.prepare_cached(sql).map_err(translate)?;
        statement.raw_query().next().map(|_| ()).map_err(translate)
    }
}
