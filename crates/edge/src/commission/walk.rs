//! From lock to lock: one pulse, what the switches say, what a person saw, the door shut again, and on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use bailee_domain::commissioning::{LockFound, Part, PartState, Step};
use bailee_domain::compartment::{CompartmentNo, Wiring};

use super::bench::Bench;
use super::judge::{Known, Pulse, judge, remedy};
use super::parts::{self, Found};
use super::sheet::{DoorSheet, LockSheet, PartSheet, Report, Shelf, part_name, state_name};
use super::technician::{Attempt, Seen, Technician};
use super::{CommissionError, unwritten};
use crate::clock::Clocks;
use crate::config::{BusConfig, CompartmentConfig, EdgeConfig};
use crate::installation::Installation;

/// How long a technician has to close a door.
const CLOSES_WITHIN: Duration = Duration::from_secs(60);
/// How long doors have to be shut before the first lock is tried.
const STEADY: Duration = Duration::from_millis(400);

/// A walk under way.
pub struct Walk<'a> {
    pub(super) bench: Bench,
    pub(super) report: Report,
    pub(super) shelf: &'a Shelf,
    pub(super) technician: &'a mut dyn Technician,
}

impl Walk<'_> {
    /// Tries every lock that is not proved yet, or the one of the door that was repaired.
    ///
    /// # Errors
    /// [`CommissionError`].
    pub fn locks(&mut self, config: &EdgeConfig, buses: &[BusConfig]) -> Result<(), CommissionError> {
        let boards: Vec<_> = buses.iter().flat_map(|bus| &bus.boards).cloned().collect();
        for board in &boards {
            if !self.bench.hears(board.number) {
                continue;
            }
            for channel in 1..=board.channels {
                let lock = Wiring { board: board.number, channel };
                if !self.concerned(config, lock) {
                    continue;
                }
                let attempt = match self.technician.attempt(lock)? {
                    Attempt::RestUnused => break,
                    attempt => attempt,
                };
                if attempt == Attempt::Try {
                    self.lock(config, lock)?;
                }
            }
        }
        Ok(())
    }

    fn concerned(&self, config: &EdgeConfig, lock: Wiring) -> bool {
        if let Some(only) = self.report.only {
            return config.compartments.iter().any(|c| c.number == only && wiring(c) == lock);
        }
        self.report.lock(lock).is_none_or(|sheet| sheet.found() != Some(LockFound::Proved))
    }

    /// Tries one lock until somebody has seen what came of it.
    fn lock(&mut self, config: &EdgeConfig, lock: Wiring) -> Result<(), CommissionError> {
        loop {
            self.bench.listen(STEADY, |_| false);
            let rest = self.bench.levels().clone();
            let pulse = self.bench.pulse(lock)?;
            let hint = hint(&pulse);
            let Seen::Opened(opened) = self.technician.opened(lock, &hint)? else {
                self.bench.step(Step::Answered(LockFound::Unanswered, None))?;
                self.shut(&rest, &pulse.moved);
                continue;
            };
            let known = self.known(lock);
            let mut found = judge(lock, &pulse, &opened, rest.get(&lock).copied(), &known);
            let shut = self.shut(&rest, &pulse.moved);
            if !shut && found == LockFound::Proved {
                found = LockFound::LeftOpen;
            }
            let door = opened.first().copied().filter(|_| opened.len() == 1);
            self.bench.step(Step::Answered(found, door.map(CompartmentNo)))?;
            return self.note(config, lock, found, opened, rest.get(&lock).copied());
        }
    }

    /// Waits until what opened is closed again.
    fn shut(&mut self, rest: &BTreeMap<Wiring, bool>, moved: &BTreeSet<Wiring>) -> bool {
        if moved.is_empty() {
            return true;
        }
        self.technician.tell("  Close it, please.");
        let is_shut = |bench: &Bench| bench.moved(rest).is_empty();
        self.bench.listen(CLOSES_WITHIN, is_shut)
    }

    fn known(&self, lock: Wiring) -> Known {
        let mut known = Known::default();
        for sheet in self.report.locks.iter().filter(|sheet| sheet.wiring() != lock) {
            let proved = sheet.found() == Some(LockFound::Proved);
            if let Some(door) = sheet.door.as_ref().filter(|_| proved) {
                known.doors.insert(sheet.wiring(), door.number);
            }
            if let Some(bit) = sheet.closed_bit.filter(|_| proved) {
                known.closed_bit.entry(sheet.board).or_insert(bit);
            }
        }
        known
    }

    fn note(
        &mut self,
        config: &EdgeConfig,
        lock: Wiring,
        found: LockFound,
        opened: Vec<u16>,
        rest: Option<bool>,
    ) -> Result<(), CommissionError> {
        let door = match (found, opened.first()) {
            (LockFound::Proved, Some(number)) => {
                let usual = self.usual(config, *number);
                Some(self.technician.door(lock, usual)?)
            }
            _ => None,
        };
        let name = door.as_ref().map_or_else(String::new, |door| format!(" (door {})", door.number));
        let (board, channel) = (lock.board, lock.channel);
        self.technician.tell(&format!("  board {board} channel {channel}{name}: {}", remedy(found)));
        let closed_bit = rest.filter(|_| found == LockFound::Proved);
        let found = found.name().to_owned();
        self.report.put(LockSheet { board, channel, found, opened, closed_bit, door });
        // A stop before this proves the lock once more.
        self.shelf.keep(&self.report).map_err(unwritten(Path::new("commissioning")))
    }

    /// What is taken of a door without an answer: what the configuration says, or what the door before it was like.
    fn usual(&self, config: &EdgeConfig, number: u16) -> DoorSheet {
        if let Some(c) = config.compartments.iter().find(|c| c.number == number) {
            let CompartmentConfig { size, low_reach, column, row, height, .. } = *c;
            return DoorSheet { number, size, low_reach, features: c.features.clone(), column, row, height };
        }
        let mut described = self.report.locks.iter().filter_map(|lock| lock.door.as_ref());
        match described.next_back() {
            Some(last) => {
                DoorSheet { number, row: last.row + last.height, features: Vec::new(), ..last.clone() }
            }
            None => DoorSheet {
                number,
                size: 'S',
                low_reach: false,
                features: Vec::new(),
                column: 0,
                row: 0,
                height: 1,
            },
        }
    }

    /// Everything that is no door.
    ///
    /// # Errors
    /// [`CommissionError`].
    pub fn parts(
        &mut self,
        config: &EdgeConfig,
        installation: &Installation,
        clocks: Clocks,
        tpm: Found,
    ) -> Result<(), CommissionError> {
        let now = self.bench.now();
        let mut all = parts::switches(config, self.technician)?;
        all.extend(parts::accelerometers(config, clocks, self.technician)?);
        all.extend(parts::readers(config, installation, clocks, self.technician)?);
        all.push(parts::camera(self.technician)?);
        all.extend([parts::clock(clocks, now), parts::identity(installation), tpm]);
        all.push(parts::supply(Path::new("/sys/class/power_supply")));
        all.into_iter().try_for_each(|(part, state, says)| self.part(part, state, &says))
    }

    /// What was the matter with the lines all along.
    ///
    /// # Errors
    /// [`CommissionError`].
    pub fn trouble(&mut self, buses: &[BusConfig]) -> Result<(), CommissionError> {
        for (index, bus) in buses.iter().enumerate() {
            let trouble = self.bench.trouble.get(&index).cloned().unwrap_or_default();
            let part = Part::Line(super::boards::number(index));
            let told = self.report.parts.iter().any(|sheet| sheet.part == part_name(part));
            if told {
                continue;
            }
            if trouble.is_empty() {
                self.part(part, PartState::Sound, &bus.line.to_string())?;
            } else {
                let words: Vec<_> = trouble.into_iter().collect();
                self.part(part, PartState::Faulty, &format!("{}: {}", bus.line, words.join("; ")))?;
            }
        }
        Ok(())
    }

    /// Notes a part, in the log, in the report and for the technician.
    ///
    /// # Errors
    /// [`CommissionError`].
    pub fn part(&mut self, part: Part, state: PartState, says: &str) -> Result<(), CommissionError> {
        self.bench.step(Step::Checked(part, state))?;
        self.technician.tell(&format!("  {}: {}: {says}", part_name(part), state_name(state)));
        self.report.parts.push(PartSheet::of(part, state, says));
        Ok(())
    }
}

const fn wiring(c: &CompartmentConfig) -> Wiring {
    Wiring { board: c.board, channel: c.channel }
}

fn hint(pulse: &Pulse) -> String {
    let moved: Vec<_> =
        pulse.moved.iter().map(|lock| format!("board {} channel {}", lock.board, lock.channel)).collect();
    match (moved.is_empty(), pulse.told) {
        (true, told) => format!("no switch moved ({told:?})"),
        (false, _) => format!("the switch of {} moved", moved.join(", ")),
    }
}
