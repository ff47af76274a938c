//! The one real source of randomness.
//!
//! Everything in this crate takes `&mut impl rand_core::Rng`. Programs pass [`OsRandom`]; tests and the
//! simulation pass a seeded generator. Nothing else may draw random bytes.

use core::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

/// The random bit generator of aws-lc, seeded by the operating system.
///
/// It carries no state of its own, so it can be made wherever one is needed.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl TryRng for OsRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        // A machine without randomness must stop, not go on with predictable keys.
        aws_lc_rs::rand::fill(bytes).expect("aws-lc aborts rather than run without entropy");
        Ok(())
    }
}

impl TryCryptoRng for OsRandom {}

#[cfg(test)]
mod tests {
    use rand_core::Rng;

    use super::*;

    #[test]
    fn two_draws_differ() {
        let (mut a, mut b) = ([0u8; 32], [0u8; 32]);
        OsRandom.fill_bytes(&mut a);
        OsRandom.fill_bytes(&mut b);
        assert_ne!(a, b);
        assert_ne!(OsRandom.next_u64(), OsRandom.next_u64());
    }
}
