//! Time as the bank and the platform see it: wall time, monotonic time, and how far the wall time can be trusted.
//!
//! [`TrustedClock`] turns an untrusted real-time clock into a wall time that never goes backwards, that only the
//! platform's authenticated time may move by more than a day, and that never lengthens anybody's grant.

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime(i64);

impl WallTime {
    /// The time `ms` milliseconds after the Unix epoch.
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// This time, `ms` milliseconds later (earlier when negative), saturating.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this time, negative when `earlier` is later.
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Milliseconds since the controller started; it cannot be set by anybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct MonoTime(u64);

impl MonoTime {
    /// The moment `ms` milliseconds after the start.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the start.
    pub const fn ms(self) -> u64 {
        self.0
    }

    /// This moment, `ms` milliseconds later, saturating.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment, 0 when `earlier` is later.
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// How far the wall time of an event can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeQuality {
    /// No trusted time for 72 hours, or the clock contradicted itself: grants run by powered time, never longer.
    Degraded,
    /// Carried on from the last trusted time by the controller's own clock.
    Holdover,
    /// Agreed with the platform within the last hour.
    Trusted,
}

/// The moment an input is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For timers.
    pub mono: MonoTime,
    /// For expiry and the log.
    pub wall: WallTime,
    /// What the wall time is worth.
    pub quality: TimeQuality,
}

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// 2100-01-01.
const LATEST: WallTime = WallTime::from_unix_ms(4_102_444_800_000);

/// Wall time that never goes backwards and that only the platform may move far.
#[derive(Clone, Debug)]
pub struct TrustedClock {
    wall: WallTime,
    mono: MonoTime,
    trusted_at: Option<MonoTime>,
    contradicted: bool,
}

impl TrustedClock {
    /// Starts from the persisted high-water mark and what the real-time clock says at power-on.
    ///
    /// A real-time clock behind the mark, or more than 24 hours ahead of it, is not believed. Without a mark (the
    /// first start) the clock is all there is.
    pub fn start(high_water: Option<WallTime>, rtc: WallTime, mono: MonoTime) -> Self {
        let (wall, contradicted) = match high_water {
            None => (rtc, false),
            Some(mark) if rtc < mark => (mark, true),
            // A long power cut looks like a jump; only the platform can tell which it was.
            Some(mark) if rtc.since_ms(mark) > DAY_MS => (mark, true),
            Some(_) => (rtc, false),
        };
        Self { wall, mono, trusted_at: None, contradicted }
    }

    /// The time at `mono`; `rtc` is only compared, so that setting the clock by hand is noticed, not obeyed.
    pub fn now(&mut self, rtc: WallTime, mono: MonoTime) -> Now {
        let elapsed = i64::try_from(mono.since_ms(self.mono)).unwrap_or(i64::MAX);
        self.wall = self.wall.plus_ms(elapsed);
        self.mono = self.mono.max(mono);
        if rtc.since_ms(self.wall).saturating_abs() > DAY_MS {
            self.contradicted = true;
        }
        Now { mono: self.mono, wall: self.wall, quality: self.quality() }
    }

    /// Takes the platform's authenticated time; returns by how many milliseconds the wall time moved forward.
    ///
    /// A platform time behind ours is not obeyed, because time never goes backwards, but it still vouches for us
    /// when it is within a minute. A time after the year 2099 is not believed at all: it could never be taken back.
    pub fn trust(&mut self, platform: WallTime, mono: MonoTime) -> i64 {
        if platform >= LATEST {
            return 0;
        }
        let step = platform.since_ms(self.wall);
        if step > 0 {
            self.wall = platform;
        }
        if step > -60_000 {
            self.trusted_at = Some(mono);
            self.contradicted = false;
        }
        step.max(0)
    }

    fn quality(&self) -> TimeQuality {
        match self.trusted_at {
            Some(at) if self.mono.since_ms(at) <= HOUR_MS => TimeQuality::Trusted,
            Some(at) if self.mono.since_ms(at) <= 72 * HOUR_MS && !self.contradicted => TimeQuality::Holdover,
            None if !self.contradicted && self.mono.ms() <= 72 * HOUR_MS => TimeQuality::Holdover,
            _ => TimeQuality::Degraded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: WallTime = WallTime::from_unix_ms(1_800_000_000_000);

    #[test]
    fn a_clock_set_a_year_ahead_or_back_is_not_believed() {
        for jump in [-365 * DAY_MS, 365 * DAY_MS] {
            let mut clock = TrustedClock::start(Some(T), T.plus_ms(jump), MonoTime::from_ms(0));
            let now = clock.now(T.plus_ms(jump), MonoTime::from_ms(1_000));
            assert_eq!(now.wall, T.plus_ms(1_000));
            assert_eq!(now.quality, TimeQuality::Degraded);
        }
    }

    #[test]
    fn only_the_platform_moves_time_far_and_never_back() {
        let mut clock = TrustedClock::start(Some(T), T, MonoTime::from_ms(0));
        assert_eq!(clock.trust(T.plus_ms(90 * DAY_MS), MonoTime::from_ms(5)), 90 * DAY_MS);
        let later = clock.now(T, MonoTime::from_ms(5)).wall;
        assert_eq!(clock.trust(T, MonoTime::from_ms(6)), 0);
        assert!(clock.now(T, MonoTime::from_ms(6)).wall >= later);
    }
}
