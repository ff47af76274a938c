//! Which boards hang on which line: those that answer, those that should, and what is made of the difference.

use std::time::Duration;

use bailee_domain::commissioning::{Part, PartState};

use super::CommissionError;
use super::scan::{FoundBoard, kinds, scan};
use super::sheet::BoardSheet;
use super::walk::Walk;
use crate::clock::Clocks;
use crate::config::{BoardConfig, BusConfig, ClosedWhen, EdgeConfig};

/// How long boards have to answer once their line is open.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Finds the boards of every line, adds those that were not configured, and gives the lines as they are.
///
/// # Errors
/// [`CommissionError`].
pub fn find(
    walk: &mut Walk<'_>,
    config: &mut EdgeConfig,
    clocks: Clocks,
) -> Result<Vec<BusConfig>, CommissionError> {
    if walk.report.only.is_some() {
        return Ok(config.buses.clone());
    }
    for index in 0..config.buses.len() {
        let found = look_at(walk, &config.buses[index], index, clocks)?;
        for board in found {
            take(walk, config, index, board);
        }
        // The first kind that answers is the line's: no two speak alike.
        let speech = config.buses[index].boards.first().map(|board| board.kind.speech());
        config.buses[index].boards.retain(|board| Some(board.kind.speech()) == speech);
    }
    Ok(config.buses.clone())
}

fn look_at(
    walk: &mut Walk<'_>,
    bus: &BusConfig,
    index: usize,
    clocks: Clocks,
) -> Result<Vec<FoundBoard>, CommissionError> {
    let line = bus.line.to_string();
    let mut found = Vec::new();
    for kind in kinds(bus) {
        let (addresses, _) = kind.bounds();
        let highest =
            walk.technician.highest_address(&format!("{line} for {}", kind.name()), *addresses.end())?;
        walk.technician
            .tell(&format!("Asking {line} for {} boards, addresses up to {highest} …", kind.name()));
        let scanned = scan(bus, kind, highest, clocks);
        if let Some(why) = scanned.no_line {
            walk.part(Part::Line(number(index)), PartState::Faulty, &why)?;
            walk.technician.go_on(&format!("{line} can't be used ({why}). Go on without it?"))?;
            return Ok(Vec::new());
        }
        walk.bench.trouble.entry(index).or_default().extend(scanned.trouble);
        found = scanned.boards;
        if !found.is_empty() {
            break;
        }
    }
    Ok(found)
}

/// A board that is configured keeps its number, and its kind where the scan can't tell; another one gets the next number.
fn take(walk: &mut Walk<'_>, config: &mut EdgeConfig, index: usize, found: FoundBoard) {
    let known = config.buses[index].boards.iter().find(|board| board.address == found.address);
    let words = format!("{} at address {}, {} channels", found.kind.name(), found.address, found.channels);
    if let Some(known) = known {
        return walk.technician.tell(&format!("  board {} answers: {words}", known.number));
    }
    let numbers = config.buses.iter().flat_map(|bus| &bus.boards).map(|board| board.number);
    let number = numbers.max().unwrap_or(0).saturating_add(1);
    walk.technician.tell(&format!("  new: {words}; it becomes board {number}"));
    config.buses[index].boards.push(BoardConfig {
        number,
        kind: found.kind,
        address: found.address,
        channels: found.channels,
        closed_when: ClosedWhen::BitSet,
        pulse_ms: None,
    });
}

/// Waits for every board and notes which answer.
///
/// # Errors
/// [`CommissionError`], also when the technician does not want to go on.
pub fn answer(walk: &mut Walk<'_>, buses: &[BusConfig]) -> Result<(), CommissionError> {
    let boards: Vec<(String, BoardConfig)> = buses
        .iter()
        .flat_map(|bus| bus.boards.iter().map(|board| (bus.line.to_string(), board.clone())))
        .collect();
    let all = boards.clone();
    walk.bench.listen(ANSWERS_WITHIN, |bench| all.iter().all(|(_, board)| bench.hears(board.number)));
    let mut silent = Vec::new();
    for (line, board) in boards {
        let answers = walk.bench.hears(board.number);
        let BoardConfig { number, kind, address, channels, .. } = board;
        walk.report.boards.push(BoardSheet { line, number, kind, address, channels, answers });
        if answers {
            walk.part(
                Part::Board(number),
                PartState::Sound,
                &format!("{} at address {address}", kind.name()),
            )?;
        } else {
            let says = format!("{} at address {address} does not answer: cable, power, address", kind.name());
            walk.part(Part::Board(number), PartState::Faulty, &says)?;
            silent.push(number.to_string());
        }
    }
    if !silent.is_empty() {
        walk.technician
            .go_on(&format!("Board {} does not answer. Go on with the others?", silent.join(", ")))?;
    }
    Ok(())
}

pub(super) fn number(index: usize) -> u8 {
    u8::try_from(index + 1).unwrap_or(u8::MAX)
}
