//! The tile log's files as a disk may give them back: bytes changed, files swapped, cut and taken away.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use bailee_audit::TreeHead;
use bailee_audit::bundle;
use bailee_ledger::disk::{Disk as _, Kind, MemoryDisk, Name};
use bailee_ledger::{Config, LedgerError, Log, LogKey, pack};

use crate::cut::Cut;
use crate::log::{ORIGIN, entry, key, leaves, root, signer};
use crate::{Target, says, target};

/// The targets of this module.
pub const TARGETS: &[Target] = &[
    target("ledger_files", ledger_files, files_seeds),
    target("ledger_pack", ledger_pack, pack_seeds),
    target("ledger_unpack", ledger_unpack, unpack_seeds),
];

const SIZE: u64 = 300;

fn config(known: Option<TreeHead>) -> Config {
    let key = LogKey { signer: Arc::new(signer()), verifying: key(), earlier: Vec::new() };
    Config { segment_height: 8, known, ..Config::new(key) }
}

/// A packed segment, its side file, and a tail of a few groups.
fn disk() -> &'static (MemoryDisk, TreeHead) {
    static ONCE: LazyLock<(MemoryDisk, TreeHead)> = LazyLock::new(|| {
        let disk = MemoryDisk::default();
        let log = Log::open(disk.clone(), config(None)).expect("an empty disk takes a log");
        let entries: Vec<Vec<u8>> = (0..SIZE).map(entry).collect();
        for batch in entries.chunks(30) {
            log.appender().append(batch).expect("the disk is sound");
        }
        log.wait_until_packed().expect("the disk is sound");
        log.put_side(0, 1, b"an index that somebody keeps").expect("the disk is sound");
        let head = TreeHead { size: SIZE, root: root(&leaves()[..SIZE as usize]) };
        drop(log);
        (disk, head)
    });
    &ONCE
}

/// A log opens as what was signed, shorter by what a stop explains, or is refused by name; a full check finds whatever an
/// opening doesn't read.
pub fn ledger_files(data: &[u8]) {
    let mut cut = Cut(data);
    let image = disk().0.image();
    let remembers = cut.byte() & 1 == 1;
    let names = image.list().expect("the power is on");
    while !cut.is_empty() {
        let name = names[cut.below(names.len())];
        match cut.byte() {
            0 => drop(image.remove(name)),
            1 => drop(image.rename(name, names[cut.below(names.len())])),
            2 => image.tamper(name, |bytes| repair(name, bytes)),
            _ => image.tamper(name, |bytes| cut.edit(bytes)),
        }
    }
    let known = remembers.then_some(disk().1);
    let log = match Log::open(image, config(known)) {
        Ok(log) => log,
        Err(error) => return says(&error),
    };
    let reader = log.reader();
    assert!(
        !remembers || reader.checkpoint().contains(&format!("\n{SIZE}\n")),
        "no known entry is forgotten"
    );
    let checked = reader.check(&key(), 1, &|_| ());
    for index in (0..SIZE).step_by(7) {
        match reader.entry(index) {
            Ok(found) => assert!(checked.is_err() || found == entry(index), "entry {index} is another"),
            Err(error) => says(&error),
        }
    }
    if let Err(error) = checked {
        says(&error);
    }
    if let Ok(Some(side)) = reader.side(0, 1) {
        assert!(side.len() <= 256 << 10);
    }
    assert!(
        !matches!(reader.entry(u64::MAX), Ok(_) | Err(LedgerError::Disagrees(_))),
        "there is no such entry"
    );
}

