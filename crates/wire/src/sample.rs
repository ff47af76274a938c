//! Random values of every encodable type, for the property tests of this crate.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A source of sample values; the same seed gives the same values.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number that is often small and sometimes at a limit of its encoding.
    pub(crate) fn number(&mut self) -> u64 {
        let n = self.0.next_u64();
        match n % 5 {
            0 => n >> 59,
            1 => n >> 48,
            2 => {
                [0, 23, 24, 255, 256, 65_535, 65_536, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX]
                    [usize::try_from(n >> 32).unwrap() % 10]
            }
            3 => n >> 24,
            _ => n,
        }
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.0.next_u64() >> 1).unwrap() % limit
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    pub(crate) fn text(&mut self, max: usize) -> String {
        let wanted = self.below(max + 1);
        let mut text = String::new();
        while let Some(c) = char::from_u32(u32::try_from(self.below(0x600)).unwrap()) {
            if text.len() + c.len_utf8() > wanted {
                break;
            }
            text.push(c);
        }
        text
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}
