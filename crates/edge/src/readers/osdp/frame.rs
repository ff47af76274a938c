//! One OSDP frame as bytes: framing, checks, security block. Knows nothing of keys or of what commands mean.
//!
//! ```text
//! [FF] 53 ADDR LEN_LO LEN_HI CTRL [SCB_LEN SCB_TYPE …] CODE DATA… [MAC4] CRC_LO CRC_HI | CHECKSUM
//! ```
//!
//! The mark `FF` is outside length and check. Layout and checks: SIA OSDP 2.2 (IEC 60839-11-5), clause 5.

/// The byte every frame starts with.
const START: u8 = 0x53;
/// What may stand before a frame.
const MARK: u8 = 0xFF;
const HEADER: usize = 5;
/// The longest frame taken from a line, in bytes; the standard allows 1440, readers of badges need far less.
pub const MAX_FRAME: usize = 512;
/// Bytes of a message authentication code on the line.
pub const MAC_BYTES: usize = 4;

/// Who a frame is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the controller.
    Command,
    /// From a reader.
    Reply,
}

/// How a frame is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// One byte: the two's complement of the sum.
    Sum,
    /// CRC-16, polynomial 1021, start value 1D0F, not reflected.
    Crc,
}

/// The security block of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// `11` to `14` in the handshake, `15`/`16` with a MAC, `17`/`18` with a MAC and encrypted data.
    pub kind: u8,
    /// What stands behind the type; in the handshake one byte names the key: 0 for the default one.
    pub data: Vec<u8>,
}

/// A whole frame whose check was right. It has no `Debug`: the data may be a badge's number.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The reader, 0 to 126; 127 is everybody.
    pub address: u8,
    /// Who it is from.
    pub direction: Direction,
    /// 0 restarts the count, then 1, 2, 3, 1, …
    pub sequence: u8,
    /// How it is checked.
    pub check: Check,
    /// Its security block, if it has one.
    pub block: Option<Block>,
    /// Command or reply code.
    pub code: u8,
    /// What stands behind the code, as on the line: encrypted if the block says so.
    pub data: Vec<u8>,
    /// The first bytes of its MAC, and all the bytes that MAC covers.
    pub mac: Option<([u8; MAC_BYTES], Vec<u8>)>,
}

/// What the bytes heard so far begin with.
pub enum Reading {
    /// Not enough yet.
    More,
    /// A frame, and how many bytes it took.
    Whole(Box<Frame>, usize),
    /// Bytes that begin no frame: drop this many.
    Noise(usize),
    /// Something that began like a frame and is none: drop this many.
    Bad(usize),
}

/// Checks and takes apart what a line said. Never looks further than [`MAX_FRAME`] bytes.
pub fn read(heard: &[u8]) -> Reading {
    let noise = heard.iter().take_while(|byte| **byte != START).count();
    if noise > 0 {
        return Reading::Noise(noise);
    }
    let Some(header) = heard.get(..HEADER) else { return Reading::More };
    let length = usize::from(u16::from_le_bytes([header[2], header[3]]));
    let check = if header[4] & 4 == 0 { Check::Sum } else { Check::Crc };
    if !(HEADER + 1 + check.bytes()..=MAX_FRAME).contains(&length) {
        return Reading::Bad(1);
    }
    let Some(whole) = heard.get(..length) else { return Reading::More };
    let (body, trailer) = whole.split_at(length - check.bytes());
    if check.of(body) != trailer {
        return Reading::Bad(1);
    }
    match take_apart(body, check) {
        Some(frame) => Reading::Whole(Box::new(frame), length),
        None => Reading::Bad(length),
    }
}

/// Counts bytes that say something: marks between frames say nothing.
pub fn meaningful(noise: &[u8]) -> usize {
    noise.iter().filter(|byte| **byte != MARK).count()
}

fn take_apart(body: &[u8], check: Check) -> Option<Frame> {
    let control = body[4];
    let mut rest = &body[HEADER..];
    let mut block = None;
    if control & 8 != 0 {
        let length = usize::from(*rest.first()?);
        let kind = *rest.get(1)?;
        let data = rest.get(2..length)?.to_vec();
        block = Some(Block { kind, data });
        rest = rest.get(length..)?;
    }
    let mut mac = None;
    if block.as_ref().is_some_and(|block| has_mac(block.kind)) {
        let (covered, tag) = body.split_at_checked(body.len().checked_sub(MAC_BYTES)?)?;
        mac = Some((tag.try_into().ok()?, covered.to_vec()));
        rest = rest.get(..rest.len().checked_sub(MAC_BYTES)?)?;
    }
    let (code, data) = rest.split_first()?;
    let direction = if body[1] & 0x80 == 0 { Direction::Command } else { Direction::Reply };
    let (address, sequence) = (body[1] & 0x7F, control & 3);
    Some(Frame { address, direction, sequence, check, block, code: *code, data: data.to_vec(), mac })
}

/// Whether frames with this security block carry a MAC.
pub const fn has_mac(kind: u8) -> bool {
    kind >= 0x15 && kind <= 0x18
}

/// A frame being made: everything before the MAC, with the final length already in it.
pub struct Draft {
    bytes: Vec<u8>,
}

