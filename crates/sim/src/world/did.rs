//! What the platform does that the rest of the world notices, and how its store fails.

use bailee_domain::id::BankId;

/// What the store does with the next batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// It takes nothing.
    Refuses,
    /// It takes a batch and fails to say so.
    TakesUnsaid,
}

/// Something the platform did that the rest of the world notices.
#[derive(Debug)]
pub enum Did {
    /// It sent a frame on a connection.
    Sent(BankId, u64, Vec<u8>),
    /// It closed a connection.
    Closed(BankId, u64),
    /// It holds a bank's events up to here.
    Holds(BankId, u64),
    /// It heard of an alarm before its turn.
    HeardAhead(BankId),
    /// It noticed that a bank is silent.
    NoticedSilence(BankId),
    /// A bank's events did not continue what it holds.
    ChainBroken(BankId, String),
    /// A request was not answered in time.
    Expired(BankId),
    /// The store failed as planned.
    StoreFailed(StoreFault),
    /// A job ended early, in these words.
    JobFailed(String),
}
