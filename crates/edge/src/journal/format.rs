//! Bytes of a journal segment; the table is in docs/decisions/0002-journal-file-format.md.
//!
//! A segment is a header and groups of entries. The last entry of a group says that none follows, so a group is
//! there whole or not at all. Numbers are little-endian.

use super::seal::{ChainHash, SealKey, SegmentSeal, TAG_BYTES, link};

const SEGMENT_MAGIC: &[u8; 8] = b"BAILEEJ\n";
const ENTRY_MAGIC: &[u8; 4] = b"\xB1ent";
const VERSION: u8 = 1;
const TAGGED_BYTES: usize = 120;
pub(super) const HEADER_BYTES: usize = TAGGED_BYTES + TAG_BYTES + 4;
const ENTRY_HEADER_BYTES: usize = 32;
/// Fewer zeros at the end of a file can be the end of a sealed entry; this many can't.
const UNWRITTEN_ZEROS: usize = 16;

/// The longest payload of one entry, 16 MiB: the largest roster fits, and a snapshot with it.
pub const MOST_PAYLOAD_BYTES: usize = 16 << 20;
/// The most entries of one group.
pub const MOST_GROUP_ENTRIES: usize = 1 << 16;

/// Names one journal for ever; entries of one can't be passed off as another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalId(pub [u8; 16]);

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Something that happened.
    Record,
    /// A part of a snapshot, which stands for everything before it.
    Snapshot,
}

/// One entry as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the journal, from 0, without gaps.
    pub index: u64,
    /// Record or part of a snapshot.
    pub kind: EntryKind,
    /// What the caller recorded.
    pub payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub kind: EntryKind,
    pub number: u64,
    pub first_index: u64,
    /// The oldest segment that must still be there.
    pub oldest: u64,
    pub salt: [u8; 32],
    /// The chain before the first entry.
    pub previous: ChainHash,
}

/// Why a header is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFlaw {
    /// Its write was cut off.
    Torn,
    /// It was changed, or is sealed under another key or for another journal.
    Unauthentic,
    Version(u8),
}

impl SegmentHeader {
    pub(super) fn encode(&self, id: JournalId, seal: &SegmentSeal) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(SEGMENT_MAGIC);
        bytes.extend_from_slice(&[VERSION, kind_byte(self.kind), 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(&id.0);
        for number in [self.number, self.first_index, self.oldest] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(&self.previous);
        debug_assert_eq!(bytes.len(), TAGGED_BYTES);
        let tag = seal.tag(&bytes);
        bytes.extend_from_slice(&tag);
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(
        bytes: &[u8],
        id: JournalId,
        key: &SealKey,
    ) -> Result<(Self, SegmentSeal), HeaderFlaw> {
        let Some(head) = bytes.get(..HEADER_BYTES) else { return Err(HeaderFlaw::Torn) };
        let torn_or = |flaw| if ends_unwritten(bytes) { HeaderFlaw::Torn } else { flaw };
        let crc = u32_at(head, HEADER_BYTES - 4);
        if &head[..8] != SEGMENT_MAGIC || crc32fast::hash(&head[..HEADER_BYTES - 4]) != crc {
            return Err(torn_or(HeaderFlaw::Unauthentic));
        }
        if head[8] != VERSION {
            return Err(HeaderFlaw::Version(head[8]));
        }
        let (tagged, rest) = head.split_at(TAGGED_BYTES);
        let mut salt = [0; 32];
        salt.copy_from_slice(&tagged[56..88]);
        let mut previous = [0; 32];
        previous.copy_from_slice(&tagged[88..120]);
        let seal = SegmentSeal::new(key, &id.0, &salt);
        let kind = entry_kind(tagged[9]).ok_or(HeaderFlaw::Unauthentic)?;
        if tagged[16..32] != id.0 || !seal.is_tag(tagged, &rest[..TAG_BYTES]) {
            return Err(HeaderFlaw::Unauthentic);
        }
        let [number, first_index, oldest] = [32, 40, 48].map(|at| u64_at(tagged, at));
        Ok((Self { kind, number, first_index, oldest, salt, previous }, seal))
    }
}

/// A place in the chain: the next index and the hash of everything before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub next_index: u64,
    pub chain: ChainHash,
}

impl Place {
    /// Adds a group to `out` and moves on behind it.
    pub(super) fn write_group(
        &mut self,
        id: JournalId,
        seal: &SegmentSeal,
        kind: EntryKind,
        payloads: &[&[u8]],
        out: &mut Vec<u8>,
    ) {
        for (at, payload) in payloads.iter().enumerate() {
            let left = u16::try_from(payloads.len() - 1 - at).expect("the size of a group was checked");
            let start = out.len();
            let sealed_bytes =
                u32::try_from(payload.len() + TAG_BYTES).expect("the size of a payload was checked");
            let prefix = entry_prefix(kind, left, self.next_index, sealed_bytes);
            let mut body = payload.to_vec();
            seal.seal(self.next_index, &bound(id, &prefix, &self.chain), &mut body);
            out.extend_from_slice(&prefix);
            out.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
            out.extend_from_slice(&[0; 4]);
            let crc = crc32fast::hash(&out[start..]);
            out.extend_from_slice(&crc.to_le_bytes());
            out.extend_from_slice(&body);
            self.chain = link(&self.chain, &out[start..]);
            self.next_index += 1;
        }
    }
}

fn entry_prefix(kind: EntryKind, left: u16, index: u64, sealed_bytes: u32) -> [u8; 20] {
    let mut prefix = [0; 20];
    prefix[..4].copy_from_slice(ENTRY_MAGIC);
    prefix[4] = VERSION;
    prefix[5] = kind_byte(kind);
    prefix[6..8].copy_from_slice(&left.to_le_bytes());
    prefix[8..16].copy_from_slice(&index.to_le_bytes());
    prefix[16..20].copy_from_slice(&sealed_bytes.to_le_bytes());
    prefix
}

fn bound(id: JournalId, prefix: &[u8], chain: &ChainHash) -> Vec<u8> {
    [&id.0[..], prefix, chain].concat()
}

/// How the walk through a segment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WalkEnd {
    /// At the end of the file, or at the index asked for.
    Clean,
    /// A group was cut off while it was written.
    Torn,
    /// The entry at this index was changed.
    Corrupt(u64),
}

