//! Badges as keyed MACs: a bank knows a badge again without holding its number.
//!
//! ```text
//! K = HMAC-SHA-256(K_bank, "bailee/badge-key/v1" ‖ tenant[16] ‖ bank[16] ‖ epoch[4])
//! m = HMAC-SHA-256(K, len(format)[8] ‖ format ‖ number)
//! ```
//!
//! A plain hash would be worthless: 26-bit Wiegand has 2^24 numbers and a four-byte serial number 2^32.

use crate::code::BankCodeKey;
use crate::hash::{hmac_sha256, length};
use crate::secret::Secret;

/// The longest number of a badge, in bytes.
pub const MAX_NUMBER_BYTES: usize = 64;

/// What the readers of one bank hold: it makes MACs of numbers and nothing else.
#[derive(Debug)]
pub struct BadgeKey(Secret<[u8; 32]>);

impl BadgeKey {
    /// The badge key that belongs to a bank's code key.
    pub fn of(bank: &BankCodeKey) -> Self {
        let epoch = bank.epoch.to_be_bytes();
        let parts: &[&[u8]] = &[b"bailee/badge-key/v1", &bank.tenant, &bank.bank, &epoch];
        Self(Secret::new(hmac_sha256(bank.key.expose(), parts)))
    }

    /// The MAC of a badge's number, where `format` names how it was read, such as `wiegand-26` or `uid`.
    ///
    /// The number is the bytes the format defines, without padding bits; the same card read by the same format gives
    /// the same MAC at one bank and another one at every other bank.
    pub fn mac(&self, format: &str, number: &[u8]) -> [u8; 32] {
        hmac_sha256(self.0.expose(), &[&length(format.as_bytes()), format.as_bytes(), number])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stretch::Cost;

    fn key(bank: u8) -> BadgeKey {
        let key = Secret::new([4; 32]);
        let (tenant, salt) = ([1; 16], [5; 16]);
        BadgeKey::of(&BankCodeKey { tenant, bank: [bank; 16], epoch: 3, key, salt, cost: Cost::SIMULATION })
    }

    #[test]
    fn a_badge_is_known_again_at_its_bank_only() {
        let mac = key(2).mac("wiegand-26", &[1, 2, 3]);
        assert_eq!(key(2).mac("wiegand-26", &[1, 2, 3]), mac);
        let others = [
            key(3).mac("wiegand-26", &[1, 2, 3]),
            key(2).mac("wiegand-34", &[1, 2, 3]),
            key(2).mac("wiegand-26", &[1, 2, 4]),
            key(2).mac("wiegand-26\u{1}", &[2, 3]),
        ];
        assert!(!others.contains(&mac));
        assert_eq!(format!("{:?}", key(2)), format!("{:?}", key(3)), "no key is printed");
    }
}
