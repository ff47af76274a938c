//! Reading a journal back: what counts, what was in flight, what was changed.
//!
//! Only the newest segment may have a torn end, because a group is acknowledged before the next is written and a
//! segment is begun only behind an acknowledged group. Anywhere else a flaw is damage and is named, not skipped.

use super::{
    Disk, Entry, EntryKind, JournalError, JournalId, SealKey,
    format::{HEADER_BYTES, HeaderFlaw, Place, SegmentHeader, Walk, WalkEnd, walk},
    seal::{ChainHash, SegmentSeal},
};

/// What an opened journal held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The newest snapshot and all entries behind it; all entries if there is no snapshot.
    pub entries: Vec<Entry>,
    /// Bytes of a group that was cut off while it was written, and was dropped.
    pub torn_bytes: u64,
}

/// One segment as the open journal remembers it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub number: u64,
    pub first_index: u64,
    pub previous: ChainHash,
}

/// A segment read whole, its header checked.
struct Opened {
    header: SegmentHeader,
    seal: SegmentSeal,
    bytes: Vec<u8>,
}

impl Opened {
    fn start(&self) -> Place {
        Place { next_index: self.header.first_index, chain: self.header.previous }
    }
}

pub(super) fn recover<D: Disk>(
    disk: &mut D,
    key: &SealKey,
    id: JournalId,
) -> Result<(Vec<Segment>, Place, Recovered), JournalError> {
    let mut recovered = Recovered::default();
    let mut numbers = disk.segments().map_err(JournalError::of)?;
    let newest = loop {
        let Some(&number) = numbers.last() else {
            // Nothing was ever acknowledged: the very first segment is made durable, name and all, before that.
            return Ok((Vec::new(), beginning(), recovered));
        };
        match open_newest(disk, key, id, number)? {
            Newest::Whole(opened) => break opened,
            // The segment was being begun. A stop here leaves it for the next opening.
            Newest::Torn(bytes) => {
                recovered.torn_bytes += bytes;
                disk.remove(number).map_err(JournalError::of)?;
                numbers.pop();
            }
        }
    };
    let oldest = newest.header.oldest;
    let (segments, place) = check_all(disk, key, id, oldest, newest, &mut recovered)?;
    // What is told from here on must outlive a power cut, even if the process that wrote it never synced it.
    let last = segments.last().expect("the newest segment is one of them").number;
    disk.sync(last).and_then(|()| disk.sync_folder()).map_err(JournalError::of)?;
    for forgotten in numbers.into_iter().filter(|&number| number < oldest) {
        disk.remove(forgotten).map_err(JournalError::of)?;
    }
    Ok((segments, place, recovered))
}

fn beginning() -> Place {
    Place { next_index: 0, chain: [0; 32] }
}

enum Newest {
    Whole(Opened),
    Torn(u64),
}

/// The newest segment is torn as a whole if its first group is: header and group were one write.
fn open_newest<D: Disk>(disk: &D, key: &SealKey, id: JournalId, number: u64) -> Result<Newest, JournalError> {
    let bytes = disk.read(number).map_err(JournalError::of)?;
    let length = bytes.len() as u64;
    match decode(bytes, key, id, number) {
        Ok(opened) => {
            let whole = walk(&opened.bytes, id, &opened.seal, opened.start(), None);
            match whole.end {
                WalkEnd::Corrupt(index) => Err(JournalError::Corrupt { index }),
                _ if whole.good_bytes == HEADER_BYTES => Ok(Newest::Torn(length)),
                _ => Ok(Newest::Whole(opened)),
            }
        }
        Err(Undecoded::Torn) => Ok(Newest::Torn(length)),
        Err(Undecoded::Refused(error)) => Err(error),
    }
}

enum Undecoded {
    Torn,
    Refused(JournalError),
}

fn decode(bytes: Vec<u8>, key: &SealKey, id: JournalId, number: u64) -> Result<Opened, Undecoded> {
    match SegmentHeader::decode(&bytes, id, key) {
        Ok((header, seal)) if header.number == number => Ok(Opened { header, seal, bytes }),
        Err(HeaderFlaw::Torn) => Err(Undecoded::Torn),
        Err(HeaderFlaw::Version(version)) => {
            Err(Undecoded::Refused(JournalError::Version { segment: number, version }))
        }
        Ok(_) | Err(HeaderFlaw::Unauthentic) => {
            Err(Undecoded::Refused(JournalError::Unauthentic { segment: number }))
        }
    }
}

