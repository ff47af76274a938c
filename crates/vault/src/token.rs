//! Bearer tokens: API keys, sessions, set-up and enrolment links.
//!
//! `<kind>_<30 characters of base62><6 characters of checksum>`. The 30 characters carry 178 random bits. The
//! checksum is CRC-32 (IEEE) of all before it, in base62: it lets secret scanners recognise a leaked token and
//! lets us refuse a mistyped one before any look-up. It protects nothing by itself.
//!
//! Stored is only [`TokenHash`]; a plain SHA-256 is enough because the token is random. A token must never be
//! logged, put in a URL path, or stored as it is.

use rand_core::Rng;
use subtle::ConstantTimeEq;

use crate::hash::sha256;
use crate::secret::Secret;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX_LEN: usize = 4;
const RANDOM_LEN: usize = 30;
const CHECKSUM_LEN: usize = 6;

/// Characters in every token.
pub const TOKEN_LEN: usize = PREFIX_LEN + RANDOM_LEN + CHECKSUM_LEN;

/// What a token is for; each kind has its own prefix, so one cannot be used as another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TokenKind {
    /// Programs calling the API: `blk_`.
    Api,
    /// A signed-in browser: `bls_`.
    Session,
    /// The one-time link that makes the first administrator: `blu_`.
    SetUp,
    /// The one-time permission of a new bank: `ble_`.
    Enrolment,
    /// The link to a receipt: `blr_`.
    Receipt,
}

impl TokenKind {
    /// The four characters every token of this kind begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Api => "blk_",
            Self::Session => "bls_",
            Self::SetUp => "blu_",
            Self::Enrolment => "ble_",
            Self::Receipt => "blr_",
        }
    }
}

/// A token in clear: shown once, then forgotten.
#[derive(Debug)]
pub struct Token {
    kind: TokenKind,
    text: Secret<String>,
}

/// Why a text is not a token. The same answer for every reason.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this kind, or mistyped")]
pub struct NotAToken;

impl Token {
    /// Draws a new token.
    pub fn generate(kind: TokenKind, rng: &mut impl Rng) -> Self {
        let mut text = String::with_capacity(TOKEN_LEN);
        text.push_str(kind.prefix());
        for _ in 0..RANDOM_LEN {
            text.push(random_character(rng));
        }
        let check = checksum(&text);
        text.extend(check.map(char::from));
        Self { kind, text: Secret::new(text) }
    }

    /// Reads a token somebody presented; needs no look-up.
    ///
    /// # Errors
    /// [`NotAToken`] on another kind, a wrong length or alphabet, or a wrong checksum.
    pub fn parse(kind: TokenKind, text: &str) -> Result<Self, NotAToken> {
        let base62 = |byte: u8| byte.is_ascii_alphanumeric();
        let random = text.strip_prefix(kind.prefix()).ok_or(NotAToken)?;
        if text.len() != TOKEN_LEN || !random.bytes().all(base62) {
            return Err(NotAToken);
        }
        let (body, check) = text.split_at(PREFIX_LEN + RANDOM_LEN);
        if checksum(body) != check.as_bytes() {
            return Err(NotAToken);
        }
        Ok(Self { kind, text: Secret::new(text.into()) })
    }

    /// What it is for.
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The text to hand over, once.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// What is stored and looked up.
    pub fn hash(&self) -> TokenHash {
        TokenHash(sha256(&[self.text.expose().as_bytes()]))
    }
}

/// SHA-256 of a whole token. Equality takes constant time.
#[derive(Clone, Copy, Debug)]
pub struct TokenHash(pub [u8; 32]);

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

fn random_character(rng: &mut impl Rng) -> char {
    // 248 is the last multiple of 62 in a byte: above it some characters would come up more often.
    loop {
        let mut byte = [0];
        rng.fill_bytes(&mut byte);
        if byte[0] < 248 {
            return char::from(ALPHABET[usize::from(byte[0] % 62)]);
        }
    }
}

fn checksum(body: &str) -> [u8; CHECKSUM_LEN] {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut text = [b'0'; CHECKSUM_LEN];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_rng::seeded;

    #[test]
    fn a_token_is_recognised_by_its_hash() {
        let mut rng = seeded(1);
        let token = Token::generate(TokenKind::Api, &mut rng);
        assert_eq!(token.expose().len(), TOKEN_LEN);
        assert!(token.expose().starts_with("blk_"));
        let presented = Token::parse(TokenKind::Api, token.expose()).unwrap();
        assert_eq!(presented.hash(), token.hash());
        assert_ne!(Token::generate(TokenKind::Api, &mut rng).hash(), token.hash());
        assert!(!format!("{token:?}").contains(&token.expose()[4..10]));
    }

    #[test]
    fn no_kind_passes_for_another() {
        use TokenKind::{Api, Enrolment, Receipt, Session, SetUp};
        let kinds = [Api, Session, SetUp, Enrolment, Receipt];
        for made in kinds {
            let token = Token::generate(made, &mut seeded(1));
            for asked in kinds {
                assert_eq!(Token::parse(asked, token.expose()).is_ok(), made == asked);
            }
        }
    }

    #[test]
    fn one_wrong_character_is_refused_without_a_look_up() {
        let token = Token::generate(TokenKind::Session, &mut seeded(1));
        for place in 0..TOKEN_LEN {
            let mut text = token.expose().as_bytes().to_vec();
            text[place] = if text[place] == b'x' { b'y' } else { b'x' };
            let text = String::from_utf8(text).unwrap();
            assert!(Token::parse(TokenKind::Session, &text).is_err(), "place {place}");
        }
        let longer = format!("{}0", token.expose());
        for wrong in ["", "bls_", &token.expose()[1..], &longer, &token.expose().to_lowercase()] {
            assert!(Token::parse(TokenKind::Session, wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_refused_without_panic(text in "\\PC*", tail in "\\PC{36}") {
            prop_assert!(Token::parse(TokenKind::Api, &text).is_err());
            let with_prefix = format!("blk_{tail}");
            prop_assert!(Token::parse(TokenKind::Api, &with_prefix).is_err());
        }
    }
}
