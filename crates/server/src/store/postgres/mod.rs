//! PostgreSQL: pooled connections, serializable transactions, retries, reconnection.
//!
//! Transactions are `SERIALIZABLE`, because the same closures run one at a time on SQLite and must mean the same here.
//! One that collides (40001, 40P01) is run again, which is why closures are `Fn`; those that run again do so one at a
//! time in this process, so the last one standing gets through without waiting on a clock.
//!
//! A connection on which anything is uncertain (caller gone, lost answer) is closed, never returned to the pool.

mod error;
mod reach;
pub(in crate::store) mod statement;
mod value;

use std::{path::Path, pin::Pin, sync::Arc, thread::JoinHandle, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use tokio::{
    runtime::Builder,
    sync::{Mutex, mpsc, oneshot, watch},
    task::{JoinSet, LocalSet},
};

use super::{
    Cause, Pending, StoreError, Tx,
    tx::{Access, TxState, drive},
};
use error::translate;

/// A connection out of the pool.
pub(super) type Client = Object;

/// Connections at most.
const CONNECTIONS: usize = 16;
/// Use cases accepted before callers are held back.
const QUEUE: usize = 1_024;
/// How long a caller waits for a connection to be free or to be made.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a transaction that collides is run.
const ATTEMPTS: usize = 24;
/// Set on every connection: limits, and durability whatever the server's default.
const SETTINGS: &str = "-c statement_timeout=30s -c lock_timeout=10s \
    -c idle_in_transaction_session_timeout=60s -c synchronous_commit=on -c timezone=UTC";

/// How far a transaction is kept apart from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isolation {
    /// As if transactions ran one after another.
    Serializable,
    /// Each statement sees what is committed: for work that takes a lock first.
    ReadCommitted,
    /// The same, and the commit does not wait until it is on the disk.
    Unsynced,
    /// One snapshot, nothing can be changed.
    Snapshot,
}

impl Isolation {
    fn begin(self) -> &'static str {
        match self {
            Self::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            Self::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Self::Unsynced => "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = off",
            Self::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    fn access(self) -> Access {
        match self {
            Self::Serializable | Self::ReadCommitted => Access::Write,
            Self::Unsynced => Access::WriteUnsynced,
            Self::Snapshot => Access::Read,
        }
    }
}

/// The PostgreSQL engine: hands use cases to the thread that runs them.
///
/// A thread of its own, because only then does a use case's future not have to be `Send`, which the compiler often fails
/// to see of an async closure. All of them share it: they wait for the server, they do not compute.
pub(super) struct Postgres {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// A use case whose types are forgotten.
type Job = Box<dyn FnOnce(Arc<Runner>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

impl Postgres {
    pub(super) async fn open(
        server: (&str, Option<&Path>),
        commits: watch::Sender<u64>,
    ) -> Result<Arc<Self>, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let runner = Arc::new(Runner { pool: pool(server)?, again: Mutex::new(()), commits });
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|error| no_thread(&error))?;
        let body = move || LocalSet::new().block_on(&runtime, work(queue, runner));
        let thread = std::thread::Builder::new().name("store-postgres".into()).spawn(body);
        let thread = Some(thread.map_err(|error| no_thread(&error))?);
        let engine = Arc::new(Self { jobs: Some(jobs), thread });
        engine.clone().run(Isolation::Snapshot, async |_| Ok::<_, StoreError>(())).await?;
        Ok(engine)
    }

    pub(super) fn run<F, T, E>(self: Arc<Self>, isolation: Isolation, use_case: F) -> Pending<T, E>
    where
        F: AsyncFn(Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |runner| {
            Box::pin(async move {
                let result = runner.run(isolation, &use_case).await;
                let _ = reply.send(result); // the caller may have stopped waiting
            })
        });
        Box::pin(async move {
            let jobs = self.jobs.as_ref().ok_or_else(gone)?;
            jobs.send(job).await.map_err(|_| gone())?;
            answer.await.unwrap_or_else(|_| Err(gone().into()))
        })
    }
}

impl Postgres {
    /// Rewrites tables without what was deleted from them.
    pub(super) async fn scrub(self: Arc<Self>, tables: &'static [&'static str]) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |runner| {
            Box::pin(async move {
                let _ = reply.send(runner.scrub(tables).await); // the caller may have stopped waiting
            })
        });
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(job).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for Postgres {
    /// Waits for the transactions already accepted.
    fn drop(&mut self) {
        self.jobs.take();
        let here = std::thread::current().id();
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != here) {
            let _ = thread.join(); // a thread that panicked has nothing left to wait for
        }
    }
}

/// Runs use cases side by side until the store is closed and the last is done.
async fn work(mut queue: mpsc::Receiver<Job>, runner: Arc<Runner>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            job = queue.recv() => match job {
                Some(job) => drop(running.spawn_local(job(runner.clone()))),
                None => break,
            },
            Some(_) = running.join_next() => {}
        }
    }
    while running.join_next().await.is_some() {}
}

