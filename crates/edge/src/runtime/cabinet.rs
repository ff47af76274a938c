//! The loop's side of the boards: orders to them, and what they report as the engine's inputs.

use std::time::Duration;

use bailee_domain::bank::io::{BoardHealth, Input, UnlockResult};
use bailee_domain::compartment::{CompartmentNo, Sensed, Wiring};
use bailee_domain::tamper::{Sign, Source, Tamper};
use bailee_domain::time::MonoTime;
use bailee_domain::truth::ItemSensed;
use rand_core::CryptoRng;

use super::Engine;
use crate::boards::{
    BoardAddress, BusEvent, BusTrouble, Channel, Door, DoorAddress, DoorState, ItemSense, Ticket,
    UnlockError, UnlockOrder,
};
use crate::journal::Disk;

impl<D: Disk, R: CryptoRng> Engine<D, R> {
    pub(super) fn unlock(&mut self, ticket: u64, wiring: Wiring, deadline: MonoTime) {
        let order = self.wires.boards.get(&wiring.board).zip(Channel::new(wiring.channel));
        let sent = order.map(|((bus, board), channel)| {
            let door = DoorAddress { board: *board, channel };
            let not_after = Duration::from_millis(deadline.ms());
            self.buses[*bus].unlock(UnlockOrder { ticket: Ticket(ticket), door, not_after })
        });
        if !matches!(sent, Some(Ok(()))) {
            self.handle(Input::Unlocked { ticket, result: UnlockResult::NotSent });
        }
    }

    pub(super) fn bus_event(&mut self, bus: usize, event: BusEvent) {
        match event {
            BusEvent::Unlock { ticket, outcome, .. } => {
                let result = match outcome {
                    Ok(_) => UnlockResult::Pulsed,
                    Err(UnlockError::Refused) => UnlockResult::Refused,
                    Err(UnlockError::NotSent(_)) => UnlockResult::NotSent,
                    Err(UnlockError::OutcomeUnknown(_)) => UnlockResult::Unknown,
                };
                self.handle(Input::Unlocked { ticket: ticket.0, result });
            }
            BusEvent::Doors { board, doors, .. } => {
                doors.iter().for_each(|door| self.door(bus, board, door));
            }
            BusEvent::DoorPushed { board, door, .. } => self.door(bus, board, &door),
            BusEvent::Silent { board, .. } => self.board(bus, board, BoardHealth::Silent),
            BusEvent::Back { board, .. } => self.board(bus, board, BoardHealth::Answering),
            other => self.bus_sign(bus, &other),
        }
    }

    fn door(&mut self, bus: usize, address: BoardAddress, door: &Door) {
        let sensed = match door.state {
            DoorState::Open => Sensed::Open,
            DoorState::Closed => Sensed::Closed,
            DoorState::Unknown => Sensed::Unknown,
        };
        let wiring =
            self.wires.number(bus, address).map(|board| Wiring { board, channel: door.channel.number() });
        if let Some(compartment) = wiring.and_then(|wiring| self.layout.at(wiring)).map(|c| c.number) {
            if sensed == Sensed::Closed {
                self.sensors.door_closed();
            }
            self.handle(Input::Door { compartment, sensed });
            self.item(compartment, door.item);
        }
    }

    fn board(&mut self, bus: usize, address: BoardAddress, health: BoardHealth) {
        if let Some(board) = self.wires.number(bus, address) {
            self.health.insert(board, health);
            self.handle(Input::Board { board, health });
        }
    }

    /// An item sensor's reading, when it has changed: most boards have none.
    fn item(&mut self, compartment: CompartmentNo, sense: ItemSense) {
        let item = match sense {
            ItemSense::Present => ItemSensed::Present,
            ItemSense::Absent => ItemSensed::Absent,
            ItemSense::Unknown => ItemSensed::Unknown,
        };
        let before = self.items.insert(compartment, item).unwrap_or(ItemSensed::Unknown);
        if before != item {
            self.handle(Input::Item { compartment, item });
        }
    }

    /// What a bus reports besides doors, as a sign of tampering where it is one.
    fn bus_sign(&mut self, bus: usize, event: &BusEvent) {
        let line = Source::Bus(u8::try_from(bus).unwrap_or(u8::MAX));
        let (tamper, sign) = match event {
            BusEvent::Trouble { what: BusTrouble::ManyBadFrames, .. } => (Tamper::BadFrames, Sign::Present),
            BusEvent::Trouble { what: BusTrouble::UnaskedFrames, .. } => (Tamper::Unsolicited, Sign::Present),
            BusEvent::Trouble { what, .. } => return self.bus_trouble(bus, *what),
            BusEvent::LineLost { .. } => (Tamper::Silent, Sign::Present),
            BusEvent::LineBack { .. } => (Tamper::Silent, Sign::Gone),
            other => return tracing::debug!(?other, "bus"),
        };
        self.handle(Input::Tamper { source: line, tamper, sign });
    }

    /// What an honest cabinet does not do. Doors that no order opened are the engine's own to see.
    fn bus_trouble(&mut self, bus: usize, what: BusTrouble) {
        let (at, tamper) = match what {
            BusTrouble::OtherDoorOpened { opened, .. } => (opened, Tamper::Crossed),
            BusTrouble::Contradicted(door) => (door, Tamper::BothWays),
            BusTrouble::NeverSeenOpen(door) => (door, Tamper::StaysShut),
            BusTrouble::ItemChangedBehindClosedDoor(door) => (door, Tamper::Unsteady),
            other => return tracing::warn!(?other, bus, "trouble on a bus"),
        };
        let wiring =
            self.wires.number(bus, at.board).map(|board| Wiring { board, channel: at.channel.number() });
        if let Some(compartment) = wiring.and_then(|wiring| self.layout.at(wiring)).map(|c| c.number) {
            let source = Source::Door(compartment);
            self.handle(Input::Tamper { source, tamper, sign: Sign::Present });
        }
    }
}
