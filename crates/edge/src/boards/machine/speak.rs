//! Whose turn it is to be said on the line.

use std::time::Duration;

use super::{Action, BusMachine, Confirm, Echo, Phase, Purpose, STARVING, Waiting};
use crate::boards::{BadFrame, BusEvent, Coil, NotSent, Reply, Request, UnknownOutcome, UnlockOrder};

/// Polls that may be spent on the end of an order: a pulse disturbs lines, and a poll harms nobody.
const CONFIRM_POLLS: u8 = 2;
const CONFIRM_WITHIN: Duration = Duration::from_secs(2);

impl BusMachine {
    pub(super) fn may_speak_from(&self) -> Duration {
        self.free_from.max(self.heard.last_at() + self.timing.gap())
    }

    /// When a free line is next spoken on.
    pub(super) fn speaks_at(&self) -> Option<Duration> {
        let free = self.may_speak_from();
        if self.owe_poll || self.confirm.is_some() {
            return Some(free);
        }
        let order = (!self.orders.is_empty()).then(|| free.max(self.coil_until));
        let poll = self.seats.iter().map(|seat| seat.poll_due).min().map(|due| due.max(free));
        [order, poll].into_iter().flatten().min()
    }

    /// Until when an answer is waited for: one that has begun may end.
    pub(super) fn patience(&self, waiting: &Waiting) -> Duration {
        let slack = if waiting.request.reply == Reply::None { Duration::ZERO } else { self.timing.slack };
        let until = waiting.sent_at + waiting.request.within + slack;
        if self.heard.is_empty() { until } else { until.max(self.heard.last_at() + self.timing.quiet) }
    }

    pub(super) fn expire(&mut self, now: Duration) {
        let (late, rest) =
            std::mem::take(&mut self.orders).into_iter().partition(|order| now >= order.not_after);
        self.orders = rest;
        for order in Vec::from(late) {
            self.not_sent(now, order, NotSent::TooLate);
        }
    }

    pub(super) fn send_next(&mut self, now: Duration) {
        if !matches!(self.phase, Phase::Free) || now < self.may_speak_from() || self.seats.is_empty() {
            return;
        }
        if !self.heard.is_empty() {
            // Somebody is in the middle of a burst nobody asked for; wait until it is over.
            return;
        }
        if let Some(confirm) = self.confirm.take() {
            let request = self.seats[confirm.board].driver.query_all();
            self.send(now, Purpose::Confirm(confirm), confirm.board, request);
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

    pub(super) fn send_unlock(&mut self, now: Duration) -> bool {
        if now < self.coil_until {
            return false;
        }
        let Some(order) = self.orders.front().copied() else { return false };
        let found = self.seats.iter().position(|seat| seat.driver.address() == order.door.board);
        let request = found.and_then(|at| Some((at, self.seats[at].driver.unlock(order.door.channel).ok()?)));
        let Some((board, request)) = request else {
            self.orders.pop_front();
            self.not_sent(now, order, NotSent::NoSuchDoor);
            return false;
        };
        if self.prepares(now, board, &request) {
            return true;
        }
        self.orders.pop_front();
        self.events.push_back(BusEvent::UnlockSent { ticket: order.ticket, at: now });
        let sent_at = now + self.timing.wire_time(request.bytes.len());
        self.coil_until = sent_at
            + match request.coil {
                Coil::Idle => Duration::ZERO,
                Coil::UntilAnswer => request.within + self.timing.slack,
                Coil::For(pulse) => pulse,
            };
        self.watch.pulsed(order.door, sent_at, &mut self.health);
        self.send(now, Purpose::Unlock(order), board, request);
        true
    }

    /// What must be said to a board before an unlock: its outputs to rest if it was just switched on, and a probe if
    /// the answer could not be told from an echo.
    fn prepares(&mut self, now: Duration, board: usize, request: &Request) -> bool {
        if self.send_rest(now, board) {
            return true;
        }
        let is_blind =
            self.echo == Echo::Unknown && request.reply == Reply::MayEqual && request.not_before.is_zero();
        if is_blind {
            let probe = self.seats[board].driver.echo_probe();
            self.send(now, Purpose::Probe, board, probe);
        }
        is_blind
    }

    fn send_rest(&mut self, now: Duration, board: usize) -> bool {
        let seat = &mut self.seats[board];
        let Some(request) = seat.driver.rest().filter(|_| seat.needs_rest && now >= self.coil_until) else {
            return false;
        };
        seat.needs_rest = false;
        self.send(now, Purpose::Rest, board, request);
        true
    }

    pub(super) fn send_poll(&mut self, now: Duration, board: usize) {
        if self.send_rest(now, board) {
            return;
        }
        let driver = &self.seats[board].driver;
        let (purpose, request) = match self.echo {
            Echo::Unknown => (Purpose::Probe, driver.echo_probe()),
            _ => (Purpose::Poll, driver.query_all()),
        };
        self.send(now, purpose, board, request);
    }

    /// The board never answers an unlock: what it says to the next poll is the end of the order.
    pub(super) fn confirm_next(&mut self, now: Duration, order: UnlockOrder, board: usize) {
        let until = now + CONFIRM_WITHIN;
        self.confirm = Some(Confirm { order, board, polls_left: CONFIRM_POLLS, until });
    }

    pub(super) fn stop_confirming(&mut self, now: Duration) {
        if let Some(confirm) = self.confirm.take_if(|confirm| now >= confirm.until) {
            self.unknown(now, confirm.order, UnknownOutcome::BadFrame(BadFrame::Flood));
        }
    }

    pub(super) fn send(&mut self, now: Duration, purpose: Purpose, board: usize, request: Request) {
        self.heard.clear();
        let address = self.seats[board].driver.address();
        self.health.boards.entry(address).or_default().requests += 1;
        self.actions.push_back(Action::Send(request.bytes.clone()));
        let sent_at = now + self.timing.wire_time(request.bytes.len());
        self.phase =
            Phase::Waiting(Waiting { purpose, board, request, sent_at, echo_dropped: false, bad: None });
    }
}
