//! Codes as people type them: eight digits, and which codes are too alike to be live at one bank together.

use core::fmt;

use rand_core::Rng;

/// Digits in a code.
pub const CODE_DIGITS: usize = 8;

/// Eight decimal digits somebody typed or was given. `Debug` never shows them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code([u8; CODE_DIGITS]);

/// A text that is not eight digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACode;

impl fmt::Display for NotACode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a code is exactly eight digits")
    }
}

impl core::error::Error for NotACode {}

impl Code {
    /// Reads eight ASCII digits; spaces and hyphens, as in `1234 5678`, are ignored.
    ///
    /// # Errors
    /// [`NotACode`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotACode> {
        let mut digits = [0; CODE_DIGITS];
        let mut n = 0;
        for c in text.bytes().filter(|c| !matches!(c, b' ' | b'-')) {
            if !c.is_ascii_digit() || n == CODE_DIGITS {
                return Err(NotACode);
            }
            digits[n] = c;
            n += 1;
        }
        if n == CODE_DIGITS { Ok(Self(digits)) } else { Err(NotACode) }
    }

    /// Eight random digits, every code as likely as any other.
    pub fn draw(rng: &mut dyn Rng) -> Self {
        // The largest multiple of 10^8 that four bytes hold; what is above would favour some codes.
        const FAIR: u32 = 4_200_000_000;
        loop {
            let mut bytes = [0; 4];
            rng.fill_bytes(&mut bytes);
            let mut n = u32::from_be_bytes(bytes);
            if n < FAIR {
                let mut digits = [b'0'; CODE_DIGITS];
                for digit in digits.iter_mut().rev() {
                    *digit += u8::try_from(n % 10).expect("a digit");
                    n /= 10;
                }
                return Self(digits);
            }
        }
    }

    /// The eight ASCII digits.
    pub const fn digits(&self) -> &[u8; CODE_DIGITS] {
        &self.0
    }

    /// Whether one slip (a digit changed, or two neighbours swapped) turns one code into the other, or they are equal.
    pub fn too_close(&self, other: &Self) -> bool {
        let mut differing = (0..CODE_DIGITS).filter(|i| self.0[*i] != other.0[*i]);
        match (differing.next(), differing.next(), differing.next()) {
            (None | Some(_), None, _) => true,
            (Some(i), Some(j), None) => j == i + 1 && self.0[i] == other.0[j] && self.0[j] == other.0[i],
            _ => false,
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: &str, b: &str) -> bool {
        Code::parse(a).unwrap().too_close(&Code::parse(b).unwrap())
    }

    #[test]
    fn one_slip_is_too_close_two_are_not() {
        assert!(close("12345678", "1234 5678"));
        assert!(close("12345678", "12345679"));
        assert!(close("12345678", "21345678"));
        assert!(!close("12345678", "32145678"));
        assert!(!close("12345678", "12345687".replace('3', "4").as_str()));
        assert!(
            Code::parse("1234567").is_err()
                && Code::parse("123456789").is_err()
                && Code::parse("1234567x").is_err()
        );
    }
}