/// What a segment holds.
#[derive(Debug)]
pub(super) struct Walk {
    pub entries: Vec<Entry>,
    pub place: Place,
    /// Length up to the end of the last whole group.
    pub good_bytes: usize,
    pub end: WalkEnd,
}

/// Reads the whole groups of a segment from behind its header up to `until`, where the next segment takes over:
/// what stands behind that index was never acknowledged.
pub(super) fn walk(
    bytes: &[u8],
    id: JournalId,
    seal: &SegmentSeal,
    start: Place,
    until: Option<u64>,
) -> Walk {
    let mut walk = Walk { entries: Vec::new(), place: start, good_bytes: HEADER_BYTES, end: WalkEnd::Clean };
    let (mut at, mut place, mut group) = (HEADER_BYTES, start, Vec::new());
    loop {
        if group.is_empty() && (at == bytes.len() || until.is_some_and(|until| place.next_index >= until)) {
            return walk;
        }
        match read_entry(&bytes[at..], id, seal, &place) {
            Ok((entry, left, used)) => {
                place = Place {
                    next_index: place.next_index + 1,
                    chain: link(&place.chain, &bytes[at..at + used]),
                };
                at += used;
                group.push(entry);
                if left == 0 {
                    walk.entries.append(&mut group);
                    walk.place = place;
                    walk.good_bytes = at;
                }
            }
            Err(end) => {
                walk.end = end;
                return walk;
            }
        }
    }
}

fn read_entry(
    bytes: &[u8],
    id: JournalId,
    seal: &SegmentSeal,
    place: &Place,
) -> Result<(Entry, u16, usize), WalkEnd> {
    let index = place.next_index;
    // Zeros at the end of the file are the part of a write that never came; anything else was changed.
    let flaw = if ends_unwritten(bytes) { WalkEnd::Torn } else { WalkEnd::Corrupt(index) };
    let Some(head) = bytes.get(..ENTRY_HEADER_BYTES) else { return Err(WalkEnd::Torn) };
    if crc32fast::hash(&head[..28]) != u32_at(head, 28) {
        return Err(flaw);
    }
    let sealed_bytes = u32_at(head, 16) as usize;
    let kind = entry_kind(head[5]).ok_or(WalkEnd::Corrupt(index))?;
    let sound = &head[..4] == ENTRY_MAGIC
        && head[4] == VERSION
        && u64_at(head, 8) == index
        && (TAG_BYTES..=MOST_PAYLOAD_BYTES + TAG_BYTES).contains(&sealed_bytes);
    if !sound {
        return Err(WalkEnd::Corrupt(index));
    }
    let used = ENTRY_HEADER_BYTES + sealed_bytes;
    let Some(body) = bytes.get(ENTRY_HEADER_BYTES..used) else { return Err(WalkEnd::Torn) };
    if crc32fast::hash(body) != u32_at(head, 20) {
        // The last entry of the file may lack fewer zeros than prove it; taken for torn, it alone is lost.
        let is_cut = used == bytes.len() && bytes.ends_with(&[0]);
        return Err(if is_cut { WalkEnd::Torn } else { flaw });
    }
    let payload =
        seal.open(index, &bound(id, &head[..20], &place.chain), body).ok_or(WalkEnd::Corrupt(index))?;
    Ok((Entry { index, kind, payload }, u16::from_le_bytes([head[6], head[7]]), used))
}

fn ends_unwritten(bytes: &[u8]) -> bool {
    bytes.len() >= UNWRITTEN_ZEROS && bytes.iter().rev().take(UNWRITTEN_ZEROS).all(|&byte| byte == 0)
}

fn kind_byte(kind: EntryKind) -> u8 {
    match kind {
        EntryKind::Record => 0,
        EntryKind::Snapshot => 1,
    }
}

fn entry_kind(byte: u8) -> Option<EntryKind> {
    match byte {
        0 => Some(EntryKind::Record),
        1 => Some(EntryKind::Snapshot),
        _ => None,
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}
