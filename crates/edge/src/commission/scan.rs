//! Finding lock boards: every address of every kind that a line may have is asked for its doors, and nothing else.
//!
//! Asking is all that is sent (a Modbus board is told to put its outputs to rest first, as at every start): no frame of a
//! scan can energise a coil of any kind of board, which `bailee-sim` proves for every pair of kinds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::time::Duration;

use crate::boards::{BoardAddress, Bus, BusEvent, BusSettings, BusTiming, BusTrouble, DoorState};
use crate::clock::Clocks;
use crate::config::{BoardConfig, BoardKind, BusConfig, ClosedWhen};

/// How often every address is asked.
const ASKED: u64 = 2;
/// What a scan of one kind may take beyond the time its questions need.
const PATIENCE: Duration = Duration::from_secs(5);
const A_QUESTION: Duration = Duration::from_millis(400);

/// A board that answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundBoard {
    /// Its address.
    pub address: u8,
    /// What it speaks; a `CU12` can't be told from a `CU16`.
    pub kind: BoardKind,
    /// How many locks it tells of.
    pub channels: u8,
}

/// What a line said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// The boards, by address.
    pub boards: Vec<FoundBoard>,
    /// What is the matter with the line, in words.
    pub trouble: BTreeSet<String>,
    /// The line can't be opened.
    pub no_line: Option<String>,
}

/// The kinds a line may have: that of its configured boards, or all.
pub fn kinds(bus: &BusConfig) -> Vec<BoardKind> {
    match bus.boards.first().map(|board| board.kind) {
        Some(BoardKind::Cu12) => vec![BoardKind::Cu16],
        Some(kind) => vec![kind],
        None => vec![BoardKind::Xor8a80, BoardKind::Cu16, BoardKind::Cu48, BoardKind::ModbusRelay],
    }
}

/// Asks every address of one kind up to `highest` on a line nobody else has open.
pub fn scan(bus: &BusConfig, kind: BoardKind, highest: u8, clocks: Clocks) -> Scanned {
    let (addresses, most) = kind.bounds();
    let addresses: Vec<u8> = addresses.filter(|address| *address <= highest).collect();
    let sizes: &[u8] = if kind == BoardKind::ModbusRelay { &[32, 16, 8] } else { &[most] };
    let mut all = Scanned::default();
    for channels in sizes {
        let known: BTreeSet<u8> = all.boards.iter().map(|board| board.address).collect();
        let left: Vec<u8> = addresses.iter().copied().filter(|address| !known.contains(address)).collect();
        let boards: Vec<_> = left.iter().map(|address| asked(kind, *address, *channels)).collect();
        let pass = sweep(bus, kind, &boards, clocks);
        all.boards.extend(pass.boards);
        all.trouble.extend(pass.trouble);
        if pass.no_line.is_some() {
            return Scanned { no_line: pass.no_line, ..all };
        }
    }
    all.boards.sort();
    all
}

fn asked(kind: BoardKind, address: u8, channels: u8) -> BoardConfig {
    BoardConfig { number: 0, kind, address, channels, closed_when: ClosedWhen::BitSet, pulse_ms: None }
}

/// One pass over boards of one kind.
fn sweep(bus: &BusConfig, kind: BoardKind, boards: &[BoardConfig], clocks: Clocks) -> Scanned {
    let mut scanned = Scanned::default();
    let drivers = boards.iter().map(|board| board.driver().expect("addresses and channels are of its kind"));
    let baud = bus.baud.unwrap_or_else(|| kind.usual_baud());
    let settings = BusSettings { line: bus.line.clone(), timing: BusTiming::at_baud(baud) };
    let (sender, inbox) = mpsc::sync_channel(256);
    let clock = Box::new(move || clocks.elapsed());
    let opened = match Bus::open(settings, drivers.collect(), clock, Box::new(sender)) {
        Ok(opened) => opened,
        Err(error) => {
            let cause =
                std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
            scanned.no_line = Some(format!("{error}{cause}"));
            return scanned;
        }
    };
    let mut channels: BTreeMap<BoardAddress, u8> = BTreeMap::new();
    let count = u32::try_from(boards.len()).unwrap_or(u32::MAX);
    let ends = clocks.elapsed() + PATIENCE + A_QUESTION * count * 2;
    let mut over_at = None;
    while clocks.elapsed() < over_at.unwrap_or(ends) {
        match inbox.recv_timeout(Duration::from_millis(50)) {
            Ok(BusEvent::Doors { board, doors, .. }) => {
                let told = doors.iter().filter(|door| door.state != DoorState::Unknown);
                let last = told.map(|door| door.channel.number()).max().unwrap_or(0);
                let known = channels.entry(board).or_default();
                *known = (*known).max(last);
            }
            Ok(BusEvent::LineLost { .. }) => {
                scanned.no_line = Some("the line is not there".into());
                return scanned;
            }
            Ok(event) => scanned.trouble.extend(trouble(&event)),
            Err(_) => {}
        }
        let health = opened.health();
        let done = boards.iter().all(|board| {
            health.boards.get(&BoardAddress(board.address)).is_some_and(|asked| asked.requests >= ASKED)
        });
        if done && over_at.is_none() {
            // A board whose first answer only told whether the adapter echoes is asked once more.
            over_at = Some(clocks.elapsed() + Duration::from_millis(800));
        }
    }
    if over_at.is_none() {
        scanned.trouble.insert("somebody speaks on this line all the time".into());
    }
    let found = |(address, channels): (&BoardAddress, &u8)| FoundBoard {
        address: address.0,
        kind,
        channels: *channels,
    };
    scanned.boards = channels.iter().filter(|(_, channels)| **channels > 0).map(found).collect();
    scanned
}

/// What an event says is wrong with the line.
pub fn trouble(event: &BusEvent) -> Option<String> {
    match event {
        BusEvent::Trouble { what: BusTrouble::ManyBadFrames, .. } => {
            Some("many bytes that are no answer: noise, wiring, a wrong speed, or a board that floods".into())
        }
        BusEvent::Trouble { what: BusTrouble::UnaskedFrames, .. } => {
            Some("frames nobody asked for: a second master, or a board that floods".into())
        }
        _ => None,
    }
}
