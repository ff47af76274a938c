//! Packed segments: written once when a segment is full, then only read.
//!
//! A file holds the leaf hashes (proofs and tiles need them at once), the nodes at height [`MIDDLE`] and those from
//! height 8 up, the packed entries in blocks, and at its end an index of the blocks, the checkpoint that was signed
//! when the segment was full, and a trailer that says where all this is. Nothing in it is believed for being there:
//! the roots of all segments must add up to the signed root, and [`crate::check`] recomputes the rest.

use std::ops::Range;

use bailee_audit::bundle;
use bailee_audit::hash::{HASH_LEN, Hash, leaf_hash};

use crate::disk::{Disk, Kind, Name};
use crate::error::{At, Disagreement, LedgerError};
use crate::group::{Identity, TailReader};
use crate::nodes::Levels;
use crate::pack;

/// Height at which each tile of 256 entries keeps its eight nodes, so that a proof hashes 32 leaves, not 256.
pub(crate) const MIDDLE: u8 = 5;
/// From here up every node is kept.
pub(crate) const UPPER: u8 = 8;
/// Most entries of a block.
pub(crate) const BLOCK_ENTRIES: usize = 4_096;
/// A block ends when its entries reach so many bytes.
const BLOCK_BYTES: usize = 1 << 20;

const HEADER_LEN: usize = 64;
const TRAILER_LEN: usize = 96;
const INDEX_LEN: usize = 20;
const MAGIC: &[u8; 12] = b"bailee-seal\x01";
/// No index or note is longer.
const LONGEST_END: u64 = 64 << 20;

const COLUMNS: u8 = 1;
const PRESSED: u8 = 2;

/// Where things are in a packed segment.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub segment: u64,
    pub root: Hash,
    blocks: Vec<BlockAt>,
    height: u8,
}

#[derive(Clone, Copy, Debug)]
struct BlockAt {
    at: u64,
    len: u32,
    first: u32,
    crc: u32,
}

/// Entries as a bundle, and where each begins.
#[derive(Debug)]
pub(crate) struct Block {
    /// Index in the segment of the first entry.
    pub first: u32,
    bundle: Vec<u8>,
    starts: Vec<u32>,
}

impl Block {
    pub fn new(first: u32, bundle: Vec<u8>) -> Option<Self> {
        let mut starts = Vec::new();
        let mut at = 0;
        for entry in bundle::entries(&bundle) {
            starts.push(at);
            at += entry.ok()?.len() as u32 + 2;
        }
        Some(Self { first, bundle, starts })
    }

    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// An entry by its place in the block.
    pub fn entry(&self, place: usize) -> Option<&[u8]> {
        bundle::entries(&self.bundle[*self.starts.get(place)? as usize..]).next()?.ok()
    }

    pub fn entries(&self) -> impl Iterator<Item = &[u8]> {
        bundle::entries(&self.bundle).map(|entry| entry.expect("it was read when the block was made"))
    }
}

fn leaves_at() -> u64 {
    HEADER_LEN as u64
}

fn middles_at(height: u8) -> u64 {
    leaves_at() + (HASH_LEN << height) as u64
}

fn uppers_at(height: u8) -> u64 {
    middles_at(height) + (HASH_LEN << (height - MIDDLE)) as u64
}

/// Place among the upper nodes of the first one of a height.
fn upper_row(segment_height: u8, height: u8) -> u64 {
    (UPPER..height).map(|below| 1_u64 << (segment_height - below)).sum()
}

/// Bytes of all upper nodes.
pub(crate) fn uppers_len(height: u8) -> usize {
    (upper_row(height, height) as usize + 1) * HASH_LEN
}

/// Place of an upper node among all.
pub(crate) fn upper_place(segment_height: u8, height: u8, place: u64) -> usize {
    (upper_row(segment_height, height) + place) as usize
}

fn header(identity: Identity, segment: u64) -> [u8; HEADER_LEN] {
    let mut header = crate::group::header(identity, segment);
    header[..12].copy_from_slice(MAGIC);
    let crc = crc32fast::hash(&header[..56]);
    header[56..60].copy_from_slice(&crc.to_be_bytes());
    header
}

