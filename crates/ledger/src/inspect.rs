//! Looking at a log as it lies on its disk, without opening it: nothing is repaired, written or believed.
//!
//! [`crate::Log::open`] stops at the first thing that no crash explains; [`inspect`] names it and goes on, so that a person
//! learns how far the damage reaches. What a crash does explain (a torn last group, an unfinished file) is passed over in
//! silence. The log may be appended to by another process meanwhile: what is seen is then some state between the beginning
//! and the end of the look.

use std::io;
use std::ops::ControlFlow;

use aws_lc_rs::digest::{SHA256, digest};
use bailee_audit::bundle;
use bailee_audit::hash::{HASH_LEN, Hash, leaf_hash};

use crate::check::wrong_node;
use crate::disk::{Disk, Kind, Name};
use crate::engine::SEGMENT_HEIGHT;
use crate::error::{At, Disagreement, LedgerError};
use crate::group::{Identity, Stored, TailReader};
use crate::sealed::Sealed;

/// Where the height of segments is in the header of every file.
const HEIGHT_AT: usize = 12;

/// Something that lies on the disk, in the order of the log.
#[derive(Debug)]
pub enum Found {
    /// An entry.
    Entry {
        /// Its place in the log.
        index: u64,
        /// The hash of its bytes; the stored one where the bytes can't be read.
        leaf: Hash,
        /// The bytes, where they can be read.
        bytes: Option<Vec<u8>>,
    },
    /// A checkpoint that is stored after so many entries.
    Note {
        /// The file it lies in.
        name: Name,
        /// Entries before it.
        size: u64,
        /// The note.
        note: Vec<u8>,
    },
    /// Entries of which nothing can be read.
    Unknown {
        /// The first of them.
        from: u64,
        /// The first known again; `None` when nothing follows.
        to: Option<u64>,
    },
    /// Something wrong.
    Wrong(LedgerError),
}

/// Hears of what is found; may end the look.
pub type Hear<'a> = &'a mut dyn FnMut(Found) -> ControlFlow<()>;

/// Looks at the log of that origin and says everything that lies there.
///
/// # Errors
/// [`LedgerError::Folder`] when the folder can't be listed; everything else is [`Found::Wrong`].
pub fn inspect(disk: &dyn Disk, origin: &str, hear: Hear<'_>) -> Result<(), LedgerError> {
    let names = disk.list().map_err(LedgerError::Folder)?;
    let origin = digest(&SHA256, origin.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes");
    let identity = Identity { origin, height: height(disk, &names) };
    let is_data = |name: &&Name| matches!(name.kind, Kind::Tail | Kind::Sealed);
    let Some(last) = names.iter().filter(is_data).map(|name| name.segment).max() else { return Ok(()) };
    let mut look = Look { disk, identity, hear, next: 0, last };
    for segment in 0..=last {
        let end = (segment + 1) << identity.height;
        let done = match (names.contains(&Name::sealed(segment)), names.contains(&Name::tail(segment))) {
            (true, _) => look.sealed(segment),
            (false, true) => look.tail(segment),
            (false, false) => look.lost(Disagreement::SegmentMissing(segment).into(), Some(end)),
        };
        if done.is_break() {
            break;
        }
    }
    Ok(())
}

/// Entries of a segment as a power of two, as the files say; each is compared with it afterwards.
fn height(disk: &dyn Disk, names: &[Name]) -> u8 {
    let said = names.iter().filter(|name| matches!(name.kind, Kind::Tail | Kind::Sealed)).find_map(|name| {
        let mut header = [0; HEIGHT_AT + 1];
        disk.read_at(*name, 0, &mut header).ok()?;
        Some(header[HEIGHT_AT]).filter(|height| (8..=SEGMENT_HEIGHT).contains(height))
    });
    said.unwrap_or(SEGMENT_HEIGHT)
}

struct Look<'a> {
    disk: &'a dyn Disk,
    identity: Identity,
    hear: Hear<'a>,
    /// The next entry to tell of.
    next: u64,
    last: u64,
}

