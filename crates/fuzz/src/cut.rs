//! Fuzz input taken apart: numbers and pieces off its front, and scripts of edits to genuine bytes.
//!
//! An input that ends early reads as zeros, so that every input means something.

/// No edited bytes grow beyond this.
const MOST: usize = 256 << 10;
/// Numbers that parsers trip over.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7F,
    0xFF,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFF,
    0xFFFF_FFFF,
    0x1_0000_0000,
    0x7FFF_FFFF_FFFF_FFFF,
    0xFFFF_FFFF_FFFF_FFA0,
    u64::MAX,
];

/// The rest of an input.
#[derive(Clone, Copy, Debug)]
pub struct Cut<'a>(pub &'a [u8]);

impl<'a> Cut<'a> {
    /// Whether anything is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// The next two bytes as a number.
    pub fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// The next eight bytes as a number.
    pub fn long(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// A number below `end`, which is above 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.word()) % end
    }

    /// At most so many of the next bytes.
    pub fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// The next bytes, behind a byte that says how many.
    pub fn piece(&mut self) -> &'a [u8] {
        let most = usize::from(self.byte());
        self.take(most)
    }

    /// Does one edit to some bytes.
    pub fn edit(&mut self, bytes: &mut Vec<u8>) {
        let kind = self.byte();
        let at = self.place(bytes.len());
        match kind % 8 {
            0 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << (kind >> 5)),
            1 => self.over(bytes, at),
            2 => drop(bytes.splice(at..at, self.piece().iter().copied())),
            3 => drop(bytes.drain(at..(at + self.below(bytes.len().max(1))).min(bytes.len()))),
            4 => bytes.truncate(at),
            5 => {
                let end = (at + 1 + self.below(256)).min(bytes.len());
                let copied = bytes[at..end].to_vec();
                let to = self.place(bytes.len());
                drop(bytes.splice(to..to, copied));
            }
            6 => {
                let number = EDGES[self.below(EDGES.len())];
                let wide = 1 << (kind >> 5 & 3);
                let ends = if kind >> 7 == 0 { number.to_be_bytes() } else { number.to_le_bytes() };
                let told = if kind >> 7 == 0 { &ends[8 - wide..] } else { &ends[..wide] };
                let end = (at + wide).min(bytes.len());
                bytes[at..end].copy_from_slice(&told[..end - at]);
            }
            _ => bytes.extend_from_slice(self.piece()),
        }
        bytes.truncate(MOST);
    }

    fn over(&mut self, bytes: &mut [u8], at: usize) {
        let piece = self.piece();
        let end = (at + piece.len()).min(bytes.len());
        bytes[at..end].copy_from_slice(&piece[..end - at]);
    }

    /// A place from 0 to `end`, reachable wherever it is.
    fn place(&mut self, end: usize) -> usize {
        let number = usize::from(self.word());
        if end < 1 << 16 { number % (end + 1) } else { (number << 8 | usize::from(self.byte())) % (end + 1) }
    }
}
