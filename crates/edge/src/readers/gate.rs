//! How much one reader may say: a hand holds a badge to it now and then, a machine does it all day.

use std::time::Duration;

/// Reads that may come at once.
const BURST: u32 = 10;
/// Then one in this time.
const ONE_IN: Duration = Duration::from_millis(500);
/// A flood is over when nothing came for this long.
const CALM: Duration = Duration::from_secs(10);
/// The same thing read again within this time is still the same badge lying there.
const SAME: Duration = Duration::from_millis(1_500);

/// What becomes of one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// It is passed on.
    Yes,
    /// It is the badge from a moment ago, still there.
    Again,
    /// It is one too many: a flood begins, or goes on.
    Flood,
}

/// One reader's gate.
pub struct Gate {
    left: u32,
    refilled: Duration,
    last: Option<(Duration, [u8; 32])>,
    flooding_since: Option<Duration>,
}

impl Gate {
    /// An open gate.
    pub const fn new() -> Self {
        Self { left: BURST, refilled: Duration::ZERO, last: None, flooding_since: None }
    }

    /// Judges one read; `what` is a digest of it.
    pub fn admit(&mut self, now: Duration, what: [u8; 32]) -> Admitted {
        self.refill(now);
        let same = self.last.is_some_and(|(at, known)| known == what && now.saturating_sub(at) < SAME);
        self.last = Some((now, what));
        if self.left == 0 || self.flooding_since.is_some() {
            self.flooding_since = Some(now);
            return Admitted::Flood;
        }
        self.left -= 1;
        if same { Admitted::Again } else { Admitted::Yes }
    }

    /// Whether a flood has just ended.
    pub fn calmed(&mut self, now: Duration) -> bool {
        let over = self.flooding_since.is_some_and(|since| now.saturating_sub(since) >= CALM);
        if over {
            self.flooding_since = None;
            self.left = BURST;
        }
        over
    }

    fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.refilled).as_millis() / ONE_IN.as_millis();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        if passed > 0 {
            self.left = self.left.saturating_add(passed).min(BURST);
            self.refilled = now;
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_hand_is_let_through_and_a_machine_is_not() {
        let mut gate = Gate::new();
        for badge in 0..50 {
            assert_eq!(gate.admit(MS(u64::from(badge) * 1_000), [badge; 32]), Admitted::Yes);
        }
        let at = |n: u8| MS(60_000 + u64::from(n) * 10);
        let taken = (0..200).filter(|n| gate.admit(at(*n), [*n; 32]) == Admitted::Yes).count();
        assert_eq!(taken, 10);
        assert!(!gate.calmed(MS(65_000)), "the flood was seconds ago");
        assert!(gate.calmed(MS(80_000)));
        assert_eq!(gate.admit(MS(80_001), [1; 32]), Admitted::Yes);
    }

    #[test]
    fn a_badge_that_lies_on_the_reader_is_read_once() {
        let mut gate = Gate::new();
        assert_eq!(gate.admit(MS(0), [1; 32]), Admitted::Yes);
        assert_eq!(gate.admit(MS(600), [1; 32]), Admitted::Again);
        assert_eq!(gate.admit(MS(1_800), [1; 32]), Admitted::Again);
        assert_eq!(gate.admit(MS(1_900), [2; 32]), Admitted::Yes);
        assert_eq!(gate.admit(MS(5_000), [2; 32]), Admitted::Yes);
    }
}
