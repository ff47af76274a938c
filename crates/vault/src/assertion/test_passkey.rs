//! A passkey in software. It proves nothing about anybody and exists for tests, here and in other crates.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Assertion, PasskeyPublic};
use crate::hash::sha256;

/// A passkey's private key.
pub struct TestPasskey(Private);

enum Private {
    P256(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// An assertion it made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// `authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// `signature`.
    pub signature: Vec<u8>,
}

impl Made {
    /// Its parts.
    pub fn assertion(&self) -> Assertion<'_> {
        Assertion {
            authenticator_data: &self.authenticator_data,
            client_data: &self.client_data,
            signature: &self.signature,
        }
    }
}

impl TestPasskey {
    /// A new ES256 passkey.
    pub fn p256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key can be made");
        Self(Private::P256(Box::new(pair)))
    }

    /// The EdDSA passkey of a seed.
    pub fn ed25519(seed: [u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are a seed");
        Self(Private::Ed25519(Box::new(pair)))
    }

    /// Its public key.
    pub fn public(&self) -> PasskeyPublic {
        match &self.0 {
            Private::P256(pair) => {
                PasskeyPublic::P256(pair.public_key().as_ref().try_into().expect("an uncompressed point"))
            }
            Private::Ed25519(pair) => {
                PasskeyPublic::Ed25519(pair.public_key().as_ref().try_into().expect("32 bytes"))
            }
        }
    }

    /// What a browser on a page of `origin` would have signed.
    pub fn client_data(&self, origin: &str, challenge: &[u8]) -> Vec<u8> {
        let challenge = URL_SAFE_NO_PAD.encode(challenge);
        let text = format!(
            r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#
        );
        text.into_bytes()
    }

    /// An assertion of a person who was there and verified.
    pub fn sign(&self, rp_id: &str, origin: &str, challenge: &[u8], count: u32) -> Made {
        self.sign_with(rp_id, &self.client_data(origin, challenge), 0b101, count)
    }

    /// An assertion with these flags over this client data.
    pub fn sign_with(&self, rp_id: &str, client_data: &[u8], flags: u8, count: u32) -> Made {
        let mut authenticator_data = sha256(&[rp_id.as_bytes()]).to_vec();
        authenticator_data.push(flags);
        authenticator_data.extend(count.to_be_bytes());
        let signed = [&authenticator_data[..], &sha256(&[client_data])].concat();
        let signature = match &self.0 {
            Private::P256(pair) => {
                pair.sign(&SystemRandom::new(), &signed).expect("signing works").as_ref().to_vec()
            }
            Private::Ed25519(pair) => pair.sign(&signed).as_ref().to_vec(),
        };
        Made { authenticator_data, client_data: client_data.to_vec(), signature }
    }
}
