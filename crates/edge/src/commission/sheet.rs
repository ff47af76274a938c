//! What is kept of a walk: doors, boards, parts; while it lasts, and in the report it ends in.
//!
//! The report names the technician and stays at the bank; the custody log holds its SHA-256 and salted commitments. Both
//! files are replaced as one, so that a stop leaves the old one or the new one.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use bailee_domain::commissioning::{LockFound, Part, PartState};
use bailee_domain::compartment::Wiring;
use serde::{Deserialize, Serialize};

use crate::config::{BoardKind, Feature};

/// One door as its technician describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorSheet {
    /// The number on it.
    pub number: u16,
    /// `S`, `M`, `L` or `X`.
    pub size: char,
    /// Whether it can be reached from a wheelchair.
    #[serde(default)]
    pub low_reach: bool,
    /// What else it has.
    #[serde(default)]
    pub features: Vec<Feature>,
    /// Column in the front, from 0.
    pub column: u16,
    /// Topmost row in the front, from 0.
    pub row: u16,
    /// Height in rows.
    pub height: u16,
}

/// One lock and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockSheet {
    /// Its board.
    pub board: u8,
    /// Its channel.
    pub channel: u8,
    /// The name of a [`LockFound`].
    pub found: String,
    /// The doors a person saw open.
    pub opened: Vec<u16>,
    /// What its bit is while the door is closed, where that was seen.
    pub closed_bit: Option<bool>,
    /// The door behind it, once it is described.
    pub door: Option<DoorSheet>,
}

impl LockSheet {
    /// Where it is wired.
    pub const fn wiring(&self) -> Wiring {
        Wiring { board: self.board, channel: self.channel }
    }

    /// What was found.
    pub fn found(&self) -> Option<LockFound> {
        LockFound::from_name(&self.found)
    }
}

/// One board that answered, or should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardSheet {
    /// The line it is on.
    pub line: String,
    /// Its number in the configuration.
    pub number: u8,
    /// What it speaks.
    pub kind: BoardKind,
    /// Its address.
    pub address: u8,
    /// Its locks, as far as it tells.
    pub channels: u8,
    /// Whether it answered.
    pub answers: bool,
}

/// One part and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSheet {
    /// Which, in words.
    pub part: String,
    /// `sound`, `faulty`, `absent` or `skipped`.
    pub state: String,
    /// Why, and what to do.
    pub says: String,
}

impl PartSheet {
    /// The sheet of a part.
    pub fn of(part: Part, state: PartState, says: impl Into<String>) -> Self {
        Self { part: part_name(part), state: state_name(state).to_owned(), says: says.into() }
    }
}

/// A part in words.
pub fn part_name(part: Part) -> String {
    match part {
        Part::Line(n) => format!("line {n}"),
        Part::Board(n) => format!("board {n}"),
        Part::Reader(n) => format!("reader {n}"),
        Part::Enclosure(n) => format!("enclosure switch {n}"),
        Part::PrySwitch(n) => format!("pry switch {n}"),
        Part::Vibration(n) => format!("accelerometer {n}"),
        Part::Camera => "camera".into(),
        Part::Clock => "clock".into(),
        Part::Identity => "keys".into(),
        Part::Tpm => "TPM".into(),
        Part::Supply => "supply".into(),
    }
}

/// A state in words.
pub const fn state_name(state: PartState) -> &'static str {
    match state {
        PartState::Sound => "sound",
        PartState::Faulty => "faulty",
        PartState::Absent => "absent",
        PartState::Skipped => "skipped",
    }
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The bank.
    pub bank: String,
    /// Who said they were at work, with the salt of the commitment in the log.
    pub technician: String,
    /// In hexadecimal.
    pub salt: String,
    /// When it began, RFC 3339.
    pub began: String,
    /// When it ended.
    pub ended: String,
    /// The one door of a repair.
    pub only: Option<u16>,
    /// The boards.
    pub boards: Vec<BoardSheet>,
    /// The locks, in the order they were tried.
    pub locks: Vec<LockSheet>,
    /// Everything else.
    pub parts: Vec<PartSheet>,
}

impl Report {
    /// Doors that can be used.
    pub fn usable(&self) -> impl Iterator<Item = (&LockSheet, &DoorSheet)> {
        let proved = self.locks.iter().filter(|lock| lock.found() == Some(LockFound::Proved));
        proved.filter_map(|lock| lock.door.as_ref().map(|door| (lock, door)))
    }

    /// What is wrong, in number.
    pub fn faults(&self) -> usize {
        let locks = self.locks.iter().filter(|lock| lock.found().is_none_or(LockFound::is_fault));
        locks.count() + self.parts.iter().filter(|part| part.state == "faulty").count()
    }

    /// What was found of a lock so far.
    pub fn lock(&self, wiring: Wiring) -> Option<&LockSheet> {
        self.locks.iter().find(|lock| lock.wiring() == wiring)
    }

    /// Replaces what was found of a lock.
    pub fn put(&mut self, lock: LockSheet) {
        self.locks.retain(|old| old.wiring() != lock.wiring());
        self.locks.push(lock);
    }
}

/// Where reports and the walk under way lie.
pub struct Shelf(PathBuf);

impl Shelf {
    /// The shelf of a data folder, made if there is none.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(data_dir: &Path) -> std::io::Result<Self> {
        let dir = data_dir.join("commissioning");
        std::fs::create_dir_all(&dir)?;
        Ok(Self(dir))
    }

    /// The walk that was left; none if there is none, or it can't be read.
    pub fn unfinished(&self) -> Option<Report> {
        serde_json::from_slice(&std::fs::read(self.0.join("unfinished.json")).ok()?).ok()
    }

    /// Keeps a walk for later.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(&self, report: &Report) -> std::io::Result<()> {
        replace(&self.0.join("unfinished.json"), &bytes(report))
    }

    /// Forgets a walk.
    pub fn forget(&self) {
        // It may not be there.
        let _ = std::fs::remove_file(self.0.join("unfinished.json"));
    }

    /// Writes a report; gives its file and its bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn publish(&self, report: &Report, name: &str) -> std::io::Result<(PathBuf, Vec<u8>)> {
        let path = self.0.join(format!("report-{name}.json"));
        let bytes = bytes(report);
        replace(&path, &bytes)?;
        Ok((path, bytes))
    }
}

fn bytes(report: &Report) -> Vec<u8> {
    serde_json::to_vec_pretty(report).expect("plain data becomes JSON")
}

/// Writes beside, syncs, then renames. An existing file keeps its permissions.
///
/// # Errors
/// What the system says; the old file is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let beside = path.with_extension("new");
    let mode = std::fs::metadata(path).map_or(0o600, |old| old.permissions().mode());
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