/// Writes a full tail as a packed segment under the name of one being made, and makes its bytes durable.
///
/// The entries are read again from the tail, and each must hash to its leaf; each block is unpacked again before it is
/// written.
///
/// # Errors
/// The disk's, or [`Disagreement::EntryAndLeaf`].
pub(crate) fn write(
    disk: &dyn Disk,
    identity: Identity,
    segment: u64,
    levels: &Levels,
    note: &[u8],
) -> Result<Sealed, LedgerError> {
    let name = Name::of(Kind::Sealing, segment);
    match disk.create(name) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        result => result.at(name)?,
    }
    let height = identity.height;
    let mut start = header(identity, segment).to_vec();
    let rows = [0, usize::from(MIDDLE)].into_iter().chain(usize::from(UPPER)..=usize::from(height));
    rows.flat_map(|row| &levels.0[row]).for_each(|hash| start.extend_from_slice(&hash.0));
    disk.write_at(name, 0, &start).at(name)?;
    let mut writer = Writer {
        disk,
        name,
        at: start.len() as u64,
        blocks: Vec::new(),
        bundle: Vec::new(),
        first: 0,
        count: 0,
    };
    writer.entries(identity, levels)?;
    let root = levels.0[usize::from(height)][0];
    let blocks = writer.finish(identity, root, note)?;
    disk.sync(name).at(name)?;
    Ok(Sealed { segment, root, blocks, height })
}

struct Writer<'a> {
    disk: &'a dyn Disk,
    name: Name,
    at: u64,
    blocks: Vec<BlockAt>,
    bundle: Vec<u8>,
    first: u32,
    count: u32,
}

impl Writer<'_> {
    fn entries(&mut self, identity: Identity, levels: &Levels) -> Result<(), LedgerError> {
        let segment = self.name.segment;
        let start = segment << identity.height;
        let missing = |place: u32| Disagreement::EntryAndLeaf(start + u64::from(place));
        let mut tail = TailReader::open(self.disk, identity, segment)?.ok_or_else(|| missing(0))?;
        while let Some(group) = tail.next()? {
            for entry in bundle::entries(group.bundle()) {
                let place = self.first + self.count;
                let entry = entry.map_err(|_| missing(place))?;
                if levels.0[0].get(place as usize) != Some(&leaf_hash(entry)) {
                    return Err(missing(place).into());
                }
                bundle::push(&mut self.bundle, entry).expect("it came out of a bundle");
                self.count += 1;
                if self.count as usize == BLOCK_ENTRIES || self.bundle.len() >= BLOCK_BYTES {
                    self.block()?;
                }
            }
        }
        self.block()?;
        match self.first as usize == levels.len() {
            true => Ok(()),
            false => Err(missing(self.first).into()),
        }
    }

    fn block(&mut self) -> Result<(), LedgerError> {
        if self.count == 0 {
            return Ok(());
        }
        let packed = packed(&self.bundle);
        self.disk.write_at(self.name, self.at, &packed).at(self.name)?;
        let (len, crc) = (packed.len() as u32, crc32fast::hash(&packed));
        self.blocks.push(BlockAt { at: self.at, len, first: self.first, crc });
        self.at += u64::from(len);
        self.first += self.count;
        self.count = 0;
        self.bundle.clear();
        Ok(())
    }

    fn finish(self, identity: Identity, root: Hash, note: &[u8]) -> Result<Vec<BlockAt>, LedgerError> {
        let mut end = Vec::new();
        for block in &self.blocks {
            end.extend_from_slice(&block.at.to_be_bytes());
            [block.len, block.first, block.crc]
                .iter()
                .for_each(|word| end.extend_from_slice(&word.to_be_bytes()));
        }
        end.extend_from_slice(note);
        let trailer = trailer(identity, self.at, self.blocks.len(), note.len(), root, &end);
        end.extend_from_slice(&trailer);
        self.disk.write_at(self.name, self.at, &end).at(self.name)?;
        Ok(self.blocks)
    }
}

