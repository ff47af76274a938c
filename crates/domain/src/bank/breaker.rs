//! The breaker: however many openings the platform passes on, and whoever signed them, few take place.
//!
//! It counts in *powered time*, the milliseconds the controller has been running since it was installed. Nobody can
//! set that: the platform's word moves the wall clock, a restart moves nothing forward, and time without power does
//! not count. So an hour here lasts at least an hour, and longer after a power cut.

use alloc::vec::Vec;

/// Milliseconds of powered time.
pub type PoweredMs = u64;

/// Openings from afar in one hour.
pub const OPENINGS: usize = 3;
/// Wrong presence codes in one hour, under genuine signatures, before none is compared any more.
pub const MISSES: usize = 10;
/// What both are counted over.
pub const SPAN_MS: PoweredMs = 3_600_000;

/// What has been spent of one bank's openings from afar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    opened: Vec<PoweredMs>,
    missed: Vec<PoweredMs>,
}

/// What the breaker lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One more.
    Closed,
    /// Nothing for now.
    Open,
}

impl Breaker {
    /// A breaker with these openings and misses, oldest first, as a snapshot holds them.
    pub fn restored(opened: Vec<PoweredMs>, missed: Vec<PoweredMs>) -> Option<Self> {
        let sound = |times: &[PoweredMs], most| times.len() <= most && times.is_sorted();
        (sound(&opened, OPENINGS) && sound(&missed, MISSES)).then_some(Self { opened, missed })
    }

    /// Whether one more opening may take place.
    pub fn at(&self, now: PoweredMs) -> Verdict {
        let spent = within(&self.opened, now) >= OPENINGS || within(&self.missed, now) >= MISSES;
        if spent { Verdict::Open } else { Verdict::Closed }
    }

    /// Whether anything is still counted.
    pub fn waits(&self, now: PoweredMs) -> bool {
        within(&self.opened, now) + within(&self.missed, now) > 0
    }

    /// The openings and the misses that may still count, oldest first.
    pub fn counted(&self) -> (&[PoweredMs], &[PoweredMs]) {
        (&self.opened, &self.missed)
    }

    pub(super) fn opened(&mut self, at: PoweredMs) {
        keep(&mut self.opened, at, OPENINGS);
    }

    pub(super) fn missed(&mut self, at: PoweredMs) {
        keep(&mut self.missed, at, MISSES);
    }
}

fn within(times: &[PoweredMs], now: PoweredMs) -> usize {
    times.iter().filter(|at| now.saturating_sub(**at) < SPAN_MS).count()
}

fn keep(times: &mut Vec<PoweredMs>, at: PoweredMs, most: usize) {
    if times.len() >= most {
        times.remove(0);
    }
    times.push(at);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_an_hour_and_never_more() {
        let mut breaker = Breaker::default();
        let mut times = Vec::new();
        for now in (0..20_000_000).step_by(1_000) {
            if breaker.at(now) == Verdict::Closed {
                breaker.opened(now);
                times.push(now);
            }
        }
        for window in times.windows(OPENINGS + 1) {
            assert!(window[OPENINGS] - window[0] >= SPAN_MS);
        }
        assert!(breaker.waits(20_000_000) && !breaker.waits(40_000_000));
    }

    #[test]
    fn wrong_presence_codes_are_few() {
        let mut breaker = Breaker::default();
        (0..10).for_each(|_| breaker.missed(5));
        assert_eq!(breaker.at(SPAN_MS + 4), Verdict::Open);
        assert_eq!(breaker.at(SPAN_MS + 5), Verdict::Closed);
        assert_eq!(Breaker::restored(alloc::vec![2, 1], Vec::new()), None);
        assert_eq!(Breaker::restored(alloc::vec![0; 4], Vec::new()), None);
    }
}
