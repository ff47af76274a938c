//! Password hashing with Argon2id, stored as PHC strings (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`).
//!
//! Sign-in calls [`Passwords::verify_or_dummy`] for known and unknown users alike, so that both take the same
//! path and time. Hashing is slow on purpose: see [`crate::stretch`] on where to run it.
//!
//! Not here: throttling, lists of breached passwords, second factors. They belong to the caller.

use argon2::password_hash::phc::PasswordHash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand_core::Rng;
use subtle::ConstantTimeEq;

use crate::secret::Secret;
use crate::stretch::Cost;

/// Fewest characters of a new password (NIST SP 800-63B-4 for a password that is the only factor).
pub const MIN_CHARACTERS: usize = 15;

/// Most bytes of any password: bounds the work an unknown sender can cause.
pub const MAX_BYTES: usize = 1024;

/// Why a new password is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Too few characters.
    #[error("choose at least 15 characters; a few words are easier to keep than one odd word")]
    TooShort,
    /// Too many bytes.
    #[error("choose at most 1024 bytes")]
    TooLong,
}

/// A password that passed the length policy.
#[derive(Debug)]
pub struct NewPassword(Secret<String>);

impl NewPassword {
    /// Checks the length; any character counts, spaces included, and nothing is trimmed.
    ///
    /// # Errors
    /// [`PasswordRefused`].
    pub fn new(text: &str) -> Result<Self, PasswordRefused> {
        if text.len() > MAX_BYTES {
            return Err(PasswordRefused::TooLong);
        }
        if text.chars().count() < MIN_CHARACTERS {
            return Err(PasswordRefused::TooShort);
        }
        Ok(Self(Secret::new(text.into())))
    }
}

/// Hashes and checks passwords at one cost.
pub struct Passwords {
    cost: Cost,
}

/// A stored hash, read.
struct Stored {
    cost: Cost,
    salt: [u8; 16],
    output: [u8; 32],
}

impl Passwords {
    /// Passwords hashed at `cost`; [`Cost::STANDARD`] outside simulation.
    pub fn new(cost: Cost) -> Self {
        Self { cost }
    }

    /// Hashes a new password with a fresh salt.
    pub fn hash(&self, password: &NewPassword, rng: &mut impl Rng) -> String {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let output = self.cost.stretch(password.0.expose().as_bytes(), &salt);
        let (memory, passes, lanes) = (self.cost.memory_kib(), self.cost.passes(), self.cost.lanes());
        let [salt, output] = [salt.as_slice(), output.expose()].map(|bytes| STANDARD_NO_PAD.encode(bytes));
        format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${output}")
    }

    /// Whether `password` belongs to `hash`; with no hash it does the same work and says no.
    ///
    /// A stored hash that cannot be read, or whose cost is out of range, also does the work and says no.
    pub fn verify_or_dummy(&self, hash: Option<&str>, password: &str) -> bool {
        // Nobody has such a password; refusing it early says nothing about any user.
        if password.len() > MAX_BYTES {
            return false;
        }
        let stored = hash.and_then(readable);
        let known = stored.is_some();
        let against = stored.unwrap_or(Stored { cost: self.cost, salt: [0; 16], output: [0; 32] });
        let found = against.cost.stretch(password.as_bytes(), &against.salt);
        let matches = bool::from(found.expose().ct_eq(&against.output));
        known & matches
    }

    /// Whether a hash was made at another cost: after a successful sign-in it should be replaced.
    pub fn is_outdated(&self, hash: &str) -> bool {
        readable(hash).map(|stored| stored.cost) != Some(self.cost)
    }
}

fn readable(hash: &str) -> Option<Stored> {
    let hash = PasswordHash::new(hash).ok()?;
    let params = argon2::Params::try_from(&hash).ok()?;
    let cost = Cost::new(params.m_cost(), params.t_cost(), params.p_cost()).ok()?;
    let salt = <[u8; 16]>::try_from(hash.salt?.as_ref()).ok()?;
    let output = <[u8; 32]>::try_from(hash.hash?.as_bytes()).ok()?;
    let is_ours = hash.algorithm.as_str() == "argon2id" && hash.version == Some(0x13);
    is_ours.then_some(Stored { cost, salt, output })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rng::seeded;

    const GOOD: &str = "correct horse battery staple";

    fn hashed(passwords: &Passwords) -> String {
        passwords.hash(&NewPassword::new(GOOD).unwrap(), &mut seeded(1))
    }

    #[test]
    fn only_the_right_password_of_a_known_user_passes() {
        let passwords = Passwords::new(Cost::SIMULATION);
        let hash = hashed(&passwords);
        assert!(passwords.verify_or_dummy(Some(&hash), GOOD));
        assert!(!passwords.verify_or_dummy(Some(&hash), "Correct horse battery staple"));
        assert!(!passwords.verify_or_dummy(None, GOOD));
        assert!(!passwords.verify_or_dummy(None, ""));
    }

    #[test]
    fn the_standard_cost_is_written_into_the_hash() {
        let passwords = Passwords::new(Cost::STANDARD);
        let hash = hashed(&passwords);
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify_or_dummy(Some(&hash), GOOD));
        assert!(!passwords.is_outdated(&hash));
        assert!(Passwords::new(Cost::SIMULATION).is_outdated(&hash));
    }

    #[test]
    fn other_programs_read_our_hashes() {
        use argon2::PasswordVerifier;
        let hash = hashed(&Passwords::new(Cost::SIMULATION));
        let hash = PasswordHash::new(&hash).unwrap();
        assert!(argon2::Argon2::default().verify_password(GOOD.as_bytes(), &hash).is_ok());
        assert!(argon2::Argon2::default().verify_password(b"another", &hash).is_err());
    }

    #[test]
    fn equal_passwords_have_different_hashes() {
        let passwords = Passwords::new(Cost::SIMULATION);
        let (password, mut rng) = (NewPassword::new(GOOD).unwrap(), seeded(1));
        assert_ne!(passwords.hash(&password, &mut rng), passwords.hash(&password, &mut rng));
    }

    #[test]
    fn unreadable_or_ruinous_hashes_say_no() {
        let passwords = Passwords::new(Cost::SIMULATION);
        let hash = hashed(&passwords);
        let ruinous = hash.replace("m=8", "m=4194304");
        let other_algorithm = hash.replace("argon2id", "argon2d");
        for bad in
            ["", "x", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv", &ruinous, &other_algorithm, &hash[..40]]
        {
            assert!(!passwords.verify_or_dummy(Some(bad), GOOD), "{bad}");
        }
    }

    #[test]
    fn length_policy() {
        assert_eq!(NewPassword::new("fourteen chars").unwrap_err(), PasswordRefused::TooShort);
        assert!(NewPassword::new("fifteen letters").is_ok());
        // Characters count, not bytes.
        assert_eq!(NewPassword::new(&"ü".repeat(14)).unwrap_err(), PasswordRefused::TooShort);
        assert!(NewPassword::new(&"x".repeat(MAX_BYTES)).is_ok());
        assert_eq!(NewPassword::new(&"x".repeat(MAX_BYTES + 1)).unwrap_err(), PasswordRefused::TooLong);
        assert!(!Passwords::new(Cost::SIMULATION).verify_or_dummy(None, &"x".repeat(1 << 20)));
    }
}
