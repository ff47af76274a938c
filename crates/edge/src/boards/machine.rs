//! Every decision of a bus owner as a pure state machine: whose turn it is on a half-duplex line, what an answer
//! means, when to give up.
//!
//! Rules, in order of weight:
//! 1. Nothing is sent while an answer is due. During a latch pulse polls wait and further orders queue, so one
//!    bus energises one coil at a time.
//! 2. An order whose deadline passed is never sent. No order is ever sent twice.
//! 3. Nothing is sent into a line on which somebody else is talking; the gap between frames is kept.
//! 4. A waiting order goes before the next poll, so it waits for at most the one frame in flight; after each
//!    order one poll goes before the next order, and any board not asked for a second, so a row of orders can't
//!    blind the supervision.
//! 5. An answer that may belong to an earlier order for the same door proves nothing.
//!
//! Time is a parameter (monotonic, any origin). The caller feeds [`BusMachine::received`],
//! [`BusMachine::order`] and [`BusMachine::advance`], performs [`Action`]s, and hands out events.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{
    BadFrame, Board, BoardAddress, Burst, BusEvent, DoorAddress, DoorState, NotSent, Pulsed, Reading,
    Request, UnknownOutcome, UnlockError, UnlockOrder,
    heard::{Heard, Taken},
};

/// Orders that may wait on one bus.
pub(super) const MOST_ORDERS: usize = 32;
const SILENT_AFTER_MISSES: u32 = 3;
const BAD_FRAME_REPORT_EVERY: Duration = Duration::from_millis(250);
/// An adapter that has just begun to echo could make our own query look like the answer "all bits clear"; such
/// an answer needs an echo verdict younger than this.
const ECHO_VERDICT_AGE: Duration = Duration::from_secs(1);

/// The protocols have no order numbers: so long after an order without an answer, an answer for the same door may
/// still be that one's, and proves nothing.
const ANSWERS_MAY_BE_STALE: Duration = Duration::from_secs(5);
/// A board that should have been asked so long ago goes before the next order.
const STARVING: Duration = Duration::from_secs(1);

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
        }
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

/// What the owner of the line has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send one frame, now or never: if it can't be sent at once, call [`BusMachine::send_failed`].
    Send(Vec<u8>),
    /// Throw away what the kernel still holds in both directions.
    Discard,
}

/// How much of a frame left when sending failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Nothing,
    Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Unlock(UnlockOrder),
    Poll,
    Probe,
}

#[derive(Debug)]
struct Waiting {
    purpose: Purpose,
    board: usize,
    request: Request,
    /// When the last bit of the request is out.
    sent_at: Duration,
    echo_dropped: bool,
    bad: Option<BadFrame>,
}

#[derive(Debug)]
enum Phase {
    Down,
    Free,
    Waiting(Waiting),
}

/// Whether the adapter gives our own bytes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Echo {
    Unknown,
    Absent { since: Duration },
    Present,
}

struct Seat {
    driver: Box<dyn Board>,
    poll_due: Duration,
    last_good: Duration,
    misses: u32,
    silent: bool,
}

/// The pure part of a bus owner.
pub struct BusMachine {
    seats: Vec<Seat>,
    timing: BusTiming,
    phase: Phase,
    orders: VecDeque<UnlockOrder>,
    heard: Heard,
    free_from: Duration,
    owe_poll: bool,
    /// No coil can be energised any more from here on, whatever was left unanswered.
    coil_until: Duration,
    /// Doors with an order whose answer may still come, and until when.
    unsettled: BTreeMap<DoorAddress, Duration>,
    echo: Echo,
    actions: VecDeque<Action>,
    events: VecDeque<BusEvent>,
    bad_total: u64,
    bad_latest: Option<(Option<BoardAddress>, BadFrame, Duration)>,
    bad_reported: Duration,
}

impl BusMachine {
    /// A machine for a line that is not open yet; call [`BusMachine::line_back`] when it is.
    #[must_use]
    pub fn new(boards: Vec<Box<dyn Board>>, timing: BusTiming) -> Self {
        let seat = |driver| Seat {
            driver,
            poll_due: Duration::ZERO,
            last_good: Duration::ZERO,
            misses: 0,
            silent: false,
        };
        Self {
            seats: boards.into_iter().map(seat).collect(),
            timing,
            phase: Phase::Down,
            orders: VecDeque::new(),
            heard: Heard::default(),
            free_from: Duration::ZERO,
            owe_poll: false,
            coil_until: Duration::ZERO,
            unsettled: BTreeMap::new(),
            echo: Echo::Unknown,
            actions: VecDeque::new(),
            events: VecDeque::new(),
            bad_total: 0,
            bad_latest: None,
            bad_reported: Duration::ZERO,
        }
    }