fn open_older<D: Disk>(disk: &D, key: &SealKey, id: JournalId, number: u64) -> Result<Opened, JournalError> {
    let bytes = disk.read(number).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => JournalError::Missing { segment: number },
        _ => JournalError::of(error),
    })?;
    decode(bytes, key, id, number).map_err(|undecoded| match undecoded {
        Undecoded::Torn => JournalError::Unauthentic { segment: number },
        Undecoded::Refused(error) => error,
    })
}

/// Walks every needed segment in order, each up to where the next takes over.
fn check_all<D: Disk>(
    disk: &mut D,
    key: &SealKey,
    id: JournalId,
    oldest: u64,
    newest: Opened,
    recovered: &mut Recovered,
) -> Result<(Vec<Segment>, Place), JournalError> {
    let last = newest.header.number;
    let mut segments = Vec::new();
    let mut current = if oldest == last { None } else { Some(open_older(disk, key, id, oldest)?) };
    let mut newest = Some(newest);
    for number in oldest..=last {
        let opened = current.take().or_else(|| newest.take()).expect("each segment was opened once");
        let next = match number.checked_add(1) {
            Some(next) if next < last => Some(open_older(disk, key, id, next)?),
            Some(next) if next == last => newest.take(),
            _ => None,
        };
        check_beginning(&opened.header)?;
        let until = next.as_ref().map(|next| next.header.first_index);
        let walk = walk(&opened.bytes, id, &opened.seal, opened.start(), until);
        segments.push(Segment {
            number,
            first_index: opened.header.first_index,
            previous: opened.header.previous,
        });
        let Some(following) = next else {
            let place = walk.place;
            cut_torn_end(disk, &opened, &walk, recovered)?;
            collect(opened.header.kind, walk, recovered);
            return Ok((segments, place));
        };
        if walk.place != following.start() {
            return Err(JournalError::Corrupt { index: walk.place.next_index });
        }
        collect(opened.header.kind, walk, recovered);
        current = Some(following);
    }
    Err(JournalError::Missing { segment: last })
}

/// The very first segment continues nothing.
fn check_beginning(header: &SegmentHeader) -> Result<(), JournalError> {
    let start = Place { next_index: header.first_index, chain: header.previous };
    if header.number == 0 && start != beginning() {
        return Err(JournalError::Unauthentic { segment: 0 });
    }
    Ok(())
}

fn cut_torn_end<D: Disk>(
    disk: &mut D,
    opened: &Opened,
    walk: &Walk,
    recovered: &mut Recovered,
) -> Result<(), JournalError> {
    let torn = (opened.bytes.len() - walk.good_bytes) as u64;
    if torn > 0 {
        recovered.torn_bytes += torn;
        // A stop here leaves the torn end for the next opening.
        disk.truncate(opened.header.number, walk.good_bytes as u64).map_err(JournalError::of)?;
    }
    Ok(())
}

/// A snapshot stands for everything before it.
fn collect(kind: EntryKind, walk: Walk, recovered: &mut Recovered) {
    if kind == EntryKind::Snapshot {
        recovered.entries.clear();
    }
    recovered.entries.extend(walk.entries);
}

/// The entries of one segment of an open journal up to `until`.
pub(super) fn read_segment<D: Disk>(
    disk: &D,
    key: &SealKey,
    id: JournalId,
    segment: &Segment,
    until: u64,
) -> Result<Vec<Entry>, JournalError> {
    let opened = open_older(disk, key, id, segment.number)?;
    let expected = Place { next_index: segment.first_index, chain: segment.previous };
    if opened.start() != expected {
        return Err(JournalError::Unauthentic { segment: segment.number });
    }
    let walk = walk(&opened.bytes, id, &opened.seal, expected, Some(until));
    if walk.place.next_index == until {
        Ok(walk.entries)
    } else {
        Err(JournalError::Corrupt { index: walk.place.next_index })
    }
}
