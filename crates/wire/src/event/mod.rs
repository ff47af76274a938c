//! Leaves of the custody log: deterministic CBOR (RFC 8949 §4.2.1) of the events of banks and of the platform.
//!
//! There is exactly one encoding of every event: integer keys in ascending order, shortest integers, definite
//! lengths, no floats, no tags. [`decode`] refuses anything else, so equal events have equal bytes and equal hashes.
//! A bank's event carries the SHA-256 of the event before it; its device key signs [`head_statement`]s. No leaf may
//! ever hold personal data. The numbers of kinds and fields are in `tables`.

mod field;
mod tables;
#[cfg(test)]
mod tests;

use aws_lc_rs::digest;
use bailee_domain::event::{Event, EventKind};
use bailee_domain::id::{BankId, OrgId};
use bailee_domain::platform::{Actor, PlatformEvent, PlatformEventKind};
use bailee_domain::time::{TimeQuality, WallTime};

use field::{Field, Reader, Writer};
#[cfg(test)]
pub(crate) use tests::sample_event;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// What the first event of a bank names as the event before it.
pub const NO_EVENT: Hash = [0; 32];

/// The version written into every leaf.
pub const VERSION: u64 = 1;

/// No leaf is longer than this, in bytes.
pub const MAX_LEAF_BYTES: usize = 1_024;

/// No text in a leaf is longer than this, in bytes.
pub const MAX_TEXT_BYTES: usize = 200;

const BANK: u64 = 1;
const PLATFORM: u64 = 2;

/// One entry of the custody log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// Written by a bank; the platform stores the bank's own bytes.
    Bank {
        /// The bank.
        bank: BankId,
        /// [`chain_hash`] of the bank's event before this one, [`NO_EVENT`] for the first.
        prev: Hash,
        /// What happened.
        event: Event,
    },
    /// Written by the platform.
    Platform {
        /// The organisation whose log it is.
        org: OrgId,
        /// What happened.
        event: PlatformEvent,
    },
}

/// Why bytes are not a leaf, or an event cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Longer than [`MAX_LEAF_BYTES`], or a text longer than [`MAX_TEXT_BYTES`].
    #[error("the entry, or a text in it, is too long")]
    TooLong,
    /// Not CBOR, or not of the form described for its kind.
    #[error("the entry is malformed")]
    Malformed,
    /// Written by a later version.
    #[error("the entry has version {0}, this program knows version 1")]
    UnknownVersion(u64),
    /// A kind of event this program does not know.
    #[error("the entry is of an unknown kind")]
    UnknownKind,
    /// It says what an event says, but not in the one allowed form.
    #[error("the entry is not in the canonical encoding")]
    NotCanonical,
}

/// One line of the readable form of a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The field, such as `compartment` or `purpose.parcel`.
    pub name: String,
    /// Its value: ids as text, hashes in hexadecimal, times as RFC 3339 in UTC.
    pub value: String,
}

/// The leaf of a bank's event, where `prev` is [`chain_hash`] of the leaf before it ([`NO_EVENT`] for the first).
pub fn encode_bank(bank: BankId, prev: &Hash, event: &Event) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(8);
    put(&mut w, 0, &VERSION);
    put(&mut w, 1, &BANK);
    put(&mut w, 2, &bank);
    put(&mut w, 3, &event.at);
    put(&mut w, 4, &event.kind);
    put(&mut w, 5, &event.seq);
    put(&mut w, 6, prev);
    put(&mut w, 7, &event.quality);
    w.finish()
}

/// The leaf of an event of the platform in the log of `org`.
///
/// # Errors
/// [`EventError::TooLong`] when a text in it is longer than [`MAX_TEXT_BYTES`].
pub fn encode_platform(org: OrgId, event: &PlatformEvent) -> Result<Vec<u8>, EventError> {
    match &event.kind {
        PlatformEventKind::CarrierAdded { name: text, .. }
        | PlatformEventKind::SettingChanged { what: text }
        | PlatformEventKind::BankOperationRequested { what: text, .. }
        | PlatformEventKind::WitnessRefused { witness: text, .. }
        | PlatformEventKind::WitnessNamed { witness: text }
            if text.len() > MAX_TEXT_BYTES =>
        {
            return Err(EventError::TooLong);
        }
        _ => {}
    }
    let mut w = Writer::new();
    w.map(6);
    put(&mut w, 0, &VERSION);
    put(&mut w, 1, &PLATFORM);
    put(&mut w, 2, &org);
    put(&mut w, 3, &event.at);
    put(&mut w, 4, &event.kind);
    put(&mut w, 8, &event.actor);
    Ok(w.finish())
}

fn put(w: &mut Writer, key: u64, value: &impl Field) {
    w.unsigned(key);
    value.put(w);
}

fn take<T: Field>(r: &mut Reader<'_>, key: u64) -> Result<T, EventError> {
    r.key(key)?;
    T::take(r)
}