impl Look<'_> {
    fn wrong(&mut self, what: LedgerError) -> ControlFlow<()> {
        (self.hear)(Found::Wrong(what))
    }

    /// Says what is wrong, and that nothing is known up to there.
    fn lost(&mut self, what: LedgerError, to: Option<u64>) -> ControlFlow<()> {
        self.wrong(what)?;
        (self.hear)(Found::Unknown { from: self.next, to })?;
        self.next = to.unwrap_or(self.next);
        ControlFlow::Continue(())
    }

    fn entry(&mut self, index: u64, leaf: Hash, bytes: Option<&[u8]>) -> ControlFlow<()> {
        if index < self.next {
            return ControlFlow::Continue(());
        }
        self.next = index + 1;
        (self.hear)(Found::Entry { index, leaf, bytes: bytes.map(<[u8]>::to_vec) })
    }

    fn sealed(&mut self, segment: u64) -> ControlFlow<()> {
        let height = self.identity.height;
        let end = (segment + 1) << height;
        let mut stored = vec![0; HASH_LEN << height];
        let opened = Sealed::open(self.disk, self.identity, segment);
        let opened = opened.and_then(|opened| opened.0.leaves(self.disk, 0, &mut stored).map(|()| opened));
        let (sealed, note) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.lost(error, Some(end)),
        };
        let row = self.blocks(&sealed, &stored)?;
        if row.len() == 1 << height {
            match wrong_node(self.disk, &sealed, height, row) {
                Ok(None) => {}
                Ok(Some(wrong)) => self.wrong(wrong.into())?,
                Err(error) => self.wrong(error)?,
            }
        }
        (self.hear)(Found::Note { name: Name::sealed(segment), size: end, note })
    }

    /// Tells of the entries of a packed segment; gives the leaf hashes, those of the bytes where they can be read.
    fn blocks(&mut self, sealed: &Sealed, stored: &[u8]) -> ControlFlow<(), Vec<Hash>> {
        let width = 1_usize << self.identity.height;
        let first = sealed.segment << self.identity.height;
        let kept = |place: usize| -> Hash {
            Hash(stored[place * HASH_LEN..(place + 1) * HASH_LEN].try_into().expect("32 bytes"))
        };
        let mut row = Vec::with_capacity(width);
        for number in 0..sealed.blocks() {
            match sealed.block(self.disk, number) {
                Ok(block) => {
                    for entry in block.entries() {
                        let (index, leaf) = (first + row.len() as u64, leaf_hash(entry));
                        if kept(row.len()) != leaf {
                            self.wrong(Disagreement::EntryAndLeaf(index).into())?;
                        }
                        row.push(leaf);
                        self.entry(index, leaf, Some(entry))?;
                    }
                }
                Err(error) => {
                    self.wrong(error)?;
                    while row.len() < width && sealed.block_of(row.len() as u32) == number {
                        let leaf = kept(row.len());
                        self.entry(first + row.len() as u64, leaf, None)?;
                        row.push(leaf);
                    }
                }
            }
        }
        ControlFlow::Continue(row)
    }

    fn tail(&mut self, segment: u64) -> ControlFlow<()> {
        let name = Name::tail(segment);
        let end = (segment + 1) << self.identity.height;
        let trouble = match TailReader::open(self.disk, self.identity, segment) {
            Ok(None) => None,
            Ok(Some(mut reader)) => loop {
                match reader.next() {
                    Ok(Some(stored)) => match self.group(name, &stored)? {
                        Ok(()) => {}
                        Err(wrong) => break Some(wrong.into()),
                    },
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            },
            Err(error) => Some(error),
        };
        let is_short = segment < self.last && self.next < end;
        if (trouble.is_some() || is_short) && self.is_packed_now(segment) {
            // Packed by its owner meanwhile, and the file may be in use for a later segment already.
            return self.sealed(segment);
        }
        let to = (segment < self.last).then_some(end);
        match trouble {
            Some(error) => self.lost(error, to),
            None if is_short => self.lost(Disagreement::SegmentShort { segment, end: self.next }.into(), to),
            None => ControlFlow::Continue(()),
        }
    }

    fn is_packed_now(&self, segment: u64) -> bool {
        let length = self.disk.length(Name::sealed(segment));
        !matches!(length.at(Name::sealed(segment)), Err(LedgerError::Disk { source, .. })
            if source.kind() == io::ErrorKind::NotFound)
    }

    fn group(&mut self, name: Name, stored: &Stored) -> ControlFlow<(), Result<(), Disagreement>> {
        let height = self.identity.height;
        let expected = self.next;
        let end = stored.first + u64::from(stored.count);
        let fits = stored.first >> height == name.segment && end <= (name.segment + 1) << height;
        let entries: Option<Vec<&[u8]>> = bundle::entries(stored.bundle()).collect::<Result<_, _>>().ok();
        let entries = entries.filter(|entries| entries.len() == stored.count as usize);
        let Some(entries) = entries.filter(|_| stored.first == expected && fits) else {
            let found = stored.first;
            return ControlFlow::Continue(Err(Disagreement::GroupOrder { expected, found }));
        };
        for (entry, index) in entries.into_iter().zip(expected..) {
            self.entry(index, leaf_hash(entry), Some(entry))?;
        }
        (self.hear)(Found::Note { name, size: end, note: stored.note().to_vec() })?;
        ControlFlow::Continue(Ok(()))
    }
}
