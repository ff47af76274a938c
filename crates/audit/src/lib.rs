//! The transparency log as bytes: Merkle tiles, signed checkpoints, proofs, and the check of a whole log.
//!
//! The formats are those of C2SP (tlog-tiles, tlog-checkpoint, tlog-cosignature, tlog-witness, tlog-policy, signed-note)
//! over RFC 6962 hashes; `docs/reference/ledger-format.md` and `docs/reference/witness.md` state them as this crate writes
//! and accepts them.
//!
//! This crate must never know what an entry means, hold a clock, open a socket or touch a database. Stored
//! tiles reach it through [`tile::TileReader`], a published log through [`verify::Source`]. The places that
//! touch files are [`verify::DirSource`] and [`witness::replace_file`].
//!
//! Start with [`tree::Edge`] to write a log, [`verify::verify_log`] to check one, [`witness::decide`] to vouch for one.

#![forbid(unsafe_code)]

pub mod bundle;
pub mod checkpoint;
pub mod cosignature;
pub mod handover;
pub mod hash;
pub mod key;
pub mod note;
pub mod policy;
pub mod proof;
pub mod signers;
pub mod tile;
pub mod tlog_proof;
pub mod tree;
pub mod verify;
pub mod witness;

pub use checkpoint::{Checkpoint, OpenedCheckpoint};
pub use cosignature::{Cosigner, CosignerKey};
pub use handover::HandOver;
pub use hash::{Hash, TreeHead, leaf_hash, node_hash};
pub use key::{Ed25519Signer, Signer, VerifyingKey};
pub use note::Note;
pub use policy::Policy;
pub use signers::Signers;
pub use tile::{TileId, TilePath, TileReader};
pub use tlog_proof::TlogProof;
pub use tree::{Edge, Growth, root_from_leaves};
pub use verify::{DirSource, Report, Source, VerifyError, verify_log, verify_log_parallel};
