//! Badges held to a reader: whose they are, what that is worth, and when a code must come on top.
//!
//! A badge's number never comes here: only its MAC under the bank's key, which the reader's driver makes and forgets
//! the number. An unknown badge costs a guess like a wrong code, because numbers can be tried; the same one held
//! again costs nothing.

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
