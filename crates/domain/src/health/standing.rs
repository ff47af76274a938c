//! Since when something is wrong: findings that come, stay and go.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::judge::{Finding, Level, Matter};
use crate::time::WallTime;

/// A finding is over when it was not found for this long, so that a number at its limit is not told again and again.
pub const OVER_AFTER_MS: i64 = 600_000;

/// What one finding is known by: numbers that change do not make it another.
pub type Key = (Matter, u16, &'static str);

/// A finding with its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stands {
    /// As it was found last.
    pub finding: Finding,
    /// When it was first found.
    pub since: WallTime,
    /// When it was last found.
    pub seen: WallTime,
}

/// What came or went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Not found before, or found to be worse or better than before.
    pub new: Vec<Finding>,
    /// Over.
    pub over: Vec<Stands>,
}

/// Every finding that stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing(BTreeMap<Key, Stands>);

/// The key of a finding.
pub const fn key(finding: &Finding) -> Key {
    (finding.matter, finding.number, finding.why.name())
}

impl Standing {
    /// What stood when it was kept.
    pub fn restored(stands: impl IntoIterator<Item = Stands>) -> Self {
        Self(stands.into_iter().map(|one| (key(&one.finding), one)).collect())
    }

    /// Takes a judgement of `now`.
    pub fn update(&mut self, findings: &[Finding], now: WallTime) -> Changed {
        let mut changed = Changed::default();
        for finding in findings {
            let before = self.0.get(&key(finding)).copied();
            if before.is_none_or(|stands| stands.finding.level != finding.level) {
                changed.new.push(*finding);
            }
            let since = before.map_or(now, |stands| stands.since.min(now));
            self.0.insert(key(finding), Stands { finding: *finding, since, seen: now });
        }
        // A clock that went back must not keep a finding for ever.
        let over = |stands: &Stands| !(0..OVER_AFTER_MS).contains(&now.since_ms(stands.seen));
        changed.over = self.0.values().filter(|stands| over(stands)).copied().collect();
        self.0.retain(|_, stands| !over(stands));
        changed
    }

    /// Everything that stands, worst first.
    pub fn all(&self) -> Vec<Stands> {
        let mut all: Vec<Stands> = self.0.values().copied().collect();
        all.sort_by_key(|stands| core::cmp::Reverse(stands.finding.level));
        all
    }

    /// Since when a finding stands.
    pub fn since(&self, finding: &Finding) -> Option<WallTime> {
        self.0.get(&key(finding)).map(|stands| stands.since)
    }

    /// The worst level.
    pub fn level(&self) -> Level {
        self.0.values().map(|stands| stands.finding.level).max().unwrap_or(Level::Good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::judge::Why;

    const T: WallTime = WallTime::from_unix_ms(1_800_000_000_000);
    const MINUTE: i64 = 60_000;

    fn hot(level: Level, mc: i32) -> Finding {
        Finding { matter: Matter::Temperature, number: 1, level, why: Why::Hot(mc) }
    }

    #[test]
    fn a_number_at_its_limit_is_told_once_and_ends_once() {
        let mut standing = Standing::default();
        assert_eq!(standing.update(&[hot(Level::Red, 85_000)], T).new.len(), 1);
        for minute in 1..60 {
            let found = [hot(Level::Red, 85_000 + i32::try_from(minute).unwrap())];
            let found = if minute % 3 == 0 { &found[..] } else { &[] };
            assert_eq!(standing.update(found, T.plus_ms(minute * MINUTE)), Changed::default(), "{minute}");
        }
        assert_eq!(standing.all()[0].since, T);
        let over = standing.update(&[], T.plus_ms(67 * MINUTE)).over;
        assert_eq!(over.len(), 1);
        assert_eq!((standing.level(), standing.all().len()), (Level::Good, 0));
    }

    #[test]
    fn worse_is_news_and_a_clock_that_goes_back_keeps_nothing() {
        let mut standing = Standing::default();
        standing.update(&[hot(Level::Amber, 70_000)], T);
        assert_eq!(standing.update(&[hot(Level::Red, 86_000)], T.plus_ms(MINUTE)).new.len(), 1);
        assert_eq!(standing.since(&hot(Level::Red, 0)), Some(T));
        assert_eq!(standing.update(&[], T.plus_ms(-365 * 24 * 60 * MINUTE)).over.len(), 1);
    }
}
