//! What can go wrong in the store, in the same words for both engines.
//!
//! A cause never carries the values of a row: PostgreSQL's "detail" line is dropped on purpose, because it would
//! put personal data into logs.

use std::{error::Error, fmt, sync::Arc};

/// A failure of the store; `Display` says what happened, [`Error::source`] what the engine said.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A row with the same unique value exists already.
    #[error("a row with the same unique value exists")]
    Unique(#[source] Cause),
    /// A row that is referred to does not exist, or one that is still referred to was to be removed.
    #[error("a reference between rows would be broken")]
    ForeignKey(#[source] Cause),
    /// Transactions kept colliding although each was tried again several times.
    #[error("the transaction kept colliding with others")]
    Serialization(#[source] Cause),
    /// The disk, or the space the database may use, is full; nothing was changed.
    #[error("the store is full")]
    Full(#[source] Cause),
    /// The database cannot be reached, is busy beyond the time limit, or is shutting down; nothing was changed.
    #[error("the database is not available")]
    Unavailable(#[source] Cause),
    /// The connection was lost while committing: the change is either there entirely or not at all.
    #[error("the database went away while committing; the change may or may not be stored")]
    OutcomeUnknown(#[source] Cause),
    /// The closure awaited something other than its own transaction (a bug in the caller); nothing was changed.
    #[error("a transaction may await nothing but its own statements")]
    ForeignAwait,
    /// The closure panicked (a bug in the caller); nothing was changed.
    #[error("a transaction panicked")]
    Panicked(#[source] Cause),
    /// No row where exactly one was asked for.
    #[error("no row where one was expected")]
    NoRow,
    /// Anything else: a wrong statement, a wrong type, a damaged file.
    #[error("the store failed")]
    Other(#[source] Cause),
}

impl StoreError {
    /// The name of the violated constraint as the engine gives it, empty when it gives none.
    ///
    /// PostgreSQL names the constraint, SQLite the columns (`event.source_id, event.source_seq`): compare kinds, not names.
    #[must_use]
    pub fn constraint(&self) -> &str {
        match self {
            Self::Unique(cause) | Self::ForeignKey(cause) => &cause.0.constraint,
            _ => "",
        }
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::Other(Cause::new(message))
    }
}

/// What the engine said, without the values of any row.
#[derive(Clone)]
pub struct Cause(Arc<Said>);

struct Said {
    code: String,
    message: String,
    constraint: String,
}

impl Cause {
    /// A cause in our own words.
    pub fn new(message: impl Into<String>) -> Self {
        Self::from_engine("", message, "")
    }

    pub(crate) fn from_engine(code: &str, message: impl Into<String>, constraint: &str) -> Self {
        Self(Arc::new(Said { code: code.into(), message: message.into(), constraint: constraint.into() }))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.code.as_str() {
            "" => f.write_str(&self.0.message),
            code => write!(f, "{} ({code})", self.0.message),
        }
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cause({self})")
    }
}

impl Error for Cause {}
