//! SQLite's result codes in the store's words (<https://sqlite.org/rescode.html>).

use rusqlite::{Error, ErrorCode, ffi};

use crate::store::{Cause, StoreError};

#[expect(clippy::needless_pass_by_value, reason = "the shape `map_err` takes")]
pub(super) fn translate(error: Error) -> StoreError {
    let Error::SqliteFailure(code, message) = &error else {
        return StoreError::Other(Cause::new(error.to_string()));
    };
    let said = message.clone().unwrap_or_else(|| error.to_string());
    let constraint = said.split_once("failed: ").map_or("", |(_, columns)| columns);
    let name = format!("SQLite {}", code.extended_code);
    let cause = Cause::from_engine(&name, said.clone(), constraint);
    match (code.code, code.extended_code) {
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => StoreError::Unique(cause),
        (_, ffi::SQLITE_CONSTRAINT_ROWID) => StoreError::Unique(cause),
        (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => StoreError::ForeignKey(cause),
        (ErrorCode::DiskFull, _) => StoreError::Full(cause),
        (
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure,
            _,
        ) => StoreError::Unavailable(cause),
        _ => StoreError::Other(cause),
    }
}
