//! Comparing a typed code with everything it could be. Slow on purpose, and equally slow whatever the outcome.

use std::collections::VecDeque;

use bailee_domain::bank::io::{Candidate, Subject, Verdict};
use bailee_domain::code::Code;
use bailee_vault::code::{self, BankCodeKey, CodeSecret, CodeTag};

/// Wrong codes remembered, so that the same slip twice counts once.
const REMEMBERED: usize = 8;
/// How often the same slip is forgiven: every guess is written to the journal, so nobody may make them for nothing.
const FORGIVEN: u8 = 3;

/// The bank's code key and the last wrong codes, as keyed hashes.
pub struct CodeChecker {
    key: BankCodeKey,
    misses: VecDeque<([u8; 32], u8)>,
}

impl CodeChecker {
    /// A checker that remembers nothing yet.
    pub const fn new(key: BankCodeKey) -> Self {
        Self { key, misses: VecDeque::new() }
    }

    /// Compares with every candidate, without stopping at a match.
    pub fn check(&mut self, code: &Code, candidates: &[Candidate]) -> Verdict {
        let digits = std::str::from_utf8(code.digits()).expect("digits are ASCII");
        let secret = CodeSecret::parse(digits).expect("both crates mean eight digits by a code");
        let tag = self.key.stretch(&secret);
        let all = candidates.iter().map(|candidate| code::Candidate {
            subject: bytes_of(candidate.subject),
            salt: candidate.verifier.salt,
            verifier: candidate.verifier.mac,
        });
        // A grant and a courier may be named by the same bytes; the verifier says which of them was proven.
        let proven = |id| {
            let mut named = candidates.iter().zip(all.clone()).filter(|(_, one)| one.subject == id);
            named.find(|(_, one)| code::find(&tag, [*one]).is_some()).map(|(candidate, _)| candidate)
        };
        match code::find(&tag, all.clone()).and_then(proven) {
            Some(candidate) => Verdict::Match(candidate.subject),
            None => self.miss(&tag),
        }
    }

    fn miss(&mut self, tag: &CodeTag) -> Verdict {
        let name = code::verifier(tag, &[0; 16], &[0; 16]);
        if let Some((_, repeats)) = self.misses.iter_mut().find(|(known, _)| *known == name) {
            *repeats = repeats.saturating_add(1);
            return if *repeats <= FORGIVEN { Verdict::RepeatedMiss } else { Verdict::Miss };
        }
        self.misses.push_back((name, 0));
        if self.misses.len() > REMEMBERED {
            self.misses.pop_front();
        }
        Verdict::Miss
    }
}

const fn bytes_of(subject: Subject) -> [u8; 16] {
    match subject {
        Subject::Grant(grant) => grant.to_bytes(),
        Subject::Courier(person)
        | Subject::Keeper(person)
        | Subject::Pin(person)
        | Subject::Enrolment(person) => person.to_bytes(),
        Subject::WorkOrder(order) => order.to_bytes(),
    }
}
