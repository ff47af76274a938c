//! What was heard, in the light of what is due: echoes, answers, strays, silence.

use std::time::Duration;

use super::{Action, BusMachine, ECHO_VERDICT_AGE, Echo, Phase, Purpose, Waiting};
use crate::boards::{
    BadFrame, Burst, BusEvent, DoorState, Pulsed, Reading, UnknownOutcome, UnlockError, UnlockOrder,
};

impl BusMachine {
    /// Looks at what was heard, in the light of what is due.
    pub(super) fn read(&mut self, now: Duration, burst: Burst) {
        self.take_pushes(now);
        if self.heard.is_empty() {
            return;
        }
        match std::mem::replace(&mut self.phase, Phase::Free) {
            Phase::Down => self.phase = Phase::Down,
            Phase::Free if burst == Burst::Ended => {
                self.bad(now, BadFrame::Unasked);
                self.heard.clear();
            }
            Phase::Free => {}
            Phase::Waiting(mut waiting) => {
                self.drop_echo(&mut waiting, burst, now);
                if self.heard.is_empty() {
                    self.phase = Phase::Waiting(waiting);
                } else if self.is_early(&waiting) {
                    self.hear_early(now, burst, waiting);
                } else if burst == Burst::Flowing && self.heard.bytes() == waiting.request.bytes {
                    // Echo or answer: what follows, or that nothing follows, will tell.
                    self.phase = Phase::Waiting(waiting);
                } else {
                    self.judge(now, burst, waiting);
                }
            }
        }
    }

    pub(super) fn take_pushes(&mut self, now: Duration) {
        while let Some((board, (door, used))) = self.seats.iter().find_map(|seat| {
            seat.driver.read_push(self.heard.bytes()).map(|push| (seat.driver.address(), push))
        }) {
            self.heard.drop_front(used);
            self.events.push_back(BusEvent::DoorPushed { board, at: now, door });
        }
    }

    pub(super) fn is_early(&self, waiting: &Waiting) -> bool {
        let not_before = waiting.request.not_before;
        !not_before.is_zero() && self.heard.first_at() < waiting.sent_at + not_before
    }

    /// Our own bytes coming back. For requests whose answer may equal them only a known echo is dropped; for the
    /// others (a probe, or an unlock "answered" before a pulse can be over) equal bytes prove an echo.
    pub(super) fn drop_echo(&mut self, waiting: &mut Waiting, burst: Burst, now: Duration) {
        if waiting.echo_dropped || !self.heard.bytes().starts_with(&waiting.request.bytes) {
            return;
        }
        let early = self.is_early(waiting);
        let sure = match waiting.purpose {
            Purpose::Probe => true,
            Purpose::Unlock(_) => early || self.echo == Echo::Present,
            Purpose::Poll => self.echo == Echo::Present || self.whole_answer_follows(waiting, burst),
        };
        if sure {
            self.echo = Echo::Present;
            waiting.echo_dropped = true;
            self.heard.drop_front(waiting.request.bytes.len());
        } else if let (Purpose::Poll, Echo::Absent { since }) = (waiting.purpose, self.echo)
            && now > since + ECHO_VERDICT_AGE
        {
            self.echo = Echo::Unknown;
        }
    }

    /// Whether a second whole answer stands behind what could be our own query: then the first was an echo.
    pub(super) fn whole_answer_follows(&mut self, waiting: &Waiting, burst: Burst) -> bool {
        let rest = &self.heard.bytes()[waiting.request.bytes.len()..];
        burst == Burst::Ended
            && matches!(self.seats[waiting.board].driver.read_query(rest, burst), Reading::Whole(..))
    }

    pub(super) fn hear_early(&mut self, now: Duration, burst: Burst, waiting: Waiting) {
        self.phase = Phase::Waiting(waiting);
        if burst == Burst::Ended {
            self.bad(now, BadFrame::Early);
            self.heard.clear();
        }
    }