    /// Takes an unlock order; its outcome follows as an event, always.
    pub fn order(&mut self, now: Duration, order: UnlockOrder) {
        let known = self.seats.iter().any(|seat| {
            seat.driver.address() == order.door.board && seat.driver.unlock(order.door.channel).is_ok()
        });
        let refusal = if !known {
            Some(NotSent::NoSuchDoor)
        } else if matches!(self.phase, Phase::Down) {
            Some(NotSent::LineDown)
        } else if self.orders.len() >= MOST_ORDERS {
            Some(NotSent::QueueFull)
        } else {
            None
        };
        match refusal {
            Some(reason) => self.not_sent(now, order, reason),
            None => self.orders.push_back(order),
        }
    }

    /// Cancels every order that has not been sent; a lockdown does this.
    pub fn cancel_waiting(&mut self, now: Duration) {
        while let Some(order) = self.orders.pop_front() {
            self.not_sent(now, order, NotSent::Cancelled);
        }
    }

    /// The line is open: everything is learnt anew.
    pub fn line_back(&mut self, now: Duration) {
        if !matches!(self.phase, Phase::Down) {
            return;
        }
        self.phase = Phase::Free;
        self.echo = Echo::Unknown;
        self.heard.clear();
        self.free_from = (now + self.timing.gap()).max(self.coil_until);
        for seat in &mut self.seats {
            seat.poll_due = now;
            seat.last_good = now;
            seat.misses = 0;
        }
        self.events.push_back(BusEvent::LineBack { at: now });
        self.actions.push_back(Action::Discard);
    }

    /// The line is gone: an order that was sent has an unknown outcome, the others were never sent.
    pub fn line_lost(&mut self, now: Duration) {
        self.stop(now, NotSent::LineDown, UnknownOutcome::LineLost);
        self.events.push_back(BusEvent::LineLost { at: now });
    }

    /// The owner stops: every order gets its outcome.
    pub(super) fn close(&mut self, now: Duration) {
        self.stop(now, NotSent::Closed, UnknownOutcome::Closed);
    }

    fn stop(&mut self, now: Duration, waiting: NotSent, sent: UnknownOutcome) {
        if let Phase::Waiting(Waiting { purpose: Purpose::Unlock(order), .. }) =
            std::mem::replace(&mut self.phase, Phase::Down)
        {
            self.unknown(now, order, sent);
        }
        while let Some(order) = self.orders.pop_front() {
            self.not_sent(now, order, waiting);
        }
        self.heard.clear();
        self.actions.clear();
    }

    /// Sending the latest frame failed.
    pub(super) fn send_failed(&mut self, now: Duration, sent: Sent) {
        let Phase::Waiting(waiting) = std::mem::replace(&mut self.phase, Phase::Free) else { return };
        if let Purpose::Unlock(order) = waiting.purpose {
            match sent {
                Sent::Nothing => {
                    let ticket = order.ticket;
                    self.events
                        .retain(|e| !matches!(e, BusEvent::UnlockSent { ticket: t, .. } if *t == ticket));
                    self.not_sent(now, order, NotSent::LineStalled);
                }
                Sent::Part => self.unknown(now, order, UnknownOutcome::PartlySent),
            }
        } else {
            self.missed(waiting.board, now);
        }
        self.actions.push_back(Action::Discard);
        self.free_from = (now + self.timing.quiet).max(self.coil_until);
    }

    /// Bytes came.
    pub fn received(&mut self, now: Duration, bytes: &[u8]) {
        if matches!(self.phase, Phase::Down) || bytes.is_empty() {
            return;
        }
        if self.heard.take(now, bytes) == Taken::Flood {
            self.bad(now, BadFrame::Flood);
        }
        self.read(now, Burst::Flowing);
    }

    /// Does what is due by now.
    pub fn advance(&mut self, now: Duration) {
        self.expire(now);
        if matches!(self.phase, Phase::Down) {
            return;
        }
        if !self.heard.is_empty() && now >= self.heard.last_at() + self.timing.quiet {
            self.read(now, Burst::Ended);
        }
        self.give_up(now);
        self.mark_silent(now);
        self.report_bad(now);
        self.send_next(now);
    }

