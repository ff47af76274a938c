//! The guess budget: how many wrong codes one bank hears before it stops listening.
//!
//! A guess is *reserved* (and made durable by the caller) before anything is compared, so that cutting the power
//! after a wrong guess does not give it back. It is refunded only when the code was right, or when the same wrong
//! code was typed again. A right code resets nothing: the guesser may hold one of his own.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::time::WallTime;

const DAY_MS: i64 = 86_400_000;
const WEEK_MS: i64 = 7 * DAY_MS;

/// After this many misses in 24 hours every further one costs a pause.
pub const FREE_MISSES: usize = 5;
/// At this many misses in 24 hours the keypad stops taking codes.
pub const DAILY_MISSES: usize = 20;
/// At this many misses in 7 days only a person can reopen the keypad.
pub const WEEKLY_MISSES: usize = 100;
const FIRST_PAUSE_MS: i64 = 60_000;
const LONGEST_PAUSE_MS: i64 = 15 * 60_000;

/// Whether the keypad takes a code now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keypad {
    /// Yes.
    Ready,
    /// Not before this time.
    Paused(WallTime),
    /// Not before this time, and somebody has been told.
    Closed(WallTime),
    /// Not until a person reopens it.
    ClosedUntilReset,
}

/// The misses of one bank, over every surface that takes a code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuessBudget {
    /// Reserved guesses by their number, with the time they were made; at most [`WEEKLY_MISSES`] are kept.
    misses: BTreeMap<u64, WallTime>,
    next: u64,
}

impl GuessBudget {
    /// Whether a code may be compared at `now`.
    pub fn keypad(&self, now: WallTime) -> Keypad {
        let week = self.within(now, WEEK_MS);
        if week.len() >= WEEKLY_MISSES {
            return Keypad::ClosedUntilReset;
        }
        let day = self.within(now, DAY_MS);
        if day.len() >= DAILY_MISSES {
            return Keypad::Closed(day[day.len() - DAILY_MISSES].plus_ms(DAY_MS));
        }
        match day.last() {
            Some(last) if day.len() >= FREE_MISSES => {
                let until = last.plus_ms(pause_ms(day.len()));
                if now < until { Keypad::Paused(until) } else { Keypad::Ready }
            }
            _ => Keypad::Ready,
        }
    }

    /// How many misses are left before the next pause or closure; what an honest person wants to know.
    pub fn tries_left(&self, now: WallTime) -> usize {
        FREE_MISSES.saturating_sub(self.within(now, DAY_MS).len())
    }

    /// The number the next reserved guess will have.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Counts guess `number` as a miss; the caller has made it durable.
    pub fn reserve(&mut self, number: u64, at: WallTime) {
        self.misses.insert(number, at);
        self.next = self.next.max(number + 1);
        while self.misses.len() > WEEKLY_MISSES {
            self.misses.pop_first();
        }
    }

    /// Guess `number` was no miss after all.
    pub fn refund(&mut self, number: u64) {
        self.misses.remove(&number);
    }

    /// A person with the right to do so reopened the keypad.
    pub fn reset(&mut self) {
        self.misses.clear();
    }

    /// Every counted miss with its number, oldest first.
    pub fn misses(&self) -> impl Iterator<Item = (u64, WallTime)> + '_ {
        self.misses.iter().map(|(number, at)| (*number, *at))
    }

    fn within(&self, now: WallTime, span_ms: i64) -> Vec<WallTime> {
        self.misses.values().copied().filter(|at| now.since_ms(*at) < span_ms).collect()
    }
}

fn pause_ms(misses: usize) -> i64 {
    let doublings = u32::try_from(misses - FREE_MISSES).unwrap_or(u32::MAX).min(10);
    (FIRST_PAUSE_MS << doublings).min(LONGEST_PAUSE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: WallTime = WallTime::from_unix_ms(1_800_000_000_000);

    fn after(misses: u64, apart_ms: i64) -> (GuessBudget, WallTime) {
        let mut budget = GuessBudget::default();
        let mut at = T;
        for n in 0..misses {
            at = at.plus_ms(apart_ms);
            budget.reserve(n, at);
        }
        (budget, at)
    }

    #[test]
    fn pauses_double_then_the_keypad_closes_then_only_a_person_reopens_it() {
        let (budget, at) = after(4, 1_000);
        assert_eq!(budget.keypad(at), Keypad::Ready);
        let (budget, at) = after(5, 1_000);
        assert_eq!(budget.keypad(at), Keypad::Paused(at.plus_ms(60_000)));
        let (budget, at) = after(7, 1_000);
        assert_eq!(budget.keypad(at), Keypad::Paused(at.plus_ms(240_000)));
        let (budget, at) = after(19, 1_000);
        assert_eq!(budget.keypad(at), Keypad::Paused(at.plus_ms(900_000)));
        let (budget, at) = after(20, 1_000);
        assert_eq!(budget.keypad(at), Keypad::Closed(T.plus_ms(1_000 + DAY_MS)));
        let (mut budget, at) = after(100, 1_000);
        assert_eq!(budget.keypad(at.plus_ms(3 * DAY_MS)), Keypad::ClosedUntilReset);
        budget.reset();
        assert_eq!(budget.keypad(at), Keypad::Ready);
    }

    #[test]
    fn a_refunded_guess_is_no_miss() {
        let (mut budget, at) = after(5, 1_000);
        budget.refund(4);
        assert_eq!(budget.keypad(at), Keypad::Ready);
        assert_eq!(budget.tries_left(at), 1);
    }
}