fn pool((url, ca_file): (&str, Option<&Path>)) -> Result<Pool, StoreError> {
    let (mut config, tls) = reach::config(url, ca_file).map_err(StoreError::other)?;
    let options = format!("{} {SETTINGS}", config.get_options().unwrap_or_default());
    config.options(options.trim()).application_name("bailee").connect_timeout(PATIENCE);
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_config(config, tls, recycling))
        .max_size(CONNECTIONS)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(PATIENCE))
        .create_timeout(Some(PATIENCE))
        .build()
        .map_err(|error| StoreError::other(error.to_string()))
}

fn no_thread(error: &std::io::Error) -> StoreError {
    StoreError::other(format!("no thread for the store: {error}"))
}

fn gone() -> StoreError {
    StoreError::Unavailable(Cause::new("the store's thread has ended"))
}

/// What runs use cases, on the thread of the store.
struct Runner {
    pool: Pool,
    again: Mutex<()>,
    commits: watch::Sender<u64>,
}

impl Runner {
    async fn run<F, T, E>(&self, isolation: Isolation, use_case: &F) -> Result<T, E>
    where
        F: AsyncFn(Tx) -> Result<T, E>,
        E: From<StoreError>,
    {
        let mut in_turn = None;
        let mut attempt = 1;
        loop {
            let (result, state) = self.attempt(isolation, use_case).await;
            match state.failure() {
                Some(StoreError::Serialization(_)) if attempt < ATTEMPTS => {}
                _ => return result,
            }
            if in_turn.is_none() {
                in_turn = Some(self.again.lock().await);
            }
            attempt += 1;
        }
    }

    /// Runs the use case once; a stop anywhere before the commit leaves nothing.
    async fn attempt<F, T, E>(&self, isolation: Isolation, use_case: &F) -> (Result<T, E>, Arc<TxState>)
    where
        F: AsyncFn(Tx) -> Result<T, E>,
        E: From<StoreError>,
    {
        let session = match self.session(isolation).await {
            Ok(session) => session,
            Err(error) => return (Err(error.into()), Arc::new(TxState::new(isolation.access()))),
        };
        let tx = Tx::postgres(session.client().clone(), isolation.access());
        let state = tx.state.clone();
        let result = Box::pin(drive(use_case, tx)).await;
        state.end();
        let ending = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = session.finish(ending).await;
        match (result, ended) {
            (Ok(value), Ok(())) => {
                if state.changed() {
                    self.commits.send_modify(|count| *count += 1);
                }
                (Ok(value), state)
            }
            (Ok(_), Err(error)) => {
                state.note_failure(&error);
                (Err(error.into()), state)
            }
            (Err(error), _) => (Err(error), state),
        }
    }

    /// A connection with a transaction begun on it. One that died in the pool is replaced, nothing having been done.
    /// Outside of any transaction, as `VACUUM` wants; a stop in the middle leaves the old file of that table.
    async fn scrub(&self, tables: &[&str]) -> Result<(), StoreError> {
        let client = self.pool.get().await.map_err(unavailable)?;
        let rewrite = async {
            client.batch_execute("SET statement_timeout = 0").await?;
            for table in tables {
                client.batch_execute(&format!("VACUUM (FULL) {table}")).await?;
            }
            client.batch_execute("RESET statement_timeout").await
        };
        let rewritten = rewrite.await.map_err(translate);
        if rewritten.is_err() {
            drop(Object::take(client)); // its settings are uncertain
        }
        rewritten
    }

    async fn session(&self, isolation: Isolation) -> Result<Session, StoreError> {
        let mut last = None;
        for _ in 0..=CONNECTIONS {
            let client = self.pool.get().await.map_err(unavailable)?;
            let session = Session { client: Some(Arc::new(client)), certain: false };
            match session.client().batch_execute(isolation.begin()).await.map_err(translate) {
                Ok(()) => return Ok(session),
                Err(error @ StoreError::Unavailable(_)) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| StoreError::other("no connection was tried")))
    }
}

/// A connection within a transaction; dropped before its end is certain, the connection is closed.
struct Session {
    client: Option<Arc<Client>>,
    certain: bool,
}

impl Session {
    fn client(&self) -> &Arc<Client> {
        self.client.as_ref().expect("it is taken only when the session is dropped")
    }

    async fn finish(mut self, ending: &str) -> Result<(), StoreError> {
        let ended = self.client().batch_execute(ending).await.map_err(translate);
        self.certain = ended.is_ok();
        match ended {
            Err(StoreError::Unavailable(cause)) if ending == "COMMIT" => {
                Err(StoreError::OutcomeUnknown(cause))
            }
            ended => ended,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.certain {
            return;
        }
        // Cancelled, or unsure what the server did: the server undoes what is open when the connection closes.
        if let Some(client) = self.client.take().and_then(Arc::into_inner) {
            drop(Client::take(client));
        }
    }
}

fn unavailable(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => match translate(error) {
            StoreError::Other(cause) => StoreError::Unavailable(cause),
            known => known,
        },
        PoolError::Timeout(_) => StoreError::Unavailable(Cause::new("no connection became free in time")),
        other => StoreError::Unavailable(Cause::new(other.to_string())),
    }
}
