//! Wiegand badges of 26, 34 and 37 bits, however they came: over OSDP or typed by a keyboard reader.
//!
//! One even parity bit first, one odd parity bit last, most significant bit first. Both halves are covered, so a
//! single flipped bit is noticed; nothing else is: Wiegand proves a number, not a card.
//!
//! | format | bits | layout | even covers | odd covers |
//! |---|---|---|---|---|
//! | H10301 | 26 | E F8 C16 O | 1–13 | 14–26 |
//! | H10306 | 34 | E F16 C16 O | 1–17 | 18–34 |
//! | H10304 | 37 | E F16 C19 O | 1–19 | 19–37 |
//! | H10302 | 37 | E C35 O | 1–19 | 19–37 |
//!
//! Source: HID Global's published format descriptions. The two formats of 37 bits can't be told apart on the line; the
//! site says which it uses, and only how a number is *written* depends on it.

/// How many bits a badge has, which is all a reader can know of its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// 26 bits.
    W26,
    /// 34 bits.
    W34,
    /// 37 bits.
    W37,
}

/// A format by its maker's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CardFormat {
    /// 26 bits: facility 0–255, card 0–65535.
    H10301,
    /// 34 bits: facility 0–65535, card 0–65535.
    H10306,
    /// 37 bits: facility 0–65535, card 0–524287.
    H10304,
    /// 37 bits: card 0–34359738367, no facility.
    H10302,
}

/// Every format.
pub const FORMATS: [CardFormat; 4] =
    [CardFormat::H10301, CardFormat::H10306, CardFormat::H10304, CardFormat::H10302];

/// What a badge says: everything between the parity bits. It has no `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// How long the badge is.
    pub width: Width,
    payload: u64,
}

/// Why bits are no badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWiegand {
    /// No known number of bits.
    #[error("a badge of this length is not known")]
    Length,
    /// A parity bit is wrong.
    #[error("the parity of the badge is wrong")]
    Parity,
}

impl Width {
    const fn bits(self) -> usize {
        match self {
            Self::W26 => 26,
            Self::W34 => 34,
            Self::W37 => 37,
        }
    }

    /// The name under which its numbers are kept as keyed MACs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::W26 => "wiegand-26",
            Self::W34 => "wiegand-34",
            Self::W37 => "wiegand-37",
        }
    }

    /// How many bits from either end a parity bit covers, itself included.
    const fn covered(self) -> usize {
        self.bits().div_ceil(2)
    }
}

impl CardFormat {
    /// Its length.
    pub const fn width(self) -> Width {
        match self {
            Self::H10301 => Width::W26,
            Self::H10306 => Width::W34,
            Self::H10304 | Self::H10302 => Width::W37,
        }
    }

    /// The format with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        FORMATS.into_iter().find(|format| format.name() == name)
    }

    /// Its maker's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H10301 => "H10301",
            Self::H10306 => "H10306",
            Self::H10304 => "H10304",
            Self::H10302 => "H10302",
        }
    }

    /// Bits of facility and card.
    const fn fields(self) -> (u32, u32) {
        match self {
            Self::H10301 => (8, 16),
            Self::H10306 => (16, 16),
            Self::H10304 => (16, 19),
            Self::H10302 => (0, 35),
        }
    }
}

impl Number {
    /// The number a facility and a card make, or nothing when one is too large for the format.
    pub fn of(format: CardFormat, facility: u64, card: u64) -> Option<Self> {
        let (facility_bits, card_bits) = format.fields();
        let fits = facility < 1 << facility_bits && card < 1 << card_bits;
        fits.then(|| Self { width: format.width(), payload: facility << card_bits | card })
    }

    /// Facility and card as this format writes them; nothing when the lengths differ.
    pub fn read_as(self, format: CardFormat) -> Option<(u64, u64)> {
        let (_, card_bits) = format.fields();
        let split = (self.payload >> card_bits, self.payload & ((1 << card_bits) - 1));
        (format.width() == self.width).then_some(split)
    }

    /// The bytes that go into the keyed MAC: everything between the parity bits, right-justified, most significant
    /// byte first, in 3, 4 or 5 bytes.
    pub fn bytes(self) -> Vec<u8> {
        let payload_bits = self.width.bits() - 2;
        self.payload.to_be_bytes()[8 - payload_bits.div_ceil(8)..].to_vec()
    }

