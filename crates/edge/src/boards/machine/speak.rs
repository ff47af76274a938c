//! Whose turn it is to be said on the line.

use std::time::Duration;

use super::{Action, BusMachine, Echo, Phase, Purpose, STARVING, Waiting};
use crate::boards::{BusEvent, NotSent, Request};

impl BusMachine {
    pub(super) fn may_speak_from(&self) -> Duration {
        self.free_from.max(self.heard.last_at() + self.timing.gap())
    }

    /// Until when an answer is waited for: one that has begun may end.
    pub(super) fn patience(&self, waiting: &Waiting) -> Duration {
        let until = waiting.sent_at + waiting.request.within;
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

    pub(super) fn send_poll(&mut self, now: Duration, board: usize) {
        let driver = &self.seats[board].driver;
        let (purpose, request) = match self.echo {
            Echo::Unknown => (Purpose::Probe, driver.echo_probe()),
            _ => (Purpose::Poll, driver.query_all()),
        };
        self.send(now, purpose, board, request);
    }

    pub(super) fn send(&mut self, now: Duration, purpose: Purpose, board: usize, request: Request) {
        self.heard.clear();
        self.actions.push_back(Action::Send(request.bytes.clone()));
        let sent_at = now + self.timing.wire_time(request.bytes.len());
        self.phase =
            Phase::Waiting(Waiting { purpose, board, request, sent_at, echo_dropped: false, bad: None });
    }
}
