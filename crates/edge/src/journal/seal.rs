//! Sealing of journal entries: AES-256-GCM under a key of the segment's own.
//!
//! A pair of key and nonce must never seal two different texts, even when a torn tail is cut off and its indexes
//! are used again. The argument: the key of a segment comes from the journal key and 32 random bytes drawn when
//! the segment is made (HKDF-SHA-256), so two segments never share a key; within a segment the nonce is the
//! entry's index, and a segment is only written to by the process that made it, while every append to it
//! succeeds. Opening a journal, and any failed append, ends the segment: what follows goes to a new one. So an
//! index is sealed at most once per segment. A disk image put back repeats no salt either.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest, hkdf,
};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes a seal adds.
pub(super) const TAG_BYTES: usize = 16;

/// The key a journal is sealed under.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SealKey([u8; 32]);

impl SealKey {
    /// Takes 32 uniformly random secret bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey")
    }
}

/// A SHA-256 value of the chain.
pub(super) type ChainHash = [u8; 32];

/// The hash of a chain after one more sealed entry.
pub(super) fn link(previous: &ChainHash, entry: &[u8]) -> ChainHash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous);
    context.update(entry);
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The key of one segment.
pub(super) struct SegmentSeal(LessSafeKey);

impl SegmentSeal {
    pub(super) fn new(key: &SealKey, journal: &[u8; 16], salt: &[u8; 32]) -> Self {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(&key.0);
        let info: [&[u8]; 2] = [b"bailee journal segment 1", journal];
        let okm = secret.expand(&info, &AES_256_GCM).expect("32 bytes is a length HKDF can give");
        Self(LessSafeKey::new(UnboundKey::from(okm)))
    }

    /// Seals a payload in place and adds the tag.
    pub(super) fn seal(&self, index: u64, bound: &[u8], payload: &mut Vec<u8>) {
        self.0
            .seal_in_place_append_tag(entry_nonce(index), Aad::from(bound), payload)
            .expect("a payload is far below the limit of AES-GCM");
    }

    /// The payload, if nothing of it or of what it is bound to was changed.
    pub(super) fn open(&self, index: u64, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = sealed.to_vec();
        let length = self.0.open_in_place(entry_nonce(index), Aad::from(bound), &mut buffer).ok()?.len();
        buffer.truncate(length);
        Some(buffer)
    }

    /// A tag over bytes that stay readable: the segment's header.
    pub(super) fn tag(&self, bound: &[u8]) -> [u8; TAG_BYTES] {
        let mut nothing = Vec::new();
        self.0
            .seal_in_place_append_tag(header_nonce(), Aad::from(bound), &mut nothing)
            .expect("nothing is far below the limit of AES-GCM");
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&nothing);
        tag
    }

    pub(super) fn is_tag(&self, bound: &[u8], tag: &[u8]) -> bool {
        let mut buffer = tag.to_vec();
        self.0.open_in_place(header_nonce(), Aad::from(bound), &mut buffer).is_ok()
    }
}

fn entry_nonce(index: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[4..].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// No entry has it: the first four bytes of theirs are zero.
fn header_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0xFF; NONCE_LEN])
}
