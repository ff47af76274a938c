//! KERONG boards: STX, address, command, data, ETX, and the low byte of the sum of all that.
//!
//! Source: the vendor's CU48 protocol v2.1 and several independent drivers; bytes in docs/reference/boards.md. The
//! frames have no length and no order number, and an unlock is never answered: the poll after it tells whether the
//! board is there. The "unlock all" commands and addresses cannot be built here: an unlock frame is made from the
//! number of one lock, which is checked against the board before, and `all` is none of its values.

mod cu16;
mod cu48;

pub use cu16::{Cu16Settings, KerongCu16};
pub use cu48::{Cu48Settings, KerongCu48};

use std::time::Duration;

use super::{BadFrame, Coil, Reply, Request, shape::Proof};

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
/// The pulse as delivered, when nothing else is known.
const USUAL_PULSE: Duration = Duration::from_millis(550);
/// Between an unlock and the poll after it; independent drivers use 25 ms and more.
const SETTLE: Duration = Duration::from_millis(30);

/// The low byte of the sum of all bytes, the last byte of every frame of these boards.
#[must_use]
pub fn sum_byte(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte))
}

fn finish(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.push(ETX);
    bytes.push(sum_byte(&bytes));
    bytes
}

fn unanswered(bytes: Vec<u8>, pulse: Duration) -> Request {
    Request { bytes, reply: Reply::None, coil: Coil::For(pulse), not_before: Duration::ZERO, within: SETTLE }
}

/// Whether a frame has STX, ETX and sum where they belong, and the command at `at`.
fn prove_ends(frame: &[u8], (at, command): (usize, u8)) -> Result<(), BadFrame> {
    let [body @ .., sum] = frame else { return Err(BadFrame::Short) };
    if body.first() != Some(&STX) || body.get(at) != Some(&command) {
        Err(BadFrame::Header)
    } else if *sum != sum_byte(body) {
        Err(BadFrame::Check)
    } else if body.last() != Some(&ETX) {
        Err(BadFrame::State)
    } else {
        Ok(())
    }
}

fn prove(frame: &[u8], command: (usize, u8), is_ours: bool) -> Proof {
    match prove_ends(frame, command) {
        Err(bad) => Proof::Bad(bad),
        Ok(()) if !is_ours => Proof::Foreign(BadFrame::Address),
        Ok(()) => Proof::Sound,
    }
}
