//! Cosignatures (C2SP tlog-cosignature v1.0.1, Ed25519): a witness states that, as of a time, the tree of a checkpoint
//! is the largest it has seen of that log and begins with every one it saw before.
//!
//! A cosignature is a signature line of the checkpoint's note: big-endian `u64` seconds, then Ed25519 over
//! `cosignature/v1\ntime <seconds>\n` and the text of the checkpoint. Lines of ML-DSA-44 keys (type 0x06) are kept in a
//! note and never counted. Who may sign what is decided in [`crate::witness`], not here.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::key::{ED25519_KEY_LEN, KeyError, KeyId, KeyName, SignError, read_vkey, write_vkey};
use crate::note::{Note, NoteSignature};

/// Signature type byte of an Ed25519 cosignature.
pub const TYPE_COSIGNATURE: u8 = 0x04;

const TIME_LEN: usize = 8;
const SIGNATURE_LEN: usize = 64;
/// The latest time a cosignature may bear, in seconds since the Unix epoch.
const MAX_TIME: u64 = i64::MAX as u64;

/// The key with which anyone checks a witness's cosignatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignerKey {
    name: KeyName,
    id: KeyId,
    public: [u8; ED25519_KEY_LEN],
}

/// A witness's private key in memory.
pub struct Cosigner {
    key: CosignerKey,
    pair: Ed25519KeyPair,
}

/// A line bears the key's name and id, and isn't its cosignature of this checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the cosignature of {name} does not match the checkpoint")]
pub struct WrongCosignature {
    /// Name of the key.
    pub name: KeyName,
}

impl CosignerKey {
    /// An Ed25519 key under a name.
    #[must_use]
    pub fn new(name: KeyName, public: [u8; ED25519_KEY_LEN]) -> Self {
        let id = KeyId::of(&name, TYPE_COSIGNATURE, &public);
        Self { name, id, public }
    }

    /// Who cosigns with it.
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

    /// When this key cosigned the note, in seconds since the Unix epoch: the latest of its lines; `None` if it did not.
    ///
    /// # Errors
    /// [`WrongCosignature`]: one of its lines is wrong, which spoils the note.
    pub fn cosigned(&self, note: &Note) -> Result<Option<u64>, WrongCosignature> {
        let mut latest = None;
        for line in note.signatures().iter().filter(|line| self.is_of(line)) {
            latest = latest.max(Some(self.time_of(note.text(), line)?));
        }
        Ok(latest)
    }

    /// Checks one line of this key over the text of a checkpoint; its time in seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`WrongCosignature`], also for a line of another key.
    pub fn time_of(&self, text: &str, line: &NoteSignature) -> Result<u64, WrongCosignature> {
        let wrong = || WrongCosignature { name: self.name.clone() };
        let (time, signature) = line.signature.split_first_chunk::<TIME_LEN>().ok_or_else(wrong)?;
        let time = u64::from_be_bytes(*time);
        let holds = self.is_of(line)
            && time <= MAX_TIME
            && signature.len() == SIGNATURE_LEN
            && UnparsedPublicKey::new(&ED25519, &self.public)
                .verify(&statement(time, text), signature)
                .is_ok();
        if holds { Ok(time) } else { Err(wrong()) }
    }

    /// Whether a line bears this key's name and id.
    #[must_use]
    pub fn is_of(&self, line: &NoteSignature) -> bool {
        line.name == self.name && line.key_id == self.id
    }
}

/// The exact bytes a witness signs.
fn statement(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

/// The `vkey` spelling: `name+id+base64(0x04 ‖ public key)`.
impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_vkey(f, &self.name, TYPE_COSIGNATURE, &self.public)
    }
}

impl FromStr for CosignerKey {
    type Err = KeyError;

    fn from_str(vkey: &str) -> Result<Self, KeyError> {
        let (name, public) = read_vkey(vkey, TYPE_COSIGNATURE)?;
        Ok(Self::new(name, public))
    }
}

