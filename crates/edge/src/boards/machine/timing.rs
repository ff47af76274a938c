//! Times of a serial bus: line speed, pauses, patience.

use std::time::Duration;

/// Times of one bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusTiming {
    /// Bits a second; ten bits a byte (8N1).
    pub baud: u32,
    /// A board is asked for its doors this often when nothing else is going on.
    pub poll_every: Duration,
    /// A silent board is asked this often, so that it does not slow the others.
    pub poll_silent_every: Duration,
    /// A burst is over when the line was quiet this long; serial adapters split answers by up to 15 ms.
    pub quiet: Duration,
    /// A board without a usable answer for this long is silent, whatever the reason.
    pub silent_after: Duration,
    /// Added to every patience, for a network between us and the line.
    pub slack: Duration,
}

impl BusTiming {
    /// The usual times at a line speed.
    #[must_use]
    pub fn at_baud(baud: u32) -> Self {
        Self {
            baud: baud.max(1),
            poll_every: Duration::from_millis(100),
            poll_silent_every: Duration::from_secs(1),
            quiet: Duration::from_millis(30),
            silent_after: Duration::from_secs(3),
            slack: Duration::ZERO,
        }
    }

    /// The same line behind a gateway: bytes come later, and in pieces.
    #[must_use]
    pub fn over_network(self) -> Self {
        Self { slack: Duration::from_millis(150), quiet: self.quiet * 2, ..self }
    }

    /// How long so many bytes take on the wire.
    #[must_use]
    pub fn wire_time(&self, bytes: usize) -> Duration {
        Duration::from_nanos(bytes as u64 * 10 * 1_000_000_000 / u64::from(self.baud))
    }

    /// The pause between two frames: 3.5 characters (1.75 ms above 19200 baud) and 1 ms, rounded up to whole ms.
    #[must_use]
    pub fn gap(&self) -> Duration {
        let pause = if self.baud <= 19200 { self.wire_time(7) / 2 } else { Duration::from_micros(1750) };
        let exact = pause + Duration::from_millis(1);
        Duration::from_millis(exact.as_micros().div_ceil(1000) as u64)
    }
}
