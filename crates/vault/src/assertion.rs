//! WebAuthn assertions (Web Authentication Level 3, §7.2), checked by a bank that has no browser and no network.
//!
//! What a person's passkey signed is `authenticatorData ‖ SHA-256(clientDataJSON)`. The client data is compared with the
//! one serialisation that browsers must produce (§5.8.1.1) by the algorithm meant for verifiers without a JSON parser
//! (§5.8.1.2), so nothing a stranger wrote is parsed. User presence and user verification are both required, and an
//! assertion made inside a frame of another site is refused.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use crate::hash::sha256;

/// The most bytes of authenticator data that are looked at.
pub const MAX_AUTHENTICATOR_DATA: usize = 1_024;
/// The most bytes of client data that are looked at.
pub const MAX_CLIENT_DATA: usize = 2_048;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;
/// Hash of the relying party's id, flags, count.
const FIXED_BYTES: usize = 37;

/// The public key of a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyPublic {
    /// `EdDSA` (COSE -8): 32 bytes.
    Ed25519([u8; 32]),
    /// `ES256` (COSE -7): the uncompressed point.
    P256([u8; 65]),
}

impl PasskeyPublic {
    /// Whether the bytes are a key at all: a point on its curve.
    pub fn is_key(&self) -> bool {
        match self {
            Self::Ed25519(public) => ParsedPublicKey::new(&ED25519, public).is_ok(),
            Self::P256(public) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public).is_ok(),
        }
    }
}

/// Whom and what the assertion must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The relying party's id.
    pub rp_id: &'a str,
    /// The origin of the page.
    pub origin: &'a str,
    /// What was to be signed.
    pub challenge: &'a [u8],
}

/// An assertion's parts, as the browser gave them.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    /// `authenticatorData`.
    pub authenticator_data: &'a [u8],
    /// `clientDataJSON`.
    pub client_data: &'a [u8],
    /// `signature`: DER for ES256, 64 bytes for EdDSA.
    pub signature: &'a [u8],
}

/// Why an assertion proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// Too long, too short, or flags that cannot be together.
    #[error("the assertion is malformed")]
    Malformed,
    /// Made for another statement, page or site, or inside a frame of another site.
    #[error("the assertion was made for something else")]
    Other,
    /// The person was not there, or did not prove to the device who they are.
    #[error("the person did not confirm the assertion")]
    NotConfirmed,
    /// Not signed by this key.
    #[error("the assertion's signature does not match")]
    BadSignature,
}

/// Checks an assertion; returns the authenticator's signature count, 0 where it keeps none. That the count rises is for
/// the caller, who remembers the last one, to demand.
///
/// # Errors
/// The [`AssertionError`] that says what is wrong with it.
pub fn verify(
    key: &PasskeyPublic,
    expected: &Expected<'_>,
    assertion: &Assertion<'_>,
) -> Result<u32, AssertionError> {
    let Assertion { authenticator_data, client_data, signature } = *assertion;
    let count = examine(authenticator_data, expected.rp_id)?;
    is_for(client_data, expected)?;
    let signed = [authenticator_data, &sha256(&[client_data])].concat();
    let genuine = match key {
        PasskeyPublic::Ed25519(public) => UnparsedPublicKey::new(&ED25519, public).verify(&signed, signature),
        PasskeyPublic::P256(public) => {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public).verify(&signed, signature)
        }
    };
    genuine.map(|()| count).map_err(|_| AssertionError::BadSignature)
}

fn examine(data: &[u8], rp_id: &str) -> Result<u32, AssertionError> {
    let (fixed, more) = data.split_first_chunk::<FIXED_BYTES>().ok_or(AssertionError::Malformed)?;
    let flags = fixed[32];
    let contradicts = flags & BACKED_UP != 0 && flags & BACKUP_ELIGIBLE == 0;
    let unannounced = flags & (ATTESTED | EXTENDED) == 0 && !more.is_empty();
    if data.len() > MAX_AUTHENTICATOR_DATA || contradicts || unannounced {
        return Err(AssertionError::Malformed);
    }
    if !bool::from(sha256(&[rp_id.as_bytes()]).ct_eq(&fixed[..32])) {
        return Err(AssertionError::Other);
    }
    if flags & USER_PRESENT == 0 || flags & USER_VERIFIED == 0 {
        return Err(AssertionError::NotConfirmed);
    }
    let [.., a, b, c, d] = *fixed;
    Ok(u32::from_be_bytes([a, b, c, d]))
}

