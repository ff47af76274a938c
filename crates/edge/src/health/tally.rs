//! The buses' numbers over the last hour: what was counted since the start says nothing of now.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bailee_domain::health::{BoardFigures, LineFigures};

use crate::boards::{BoardAddress, BusHealth};

/// Between two snapshots that are kept.
const STEP: Duration = Duration::from_secs(60);
/// So many are kept: an hour.
const STEPS: usize = 60;

#[derive(Debug, Default)]
struct OfBus {
    kept: VecDeque<(Duration, BusHealth)>,
    now: BusHealth,
}

/// The hour of every bus.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<usize, OfBus>);

impl Tally {
    /// Takes a bus's numbers at a time since the start.
    pub fn take(&mut self, bus: usize, at: Duration, numbers: &BusHealth) {
        let of = self.0.entry(bus).or_default();
        if of.kept.back().is_none_or(|(last, _)| at >= *last + STEP) {
            // Before the first look nothing had been counted.
            let first = of.kept.is_empty();
            of.kept.push_back((at, if first { BusHealth::default() } else { numbers.clone() }));
        }
        while of.kept.len() > STEPS + 1 {
            of.kept.pop_front();
        }
        of.now.clone_from(numbers);
    }

    /// Every board over the last hour, by its number in the configuration.
    pub fn boards(&self, number: impl Fn(usize, BoardAddress) -> Option<u8>) -> Vec<BoardFigures> {
        let of_bus = |(bus, of): (&usize, &OfBus)| {
            let (bus, then) = (*bus, of.then());
            let one = |(address, now): (&BoardAddress, &crate::boards::BoardNumbers)| {
                let then = then.boards.get(address).copied().unwrap_or_default();
                let failed = |n: &crate::boards::BoardNumbers| n.timeouts + n.bad_answers;
                Some(BoardFigures {
                    number: number(bus, *address)?,
                    requests: since(now.requests, then.requests),
                    failed: since(failed(now), failed(&then)),
                    silent: now.silent,
                })
            };
            of.now.boards.iter().filter_map(one).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_bus).collect()
    }

    /// Every line over the last hour.
    pub fn lines(&self) -> Vec<LineFigures> {
        let one = |(bus, of): (&usize, &OfBus)| {
            let then = of.then();
            LineFigures {
                number: u8::try_from(bus + 1).unwrap_or(u8::MAX),
                bad_frames: since(of.now.bad_frames, then.bad_frames),
                losses: since(of.now.line_losses, then.line_losses),
            }
        };
        self.0.iter().map(one).collect()
    }
}

impl OfBus {
    fn then(&self) -> BusHealth {
        self.kept.front().map(|(_, numbers)| numbers.clone()).unwrap_or_default()
    }
}

fn since(now: u64, then: u64) -> u32 {
    u32::try_from(now.saturating_sub(then)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::BoardNumbers;

    fn counted(requests: u64, timeouts: u64) -> BusHealth {
        let numbers = BoardNumbers { requests, timeouts, ..BoardNumbers::default() };
        BusHealth {
            boards: [(BoardAddress(1), numbers)].into(),
            line_losses: timeouts,
            ..BusHealth::default()
        }
    }

    #[test]
    fn only_the_last_hour_counts_and_little_is_kept() {
        let mut tally = Tally::default();
        let minute = |n: u64| Duration::from_secs(60 * n);
        tally.take(0, minute(0), &counted(5, 5));
        let board = |tally: &Tally| tally.boards(|_, _| Some(1))[0];
        assert_eq!(
            (board(&tally).requests, board(&tally).failed),
            (5, 5),
            "what was counted before the first look"
        );
        for n in 1..=300 {
            tally.take(0, minute(n), &counted(600 * n, if n < 100 { n } else { 100 }));
        }
        assert_eq!((board(&tally).requests, board(&tally).failed), (36_000, 0));
        assert_eq!(tally.lines()[0].losses, 0);
        assert_eq!(tally.0[&0].kept.len(), STEPS + 1);
    }
}
