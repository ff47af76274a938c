//! The openings of one door over the days, and whether they get slower.
//!
//! A latch that tires needs longer before it needs a second pulse, and needs a second pulse before it stays shut. The trend is
//! the Theil–Sen line through the medians of the days: the median of the slopes of all pairs, which a few odd days cannot
//! bend. A poll sees a door at most a tenth of a second late, so less than that is never called a change.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// How many pulses are remembered.
pub const RECENT: usize = 50;
/// How many days are remembered.
pub const DAYS: usize = 30;
/// Openings of one day that are remembered until it ends.
const OF_A_DAY: usize = 100;
/// Days with openings that a trend needs.
const LEAST_DAYS: usize = 5;

/// What a pulse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// The door was seen open after so many milliseconds.
    Opened(u32),
    /// It was not, or another pulse was needed first.
    InVain,
}

/// The median opening time of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970.
    pub day: u32,
    /// Milliseconds.
    pub median_ms: u32,
}

/// How the time from pulse to open has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trend {
    /// Where the line begins, in milliseconds.
    pub from_ms: u32,
    /// Where it ends.
    pub to_ms: u32,
    /// How many days lie between.
    pub days: u8,
}

/// What is remembered of one door; bounded whatever comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    recent: VecDeque<Pulse>,
    days: VecDeque<Day>,
    today: (u32, Vec<u32>),
}

impl Record {
    /// A record as it was kept: the latest pulses and the days, each oldest first; more than fits is dropped.
    pub fn restored(recent: impl IntoIterator<Item = Pulse>, days: impl IntoIterator<Item = Day>) -> Self {
        let mut record = Self::default();
        recent.into_iter().for_each(|pulse| record.remember(pulse));
        for day in days {
            // Days only follow each other; a file that says otherwise says nothing.
            if record.days.back().is_none_or(|last| last.day < day.day) {
                record.days.push_back(day);
            }
        }
        record.trim();
        record
    }

    /// The latest pulses, oldest first.
    pub fn recent(&self) -> impl Iterator<Item = Pulse> + '_ {
        self.recent.iter().copied()
    }

    /// The days so far with today's median as it stands, oldest first.
    pub fn days(&self) -> impl Iterator<Item = Day> + '_ {
        let (day, times) = &self.today;
        let today = median(times).map(|median_ms| Day { day: *day, median_ms });
        self.days.iter().filter(move |past| past.day < *day || today.is_none()).copied().chain(today)
    }

    /// Notes what a pulse did on a day.
    pub fn note(&mut self, day: u32, pulse: Pulse) {
        self.remember(pulse);
        let Pulse::Opened(took) = pulse else { return };
        if day > self.today.0 {
            self.end_day();
            // What a restart has kept of today as its median is one of its openings.
            let kept = self.days.pop_back_if(|last| last.day == day).map(|last| last.median_ms);
            self.today = (day, kept.into_iter().collect());
        }
        if self.today.1.len() < OF_A_DAY {
            self.today.1.push(took);
        }
    }

    fn remember(&mut self, pulse: Pulse) {
        self.recent.push_back(pulse);
        self.trim();
    }

    fn end_day(&mut self) {
        let (day, times) = core::mem::take(&mut self.today);
        if let Some(median_ms) = median(&times) {
            self.days.push_back(Day { day, median_ms });
            self.trim();
        }
    }

    fn trim(&mut self) {
        while self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        while self.days.len() > DAYS {
            self.days.pop_front();
        }
    }

    /// Pulses that are remembered, and those that opened the door.
    pub fn tried_and_opened(&self) -> (u8, u8) {
        let opened = self.recent.iter().filter(|pulse| matches!(pulse, Pulse::Opened(_))).count();
        (small(self.recent.len()), small(opened))
    }

    /// How many of the latest pulses in a row were in vain.
    pub fn in_vain(&self) -> u8 {
        small(self.recent.iter().rev().take_while(|pulse| **pulse == Pulse::InVain).count())
    }

    /// The median and the longest time of the latest openings, in milliseconds.
    pub fn times(&self) -> Option<(u32, u32)> {
        let times: Vec<u32> = self.recent.iter().filter_map(|pulse| took(*pulse)).collect();
        Some((median(&times)?, times.iter().copied().max()?))
    }

    /// The line through the days, if there are enough of them.
    pub fn trend(&self) -> Option<Trend> {
        let days: Vec<Day> = self.days().collect();
        let (first, last) = (days.first()?.day, days.last()?.day);
        if days.len() < LEAST_DAYS {
            return None;
        }
        // Thousandths of a millisecond a day, so that whole numbers are exact enough.
        let slope = |(a, b): (&Day, &Day)| {
            (i64::from(b.median_ms) - i64::from(a.median_ms)) * 1_000 / i64::from(b.day - a.day).max(1)
        };
        let pairs = days.iter().enumerate().flat_map(|(i, a)| days[i + 1..].iter().map(move |b| (a, b)));
        let slope = middle(pairs.map(slope).collect())?;
        let at = |day: u32| slope * i64::from(day - first) / 1_000;
        let start = middle(days.iter().map(|day| i64::from(day.median_ms) - at(day.day)).collect())?;
        let ms = |value: i64| u32::try_from(value.max(0)).unwrap_or(u32::MAX);
        Some(Trend { from_ms: ms(start), to_ms: ms(start + at(last)), days: small((last - first) as usize) })
    }
}

