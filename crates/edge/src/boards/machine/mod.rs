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
//! 5. A board that never answers an unlock is polled right after it; the end of that order is what the poll says.
//! 6. An answer that may belong to an earlier order for the same door proves nothing.
//!
//! Time is a parameter (monotonic, any origin). The caller feeds [`BusMachine::received`],
//! [`BusMachine::order`] and [`BusMachine::advance`], performs [`Action`]s, and hands out events.

mod answer;
mod report;
mod speak;
mod timing;
mod watch;

pub use timing::BusTiming;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{
    BadFrame, Board, BoardAddress, Burst, BusEvent, BusHealth, DoorAddress, NotSent, Request, UnknownOutcome,
    UnlockOrder,
    heard::{Heard, Taken},
};
use watch::Watch;

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
    /// An unlock was not answered: it must not arrive later. A port is flushed, a connection closed.
    Abandon,
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
    /// The poll that ends an order the board never answers.
    Confirm(Confirm),
    Poll,
    Probe,
    /// Putting the board's outputs to rest.
    Rest,
}

/// An order whose frame has left, and how many polls may still be spent on its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Confirm {
    order: UnlockOrder,
    board: usize,
    polls_left: u8,
    /// A line that is never free for the poll must not hold the order for ever.
    until: Duration,
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
    needs_rest: bool,
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
    confirm: Option<Confirm>,
    /// No coil can be energised any more from here on, whatever was left unanswered.
    coil_until: Duration,
    /// Doors with an order whose answer may still come, and until when.
    unsettled: BTreeMap<DoorAddress, Duration>,
    echo: Echo,
    watch: Watch,
    health: BusHealth,
    actions: VecDeque<Action>,
    events: VecDeque<BusEvent>,
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
            needs_rest: true,
        };
        Self {
            seats: boards.into_iter().map(seat).collect(),
            timing,
            phase: Phase::Down,
            orders: VecDeque::new(),
            heard: Heard::default(),
            free_from: Duration::ZERO,
            owe_poll: false,
            confirm: None,
            coil_until: Duration::ZERO,
            unsettled: BTreeMap::new(),
            echo: Echo::Unknown,
            watch: Watch::default(),
            health: BusHealth::default(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
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
            seat.needs_rest = true;
        }
        self.events.push_back(BusEvent::LineBack { at: now });
        self.actions.push_back(Action::Discard);
    }

    /// The line is gone: an order that was sent has an unknown outcome, the others were never sent.
    pub fn line_lost(&mut self, now: Duration) {
        self.health.line_losses += 1;
        self.stop(now, NotSent::LineDown, UnknownOutcome::LineLost);
        self.events.push_back(BusEvent::LineLost { at: now });
    }

    /// The owner stops: every order gets its outcome.
    pub fn close(&mut self, now: Duration) {
        self.stop(now, NotSent::Closed, UnknownOutcome::Closed);
    }

    fn stop(&mut self, now: Duration, waiting: NotSent, sent: UnknownOutcome) {
        let before = std::mem::replace(&mut self.phase, Phase::Down);
        let under_way = match before {
            Phase::Waiting(Waiting { purpose: Purpose::Unlock(order), .. }) => Some(order),
            Phase::Waiting(Waiting { purpose: Purpose::Confirm(confirm), .. }) => Some(confirm.order),
            _ => self.confirm.map(|confirm| confirm.order),
        };
        self.confirm = None;
        if let Some(order) = under_way {
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
        match (waiting.purpose, sent) {
            (Purpose::Unlock(order), Sent::Nothing) => {
                let ticket = order.ticket;
                self.events.retain(|e| !matches!(e, BusEvent::UnlockSent { ticket: t, .. } if *t == ticket));
                self.watch.not_pulsed(order.door);
                self.not_sent(now, order, NotSent::LineStalled);
            }
            (Purpose::Unlock(order), Sent::Part) => self.unknown(now, order, UnknownOutcome::PartlySent),
            (Purpose::Confirm(confirm), _) => {
                self.unconfirmed(now, confirm, UnknownOutcome::Silence);
            }
            _ => self.missed(waiting.board, now),
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
            self.mark_silent(now);
            return;
        }
        if !self.heard.is_empty() && now >= self.heard.last_at() + self.timing.quiet {
            self.read(now, Burst::Ended);
        }
        self.give_up(now);
        self.stop_confirming(now);
        self.mark_silent(now);
        self.report_bad(now);
        self.send_next(now);
    }

    /// When [`BusMachine::advance`] has something to do at the latest.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Duration> {
        let silent =
            self.seats.iter().filter(|s| !s.silent).map(|s| s.last_good + self.timing.silent_after).min();
        let quiet = (!self.heard.is_empty()).then(|| self.heard.last_at() + self.timing.quiet);
        let bad = self.bad_latest.map(|_| self.bad_reported + BAD_FRAME_REPORT_EVERY);
        let phase = match &self.phase {
            Phase::Down => return silent,
            Phase::Waiting(waiting) => Some(self.patience(waiting)),
            Phase::Free if !self.heard.is_empty() => None,
            Phase::Free => self.speaks_at(),
        };
        let deadline = self.orders.iter().map(|order| order.not_after).min();
        let deadline = deadline.into_iter().chain(self.confirm.map(|confirm| confirm.until)).min();
        [quiet, bad, phase, silent, deadline].into_iter().flatten().min()
    }

    /// What was counted so far.
    #[must_use]
    pub fn health(&self) -> &BusHealth {
        &self.health
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
