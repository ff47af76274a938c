//! Journal records as bytes: a tag, then a fixed form for each kind. Events are their leaves, byte for byte, so what
//! a bank uploads is what it wrote. Sealing, framing and checksums are the journal's business. What stands for all
//! records before it, a snapshot, has a form of its own in `snapshot`.

mod people;
mod snapshot;

use bailee_domain::bank::io::Record;
use bailee_domain::boot_tag::{BootTag, BootTags};
use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, GrantId};
use bailee_domain::time::WallTime;

use crate::event::{self, EventError, Hash, Leaf};
use crate::link::{self, LinkError};

#[cfg(test)]
pub(crate) use people::samples::{sample_badge, sample_key, sample_order};
pub use snapshot::{MAX_SNAPSHOT_BYTES, Snapshot, decode_snapshot, encode_snapshot, is_snapshot};

const EVENT: u8 = 1;
const ROSTER: u8 = 2;
const ARMED: u8 = 3;
const GUESS_RESERVED: u8 = 4;
const GUESS_REFUNDED: u8 = 5;
const ACKNOWLEDGED: u8 = 6;
const HIGH_WATER: u8 = 7;
const LOCKDOWN_RAN: u8 = 40;
const POWERED: u8 = 16;
const BOOT_TAGS: u8 = 50;

/// No record is longer than this, in bytes.
pub const MAX_RECORD_BYTES: usize = link::MAX_REQUEST_BYTES + 1;

/// A record read from a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// What the engine wrote.
    pub record: Record,
    /// For an event, where it belongs.
    pub place: Option<Place>,
}

/// The bank an event is of and the event it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bank.
    pub bank: BankId,
    /// [`event::chain_hash`] of the event before it.
    pub prev: Hash,
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Empty, of an unknown kind or of a wrong length.
    #[error("the journal record is malformed")]
    Malformed,
    /// An event that cannot be read.
    #[error("the event in the journal record is not readable: {0}")]
    Event(EventError),
    /// A roster that cannot be read.
    #[error("the roster in the journal record is not readable: {0}")]
    Roster(LinkError),
}

/// The bytes of a record; `place` is used for events only.
pub fn encode(record: &Record, place: Place) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(192);
    match record {
        Record::Event(event) => {
            bytes.push(EVENT);
            bytes.extend(event::encode_bank(place.bank, &place.prev, event));
        }
        Record::Roster(roster) => {
            bytes.push(ROSTER);
            bytes.extend(link::encode_roster(roster));
        }
        Record::Armed { grant, generation, verifier, expires } => {
            bytes.push(ARMED);
            bytes.extend(grant.to_bytes());
            bytes.push(*generation);
            bytes.extend(verifier.salt);
            bytes.extend(verifier.mac);
            bytes.extend(expires.unix_ms().to_be_bytes());
        }
        Record::GuessReserved { guess, at } => {
            bytes.push(GUESS_RESERVED);
            bytes.extend(guess.to_be_bytes());
            bytes.extend(at.unix_ms().to_be_bytes());
        }
        Record::GuessRefunded { guess } => number(&mut bytes, GUESS_REFUNDED, guess.to_be_bytes()),
        Record::Acknowledged { up_to } => number(&mut bytes, ACKNOWLEDGED, up_to.to_be_bytes()),
        Record::HighWater(at) => number(&mut bytes, HIGH_WATER, at.unix_ms().to_be_bytes()),
        Record::LockdownRan { ms } => number(&mut bytes, LOCKDOWN_RAN, ms.to_be_bytes()),
        Record::BootTags(tags) => {
            bytes.push(BOOT_TAGS);
            put_tags(&mut bytes, tags.as_ref());
        }
        Record::Powered { total_ms } => number(&mut bytes, POWERED, total_ms.to_be_bytes()),
        Record::Signed { .. }
        | Record::Admitted(_)
        | Record::WorkOrder(_)
        | Record::Enrolment { .. }
        | Record::Badge(_) => people::put_record(&mut bytes, record),
    }
    bytes
}

fn number(bytes: &mut Vec<u8>, tag: u8, number: [u8; 8]) {
    bytes.push(tag);
    bytes.extend(number);
}

/// The leaf inside the bytes of a record, when it is an event.
pub fn leaf(record: &[u8]) -> Option<&[u8]> {
    record.strip_prefix(&[EVENT])
}

/// Reads a record.
///
/// # Errors
/// The [`RecordError`] that says what is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<Read, RecordError> {
    let (tag, rest) = bytes.split_first().ok_or(RecordError::Malformed)?;
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(RecordError::Malformed);
    }
    let record = match *tag {
        EVENT => return read_event(rest),
        ROSTER => Record::Roster(link::decode_roster(rest).map_err(RecordError::Roster)?),
        _ => fixed(*tag, rest).ok_or(RecordError::Malformed)?,
    };
    Ok(Read { record, place: None })
}

