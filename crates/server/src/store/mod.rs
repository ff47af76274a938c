//! The store: one small facade over SQLite and PostgreSQL.
//!
//! Use cases are written once: the same `$n` SQL and the same closures run on both engines and mean the same there.
//! A transaction either commits durably before its caller hears of success, or leaves nothing.
//!
//! It must never decide anything about lockers (that is `domain` and `app`), and no SQL text lives outside this module
//! and [`crate::ledger`]. Tables get a module each beside this file. Start at [`Db`]; then [`Tx`]; the schema is in
//! `crates/server/migrations`, applied by [`migrate`].
//!
//! ```
//! # use bailee_server::{params, store::{Db, DbConfig, SqlitePlace, StoreError, Threads}};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), StoreError> {
//! let db = Db::open(&DbConfig::memory()).await?;
//! let sum: i64 = db
//!     .tx(async |tx| {
//!         let row = tx.query_one("SELECT $2 - $1 AS rest", params![30, 72]).await?;
//!         row.get::<i64>("rest")
//!     })
//!     .await?;
//! assert_eq!(sum, 42);
//! # Ok(()) }
//! ```

mod error;
pub mod migrate;
pub(crate) mod names;
mod postgres;
mod sqlite;
pub mod tables;
mod tx;
mod value;

use std::{path::PathBuf, sync::Arc};

use futures_util::future::BoxFuture;
use tokio::sync::watch;

pub use error::{Cause, StoreError};
pub use tx::Tx;
pub use value::{Column, FromValue, Row, Value};

use postgres::{Isolation, Postgres};
use sqlite::Sqlite;
use tx::Access;

/// Which database to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DbConfig {
    /// One file, or memory, in this process.
    Sqlite {
        /// Where the data is.
        place: SqlitePlace,
        /// Who runs the statements.
        threads: Threads,
    },
    /// A PostgreSQL server.
    Postgres {
        /// Connection URL or key-value string as libpq takes it. A server that is not this machine is spoken to over TLS
        /// only, and its certificate must be for the host named here.
        url: String,
        /// PEM file of the authorities that may have signed the server's certificate, instead of Mozilla's. With it TLS is
        /// demanded of every server.
        ca_file: Option<PathBuf>,
    },
}

/// Where a SQLite database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlitePlace {
    /// Nowhere: gone when the last [`Db`] is.
    Memory,
    /// A file, created with mode 0600 when absent.
    File(PathBuf),
}

/// Who runs SQLite statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// A writer thread that group-commits, and reader threads.
    Own,
    /// The caller's own thread, one transaction at a time: for simulation, where other threads would end determinism.
    Callers,
}

impl DbConfig {
    /// A SQLite file with threads of its own.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::Sqlite { place: SqlitePlace::File(path.into()), threads: Threads::Own }
    }

    /// A PostgreSQL server, trusted by Mozilla's authorities where it is elsewhere.
    #[must_use]
    pub fn postgres(url: impl Into<String>) -> Self {
        Self::Postgres { url: url.into(), ca_file: None }
    }

    /// A SQLite database in memory with a thread of its own.
    #[must_use]
    pub fn memory() -> Self {
        Self::Sqlite { place: SqlitePlace::Memory, threads: Threads::Own }
    }
}

/// Which engine is behind a [`Db`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// An open database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    engine: Engine,
    commits: watch::Receiver<u64>,
}

/// A transaction under way on a thread of the store; nothing happens before it is first polled.
pub type Pending<T, E> = BoxFuture<'static, Result<T, E>>;

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

impl Engine {
    fn run<F, T, E>(&self, access: Access, isolation: Isolation, use_case: F) -> Pending<T, E>
    where
        F: AsyncFn(Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self {
            Self::Sqlite(sqlite) => sqlite.clone().run(access, use_case),
            Self::Postgres(postgres) => postgres.clone().run(isolation, use_case),
        }
    }
}