    /// When [`BusMachine::advance`] has something to do at the latest; nothing while the line is gone.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Duration> {
        let quiet = (!self.heard.is_empty()).then(|| self.heard.last_at() + self.timing.quiet);
        let bad = self.bad_latest.map(|_| self.bad_reported + BAD_FRAME_REPORT_EVERY);
        let phase = match &self.phase {
            Phase::Down => return None,
            Phase::Waiting(waiting) => Some(self.patience(waiting)),
            Phase::Free if !self.heard.is_empty() => None,
            Phase::Free if self.orders.is_empty() && !self.owe_poll => {
                self.seats.iter().map(|seat| seat.poll_due).min().map(|due| due.max(self.may_speak_from()))
            }
            Phase::Free => Some(self.may_speak_from()),
        };
        let silent =
            self.seats.iter().filter(|s| !s.silent).map(|s| s.last_good + self.timing.silent_after).min();
        let deadline = self.orders.iter().map(|order| order.not_after).min();
        [quiet, bad, phase, silent, deadline].into_iter().flatten().min()
    }

    /// The next thing to do on the line.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next thing to report.
    pub fn next_event(&mut self) -> Option<BusEvent> {
        self.events.pop_front()
    }

    fn may_speak_from(&self) -> Duration {
        self.free_from.max(self.heard.last_at() + self.timing.gap())
    }

    /// Until when an answer is waited for: one that has begun may end.
    fn patience(&self, waiting: &Waiting) -> Duration {
        let until = waiting.sent_at + waiting.request.within;
        if self.heard.is_empty() { until } else { until.max(self.heard.last_at() + self.timing.quiet) }
    }

    fn expire(&mut self, now: Duration) {
        let (late, rest) =
            std::mem::take(&mut self.orders).into_iter().partition(|order| now >= order.not_after);
        self.orders = rest;
        for order in Vec::from(late) {
            self.not_sent(now, order, NotSent::TooLate);
        }
    }

    fn send_next(&mut self, now: Duration) {
        if !matches!(self.phase, Phase::Free) || now < self.may_speak_from() || self.seats.is_empty() {
            return;
        }
        if !self.heard.is_empty() {
            // Somebody is in the middle of a burst nobody asked for; wait until it is over.
            return;
        }
        let starving = self.seats.iter().any(|seat| !seat.silent && seat.poll_due + STARVING <= now);
        if !self.owe_poll && !starving && self.send_unlock(now) {
            return;
        }
        let (board, due) = self
            .seats
            .iter()
            .enumerate()
            .map(|(at, seat)| (at, seat.poll_due))
            .min_by_key(|&(_, due)| due)
            .expect("a bus without boards returned above");
        if self.owe_poll || starving || due <= now {
            self.owe_poll = false;
            self.send_poll(now, board);
        }
    }

    fn send_unlock(&mut self, now: Duration) -> bool {
        let Some(order) = self.orders.pop_front() else { return false };
        let found = self.seats.iter().position(|seat| seat.driver.address() == order.door.board);
        let request = found.and_then(|at| Some((at, self.seats[at].driver.unlock(order.door.channel).ok()?)));
        let Some((board, request)) = request else {
            self.not_sent(now, order, NotSent::NoSuchDoor);
            return false;
        };
        self.events.push_back(BusEvent::UnlockSent { ticket: order.ticket, at: now });
        self.coil_until = now + self.timing.wire_time(request.bytes.len()) + request.within;
        self.send(now, Purpose::Unlock(order), board, request);
        true
    }

    fn send_poll(&mut self, now: Duration, board: usize) {
        let driver = &self.seats[board].driver;
        let (purpose, request) = match self.echo {
            Echo::Unknown => (Purpose::Probe, driver.echo_probe()),
            _ => (Purpose::Poll, driver.query_all()),
        };
        self.send(now, purpose, board, request);
    }

    fn send(&mut self, now: Duration, purpose: Purpose, board: usize, request: Request) {
        self.heard.clear();
        self.actions.push_back(Action::Send(request.bytes.clone()));
        let sent_at = now + self.timing.wire_time(request.bytes.len());
        self.phase =
            Phase::Waiting(Waiting { purpose, board, request, sent_at, echo_dropped: false, bad: None });
    }

    /// Looks at what was heard, in the light of what is due.
    fn read(&mut self, now: Duration, burst: Burst) {
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

    fn take_pushes(&mut self, now: Duration) {
        while let Some((board, (door, used))) = self.seats.iter().find_map(|seat| {
            seat.driver.read_push(self.heard.bytes()).map(|push| (seat.driver.address(), push))
        }) {
            self.heard.drop_front(used);
            self.events.push_back(BusEvent::DoorPushed { board, at: now, door });
        }
    }

    fn is_early(&self, waiting: &Waiting) -> bool {
        let not_before = waiting.request.not_before;
        !not_before.is_zero() && self.heard.first_at() < waiting.sent_at + not_before
    }

    /// Our own bytes coming back. For requests whose answer may equal them only a known echo is dropped; for the
    /// others (a probe, or an unlock "answered" before a pulse can be over) equal bytes prove an echo.
    fn drop_echo(&mut self, waiting: &mut Waiting, burst: Burst, now: Duration) {
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
    fn whole_answer_follows(&mut self, waiting: &Waiting, burst: Burst) -> bool {
        let rest = &self.heard.bytes()[waiting.request.bytes.len()..];
        burst == Burst::Ended
            && matches!(self.seats[waiting.board].driver.read_query(rest, burst), Reading::Whole(..))
    }

    fn hear_early(&mut self, now: Duration, burst: Burst, waiting: Waiting) {
        self.phase = Phase::Waiting(waiting);
        if burst == Burst::Ended {
            self.bad(now, BadFrame::Early);
            self.heard.clear();
        }
    }

    fn judge(&mut self, now: Duration, burst: Burst, waiting: Waiting) {
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

    fn judged<T>(
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
    fn give_up(&mut self, now: Duration) {
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

    fn finished(&mut self, now: Duration) {
        self.phase = Phase::Free;
        self.free_from = now + self.timing.gap();
    }

    fn finished_after(&mut self, now: Duration, purpose: Purpose) {
        self.owe_poll |= matches!(purpose, Purpose::Unlock(_));
        self.finished(now);
    }

    fn unlocked(&mut self, now: Duration, order: UnlockOrder, board: usize, door: DoorState) {
        self.outcome(now, order, Ok(Pulsed { door }));
        self.coil_until = now;
        self.unsettled.remove(&order.door);
        self.good(now, board);
        let due = self.seats[board].poll_due;
        self.seats[board].poll_due = due.min(now);
        self.owe_poll = true;
    }

    fn probed(&mut self, now: Duration, waiting: &Waiting) {
        if !waiting.echo_dropped {
            self.echo = Echo::Absent { since: now };
        }
        self.good(now, waiting.board);
        self.seats[waiting.board].poll_due = now;
    }

    fn good(&mut self, now: Duration, board: usize) {
        let seat = &mut self.seats[board];
        seat.misses = 0;
        seat.last_good = now;
        if std::mem::take(&mut seat.silent) {
            let board = seat.driver.address();
            self.events.push_back(BusEvent::Back { board, at: now });
        }
    }

    fn missed(&mut self, board: usize, now: Duration) {
        let timing = self.timing;
        let seat = &mut self.seats[board];
        seat.misses = seat.misses.saturating_add(1);
        let pause =
            if seat.misses >= SILENT_AFTER_MISSES { timing.poll_silent_every } else { timing.poll_every };
        seat.poll_due = now + pause;
    }

    fn mark_silent(&mut self, now: Duration) {
        for seat in self.seats.iter_mut().filter(|seat| !seat.silent) {
            if seat.misses >= SILENT_AFTER_MISSES || now >= seat.last_good + self.timing.silent_after {
                seat.silent = true;
                self.events
                    .push_back(BusEvent::Silent { board: seat.driver.address(), since: seat.last_good });
            }
        }
    }

    fn bad(&mut self, now: Duration, bad: BadFrame) {
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

    fn report_bad(&mut self, now: Duration) {
        if self.bad_reported > Duration::ZERO && now < self.bad_reported + BAD_FRAME_REPORT_EVERY {
            return;
        }
        if let Some((board, latest, at)) = self.bad_latest.take() {
            self.bad_reported = now;
            self.events.push_back(BusEvent::BadFrames { board, at, total: self.bad_total, latest });
        }
    }

    fn not_sent(&mut self, now: Duration, order: UnlockOrder, reason: NotSent) {
        self.outcome(now, order, Err(UnlockError::NotSent(reason)));
    }

    fn unknown(&mut self, now: Duration, order: UnlockOrder, why: UnknownOutcome) {
        self.unsettled.retain(|_, until| *until > now);
        self.unsettled.insert(order.door, now + ANSWERS_MAY_BE_STALE);
        self.outcome(now, order, Err(UnlockError::OutcomeUnknown(why)));
    }

    fn outcome(&mut self, at: Duration, order: UnlockOrder, outcome: Result<Pulsed, UnlockError>) {
        self.events.push_back(BusEvent::Unlock { ticket: order.ticket, door: order.door, at, outcome });
    }
}
