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

mod answer;
mod report;
mod speak;
mod timing;

pub use timing::BusTiming;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{
    BadFrame, Board, BoardAddress, Burst, BusEvent, DoorAddress, NotSent, Request, UnknownOutcome,
    UnlockOrder,
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
pub enum Sent {
    /// Not a byte.
    Nothing,
    /// Some bytes.
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
    pub fn close(&mut self, now: Duration) {
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
    pub fn send_failed(&mut self, now: Duration, sent: Sent) {
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
}
