//! The slow part ([`BankCodeKey::stretch`]) and the fast part ([`find`]) of checking a code.

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::CodeSecret;
use crate::hash::hmac_sha256;
use crate::secret::Secret;
use crate::stretch::Cost;

/// What one bank needs to check codes during one epoch.
///
/// The platform holds the same to make verifiers. Ending the epoch (a new key and salt) voids every code of
/// the bank at once: the answer to a stolen or opened controller. With a TPM the key moves inside it and
/// [`BankCodeKey::stretch`] asks the TPM for the keyed hash; nothing else changes.
#[derive(Debug)]
pub struct BankCodeKey {
    /// Organisation.
    pub tenant: [u8; 16],
    /// Bank.
    pub bank: [u8; 16],
    /// Counts the key changes of this bank.
    pub epoch: u32,
    /// `K_bank`, 256 bits.
    pub key: Secret<[u8; 32]>,
    /// Salt of the stretch, one per bank and epoch.
    pub salt: [u8; 16],
    /// Cost of the stretch.
    pub cost: Cost,
}

/// An entered code, stretched and keyed: compares against verifiers of one bank and epoch only.
#[derive(Debug)]
pub struct CodeTag(Secret<[u8; 32]>);

impl BankCodeKey {
    /// Stretches an entered code: once per attempt, tens of milliseconds at [`Cost::STANDARD`].
    pub fn stretch(&self, code: &CodeSecret) -> CodeTag {
        let stretched = self.cost.stretch(code.bytes(), &self.salt);
        let epoch = self.epoch.to_be_bytes();
        let parts: &[&[u8]] = &[b"locker-pin/v1", &self.tenant, &self.bank, &epoch, stretched.expose()];
        CodeTag(Secret::new(hmac_sha256(self.key.expose(), parts)))
    }
}

/// What is stored for one code: useless without the bank's key, and different for every subject.
pub fn verifier(tag: &CodeTag, subject: &[u8; 16], salt: &[u8; 16]) -> [u8; 32] {
    hmac_sha256(tag.0.expose(), &[subject, salt])
}

/// A live grant (or courier) as [`find`] sees it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The grant or courier the code belongs to.
    pub subject: [u8; 16],
    /// Its own salt.
    pub salt: [u8; 16],
    /// Its stored [`verifier`].
    pub verifier: [u8; 32],
}

/// The subject whose code was entered, if any.
///
/// Visits every candidate and compares in constant time, so the time tells neither whether nor where it
/// matched; it does tell how many candidates there are.
pub fn find(tag: &CodeTag, candidates: impl IntoIterator<Item = Candidate>) -> Option<[u8; 16]> {
    let mut found = [0; 16];
    let mut matched = Choice::from(0);
    for candidate in candidates {
        let hit = verifier(tag, &candidate.subject, &candidate.salt).ct_eq(&candidate.verifier);
        for (kept, offered) in found.iter_mut().zip(&candidate.subject) {
            kept.conditional_assign(offered, hit);
        }
        matched |= hit;
    }
    bool::from(matched).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bank() -> BankCodeKey {
        BankCodeKey {
            tenant: [1; 16],
            bank: [2; 16],
            epoch: 3,
            key: Secret::new([4; 32]),
            salt: [5; 16],
            cost: Cost::SIMULATION,
        }
    }

    fn code(text: &str) -> CodeSecret {
        CodeSecret::parse(text).unwrap()
    }

    fn live(bank: &BankCodeKey) -> Vec<Candidate> {
        let codes = ["10000000", "20000000", "30000000"];
        let candidates = codes.iter().zip(1u8..).map(|(text, n)| {
            let (subject, salt) = ([n; 16], [n + 100; 16]);
            Candidate { subject, salt, verifier: verifier(&bank.stretch(&code(text)), &subject, &salt) }
        });
        candidates.collect()
    }

    #[test]
    fn each_code_finds_its_own_grant() {
        let (bank, live) = (bank(), live(&bank()));
        for (text, n) in [("10000000", 1), ("20000000", 2), ("30000000", 3)] {
            assert_eq!(find(&bank.stretch(&code(text)), live.clone()), Some([n; 16]));
        }
        assert_eq!(find(&bank.stretch(&code("40000000")), live.clone()), None);
        assert_eq!(find(&bank.stretch(&code("10000000")), []), None);
    }

    #[test]
    fn every_candidate_is_visited_even_after_a_match() {
        let (bank, live) = (bank(), live(&bank()));
        for text in ["10000000", "30000000", "99999999"] {
            let mut visited = 0;
            find(&bank.stretch(&code(text)), live.iter().copied().inspect(|_| visited += 1));
            assert_eq!(visited, 3, "{text}");
        }
    }

    #[test]
    fn another_bank_epoch_key_or_salt_does_not_know_the_code() {
        let others = [
            BankCodeKey { tenant: [9; 16], ..bank() },
            BankCodeKey { bank: [9; 16], ..bank() },
            BankCodeKey { epoch: 4, ..bank() },
            BankCodeKey { key: Secret::new([9; 32]), ..bank() },
            BankCodeKey { salt: [9; 16], ..bank() },
        ];
        for other in others {
            assert_eq!(find(&other.stretch(&code("10000000")), live(&bank())), None, "{other:?}");
        }
    }

    #[test]
    fn a_verifier_moved_to_another_grant_does_not_match() {
        let bank = bank();
        let mut moved = live(&bank);
        moved[1].verifier = moved[0].verifier;
        moved.remove(0);
        assert_eq!(find(&bank.stretch(&code("10000000")), moved), None);
    }

    #[test]
    fn the_standard_cost_is_what_the_documentation_says() {
        let bank = BankCodeKey { cost: Cost::STANDARD, ..bank() };
        let tag = bank.stretch(&code("10000000"));
        let stored = verifier(&tag, &[1; 16], &[2; 16]);
        let candidate = Candidate { subject: [1; 16], salt: [2; 16], verifier: stored };
        assert_eq!(find(&bank.stretch(&code("10000000")), [candidate]), Some([1; 16]));
        assert_eq!((bank.cost.memory_kib(), bank.cost.passes(), bank.cost.lanes()), (19 * 1024, 2, 1));
    }
}