/// Where the index begins (8), blocks (4), bytes of the note (4), root (32), checksum of index and note (4), height
/// (1), zeros, checksum of the header's identity and of all this (4).
fn trailer(
    identity: Identity,
    at: u64,
    blocks: usize,
    note: usize,
    root: Hash,
    end: &[u8],
) -> [u8; TRAILER_LEN] {
    let mut trailer = [0; TRAILER_LEN];
    trailer[..12].copy_from_slice(MAGIC);
    trailer[12..20].copy_from_slice(&at.to_be_bytes());
    trailer[20..24].copy_from_slice(&(blocks as u32).to_be_bytes());
    trailer[24..28].copy_from_slice(&(note as u32).to_be_bytes());
    trailer[28..60].copy_from_slice(&root.0);
    trailer[60..64].copy_from_slice(&crc32fast::hash(end).to_be_bytes());
    trailer[64] = identity.height;
    let crc = crc32fast::hash(&[&identity.origin[..], &trailer[..TRAILER_LEN - 4]].concat());
    trailer[TRAILER_LEN - 4..].copy_from_slice(&crc.to_be_bytes());
    trailer
}

/// The entries in columns if they come back the same, else simply pressed.
fn packed(bundle: &[u8]) -> Vec<u8> {
    let packed = pack::pack(bundle::entries(bundle).map(|entry| entry.expect("the writer made it")));
    if pack::unpack(&packed).is_ok_and(|back| back == bundle) {
        return [&[COLUMNS][..], &packed].concat();
    }
    let pressed = zstd::bulk::compress(bundle, 0).expect("bytes in memory can be pressed");
    [&[PRESSED][..], &(bundle.len() as u32).to_be_bytes(), &pressed].concat()
}

fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    match packed.split_first()? {
        (&COLUMNS, packed) => pack::unpack(packed).ok(),
        (&PRESSED, rest) => {
            let (length, pressed) = rest.split_first_chunk()?;
            let length = u32::from_be_bytes(*length) as usize;
            let most = BLOCK_BYTES + bundle::MAX_ENTRY_LEN + 2;
            zstd::bulk::decompress(pressed, length.min(most)).ok().filter(|bundle| bundle.len() == length)
        }
        _ => None,
    }
}

impl Sealed {
    /// Opens a packed segment and gives the note it holds.
    ///
    /// # Errors
    /// The disk's, or a [`Disagreement`].
    pub fn open(disk: &dyn Disk, identity: Identity, segment: u64) -> Result<(Self, Vec<u8>), LedgerError> {
        let name = Name::sealed(segment);
        let damaged = |what| LedgerError::from(Disagreement::Sealed { segment, what });
        let length = disk.length(name).at(name)?;
        let least = uppers_at(identity.height) + uppers_len(identity.height) as u64 + TRAILER_LEN as u64;
        if length < least {
            return Err(damaged("it is too short"));
        }
        let mut found = [0; HEADER_LEN];
        disk.read_at(name, 0, &mut found).at(name)?;
        if found != header(identity, segment) {
            return Err(Disagreement::Foreign(name).into());
        }
        let mut trailer = [0; TRAILER_LEN];
        disk.read_at(name, length - TRAILER_LEN as u64, &mut trailer).at(name)?;
        let crc = crc32fast::hash(&[&identity.origin[..], &trailer[..TRAILER_LEN - 4]].concat());
        if trailer[..12] != *MAGIC || trailer[TRAILER_LEN - 4..] != crc.to_be_bytes() {
            return Err(damaged("its trailer"));
        }
        let at = u64::from_be_bytes(trailer[12..20].try_into().expect("eight bytes"));
        let word = |from: usize| u32::from_be_bytes(trailer[from..from + 4].try_into().expect("four bytes"));
        let (blocks, note) = (word(20) as usize * INDEX_LEN, word(24) as usize);
        let end_len = (blocks + note) as u64;
        if end_len > LONGEST_END || at.checked_add(end_len + TRAILER_LEN as u64) != Some(length) {
            return Err(damaged("its trailer"));
        }
        let mut end = vec![0; blocks + note];
        disk.read_at(name, at, &mut end).at(name)?;
        if crc32fast::hash(&end) != word(60) {
            return Err(damaged("its index"));
        }
        let note = end.split_off(blocks);
        let root = Hash(trailer[28..60].try_into().expect("32 bytes"));
        let blocks: Vec<BlockAt> = end.chunks_exact(INDEX_LEN).map(block_at).collect();
        let from = uppers_at(identity.height) + uppers_len(identity.height) as u64;
        if !follow_each_other(&blocks, from..at, 1 << identity.height) {
            return Err(damaged("its index"));
        }
        Ok((Self { segment, root, blocks, height: identity.height }, note))
    }

