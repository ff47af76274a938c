//! Counting what should not happen: too often within a while is a condition, a longer while without ends it.

use std::collections::VecDeque;
use std::time::Duration;

/// A count of one kind of event.
pub(super) struct Tally {
    most: usize,
    within: Duration,
    over_after: Duration,
    times: VecDeque<Duration>,
    last: Option<Duration>,
}

impl Tally {
    /// `most` events within `within` are too many; it is over when `over_after` has passed without one.
    pub(super) fn new(most: usize, within: Duration, over_after: Duration) -> Self {
        Self { most: most.max(1), within, over_after, times: VecDeque::new(), last: None }
    }

    /// Counts one more; whether that is too many.
    pub(super) fn count(&mut self, now: Duration) -> bool {
        self.times.push_back(now);
        while self.times.len() > self.most {
            self.times.pop_front();
        }
        self.last = Some(now);
        let first = self.times.front().copied().unwrap_or(now);
        self.times.len() >= self.most && now.saturating_sub(first) <= self.within
    }

    /// Whether nothing has been counted for long enough.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        self.last.is_none_or(|last| now.saturating_sub(last) >= self.over_after)
    }
}
