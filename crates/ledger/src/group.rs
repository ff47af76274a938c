//! Groups as they are committed: the bytes of a tail file.
//!
//! A tail begins with a header of [`HEADER_LEN`] bytes and goes on with groups, each at a multiple of [`ALIGN`]. A group
//! holds entries and the signed checkpoint after them, behind a checksum that also covers the number of the segment,
//! so that what an earlier use of the file left behind is never taken for a group of this one. Zeros end the file.

use bailee_audit::bundle;
use bailee_audit::hash::Hash;

use crate::disk::{Disk, Kind, Name};
use crate::error::{At, Disagreement, LedgerError};

/// Bytes before the first group.
pub(crate) const HEADER_LEN: usize = 64;
/// Groups begin at multiples of this.
pub(crate) const ALIGN: usize = 64;
/// Bytes of a group before its entries.
pub(crate) const GROUP_HEADER_LEN: usize = 32;

const TAIL_MAGIC: &[u8; 12] = b"bailee-tail\x01";
const GROUP_MAGIC: &[u8; 4] = b"BLGR";
/// No group is longer, whoever says so: entries as in [`crate::log`], and a note.
const LONGEST_GROUP: u64 = 64 << 20;
const SCAN: usize = 1 << 20;

/// Which log a file belongs to: SHA-256 of its origin, and how many entries a segment has, as a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub origin: [u8; 32],
    pub height: u8,
}

/// Entries on their way to the disk, in the form they have there.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Index of the first entry.
    pub first: u64,
    /// [`GROUP_HEADER_LEN`] bytes of room, then the entries as a bundle; a note and padding once it is finished.
    pub bytes: Vec<u8>,
    /// Leaf hashes, computed when each entry was handed in.
    pub leaves: Vec<Hash>,
    /// Where each entry is in `bytes`.
    pub places: Vec<Place>,
}

/// Where an entry is, length prefix left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub at: u64,
    pub len: u16,
}

impl Group {
    pub fn clear(&mut self, first: u64) {
        self.first = first;
        self.leaves.clear();
        self.places.clear();
        self.bytes.clear();
        self.bytes.resize(GROUP_HEADER_LEN, 0);
    }

    /// Adds an entry that is not too long.
    pub fn push(&mut self, entry: &[u8], leaf: Hash) {
        bundle::push(&mut self.bytes, entry).expect("the caller has checked the length");
        self.places.push(Place { at: (self.bytes.len() - entry.len()) as u64, len: entry.len() as u16 });
        self.leaves.push(leaf);
    }

    /// The entries as they will be written.
    pub fn entries(&self) -> bundle::Entries<'_> {
        bundle::entries(&self.bytes[GROUP_HEADER_LEN..])
    }

    /// Where the entries are in the file if its bytes begin there.
    pub fn places_from(&self, at: u64) -> impl Iterator<Item = Place> {
        self.places.iter().map(move |place| Place { at: at + place.at, len: place.len })
    }

    /// Adds the note, fills in the header, pads.
    pub fn finish(&mut self, identity: Identity, segment: u64, note: &str) {
        let bundle_len = self.bytes.len() - GROUP_HEADER_LEN;
        self.bytes.extend_from_slice(note.as_bytes());
        let header = &mut self.bytes[..GROUP_HEADER_LEN];
        header[..4].copy_from_slice(GROUP_MAGIC);
        header[8..16].copy_from_slice(&self.first.to_be_bytes());
        header[16..20].copy_from_slice(&(self.leaves.len() as u32).to_be_bytes());
        header[20..24].copy_from_slice(&(bundle_len as u32).to_be_bytes());
        header[24..28].copy_from_slice(&(note.len() as u32).to_be_bytes());
        let crc = checksum(identity, segment, &self.bytes[8..]);
        self.bytes[4..8].copy_from_slice(&crc.to_be_bytes());
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGN), 0);
    }
}

fn checksum(identity: Identity, segment: u64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&identity.origin);
    hasher.update(&segment.to_be_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// The header of a tail.
pub(crate) fn header(identity: Identity, segment: u64) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..12].copy_from_slice(TAIL_MAGIC);
    header[12] = identity.height;
    header[16..24].copy_from_slice(&segment.to_be_bytes());
    header[24..56].copy_from_slice(&identity.origin);
    let crc = crc32fast::hash(&header[..56]);
    header[56..60].copy_from_slice(&crc.to_be_bytes());
    header
}

/// A group read back.
pub(crate) struct Stored {
    /// Where its entries begin in the file.
    pub entries_at: u64,
    pub first: u64,
    pub count: u32,
    /// The group as it is in the file, padding left out.
    pub bytes: Vec<u8>,
    bundle_len: usize,
}

impl Stored {
    pub fn bundle(&self) -> &[u8] {
        &self.bytes[GROUP_HEADER_LEN..GROUP_HEADER_LEN + self.bundle_len]
    }

