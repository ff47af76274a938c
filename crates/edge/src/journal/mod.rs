//! The bank's journal: what was decided and what happened, on disk before anything acts on it.
//!
//! Append-only, sealed, hash-chained; one write and one sync make a group of entries durable together. It must
//! never acknowledge what is not durable, never drop an acknowledged entry, never skip over a damaged one, and
//! never reuse an index for something else after acknowledging it.
//!
//! Start with [`Journal::open`] and [`Journal::append`]. The format and its reasons are in
//! docs/decisions/0002-journal-file-format.md; reading back is in `recover`, faults for tests in [`MemoryDisk`].

mod disk;
mod format;
mod memory;
mod recover;
mod seal;

pub use disk::{Disk, FolderDisk};
pub use format::{Entry, EntryKind, JournalId, MOST_GROUP_ENTRIES, MOST_PAYLOAD_BYTES};
pub use memory::{DiskImage, MemoryDisk, Trouble, Unsynced};
pub use recover::Recovered;
pub use seal::SealKey;

use std::{io, ops::Range};

use rand_core::CryptoRng;

use format::{HEADER_BYTES, Place, SegmentHeader};
use recover::Segment;
use seal::SegmentSeal;

/// A new segment is begun when the newest has reached this length.
pub const SEGMENT_BYTES: usize = 4 << 20;
/// The most payload bytes of one group or snapshot.
pub const MOST_GROUP_BYTES: usize = 64 << 20;

/// Why the journal said no.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk is full. Nothing was recorded; reading works, and so does appending once there is room.
    #[error("the disk of the journal is full")]
    Full(#[source] io::Error),
    /// The disk failed. Nothing was acknowledged; the group may come back as the last one after a restart.
    #[error("the disk of the journal failed")]
    Disk(#[source] io::Error),
    /// An earlier failure could not be undone: only opening the journal again tells what it holds.
    #[error("the journal must be opened again after an earlier failure")]
    Broken,
    /// An entry that had been acknowledged was changed or is missing.
    #[error("journal entry {index} was changed or is missing")]
    Corrupt {
        /// The first entry that is not what was recorded.
        index: u64,
    },
    /// A segment's header was changed, or the key or the journal's name is another.
    #[error("journal segment {segment} was changed or belongs to another key or journal")]
    Unauthentic {
        /// The segment's number.
        segment: u64,
    },
    /// A whole segment is missing.
    #[error("journal segment {segment} is missing")]
    Missing {
        /// The segment's number.
        segment: u64,
    },
    /// Written by another version of the program.
    #[error("journal segment {segment} has format version {version}, which this program can't read")]
    Version {
        /// The segment's number.
        segment: u64,
        /// The version found.
        version: u8,
    },
    /// A group or an entry is larger than a journal takes, or a snapshot is empty.
    #[error("the group is larger than the journal takes, or empty")]
    Unfit,
}

impl JournalError {
    fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(error),
            _ => Self::Disk(error),
        }
    }
}

/// The segment that is being written to.
struct Newest {
    number: u64,
    bytes: usize,
    seal: SegmentSeal,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Sound,
    Broken,
}

/// An open journal.
pub struct Journal<D, R> {
    disk: D,
    key: SealKey,
    id: JournalId,
    random: R,
    segments: Vec<Segment>,
    place: Place,
    /// Nothing after opening and after a failure: then the next group begins a segment, with a key of its own.
    newest: Option<Newest>,
    standing: Standing,
}

impl<D: Disk, R: CryptoRng> Journal<D, R> {
    /// Opens a journal, or begins one on an empty disk. What is recovered is durable, whoever wrote it: a group
    /// that was in flight when the power failed is there whole or not at all.
    ///
    /// # Errors
    /// [`JournalError`]; a damaged journal is never opened and never changed.
    pub fn open(
        mut disk: D,
        key: SealKey,
        id: JournalId,
        random: R,
    ) -> Result<(Self, Recovered), JournalError> {
        let (segments, place, recovered) = recover::recover(&mut disk, &key, id)?;
        let journal =
            Self { disk, key, id, random, segments, place, newest: None, standing: Standing::Sound };
        Ok((journal, recovered))
    }

