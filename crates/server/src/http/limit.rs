//! How often one token may call: a bucket per token that fills again with time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bailee_domain::time::WallTime;

/// Calls a token may save up.
pub const BURST: u32 = 120;
/// Calls a token gets back in a minute.
pub const PER_MINUTE: u32 = 600;
/// Buckets kept; beyond that the fullest are forgotten, since forgetting a full one changes nothing.
const MOST: usize = 10_000;
const MS_PER_CALL: i64 = 60_000 / PER_MINUTE as i64;

/// Everybody's buckets.
#[derive(Default)]
pub struct Limiter(Mutex<BTreeMap<String, WallTime>>);

/// What is left to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Calls at once from now.
    pub calls: u32,
    /// Seconds until the bucket is full.
    pub reset_s: u32,
    /// Seconds to wait, when this call was one too many.
    pub wait_s: Option<u32>,
}

impl Limiter {
    /// Takes one call of `who` out of its bucket, if there is one in it.
    pub fn take(&self, who: &str, now: WallTime) -> Left {
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MOST {
            full_at.retain(|_, at| *at > now);
        }
        // A bucket is the moment at which it will be full again.
        let owed_ms =
            full_at.get(who).map_or(0, |at| at.since_ms(now)).clamp(0, i64::from(BURST) * MS_PER_CALL);
        let after_ms = owed_ms + MS_PER_CALL;
        let capacity_ms = i64::from(BURST) * MS_PER_CALL;
        if after_ms > capacity_ms {
            return Left {
                calls: 0,
                reset_s: seconds(owed_ms),
                wait_s: Some(seconds(after_ms - capacity_ms)),
            };
        }
        full_at.insert(who.to_owned(), now.plus_ms(after_ms));
        let calls = u32::try_from((capacity_ms - after_ms) / MS_PER_CALL).unwrap_or(0);
        Left { calls, reset_s: seconds(after_ms), wait_s: None }
    }
}

impl Left {
    /// Says it as draft-ietf-httpapi-ratelimit-headers-10 has it.
    pub fn write(self, headers: &mut HeaderMap) {
        let policy = format!("\"token\";q={BURST};w={}", BURST * 60 / PER_MINUTE);
        let left = format!("\"token\";r={};t={}", self.calls, self.reset_s);
        for (name, text) in [("ratelimit-policy", policy), ("ratelimit", left)] {
            let value = HeaderValue::try_from(text).expect("numbers and words are visible ASCII");
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

fn seconds(ms: i64) -> u32 {
    u32::try_from(ms.div_euclid(1_000) + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let (limiter, start) = (Limiter::default(), WallTime::from_unix_ms(1_000_000));
        let first = limiter.take("a", start);
        assert_eq!((first.calls, first.wait_s), (BURST - 1, None));
        for _ in 1..BURST {
            assert_eq!(limiter.take("a", start).wait_s, None);
        }
        assert_eq!(limiter.take("a", start).wait_s, Some(1));
        assert_eq!(limiter.take("b", start).wait_s, None, "another token has its own");
        assert_eq!(limiter.take("a", start.plus_ms(MS_PER_CALL)).wait_s, None);
        assert_eq!(
            limiter.take("a", start.plus_ms(-86_400_000)).wait_s,
            Some(1),
            "a clock set back costs little"
        );
    }
}
