//! Whatever goes in comes out, and whatever else is read is refused or harmless.

use proptest::collection::vec;
use proptest::prelude::*;

use super::shape::{TEXT_MAJOR, put_head};
use super::*;
use bailee_audit::bundle::{self, MAX_ENTRY_LEN};

fn packed_and_back(entries: &[Vec<u8>]) -> usize {
    let packed = pack(entries.iter().map(Vec::as_slice));
    let bundle = unpack(&packed).expect("what was packed");
    let back: Vec<&[u8]> = bundle::entries(&bundle).collect::<Result<_, _>>().expect("whole");
    assert_eq!(back, entries);
    packed.len()
}

/// An event in the form of those of this workspace: a source, a time, a number, the hash of the one before.
fn chained(source: u8, sequence: u64, before: [u8; 32]) -> Vec<u8> {
    let mut entry = vec![0xA5, 0x00, 0x01, 0x02, 0x50];
    entry.extend([source; 16]);
    entry.push(0x03);
    put_head(&mut entry, 0, 1_800_000_000_000 + sequence * 1_000);
    entry.push(0x05);
    put_head(&mut entry, 0, sequence);
    entry.extend([0x06, 0x58, 0x20]);
    entry.extend(before);
    entry
}

#[test]
fn chains_cost_next_to_nothing() {
    let mut heads = [[0; 32]; 3];
    let mut entries = Vec::new();
    for at in 0..3_000_usize {
        let source = at / 4 % 3;
        let entry = chained(source as u8, at as u64, heads[source]);
        heads[source] = sha256(&entry);
        entries.push(entry);
    }
    let packed = packed_and_back(&entries);
    assert!(packed < 3_000, "{packed} bytes for 3,000 entries of {} bytes", entries[0].len());
}

#[test]
fn what_is_no_cbor_is_kept() {
    let longest = vec![7; MAX_ENTRY_LEN];
    packed_and_back(&[]);
    packed_and_back(&[vec![], b"plain text".to_vec(), longest, vec![0x18, 5], vec![0xA1, 0x61, 0x41, 0]]);
    packed_and_back(&[
        vec![0x9F, 0xFF],
        vec![0xF9, 0, 0],
        vec![0xC0, 0],
        vec![0x81; 40],
        vec![0x82, 0x18, 30, 0x20],
    ]);
}

#[test]
fn numbers_at_their_limits_survive() {
    let mut entries = Vec::new();
    for number in [0, 23, 24, 255, 256, 65_535, 65_536, u64::from(u32::MAX), 1 << 32, u64::MAX, 0, u64::MAX] {
        for major in [0, 0x20] {
            let mut entry = vec![0xA1, 0x04];
            put_head(&mut entry, major, number);
            entries.push(entry);
            let mut entry = vec![0x83];
            put_head(&mut entry, major, number);
            entry.extend([0xF6, 0x62, b'a', b'b']);
            entries.push(entry);
        }
    }
    packed_and_back(&entries);
}

fn cbor(depth: u32) -> BoxedStrategy<Vec<u8>> {
    let head = |major, number| {
        let mut bytes = Vec::new();
        put_head(&mut bytes, major, number);
        bytes
    };
    let string = move |major, bytes: Vec<u8>| [head(major, bytes.len() as u64), bytes].concat();
    let lengths = prop_oneof![Just(16_usize), Just(32), 0..40_usize];
    let leaf = prop_oneof![
        (any::<u64>(), 0..64_u32).prop_map(move |(number, shift)| head(0, number >> shift)),
        any::<u32>().prop_map(move |number| head(0x20, u64::from(number))),
        (lengths, 0..4_u8).prop_map(move |(length, fill)| string(0x40, vec![fill; length])),
        "[a-z]{0,30}".prop_map(move |text| string(TEXT_MAJOR, text.into_bytes())),
        Just(vec![0xF6]),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let items = vec(cbor(depth - 1), 0..4);
    let array =
        items.clone().prop_map(move |items| [head(0x80, items.len() as u64), items.concat()].concat());
    let map = vec((0..40_u64, cbor(depth - 1)), 0..5).prop_map(move |pairs| {
        let body = pairs.iter().flat_map(|(key, value)| [head(0, *key), value.clone()]).collect::<Vec<_>>();
        [head(0xA0, pairs.len() as u64), body.concat()].concat()
    });
    prop_oneof![leaf, array, map].boxed()
}

proptest! {
    #[test]
    fn any_cbor_comes_back(entries in vec(cbor(3), 0..40)) {
        packed_and_back(&entries);
    }

    #[test]
    fn any_bytes_come_back(entries in vec(vec(any::<u8>(), 0..80), 0..40)) {
        packed_and_back(&entries);
    }

    #[test]
    fn damaged_blocks_are_refused_or_read(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut before = [0; 32];
        let entries: Vec<Vec<u8>> = (0..60).map(|at| {
            let entry = chained(1, at, before);
            before = sha256(&entry);
            entry
        }).collect();
        let mut packed = pack(entries.iter().map(Vec::as_slice));
        let at = at.index(packed.len());
        packed[at] ^= 1 << bit;
        // No panic and no endless memory; that the bytes are the right ones is for hashes to say.
        let _ = unpack(&packed);
        let _ = unpack(&packed[..at]);
    }
}
