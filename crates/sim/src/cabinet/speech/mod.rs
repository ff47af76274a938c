//! What boards understand and say, written from the vendors' tables and not from the drivers. Bytes in
//! docs/reference/boards.md.

mod kerong;
mod modbus;
mod xor;

use std::{fmt, str::FromStr, time::Duration};

use super::board::SimBoard;

/// A kind of board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// The generic board with XOR check byte.
    Xor8a80,
    /// KERONG CU12.
    Cu12,
    /// KERONG CU16.
    Cu16,
    /// KERONG CU48.
    Cu48,
    /// Modbus-RTU relays with inputs.
    ModbusRelay,
}

const NAMES: [(&str, Family); 5] = [
    ("8a80", Family::Xor8a80),
    ("cu12", Family::Cu12),
    ("cu16", Family::Cu16),
    ("cu48", Family::Cu48),
    ("modbus-relay", Family::ModbusRelay),
];

impl Family {
    /// The most locks a board has.
    #[must_use]
    pub const fn most_locks(self) -> u8 {
        match self {
            Self::Xor8a80 => 50,
            Self::Cu12 => 12,
            Self::Cu16 => 16,
            Self::Cu48 => 48,
            Self::ModbusRelay => 32,
        }
    }

    /// The lowest address.
    #[must_use]
    pub const fn first_address(self) -> u8 {
        match self {
            Self::Xor8a80 | Self::ModbusRelay => 1,
            Self::Cu12 | Self::Cu16 | Self::Cu48 => 0,
        }
    }

    /// Bits a second as delivered.
    #[must_use]
    pub const fn baud(self) -> u32 {
        match self {
            Self::Xor8a80 | Self::ModbusRelay => 9_600,
            Self::Cu12 | Self::Cu16 | Self::Cu48 => 19_200,
        }
    }
}

impl FromStr for Family {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, family)| *family).ok_or_else(|| {
            let names: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
            format!("no such family; there are {}", names.join(", "))
        })
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(_, family)| family == self).map_or("", |(name, _)| name))
    }
}

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// One board.
    One(u8),
    /// Every board on the line.
    Every,
}

/// What is asked of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Pulse one latch, for so long if the request says so.
    Unlock(u8, Option<Duration>),
    /// Pulse every latch.
    UnlockAll,
    /// Energise a coil without end.
    HoldOpen(u8),
    /// Every coil off.
    Rest,
    /// Tell one door.
    TellOne(u8),
    /// Tell every door.
    TellAll,
}

/// A request that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub to: To,
    pub ask: Ask,
    /// Its bytes.
    pub frame: Vec<u8>,
}

/// How the bytes of one request are understood, if they are.
type Understand = fn(&[u8]) -> Option<(To, Ask)>;

/// The next whole request; bytes that begin none are dropped.
pub(super) fn next_request(family: Family, heard: &mut Vec<u8>) -> Option<Asked> {
    let (len, read): (usize, Understand) = match family {
        Family::Xor8a80 => (xor::REQUEST, xor::read),
        Family::Cu12 | Family::Cu16 => (kerong::CU16_REQUEST, kerong::read_cu16),
        Family::Cu48 => (kerong::CU48_REQUEST, kerong::read_cu48),
        Family::ModbusRelay => (modbus::REQUEST, modbus::read),
    };
    while heard.len() >= len {
        if let Some((to, ask)) = read(&heard[..len]) {
            return Some(Asked { to, ask, frame: heard.drain(..len).collect() });
        }
        heard.remove(0);
    }
    None
}

/// Whether a board of this family would open more than one lock on these bytes, or hold one open: what no product
/// frame may ever do.
#[must_use]
pub fn opens_everything(family: Family, bytes: &[u8]) -> bool {
    let mut heard = bytes.to_vec();
    std::iter::from_fn(|| next_request(family, &mut heard)).any(|asked| {
        let is_many = asked.to == To::Every && asked.ask != Ask::TellAll;
        is_many || matches!(asked.ask, Ask::UnlockAll | Ask::HoldOpen(_))
    })
}

/// The answer to "tell every door".
pub(super) fn all_doors(board: &SimBoard) -> Vec<u8> {
    match board.plan.family {
        Family::Xor8a80 => xor::all_doors(board),
        Family::Cu12 | Family::Cu16 => kerong::cu16_status(board),
        Family::Cu48 => kerong::cu48_status(board),
        Family::ModbusRelay => modbus::inputs(board),
    }
}

/// The answer to "tell one door", where there is such a question.
pub(super) fn one_door(board: &SimBoard, lock: u8) -> Option<Vec<u8>> {
    (board.plan.family == Family::Xor8a80).then(|| xor::one_door(board, lock))
}

/// The answer to an order, and whether it comes after the pulse.
pub(super) fn done(board: &SimBoard, asked: &Asked) -> Option<(Vec<u8>, AnswerAt)> {
    match (board.plan.family, asked.ask) {
        (Family::Xor8a80, Ask::Unlock(lock, _)) => Some((xor::unlocked(board, lock), AnswerAt::AfterPulse)),
        (Family::ModbusRelay, _) => Some((modbus::done(board, &asked.frame), AnswerAt::Once)),
        _ => None,
    }
}

/// A door's movement, told without being asked.
pub(super) fn push(board: &SimBoard, lock: u8) -> Option<Vec<u8>> {
    (board.plan.family == Family::Xor8a80).then(|| xor::push(board, lock))
}

/// A Modbus exception.
pub(super) fn refusal(board: &SimBoard, asked: &Asked) -> Option<Vec<u8>> {
    (board.plan.family == Family::ModbusRelay).then(|| modbus::exception(board, &asked.frame))
}

/// When an answer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerAt {
    /// As soon as the board has thought.
    Once,
    /// When the coil is released.
    AfterPulse,
}

/// A check of one byte, spoilt if the board does that.
fn with_check(board: &SimBoard, mut frame: Vec<u8>, check: fn(&[u8]) -> u8) -> Vec<u8> {
    frame.push(check(&frame) ^ u8::from(board.has(super::Fault::WrongCheckByte)));
    frame
}
