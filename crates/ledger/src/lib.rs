//! The tile log on disk: entries in, durable tiles and signed checkpoints out.
//!
//! [`Log::open`] opens a log or makes one. An [`Appender`] takes entries from any number of callers; one thread turns
//! what is queued into a group, computes the tree twice, signs the checkpoint, and makes group and checkpoint durable
//! with one sync; then the callers hear of it. A [`Reader`] serves checkpoint, tiles, entries and proofs meanwhile.
//! Another thread packs full segments. The files are described in `docs/reference/ledger-format.md`.
//!
//! This crate must never know what an entry means, read a clock, or change or remove an entry. Everything it does to a
//! disk goes through [`disk::Disk`]; [`disk::MemoryDisk`] is one that loses power on request.
//!
//! Start with `engine` for the order of writes, `recover` for what is found after a stop.
#![forbid(unsafe_code)]

mod check;
pub mod disk;
mod engine;
mod error;
mod group;
mod inspect;
mod log;
mod nodes;
pub mod pack;
mod queue;
mod read;
mod recover;
mod sealed;
mod shared;
mod side;

pub use check::Checked;
pub use engine::{Config, LogKey, SEGMENT_HEIGHT};
pub use error::{Disagreement, LedgerError};
pub use inspect::{Found, Hear, inspect};
pub use log::Log;
pub use queue::{AppendError, Appended, Appender, GROUP_ENTRIES, Ticket};
pub use read::{PAGE, Reader};
