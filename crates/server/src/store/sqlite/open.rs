//! How a SQLite connection is set up.

use std::{fs::OpenOptions, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use super::error::translate;
use crate::store::{SqlitePlace, StoreError};

/// How long another process may hold the file before we give up.
const BUSY: Duration = Duration::from_secs(5);
/// Statements kept prepared on each connection.
const STATEMENTS: usize = 256;

pub(super) fn writer(place: &SqlitePlace) -> Result<Connection, StoreError> {
    let conn = match place {
        SqlitePlace::Memory => Connection::open_in_memory(),
        SqlitePlace::File(path) => {
            create_private(path)?;
            Connection::open_with_flags(
                path,
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )
        }
    }
    .map_err(translate)?;
    // `secure_delete`: what is deleted is overwritten with zeros, not only unlinked, which `Db::scrub` relies on.
    set_up(
        &conn,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;",
    )?;
    Ok(conn)
}

pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(translate)?;
    set_up(&conn, "PRAGMA query_only = ON;")?;
    Ok(conn)
}

/// Moves everything from the write-ahead log into the database file and empties the log, so that no older page is left in
/// either: `secure_delete` has overwritten what was deleted. Tells whether it could: readers of an older snapshot, or a
/// writer for longer than [`BUSY`], are in the way, and it is to be tried again.
pub(super) fn empty_log(path: &Path) -> Result<bool, StoreError> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(translate)?;
    set_up(&conn, "")?;
    let busy: i64 =
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(translate)?;
    Ok(busy == 0)
}

fn set_up(conn: &Connection, pragmas: &str) -> Result<(), StoreError> {
    conn.busy_timeout(BUSY).map_err(translate)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;").map_err(translate)?;
    conn.execute_batch(pragmas).map_err(translate)
}

/// Creates the file readable by its owner only; SQLite gives its companion files the same mode.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let made = options.open(path);
    made.map(|_| ()).map_err(|error| {
        StoreError::Unavailable(super::super::Cause::new(format!("cannot open {}: {error}", path.display())))
    })
}
