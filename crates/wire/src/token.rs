//! QR tokens: what a recipient's phone shows to the kiosk camera, verified by the bank without a network.
//!
//! 96 bytes, `version ‖ kid ‖ bank[4] ‖ grant[16] ‖ not before[4] ‖ expires[4] ‖ generation[1] ‖ reserved[1]` and an
//! Ed25519 signature over those 32 bytes, in base45 (RFC 9285) so that a QR code of version 6 at level M holds it.
//! A token names no person, no door and no address. The text is also what is typed when no camera sees it.
//! This module examines form only: whoever reads a token must verify the signature before believing a field.

use aws_lc_rs::digest;
use bailee_domain::id::{BankId, GrantId};
use bailee_domain::time::WallTime;

/// The version byte of the tokens this program makes and reads.
pub const VERSION: u8 = 1;
/// The part that is signed, in bytes.
pub const UNSIGNED_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;
const TOKEN_BYTES: usize = UNSIGNED_BYTES + SIGNATURE_BYTES;
/// Length of a token's text: base45 makes three characters of two bytes.
pub const TEXT_CHARS: usize = TOKEN_BYTES / 2 * 3;

/// What a token says; worth nothing before its signature is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// The number of the issuer's key.
    pub kid: u8,
    /// [`bank_tag`] of the bank it is for.
    pub bank: [u8; 4],
    /// The grant it is for.
    pub grant: GrantId,
    /// Not before this time, in whole seconds.
    pub not_before: WallTime,
    /// Not at or after this time, in whole seconds.
    pub expires: WallTime,
    /// The code generation it was issued with.
    pub generation: u8,
}

/// A token taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The bytes the signature covers.
    pub unsigned: [u8; UNSIGNED_BYTES],
    /// The issuer's Ed25519 signature.
    pub signature: [u8; SIGNATURE_BYTES],
    /// What the unsigned bytes say.
    pub fields: Fields,
}

/// Why a text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not as long as every token is.
    #[error("a token has 144 characters")]
    Length,
    /// A character, or a group of them, that base45 does not have.
    #[error("the token is not base45")]
    Text,
    /// Of a version this program does not read.
    #[error("the token has version {0}, this program reads version 1")]
    UnknownVersion(u8),
    /// The reserved byte is not zero, or the times are in the wrong order.
    #[error("the token's fields contradict each other")]
    Malformed,
}

/// How a token names a bank: the first four bytes of the SHA-256 of its id.
pub fn bank_tag(bank: BankId) -> [u8; 4] {
    let hash = digest::digest(&digest::SHA256, &bank.to_bytes());
    let mut tag = [0; 4];
    tag.copy_from_slice(&hash.as_ref()[..4]);
    tag
}

/// The bytes to be signed for these fields; times are cut to whole seconds between 1970 and 2106.
pub fn unsigned(fields: &Fields) -> [u8; UNSIGNED_BYTES] {
    let mut bytes = [0; UNSIGNED_BYTES];
    bytes[0] = VERSION;
    bytes[1] = fields.kid;
    bytes[2..6].copy_from_slice(&fields.bank);
    bytes[6..22].copy_from_slice(&fields.grant.to_bytes());
    bytes[22..26].copy_from_slice(&seconds(fields.not_before));
    bytes[26..30].copy_from_slice(&seconds(fields.expires));
    bytes[30] = fields.generation;
    bytes
}

fn seconds(at: WallTime) -> [u8; 4] {
    let seconds = at.unix_ms().div_euclid(1_000).clamp(0, i64::from(u32::MAX));
    u32::try_from(seconds).expect("clamped to 32 bits").to_be_bytes()
}

/// The text of a token: the content of its QR code.
pub fn text(unsigned: &[u8; UNSIGNED_BYTES], signature: &[u8; SIGNATURE_BYTES]) -> String {
    let mut bytes = [0; TOKEN_BYTES];
    bytes[..UNSIGNED_BYTES].copy_from_slice(unsigned);
    bytes[UNSIGNED_BYTES..].copy_from_slice(signature);
    base45::encode(bytes)
}

