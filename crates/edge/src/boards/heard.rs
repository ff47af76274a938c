//! Bytes that came in, bounded, with the times that framing needs.

use std::time::Duration;

/// More than two of the longest frames with their echo: beyond it the line is babbling.
const MOST_BYTES: usize = 64;

/// What was heard since the last frame was taken out.
#[derive(Debug, Default)]
pub(super) struct Heard {
    bytes: Vec<u8>,
    first_at: Duration,
    last_at: Duration,
}

/// Whether the buffer could take all bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// All are in the buffer.
    All,
    /// There were too many; the buffer is empty again.
    Flood,
}

impl Heard {
    pub(super) fn take(&mut self, now: Duration, bytes: &[u8]) -> Taken {
        if self.bytes.is_empty() {
            self.first_at = now;
        }
        self.last_at = now;
        if self.bytes.len() + bytes.len() > MOST_BYTES {
            self.bytes.clear();
            return Taken::Flood;
        }
        self.bytes.extend_from_slice(bytes);
        Taken::All
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn first_at(&self) -> Duration {
        self.first_at
    }

    /// When the latest byte came, whether or not it is still here.
    pub(super) fn last_at(&self) -> Duration {
        self.last_at
    }

    /// Forgets the first bytes; what follows counts as having begun with the latest byte.
    pub(super) fn drop_front(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
        self.first_at = self.last_at;
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}
