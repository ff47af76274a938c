//! AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce: the one place that encrypts.
//!
//! Layout of what it writes: `header ‖ nonce[12] ‖ ciphertext ‖ tag[16]`. The header is the caller's and is
//! left in the clear; the caller must bind it through the associated data.
//!
//! With random nonces one key must not seal more than 2^32 values (SP 800-38D, 8.3). A FIPS build has to take
//! the nonce from the module itself; this file is where that changes.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rand_core::Rng;
use zeroize::Zeroizing;

use crate::secret::Secret;

const TAG_LEN: usize = 16;

/// Bytes a sealed value has beyond its header and its plain text.
pub const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

/// The value was changed, moved, or sealed under another key; which of them is not knowable.
#[derive(Debug)]
pub struct NotAuthentic;

/// An expanded AES-256-GCM key.
pub struct Aead(LessSafeKey);

impl Aead {
    pub fn new(key: &Secret<[u8; 32]>) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key.expose()).expect("AES-256 takes any 32 bytes");
        Self(LessSafeKey::new(key))
    }

    pub fn seal(&self, header: &[u8], aad: &[u8], plaintext: &[u8], rng: &mut dyn Rng) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        // One allocation of the final size: growing it would leave plain text in freed memory.
        let mut out = Vec::with_capacity(header.len() + OVERHEAD + plaintext.len());
        out.extend_from_slice(header);
        out.extend_from_slice(&nonce);
        let start = out.len();
        out.extend_from_slice(plaintext);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(aad), &mut out[start..])
            .expect("AES-256-GCM seals anything below 64 GiB");
        out.extend_from_slice(tag.as_ref());
        out
    }

    /// Opens `nonce ‖ ciphertext ‖ tag`, the part of a sealed value after its header.
    pub fn open(&self, aad: &[u8], body: &[u8]) -> Result<Secret<Vec<u8>>, NotAuthentic> {
        let (nonce, rest) = body.split_first_chunk::<NONCE_LEN>().ok_or(NotAuthentic)?;
        let mut buffer = Zeroizing::new(rest.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(nonce, Aad::from(aad), &mut buffer).map_err(|_| NotAuthentic)?;
        let length = opened.len();
        buffer.truncate(length);
        Ok(Secret::new(core::mem::take(&mut *buffer)))
    }
}
