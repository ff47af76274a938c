//! What a PC/SC reader says about a card: which technology it is, and its serial number.
//!
//! Formats: PC/SC part 3, supplemental document for contactless cards (`FF CA 00 00 00`, historical bytes of the
//! ATR). A serial number is no secret: it is copied in seconds, so everything here is worth a number, also when the
//! card could prove a key, because nobody asked it to.

/// The command that asks for the serial number.
pub const ASK_SERIAL: [u8; 5] = [0xFF, 0xCA, 0, 0, 0];
/// The command that asks for a card's historical bytes (ATS).
pub const ASK_ATS: [u8; 5] = [0xFF, 0xCA, 1, 0, 0];
/// No answer to these commands is longer, status included.
pub const MOST_ANSWER: usize = 64;

/// What kind of card it is, as far as its first answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Technology {
    /// MIFARE Classic, broken since 2008.
    Classic,
    /// MIFARE Ultralight or NTAG: memory without a key.
    Ultralight,
    /// MIFARE DESFire, or another card that could prove a key; here only its serial number was read.
    DesfireSerialOnly,
    /// Another contactless card.
    Other,
}

/// Why an answer holds no serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSerial {
    /// The reader can't ask.
    #[error("the reader does not give serial numbers")]
    Unsupported,
    /// No serial number has this form.
    #[error("the card's answer is no serial number")]
    Malformed,
    /// The card makes up a new one each time, as phones do.
    #[error("the card shows a new serial number each time")]
    Random,
}

/// The technology an ATR names.
pub fn technology(atr: &[u8]) -> Technology {
    // DESFire: the ATS has the one historical byte 80; the same ATR for all its generations.
    if atr == [0x3B, 0x81, 0x80, 0x01, 0x80, 0x80] {
        return Technology::DesfireSerialOnly;
    }
    // `4F 0C`: application identifier A0 00 00 03 06, standard, card name.
    let at = atr.windows(7).position(|part| part == [0x4F, 0x0C, 0xA0, 0, 0, 3, 6]);
    match at.and_then(|at| atr.get(at + 8..at + 10)) {
        Some([0x00, 0x01 | 0x02 | 0x26]) => Technology::Classic,
        Some([0x00, 0x03 | 0x3A | 0x3D]) => Technology::Ultralight,
        _ => Technology::Other,
    }
}

/// The serial number in an answer to [`ASK_SERIAL`]: 4, 7 or 10 bytes and the status `90 00`.
///
/// # Errors
/// [`NoSerial`].
pub fn serial(answer: &[u8]) -> Result<&[u8], NoSerial> {
    let (serial, status) = answer.split_last_chunk::<2>().ok_or(NoSerial::Malformed)?;
    if *status != [0x90, 0x00] {
        return Err(NoSerial::Unsupported);
    }
    match serial.len() {
        // ISO/IEC 14443-3: a single-size number that begins with 08 is random.
        4 if serial[0] == 0x08 => Err(NoSerial::Random),
        4 | 7 | 10 if serial.iter().any(|byte| *byte != 0) => Ok(serial),
        _ => Err(NoSerial::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn serial_numbers_are_taken_and_nothing_else() {
        let uid = [0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0x80, 0x90, 0x00];
        assert_eq!(serial(&uid), Ok(&uid[..7]));
        assert_eq!(serial(&[1, 2, 3, 4, 0x90, 0]), Ok(&[1, 2, 3, 4][..]));
        assert_eq!(serial(&[8, 2, 3, 4, 0x90, 0]), Err(NoSerial::Random));
        assert_eq!(serial(&[0x6A, 0x81]), Err(NoSerial::Unsupported));
        for bad in [&[][..], &[0x90], &[0x90, 0], &[1, 2, 3, 0x90, 0], &[0, 0, 0, 0, 0x90, 0]] {
            assert_eq!(serial(bad), Err(NoSerial::Malformed), "{bad:02X?}");
        }
    }

    #[test]
    fn technologies_are_told_apart() {
        let contactless = |name: [u8; 2]| {
            let mut atr = vec![0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0, 0, 3, 6, 3];
            atr.extend(name);
            atr.extend([0, 0, 0, 0, 0x6A]);
            atr
        };
        assert_eq!(technology(&contactless([0, 1])), Technology::Classic);
        assert_eq!(technology(&contactless([0, 3])), Technology::Ultralight);
        assert_eq!(technology(&[0x3B, 0x81, 0x80, 0x01, 0x80, 0x80]), Technology::DesfireSerialOnly);
        assert_eq!(technology(&[]), Technology::Other);
    }

    proptest! {
        #[test]
        fn any_answer_is_judged(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (serial(&bytes), technology(&bytes));
        }
    }
}
