//! The doors' openings over the days, kept in one file of the data folder.
//!
//! It is written beside and renamed, so a stop leaves the old one or the new one; one that can't be read is begun anew. It is no
//! evidence, only experience: losing it loses a trend.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::health::MAX_DOORS;
use bailee_domain::health::wear::{Day, Pulse, Record};
use serde::{Deserialize, Serialize};

use super::Place;
use crate::boards::{BusHealth, DoorAddress, DoorNumbers};

/// A file longer than this was not written here.
const MAX_BYTES: u64 = 1 << 20;

/// Why the book was not written.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be written")]
pub struct BookError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    doors: Vec<KeptDoor>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptDoor {
    number: u16,
    /// Milliseconds, or nothing for a pulse in vain.
    recent: Vec<Option<u32>>,
    /// Day and median.
    days: Vec<(u32, u32)>,
}

/// Every door's openings.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    doors: BTreeMap<CompartmentNo, Record>,
    /// The buses' numbers that are already in the records.
    taken: BTreeMap<(usize, DoorAddress), DoorNumbers>,
    changed: bool,
}

impl Book {
    /// The book of a data folder; an empty one if there is none that can be read.
    pub fn open(data_dir: &Path) -> Self {
        let path = data_dir.join("doors.json");
        let doors = read(&path).unwrap_or_default();
        Self { path, doors, taken: BTreeMap::new(), changed: false }
    }

    /// Takes what a bus has counted; `place` says which compartment a lock is.
    pub fn take(
        &mut self,
        bus: usize,
        day: u32,
        numbers: &BusHealth,
        place: impl Fn(crate::boards::BoardAddress, u8) -> Option<CompartmentNo>,
    ) {
        let place: Place<'_> = &place;
        for (address, now) in &numbers.doors {
            let before = self.taken.insert((bus, *address), *now).unwrap_or_default();
            let Some(door) = place(address.board, address.channel.number()) else { continue };
            if !self.doors.contains_key(&door) && self.doors.len() >= MAX_DOORS {
                continue;
            }
            let in_vain = now.stayed_closed.saturating_sub(before.stayed_closed);
            let opened = now.opened.saturating_sub(before.opened);
            let took = now.latest.map_or(0, |took| u32::try_from(took.as_millis()).unwrap_or(u32::MAX));
            if in_vain + opened == 0 {
                continue;
            }
            let record = self.doors.entry(door).or_default();
            // More than a few between two looks are a count that is not one.
            (0..in_vain.min(8)).for_each(|_| record.note(day, Pulse::InVain));
            (0..opened.min(8)).for_each(|_| record.note(day, Pulse::Opened(took)));
            self.changed = true;
        }
    }

    /// Every door that was ever ordered.
    pub fn doors(&self) -> impl Iterator<Item = (CompartmentNo, &Record)> {
        self.doors.iter().map(|(door, record)| (*door, record))
    }

    /// Writes what has changed.
    ///
    /// # Errors
    /// [`BookError`]; the old book is still there.
    pub fn keep(&mut self) -> Result<(), BookError> {
        if !self.changed {
            return Ok(());
        }
        let doors = self.doors.iter().map(|(door, record)| kept(*door, record)).collect();
        let text = serde_json::to_vec(&File { doors }).expect("plain data becomes JSON");
        let beside = self.path.with_extension("new");
        // A stop here leaves the old book and a draft that the next one replaces.
        let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, &self.path));
        written.map_err(|source| BookError { path: self.path.clone(), source })?;
        self.changed = false;
        Ok(())
    }
}

fn kept(door: CompartmentNo, record: &Record) -> KeptDoor {
    let pulse = |pulse| match pulse {
        Pulse::Opened(took) => Some(took),
        Pulse::InVain => None,
    };
    let days = record.days().map(|day| (day.day, day.median_ms)).collect();
    KeptDoor { number: door.0, recent: record.recent().map(pulse).collect(), days }
}

fn read(path: &Path) -> Option<BTreeMap<CompartmentNo, Record>> {
    if fs::metadata(path).ok()?.len() > MAX_BYTES {
        tracing::warn!(path = %path.display(), "the doors' openings are begun anew: the file is too long");
        return None;
    }
    let Ok(file) = serde_json::from_slice::<File>(&fs::read(path).ok()?) else {
        tracing::warn!(path = %path.display(), "the doors' openings are begun anew: the file can't be read");
        return None;
    };
    let door = |kept: KeptDoor| {
        let recent = kept.recent.into_iter().map(|took| took.map_or(Pulse::InVain, Pulse::Opened));
        let days = kept.days.into_iter().map(|(day, median_ms)| Day { day, median_ms });
        (CompartmentNo(kept.number), Record::restored(recent, days))
    };
    Some(file.doors.into_iter().take(MAX_DOORS).map(door).collect())
}
