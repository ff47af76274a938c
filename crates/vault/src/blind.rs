//! Blind indexes: finding a person by e-mail or phone without storing either in the clear.
//!
//! The index is HMAC-SHA-256 of the normalised value under a key of its own per column. Equal values give
//! equal indexes and nothing else can be read from them without the key. E-mail addresses and phone numbers
//! have little entropy, so the key matters: it must never be stored beside the indexes unwrapped.

use crate::hash::{hmac_sha256, length};
use crate::secret::Secret;

/// The key of one indexed column.
pub struct BlindKey(Secret<[u8; 32]>);

impl BlindKey {
    /// Derives the key of one column from the master key of all blind indexes.
    ///
    /// `scope` keeps indexes of different owners incomparable (an organisation's id); it is empty for columns
    /// searched across all of them, such as the sign-in address.
    pub fn for_column(master: &Secret<[u8; 32]>, scope: &[u8], table: &str, column: &str) -> Self {
        let (table, column) = (table.as_bytes(), column.as_bytes());
        let parts: &[&[u8]] =
            &[b"bailee/blind/v1", &length(scope), scope, &length(table), table, &length(column), column];
        Self(Secret::new(hmac_sha256(master.expose(), parts)))
    }

    /// The index of a value; normalise it first, or equal values will not meet.
    pub fn index(&self, normalised: &str) -> [u8; 32] {
        hmac_sha256(self.0.expose(), &[normalised.as_bytes()])
    }
}

/// Why an address or number was not accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNormal {
    /// No `@` between two parts, inner spaces or control characters, or longer than 254 bytes.
    #[error("not an e-mail address: it needs one name, one @ and one host, in at most 254 bytes")]
    Email,
    /// National form: nobody can tell the country.
    #[error("a phone number needs its country: start with + and the country code")]
    PhoneWithoutCountry,
    /// Not 7 to 15 digits, or characters that are no phone punctuation.
    #[error("not a phone number: after + come 7 to 15 digits")]
    Phone,
}

/// Trims and lower-cases an e-mail address.
///
/// The part before the `@` is lower-cased too: no provider in use tells `Ann@` from `ann@`.
///
/// # Errors
/// [`NotNormal::Email`]. This is no proof that the address exists.
pub fn normalise_email(text: &str) -> Result<String, NotNormal> {
    let address = text.trim();
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let (name, host) = address.rsplit_once('@').ok_or(NotNormal::Email)?;
    if name.is_empty()
        || host.is_empty()
        || name.contains('@')
        || address.len() > 254
        || address.contains(odd)
    {
        return Err(NotNormal::Email);
    }
    let lower = address.to_lowercase();
    if lower.len() > 254 { Err(NotNormal::Email) } else { Ok(lower) }
}

/// Brings an international phone number to E.164 (ITU-T): `+` and digits only.
///
/// Takes `+` or `00` as the international prefix, and spaces, dots, dashes, slashes and parentheses between.
///
/// # Errors
/// [`NotNormal::PhoneWithoutCountry`] or [`NotNormal::Phone`].
pub fn normalise_phone(text: &str) -> Result<String, NotNormal> {
    let text = text.trim();
    if text.len() > 64 {
        return Err(NotNormal::Phone);
    }
    let number = text.strip_prefix('+').or_else(|| text.strip_prefix("00"));
    let number = number.ok_or(NotNormal::PhoneWithoutCountry)?;
    let mut normal = String::from("+");
    for c in number.chars() {
        match c {
            '0'..='9' => normal.push(c),
            ' ' | '\u{a0}' | '.' | '-' | '/' | '(' | ')' => {}
            _ => return Err(NotNormal::Phone),
        }
    }
    let digits = normal.len() - 1;
    if !(7..=15).contains(&digits) || normal.starts_with("+0") { Err(NotNormal::Phone) } else { Ok(normal) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scope: &[u8], table: &str, column: &str) -> BlindKey {
        BlindKey::for_column(&Secret::new([3; 32]), scope, table, column)
    }

    #[test]
    fn the_same_address_meets_itself_and_only_in_its_column() {
        let email = normalise_email("  Ann.Lee@Example.ORG ").unwrap();
        let index = key(b"org", "person", "email").index(&email);
        assert_eq!(index, key(b"org", "person", "email").index("ann.lee@example.org"));
        assert_ne!(index, key(b"org", "person", "login").index(&email));
        assert_ne!(index, key(b"org2", "person", "email").index(&email));
        assert_ne!(index, key(b"", "orgperson", "email").index(&email));
        assert_ne!(index, key(b"org", "person", "email").index("ann.lee@example.com"));
    }

    #[test]
    fn odd_addresses_are_refused() {
        let long = format!("{}@example.org", "x".repeat(250));
        for bad in ["", "ann", "@example.org", "ann@", "a@b@c", "a b@c.org", "a\n@c.org", &long] {
            assert_eq!(normalise_email(bad), Err(NotNormal::Email), "{bad:?}");
        }
    }

    #[test]
    fn phone_numbers_become_e164() {
        for text in ["+49 (151) 234-567.89", "004915123456789", " +49/151/23456789 "] {
            assert_eq!(normalise_phone(text).unwrap(), "+4915123456789", "{text:?}");
        }
        assert_eq!(normalise_phone("0151 23456789"), Err(NotNormal::PhoneWithoutCountry));
        for bad in ["+123456", "+1234567890123456", "+0123456789", "+49x151234567", "+", "+٤٩١٥١٢٣٤٥٦"]
        {
            assert_eq!(normalise_phone(bad), Err(NotNormal::Phone), "{bad:?}");
        }
        assert_eq!(normalise_phone(&format!("+{}", " ".repeat(100))), Err(NotNormal::Phone));
    }
}
