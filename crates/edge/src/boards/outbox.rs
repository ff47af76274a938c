//! Events on their way out of a bus: kept in order for a receiver that is slow, bounded, outcomes never lost.

use std::collections::VecDeque;

use super::{BusEvent, BusMachine, EventSink};

/// Events kept; beyond it those that repeat themselves are dropped, oldest first.
const MOST_KEPT_EVENTS: usize = 256;

/// Where events wait for a receiver that is slow.
pub(super) struct Outbox {
    events: Box<dyn EventSink>,
    kept: VecDeque<BusEvent>,
    dropped: u64,
}

impl Outbox {
    pub(super) fn to(events: Box<dyn EventSink>) -> Self {
        Self { events, kept: VecDeque::new(), dropped: 0 }
    }

    pub(super) fn deliver(&mut self, machine: &mut BusMachine) {
        while let Some(event) = machine.next_event() {
            self.keep(event);
        }
        while let Some(event) = self.kept.pop_front() {
            if let Err(event) = self.events.offer(event) {
                self.kept.push_front(event);
                return;
            }
        }
        if self.dropped > 0 {
            let report = BusEvent::ReportsDropped { count: self.dropped };
            if self.events.offer(report).is_ok() {
                self.dropped = 0;
            }
        }
    }

    /// Outcomes are bounded by the orders, trouble by its own rate; only door reports must give way.
    fn keep(&mut self, event: BusEvent) {
        if self.kept.len() >= MOST_KEPT_EVENTS
            && let Some(oldest) = self.kept.iter().position(BusEvent::may_be_dropped)
        {
            self.kept.remove(oldest);
            self.dropped += 1;
        }
        self.kept.push_back(event);
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;
    use crate::boards::{BoardAddress, BusTiming, Channel, DoorAddress, Ticket};

    struct Nobody;

    impl EventSink for Nobody {
        fn offer(&mut self, event: BusEvent) -> Result<(), BusEvent> {
            Err(event)
        }
    }

    #[test]
    fn a_slow_receiver_loses_door_reports_but_no_outcome() {
        let mut outbox = Outbox::to(Box::new(Nobody));
        let board = BoardAddress(1);
        let door = DoorAddress { board, channel: Channel::new(1).unwrap() };
        for n in 0..1000 {
            let at = Duration::from_millis(n);
            outbox.keep(BusEvent::Doors { board, at, doors: Vec::new() });
            if n % 10 == 0 {
                let outcome = Err(crate::boards::UnlockError::Refused);
                outbox.keep(BusEvent::Unlock { ticket: Ticket(n), door, at, outcome });
            }
        }
        assert_eq!(outbox.kept.len(), MOST_KEPT_EVENTS);
        let (sender, receiver) = mpsc::sync_channel(2000);
        outbox.events = Box::new(sender);
        outbox.deliver(&mut BusMachine::new(Vec::new(), BusTiming::at_baud(9600)));
        let events: Vec<_> = receiver.try_iter().collect();
        let outcomes = events.iter().filter(|event| matches!(event, BusEvent::Unlock { .. })).count();
        assert_eq!(outcomes, 100);
        assert_eq!(events.last(), Some(&BusEvent::ReportsDropped { count: 1100 - 256 }));
    }
}
