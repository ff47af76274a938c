//! The schema: numbered SQL files of `crates/server/migrations`, applied in order, each in its own transaction.
//!
//! A stop between two leaves the older schema whole; the next start goes on. A file that was applied must never change
//! (its checksum is kept), and a schema newer than this binary is refused. Start at [`to_latest`]; how to write a file
//! is in `crates/server/migrations/README.md`, why this is our own in `docs/decisions/0004-migrations.md`.

use std::collections::BTreeMap;

use aws_lc_rs::digest;

use super::{Db, EngineKind, StoreError, Tx};
use crate::params;

/// One numbered file.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Position from 1, without gaps.
    pub version: i64,
    /// The file's name.
    pub name: &'static str,
    /// The file's text, a template: see [`render`].
    pub sql: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $name)),
        }),*]
    };
}

/// Every migration of this binary. A new file is added here, in one line.
pub const ALL: &[Migration] = migrations![
    1 "0001_ledger.sql",
    2 "0002_platform.sql",
    3 "0003_receipt.sql",
    4 "0004_lockdown.sql",
    5 "0005_evidence.sql",
    6 "0006_witness.sql",
    7 "0007_erasure.sql",
    8 "0008_log_explorer.sql",
    9 "0009_tile_log.sql",
    10 "0010_attached_file.sql",
    11 "0011_health.sql",
    12 "0012_log_key.sql",
    13 "0013_person_keys.sql",
    14 "0014_badges_and_work_orders.sql",
    15 "0015_custody.sql",
    16 "0016_witness_alert.sql",
    17 "0017_commissioning.sql",
    18 "0018_small_log.sql",
    19 "0019_named_witness.sql",
    20 "0020_custody_release.sql",
];

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database was used by a newer version of the program.
    #[error(
        "the database has schema {found}, this program knows schemas up to {known}: use the newer program"
    )]
    TooNew {
        /// Schema version of the database.
        found: i64,
        /// Newest version this binary knows.
        known: i64,
    },
    /// A file that was applied before has another text now.
    #[error("migration {name} was changed after it was applied to this database")]
    Changed {
        /// Name of the file.
        name: String,
    },
    /// The files are not numbered 1, 2, 3 …, or use an unknown `{{token}}`.
    #[error("migration {name} is not well formed: {why}")]
    Malformed {
        /// Name of the file.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database refused.
    #[error("a migration failed")]
    Store(#[from] StoreError),
}

/// Brings the schema to this binary's version; returns how many files were applied.
///
/// # Errors
/// See [`MigrateError`]; files before the one that failed stay applied.
pub async fn to_latest(db: &Db) -> Result<usize, MigrateError> {
    apply(db, ALL).await
}

/// Whether the schema is this binary's; nothing is changed.
///
/// # Errors
/// See [`MigrateError`].
pub async fn is_latest(db: &Db) -> Result<bool, MigrateError> {
    db.read(async |tx: Tx| Ok(checked(&tx, ALL).await? == ALL.len() as i64)).await
}

/// Brings the schema to the last of the given migrations; tests pass beginnings of [`ALL`] to make older schemas.
///
/// # Errors
/// See [`MigrateError`].
pub async fn apply(db: &Db, migrations: &'static [Migration]) -> Result<usize, MigrateError> {
    for (migration, wanted) in migrations.iter().zip(1..) {
        if migration.version != wanted {
            let why = format!("its number is {} where {wanted} is due", migration.version);
            return Err(MigrateError::Malformed { name: migration.name.into(), why });
        }
        render(migration, db.engine())?;
    }
    let mut applied = 0;
    while db.tx_locked(step(db.engine(), migrations)).await? == Step::Applied {
        applied += 1;
    }
    Ok(applied)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Applied,
    UpToDate,
}

/// The transaction that checks what is applied and applies the next file, if one is missing.
fn step(
    engine: EngineKind,
    all: &'static [Migration],
) -> impl AsyncFn(Tx) -> Result<Step, MigrateError> + Send + Sync {
    async move |tx: Tx| {
        if engine == EngineKind::Postgres {
            // One node at a time; released with the transaction.
            tx.query("SELECT pg_advisory_xact_lock(7310579)", params![]).await?;
        }
        tx.script(&substitute(LOG, engine)).await?;
        let applied = checked(&tx, all).await?;
        let Some(next) = all.iter().find(|migration| migration.version == applied + 1) else {
            return Ok(Step::UpToDate);
        };
        tx.script(&render(next, engine)?).await?;
        let sql = "INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)";
        tx.exec(sql, params![next.version, next.name, checksum(next)]).await?;
        Ok(Step::Applied)
    }
}

const LOG: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    version {{int}} PRIMARY KEY, name TEXT NOT NULL, checksum {{blob}} NOT NULL) {{strict}};";

/// The version of the schema, after comparing every applied file with ours.
async fn checked(tx: &Tx, all: &[Migration]) -> Result<i64, MigrateError> {
    let rows = tx.query("SELECT version, checksum FROM schema_migration ORDER BY version", params![]).await?;
    let known = all.last().map_or(0, |migration| migration.version);
    let ours: BTreeMap<i64, &Migration> =
        all.iter().map(|migration| (migration.version, migration)).collect();
    let mut found = 0;
    for row in rows {
        found = row.get("version")?;
        match ours.get(&found) {
            Some(ours) if row.get::<Vec<u8>>("checksum")? == checksum(ours) => {}
            Some(ours) => return Err(MigrateError::Changed { name: ours.name.into() }),
            None => return Err(MigrateError::TooNew { found, known }),
        }
    }
    Ok(found)
}

fn checksum(migration: &Migration) -> Vec<u8> {
    digest::digest(&digest::SHA256, migration.sql.as_bytes()).as_ref().to_vec()
}

/// The words that differ between the engines: token, SQLite, PostgreSQL.
const TOKENS: &[(&str, &str, &str)] = &[
    ("{{id}}", "INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"),
    ("{{int}}", "INTEGER", "BIGINT"),
    ("{{real}}", "REAL", "DOUBLE PRECISION"),
    ("{{blob}}", "BLOB", "BYTEA"),
    ("{{strict}}", "STRICT", ""),
    // A table of events was filled with rows that have ids: the next one comes after them. SQLite sees to that itself.
    (
        "{{event_ids_go_on}}",
        "",
        "SELECT setval(pg_get_serial_sequence('event', 'id'), (SELECT COALESCE(MAX(id), 0) + 1 FROM event), false);",
    ),
];

/// A migration's SQL for an engine.
///
/// # Errors
/// [`MigrateError::Malformed`] when a token is unknown.
pub fn render(migration: &Migration, engine: EngineKind) -> Result<String, MigrateError> {
    let sql = substitute(migration.sql, engine);
    match sql.find("{{") {
        None => Ok(sql),
        Some(at) => {
            let why = format!("unknown token {}", sql[at..].split_inclusive("}}").next().unwrap_or("{{"));
            Err(MigrateError::Malformed { name: migration.name.into(), why })
        }
    }
}

fn substitute(template: &str, engine: EngineKind) -> String {
    TOKENS.iter().fold(template.to_owned(), |sql, (token, sqlite, postgres)| {
        sql.replace(token, if engine == EngineKind::Sqlite { sqlite } else { postgres })
    })
}
