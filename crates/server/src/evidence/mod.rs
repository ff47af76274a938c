//! Collecting what goes into an evidence bundle: which entries, and the proof of each. The format is the crate `evidence`'s.
//!
//! Knows the log and its index, nothing of who may ask: that is `app::evidence`. Memory is bounded whatever the span: the
//! indexes of at most [`MAX_ASKED`] entries and what leads from them to signed heads; entries go to a temporary file one
//! after another. Start at [`collect::choose`].

pub mod collect;
pub mod prove;

use crate::app::AppError;
use crate::ledger::LedgerError;

/// Entries one bundle may be about.
pub const MAX_ASKED: usize = 200_000;
/// Photos and other files in one bundle: each lies in a temporary file while it is made.
pub const MAX_ENCLOSED: usize = 200;

/// Why evidence could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The record of the export is not in the signed tree yet: within seconds it is.
    #[error("the log has not signed the record of this export yet")]
    NotSignedYet,
    /// More entries than a bundle may be about.
    #[error("more than {MAX_ASKED} entries: ask for a shorter time")]
    TooMany,
    /// More files than a bundle may have.
    #[error("more than {MAX_ENCLOSED} photos and files: ask for a shorter time, or without them")]
    TooManyFiles,
    /// The log or its index failed.
    #[error("the log could not be read")]
    App(#[from] AppError),
    /// The log failed.
    #[error("the log could not be read")]
    Ledger(#[from] LedgerError),
    /// The temporary file failed.
    #[error("the temporary file failed")]
    Io(#[from] std::io::Error),
    /// What was collected doesn't hold: the log contradicts itself.
    #[error("what was collected does not hold: {0}")]
    Unsound(String),
}
