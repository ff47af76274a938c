//! The controller's clocks: the one place of this crate that reads them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bailee_domain::time::{MonoTime, WallTime};

/// Time since the controller started, which nobody can set, and the real-time clock, which anybody might have.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    started: Instant,
}

impl Clocks {
    /// Starts counting.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the controller reads the monotonic clock"
    )]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// Since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Since the start, for the engine.
    pub fn mono(&self) -> MonoTime {
        MonoTime::from_ms(u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// What the real-time clock says; not to be believed without `TrustedClock`.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the controller reads the real-time clock"
    )]
    pub fn rtc(&self) -> WallTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
