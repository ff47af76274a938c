//! Readers that pretend to be a keyboard: Linux input events turned into characters, and typed badge numbers.
//!
//! Events are `struct input_event` of the Linux input subsystem: two 64-bit times, type, code, value. Keys are read
//! as on a US keyboard, which scanners assume. Anything but a printing key, Shift, Enter or Tab becomes the character
//! [`CONTROL`], which no text may hold, so a reader that types commands is cut off like any other.

use super::wiegand::{CardFormat, Number};

/// Bytes of one input event on a 64-bit system.
pub const EVENT_BYTES: usize = 24;
/// What a key becomes that no scanner presses.
pub const CONTROL: u8 = 0x1B;

const KEY_EVENT: u16 = 1;
const PRESSED: i32 = 1;
const RELEASED: i32 = 0;
const LEFT_SHIFT: u16 = 42;
const RIGHT_SHIFT: u16 = 54;
const ENTER: u16 = 28;
const KEYPAD_ENTER: u16 = 96;
const TAB: u16 = 15;

/// Turns events into characters; remembers Shift and a split event.
#[derive(Default)]
pub struct Keys {
    part: Vec<u8>,
    shift: bool,
}

impl Keys {
    /// Takes raw bytes of events, in any pieces.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.part.extend(bytes);
        let (events, rest) = self.part.as_chunks::<EVENT_BYTES>();
        let (events, rest) = (events.to_vec(), rest.to_vec());
        self.part = rest;
        events.iter().filter_map(|event| self.event(event)).collect()
    }

    fn event(&mut self, event: &[u8; EVENT_BYTES]) -> Option<u8> {
        let kind = u16::from_ne_bytes([event[16], event[17]]);
        let code = u16::from_ne_bytes([event[18], event[19]]);
        let value = i32::from_ne_bytes([event[20], event[21], event[22], event[23]]);
        if kind != KEY_EVENT {
            return None;
        }
        if matches!(code, LEFT_SHIFT | RIGHT_SHIFT) {
            self.shift = value != RELEASED;
            return None;
        }
        (value == PRESSED).then(|| character(code, self.shift))
    }
}

/// The character of a key.
fn character(code: u16, shift: bool) -> u8 {
    match code {
        ENTER | KEYPAD_ENTER => return b'\r',
        TAB => return b'\t',
        _ => {}
    }
    let (first, plain, shifted): (u16, &[u8], &[u8]) = match code {
        2..=13 => (2, b"1234567890-=", b"!@#$%^&*()_+"),
        16..=27 => (16, b"qwertyuiop[]", b"QWERTYUIOP{}"),
        30..=41 => (30, b"asdfghjkl;'`", b"ASDFGHJKL:\"~"),
        43..=53 => (43, b"\\zxcvbnm,./", b"|ZXCVBNM<>?"),
        55 => (55, b"*", b"*"),
        57 => (57, b" ", b" "),
        71..=83 => (71, b"789-456+1230.", b"789-456+1230."),
        98 => (98, b"/", b"/"),
        _ => return CONTROL,
    };
    let row = if shift { shifted } else { plain };
    row.get(usize::from(code - first)).copied().unwrap_or(CONTROL)
}

/// How a keyboard reader writes a badge's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Ten decimal digits: the lower 32 bits of an EM4100 tag (`10D`).
    TenDigits,
    /// Three and five decimal digits, with or without a comma: facility and card of 26 bits (`3D5D`).
    ThreeAndFive,
    /// A serial number in 8, 14 or 20 hexadecimal digits.
    Serial,
}

/// A typed number as a format's name and the bytes for its keyed MAC; nothing when it is not written like that.
pub fn typed_number(written: Written, text: &str) -> Option<(&'static str, Vec<u8>)> {
    match written {
        Written::TenDigits => {
            let number: u32 = digits(text, 10)?.try_into().ok()?;
            Some(("em4100", number.to_be_bytes().to_vec()))
        }
        Written::ThreeAndFive => {
            let joined: String = text.chars().filter(|c| *c != ',').collect();
            let all = digits(&joined, 8)?;
            let number = Number::of(CardFormat::H10301, all / 100_000, all % 100_000)?;
            Some((number.width.name(), number.bytes()))
        }
        Written::Serial => {
            let right = matches!(text.len(), 8 | 14 | 20) && text.bytes().all(|b| b.is_ascii_hexdigit());
            let byte = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
            let bytes: Option<Vec<u8>> =
                right.then(|| (0..text.len()).step_by(2).map(byte).collect()).flatten();
            bytes.map(|bytes| ("uid", bytes))
        }
    }
}

fn digits(text: &str, count: usize) -> Option<u64> {
    let right = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn press(code: u16, value: i32) -> Vec<u8> {
        let mut event = vec![0; 16];
        event.extend(KEY_EVENT.to_ne_bytes());
        event.extend(code.to_ne_bytes());
        event.extend(value.to_ne_bytes());
        event
    }

    #[test]
    fn keys_become_characters() {
        let stroke = |code| [press(code, 1), press(code, 0)].concat();
        let mut keys = Keys::default();
        assert_eq!(keys.hear(&[stroke(30), stroke(2), stroke(11), stroke(ENTER)].concat()), b"a10\r");
        let shifted = [press(LEFT_SHIFT, 1), stroke(30), stroke(5), press(LEFT_SHIFT, 0), stroke(30)];
        assert_eq!(keys.hear(&shifted.concat()), b"A$a");
        assert_eq!(keys.hear(&press(30, 2)), b"", "a key that repeats says nothing");
        for typed in [29, 56, 125, 1, 59, 111, 14, 700] {
            assert_eq!(keys.hear(&stroke(typed)), [CONTROL], "key {typed}");
        }
    }

    #[test]
    fn an_event_may_come_in_pieces() {
        let mut keys = Keys::default();
        let event = press(30, 1);
        assert_eq!(keys.hear(&event[..7]), b"");
        assert_eq!(keys.hear(&event[7..]), b"a");
    }

    #[test]
    fn typed_badge_numbers_are_read_strictly() {
        let number = |written, text| typed_number(written, text);
        assert_eq!(number(Written::TenDigits, "0001234567"), Some(("em4100", vec![0, 0x12, 0xD6, 0x87])));
        assert_eq!(number(Written::TenDigits, "4294967296"), None);
        let typed = number(Written::ThreeAndFive, "123,04567");
        assert_eq!(typed, Some(("wiegand-26", vec![123, 0x11, 0xD7])));
        assert_eq!(number(Written::ThreeAndFive, "12304567"), typed);
        assert_eq!(number(Written::ThreeAndFive, "25604567"), None);
        assert_eq!(number(Written::Serial, "04A1B2C3"), Some(("uid", vec![4, 0xA1, 0xB2, 0xC3])));
        for bad in ["", "04A1B2C", "04A1B2C3D4", "04A1B2CG", "+4A1B2C3", "é4A1B2C"] {
            assert_eq!(number(Written::Serial, bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_events_and_any_text_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..200), text: String) {
            Keys::default().hear(&bytes);
            for written in [Written::TenDigits, Written::ThreeAndFive, Written::Serial] {
                let _ = typed_number(written, &text);
            }
        }
    }
}
