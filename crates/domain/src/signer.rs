//! People's own keys and what they sign: the one kind of authority the platform cannot have.
//!
//! A bank holds the public keys of people and does nothing remote without a signature by one of them over a
//! [`Statement`] that names bank, door, reason, the code on the bank's own screen and an end within a minute. The
//! canonical bytes of a statement are in `wire::statement`, the check of a signature in `vault::assertion`. Which keys
//! count, and from when, is `bank::keyring`'s decision: a key that the platform brings is not believed at once.

use alloc::string::String;
use alloc::vec::Vec;

use crate::code::Code;
use crate::compartment::CompartmentNo;
use crate::id::{GrantId, PersonId};
use crate::time::WallTime;

/// At most this many keys on one bank's roster.
pub const MAX_KEYS: usize = 4_000;
/// At most this many keys that are not residents' on one bank's roster.
pub const MAX_STAFF_KEYS: usize = 64;
/// At most this many signatures under one statement.
pub const MAX_SIGNATURES: usize = 5;
/// The longest a statement by one person may live, in milliseconds.
pub const STATEMENT_LIFE_MS: i64 = 60_000;
/// The longest a statement by a quorum may live: people sign one after the other.
pub const QUORUM_LIFE_MS: i64 = 15 * 60_000;

/// A public key as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PublicKey {
    /// Ed25519 (RFC 8032), 32 bytes.
    Ed25519([u8; 32]),
    /// P-256 (FIPS 186-5), the uncompressed point of 65 bytes (SEC 1, 2.3.3).
    P256([u8; 65]),
}

impl PublicKey {
    /// Thirty-two bytes that name the key in the log: an Ed25519 key itself, the X coordinate of a P-256 one.
    pub fn fingerprint(&self) -> [u8; 32] {
        match self {
            Self::Ed25519(key) => *key,
            Self::P256(point) => {
                let mut x = [0; 32];
                x.copy_from_slice(&point[1..33]);
                x
            }
        }
    }
}

/// What signatures of a key look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyForm {
    /// An Ed25519 signature over the statement itself.
    Plain,
    /// A WebAuthn assertion whose challenge is the SHA-256 of the statement.
    Passkey,
}

/// What a person may sign for with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    /// Opening the compartment of their own parcel.
    Resident,
    /// Opening any compartment, and admitting further keys of staff.
    Administrator,
    /// Answering a challenge at the kiosk, with no network.
    Officer,
}

impl KeyUse {
    /// Whether a bank takes such a key only with signatures of those who hold one already.
    pub const fn is_staff(self) -> bool {
        matches!(self, Self::Administrator | Self::Officer)
    }
}

/// One key of one person for one use. Any difference makes it another key, to be admitted anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonKey {
    /// Whose.
    pub person: PersonId,
    /// For what.
    pub used_for: KeyUse,
    /// What its signatures look like.
    pub form: KeyForm,
    /// The key.
    pub public: PublicKey,
}

/// Whom passkeys are bound to (Web Authentication Level 3, relying party).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelyingParty {
    /// Its id: the domain of the portal.
    pub id: String,
    /// Its origin, such as `https://parcels.example.org`.
    pub origin: String,
}

/// What a roster says about openings from afar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signers {
    /// Everybody's keys.
    pub keys: Vec<PersonKey>,
    /// Whom passkeys are bound to.
    pub relying_party: RelyingParty,
    /// How many administrators a quorum takes; a bank never goes below two, nor below what it was once told.
    pub quorum: u8,
}

/// What a person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Open the door of one's own parcel.
    Collect {
        /// The door.
        compartment: CompartmentNo,
        /// The right to what is behind it.
        grant: GrantId,
    },
    /// Open a door for a reason.
    Inspect {
        /// The door.
        compartment: CompartmentNo,
        /// A salted commitment to the reason in words, which stays at the platform.
        reason: [u8; 32],
    },
    /// Believe this key from now on.
    Admit(PersonKey),
    /// Open a door in an emergency, in answer to the challenge on the kiosk's screen.
    Override {
        /// The door.
        compartment: CompartmentNo,
        /// What the kiosk shows.
        challenge: Challenge,
    },
}

/// Forty random bits a kiosk shows in an emergency, good for one door and a quarter of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Challenge(pub [u8; 5]);

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What is wanted.
    pub act: Act,
    /// What the bank's screen showed; a quorum needs none.
    pub presence: Option<Code>,
    /// Not at or after this time.
    pub expires: WallTime,
}

/// A person's signature under a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Who signs.
    pub person: PersonId,
    /// With which key.
    pub public: PublicKey,
    /// The signature itself.
    pub proof: Proof,
}

/// The most bytes of an assertion's authenticator data that are read.
pub const MAX_AUTHENTICATOR_DATA: usize = 1_024;
/// The most bytes of an assertion's client data that are read.
pub const MAX_CLIENT_DATA: usize = 2_048;
/// The longest signature of either kind, in bytes (an ECDSA signature is DER).
pub const MAX_SIGNATURE: usize = 80;

/// What proves that a key's owner agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Ed25519 over the statement.
    Plain([u8; 64]),
    /// A WebAuthn assertion, each part as the browser gave it.
    Passkey {
        /// `authenticatorData`.
        authenticator_data: Vec<u8>,
        /// `clientDataJSON`.
        client_data: Vec<u8>,
        /// `signature`.
        signature: Vec<u8>,
    },
}

/// A statement with everybody's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What is signed.
    pub statement: Statement,
    /// By whom; at most [`MAX_SIGNATURES`].
    pub signatures: Vec<Signature>,
}
