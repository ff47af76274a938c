//! [`CodeIndex`]: which codes are taken at a bank, without knowing any.

use super::CodeSecret;
use crate::hash::hmac_sha256;
use crate::secret::Secret;

/// Keyed names of the codes of one bank, for the platform's uniqueness and distance rules.
///
/// Eight digits can be tried out by whoever holds the key: it stays with the platform, never on a bank.
pub struct CodeIndex<'key> {
    key: &'key Secret<[u8; 32]>,
    bank: [u8; 16],
}

impl<'key> CodeIndex<'key> {
    /// The index of one bank.
    pub fn new(key: &'key Secret<[u8; 32]>, bank: [u8; 16]) -> Self {
        Self { key, bank }
    }

    /// The name of one code at this bank.
    pub fn name(&self, code: &CodeSecret) -> [u8; 32] {
        hmac_sha256(self.key.expose(), &[b"bailee/code-index/v1", &self.bank, code.bytes()])
    }

    /// The names of the code itself (first) and of all its neighbours: a new code is issued only when none of
    /// them is live, or burnt within the last 90 days.
    pub fn neighbourhood(&self, code: &CodeSecret) -> Vec<[u8; 32]> {
        let neighbours = code.neighbours();
        core::iter::once(code).chain(&neighbours).map(|code| self.name(code)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_code_is_found_and_a_far_one_is_not() {
        let key = Secret::new([1; 32]);
        let index = CodeIndex::new(&key, [7; 16]);
        let live = index.name(&CodeSecret::parse("12345678").unwrap());
        let near = |code| index.neighbourhood(&CodeSecret::parse(code).unwrap()).contains(&live);
        assert!(near("12345678"), "the same");
        assert!(near("12345679"), "one digit");
        assert!(near("12435678"), "one swap");
        assert!(!near("12345699"), "two digits");
        assert!(!near("14325678"), "a swap across one digit");
    }

    #[test]
    fn banks_and_keys_do_not_share_names() {
        let (key, other) = (Secret::new([1; 32]), Secret::new([2; 32]));
        let code = CodeSecret::parse("12345678").unwrap();
        let name = CodeIndex::new(&key, [7; 16]).name(&code);
        assert_ne!(name, CodeIndex::new(&key, [8; 16]).name(&code));
        assert_ne!(name, CodeIndex::new(&other, [7; 16]).name(&code));
    }
}
