//! Envelope sealing of stored values with AES-256-GCM.
//!
//! A [`Keyring`] holds the data keys, unwrapped once from [`StoredKey`] rows; a [`Sealer`] is the keys of one
//! purpose; a [`PersonKey`] is the key of one person, destroyed to erase that person's data.
//!
//! Every value is bound to its table, column and row through [`Aad`]: bytes copied to another place do not
//! open. This module must never seal without such a place, and never tell apart the reasons why a value did
//! not open.
//!
//! Sealed value, version 1: `version[1]=1 ‖ key id[8] ‖ nonce[12] ‖ ciphertext ‖ tag[16]`.

mod envelope;
mod keyring;
mod person;

use core::fmt;

use rand_core::Rng;

pub use envelope::Sealer;
pub use keyring::{Keyring, StoredKey};
pub use person::PersonKey;

use crate::hash::hex;
use crate::kek::KekError;

/// Longest value that is sealed or opened, in bytes (16 MiB); larger things are sealed in pieces.
pub const MAX_PLAINTEXT_LEN: usize = 16 * 1024 * 1024;

/// Bytes a sealed value has beyond its plain text.
pub const SEALED_OVERHEAD: usize = envelope::HEADER_LEN + crate::aead::OVERHEAD;

/// The place a value is sealed for; opening asks for the same place.
#[derive(Clone, Copy, Debug)]
pub struct Aad<'a> {
    /// Table (or file) name.
    pub table: &'a str,
    /// Column (or field) name.
    pub column: &'a str,
    /// Key of the row, in its canonical bytes.
    pub row: &'a [u8],
}

/// Which data key sealed a value; random, carries no meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 8]);

impl KeyId {
    fn random(rng: &mut dyn Rng) -> Self {
        let mut id = [0; 8];
        rng.fill_bytes(&mut id);
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// What a key is for: 1 to 64 characters of `a-z 0-9 - _ :`, such as `people` or `codes:bnk_42`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Purpose(String);

impl Purpose {
    /// Checks and takes a purpose.
    ///
    /// # Errors
    /// [`SealError::InvalidPurpose`] on an empty, too long or oddly spelt one.
    pub fn new(purpose: &str) -> Result<Self, SealError> {
        let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_' | ':');
        if purpose.is_empty() || purpose.len() > 64 || !purpose.chars().all(allowed) {
            return Err(SealError::InvalidPurpose);
        }
        Ok(Self(purpose.into()))
    }

    /// The purpose as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why something was not sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The value is too long.
    #[error("value of {length} bytes: at most {MAX_PLAINTEXT_LEN} can be sealed as one")]
    TooLong {
        /// Bytes offered.
        length: usize,
    },
    /// Too short, or a version this program does not know.
    #[error("not a sealed value of a known version")]
    Malformed,
    /// Sealed with a key this keyring does not hold.
    #[error("sealed with data key {0}, which is not loaded")]
    UnknownKey(KeyId),
    /// Changed, moved from its place, or another person's.
    #[error("the sealed value was changed or does not belong here")]
    NotAuthentic,
    /// No key was ever made for this purpose.
    #[error("no data key for purpose {0}")]
    NoKeyFor(Purpose),
    /// Two keys claim the same id.
    #[error("data key {0} is there twice")]
    DuplicateKey(KeyId),
    /// Not a purpose.
    #[error("a purpose has 1 to 64 characters of a-z, 0-9, '-', '_' and ':'")]
    InvalidPurpose,
    /// The key-encryption key did not do its part.
    #[error("a data key could not be wrapped or unwrapped")]
    Kek(#[from] KekError),
}
