//! One `8A/80` board with its doors: what it answers, rightly or wrongly. Bytes in docs/reference/boards.md.

use std::{collections::BTreeSet, time::Duration};

/// How the door switches are wired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// The bit is set while the door is closed.
    ShortWhenLocked,
    /// The bit is set while the door is open.
    ShortWhenOpen,
}

/// One board as it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardPlan {
    /// Its address on the bus.
    pub address: u8,
    /// Its locks.
    pub locks: u8,
    /// Its switches.
    pub wiring: Wiring,
    /// How long a coil is energised; the answer follows.
    pub pulse: Duration,
}

impl BoardPlan {
    /// A board of the usual kind: switches short when locked, pulses of 500 ms.
    #[must_use]
    pub fn usual(address: u8, locks: u8) -> Self {
        Self { address, locks, wiring: Wiring::ShortWhenLocked, pulse: Duration::from_millis(500) }
    }
}

/// What can be wrong with a board or its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The adapter gives every byte it sends back.
    Echo,
    /// Answers come in two bursts, 15 ms apart.
    SplitAnswers,
    /// Answers come this much later.
    Late(Duration),
    /// The check byte is wrong.
    WrongCheckByte,
    /// Nothing is answered and no latch moves.
    Silent,
    /// Latches move, but nothing is answered.
    Mute,
    /// The switches are wired the other way round.
    InvertedPolarity,
    /// Query answers have this many status bytes, whatever the number of locks.
    StatusBytes(u8),
    /// Every door movement is reported without being asked, with header 82.
    Pushes,
    /// Bytes without sense, without pause.
    Garbage,
    /// Answers name another board.
    WrongAddress,
}

#[derive(Clone, Copy, Debug, Default)]
struct Door {
    is_open: bool,
    is_stuck: bool,
    pulses: u32,
}

/// One board.
#[derive(Clone, Debug)]
pub(super) struct SimBoard {
    pub plan: BoardPlan,
    pub faults: BTreeSet<Fault>,
    doors: Vec<Door>,
}

impl SimBoard {
    pub(super) fn new(plan: BoardPlan) -> Self {
        Self { plan, faults: BTreeSet::new(), doors: vec![Door::default(); usize::from(plan.locks)] }
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn door(&self, lock: u8) -> Option<&Door> {
        self.doors.get(usize::from(lock.checked_sub(1)?))
    }

    fn door_mut(&mut self, lock: u8) -> Option<&mut Door> {
        self.doors.get_mut(usize::from(lock.checked_sub(1)?))
    }

    pub(super) fn is_open(&self, lock: u8) -> bool {
        self.door(lock).is_some_and(|door| door.is_open)
    }

    pub(super) fn pulses(&self, lock: u8) -> u32 {
        self.door(lock).map_or(0, |door| door.pulses)
    }

    pub(super) fn stick(&mut self, lock: u8, is_stuck: bool) {
        if let Some(door) = self.door_mut(lock) {
            door.is_stuck = is_stuck;
        }
    }

    /// Moves a door; true if it moved.
    pub(super) fn move_door(&mut self, lock: u8, is_open: bool) -> bool {
        self.door_mut(lock).is_some_and(|door| std::mem::replace(&mut door.is_open, is_open) != is_open)
    }

    /// Energises a coil; true if the door sprang open.
    pub(super) fn pulse(&mut self, lock: u8) -> bool {
        let Some(door) = self.door_mut(lock) else { return false };
        door.pulses += 1;
        !door.is_stuck && !std::mem::replace(&mut door.is_open, true)
    }

    /// The bit of a door as the switches say it.
    fn bit(&self, lock: u8) -> bool {
        let set_when_closed =
            (self.plan.wiring == Wiring::ShortWhenLocked) != self.has(Fault::InvertedPolarity);
        self.door(lock).is_some_and(|door| door.is_open != set_when_closed)
    }

    fn state_byte(&self, lock: u8) -> u8 {
        if self.bit(lock) { 0x11 } else { 0x00 }
    }

    /// `header A L S x`.
    pub(super) fn lock_frame(&self, header: u8, lock: u8) -> Vec<u8> {
        self.finish(vec![header, self.spoken_address(), lock, self.state_byte(lock)])
    }

    /// `80 A Gn .. G1 33 x`.
    pub(super) fn all_frame(&self) -> Vec<u8> {
        let usual = self.plan.locks.div_ceil(8);
        let groups = self.faults.iter().find_map(|fault| match fault {
            Fault::StatusBytes(count) => Some(*count),
            _ => None,
        });
        let mut frame = vec![0x80, self.spoken_address()];
        for group in (0..groups.unwrap_or(usual)).rev() {
            let bits = (0..8).filter(|bit| self.bit(group * 8 + bit + 1));
            frame.push(bits.fold(0, |byte, bit| byte | 1 << bit));
        }
        frame.push(0x33);
        self.finish(frame)
    }

    fn spoken_address(&self) -> u8 {
        self.plan.address + u8::from(self.has(Fault::WrongAddress))
    }

    fn finish(&self, mut frame: Vec<u8>) -> Vec<u8> {
        let check = super::bus::xor(&frame) ^ u8::from(self.has(Fault::WrongCheckByte));
        frame.push(check);
        frame
    }
}