    /// The badge as bits on the line, left-justified.
    pub fn encode(self) -> (usize, Vec<u8>) {
        let (bits, covered) = (self.width.bits(), self.width.covered());
        let mut word = self.payload << 1;
        let first = ones(word, bits, 0, covered) % 2;
        word |= u64::from(first) << (bits - 1);
        let last = (ones(word, bits, bits - covered, bits) + 1) % 2;
        word |= u64::from(last);
        let left = word << (64 - bits);
        (bits, left.to_be_bytes()[..bits.div_ceil(8)].to_vec())
    }
}

/// How many bits are set among those from `from` up to `to`, counted from the left of a badge of `bits` bits.
fn ones(word: u64, bits: usize, from: usize, to: usize) -> u32 {
    let mask = ((1_u64 << (to - from)) - 1) << (bits - to);
    (word & mask).count_ones()
}

/// Reads a badge's bits, left-justified, and checks both parities.
///
/// # Errors
/// [`NotWiegand`].
pub fn decode(bits: usize, data: &[u8]) -> Result<Number, NotWiegand> {
    let width = match bits {
        26 => Width::W26,
        34 => Width::W34,
        37 => Width::W37,
        _ => return Err(NotWiegand::Length),
    };
    if data.len() != bits.div_ceil(8) {
        return Err(NotWiegand::Length);
    }
    let mut whole = [0; 8];
    whole[..data.len()].copy_from_slice(data);
    let word = u64::from_be_bytes(whole) >> (64 - bits);
    let covered = width.covered();
    let even = ones(word, bits, 0, covered).is_multiple_of(2);
    let odd = !ones(word, bits, bits - covered, bits).is_multiple_of(2);
    if !even || !odd {
        return Err(NotWiegand::Parity);
    }
    Ok(Number { width, payload: word >> 1 & ((1 << (bits - 2)) - 1) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Computed by hand from the published layouts.
    const KNOWN: [(CardFormat, u64, u64, &[u8]); 4] = [
        (CardFormat::H10301, 123, 4567, &[0xBD, 0x88, 0xEB, 0x80]),
        (CardFormat::H10306, 1234, 5678, &[0x82, 0x69, 0x0B, 0x17, 0x00]),
        (CardFormat::H10304, 1234, 56789, &[0x82, 0x69, 0x0D, 0xDD, 0x50]),
        (CardFormat::H10302, 0, 1_234_567_890, &[0x84, 0x99, 0x60, 0x2D, 0x28]),
    ];

    #[test]
    fn known_badges_are_read_and_written() {
        for (format, facility, card, raw) in KNOWN {
            let number = Number::of(format, facility, card).unwrap();
            assert_eq!(number.encode(), (format.width().bits(), raw.to_vec()), "{format:?}");
            let read = decode(format.width().bits(), raw).unwrap();
            assert_eq!(read.read_as(format), Some((facility, card)), "{format:?}");
            assert_eq!(CardFormat::from_name(format.name()), Some(format));
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed_and_an_odd_length_is_no_badge() {
        for (format, _, _, raw) in KNOWN {
            let bits = format.width().bits();
            for bit in 0..bits {
                let mut bad = raw.to_vec();
                bad[bit / 8] ^= 0x80 >> (bit % 8);
                // The bit in the middle of 37 is covered twice and still noticed by each half.
                assert_eq!(decode(bits, &bad).err(), Some(NotWiegand::Parity), "{format:?} bit {bit}");
            }
            assert_eq!(decode(bits + 1, raw).err(), Some(NotWiegand::Length));
            assert_eq!(decode(bits, &raw[1..]).err(), Some(NotWiegand::Length));
        }
    }

    #[test]
    fn what_a_format_cannot_hold_is_no_number() {
        assert!(Number::of(CardFormat::H10301, 256, 0).is_none());
        assert!(Number::of(CardFormat::H10301, 0, 65_536).is_none());
        assert!(Number::of(CardFormat::H10302, 1, 0).is_none());
    }

    proptest! {
        #[test]
        fn any_bits_are_judged(bits in 0_usize..300, data in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode(bits, &data);
        }

        #[test]
        fn what_is_written_is_read(index in 0_usize..4, payload: u64) {
            let width = FORMATS[index].width();
            let payload = payload & ((1 << (width.bits() - 2)) - 1);
            let (bits, data) = Number { width, payload }.encode();
            let read = decode(bits, &data).unwrap();
            prop_assert_eq!((read.width, read.payload), (width, payload));
        }
    }
}
