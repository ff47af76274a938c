//! PostgreSQL's error codes in the store's words (PostgreSQL manual, appendix A).

use std::error::Error as _;

use tokio_postgres::{Error, error::SqlState};

use crate::store::{Cause, StoreError};

#[expect(clippy::needless_pass_by_value, reason = "the shape `map_err` takes")]
pub(super) fn translate(error: Error) -> StoreError {
    let Some(said) = error.as_db_error() else {
        return without_code(&error);
    };
    // The "detail" line holds the values of the row: never carried on.
    let cause = Cause::from_engine(said.code().code(), said.message(), said.constraint().unwrap_or_default());
    match *said.code() {
        SqlState::UNIQUE_VIOLATION => StoreError::Unique(cause),
        SqlState::FOREIGN_KEY_VIOLATION => StoreError::ForeignKey(cause),
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            StoreError::Serialization(cause)
        }
        // "cached plan must not change result type": another node migrated under a prepared statement.
        SqlState::FEATURE_NOT_SUPPORTED if said.message().contains("cached plan") => {
            StoreError::Serialization(cause)
        }
        SqlState::DISK_FULL => StoreError::Full(cause),
        SqlState::QUERY_CANCELED
        | SqlState::LOCK_NOT_AVAILABLE
        | SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::TOO_MANY_CONNECTIONS
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => StoreError::Unavailable(cause),
        ref other if other.code().starts_with("08") => StoreError::Unavailable(cause),
        _ => StoreError::Other(cause),
    }
}

/// Errors the server did not send: a lost connection, or a value it would not have understood.
fn without_code(error: &Error) -> StoreError {
    let mut said = error.to_string();
    let mut lost = error.is_closed();
    let mut source = error.source();
    while let Some(inner) = source {
        lost |= inner.is::<std::io::Error>();
        said = format!("{said}: {inner}");
        source = inner.source();
    }
    match lost {
        true => StoreError::Unavailable(Cause::new(said)),
        false => StoreError::Other(Cause::new(said)),
    }
}
