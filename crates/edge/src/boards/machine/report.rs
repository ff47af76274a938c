//! What becomes an event: outcomes, boards that fall silent and come back, bad frames.

use std::time::Duration;

use super::{
    ANSWERS_MAY_BE_STALE, Action, BAD_FRAME_REPORT_EVERY, BusMachine, Confirm, Phase, SILENT_AFTER_MISSES,
};
use crate::boards::{BadFrame, BusEvent, Door, NotSent, Pulsed, UnknownOutcome, UnlockError, UnlockOrder};

impl BusMachine {
    pub(super) fn good(&mut self, now: Duration, board: usize) {
        let seat = &mut self.seats[board];
        seat.misses = 0;
        seat.last_good = now;
        let numbers = self.health.boards.entry(seat.driver.address()).or_default();
        numbers.answers += 1;
        if std::mem::take(&mut seat.silent) {
            numbers.silent = false;
            seat.needs_rest = true;
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
                let board = seat.driver.address();
                self.health.boards.entry(board).or_default().silent = true;
                self.events.push_back(BusEvent::Silent { board, since: seat.last_good });
            }
        }
    }

    pub(super) fn bad(&mut self, now: Duration, bad: BadFrame) {
        self.health.bad_frames += 1;
        let board = match &mut self.phase {
            Phase::Waiting(waiting) => {
                waiting.bad = Some(bad);
                let board = self.seats[waiting.board].driver.address();
                self.health.boards.entry(board).or_default().bad_answers += 1;
                Some(board)
            }
            _ => None,
        };
        // Whoever talks there may go on; only a line that has fallen quiet is spoken into.
        self.free_from = self.free_from.max(self.heard.last_at() + self.timing.quiet);
        self.watch.bad_frame(now, bad);
        self.report_trouble();
        self.bad_latest = Some((board, bad, now));
    }

    /// One board's doors, from a poll.
    pub(super) fn doors(&mut self, now: Duration, board: usize, doors: Vec<Door>) {
        let board = self.seats[board].driver.address();
        doors.iter().for_each(|door| self.watch.saw(now, board, door, &mut self.health));
        self.report_trouble();
        self.events.push_back(BusEvent::Doors { board, at: now, doors });
    }

    pub(super) fn report_trouble(&mut self) {
        while let Some((at, board, what)) = self.watch.next() {
            self.events.push_back(BusEvent::Trouble { board, at, what });
        }
    }

    pub(super) fn report_bad(&mut self, now: Duration) {
        if self.bad_reported > Duration::ZERO && now < self.bad_reported + BAD_FRAME_REPORT_EVERY {
            return;
        }
        if let Some((board, latest, at)) = self.bad_latest.take() {
            self.bad_reported = now;
            self.events.push_back(BusEvent::BadFrames { board, at, total: self.health.bad_frames, latest });
        }
    }

    pub(super) fn not_sent(&mut self, now: Duration, order: UnlockOrder, reason: NotSent) {
        self.outcome(now, order, Err(UnlockError::NotSent(reason)));
    }

    /// A poll that should have ended an order did not; another one may.
    pub(super) fn unconfirmed(&mut self, now: Duration, confirm: Confirm, why: UnknownOutcome) {
        self.missed(confirm.board, now);
        match confirm.polls_left.checked_sub(1) {
            Some(polls_left @ 1..) => self.confirm = Some(Confirm { polls_left, ..confirm }),
            _ => {
                self.unknown(now, confirm.order, why);
                self.actions.push_back(Action::Abandon);
            }
        }
    }

    pub(super) fn unknown(&mut self, now: Duration, order: UnlockOrder, why: UnknownOutcome) {
        self.unsettled.retain(|_, until| *until > now);
        self.unsettled.insert(order.door, now + ANSWERS_MAY_BE_STALE);
        self.outcome(now, order, Err(UnlockError::OutcomeUnknown(why)));
    }

    pub(super) fn outcome(&mut self, at: Duration, order: UnlockOrder, outcome: Result<Pulsed, UnlockError>) {
        if let Ok(Pulsed { door }) = outcome {
            self.watch.taken(order.door, door);
        }
        self.events.push_back(BusEvent::Unlock { ticket: order.ticket, door: order.door, at, outcome });
    }
}