fn read_event(leaf: &[u8]) -> Result<Read, RecordError> {
    match event::decode(leaf).map_err(RecordError::Event)? {
        Leaf::Bank { bank, prev, event } => {
            Ok(Read { record: Record::Event(event), place: Some(Place { bank, prev }) })
        }
        Leaf::Platform { .. } => Err(RecordError::Malformed),
    }
}

fn fixed(tag: u8, mut rest: &[u8]) -> Option<Record> {
    let from = &mut rest;
    let record = match tag {
        ARMED => Record::Armed {
            grant: GrantId::from_bytes(cut(from)?),
            generation: cut::<1>(from)?[0],
            verifier: Verifier { salt: cut(from)?, mac: cut(from)? },
            expires: time(from)?,
        },
        GUESS_RESERVED => Record::GuessReserved { guess: u64::from_be_bytes(cut(from)?), at: time(from)? },
        GUESS_REFUNDED => Record::GuessRefunded { guess: u64::from_be_bytes(cut(from)?) },
        ACKNOWLEDGED => Record::Acknowledged { up_to: u64::from_be_bytes(cut(from)?) },
        HIGH_WATER => Record::HighWater(time(from)?),
        LOCKDOWN_RAN => Record::LockdownRan { ms: u64::from_be_bytes(cut(from)?) },
        BOOT_TAGS => Record::BootTags(tags(from)?),
        POWERED => Record::Powered { total_ms: u64::from_be_bytes(cut(from)?) },
        _ => people::record(tag, from)?,
    };
    rest.is_empty().then_some(record)
}

/// Nothing, or the intent and, where there is one, what was committed before it.
fn put_tags(to: &mut Vec<u8>, tags: Option<&BootTags>) {
    match tags {
        None => to.push(0),
        Some(BootTags { committed: None, intent }) => {
            to.push(1);
            to.extend(intent.0);
        }
        Some(BootTags { committed: Some(committed), intent }) => {
            to.push(2);
            to.extend(intent.0);
            to.extend(committed.0);
        }
    }
}

fn tags(from: &mut &[u8]) -> Option<Option<BootTags>> {
    Some(match cut(from)? {
        [0] => None,
        [1] => Some(BootTags { intent: BootTag(cut(from)?), committed: None }),
        [2] => Some(BootTags { intent: BootTag(cut(from)?), committed: Some(BootTag(cut(from)?)) }),
        _ => return None,
    })
}

#[cfg(test)]
fn sample_tags(dice: &mut crate::sample::Dice) -> Option<BootTags> {
    let committed = (dice.below(2) == 0).then(|| BootTag(dice.bytes()));
    (dice.below(3) > 0).then(|| BootTags { committed, intent: BootTag(dice.bytes()) })
}

fn cut<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (part, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*part)
}

fn time(from: &mut &[u8]) -> Option<WallTime> {
    cut(from).map(i64::from_be_bytes).map(WallTime::from_unix_ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::Dice;

    fn sample(dice: &mut Dice) -> (Record, Place) {
        let place = Place { bank: BankId::from_bytes(dice.bytes()), prev: dice.bytes() };
        let record = match dice.below(11) {
            0 => Record::Event(event::sample_event(dice)),
            1 => Record::Roster(link::sample_roster(dice)),
            2 => Record::Armed {
                grant: GrantId::from_bytes(dice.bytes()),
                generation: dice.bytes::<1>()[0],
                verifier: Verifier { salt: dice.bytes(), mac: dice.bytes() },
                expires: WallTime::from_unix_ms(dice.number().cast_signed()),
            },
            3 => Record::GuessReserved {
                guess: dice.number(),
                at: WallTime::from_unix_ms(dice.number().cast_signed()),
            },
            4 => Record::GuessRefunded { guess: dice.number() },
            5 => Record::Acknowledged { up_to: dice.number() },
            7 | 8 => people::samples::sample_record(dice),
            10 => Record::BootTags(sample_tags(dice)),
            9 => Record::LockdownRan { ms: dice.number() },
            _ => Record::HighWater(WallTime::from_unix_ms(dice.number().cast_signed())),
        };
        (record, place)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn every_record_reads_back_as_itself(seed: u64) {
            let (record, place) = sample(&mut Dice::new(seed));
            let bytes = encode(&record, place);
            let read = decode(&bytes).unwrap();
            prop_assert_eq!(read.place.is_some(), matches!(record, Record::Event(_)));
            prop_assert_eq!(read.place.unwrap_or(place), place);
            prop_assert_eq!(leaf(&bytes).is_some(), read.place.is_some());
            prop_assert_eq!(read.record, record);
        }

        #[test]
        fn a_cut_record_is_never_read_as_the_same(seed: u64, cut: usize) {
            let (record, place) = sample(&mut Dice::new(seed));
            let bytes = encode(&record, place);
            let shorter = decode(&bytes[..cut % bytes.len()]);
            prop_assert!(shorter.is_err() || shorter.unwrap().record != record);
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
        }
    }
}