    pub fn note(&self) -> &[u8] {
        &self.bytes[GROUP_HEADER_LEN + self.bundle_len..]
    }
}

/// Reads a tail from its beginning.
pub(crate) struct TailReader<'a> {
    disk: &'a dyn Disk,
    identity: Identity,
    name: Name,
    length: u64,
    /// Where the next group would begin.
    pub at: u64,
}

impl<'a> TailReader<'a> {
    /// `None`: the file doesn't begin like this tail and holds no group of it either, so none was ever durable.
    ///
    /// # Errors
    /// The disk's, or [`Disagreement::Foreign`].
    pub fn open(disk: &'a dyn Disk, identity: Identity, segment: u64) -> Result<Option<Self>, LedgerError> {
        let name = Name::of(Kind::Tail, segment);
        let length = disk.length(name).at(name)?;
        let mut reader = Self { disk, identity, name, length, at: HEADER_LEN as u64 };
        let mut found = [0; HEADER_LEN];
        if length >= HEADER_LEN as u64 {
            disk.read_at(name, 0, &mut found).at(name)?;
        }
        if found == header(identity, segment) {
            return Ok(Some(reader));
        }
        match reader.has_group_from(HEADER_LEN as u64)? {
            true => Err(Disagreement::Foreign(name).into()),
            false => Ok(None),
        }
    }

    /// The next group; `None` at the end.
    ///
    /// # Errors
    /// The disk's, or [`Disagreement::GroupDamaged`] where something that isn't a group stands before a group.
    pub fn next(&mut self) -> Result<Option<Stored>, LedgerError> {
        let mut group = self.group(self.at)?;
        if group.is_none() {
            if !self.has_group_from(self.at)? {
                return Ok(None);
            }
            // Beside the process that appends, it may have been written between the two looks.
            group = self.group(self.at)?;
        }
        let Some(group) = group else {
            return Err(Disagreement::GroupDamaged { name: self.name, at: self.at }.into());
        };
        self.at += (group.bytes.len() as u64).next_multiple_of(ALIGN as u64);
        Ok(Some(group))
    }

    fn group(&self, at: u64) -> Result<Option<Stored>, LedgerError> {
        let mut header = [0; GROUP_HEADER_LEN];
        if at + GROUP_HEADER_LEN as u64 > self.length {
            return Ok(None);
        }
        self.disk.read_at(self.name, at, &mut header).at(self.name)?;
        if header[..4] != *GROUP_MAGIC {
            return Ok(None);
        }
        let word = |from: usize| u32::from_be_bytes(header[from..from + 4].try_into().expect("four bytes"));
        let payload = u64::from(word(20)) + u64::from(word(24));
        let length = GROUP_HEADER_LEN as u64 + payload;
        if payload > LONGEST_GROUP || at + length > self.length {
            return Ok(None);
        }
        let mut bytes = vec![0; length as usize];
        self.disk.read_at(self.name, at, &mut bytes).at(self.name)?;
        if checksum(self.identity, self.name.segment, &bytes[8..]) != word(4) {
            return Ok(None);
        }
        let first = u64::from_be_bytes(header[8..16].try_into().expect("eight bytes"));
        let (count, bundle_len) = (word(16), word(20) as usize);
        Ok(Some(Stored { entries_at: at + GROUP_HEADER_LEN as u64, first, count, bytes, bundle_len }))
    }

    /// Whether a group of this segment stands anywhere from there on.
    fn has_group_from(&mut self, from: u64) -> Result<bool, LedgerError> {
        let mut at = from.next_multiple_of(ALIGN as u64);
        let mut buffer = vec![0; SCAN];
        while at < self.length {
            let bytes = (self.length - at).min(SCAN as u64) as usize;
            self.disk.read_at(self.name, at, &mut buffer[..bytes]).at(self.name)?;
            for place in (0..bytes).step_by(ALIGN) {
                let begins = buffer[place..bytes].starts_with(GROUP_MAGIC);
                if begins && self.group(at + place as u64)?.is_some() {
                    return Ok(true);
                }
            }
            at += bytes as u64;
        }
        Ok(false)
    }

    /// Overwrites what a torn group left behind the last good one, so that no later look takes it for anything.
    ///
    /// # Errors
    /// The disk's.
    pub fn wipe_rest(&self) -> Result<(), LedgerError> {
        let mut at = self.at;
        let mut buffer = vec![0; SCAN];
        while at < self.length {
            let bytes = (self.length - at).min(SCAN as u64) as usize;
            self.disk.read_at(self.name, at, &mut buffer[..bytes]).at(self.name)?;
            if buffer[..bytes].iter().any(|&byte| byte != 0) {
                buffer.fill(0);
                self.disk.write_at(self.name, at, &buffer[..bytes]).at(self.name)?;
            }
            at += bytes as u64;
        }
        Ok(())
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }
}