    /// Records a group; when this returns, the group is durable, and the range holds its indexes. One write and
    /// one file sync; the first group of a segment costs a folder sync more.
    ///
    /// # Errors
    /// [`JournalError`]; then nothing of the group counts as recorded.
    pub fn append<P: AsRef<[u8]>>(&mut self, payloads: &[P]) -> Result<Range<u64>, JournalError> {
        let payloads: Vec<&[u8]> = payloads.iter().map(AsRef::as_ref).collect();
        if payloads.is_empty() {
            return Ok(self.place.next_index..self.place.next_index);
        }
        self.check(&payloads)?;
        if self.newest.as_ref().is_some_and(|newest| newest.bytes >= SEGMENT_BYTES) {
            self.newest = None;
        }
        match self.newest.take() {
            Some(newest) => self.extend(newest, &payloads),
            None => self.begin(EntryKind::Record, &payloads, None),
        }
    }

    /// Records a snapshot that stands for everything before it, then forgets segments that hold nothing but
    /// entries below `keep_from`. A stop at any point leaves the old entries or the snapshot, never neither.
    ///
    /// # Errors
    /// [`JournalError`]; then the journal is as before.
    pub fn compact<P: AsRef<[u8]>>(
        &mut self,
        snapshot: &[P],
        keep_from: u64,
    ) -> Result<Range<u64>, JournalError> {
        let payloads: Vec<&[u8]> = snapshot.iter().map(AsRef::as_ref).collect();
        if payloads.is_empty() {
            return Err(JournalError::Unfit);
        }
        self.check(&payloads)?;
        let kept = self.segments.iter().rposition(|segment| segment.first_index <= keep_from);
        let oldest = match kept {
            Some(at) if keep_from < self.place.next_index => Some(self.segments[at].number),
            _ if keep_from >= self.place.next_index => Some(self.next_number()),
            _ => None,
        };
        // A stop before this returns leaves the old segments, and at most a snapshot nobody was told of.
        let range = self.begin(EntryKind::Snapshot, &payloads, oldest)?;
        // From here on the snapshot is durable and names the oldest segment needed. A stop during the removals,
        // or a removal that fails, leaves segments that the next opening or compaction removes.
        self.remove_forgotten();
        Ok(range)
    }

    /// The entries from an index on that are still here, at most so many. Reads the segment anew and checks it;
    /// snapshots are among them.
    ///
    /// # Errors
    /// [`JournalError`] when the disk fails or an entry was changed since.
    pub fn entries_from(&self, index: u64, most: usize) -> Result<Vec<Entry>, JournalError> {
        let mut found = Vec::new();
        for entries in self.segments_from(index) {
            found.extend(entries?.into_iter().filter(|entry| entry.index >= index).take(most - found.len()));
            if found.len() >= most {
                break;
            }
        }
        Ok(found)
    }

