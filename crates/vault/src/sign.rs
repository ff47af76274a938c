//! Ed25519 (RFC 8032) signatures: device chain heads, the issuing key of QR tokens, the log key.
//!
//! Bytes are signed as given, because checkpoints have a format of their own. Every other caller must sign
//! something that begins with a name of what it is, so that no signature can be taken for another's.
//! One key has one job: never sign log checkpoints with the issuing key.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use rand_core::Rng;

use crate::hash::hex;
use crate::secret::Secret;

/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;

/// A private signing key.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The key of a 32-byte seed; store the seed as a [`crate::seal::StoredKey`].
    pub fn from_seed(seed: &Secret<[u8; 32]>) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(seed.expose()).expect("any 32 bytes are an Ed25519 seed"))
    }

    /// A new key and the seed it came from.
    pub fn generate(rng: &mut impl Rng) -> (Self, Secret<[u8; 32]>) {
        let seed = Secret::random(rng);
        (Self::from_seed(&seed), seed)
    }

    /// Signs `message` as it is.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.0.sign(message).as_ref().try_into().expect("an Ed25519 signature has 64 bytes")
    }

    /// The key that checks this one's signatures.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().try_into().expect("an Ed25519 key has 32 bytes"))
    }
}

/// A public key: 32 bytes as RFC 8032 encodes them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey(pub [u8; 32]);

/// The signature is not of this key over these bytes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match")]
pub struct BadSignature;

impl PublicKey {
    /// Checks a signature.
    ///
    /// # Errors
    /// [`BadSignature`], also for a signature of a wrong length or a key that is no point of the curve.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).map_err(|_| BadSignature)
    }
}

impl core::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PublicKey({})", hex(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rng::seeded;

    #[test]
    fn rfc_8032_test_1() {
        let seed = [
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
            0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
        ];
        let key = SigningKey::from_seed(&Secret::new(seed));
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(format!("{:?}", key.public()), format!("PublicKey({public})"));
        let signature = hex(&key.sign(b""));
        assert!(signature.starts_with("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"));
    }

    #[test]
    fn only_the_exact_message_signature_and_key_verify() {
        let (key, seed) = SigningKey::generate(&mut seeded(1));
        assert_eq!(SigningKey::from_seed(&seed).public(), key.public());
        let signature = key.sign(b"head 7");
        assert_eq!(key.public().verify(b"head 7", &signature), Ok(()));
        assert_eq!(key.public().verify(b"head 8", &signature), Err(BadSignature));
        let (other, _) = SigningKey::generate(&mut seeded(2));
        assert_eq!(other.public().verify(b"head 7", &signature), Err(BadSignature));
        assert_eq!(PublicKey([0xff; 32]).verify(b"head 7", &signature), Err(BadSignature));
        assert_eq!(key.public().verify(b"head 7", &signature[..63]), Err(BadSignature));
        for index in 0..SIGNATURE_LEN {
            let mut changed = signature;
            changed[index] ^= 1;
            assert_eq!(key.public().verify(b"head 7", &changed), Err(BadSignature), "byte {index}");
        }
    }
}
