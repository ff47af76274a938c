//! KERONG: STX, what is meant, ETX, sum.

use super::{Ask, To, with_check};
use crate::cabinet::board::{SimBoard, groups};

pub(super) const CU16_REQUEST: usize = 5;
pub(super) const CU48_REQUEST: usize = 6;

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte))
}

fn is_framed(frame: &[u8]) -> bool {
    let [body @ .., check] = frame else { return false };
    body.first() == Some(&0x02) && body.last() == Some(&0x03) && *check == sum(body)
}

/// `02 board<<4|lock CMD 03 SUM`.
pub(super) fn read_cu16(frame: &[u8]) -> Option<(To, Ask)> {
    let &[_, address, command, ..] = frame else { return None };
    let ask = match command {
        0x30 | 0x32 => Ask::TellAll,
        0x31 => Ask::Unlock((address & 0x0F) + 1, None),
        0x33 => Ask::UnlockAll,
        _ => return None,
    };
    let to = if address & 0xF0 == 0xF0 { To::Every } else { To::One(address >> 4) };
    is_framed(frame).then_some((to, ask))
}

/// `02 ADDR 35 L1 L2 I1 I2 03 SUM`.
pub(super) fn cu16_status(board: &SimBoard) -> Vec<u8> {
    let mut frame = vec![0x02, board.spoken_address() << 4, 0x35];
    frame.extend(groups(2, |lock| board.bit(lock)));
    frame.extend(groups(2, |lock| board.item_bit(lock)));
    frame.push(0x03);
    with_check(board, frame, sum)
}

/// `02 ADDR LOCK CMD 03 SUM`.
pub(super) fn read_cu48(frame: &[u8]) -> Option<(To, Ask)> {
    let &[_, address, lock, command, ..] = frame else { return None };
    let ask = match (command, lock) {
        (0x50, _) => Ask::TellAll,
        (0x51, 0x30..) => Ask::UnlockAll,
        (0x51, lock) => Ask::Unlock(lock + 1, None),
        _ => return None,
    };
    let to = if address >= 0x0A { To::Every } else { To::One(address) };
    is_framed(frame).then_some((to, ask))
}

/// `02 ADDR LOCK 65 D1..D6 03 SUM`.
pub(super) fn cu48_status(board: &SimBoard) -> Vec<u8> {
    let mut frame = vec![0x02, board.spoken_address(), 0x00, 0x65];
    frame.extend(groups(6, |lock| board.bit(lock)));
    frame.push(0x03);
    with_check(board, frame, sum)
}
