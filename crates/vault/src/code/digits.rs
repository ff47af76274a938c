//! [`CodeSecret`]: exactly eight ASCII digits.

use rand_core::Rng;

use crate::secret::Secret;

/// Digits in a code.
pub const CODE_LEN: usize = 8;

/// A pickup or courier code. Leading zeros count; there is no check digit.
#[derive(Debug)]
pub struct CodeSecret(Secret<[u8; CODE_LEN]>);

/// Why a text is not a code.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Too short or too long.
    #[error("a code has exactly 8 digits")]
    Length,
    /// Something else than 0 to 9.
    #[error("a code has digits only, 0 to 9")]
    NotDigits,
}

impl CodeSecret {
    /// Takes exactly eight ASCII digits; spaces are for the caller to remove.
    ///
    /// # Errors
    /// [`CodeError::NotDigits`] or [`CodeError::Length`].
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CodeError::NotDigits);
        }
        Secret::from_slice(text.as_bytes()).map(Self).ok_or(CodeError::Length)
    }

    /// Draws a code; all 100,000,000 are equally likely.
    pub fn generate(rng: &mut impl Rng) -> Self {
        const CODES: u32 = 100_000_000;
        const FAIR: u32 = u32::MAX / CODES * CODES;
        // Drawing again above the last whole multiple keeps every code equally likely.
        let mut number = rng.next_u32();
        while number >= FAIR {
            number = rng.next_u32();
        }
        let mut digits = [b'0'; CODE_LEN];
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(number % 10).expect("one digit");
            number /= 10;
        }
        Self::from_digits(digits)
    }

    /// The eight digits, for sending and for nothing else.
    pub fn expose(&self) -> &str {
        core::str::from_utf8(self.0.expose()).expect("ASCII digits")
    }

    /// The digits as people read them: `1234 5678`.
    pub fn expose_grouped(&self) -> Secret<String> {
        let (left, right) = self.expose().split_at(CODE_LEN / 2);
        Secret::new(format!("{left} {right}"))
    }

    /// The 79 (or fewer) codes that one slip of a finger makes of this one: one digit changed, or two
    /// adjacent digits swapped. Swaps of equal digits change nothing and are left out.
    pub fn neighbours(&self) -> Vec<Self> {
        let digits = *self.0.expose();
        let mut neighbours = Vec::with_capacity(79);
        for place in 0..CODE_LEN {
            for other in (b'0'..=b'9').filter(|other| *other != digits[place]) {
                let mut changed = digits;
                changed[place] = other;
                neighbours.push(Self::from_digits(changed));
            }
        }
        for place in (1..CODE_LEN).filter(|place| digits[place - 1] != digits[*place]) {
            let mut swapped = digits;
            swapped.swap(place - 1, place);
            neighbours.push(Self::from_digits(swapped));
        }
        neighbours
    }

    pub(super) fn bytes(&self) -> &[u8; CODE_LEN] {
        self.0.expose()
    }

    fn from_digits(digits: [u8; CODE_LEN]) -> Self {
        Self(Secret::new(digits))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::test_rng::seeded;

    #[test]
    fn only_eight_digits_are_a_code() {
        assert_eq!(CodeSecret::parse("00123456").unwrap().expose(), "00123456");
        assert_eq!(CodeSecret::parse("00123456").unwrap().expose_grouped().expose(), "0012 3456");
        for wrong in ["", "1234567", "123456789", &"1".repeat(10_000)] {
            assert_eq!(CodeSecret::parse(wrong).unwrap_err(), CodeError::Length);
        }
        for wrong in ["1234 5678", "1234567a", "+1234567", "١٢٣٤٥٦٧٨", "-1234567"] {
            assert_eq!(CodeSecret::parse(wrong).unwrap_err(), CodeError::NotDigits, "{wrong}");
        }
    }

    #[test]
    fn debug_shows_no_digit() {
        let shown = format!("{:?}", CodeSecret::parse("13579246").unwrap());
        assert_eq!(shown, "CodeSecret(Secret<[u8; 8]>)");
    }

    /// Gives fixed numbers, to reach the values that must be drawn again.
    struct Scripted(Vec<u32>);
    impl rand_core::TryRng for Scripted {
        type Error = core::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(self.0.remove(0))
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            unreachable!("codes draw 32 bits")
        }
        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
            unreachable!("codes draw 32 bits")
        }
    }

    #[test]
    fn numbers_that_would_favour_low_codes_are_drawn_again() {
        let mut rng = Scripted(vec![u32::MAX, 4_200_000_000, 4_199_999_999, 7]);
        assert_eq!(CodeSecret::generate(&mut rng).expose(), "99999999");
        assert_eq!(CodeSecret::generate(&mut rng).expose(), "00000007");
    }

    #[test]
    fn every_digit_appears_everywhere() {
        let mut rng = seeded(1);
        let mut counts = [[0u32; 10]; CODE_LEN];
        for _ in 0..10_000 {
            for (place, digit) in CodeSecret::generate(&mut rng).bytes().iter().enumerate() {
                counts[place][usize::from(digit - b'0')] += 1;
            }
        }
        assert!(counts.iter().flatten().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_code_without_equal_neighbours_has_79() {
        assert_eq!(CodeSecret::parse("12345678").unwrap().neighbours().len(), 79);
        assert_eq!(CodeSecret::parse("11111111").unwrap().neighbours().len(), 72);
    }

    proptest! {
        #[test]
        fn neighbours_are_distinct_one_slip_away_and_mutual(code in "[0-9]{8}") {
            let code = CodeSecret::parse(&code).unwrap();
            let neighbours = code.neighbours();
            let distinct: BTreeSet<&str> = neighbours.iter().map(CodeSecret::expose).collect();
            prop_assert_eq!(distinct.len(), neighbours.len());
            prop_assert!(!distinct.contains(code.expose()));
            for neighbour in &neighbours {
                prop_assert!(neighbour.neighbours().iter().any(|back| back.expose() == code.expose()));
            }
        }
    }
}
