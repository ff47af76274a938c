//! What the platform tells a bank in advance, so that it can work alone: recipients, couriers, policy, keys.

use alloc::string::String;
use alloc::vec::Vec;

use crate::badge::BadgeBook;
use crate::compartment::Reach;
use crate::grant::Verifier;
use crate::id::{CarrierId, PersonId};
use crate::lockdown::Security;
use crate::signer::Signers;

/// Somebody parcels can be dropped off for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The opaque id used in events.
    pub person: PersonId,
    /// Flat, room or office; shown in full to couriers.
    pub unit: String,
    /// Full name; shown to couriers only as initials until they have typed enough to know it.
    pub name: String,
    /// Whether the person needs a door within reach.
    pub reach: Reach,
}

/// A courier's right to drop off, with the verifier of the personal code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourierPass {
    /// The courier.
    pub person: PersonId,
    /// Who the courier works for.
    pub carrier: CarrierId,
    /// The carrier's name as shown on the kiosk.
    pub carrier_name: String,
    /// Proves the personal code.
    pub verifier: Verifier,
}

/// A public key that signs QR tokens, by its number in the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssuerKey {
    /// The `kid` byte of the token.
    pub kid: u8,
    /// Ed25519 public key.
    pub public: [u8; 32],
}

/// Times and limits a site can set for its banks, in milliseconds unless named otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long after a pulse the door is waited for before it is tried again or given up.
    pub open_wait_ms: u64,
    /// How long a door may stay open before it is an alarm.
    pub held_open_ms: u64,
    /// How long nobody need touch the kiosk before it asks whether somebody is there.
    pub idle_ms: u64,
    /// How long it then waits before it starts over.
    pub idle_warning_ms: u64,
    /// How long a parcel's grant lives, in days (1 to 30).
    pub expiry_days: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            open_wait_ms: 2_100,
            held_open_ms: 90_000,
            idle_ms: 45_000,
            idle_warning_ms: 30_000,
            expiry_days: 7,
        }
    }
}

/// Whether a bank has been accepted for use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BankService {
    /// It takes parcels.
    #[default]
    InService,
    /// It has not been accepted, or no longer is: it gives out what it holds and takes nothing in.
    NotAccepted,
}

/// The whole of it, replaced as one; a bank never goes back to an older revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// Rises with every change at the platform.
    pub revision: u64,
    /// What the bank is called on its kiosk.
    pub bank_name: String,
    /// Whom to call, as shown when something is wrong.
    pub help: String,
    /// Everybody parcels can be dropped off for.
    pub recipients: Vec<Recipient>,
    /// Everybody who may drop off.
    pub couriers: Vec<CourierPass>,
    /// Keys that sign QR tokens.
    pub issuers: Vec<IssuerKey>,
    /// Times and limits.
    pub policy: Policy,
    /// What is done about tampering, and who may end a lockdown.
    pub security: Security,
    /// Keys of people who may open from afar or in an emergency.
    pub signers: Signers,
    /// Badges.
    pub badges: BadgeBook,
    /// Whether it may take parcels in.
    pub service: BankService,
}

/// At most this many recipients on one bank's roster.
pub const MAX_RECIPIENTS: usize = 20_000;
/// At most this many couriers on one bank's roster.
pub const MAX_COURIERS: usize = 2_000;
