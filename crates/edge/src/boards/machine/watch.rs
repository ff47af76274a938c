//! What a bus shows beyond answers: doors that open unordered, latches that never move anything, cables that lead to
//! another door, item sensors that change behind a closed door, too many bytes that mean nothing.
//!
//! It judges only what was sent and what was seen; whether there was a right to open is the engine's business.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::boards::{BadFrame, BoardAddress, BusHealth, BusTrouble, Door, DoorAddress, DoorState, ItemSense};

/// An opening so long after a pulse is still its effect: some doors wait to be pulled.
const OPENS_WITHIN: Duration = Duration::from_secs(10);
/// A latch that moves anything has moved it by then.
const MOVES_WITHIN: Duration = Duration::from_secs(3);
/// Pulses in a row of one board without any effect until it is said: nobody is sent to the same door again and again. A board
/// that claims to have seen the door open is believed less.
const IN_VAIN: u8 = 3;
const IN_VAIN_THOUGH_SEEN: u8 = 2;
/// An item sensor is believed when the door has been closed for so long and two polls agree.
const ITEM_SETTLES: Duration = Duration::from_secs(1);
/// The same trouble is told again after this while it goes on.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
const BAD_WINDOW: Duration = Duration::from_secs(5);
/// More than a silent board that answers rubbish once a second gives in a window.
const MANY_BAD: usize = 8;
const MANY_UNASKED: usize = 3;

/// The last pulse of a door.
#[derive(Clone, Copy, Debug)]
struct Pulse {
    at: Duration,
    /// The board took it.
    taken: bool,
    /// The board said that its switch saw the door open.
    said_open: bool,
    counted: bool,
    /// The door stood open already: nothing can be learnt from this pulse.
    was_open: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    is_open: Option<bool>,
    since: Duration,
    pulse: Option<Pulse>,
    item: Option<ItemSense>,
    /// A reading that differs from the settled one, once.
    item_doubt: Option<ItemSense>,
}

type Found = (Duration, Option<BoardAddress>, BusTrouble);

/// The memory of one bus.
#[derive(Debug, Default)]
pub(super) struct Watch {
    doors: BTreeMap<DoorAddress, Memory>,
    in_vain: BTreeMap<BoardAddress, u8>,
    told: BTreeMap<BusTrouble, Duration>,
    bad: VecDeque<(Duration, BadFrame)>,
    found: VecDeque<Found>,
}

impl Watch {
    /// An unlock frame leaves; its last bit is out at `at`.
    pub(super) fn pulsed(&mut self, door: DoorAddress, at: Duration, health: &mut BusHealth) {
        let memory = self.doors.entry(door).or_default();
        let numbers = health.doors.entry(door).or_default();
        numbers.pulses += 1;
        let was_open = memory.is_open == Some(true);
        let pulse = Pulse { at, taken: false, said_open: false, counted: was_open, was_open };
        // A door that needs another pulse did not open at the first.
        if memory.pulse.replace(pulse).is_some_and(|before| !before.was_open) {
            numbers.stayed_closed += 1;
        }
    }

    /// The frame did not leave after all, or the board refused.
    pub(super) fn not_pulsed(&mut self, door: DoorAddress) {
        if let Some(memory) = self.doors.get_mut(&door) {
            memory.pulse = None;
        }
    }

    /// The board took the order, and said this of the door.
    pub(super) fn taken(&mut self, door: DoorAddress, said: DoorState) {
        if let Some(pulse) = self.doors.get_mut(&door).and_then(|memory| memory.pulse.as_mut()) {
            pulse.taken = true;
            pulse.said_open = said == DoorState::Open;
        }
    }

    /// A board reported a door.
    pub(super) fn saw(&mut self, now: Duration, board: BoardAddress, door: &Door, health: &mut BusHealth) {
        let at = DoorAddress { board, channel: door.channel };
        let is_open = match door.state {
            DoorState::Open => true,
            DoorState::Closed => false,
            DoorState::Unknown => return,
        };
        let memory = self.doors.entry(at).or_default();
        let before = memory.is_open.replace(is_open);
        if before != Some(is_open) {
            memory.since = now;
            memory.item_doubt = None;
        }
        match (before, is_open) {
            (Some(false), true) => self.opened(now, at, health),
            (_, false) => {
                self.stayed_closed(now, at, health);
                self.item(now, at, door.item);
            }
            (_, true) => self.forget_item(at),
        }
    }

