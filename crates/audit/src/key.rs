//! Keys that sign notes: names, key ids, the `vkey` spelling (C2SP signed-note), and Ed25519.
//!
//! Keys of witnesses (cosignature/v1, type 0x04) are in [`crate::cosignature`]. Lines of keys of other types in a note
//! are kept and counted as unchecked.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash::sha256;

/// Signature type byte of plain Ed25519 over the note text.
pub const TYPE_ED25519: u8 = 0x01;

/// Bytes of an Ed25519 public key and of the seed of a private one.
pub const ED25519_KEY_LEN: usize = 32;

/// Who signs: not empty, without spaces, control characters or `+`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

/// Short name of a key: the first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 4]);

/// The key with which anyone checks a log's checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: KeyName,
    id: KeyId,
    public: [u8; ED25519_KEY_LEN],
}

/// Something that signs notes: a key in memory, a token, or a witness that adds a time.
pub trait Signer {
    /// The name on the signature line.
    fn name(&self) -> &KeyName;

    /// The key id on the signature line.
    fn key_id(&self) -> KeyId;

    /// The signature bytes over a note text, as its signature type defines them.
    ///
    /// # Errors
    /// The key couldn't be used.
    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// An Ed25519 key in memory.
pub struct Ed25519Signer {
    verifying: VerifyingKey,
    pair: Ed25519KeyPair,
}

/// Why a key couldn't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Empty, or with a space, a control character or `+`.
    #[error("a key name is not empty and has no space, control character or `+`")]
    Name,
    /// Not `name+id+key`.
    #[error("not a verifying key: `name+8 hex digits+base64` is expected")]
    Form,
    /// Another type than the one expected there.
    #[error("the key is of type {found:#04x}; {expected:#04x} is expected here")]
    Type {
        /// The type found.
        found: u8,
        /// 0x01 for a log, 0x04 for a witness.
        expected: u8,
    },
    /// The id isn't that of this name and key.
    #[error("the key id belongs to another name or key")]
    Id,
    /// Not an Ed25519 private key.
    #[error("the seed is not an Ed25519 private key")]
    Seed,
}

/// The signing key couldn't be used.
#[derive(Debug, thiserror::Error)]
#[error("signing failed")]
pub struct SignError(#[source] pub Box<dyn Error + Send + Sync>);

impl KeyName {
    /// # Errors
    /// [`KeyError::Name`].
    pub fn new(name: &str) -> Result<Self, KeyError> {
        let is_refused = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.contains(is_refused) {
            return Err(KeyError::Name);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl KeyId {
    /// The id of a key of any type that follows the recommended rule of signed-note.
    #[must_use]
    pub fn of(name: &KeyName, signature_type: u8, public: &[u8]) -> Self {
        Self::of_type(name, &[&[signature_type], public].concat())
    }

    /// The same for a type that is more than one byte: what follows the name is given whole.
    pub(crate) fn of_type(name: &KeyName, type_and_public: &[u8]) -> Self {
        let hash = sha256(&[name.0.as_bytes(), b"\n", type_and_public].concat());
        Self([hash.0[0], hash.0[1], hash.0[2], hash.0[3]])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl VerifyingKey {
    /// An Ed25519 key under a name.
    #[must_use]
    pub fn new(name: KeyName, public: [u8; ED25519_KEY_LEN]) -> Self {
        let id = KeyId::of(&name, TYPE_ED25519, &public);
        Self { name, id, public }
    }

    /// Who signs with it.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Its short name.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> &[u8; ED25519_KEY_LEN] {
        &self.public
    }

    /// Whether a signature line bears this key's name and id.
    #[must_use]
    pub fn is_of(&self, line: &crate::note::NoteSignature) -> bool {
        line.name == self.name && line.key_id == self.id
    }

    /// Whether the signature is this key's over exactly that text.
    #[must_use]
    pub fn has_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(text, signature).is_ok()
    }
}

/// The `vkey` spelling: `name+id+base64(type ‖ public key)`.
impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_vkey(f, &self.name, TYPE_ED25519, &self.public)
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyError;

    fn from_str(vkey: &str) -> Result<Self, KeyError> {
        let (name, public) = read_vkey(vkey, TYPE_ED25519)?;
        Ok(Self::new(name, public))
    }
}

/// Name and public key of a `vkey` of that type, whose id has been checked.
pub(crate) fn read_vkey(vkey: &str, expected: u8) -> Result<(KeyName, [u8; ED25519_KEY_LEN]), KeyError> {
    let mut parts = vkey.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(KeyError::Form);
    };
    let bytes = STANDARD.decode(key).map_err(|_| KeyError::Form)?;
    let (&found, public) = bytes.split_first().ok_or(KeyError::Form)?;
    if found != expected {
        return Err(KeyError::Type { found, expected });
    }
    let public: [u8; ED25519_KEY_LEN] = public.try_into().map_err(|_| KeyError::Form)?;
    let name = KeyName::new(name)?;
    if KeyId::of(&name, expected, &public).to_string() == id { Ok((name, public)) } else { Err(KeyError::Id) }
}

/// The `vkey` spelling of a key of that type.
pub(crate) fn write_vkey(
    f: &mut fmt::Formatter<'_>,
    name: &KeyName,
    signature_type: u8,
    public: &[u8; ED25519_KEY_LEN],
) -> fmt::Result {
    let id = KeyId::of(name, signature_type, public);
    write!(f, "{name}+{id}+{}", STANDARD.encode([&[signature_type][..], public].concat()))
}

impl Ed25519Signer {
    /// The key made from 32 random bytes, which the caller draws and guards.
    ///
    /// # Errors
    /// [`KeyError::Seed`].
    pub fn from_seed(name: KeyName, seed: &[u8; ED25519_KEY_LEN]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Seed)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Seed)?;
        Ok(Self { verifying: VerifyingKey::new(name, public), pair })
    }

    /// The key to publish.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }
}

