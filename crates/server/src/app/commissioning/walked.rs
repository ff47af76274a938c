//! What a bank's events say of its commissioning: the latest of every lock and part, and how the last walk ended.

use std::collections::BTreeMap;

use bailee_domain::commissioning::{LockFound, Part, PartState};
use bailee_domain::compartment::{CompartmentNo, Wiring};
use bailee_domain::event::EventKind;
use bailee_domain::time::WallTime;
use bailee_wire::event::{Leaf, decode};

/// A lock that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// What was found last.
    pub found: LockFound,
    /// The number on the door that opened.
    pub number: Option<CompartmentNo>,
    /// When.
    pub at: WallTime,
}

/// What was proved at a bank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// When the last walk began.
    pub began: Option<WallTime>,
    /// Locks that were tried.
    pub doors: BTreeMap<Wiring, Door>,
    /// Parts that were looked at.
    pub parts: BTreeMap<Part, PartState>,
    /// When the last walk ended, with how many faults and under which report, if it did.
    pub ended: Option<(WallTime, u16, [u8; 32])>,
}

impl Walked {
    /// The fold of a bank's events, in their order.
    pub fn of(events: &[Vec<u8>]) -> Self {
        let mut walked = Self::default();
        let mut tried: BTreeMap<u64, Wiring> = BTreeMap::new();
        for bytes in events {
            let Ok(Leaf::Bank { event, .. }) = decode(bytes) else { continue };
            match event.kind {
                EventKind::CommissioningBegan { only, .. } => {
                    walked.began = Some(event.at);
                    // A repair of one door leaves the verdict about all others.
                    if only.is_none() {
                        walked.ended = None;
                        walked.parts.clear();
                    }
                }
                EventKind::LockTried { board, channel, .. } => {
                    tried.insert(event.seq, Wiring { board, channel });
                }
                EventKind::LockAnswered { trial, found, compartment } => {
                    if let Some(lock) = tried.remove(&trial) {
                        walked.doors.insert(lock, Door { found, number: compartment, at: event.at });
                    }
                }
                EventKind::PartChecked { part, state } => drop(walked.parts.insert(part, state)),
                EventKind::BankCommissioned { report, .. } => {
                    let faults = u16::try_from(walked.wrong()).unwrap_or(u16::MAX);
                    walked.ended = Some((event.at, faults, report));
                }
                _ => {}
            }
        }
        walked
    }

    fn wrong(&self) -> usize {
        let doors = self.doors.values().filter(|door| door.found.is_fault()).count();
        doors + self.parts.values().filter(|state| **state == PartState::Faulty).count()
    }

    /// Doors proved, and locks tried.
    pub fn proved(&self) -> (usize, usize) {
        (self.doors.values().filter(|door| door.found == LockFound::Proved).count(), self.doors.len())
    }

    /// Boards that answered, and boards looked at.
    pub fn boards(&self) -> (usize, usize) {
        let boards = self.parts.iter().filter(|(part, _)| matches!(part, Part::Board(_)));
        let states: Vec<_> = boards.map(|(_, state)| *state).collect();
        (states.iter().filter(|state| **state == PartState::Sound).count(), states.len())
    }

    /// The faults the last walk ended with; nothing while it has not ended.
    pub fn faults(&self) -> Option<u16> {
        self.ended.map(|(_, faults, _)| faults)
    }
}