/// The head of a frame to be made.
#[derive(Clone, Copy)]
pub struct Head {
    /// The reader.
    pub address: u8,
    /// Who it is from.
    pub direction: Direction,
    /// The frame's number.
    pub sequence: u8,
}

impl Draft {
    /// Lays out a frame, checked by CRC.
    pub fn new(head: Head, block: Option<&Block>, code: u8, data: &[u8]) -> Self {
        let side = if head.direction == Direction::Reply { 0x80 } else { 0 };
        let marker = if block.is_some() { 8 } else { 0 };
        let mut bytes = vec![START, head.address | side, 0, 0, head.sequence & 3 | 4 | marker];
        let mut tail = Check::Crc.bytes();
        if let Some(block) = block {
            bytes.extend([u8::try_from(block.data.len() + 2).unwrap_or(u8::MAX), block.kind]);
            bytes.extend(&block.data);
            tail += if has_mac(block.kind) { MAC_BYTES } else { 0 };
        }
        bytes.push(code);
        bytes.extend(data);
        let length = u16::try_from(bytes.len() + tail).unwrap_or(u16::MAX);
        bytes[2..4].copy_from_slice(&length.to_le_bytes());
        Self { bytes }
    }

    /// What a MAC covers.
    pub fn covered(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes for the line, with a mark before them.
    pub fn finish(self, mac: Option<[u8; MAC_BYTES]>) -> Vec<u8> {
        let mut bytes = self.bytes;
        bytes.extend(mac.iter().flatten());
        let check = Check::Crc.of(&bytes);
        bytes.extend(check);
        bytes.insert(0, MARK);
        bytes
    }
}

impl Check {
    const fn bytes(self) -> usize {
        match self {
            Self::Sum => 1,
            Self::Crc => 2,
        }
    }

    fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sum => {
                vec![bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg()]
            }
            Self::Crc => crc16(bytes).to_le_bytes().to_vec(),
        }
    }
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0x1D0F, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in crate::readers::osdp) fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    fn whole(text: &str) -> Frame {
        let bytes = hex(text);
        match read(&bytes) {
            Reading::Whole(frame, length) => {
                assert_eq!(length, bytes.len());
                *frame
            }
            _ => panic!("no frame: {text}"),
        }
    }

    /// Frames of the unit tests of goToMain/libosdp, recomputed.
    const KNOWN: [(&str, u8, u8); 5] = [
        ("53 65 08 00 04 60 60 90", 0, 0x60),
        ("53 65 09 00 04 61 00 D9 7A", 0, 0x61),
        ("53 E5 08 00 06 40 B0 F0", 2, 0x40),
        ("53 65 10 00 04 76 01 02 03 04 05 06 07 08 0D 20", 0, 0x76),
        ("53 65 07 00 00 60 E1", 0, 0x60),
    ];

    #[test]
    fn known_frames_are_read_and_made() {
        for (text, sequence, code) in KNOWN {
            let frame = whole(text);
            assert_eq!((frame.address, frame.sequence, frame.code), (0x65, sequence, code), "{text}");
            if frame.check == Check::Crc {
                let head = Head { address: 0x65, direction: frame.direction, sequence };
                let made = Draft::new(head, frame.block.as_ref(), code, &frame.data).finish(None);
                assert_eq!(made[1..], hex(text)[..], "{text}");
            }
        }
    }

    #[test]
    fn a_raw_badge_is_read() {
        let frame = whole("53 E5 10 00 06 50 00 01 1A 00 BD 88 EB 80 74 E3");
        assert_eq!((frame.code, frame.direction), (0x50, Direction::Reply));
        assert_eq!(frame.data, hex("00 01 1A 00 BD 88 EB 80"));
    }

    #[test]
    fn a_damaged_frame_is_none_whatever_bit_is_hit() {
        let good = hex("53 E5 10 00 06 50 00 01 1A 00 BD 88 EB 80 74 E3");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(read(&bad), Reading::Whole(_, length) if length == bad.len()), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_eaten_in_bounded_steps(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                match read(rest) {
                    Reading::More => {
                        prop_assert!(rest.len() < MAX_FRAME);
                        break;
                    }
                    Reading::Whole(_, eaten) | Reading::Noise(eaten) | Reading::Bad(eaten) => {
                        prop_assert!(eaten > 0 && eaten <= rest.len());
                        rest = &rest[eaten..];
                    }
                }
            }
        }

        #[test]
        fn what_is_made_is_read(
            address in 0_u8..127, sequence in 0_u8..4, code: u8, secured: bool,
            data in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let block = secured.then(|| Block { kind: 0x17, data: vec![] });
            let head = Head { address, direction: Direction::Command, sequence };
            let made = Draft::new(head, block.as_ref(), code, &data).finish(secured.then_some([1, 2, 3, 4]));
            let Reading::Whole(frame, length) = read(&made[1..]) else { panic!("made frames are frames") };
            prop_assert_eq!(length, made.len() - 1);
            prop_assert_eq!((frame.address, frame.sequence, frame.code), (address, sequence, code));
            prop_assert_eq!(frame.data, data);
            prop_assert_eq!(frame.mac.map(|(tag, _)| tag), secured.then_some([1, 2, 3, 4]));
        }
    }
}