impl Signer for Ed25519Signer {
    fn name(&self) -> &KeyName {
        &self.verifying.name
    }

    fn key_id(&self) -> KeyId {
        self.verifying.id
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.pair.try_sign(text).map_err(|error| SignError(Box::new(error)))?;
        Ok(signature.as_ref().to_vec())
    }
}

impl fmt::Debug for Ed25519Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ed25519Signer({}+{})", self.verifying.name, self.verifying.id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn a_published_key_reads_and_writes() {
        let key: VerifyingKey = VKEY.parse().expect("the example of Go's note package");
        assert_eq!((key.name().as_str(), key.key_id().0), ("PeterNeumann", [0xc7, 0x4f, 0x20, 0xa3]));
        assert_eq!(key.to_string(), VKEY);
    }

    #[test]
    fn changed_keys_are_refused() {
        for (vkey, error) in [
            ("", KeyError::Form),
            ("PeterNeumann+c74f20a3", KeyError::Form),
            ("PeterNeumann+c74f20a3+", KeyError::Form),
            ("PeterNeumann+c74f20a3+AQ==", KeyError::Form),
            ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Id),
            ("PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Id),
            ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Name),
            (
                "PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                KeyError::Type { found: 4, expected: 1 },
            ),
        ] {
            assert_eq!(vkey.parse::<VerifyingKey>(), Err(error), "{vkey}");
        }
    }

    #[test]
    fn names_that_would_break_a_line_are_refused() {
        for name in ["", " ", "a b", "a+b", "a\nb", "a\u{2003}b", "a\u{a0}b", "a\u{7f}b"] {
            assert_eq!(KeyName::new(name), Err(KeyError::Name), "{name:?}");
        }
        assert!(KeyName::new("locker.example/log/7").is_ok());
    }

    #[test]
    fn ed25519_signs_as_rfc_8032_says() {
        // RFC 8032 §7.1, test 1.
        let seed = [
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
            0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
        ];
        let signer = Ed25519Signer::from_seed(KeyName::new("log").expect("valid"), &seed).expect("a seed");
        assert_eq!(&signer.verifying_key().public()[..4], &[0xd7, 0x5a, 0x98, 0x01]);
        let signature = signer.sign(b"").expect("signs");
        assert_eq!(&signature[..4], &[0xe5, 0x56, 0x43, 0x00]);
        assert!(signer.verifying_key().has_signed(b"", &signature));
        assert!(!signer.verifying_key().has_signed(b"x", &signature));
        assert!(!signer.verifying_key().has_signed(b"", &signature[..63]));
    }

    proptest! {
        #[test]
        fn keys_read_back(public: [u8; 32], name in "[^\\s+\\p{Cc}]{1,20}") {
            let key = VerifyingKey::new(KeyName::new(&name).expect("valid"), public);
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }

        #[test]
        fn no_text_breaks_the_parser(text in "\\PC*|[a-z]{1,5}\\+[0-9a-f]{8}\\+[A-Za-z0-9+/=]{0,60}") {
            if let Ok(key) = text.parse::<VerifyingKey>() {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }
}
