//! Time for the platform: the system's, or a test's.

use std::sync::atomic::{AtomicI64, Ordering};

use bailee_domain::time::WallTime;

/// Where the platform's time comes from.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> WallTime;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the platform reads the system's clock"
    )]
    fn now(&self) -> WallTime {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that moves only when told to.
#[derive(Debug, Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock that says `at`.
    pub const fn at(at: WallTime) -> Self {
        Self(AtomicI64::new(at.unix_ms()))
    }

    /// Moves it by so many milliseconds.
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> WallTime {
        WallTime::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> WallTime {
        (**self).now()
    }
}
