//! When to try a message again: a pure function of how often it was tried and how old it is.
//!
//! It must never spin (the shortest wait is 2.5 s) and never go on for ever, also when the clock is set back.

use rand_core::Rng;

/// How long a message is tried after its first attempt, in milliseconds: 72 hours.
pub const GIVE_UP_AFTER_MS: i64 = 72 * 60 * 60 * 1000;
/// The longest wait between two attempts before jitter, in milliseconds: one hour.
pub const LONGEST_WAIT_MS: i64 = 60 * 60 * 1000;
const FIRST_WAIT_MS: i64 = 5_000;
const MOST_ATTEMPTS: u32 = 200;

/// When to make the next attempt, in Unix milliseconds, or `None` when the message is given up.
///
/// `attempt` counts the attempts made (1 after the first), `first_ms` is the time of the first one. The wait doubles
/// from 5 s to one hour, less up to half of it at random so that many messages don't come back at once. The last
/// attempt is at exactly 72 hours.
pub fn next_attempt(attempt: u32, first_ms: i64, now_ms: i64, rng: &mut impl Rng) -> Option<i64> {
    let last_ms = first_ms.saturating_add(GIVE_UP_AFTER_MS);
    if now_ms >= last_ms || attempt >= MOST_ATTEMPTS {
        return None;
    }
    let doublings = attempt.saturating_sub(1).min(16);
    let wait_ms = (FIRST_WAIT_MS << doublings).min(LONGEST_WAIT_MS);
    let jitter_ms = i64::from(rng.next_u32()) % (wait_ms / 2);
    Some(now_ms.saturating_add(wait_ms - jitter_ms).min(last_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    #[test]
    fn a_peer_that_is_down_is_tried_for_three_days_and_not_longer() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (mut now, mut attempts) = (1_000, 1);
        let mut waits = Vec::new();
        while let Some(at) = next_attempt(attempts, 1_000, now, &mut rng) {
            waits.push(at - now);
            now = at;
            attempts += 1;
        }
        assert_eq!(now, 1_000 + GIVE_UP_AFTER_MS, "the last attempt is at exactly 72 h");
        assert!((70..160).contains(&attempts), "{attempts} attempts");
        assert!(
            waits[..4].iter().sum::<i64>() < 80_000,
            "the first tries come within a minute or so: {waits:?}"
        );
    }

    proptest! {
        #[test]
        fn waits_are_bounded_and_jittered(attempt in 0u32..300, age in -1_000_000_000i64..400_000_000, seed: u64) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            match next_attempt(attempt, 0, age, &mut rng) {
                None => prop_assert!(age >= GIVE_UP_AFTER_MS || attempt >= 200),
                Some(at) => {
                    prop_assert!(at > age && at <= GIVE_UP_AFTER_MS && at - age <= LONGEST_WAIT_MS);
                    prop_assert!(at - age >= 2_500 || at == GIVE_UP_AFTER_MS);
                }
            }
        }
    }
}
