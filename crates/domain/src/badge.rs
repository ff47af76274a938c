//! Badges: what was held to a reader, whose it is, and what that is worth.
//!
//! A badge's number never comes here: only its MAC under the bank's key, which the reader's driver makes before it
//! forgets the number. What a bank does about a badge is in `bank::badge`.

use alloc::vec::Vec;

use crate::grant::Verifier;
use crate::id::PersonId;

/// At most this many badges on one bank's roster, and as many again enrolled at its kiosk.
pub const MAX_BADGES: usize = 8_000;

/// A badge somebody held to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadgeShown {
    /// The reader, by its number in the configuration.
    pub reader: u8,
    /// What the reader read it from.
    pub kind: BadgeKind,
    /// What that proves.
    pub assurance: Assurance,
    /// The keyed MAC of format and number: `bailee_vault::badge::BadgeKey::mac`.
    pub mac: [u8; 32],
}

/// What a badge's number was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BadgeKind {
    /// A card's serial number or a 125 kHz prox number: anybody can copy it.
    Identifier,
    /// A file of a card that proved a key (DESFire EV2 and later, MIFARE Plus SL3, Seos).
    Application,
    /// A pass on a phone that proved a key bound to that phone.
    Phone,
    /// A printed barcode or QR code that is no token of ours: anybody can copy it.
    Barcode,
}

/// What a credential proves about who holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assurance {
    /// That somebody knows or copied a number.
    Weak,
    /// That the thing itself is here.
    Strong,
}

/// A badge a bank knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadgePass {
    /// The keyed MAC of format and number.
    pub mac: [u8; 32],
    /// Whose it is.
    pub person: PersonId,
    /// What it proved when it was enrolled.
    pub assurance: Assurance,
    /// Proves the person's number that goes with a weak badge, if they have one.
    pub pin: Option<Verifier>,
}

/// What a weak badge is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum WeakBadges {
    /// A code or the person's number must follow.
    #[default]
    NeedCode,
    /// It suffices, like a strong one.
    Suffice,
    /// Nothing.
    Refused,
}

/// What a roster says about badges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadgeBook {
    /// Every badge enrolled at the platform.
    pub passes: Vec<BadgePass>,
    /// What weak ones are good for.
    pub weak: WeakBadges,
}
