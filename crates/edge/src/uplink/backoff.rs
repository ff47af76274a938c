//! How long to wait before calling the platform again: doubling, bounded, and different for every bank, so that a
//! thousand banks do not come back in the same second.

use rand_core::Rng;

const FIRST_MS: u64 = 500;
/// The longest pause between two calls, in milliseconds.
pub const LONGEST_MS: u64 = 30_000;

/// The next pause after failures in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// No failures yet.
    #[expect(clippy::new_without_default, reason = "a constant start, and there is no other")]
    pub const fn new() -> Self {
        Self { failures: 0 }
    }

    /// The pause before the next call, in milliseconds: between half and all of what this failure allows.
    pub fn pause_ms(&mut self, rng: &mut impl Rng) -> u64 {
        let ceiling = FIRST_MS.saturating_mul(1 << self.failures.min(16)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        ceiling / 2 + rng.next_u64() % (ceiling / 2 + 1)
    }

    /// The connection was worth something: the next failure is the first again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// The platform said no: do not come back soon.
    pub const fn be_patient(&mut self) {
        self.failures = 16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn pauses_grow_to_thirty_seconds_and_differ() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut backoff = Backoff::new();
        let pauses: Vec<_> = (0..20).map(|_| backoff.pause_ms(&mut rng)).collect();
        assert!((250..=500).contains(&pauses[0]));
        assert!(pauses.iter().all(|p| (250..=LONGEST_MS).contains(p)));
        assert!(pauses[10..].iter().all(|p| *p >= LONGEST_MS / 2));
        assert!(pauses[10..].windows(2).any(|w| w[0] != w[1]));
        backoff.reset();
        assert!(backoff.pause_ms(&mut rng) <= 500);
        backoff.be_patient();
        assert!(backoff.pause_ms(&mut rng) >= LONGEST_MS / 2);
    }
}