/// The limited verification algorithm: everything up to the origin must be what it has to be, byte for byte.
fn is_for(client_data: &[u8], expected: &Expected<'_>) -> Result<(), AssertionError> {
    if client_data.len() > MAX_CLIENT_DATA {
        return Err(AssertionError::Malformed);
    }
    // An origin with a character that JSON escapes is none.
    if !expected.origin.bytes().all(|c| c.is_ascii_graphic() && !matches!(c, b'"' | b'\\')) {
        return Err(AssertionError::Other);
    }
    let challenge = URL_SAFE_NO_PAD.encode(expected.challenge);
    let origin = expected.origin;
    let start = format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{origin}""#);
    let rest = client_data.strip_prefix(start.as_bytes()).ok_or(AssertionError::Other)?;
    // Browsers of Level 1 do not say whether the page was in a frame.
    let rest = rest.strip_prefix(br#","crossOrigin":false"#).unwrap_or(rest);
    let framed = rest.starts_with(br#","crossOrigin":"#);
    if framed || !matches!(rest.first(), Some(b',' | b'}')) || rest.last() != Some(&b'}') {
        return Err(AssertionError::Other);
    }
    Ok(())
}

/// A passkey in software, for tests of everything that takes assertions.
#[cfg(any(test, feature = "test-passkey"))]
pub mod test_passkey;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::test_passkey::{Made, TestPasskey};
    use super::*;

    const RP: &str = "parcels.example.org";
    const ORIGIN: &str = "https://parcels.example.org";
    const CHALLENGE: [u8; 32] = [7; 32];

    fn check(key: &TestPasskey, made: &Made) -> Result<u32, AssertionError> {
        let expected = Expected { rp_id: RP, origin: ORIGIN, challenge: &CHALLENGE };
        verify(&key.public(), &expected, &made.assertion())
    }

    fn keys() -> [TestPasskey; 2] {
        [TestPasskey::p256(), TestPasskey::ed25519([3; 32])]
    }

    #[test]
    fn a_genuine_assertion_of_either_kind_tells_its_count() {
        for key in keys() {
            let made = key.sign(RP, ORIGIN, &CHALLENGE, 41);
            assert_eq!(check(&key, &made), Ok(41));
        }
    }

    #[test]
    fn what_was_made_for_something_else_proves_nothing() {
        for key in keys() {
            for (rp, origin, challenge) in [
                ("evil.example", ORIGIN, CHALLENGE),
                (RP, "https://parcels.example.org.evil.example", CHALLENGE),
                (RP, "http://parcels.example.org", CHALLENGE),
                (RP, ORIGIN, [8; 32]),
            ] {
                assert_eq!(check(&key, &key.sign(rp, origin, &challenge, 1)), Err(AssertionError::Other));
            }
        }
    }

    #[test]
    fn a_person_must_be_there_and_have_said_who_they_are() {
        for key in keys() {
            for flags in [0, USER_PRESENT, USER_VERIFIED] {
                let made = key.sign_with(RP, &key.client_data(ORIGIN, &CHALLENGE), flags, 1);
                assert_eq!(check(&key, &made), Err(AssertionError::NotConfirmed), "{flags:#b}");
            }
            let impossible = USER_PRESENT | USER_VERIFIED | BACKED_UP;
            let made = key.sign_with(RP, &key.client_data(ORIGIN, &CHALLENGE), impossible, 1);
            assert_eq!(check(&key, &made), Err(AssertionError::Malformed));
        }
    }

    #[test]
    fn client_data_has_one_form() {
        let key = TestPasskey::ed25519([3; 32]);
        let good = String::from_utf8(key.client_data(ORIGIN, &CHALLENGE)).unwrap();
        let short = good.replace(r#","crossOrigin":false"#, "");
        let more = good.replace('}', r#","other_keys_can_be_added_here":"do not compare"}"#);
        for fine in [&good, &short, &more] {
            assert_eq!(check(&key, &key.sign_with(RP, fine.as_bytes(), 5, 1)), Ok(1), "{fine}");
        }
        for bad in [
            good.replace("webauthn.get", "webauthn.create"),
            good.replace("false", "true"),
            good.replace("false", "falsehood"),
            good.replace('}', ""),
            format!(" {good}"),
            good.replace(r#""type""#, r#""x":1,"type""#),
            more.replace("other", &"o".repeat(MAX_CLIENT_DATA)),
            String::new(),
        ] {
            assert!(check(&key, &key.sign_with(RP, bad.as_bytes(), 5, 1)).is_err(), "{bad}");
        }
    }

    #[test]
    fn another_key_or_any_changed_byte_is_no_signature() {
        for key in keys() {
            let made = key.sign(RP, ORIGIN, &CHALLENGE, 9);
            let other = [TestPasskey::p256(), TestPasskey::ed25519([4; 32])];
            for other in other {
                assert_eq!(check(&other, &made), Err(AssertionError::BadSignature));
            }
            for at in 0..made.authenticator_data.len() {
                let mut changed = made.clone();
                changed.authenticator_data[at] ^= 0x20;
                assert!(check(&key, &changed).is_err(), "byte {at}");
            }
            let mut longer = made.clone();
            longer.authenticator_data.push(0);
            assert_eq!(check(&key, &longer), Err(AssertionError::Malformed));
            assert!(check(&key, &Made { signature: Vec::new(), ..made }).is_err());
        }
    }

    #[test]
    fn a_point_that_is_none_is_refused() {
        let key = TestPasskey::p256();
        let made = key.sign(RP, ORIGIN, &CHALLENGE, 9);
        let expected = Expected { rp_id: RP, origin: ORIGIN, challenge: &CHALLENGE };
        for public in [[0; 65], [4; 65], [0xff; 65]] {
            let refused = verify(&PasskeyPublic::P256(public), &expected, &made.assertion());
            assert_eq!(refused, Err(AssertionError::BadSignature));
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a: Vec<u8>, b: Vec<u8>, c: Vec<u8>, origin in ".{0,30}") {
            let expected = Expected { rp_id: RP, origin: &origin, challenge: &CHALLENGE };
            let assertion = Assertion { authenticator_data: &a, client_data: &b, signature: &c };
            for key in [PasskeyPublic::Ed25519([1; 32]), PasskeyPublic::P256([4; 65])] {
                prop_assert!(verify(&key, &expected, &assertion).is_err());
            }
        }
    }
}
