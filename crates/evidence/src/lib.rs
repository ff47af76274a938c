//! Evidence bundles: one file that proves what a custody log says, checked without a network, an account or us.
//!
//! `docs/reference/evidence-bundle.md` states the format as this crate writes and accepts it. [`check()`] is what
//! `bailee verify bundle` runs, [`write()`] puts a bundle together from entries somebody collected, [`redact()`] makes a
//! bundle that tells less and proves the same.
//!
//! This crate must never open a database or a socket, or read a clock. Everything it reads was made by a stranger: it is
//! bounded before it is held, and the first thing that is wrong is named as a [`Fault`]; nothing panics.
//!
//! Start with [`check()`]; then [`entries`] for the proofs and [`commitment`] for what may be left out.

#![forbid(unsafe_code)]

pub mod archive;
mod bag;
pub mod banks;
mod check;
pub mod commitment;
pub mod csv;
pub mod entries;
pub mod epcis;
mod facts;
mod fault;
pub mod line;
mod opening;
mod places;
mod redact;
mod report;
mod statement;
mod time;
mod write;

pub use check::{Checked, Note, Options, check};
pub use fault::Fault;
pub use opening::{FieldLine, Opening};
pub use places::{Door, Place};
pub use redact::{LeaveOut, NothingToLeaveOut, RedactError, redact};
pub use report::RENDERER;
pub use statement::{Counts, Exported, Log, NotASubject, Request, Statement, Subject};
pub use write::{Attached, Draft, WriteError, Written, write};

/// Bytes of the largest bundle, packed or not: what zip without zip64 can hold.
pub const MAX_BUNDLE_BYTES: u64 = u32::MAX as u64;
/// Files in a bundle.
pub const MAX_FILES: usize = 10_000;
/// Entries in a bundle.
pub const MAX_ENTRIES: u64 = 1_000_000;
/// Openings in a bundle.
pub const MAX_OPENINGS: usize = 1_000;
