//! The credits of a connection: which events were sent and not yet acknowledged, and how many more may be.

use std::collections::VecDeque;

use bailee_domain::time::MonoTime;
use bailee_wire::link::{MAX_BYTES_IN_FLIGHT, MAX_EVENTS_IN_FLIGHT};

use super::io::Fault;

/// What is under way on one connection.
#[derive(Debug)]
pub(super) struct Window {
    acked: u64,
    next: u64,
    batches: VecDeque<(u64, usize)>,
    bytes: usize,
    /// When the platform last took something, or the oldest batch was sent.
    moved: MonoTime,
    /// Nothing more can go up on this connection.
    is_closed: bool,
}

impl Window {
    /// Nothing under way after `acked`.
    pub(super) const fn after(acked: u64, now: MonoTime) -> Self {
        Self { acked, next: acked + 1, batches: VecDeque::new(), bytes: 0, moved: now, is_closed: false }
    }

    /// The next event to be sent.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// How many more events may be sent now.
    pub(super) fn events_left(&self) -> usize {
        if self.is_closed {
            return 0;
        }
        let in_flight = usize::try_from(self.next - 1 - self.acked).unwrap_or(usize::MAX);
        MAX_EVENTS_IN_FLIGHT.saturating_sub(in_flight)
    }

    /// How many more bytes may be sent now.
    pub(super) const fn bytes_left(&self) -> usize {
        MAX_BYTES_IN_FLIGHT.saturating_sub(self.bytes)
    }

    /// The platform asks for an event that it had acknowledged and that is gone here: it was put back to an older state. Nothing
    /// can go up, but the link stays: over it the witness is asked, and what it refuses, and its alarm, must get through.
    pub(super) const fn closed(&mut self, at: u64) -> Fault {
        self.is_closed = true;
        Fault::PlatformForgot(at)
    }

    /// Since when the platform has taken nothing of what is under way.
    pub(super) fn stalled_since(&self) -> Option<MonoTime> {
        (!self.batches.is_empty()).then_some(self.moved)
    }

    /// `count` more events, `bytes` long together, are under way.
    pub(super) fn sent(&mut self, count: u64, bytes: usize, now: MonoTime) {
        if self.batches.is_empty() {
            self.moved = now;
        }
        self.next += count;
        self.bytes += bytes;
        self.batches.push_back((self.next - 1, bytes));
    }

    /// The platform holds everything up to `up_to`; false when that was never sent.
    pub(super) fn acknowledge(&mut self, up_to: u64, now: MonoTime) -> bool {
        if up_to >= self.next {
            return false;
        }
        self.acked = self.acked.max(up_to);
        while let Some((_, bytes)) = self.batches.front().copied().filter(|(last, _)| *last <= self.acked) {
            self.moved = now;
            self.bytes -= bytes;
            self.batches.pop_front();
        }
        true
    }
}
