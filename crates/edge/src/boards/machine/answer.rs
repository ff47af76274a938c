//! What was heard, in the light of what is due: echoes, answers, strays, silence.

use std::time::Duration;

use super::{Action, BusMachine, Confirm, ECHO_VERDICT_AGE, Echo, Phase, Purpose, Waiting};
use crate::boards::{
    BadFrame, Burst, BusEvent, Coil, Door, DoorState, Pulsed, Reading, Reply, UnknownOutcome, UnlockError,
    UnlockOrder,
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
            self.watch.saw(now, board, &door, &mut self.health);
            self.report_trouble();
            self.events.push_back(BusEvent::DoorPushed { board, at: now, door });
        }
    }

    pub(super) fn is_early(&self, waiting: &Waiting) -> bool {
        let not_before = waiting.request.not_before;
        !not_before.is_zero() && self.heard.first_at() < waiting.sent_at + not_before
    }

    /// Our own bytes coming back. For requests whose answer may equal them only a known echo is dropped, or one with
    /// the answer behind it; for the others (also an unlock "answered" before a pulse can be over) equal bytes prove
    /// an echo.
    pub(super) fn drop_echo(&mut self, waiting: &mut Waiting, burst: Burst, now: Duration) {
        if waiting.echo_dropped || !self.heard.bytes().starts_with(&waiting.request.bytes) {
            return;
        }
        let early = self.is_early(waiting);
        let sure = waiting.request.reply != Reply::MayEqual
            || self.echo == Echo::Present
            || match waiting.purpose {
                Purpose::Unlock(_) => early || self.same_again_follows(waiting),
                Purpose::Poll => self.whole_answer_follows(waiting, burst),
                _ => false,
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

    /// Whether the same bytes stand behind what could be an answer: then the first was an echo.
    fn same_again_follows(&self, waiting: &Waiting) -> bool {
        self.heard.bytes()[waiting.request.bytes.len()..].starts_with(&waiting.request.bytes)
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
            Purpose::Unlock(_) if waiting.request.reply == Reply::None => {
                // Nothing can be an answer; what it is shows when the burst is over.
                self.hear_unasked(now, burst, waiting);
            }
            Purpose::Rest => self.rested(now, burst, waiting),
            Purpose::Confirm(Confirm { order, .. }) => {
                let reading = driver.read_query(self.heard.bytes(), burst);
                self.judged(now, burst, waiting, reading, |machine, waiting, doors| {
                    let state = doors.iter().find(|d| d.channel == order.door.channel).map(|d| d.state);
                    machine.polled(now, waiting, doors);
                    let door = state.unwrap_or(DoorState::Unknown);
                    machine.outcome(now, order, Ok(Pulsed { door }));
                });
            }
            Purpose::Unlock(order) => {
                let mut reading = driver.read_unlock(order.door.channel, self.heard.bytes(), burst);
                let is_unsettled = self.unsettled.get(&order.door).is_some_and(|&until| now < until);
                if let (Reading::Whole(_, used) | Reading::Declined(used), true) = (&reading, is_unsettled) {
                    reading = Reading::Stray(*used, BadFrame::Stale);
                }
                self.judged(now, burst, waiting, reading, |machine, waiting, state| {
                    machine.unlocked(now, order, waiting, state);
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
                    machine.polled(now, waiting, doors);
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
                self.declined(now, &waiting);
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
                let (board, purpose) = (waiting.board, waiting.purpose);
                let keep_waiting = matches!(waiting.purpose, Purpose::Unlock(_));
                waiting.bad = Some(bad);
                self.phase = Phase::Waiting(waiting);
                self.bad(now, bad);
                // A pulse disturbs lines: its answer may still come. A poll is simply asked again.
                if !keep_waiting {
                    self.unpolled(now, board, purpose, bad);
                    self.finished(now);
                }
            }
        }
    }

    /// The answer did not come in time.
    pub(super) fn give_up(&mut self, now: Duration) {
        let Phase::Waiting(waiting) = &self.phase else { return };
        // A line that never falls quiet must not hold an order for ever: twice the patience is the end.
        let end =
            self.patience(waiting).min(waiting.sent_at + waiting.request.within * 2 + self.timing.slack);
        if now < end {
            return;
        }
        let (purpose, board, bad, echo_dropped) =
            (waiting.purpose, waiting.board, waiting.bad, waiting.echo_dropped);
        let is_unanswered = waiting.request.reply == Reply::None;
        if !is_unanswered {
            let address = self.seats[board].driver.address();
            self.health.boards.entry(address).or_default().timeouts += 1;
        }
        match purpose {
            Purpose::Unlock(order) if is_unanswered => {
                // The settling time was the pause.
                self.heard.clear();
                self.phase = Phase::Free;
                self.confirm_next(now, order, board);
                return;
            }
            Purpose::Unlock(order) => {
                let why = bad.map_or(UnknownOutcome::Silence, UnknownOutcome::BadFrame);
                self.unknown(now, order, why);
                self.actions.push_back(Action::Abandon);
            }
            Purpose::Confirm(confirm) => {
                let why = bad.map_or(UnknownOutcome::Silence, UnknownOutcome::BadFrame);
                self.unconfirmed(now, confirm, why);
            }
            Purpose::Poll => {
                self.missed(board, now);
                // What was dropped as an echo may have been the answer, if the adapter stopped echoing.
                if echo_dropped {
                    self.echo = Echo::Unknown;
                }
            }
            Purpose::Rest => self.missed(board, now),
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

    /// Bytes while nothing can be an answer.
    fn hear_unasked(&mut self, now: Duration, burst: Burst, waiting: Waiting) {
        self.phase = Phase::Waiting(waiting);
        if burst == Burst::Ended {
            self.bad(now, BadFrame::Unasked);
            self.heard.clear();
        }
    }

    /// Outputs at rest: the answer repeats the request, so that an echo does as well. Both mean that it has left.
    fn rested(&mut self, now: Duration, burst: Burst, waiting: Waiting) {
        if self.heard.bytes().starts_with(&waiting.request.bytes) {
            self.heard.clear();
            self.seats[waiting.board].poll_due = now;
            self.finished(now);
        } else if burst == Burst::Ended {
            let board = waiting.board;
            self.phase = Phase::Waiting(waiting);
            self.bad(now, BadFrame::Header);
            self.heard.clear();
            self.seats[board].poll_due = now;
            self.finished(now);
        } else {
            self.phase = Phase::Waiting(waiting);
        }
    }

    /// The board understood and said no.
    fn declined(&mut self, now: Duration, waiting: &Waiting) {
        if let Purpose::Unlock(order) = waiting.purpose {
            self.coil_until = now;
            self.watch.not_pulsed(order.door);
            self.outcome(now, order, Err(UnlockError::Refused));
        } else {
            self.bad(now, BadFrame::Exception);
            self.unpolled(now, waiting.board, waiting.purpose, BadFrame::Exception);
        }
    }

    /// A poll got no usable answer.
    fn unpolled(&mut self, now: Duration, board: usize, purpose: Purpose, bad: BadFrame) {
        match purpose {
            Purpose::Confirm(confirm) => self.unconfirmed(now, confirm, UnknownOutcome::BadFrame(bad)),
            _ => self.missed(board, now),
        }
    }

    /// A poll was answered.
    fn polled(&mut self, now: Duration, waiting: &Waiting, doors: Vec<Door>) {
        self.good(now, waiting.board);
        if waiting.request.reply == Reply::Distinct && !waiting.echo_dropped {
            self.echo = Echo::Absent { since: now };
        }
        self.seats[waiting.board].poll_due = now + self.timing.poll_every;
        self.doors(now, waiting.board, doors);
    }

    pub(super) fn finished(&mut self, now: Duration) {
        self.phase = Phase::Free;
        self.free_from = self.free_from.max(now + self.timing.gap());
    }

    pub(super) fn finished_after(&mut self, now: Duration, purpose: Purpose) {
        self.owe_poll |= matches!(purpose, Purpose::Unlock(_));
        self.finished(now);
    }

    fn unlocked(&mut self, now: Duration, order: UnlockOrder, waiting: &Waiting, door: DoorState) {
        self.outcome(now, order, Ok(Pulsed { door }));
        if waiting.request.coil == Coil::UntilAnswer {
            self.coil_until = now;
        }
        let board = waiting.board;
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