/// Reads one leaf; only the canonical encoding is accepted.
///
/// # Errors
/// The [`EventError`] that says what is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<Leaf, EventError> {
    if bytes.len() > MAX_LEAF_BYTES {
        return Err(EventError::TooLong);
    }
    let mut r = Reader::new(bytes);
    let leaf = read(&mut r)?;
    if !r.at_end() {
        return Err(EventError::Malformed);
    }
    if leaf.encode()? == bytes { Ok(leaf) } else { Err(EventError::NotCanonical) }
}

fn read(r: &mut Reader<'_>) -> Result<Leaf, EventError> {
    let len = r.any_map()?;
    let version = take::<u64>(r, 0)?;
    if version != VERSION {
        return Err(EventError::UnknownVersion(version));
    }
    match (take::<u64>(r, 1)?, len) {
        (BANK, 8) => read_bank(r),
        (PLATFORM, 6) => read_platform(r),
        _ => Err(EventError::Malformed),
    }
}

fn read_bank(r: &mut Reader<'_>) -> Result<Leaf, EventError> {
    let bank = take(r, 2)?;
    let at = take(r, 3)?;
    let kind = take::<EventKind>(r, 4)?;
    let seq = take(r, 5)?;
    let prev = take(r, 6)?;
    let quality = take::<TimeQuality>(r, 7)?;
    Ok(Leaf::Bank { bank, prev, event: Event { seq, at, quality, kind } })
}

fn read_platform(r: &mut Reader<'_>) -> Result<Leaf, EventError> {
    let org = take(r, 2)?;
    let at = take(r, 3)?;
    let kind = take(r, 4)?;
    let actor = take::<Actor>(r, 8)?;
    Ok(Leaf::Platform { org, event: PlatformEvent { at, actor, kind } })
}

/// What the next event of the same bank names as `prev`, and what a device key signs: the SHA-256 of a leaf.
pub fn chain_hash(leaf: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, leaf).as_ref());
    hash
}

/// The exact bytes a bank's device key signs to state that its chain had this `head` at `seq`.
pub fn head_statement(bank: BankId, seq: u64, head: &Hash) -> Vec<u8> {
    format!("bailee-chain-head/v1\n{bank}\n{seq}\n{}\n", hex(head)).into_bytes()
}

impl Leaf {
    /// The canonical bytes of this leaf.
    ///
    /// # Errors
    /// [`EventError::TooLong`] for an event of the platform with too long a text.
    pub fn encode(&self) -> Result<Vec<u8>, EventError> {
        match self {
            Self::Bank { bank, prev, event } => Ok(encode_bank(*bank, prev, event)),
            Self::Platform { org, event } => encode_platform(*org, event),
        }
    }

    /// When it happened, by the clock of its source.
    pub const fn at(&self) -> WallTime {
        match self {
            Self::Bank { event, .. } => event.at,
            Self::Platform { event, .. } => event.at,
        }
    }

    /// The name of its kind, such as `CompartmentOpened`.
    pub fn kind(&self) -> String {
        let mut lines = Vec::new();
        match self {
            Self::Bank { event, .. } => event.kind.show("", &mut lines),
            Self::Platform { event, .. } => event.kind.show("", &mut lines),
        }
        lines.swap_remove(0).value
    }

    /// Every field with its value, in a fixed order: who, when, what, and for a bank its place in the chain.
    pub fn view(&self) -> Vec<Shown> {
        let mut lines = Vec::new();
        match self {
            Self::Bank { bank, prev, event } => {
                bank.show("bank", &mut lines);
                event.at.show("at", &mut lines);
                event.kind.show("", &mut lines);
                event.seq.show("seq", &mut lines);
                prev.show("prev", &mut lines);
                event.quality.show("time quality", &mut lines);
            }
            Self::Platform { org, event } => {
                org.show("org", &mut lines);
                event.at.show("at", &mut lines);
                event.kind.show("", &mut lines);
                event.actor.show("actor", &mut lines);
            }
        }
        lines
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A time as RFC 3339 text in UTC with milliseconds, or in milliseconds when its year has not four digits.
pub fn time_text(at: WallTime) -> String {
    let ms = at.unix_ms();
    let (days, of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let Some((year, month, day)) = civil(days).filter(|(year, ..)| (0..=9_999).contains(year)) else {
        return format!("{ms} ms");
    };
    let (s, ms) = (of_day / 1_000, of_day % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{ms:03}Z", s / 3_600, s / 60 % 60, s % 60)
}

/// The proleptic Gregorian date `days` after 1970-01-01, counted in years that start in March.
fn civil(days: i64) -> Option<(i64, i64, i64)> {
    let days = days.checked_add(719_468)?;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    Some((year_of_era + era * 400 + i64::from(month <= 2), month, day))
}