const fn took(pulse: Pulse) -> Option<u32> {
    match pulse {
        Pulse::Opened(took) => Some(took),
        Pulse::InVain => None,
    }
}

fn median(times: &[u32]) -> Option<u32> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

fn middle(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

fn small(n: usize) -> u8 {
    u8::try_from(n).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thirty days of ten openings; `of` gives the time of an opening on a day.
    fn month(of: impl Fn(u32, u32) -> u32) -> Record {
        let mut record = Record::default();
        for day in 20_000..20_030 {
            (0..10).for_each(|nth| record.note(day, Pulse::Opened(of(day - 20_000, nth))));
        }
        record
    }

    #[test]
    fn a_latch_that_tires_shows_and_odd_days_do_not() {
        let tired = month(|day, nth| 200 + day * 10 + nth).trend().unwrap();
        assert_eq!((tired.from_ms, tired.to_ms, tired.days), (205, 495, 29));
        let odd = month(|day, _| if day % 7 == 3 { 2_000 } else { 220 }).trend().unwrap();
        assert_eq!((odd.from_ms, odd.to_ms), (220, 220));
        let steady = month(|_, nth| 150 + nth * 10).trend().unwrap();
        assert_eq!(steady.from_ms, steady.to_ms);
    }

    #[test]
    fn a_few_days_are_no_trend() {
        let mut record = Record::default();
        assert_eq!(record.trend(), None);
        (0..4).for_each(|day| record.note(day, Pulse::Opened(day * 1_000)));
        assert_eq!(record.trend(), None);
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_same_after_a_restart() {
        let mut record = Record::default();
        for day in 0..100 {
            (0..300).for_each(|nth| {
                record.note(day, if nth % 5 == 0 { Pulse::InVain } else { Pulse::Opened(nth) });
            });
        }
        assert_eq!((record.recent().count(), record.days().count()), (RECENT, DAYS + 1));
        assert_eq!(record.tried_and_opened(), (50, 40));
        let mut again = Record::restored(record.recent(), record.days());
        assert_eq!(again.trend().map(|trend| trend.to_ms), record.trend().map(|trend| trend.to_ms));
        again.note(99, Pulse::Opened(5));
        assert_eq!(again.days().last().map(|day| day.day), Some(99));
        assert_eq!(again.days().filter(|day| day.day == 99).count(), 1);
    }

    #[test]
    fn days_that_go_back_are_dropped() {
        let day = |day| Day { day, median_ms: 1 };
        let record = Record::restored([], [day(5), day(3), day(5), day(6)]);
        assert_eq!(record.days().map(|day| day.day).collect::<Vec<_>>(), [5, 6]);
    }
}
