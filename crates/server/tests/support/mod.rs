//! What the tests of the store need: a fresh database on each engine.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod postgres;

use bailee_server::store::{Db, DbConfig, SqlitePlace, Threads};
use tempfile::TempDir;

/// A fresh, empty database, gone after the test.
pub struct Fresh {
    pub config: DbConfig,
    pub db: Db,
    pub dir: TempDir,
}

impl Fresh {
    /// Whether the same database can be opened again while it is open.
    pub fn is_shared(&self) -> bool {
        match &self.config {
            DbConfig::Sqlite { place, .. } => *place != SqlitePlace::Memory,
            DbConfig::Postgres { .. } => true,
        }
    }
}

/// Which database a test is run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A file with its own threads, as in production.
    SqliteFile,
    /// Memory on the caller's thread, as in simulation.
    SqliteCallers,
    /// Memory with its own thread.
    SqliteMemory,
    /// The PostgreSQL of this machine.
    Postgres,
}

/// `None` when the machine has no PostgreSQL and need not have one.
pub async fn fresh(on: On) -> Option<Fresh> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let config = match on {
        On::SqliteFile => DbConfig::file(dir.path().join("store.db")),
        On::SqliteCallers => DbConfig::Sqlite { place: SqlitePlace::Memory, threads: Threads::Callers },
        On::SqliteMemory => DbConfig::memory(),
        On::Postgres => DbConfig::postgres(postgres::shared()?.fresh_database()),
    };
    let db = Db::open(&config).await.expect("a fresh database opens");
    Some(Fresh { config, db, dir })
}

/// Makes each check a test on each engine.
#[macro_export]
macro_rules! on_every_engine {
    ($($check:ident),* $(,)?) => {
        $crate::on_engine! { sqlite SqliteFile $($check)* }
        $crate::on_engine! { sqlite_memory SqliteMemory $($check)* }
        $crate::on_engine! { sqlite_callers SqliteCallers $($check)* }
        $crate::on_engine! { postgres Postgres $($check)* }
    };
}

/// Makes each check a test on one engine.
#[macro_export]
macro_rules! on_engine {
    ($module:ident $on:ident $($check:ident)*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $check() {
                    if let Some(fresh) = $crate::support::fresh($crate::support::On::$on).await {
                        super::$check(fresh).await;
                    }
                }
            )*
        }
    };
}
