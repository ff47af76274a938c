//! Argon2id (RFC 9106) and what it costs; shared by codes and passwords.
//!
//! A FIPS build replaces [`Cost::stretch`] by PBKDF2-HMAC-SHA-256: this is the only place that would change. Stretching takes tens of milliseconds: callers in asynchronous code run it on a blocking
//! thread, and bound how many run at once (each takes [`Cost::memory_kib`]).

use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Working memory of this many blocks (of 1 KiB) and more must not stay with the process.
const KEPT_FROM_BLOCKS: usize = 4 << 10;
/// Allocations of this many blocks are mapped alone by the C library.
const MAPPED_ALONE_BLOCKS: usize = (32 << 10) + 64;

use crate::secret::Secret;

/// What one stretch costs; kept beside each key or hash, so it can be raised later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// The cost is outside what this program is willing to spend.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("Argon2 cost out of range: memory 8 KiB per lane to 256 MiB, 1 to 16 passes, 1 to 4 lanes")]
pub struct CostOutOfRange;

impl Cost {
    /// The default: 19 MiB, two passes, one lane (the OWASP minimum for Argon2id).
    ///
    /// It fits a controller with 512 MiB of memory and keeps a keypad answer far below a second; whoever
    /// steals a database of codes still needs [`crate::code::BankCodeKey`] before this cost begins to matter.
    pub const STANDARD: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    /// The cheapest that Argon2 allows, for simulation and tests; worthless as protection.
    pub const SIMULATION: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };

    /// Checks a cost that came from configuration, a store or the link.
    ///
    /// # Errors
    /// [`CostOutOfRange`].
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, CostOutOfRange> {
        let lanes_fit = lanes >= 1 && lanes <= 4;
        let passes_fit = passes >= 1 && passes <= 16;
        if !lanes_fit || !passes_fit || memory_kib < 8 * lanes || memory_kib > 256 * 1024 {
            return Err(CostOutOfRange);
        }
        Ok(Self { memory_kib, passes, lanes })
    }

    /// Memory in KiB.
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes.
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    /// Working memory that goes back to the system afterwards.
    ///
    /// The C library keeps freed blocks of up to 32 MiB for later; a larger one is mapped alone and unmapped when
    /// dropped. Only the part that is used ever becomes resident.
    fn memory(self) -> Vec<Block> {
        let blocks = self.params().block_count();
        let capacity = if blocks < KEPT_FROM_BLOCKS { blocks } else { blocks.max(MAPPED_ALONE_BLOCKS) };
        let mut memory = Vec::with_capacity(capacity);
        memory.resize(blocks, Block::default());
        memory
    }

    /// Stretches a low-entropy secret to 32 bytes. Slow on purpose.
    pub fn stretch(self, secret: &[u8], salt: &[u8; 16]) -> Secret<[u8; 32]> {
        let mut out = [0; 32];
        let mut memory = self.memory();
        self.argon2()
            .hash_password_into_with_memory(secret, salt, &mut out, &mut memory)
            .expect("secret, salt, output and memory fit Argon2");
        let stretched = Secret::new(out);
        zeroize::Zeroize::zeroize(&mut out);
        stretched
    }

    fn argon2(self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params())
    }

    fn params(self) -> Params {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32));
        params.expect("a Cost is always within Argon2's own limits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_bounded() {
        assert_eq!(Cost::new(19_456, 2, 1), Ok(Cost::STANDARD));
        let wrong = [(7, 1, 1), (15, 1, 2), (262_145, 1, 1), (8, 0, 1), (8, 17, 1), (8, 1, 0), (64, 1, 5)];
        for (memory, passes, lanes) in wrong {
            assert_eq!(Cost::new(memory, passes, lanes), Err(CostOutOfRange), "{memory} {passes} {lanes}");
        }
    }

    #[test]
    fn secret_salt_and_cost_all_matter() {
        let base = Cost::SIMULATION.stretch(b"12345678", &[1; 16]);
        assert_eq!(base.expose(), Cost::SIMULATION.stretch(b"12345678", &[1; 16]).expose());
        assert_ne!(base.expose(), Cost::SIMULATION.stretch(b"12345679", &[1; 16]).expose());
        assert_ne!(base.expose(), Cost::SIMULATION.stretch(b"12345678", &[2; 16]).expose());
        assert_ne!(base.expose(), Cost::new(16, 1, 1).unwrap().stretch(b"12345678", &[1; 16]).expose());
    }
}
