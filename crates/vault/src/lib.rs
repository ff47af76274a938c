//! Keys and sealing for both sides: the platform and the bank controller.
//!
//! What it holds: secrets in memory ([`secret`]), key-encryption keys ([`kek`]), envelope sealing of stored
//! values ([`seal`]), look-up without plain text ([`blind`]), pickup and courier codes ([`code`]), signatures
//! ([`sign`]), commitments for the custody log ([`commit`]), tokens ([`token`]), passwords ([`password`]) and
//! the only TLS configurations in use ([`tls`]).
//!
//! What it must never do: know lockers, parcels or roles; open a network connection or a database; read a
//! clock; draw randomness from anywhere but the generator it is handed; print or log a secret.
//!
//! Every primitive comes from aws-lc-rs, except Argon2id, which comes from the `argon2` crate. Formats and
//! key life cycles are written down in `docs/security/keys.md`.
//!
//! Start at [`kek::KeyProvider`], then [`seal::Keyring`].

pub mod assertion;
pub mod badge;
pub mod blind;
pub mod code;
pub mod commit;
pub mod kek;
pub mod password;
pub mod random;
pub mod seal;
pub mod secret;
pub mod sign;
pub mod stretch;
pub mod tls;
pub mod token;

mod aead;
mod hash;

pub use random::OsRandom;
pub use secret::Secret;

#[cfg(test)]
mod test_rng {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    /// A generator that gives the same bytes in every run.
    pub fn seeded(seed: u64) -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(seed)
    }
}
