//! What becomes an event: outcomes, boards that fall silent and come back, bad frames.

use std::time::Duration;

use super::{ANSWERS_MAY_BE_STALE, BAD_FRAME_REPORT_EVERY, BusMachine, Phase, SILENT_AFTER_MISSES};
use crate::boards::{BadFrame, BusEvent, NotSent, Pulsed, UnknownOutcome, UnlockError, UnlockOrder};

impl BusMachine {
    pub(super) fn good(&mut self, now: Duration, board: usize) {
        let seat = &mut self.seats[board];
        seat.misses = 0;
        seat.last_good = now;
        if std::mem::take(&mut seat.silent) {
            let board = seat.driver.address();
            self.events.push_back(BusEvent::Back { board, at: now });
        }
    }

    pub(super) fn missed(&mut self, board: usize, now: Duration) {
        let timing = self.timing;
        let seat = &mut self.seats[board];
        seat.misses = seat.misses.saturating_add(1);
        let pause =
            if seat.misses >= SILENT_AFTER_MISSES { timing.poll_silent_every } else { timing.poll_every };
        seat.poll_due = now + pause;
    }

    pub(super) fn mark_silent(&mut self, now: Duration) {
        for seat in self.seats.iter_mut().filter(|seat| !seat.silent) {
            if seat.misses >= SILENT_AFTER_MISSES || now >= seat.last_good + self.timing.silent_after {
                seat.silent = true;
                self.events
                    .push_back(BusEvent::Silent { board: seat.driver.address(), since: seat.last_good });
            }
        }
    }

    pub(super) fn bad(&mut self, now: Duration, bad: BadFrame) {
        self.bad_total += 1;
        let board = match &mut self.phase {
            Phase::Waiting(waiting) => {
                waiting.bad = Some(bad);
                Some(self.seats[waiting.board].driver.address())
            }
            _ => None,
        };
        self.bad_latest = Some((board, bad, now));
    }

    pub(super) fn report_bad(&mut self, now: Duration) {
        if self.bad_reported > Duration::ZERO && now < self.bad_reported + BAD_FRAME_REPORT_EVERY {
            return;
        }
        if let Some((board, latest, at)) = self.bad_latest.take() {
            self.bad_reported = now;
            self.events.push_back(BusEvent::BadFrames { board, at, total: self.bad_total, latest });
        }
    }

    pub(super) fn not_sent(&mut self, now: Duration, order: UnlockOrder, reason: NotSent) {
        self.outcome(now, order, Err(UnlockError::NotSent(reason)));
    }

    pub(super) fn unknown(&mut self, now: Duration, order: UnlockOrder, why: UnknownOutcome) {
        self.unsettled.retain(|_, until| *until > now);
        self.unsettled.insert(order.door, now + ANSWERS_MAY_BE_STALE);
        self.outcome(now, order, Err(UnlockError::OutcomeUnknown(why)));
    }

    pub(super) fn outcome(&mut self, at: Duration, order: UnlockOrder, outcome: Result<Pulsed, UnlockError>) {
        self.events.push_back(BusEvent::Unlock { ticket: order.ticket, door: order.door, at, outcome });
    }
}
