//! What a pulsed lock, its board's answer, the switches and a technician's eyes prove together. Pure.

use std::collections::{BTreeMap, BTreeSet};

use bailee_domain::commissioning::LockFound;
use bailee_domain::compartment::Wiring;

use super::bench::Told;

/// What came of one pulse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// How the order ended.
    pub told: Told,
    /// The switches that moved.
    pub moved: BTreeSet<Wiring>,
}

/// What is known of the bank so far.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Which lock opens which door, of those proved.
    pub doors: BTreeMap<Wiring, u16>,
    /// What each board's bits are while its doors are closed, once one door has proved it.
    pub closed_bit: BTreeMap<u8, bool>,
}

/// Judges a pulse: `opened` are the numbers on the doors that a person saw open, `rest` the lock's own bit before it.
pub fn judge(lock: Wiring, pulse: &Pulse, opened: &[u16], rest: Option<bool>, known: &Known) -> LockFound {
    match pulse.told {
        Told::NotSent => return LockFound::NotSent,
        Told::Refused => return LockFound::Refused,
        Told::Taken | Told::Nothing => {}
    }
    let [door] = opened else {
        return match (opened.is_empty(), pulse.told) {
            (false, _) => LockFound::Several,
            (true, Told::Nothing) => LockFound::Unanswered,
            (true, _) => LockFound::StayedClosed,
        };
    };
    if known.doors.iter().any(|(other, known)| known == door && *other != lock) {
        return LockFound::SameDoor;
    }
    match (pulse.moved.len(), pulse.moved.contains(&lock)) {
        (0, _) => LockFound::SensorDead,
        (1, false) => LockFound::Crossed,
        (1, true) if known.closed_bit.get(&lock.board).is_some_and(|bit| Some(*bit) != rest) => {
            LockFound::Inverted
        }
        (1, true) => LockFound::Proved,
        _ => LockFound::Several,
    }
}

/// What somebody must do about it, in words for a terminal and a report.
pub fn remedy(found: LockFound) -> &'static str {
    match found {
        LockFound::Proved => "its lock and its switch are proved",
        LockFound::Crossed => {
            "another door's switch answered: two lock or switch cables are swapped; put them right"
        }
        LockFound::SensorDead => "it opened and its switch did not move: look at the switch and its cable",
        LockFound::Several => "more than one door answered: look for a bridge between two cables",
        LockFound::SameDoor => {
            "another lock opens this door as well: one of the two cables is on the wrong channel"
        }
        LockFound::Inverted => {
            "its switch is wired the other way round than those of its board proved before it"
        }
        LockFound::StayedClosed => "nothing opened: look at the lock, its cable and its latch",
        LockFound::NotSent => "the order never left: the line is gone or never free",
        LockFound::Refused => "the board declined: is the channel there?",
        LockFound::Unanswered => "the board did not answer and nothing opened: cable, power, address",
        LockFound::Unused => "nothing is wired there",
        LockFound::LeftOpen => "it was not seen closed again: close it, or look at its switch",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn lock(channel: u8) -> Wiring {
        Wiring { board: 1, channel }
    }

    fn judged(told: Told, moved: &[Wiring], opened: &[u16], rest: bool) -> LockFound {
        let known = Known { doors: BTreeMap::from([(lock(1), 11)]), closed_bit: BTreeMap::from([(1, true)]) };
        let pulse = Pulse { told, moved: moved.iter().copied().collect() };
        judge(lock(2), &pulse, opened, Some(rest), &known)
    }

    #[test]
    fn only_the_lock_its_own_switch_and_one_new_door_are_a_proof() {
        let other = Wiring { board: 2, channel: 2 };
        for (expected, told, moved, opened, rest) in [
            (LockFound::Proved, Told::Taken, &[lock(2)][..], &[12][..], true),
            // Boards that never answer an unlock: the switch is proof enough.
            (LockFound::Proved, Told::Nothing, &[lock(2)], &[12], true),
            (LockFound::Inverted, Told::Taken, &[lock(2)], &[12], false),
            (LockFound::Crossed, Told::Taken, &[other], &[12], true),
            (LockFound::Crossed, Told::Taken, &[lock(1)], &[12], true),
            (LockFound::SensorDead, Told::Taken, &[], &[12], true),
            (LockFound::SameDoor, Told::Taken, &[lock(1)], &[11], true),
            (LockFound::Several, Told::Taken, &[lock(1), lock(2)], &[12], true),
            (LockFound::Several, Told::Taken, &[lock(2)], &[12, 13], true),
            (LockFound::StayedClosed, Told::Taken, &[], &[], true),
            (LockFound::StayedClosed, Told::Taken, &[lock(2)], &[], true),
            (LockFound::Unanswered, Told::Nothing, &[], &[], true),
            (LockFound::NotSent, Told::NotSent, &[], &[12], true),
            (LockFound::Refused, Told::Refused, &[], &[12], true),
        ] {
            assert_eq!(judged(told, moved, opened, rest), expected, "{told:?} {moved:?} {opened:?} {rest}");
        }
    }
}
