//! One board with its doors: what its coils, switches and item sensors do, rightly or wrongly. How that is said is in
//! `speech`.

use std::{collections::BTreeSet, time::Duration};

use super::{Fault, speech::Family};

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
    /// What it speaks.
    pub family: Family,
    /// Its address on the bus.
    pub address: u8,
    /// Its locks.
    pub locks: u8,
    /// Its switches.
    pub wiring: Wiring,
    /// How long a coil is energised, where the board is not told; the answer of an `8A/80` board follows.
    pub pulse: Duration,
}

impl BoardPlan {
    /// An `8A/80` board of the usual kind: switches short when locked, pulses of 500 ms.
    #[must_use]
    pub fn usual(address: u8, locks: u8) -> Self {
        Self::of(Family::Xor8a80, address, locks)
    }

    /// A board as it is delivered.
    #[must_use]
    pub fn of(family: Family, address: u8, locks: u8) -> Self {
        let pulse = Duration::from_millis(500);
        Self { family, address, locks, wiring: Wiring::ShortWhenLocked, pulse }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Door {
    is_open: bool,
    is_stuck: bool,
    has_item: bool,
    pulses: u32,
}

/// One board.
#[derive(Clone, Debug)]
pub(super) struct SimBoard {
    pub plan: BoardPlan,
    pub faults: BTreeSet<Fault>,
    /// It took an unlock too many and hangs.
    pub is_hung: bool,
    doors: Vec<Door>,
}

impl SimBoard {
    pub(super) fn new(plan: BoardPlan) -> Self {
        let doors = vec![Door::default(); usize::from(plan.locks)];
        Self { plan, faults: BTreeSet::new(), is_hung: false, doors }
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// A fault's number, if the board has it.
    pub(super) fn fault<T>(&self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.faults.iter().find_map(pick)
    }

    pub(super) fn is_deaf(&self) -> bool {
        self.is_hung || self.has(Fault::Silent)
    }

    pub(super) fn mend(&mut self) {
        self.faults.clear();
        self.is_hung = false;
        self.doors.iter_mut().for_each(|door| door.is_stuck = false);
    }

    pub(super) fn has_lock(&self, lock: u8) -> bool {
        self.door(lock).is_some()
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

    pub(super) fn has_item(&self, lock: u8) -> bool {
        self.door(lock).is_some_and(|door| door.has_item)
    }

    pub(super) fn pulses(&self, lock: u8) -> u32 {
        self.door(lock).map_or(0, |door| door.pulses)
    }

    pub(super) fn stick(&mut self, lock: u8, is_stuck: bool) {
        if let Some(door) = self.door_mut(lock) {
            door.is_stuck = is_stuck;
        }
    }

    pub(super) fn place_item(&mut self, lock: u8, has_item: bool) {
        if let Some(door) = self.door_mut(lock) {
            door.has_item = has_item;
        }
    }

    /// Moves a door; true if it moved.
    pub(super) fn move_door(&mut self, lock: u8, is_open: bool) -> bool {
        self.door_mut(lock).is_some_and(|door| std::mem::replace(&mut door.is_open, is_open) != is_open)
    }

    /// Energises a coil; true if the door sprang open.
    pub(super) fn pulse(&mut self, lock: u8) -> bool {
        let lies = self.has(Fault::Lies);
        let Some(door) = self.door_mut(lock) else { return false };
        door.pulses += 1;
        !lies && !door.is_stuck && !std::mem::replace(&mut door.is_open, true)
    }

    fn closed_bit(&self) -> bool {
        (self.plan.wiring == Wiring::ShortWhenLocked) != self.has(Fault::InvertedPolarity)
    }

    /// The bit of a door as the switches say it; clear for locks that don't exist.
    pub(super) fn bit(&self, lock: u8) -> bool {
        self.door(lock).is_some_and(|door| {
            let is_dead = self.has(Fault::Lies) || self.has(Fault::DeadSwitch(lock));
            let is_open = door.is_open && !is_dead;
            is_open != (self.closed_bit() != self.has(Fault::OddSwitch(lock)))
        })
    }

    /// The bit an answer to an unlock carries.
    pub(super) fn bit_after_unlock(&self, lock: u8) -> bool {
        if self.has(Fault::Lies) { !self.closed_bit() } else { self.bit(lock) }
    }

    pub(super) fn item_bit(&self, lock: u8) -> bool {
        self.has_lock(lock) && self.has_item(lock) != self.has(Fault::ItemLies)
    }

    /// The address as the board says it.
    pub(super) fn spoken_address(&self) -> u8 {
        self.plan.address + u8::from(self.has(Fault::WrongAddress))
    }
}

/// Status bytes of locks `1..=8 * groups`, lowest group first.
pub(super) fn groups(count: u8, bit: impl Fn(u8) -> bool) -> Vec<u8> {
    let group = |group: u8| {
        let bits = (0..8).filter(|at| bit(group * 8 + at + 1));
        bits.fold(0, |byte, at| byte | 1 << at)
    };
    (0..count).map(group).collect()
}