impl Db {
    /// Opens a database and makes sure it answers. Apply [`migrate::to_latest`] before anything else.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be reached, [`StoreError::Other`] when it is not a database.
    pub async fn open(config: &DbConfig) -> Result<Self, StoreError> {
        let (count, commits) = watch::channel(0);
        let engine = match config {
            DbConfig::Sqlite { place, threads } => {
                Engine::Sqlite(Arc::new(Sqlite::open(place, *threads, count)?))
            }
            DbConfig::Postgres { url, ca_file } => {
                Engine::Postgres(Postgres::open((url, ca_file.as_deref()), count).await?)
            }
        };
        Ok(Self { engine, commits })
    }

    /// Runs a use case in one transaction; returns only after a durable commit, or with nothing changed.
    ///
    /// The closure may be run more than once and must await nothing but the statements of its [`Tx`]. An `Err` it
    /// returns undoes everything. It runs on a thread of the store, so neither it nor what it borrows limits the caller;
    /// dropping the future before it is done leaves all or nothing, and no way to tell.
    ///
    /// # Errors
    /// The closure's own, or a [`StoreError`]: see its variants for what each leaves behind.
    pub fn tx<F, T, E>(&self, use_case: F) -> Pending<T, E>
    where
        F: AsyncFn(Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.engine.run(Access::Write, Isolation::Serializable, use_case)
    }

    /// Runs a use case that only reads, on one snapshot; on SQLite it does not wait for writers.
    ///
    /// # Errors
    /// As [`Db::tx`]; a statement that writes is refused with [`StoreError::Other`].
    pub fn read<F, T, E>(&self, use_case: F) -> Pending<T, E>
    where
        F: AsyncFn(Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.engine.run(Access::Read, Isolation::Snapshot, use_case)
    }

    /// As [`Db::tx`], but on PostgreSQL every statement sees what is committed by then, and nothing collides: only for
    /// work whose first statement takes a lock that everybody takes who writes the same rows (migrations, the ledger).
    pub(crate) fn tx_locked<F, T, E>(&self, use_case: F) -> Pending<T, E>
    where
        F: AsyncFn(Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.engine.run(Access::Write, Isolation::ReadCommitted, use_case)
    }

    /// As [`Db::tx_locked`], but a commit that waits for no sync: a power cut may take it back, with every later one like it,
    /// until the next commit of another kind. Only for what is found again elsewhere.
    pub(crate) fn tx_unsynced<F, T, E>(&self, use_case: F) -> Pending<T, E>
    where
        F: AsyncFn(Tx) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.engine.run(Access::WriteUnsynced, Isolation::Unsynced, use_case)
    }

    /// Leaves nothing of rows deleted or changed before now in the files of the given tables, and tells whether it could;
    /// if not, it is to be tried again later. Nothing is lost by a stop in the middle.
    ///
    /// On SQLite deleted bytes are overwritten as they are deleted, and this empties the write-ahead log. On PostgreSQL it
    /// rewrites the tables (`VACUUM FULL`, each locked meanwhile); the server's own write-ahead log keeps older images until
    /// it recycles them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn scrub(&self, tables: &'static [&'static str]) -> Result<bool, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => {
                let sqlite = sqlite.clone();
                let done = tokio::task::spawn_blocking(move || sqlite.scrub()).await;
                done.unwrap_or_else(|error| Err(StoreError::other(error.to_string())))
            }
            Engine::Postgres(postgres) => postgres.clone().scrub(tables).await.map(|()| true),
        }
    }

    /// The number of commits of this process that changed something; reconcilers wake when it changes.
    ///
    /// On SQLite a commit is a group of transactions and exactly one sync. Other nodes' commits are not counted: a
    /// reconciler also wakes by timer. One that changes nothing when there is nothing to do does not wake itself again.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// Which engine this is; use cases have no reason to ask.
    #[must_use]
    pub fn engine(&self) -> EngineKind {
        match self.engine {
            Engine::Sqlite(_) => EngineKind::Sqlite,
            Engine::Postgres(_) => EngineKind::Postgres,
        }
    }
}
