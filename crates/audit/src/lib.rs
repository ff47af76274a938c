//! The transparency log as bytes: Merkle tiles, signed checkpoints, proofs, and the check of a whole log.
//!
//! The formats are those of C2SP (tlog-tiles, tlog-checkpoint, signed-note) over RFC 6962 hashes;
//! `docs/reference/ledger-format.md` states them as this crate writes and accepts them.
//!
//! This crate must never know what an entry means, hold a clock, open a socket or touch a database. Stored
//! tiles reach it through [`tile::TileReader`], a published log through [`verify::Source`]. The one place that
//! reads files is [`verify::DirSource`].
//!
//! Start with [`tree::Edge`] to write a log, [`verify::verify_log`] to check one.

#![forbid(unsafe_code)]

pub mod bundle;
pub mod checkpoint;
pub mod hash;
pub mod key;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tree;
pub mod verify;

pub use checkpoint::{Checkpoint, OpenedCheckpoint};
pub use hash::{Hash, TreeHead, leaf_hash, node_hash};
pub use key::{Ed25519Signer, Signer, VerifyingKey};
pub use note::Note;
pub use tile::{TileId, TilePath, TileReader};
pub use tree::{Edge, Growth, root_from_leaves};
pub use verify::{DirSource, Report, Source, VerifyError, verify_log};
