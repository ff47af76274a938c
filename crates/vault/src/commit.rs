//! Salted commitments: what the custody log holds instead of personal data.
//!
//! `SHA-256("bailee/commit/v1" ‖ salt[32] ‖ len(label)[8] ‖ label ‖ len(value)[8] ‖ value)`, lengths big-endian.
//! The salt is random, one per value, and lives in the store under the person's key: whoever holds salt and
//! value can prove what was logged; once the salt is destroyed the commitment says nothing.

use subtle::ConstantTimeEq;

use crate::hash::{length, sha256};

/// Commits to a value under a label such as `recipient-name`.
///
/// The salt must be 32 random bytes used for this value alone: with a guessable salt a short value can be
/// found by trying.
pub fn commit(salt: &[u8; 32], label: &str, value: &[u8]) -> [u8; 32] {
    let label = label.as_bytes();
    sha256(&[b"bailee/commit/v1", salt, &length(label), label, &length(value), value])
}

/// Whether a commitment was made to this value under this label and salt.
pub fn verify(commitment: &[u8; 32], salt: &[u8; 32], label: &str, value: &[u8]) -> bool {
    commit(salt, label, value).ct_eq(commitment).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_format_is_fixed() {
        // Computed apart from this code, from the module's formula; old log entries depend on it.
        let expected = "2d775a11a668e15a5d5f121604ba43de6dc5ce36b771d53dbdcce5b57814d881";
        assert_eq!(crate::hash::hex(&commit(&[7; 32], "name", b"Ann")), expected);
    }

    proptest! {
        #[test]
        fn only_the_same_opening_verifies(salt: [u8; 32], other_salt: [u8; 32], text in "[ab]{0,6}", cut in 0usize..7,
                                          value: Vec<u8>, other: Vec<u8>) {
            let (label, rest) = text.split_at(cut.min(text.len()));
            let made = commit(&salt, label, rest.as_bytes());
            prop_assert!(verify(&made, &salt, label, rest.as_bytes()));
            // The same characters split elsewhere are another commitment.
            if !rest.is_empty() {
                prop_assert!(!verify(&made, &salt, &text, b""));
            }
            let made = commit(&salt, "x", &value);
            prop_assert_eq!(verify(&made, &salt, "x", &other), value == other);
            prop_assert_eq!(verify(&made, &other_salt, "x", &value), salt == other_salt);
            prop_assert!(!verify(&made, &salt, "y", &value));
        }
    }
}