    pub(super) fn judge(&mut self, now: Duration, burst: Burst, waiting: Waiting) {
        let driver = &mut self.seats[waiting.board].driver;
        match waiting.purpose {
            Purpose::Unlock(order) => {
                let mut reading = driver.read_unlock(order.door.channel, self.heard.bytes(), burst);
                let is_unsettled = self.unsettled.get(&order.door).is_some_and(|&until| now < until);
                if let (Reading::Whole(_, used) | Reading::Declined(used), true) = (&reading, is_unsettled) {
                    reading = Reading::Stray(*used, BadFrame::Stale);
                }
                self.judged(now, burst, waiting, reading, |machine, waiting, state| {
                    machine.unlocked(now, order, waiting.board, state);
                });
            }
            Purpose::Poll if self.echo == Echo::Unknown => {
                // The answer can't be told from an echo that may have begun: ask again after a probe.
                self.heard.clear();
                self.seats[waiting.board].poll_due = now;
                self.finished(now);
            }
            Purpose::Poll => {
                let reading = driver.read_query(self.heard.bytes(), burst);
                self.judged(now, burst, waiting, reading, |machine, waiting, doors| {
                    machine.good(now, waiting.board);
                    let board = machine.seats[waiting.board].driver.address();
                    machine.events.push_back(BusEvent::Doors { board, at: now, doors });
                    machine.seats[waiting.board].poll_due = now + machine.timing.poll_every;
                });
            }
            Purpose::Probe => {
                let reading = driver.read_probe(self.heard.bytes(), burst);
                self.judged(now, burst, waiting, reading, |machine, waiting, ()| {
                    machine.probed(now, waiting);
                });
            }
        }
    }

    pub(super) fn judged<T>(
        &mut self,
        now: Duration,
        burst: Burst,
        mut waiting: Waiting,
        reading: Reading<T>,
        whole: impl FnOnce(&mut Self, &Waiting, T),
    ) {
        match reading {
            Reading::More => self.phase = Phase::Waiting(waiting),
            Reading::Whole(value, used) => {
                self.heard.drop_front(used);
                whole(self, &waiting, value);
                self.finished(now);
            }
            Reading::Declined(used) => {
                self.heard.drop_front(used);
                if let Purpose::Unlock(order) = waiting.purpose {
                    self.outcome(now, order, Err(UnlockError::Refused));
                }
                self.finished(now);
            }
            Reading::Stray(used, bad) => {
                self.phase = Phase::Waiting(waiting);
                self.bad(now, bad);
                self.heard.drop_front(used);
                self.read(now, burst);
            }
            Reading::Bad(bad) => {
                self.heard.clear();
                let board = waiting.board;
                let keep_waiting = matches!(waiting.purpose, Purpose::Unlock(_));
                waiting.bad = Some(bad);
                self.phase = Phase::Waiting(waiting);
                self.bad(now, bad);
                // A pulse disturbs lines: its answer may still come. A poll is simply asked again.
                if !keep_waiting {
                    self.missed(board, now);
                    self.finished(now);
                }
            }
        }
    }

    /// The answer did not come in time.
    pub(super) fn give_up(&mut self, now: Duration) {
        let Phase::Waiting(waiting) = &self.phase else { return };
        // A line that never falls quiet must not hold an order for ever: twice the patience is the end.
        let end = self.patience(waiting).min(waiting.sent_at + waiting.request.within * 2);
        if now < end {
            return;
        }
        let (purpose, board, bad, echo_dropped) =
            (waiting.purpose, waiting.board, waiting.bad, waiting.echo_dropped);
        match purpose {
            Purpose::Unlock(order) => {
                let why = bad.map_or(UnknownOutcome::Silence, UnknownOutcome::BadFrame);
                self.unknown(now, order, why);
            }
            Purpose::Poll => {
                self.missed(board, now);
                // What was dropped as an echo may have been the answer, if the adapter stopped echoing.
                if echo_dropped {
                    self.echo = Echo::Unknown;
                }
            }
            Purpose::Probe => {
                self.missed(board, now);
                // An echo is the adapter's and would have come even with no board there.
                if self.echo == Echo::Unknown && bad.is_none() && self.heard.is_empty() {
                    self.echo = Echo::Absent { since: now };
                }
            }
        }
        self.heard.clear();
        self.actions.push_back(Action::Discard);
        self.finished_after(now, purpose);
    }

    pub(super) fn finished(&mut self, now: Duration) {
        self.phase = Phase::Free;
        self.free_from = now + self.timing.gap();
    }

    pub(super) fn finished_after(&mut self, now: Duration, purpose: Purpose) {
        self.owe_poll |= matches!(purpose, Purpose::Unlock(_));
        self.finished(now);
    }

    pub(super) fn unlocked(&mut self, now: Duration, order: UnlockOrder, board: usize, door: DoorState) {
        self.outcome(now, order, Ok(Pulsed { door }));
        self.coil_until = now;
        self.unsettled.remove(&order.door);
        self.good(now, board);
        let due = self.seats[board].poll_due;
        self.seats[board].poll_due = due.min(now);
        self.owe_poll = true;
    }

    pub(super) fn probed(&mut self, now: Duration, waiting: &Waiting) {
        if !waiting.echo_dropped {
            self.echo = Echo::Absent { since: now };
        }
        self.good(now, waiting.board);
        self.seats[waiting.board].poll_due = now;
    }
}