/// Takes a scanned or typed text apart. Lower-case letters, as typed by a person, are read as upper-case ones; blanks
/// at the ends are ignored. It can say nothing about genuineness.
///
/// # Errors
/// The [`TokenError`] that says what is wrong with the form.
pub fn parse(text: &str) -> Result<Token, TokenError> {
    let text = text.trim();
    // A blank is a character of base45, and with this version byte only the first one can be one at an end.
    if text.len() > TEXT_CHARS || text.len() + 1 < TEXT_CHARS || !text.is_ascii() {
        return Err(TokenError::Length);
    }
    let text = format!("{text:>TEXT_CHARS$}").to_ascii_uppercase();
    let bytes = base45::decode(&text).map_err(|_| TokenError::Text)?;
    // The decoder may accept groups beyond two bytes; only the one right text of these bytes is a token.
    if bytes.len() != TOKEN_BYTES || base45::encode(&bytes) != text {
        return Err(TokenError::Text);
    }
    let mut unsigned_bytes = [0; UNSIGNED_BYTES];
    unsigned_bytes.copy_from_slice(&bytes[..UNSIGNED_BYTES]);
    let mut signature = [0; SIGNATURE_BYTES];
    signature.copy_from_slice(&bytes[UNSIGNED_BYTES..]);
    Ok(Token { unsigned: unsigned_bytes, signature, fields: fields(&unsigned_bytes)? })
}

fn fields(bytes: &[u8; UNSIGNED_BYTES]) -> Result<Fields, TokenError> {
    if bytes[0] != VERSION {
        return Err(TokenError::UnknownVersion(bytes[0]));
    }
    let fields = Fields {
        kid: bytes[1],
        bank: cut(bytes, 2),
        grant: GrantId::from_bytes(cut(bytes, 6)),
        not_before: time(cut(bytes, 22)),
        expires: time(cut(bytes, 26)),
        generation: bytes[30],
    };
    if bytes[31] != 0 || fields.not_before > fields.expires { Err(TokenError::Malformed) } else { Ok(fields) }
}

fn cut<const N: usize>(bytes: &[u8; UNSIGNED_BYTES], from: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[from..from + N]);
    part
}

fn time(seconds: [u8; 4]) -> WallTime {
    WallTime::from_unix_ms(i64::from(u32::from_be_bytes(seconds)) * 1_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_fields() -> impl Strategy<Value = Fields> {
        (any::<u8>(), any::<[u8; 4]>(), any::<[u8; 16]>(), any::<u32>(), any::<u32>(), any::<u8>()).prop_map(
            |(kid, bank, grant, a, b, generation)| Fields {
                kid,
                bank,
                grant: GrantId::from_bytes(grant),
                not_before: time(a.min(b).to_be_bytes()),
                expires: time(a.max(b).to_be_bytes()),
                generation,
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(fields in any_fields(), signature in any::<[u8; 32]>()) {
            let mut both = [0; 64];
            both[..32].copy_from_slice(&signature);
            let bytes = unsigned(&fields);
            let text = text(&bytes, &both);
            prop_assert_eq!(text.len(), TEXT_CHARS);
            let token = parse(&text).unwrap();
            prop_assert_eq!((token.fields, token.unsigned, token.signature), (fields, bytes, both));
            prop_assert_eq!(parse(&format!(" {}\n", text.to_lowercase())), Ok(token));
        }

        #[test]
        fn any_text_is_refused_without_a_panic(text in ".{0,200}") {
            prop_assert!(parse(&text).is_err());
        }

        #[test]
        fn any_base45_of_the_right_length_never_panics(text in "[0-9A-Z $%*+./:-]{144}") {
            let _ = parse(&text);
        }

        #[test]
        fn another_character_anywhere_is_another_token(fields in any_fields(), at in 0..TEXT_CHARS, c in "[0-9A-Z]") {
            let text = text(&unsigned(&fields), &[7; 64]);
            let mut other = text.clone();
            other.replace_range(at..=at, &c);
            prop_assert!(parse(&text).is_ok());
            if other != text {
                prop_assert_ne!(parse(&other), parse(&text));
            }
        }
    }

    #[test]
    fn a_token_fits_the_qr_code_it_is_meant_for() {
        // QR version 6, level M, holds 154 alphanumeric characters (ISO/IEC 18004).
        const { assert!(TEXT_CHARS <= 154) }
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(parse(""), Err(TokenError::Length));
        assert_eq!(parse(&"ä".repeat(72)), Err(TokenError::Length));
        assert_eq!(parse(&":".repeat(144)), Err(TokenError::Text));
        assert_eq!(parse(&"0".repeat(144)), Err(TokenError::UnknownVersion(0)));
    }
}
