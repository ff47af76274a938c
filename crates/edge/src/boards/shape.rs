//! Answers of a length known beforehand: wait for all bytes, prove each of them, then read on.

use super::{BadFrame, Burst, Reading};

/// What proves an answer: nothing is wrong, it is another board's, or it is none.
pub(super) enum Proof {
    /// It is the answer.
    Sound,
    /// It is whole, but answers something else.
    Foreign(BadFrame),
    /// It is no answer.
    Bad(BadFrame),
}

/// Reads an answer of `len` bytes: waits for them while the line flows, lets `prove` judge them and `interpret` them.
pub(super) fn read<T>(
    heard: &[u8],
    burst: Burst,
    len: usize,
    prove: impl FnOnce(&[u8]) -> Proof,
    interpret: impl FnOnce(&[u8]) -> T,
) -> Reading<T> {
    let Some(frame) = heard.get(..len) else {
        return match burst {
            Burst::Flowing => Reading::More,
            Burst::Ended => Reading::Bad(BadFrame::Short),
        };
    };
    match (prove(frame), burst) {
        (Proof::Sound, _) => Reading::Whole(interpret(frame), len),
        (Proof::Foreign(bad), _) => Reading::Stray(len, bad),
        (Proof::Bad(_), Burst::Flowing) => Reading::More,
        (Proof::Bad(bad), Burst::Ended) => Reading::Bad(bad),
    }
}

/// Bit `index` of status bytes whose first byte holds the lowest bits.
pub(super) fn bit(bytes: &[u8], index: usize) -> Option<bool> {
    bytes.get(index / 8).map(|byte| byte >> (index % 8) & 1 == 1)
}