    /// The entries of the segment that holds an index and of each after it, one segment in memory at a time. The
    /// first may begin with entries before the index.
    pub fn segments_from(&self, index: u64) -> impl Iterator<Item = Result<Vec<Entry>, JournalError>> + '_ {
        let first = self.segments.iter().rposition(|segment| segment.first_index <= index).unwrap_or(0);
        (first..self.segments.len()).map(|at| {
            let until = self.segments.get(at + 1).map_or(self.place.next_index, |next| next.first_index);
            recover::read_segment(&self.disk, &self.key, self.id, &self.segments[at], until)
        })
    }

    /// The lowest index that can still be read.
    #[must_use]
    pub fn first_index(&self) -> u64 {
        self.segments.first().map_or(self.place.next_index, |segment| segment.first_index)
    }

    /// The index the next entry will have.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        self.place.next_index
    }

    /// The hash of the chain up to the newest entry.
    #[must_use]
    pub fn chain_head(&self) -> [u8; 32] {
        self.place.chain
    }

    fn check(&self, payloads: &[&[u8]]) -> Result<(), JournalError> {
        if self.standing == Standing::Broken {
            return Err(JournalError::Broken);
        }
        let total: usize = payloads.iter().map(|payload| payload.len()).sum();
        let fits = payloads.len() <= MOST_GROUP_ENTRIES
            && total <= MOST_GROUP_BYTES
            && payloads.iter().all(|payload| payload.len() <= MOST_PAYLOAD_BYTES);
        if fits { Ok(()) } else { Err(JournalError::Unfit) }
    }

    fn next_number(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.number + 1)
    }

    /// Adds a group to the newest segment.
    fn extend(&mut self, newest: Newest, payloads: &[&[u8]]) -> Result<Range<u64>, JournalError> {
        let mut place = self.place;
        let mut bytes = Vec::new();
        place.write_group(self.id, &newest.seal, EntryKind::Record, payloads, &mut bytes);
        // A stop inside the write leaves a torn group, which opening drops; a stop before the sync leaves all or
        // a part of it. Nobody was told of it either way.
        let written = self.disk.append(newest.number, &bytes).and_then(|()| self.disk.sync(newest.number));
        match written {
            Ok(()) => {
                let bytes = newest.bytes + bytes.len();
                self.newest = Some(Newest { bytes, ..newest });
                Ok(self.advance(place))
            }
            Err(error) => {
                // The tail is cut off, and the segment is never written to again: its indexes may be sealed a
                // second time only under another key. If the cut is not durable, the next segment's header says
                // where this one ends.
                let length = u64::try_from(newest.bytes).expect("a length in memory fits 64 bits");
                self.undone(error, |disk| disk.truncate(newest.number, length))
            }
        }
    }

    /// Begins a segment with a group.
    fn begin(
        &mut self,
        kind: EntryKind,
        payloads: &[&[u8]],
        oldest: Option<u64>,
    ) -> Result<Range<u64>, JournalError> {
        let number = self.next_number();
        let mut salt = [0; 32];
        self.random.fill_bytes(&mut salt);
        let header = SegmentHeader {
            kind,
            number,
            first_index: self.place.next_index,
            oldest: oldest.unwrap_or_else(|| self.segments.first().map_or(number, |segment| segment.number)),
            salt,
            previous: self.place.chain,
        };
        let seal = SegmentSeal::new(&self.key, &self.id.0, &salt);
        let mut bytes = header.encode(self.id, &seal);
        debug_assert_eq!(bytes.len(), HEADER_BYTES);
        let mut place = self.place;
        place.write_group(self.id, &seal, kind, payloads, &mut bytes);
        if let Err(error) = self.disk.create(number) {
            return self.undone(error, |disk| match disk.segments()?.contains(&number) {
                true => disk.remove(number),
                false => Ok(()),
            });
        }
        // A stop before the folder sync leaves no segment, a torn one, or a whole one nobody was told of;
        // opening removes it or takes it for the last.
        let written = self
            .disk
            .append(number, &bytes)
            .and_then(|()| self.disk.sync(number))
            .and_then(|()| self.disk.sync_folder());
        if let Err(error) = written {
            return self.undone(error, |disk| disk.remove(number));
        }
        self.segments.push(Segment { number, first_index: header.first_index, previous: header.previous });
        self.segments.retain(|segment| segment.number >= header.oldest);
        // The newest segment keeps its seal only in memory: after a restart nobody can extend it.
        self.newest = Some(Newest { number, bytes: bytes.len(), seal });
        Ok(self.advance(place))
    }

    fn advance(&mut self, place: Place) -> Range<u64> {
        let range = self.place.next_index..place.next_index;
        self.place = place;
        range
    }

    fn undone<T>(
        &mut self,
        error: io::Error,
        undo: impl FnOnce(&mut D) -> io::Result<()>,
    ) -> Result<T, JournalError> {
        self.newest = None;
        if undo(&mut self.disk).is_err() {
            self.standing = Standing::Broken;
        }
        Err(JournalError::of(error))
    }

    fn remove_forgotten(&mut self) {
        let oldest = self.segments.first().map_or(0, |segment| segment.number);
        for number in self.disk.segments().unwrap_or_default() {
            if number >= oldest || self.disk.remove(number).is_err() {
                break;
            }
        }
    }
}