    fn opened(&mut self, now: Duration, door: DoorAddress, health: &mut BusHealth) {
        self.forget_item(door);
        self.in_vain.remove(&door.board);
        let memory = self.doors.entry(door).or_default();
        if let Some(pulse) = memory.pulse.take().filter(|pulse| now <= pulse.at + OPENS_WITHIN) {
            health.doors.entry(door).or_default().opened_after(now.saturating_sub(pulse.at));
            return;
        }
        let ordered = self.doors.iter().find_map(|(other, memory)| {
            let pulse = memory.pulse?;
            (memory.is_open != Some(true) && now <= pulse.at + MOVES_WITHIN).then_some(*other)
        });
        let what = match ordered {
            Some(ordered) => BusTrouble::OtherDoorOpened { ordered, opened: door },
            None => BusTrouble::OpenedUnordered(door),
        };
        self.find(now, Some(door.board), what);
    }

    /// A door that should have moved by now has not.
    fn stayed_closed(&mut self, now: Duration, door: DoorAddress, health: &mut BusHealth) {
        let memory = self.doors.entry(door).or_default();
        let Some(pulse) = &mut memory.pulse else { return };
        if now > pulse.at + OPENS_WITHIN {
            let was_open = pulse.was_open;
            memory.pulse = None;
            if !was_open {
                health.doors.entry(door).or_default().stayed_closed += 1;
            }
            return;
        }
        if pulse.counted || !pulse.taken || now < pulse.at + MOVES_WITHIN {
            return;
        }
        pulse.counted = true;
        let (enough, what) = if pulse.said_open {
            (IN_VAIN_THOUGH_SEEN, BusTrouble::Contradicted(door))
        } else {
            (IN_VAIN, BusTrouble::NeverSeenOpen(door))
        };
        let in_vain = self.in_vain.entry(door.board).or_default();
        *in_vain = in_vain.saturating_add(1);
        if *in_vain >= enough {
            self.find(now, Some(door.board), what);
        }
    }

    fn item(&mut self, now: Duration, door: DoorAddress, item: ItemSense) {
        let memory = self.doors.entry(door).or_default();
        if item == ItemSense::Unknown || now < memory.since + ITEM_SETTLES {
            return;
        }
        if memory.item.is_none_or(|settled| settled == item) {
            (memory.item, memory.item_doubt) = (Some(item), None);
        } else if memory.item_doubt.replace(item) == Some(item) {
            (memory.item, memory.item_doubt) = (Some(item), None);
            self.find(now, Some(door.board), BusTrouble::ItemChangedBehindClosedDoor(door));
        }
    }

    fn forget_item(&mut self, door: DoorAddress) {
        let memory = self.doors.entry(door).or_default();
        (memory.item, memory.item_doubt) = (None, None);
    }

    /// Bytes came that were no answer.
    pub(super) fn bad_frame(&mut self, now: Duration, bad: BadFrame) {
        self.bad.push_back((now, bad));
        while self.bad.len() > 2 * MANY_BAD || self.bad.front().is_some_and(|(at, _)| *at + BAD_WINDOW < now)
        {
            self.bad.pop_front();
        }
        let unasked = self.bad.iter().filter(|(_, bad)| *bad == BadFrame::Unasked).count();
        if unasked >= MANY_UNASKED {
            self.find(now, None, BusTrouble::UnaskedFrames);
        }
        if self.bad.len() >= MANY_BAD {
            self.find(now, None, BusTrouble::ManyBadFrames);
        }
    }

    fn find(&mut self, now: Duration, board: Option<BoardAddress>, what: BusTrouble) {
        self.told.retain(|_, at| *at + AGAIN_AFTER > now);
        if let std::collections::btree_map::Entry::Vacant(new) = self.told.entry(what) {
            new.insert(now);
            self.found.push_back((now, board, what));
        }
    }

    /// The next thing found.
    pub(super) fn next(&mut self) -> Option<Found> {
        self.found.pop_front()
    }
}