impl Cosigner {
    /// The key made from 32 random bytes, which the caller draws and guards.
    ///
    /// # Errors
    /// [`KeyError::Seed`].
    pub fn from_seed(name: KeyName, seed: &[u8; ED25519_KEY_LEN]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Seed)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Seed)?;
        Ok(Self { key: CosignerKey::new(name, public), pair })
    }

    /// The key to publish.
    #[must_use]
    pub fn key(&self) -> &CosignerKey {
        &self.key
    }

    /// The cosignature line of a checkpoint's text at a time in seconds since the Unix epoch. Only
    /// [`crate::witness::Witness`] may decide that it is right to make one.
    ///
    /// # Errors
    /// The key couldn't be used, or the time can't be written.
    pub fn cosign(&self, text: &str, time: u64) -> Result<NoteSignature, SignError> {
        if time == 0 || time > MAX_TIME {
            return Err(SignError("a cosignature needs a time after 1970".into()));
        }
        let signed =
            self.pair.try_sign(&statement(time, text)).map_err(|error| SignError(Box::new(error)))?;
        let signature = [&time.to_be_bytes()[..], signed.as_ref()].concat();
        Ok(NoteSignature { name: self.key.name.clone(), key_id: self.key.id, signature })
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({}+{})", self.key.name, self.key.id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A checkpoint of a public log with the cosignature of a public witness, as both published them.
    const PUBLISHED: &str = "coachandhorses2026h1.staging.certificate.transparency.goog\n185550722\n\
        YXAM0VmnrfvLaBCOOYSJhCaE5F10oGBOo+hkbDa1kng=\n\n\
        \u{2014} coachandhorses2026h1.staging.certificate.transparency.goog MpXgsHy8ZwxXnO+WjtVrPxAzL49Rs1gWTkNVNeEa//5peAzaocRCB3qt3EaibjzY5GILLtGgBP7dBhgcSHy+JQh0OAc=\n\
        \u{2014} witness.navigli.sunlight.geomys.org o+AP4gAAAABqb7DzNrGFRJnQ9vrJ8xpnwZytnr/ZYczDIsvwvouiSjwOjn7a72ccxBk+lKnZ7dKqkYKER1s/KxLTaVwQD7lJZTC/CQ==\n";
    const WITNESS: &str =
        "witness.navigli.sunlight.geomys.org+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G";

    fn cosigner(name: &str) -> Cosigner {
        Cosigner::from_seed(KeyName::new(name).expect("valid"), &[9; 32]).expect("a seed")
    }

    #[test]
    fn a_cosignature_published_by_another_implementation_verifies() {
        let key: CosignerKey = WITNESS.parse().expect("its key");
        let note = Note::parse(PUBLISHED.as_bytes()).expect("a note");
        assert_eq!(key.cosigned(&note), Ok(Some(0x6a6f_b0f3)));
        assert_eq!(key.to_string(), WITNESS);
        let line_of_the_log = note.text().len()..PUBLISHED.find("witness.").expect("its line");
        for (place, _) in PUBLISHED.match_indices(|c: char| c.is_ascii_alphanumeric()) {
            let mut bytes = PUBLISHED.as_bytes().to_vec();
            bytes[place] ^= 1;
            if let Ok(changed) = Note::parse(&bytes)
                && !line_of_the_log.contains(&place)
            {
                assert!(!matches!(key.cosigned(&changed), Ok(Some(_))), "byte {place}");
            }
        }
    }

    #[test]
    fn a_log_key_is_no_witness_key() {
        let log = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert_eq!(log.parse::<CosignerKey>(), Err(KeyError::Type { found: 1, expected: 4 }));
    }

    #[test]
    fn the_time_is_signed_and_the_latest_counts() {
        let witness = cosigner("witness.example/w1");
        let mut note = Note::new("log\n1\nroot\n".to_owned()).expect("plain");
        note.add(witness.cosign(note.text(), 7).expect("signs")).expect("room");
        note.add(witness.cosign(note.text(), 1_700_000_000).expect("signs")).expect("room");
        assert_eq!(witness.key().cosigned(&note), Ok(Some(1_700_000_000)));
        assert_eq!(cosigner("witness.example/w2").key().cosigned(&note), Ok(None));

        let mut line = note.signatures()[0].clone();
        line.signature[7] ^= 1;
        note.add(line).expect("room");
        assert!(witness.key().cosigned(&note).is_err(), "one wrong line spoils the note");
        assert!(witness.cosign("log\n1\nroot\n", 0).is_err());
        assert!(witness.cosign("log\n1\nroot\n", u64::MAX).is_err());
    }

    proptest! {
        #[test]
        fn keys_read_back(public: [u8; 32], name in "[^\\s+\\p{Cc}]{1,20}") {
            let key = CosignerKey::new(KeyName::new(&name).expect("valid"), public);
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }

        #[test]
        fn no_signature_bytes_break_the_check(signature in proptest::collection::vec(any::<u8>(), 1..90)) {
            let key = cosigner("w").key().clone();
            let line = NoteSignature { name: key.name().clone(), key_id: key.key_id(), signature };
            prop_assert!(key.time_of("log\n1\nroot\n", &line).is_err());
        }
    }
}