/// Makes the checksums of a file fit, as whoever writes to the disk can.
fn repair(name: Name, bytes: &mut [u8]) {
    match name.kind {
        Kind::Sealed => repair_sealed(bytes),
        Kind::Tail => repair_tail(name.segment, bytes),
        _ => {}
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// How a file names the log it belongs to.
fn origin() -> [u8; 32] {
    sha256(ORIGIN.as_bytes())
}

/// The checksum of index and note, then that of the trailer (docs/reference/ledger-format.md).
fn repair_sealed(bytes: &mut [u8]) {
    let Some(trailer) = bytes.len().checked_sub(96) else { return };
    let at =
        usize::try_from(u64::from_be_bytes(bytes[trailer + 12..trailer + 20].try_into().expect("8 bytes")));
    if let Some(end) = at.ok().and_then(|at| bytes.get(at..trailer)) {
        let crc = crc32fast::hash(end).to_be_bytes();
        bytes[trailer + 60..trailer + 64].copy_from_slice(&crc);
    }
    let crc = crc32fast::hash(&[&origin()[..], &bytes[trailer..trailer + 92]].concat()).to_be_bytes();
    bytes[trailer + 92..].copy_from_slice(&crc);
}

/// The checksum of every group whose lengths fit.
fn repair_tail(segment: u64, bytes: &mut [u8]) {
    let mut at = 64;
    while at + 32 <= bytes.len() {
        let word =
            |from: usize| u32::from_be_bytes(bytes[at + from..at + from + 4].try_into().expect("4 bytes"));
        let length = 32 + word(20) as usize + word(24) as usize;
        if !bytes[at..].starts_with(b"BLGR") || at + length > bytes.len() {
            return;
        }
        let sealed = [&origin()[..], &segment.to_be_bytes(), &bytes[at + 8..at + length]].concat();
        bytes[at + 4..at + 8].copy_from_slice(&crc32fast::hash(&sealed).to_be_bytes());
        at += length.next_multiple_of(64);
    }
}

/// The part of a packed segment a seed spoils.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Index,
    Trailer,
}

/// Writes bytes at a place of the packed segment's index or trailer, and mends the checksums.
fn sealed_seed(part: Part, at: usize, bytes: &[u8]) -> Vec<u8> {
    let image = disk().0.image();
    let names = image.list().expect("the power is on");
    let file = names.iter().position(|name| name.kind == Kind::Sealed).expect("a segment is packed") as u8;
    let mut place = 0;
    image.tamper(names[usize::from(file)], |bytes| {
        let trailer = bytes.len() - 96;
        let told = bytes[trailer + 12..trailer + 20].try_into().expect("eight bytes");
        let index = u64::from_be_bytes(told) as usize;
        place = if part == Part::Index { index } else { trailer } + at;
    });
    let [high, low] = (place as u16).to_be_bytes();
    let write = [&[0, 0, file, 3, 1, high, low, bytes.len() as u8][..], bytes].concat();
    [&write[..], &[0, file, 2]].concat()
}

fn files_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![0], vec![1]];
    // A block that begins at the ninth entry; one of four gigabytes; one that lies elsewhere.
    seeds.extend(
        [(12, 9_u32), (8, u32::MAX), (4, 70)]
            .map(|(at, word)| sealed_seed(Part::Index, at, &word.to_be_bytes())),
    );
    // An index so far away that its end is near again.
    seeds.push(sealed_seed(Part::Trailer, 12, &(u64::MAX - 90).to_be_bytes()));
    for file in 0..3 {
        seeds.push(vec![0, 0, file, 0]);
        seeds.push(vec![1, 0, file, 4, 0, 1, 200]);
        seeds.push(vec![0, 0, file, 4, 0, 2, 44, 0, file, 2]);
        seeds.push(vec![1, 0, file, 1, 0, (file + 1) % 3]);
    }
    seeds
}

/// Any entries: packed and unpacked they are the same.
pub fn ledger_pack(data: &[u8]) {
    let entries: Vec<&[u8]> = bundle::entries(data).flatten().collect();
    let mut wanted = Vec::new();
    entries.iter().for_each(|entry| bundle::push(&mut wanted, entry).expect("it came out of a bundle"));
    let packed = pack::pack(entries.iter().copied());
    assert_eq!(pack::unpack(&packed).as_deref(), Ok(&wanted[..]), "packing loses nothing");
}

fn pack_seeds() -> Vec<Vec<u8>> {
    let text = bundled((0..9).map(entry));
    let cbor = bundled((0..20).map(cbor));
    // Each value of a long array carries its whole path.
    let wide = bundled([[&[0x99, 0x1F, 0x40][..], &[1; 8_000]].concat()]);
    vec![text, cbor, wide]
}

/// Deterministic CBOR that names an entry before it.
fn cbor(index: u64) -> Vec<u8> {
    let before = if index == 0 { [7; 32] } else { sha256(&cbor(index - 1)) };
    let mut bytes = vec![0xA3, 0x02, 0x58, 32];
    bytes.extend(before);
    bytes.extend([0x03, 0x1B]);
    bytes.extend((1_800_000_000_000 + index).to_be_bytes());
    bytes.extend([0x04, 0x82, (index % 20) as u8, 0x63, b'a', b'b', b'c']);
    bytes
}

fn bundled(entries: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    entries.into_iter().for_each(|entry| bundle::push(&mut bytes, &entry).expect("short"));
    bytes
}

/// Any bytes as a packed block: refused, or entries that pack again.
pub fn ledger_unpack(data: &[u8]) {
    match pack::unpack(data) {
        Ok(bytes) => {
            assert!(bytes.len() <= 64 << 20, "a block of {} bytes out of {}", bytes.len(), data.len());
            assert!(bundle::entries(&bytes).all(|entry| entry.is_ok()), "whole entries");
        }
        Err(error) => says(&error),
    }
}

fn unpack_seeds() -> Vec<Vec<u8>> {
    let packed = |bytes: &[u8]| pack::pack(bundle::entries(bytes).flatten());
    let mut seeds: Vec<Vec<u8>> = pack_seeds().iter().map(|bytes| packed(bytes)).collect();
    seeds.push(packed(&[]));
    // Eight streams of 64 MiB each, told in six bytes each.
    seeds.push([&[1, 8][..], &[0x80, 0x80, 0x80, 0x20, 0, 7].repeat(8), &[0, 3]].concat());
    seeds
}
