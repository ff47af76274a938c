//! `8A/80`: four bytes and their XOR.

use super::{Ask, To, with_check};
use crate::cabinet::{
    Fault,
    board::{SimBoard, groups},
};

pub(super) const REQUEST: usize = 5;

fn xor(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

pub(super) fn read(frame: &[u8]) -> Option<(To, Ask)> {
    let &[header, address, lock, verb, _] = frame else { return None };
    if xor(frame) != 0 {
        return None;
    }
    let ask = match (header, verb, lock) {
        (0x8A, 0x11, 0) => Ask::UnlockAll,
        (0x8A, 0x11, lock) => Ask::Unlock(lock, None),
        (0x80, 0x33, 0) => Ask::TellAll,
        (0x80, 0x33, lock) => Ask::TellOne(lock),
        _ => return None,
    };
    Some((To::One(address), ask))
}

fn lock_frame(board: &SimBoard, header: u8, lock: u8, bit: bool) -> Vec<u8> {
    let state = if bit { 0x11 } else { 0x00 };
    with_check(board, vec![header, board.spoken_address(), lock, state], xor)
}

pub(super) fn one_door(board: &SimBoard, lock: u8) -> Vec<u8> {
    lock_frame(board, 0x80, lock, board.bit(lock))
}

pub(super) fn unlocked(board: &SimBoard, lock: u8) -> Vec<u8> {
    lock_frame(board, 0x8A, lock, board.bit_after_unlock(lock))
}

pub(super) fn push(board: &SimBoard, lock: u8) -> Vec<u8> {
    lock_frame(board, 0x82, lock, board.bit(lock))
}

/// `80 A Gn .. G1 33 x`.
pub(super) fn all_doors(board: &SimBoard) -> Vec<u8> {
    let told = board.fault(|fault| match fault {
        Fault::StatusBytes(count) => Some(*count),
        _ => None,
    });
    let count = told.unwrap_or(board.plan.locks.div_ceil(8));
    let mut frame = vec![0x80, board.spoken_address()];
    frame.extend(groups(count, |lock| board.bit(lock)).iter().rev());
    frame.push(0x33);
    with_check(board, frame, xor)
}
