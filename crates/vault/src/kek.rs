//! Key-encryption keys: what wraps every other key, and never leaves its provider.
//!
//! [`KeyProvider`] is the edge. [`FileKek`] keeps the key in a file (or a systemd credential), [`MemoryKek`]
//! in memory for tests and simulation. PKCS#11 and TPM providers implement the same trait: they answer
//! [`KeyProvider::wrap`] with a mechanism that binds `context`, and put whatever they need into the body.
//!
//! This module must never hand out a key-encryption key, and never wrap with an empty context (some hardware
//! modules fail on empty associated data).

mod file;
mod local;

use core::fmt;

use rand_core::Rng;

pub use file::{FileKek, FileKekError};
pub use local::MemoryKek;

use crate::hash::hex;
use crate::secret::Secret;

/// Longest wrapped key that is accepted, in bytes: room for hardware formats, no room for floods.
pub const MAX_WRAPPED_LEN: usize = 512;

const WRAPPED_VERSION: u8 = 1;
const HEADER_LEN: usize = 1 + 8;

/// Which key-encryption key wrapped something; derived from the key, reveals nothing of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KekId(pub [u8; 8]);

impl fmt::Display for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KekId({self})")
    }
}

/// Why a provider did not wrap or unwrap.
#[derive(Debug, thiserror::Error)]
pub enum KekError {
    /// The bytes are not a wrapped key of a known version.
    #[error("not a wrapped key: wrong length or unknown version")]
    Malformed,
    /// Another key-encryption key wrapped this one.
    #[error("wrapped by key-encryption key {wrapped_by}, this provider holds {held}")]
    OtherKek {
        /// The key the wrapped bytes name.
        wrapped_by: KekId,
        /// The key this provider holds.
        held: KekId,
    },
    /// Changed, or wrapped for another context.
    #[error("the wrapped key was changed or belongs to another context")]
    NotAuthentic,
    /// The provider could not be reached or refused (hardware providers).
    #[error("the key provider failed")]
    Provider(#[source] Box<dyn core::error::Error + Send + Sync>),
}

/// Holder of one key-encryption key.
pub trait KeyProvider: Send + Sync {
    /// Which key this provider holds.
    fn id(&self) -> KekId;

    /// Wraps a 256-bit key so that it only unwraps for the same `context`.
    ///
    /// `rng` feeds the nonce; a hardware provider may use its own generator instead.
    ///
    /// # Errors
    /// [`KekError::Provider`] when a hardware provider fails; the providers of this crate do not fail.
    fn wrap(&self, context: &[u8], key: &Secret<[u8; 32]>, rng: &mut dyn Rng)
    -> Result<WrappedKey, KekError>;

    /// Gives back a key wrapped earlier for the same `context`.
    ///
    /// # Errors
    /// [`KekError::OtherKek`], [`KekError::NotAuthentic`] or [`KekError::Provider`].
    fn unwrap(&self, context: &[u8], wrapped: &WrappedKey) -> Result<Secret<[u8; 32]>, KekError>;
}

/// A wrapped key as it is stored: `version[1] ‖ key-encryption key id[8] ‖ body`.
///
/// The body belongs to the provider; for [`FileKek`] and [`MemoryKek`] it is AES-256-GCM
/// `nonce[12] ‖ ciphertext[32] ‖ tag[16]`, the header being part of the associated data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrappedKey(Vec<u8>);

impl WrappedKey {
    /// Puts the header before a provider's body (for implementers of [`KeyProvider`]).
    pub fn new(kek: KekId, body: &[u8]) -> Self {
        let mut bytes = Self::header(kek).to_vec();
        bytes.extend_from_slice(body);
        Self(bytes)
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// [`KekError::Malformed`] on a wrong length or an unknown version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KekError> {
        let length_fits = bytes.len() > HEADER_LEN && bytes.len() <= MAX_WRAPPED_LEN;
        if !length_fits || bytes[0] != WRAPPED_VERSION {
            return Err(KekError::Malformed);
        }
        Ok(Self(bytes.to_vec()))
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Which key-encryption key wrapped it: rotation finds what is left to re-wrap by this.
    pub fn kek_id(&self) -> KekId {
        KekId(self.0[1..HEADER_LEN].try_into().expect("checked when it was made"))
    }

    /// The provider's own part.
    pub fn body(&self) -> &[u8] {
        &self.0[HEADER_LEN..]
    }

    fn header(kek: KekId) -> [u8; HEADER_LEN] {
        let mut header = [WRAPPED_VERSION; HEADER_LEN];
        header[1..].copy_from_slice(&kek.0);
        header
    }
}
