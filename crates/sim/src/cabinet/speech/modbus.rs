//! Modbus-RTU: address, function, data, CRC.

use std::time::Duration;

use super::{Ask, To};
use crate::cabinet::{
    Fault,
    board::{SimBoard, groups},
};

pub(super) const REQUEST: usize = 8;

/// Bit by bit, as the specification describes it.
fn crc(bytes: &[u8]) -> [u8; 2] {
    let mut crc: u16 = 0xFFFF;
    for byte in bytes {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= 0xA001;
            }
        }
    }
    crc.to_le_bytes()
}

pub(super) fn read(frame: &[u8]) -> Option<(To, Ask)> {
    let (body, check) = frame.split_at_checked(REQUEST - 2)?;
    let &[address, function, high, low, value_high, value_low] = body else { return None };
    if crc(body) != check {
        return None;
    }
    let ask = match (function, high, low, [value_high, value_low]) {
        (0x02, ..) => Ask::TellAll,
        (0x05, 0x00, 0xFF, [0xFF, 0x00]) => Ask::UnlockAll,
        (0x05, 0x00, 0xFF, [0, 0]) => Ask::Rest,
        (0x05, 0x00, relay, [0xFF, 0x00]) => Ask::HoldOpen(relay.checked_add(1)?),
        // Relay FF of the timed kinds would be all of them.
        (0x05, 0x02, 0xFF, _) => Ask::UnlockAll,
        (0x05, 0x02, relay, tenths) => {
            let pulse = Duration::from_millis(u64::from(u16::from_be_bytes(tenths)) * 100);
            Ask::Unlock(relay + 1, Some(pulse))
        }
        _ => return None,
    };
    Some((if address == 0 { To::Every } else { To::One(address) }, ask))
}

fn finish(board: &SimBoard, mut frame: Vec<u8>) -> Vec<u8> {
    let [low, high] = crc(&frame);
    frame.extend([low, high ^ u8::from(board.has(Fault::WrongCheckByte))]);
    frame
}

/// `A 02 bytes data.. crc`.
pub(super) fn inputs(board: &SimBoard) -> Vec<u8> {
    let count = board.plan.locks.div_ceil(8);
    let mut frame = vec![board.spoken_address(), 0x02, count];
    frame.extend(groups(count, |lock| board.bit(lock)));
    finish(board, frame)
}

/// The request once more.
pub(super) fn done(board: &SimBoard, request: &[u8]) -> Vec<u8> {
    let mut frame = request[..REQUEST - 2].to_vec();
    frame[0] = board.spoken_address();
    if board.has(Fault::PlainEcho) && frame[2] == 0x02 {
        (frame[4], frame[5]) = (0xFF, 0x00);
    }
    finish(board, frame)
}

/// "Illegal data address".
pub(super) fn exception(board: &SimBoard, request: &[u8]) -> Vec<u8> {
    finish(board, vec![board.spoken_address(), request[1] | 0x80, 0x02])
}