    /// How many blocks there are.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Which block holds an entry of the segment.
    pub fn block_of(&self, entry: u32) -> usize {
        self.blocks.partition_point(|block| block.first <= entry).saturating_sub(1)
    }

    /// Reads and unpacks a block.
    ///
    /// # Errors
    /// The disk's, or [`Disagreement::Sealed`].
    pub fn block(&self, disk: &dyn Disk, number: usize) -> Result<Block, LedgerError> {
        let damaged = Disagreement::Sealed { segment: self.segment, what: "a block of entries" };
        let Some(&BlockAt { at, len, first, crc }) = self.blocks.get(number) else {
            return Err(damaged.into());
        };
        let name = Name::sealed(self.segment);
        let mut packed = vec![0; len as usize];
        disk.read_at(name, at, &mut packed).at(name)?;
        let bundle = Some(packed).filter(|packed| crc32fast::hash(packed) == crc);
        let block = bundle.and_then(|packed| unpacked(&packed)).and_then(|bundle| Block::new(first, bundle));
        let next = self.blocks.get(number + 1).map_or(1 << self.height, |next| next.first);
        block
            .filter(|block| block.first as usize + block.len() == next as usize)
            .ok_or_else(|| damaged.into())
    }

    /// Some of the leaf hashes, as bytes.
    ///
    /// # Errors
    /// The disk's.
    pub fn leaves(&self, disk: &dyn Disk, from: u64, into: &mut [u8]) -> Result<(), LedgerError> {
        self.read(disk, leaves_at() + from * HASH_LEN as u64, into)
    }

    /// The nodes of height [`MIDDLE`] from one on, as bytes.
    ///
    /// # Errors
    /// The disk's.
    pub fn middles(&self, disk: &dyn Disk, from: u64, into: &mut [u8]) -> Result<(), LedgerError> {
        self.read(disk, middles_at(self.height) + from * HASH_LEN as u64, into)
    }

    /// All nodes from height [`UPPER`] up, as bytes.
    ///
    /// # Errors
    /// The disk's.
    pub fn uppers(&self, disk: &dyn Disk, into: &mut [u8]) -> Result<(), LedgerError> {
        self.read(disk, uppers_at(self.height), into)
    }

    fn read(&self, disk: &dyn Disk, at: u64, into: &mut [u8]) -> Result<(), LedgerError> {
        let name = Name::sealed(self.segment);
        disk.read_at(name, at, into).at(name)
    }
}

/// Whether the blocks fill that part of the file, and their first entries rise from 0 and stay below `entries`.
fn follow_each_other(blocks: &[BlockAt], part: Range<u64>, entries: u32) -> bool {
    let mut next = (part.start, 0);
    for block in blocks {
        if block.at != next.0 || !(next.1..entries).contains(&block.first) {
            return false;
        }
        next = (block.at + u64::from(block.len), block.first + 1);
    }
    next.0 == part.end && blocks.first().is_some_and(|block| block.first == 0)
}

fn block_at(bytes: &[u8]) -> BlockAt {
    let word = |from: usize| u32::from_be_bytes(bytes[from..from + 4].try_into().expect("four bytes"));
    let at = u64::from_be_bytes(bytes[..8].try_into().expect("eight bytes"));
    BlockAt { at, len: word(8), first: word(12), crc: word(16) }
}
