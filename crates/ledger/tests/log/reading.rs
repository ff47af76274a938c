//! Reading: proofs, tiles, ranges, bounds, and readers beside the writer.

use bailee_audit::hash::{TreeHead, leaf_hash};
use bailee_audit::proof::{verify_consistency, verify_inclusion};
use bailee_audit::tile::{TileId, TilePath, Width};
use bailee_audit::tree::Edge;
use bailee_ledger::disk::MemoryDisk;
use bailee_ledger::{LedgerError, Log};

use super::support::{entries, entry, open};

fn grown(size: u64) -> Log {
    let log = open(MemoryDisk::default()).unwrap();
    entries(0..size).chunks(400).for_each(|batch| drop(log.appender().append(batch).unwrap()));
    log.wait_until_packed().unwrap();
    log
}

fn head_at(size: u64) -> TreeHead {
    Edge::empty().append((0..size).map(|index| leaf_hash(&entry(index)))).0.head()
}

#[test]
fn proofs_hold_for_packed_and_unpacked_entries_and_reach_no_further_than_the_signed_tree() {
    let log = grown(1_100);
    let reader = log.reader();
    for size in [1, 2, 255, 256, 257, 511, 513, 1_023, 1_024, 1_025, 1_100] {
        let head = head_at(size);
        assert_eq!(reader.root_at(size).unwrap(), head.root);
        let indexes: Vec<u64> = (0..size).step_by(7).chain([size - 1]).collect();
        for (index, proof) in indexes.iter().zip(reader.inclusion_proofs(&indexes, size).unwrap()) {
            assert_eq!(proof, reader.inclusion_proof(*index, size).unwrap());
            verify_inclusion(leaf_hash(&entry(*index)), *index, &head, &proof).unwrap();
        }
        for old in [0, 1, size / 3, size / 2, size - 1, size] {
            let proof = reader.consistency_proof(old, size).unwrap();
            verify_consistency(&head_at(old), &head, &proof).unwrap();
        }
    }
    assert!(matches!(reader.inclusion_proof(1_100, 1_100), Err(LedgerError::OutOfRange)));
    assert!(matches!(reader.inclusion_proof(0, 1_101), Err(LedgerError::OutOfRange)));
    assert!(matches!(reader.consistency_proof(3, 1_101), Err(LedgerError::OutOfRange)));
    assert!(matches!(reader.root_at(1_101), Err(LedgerError::OutOfRange)));
}

#[test]
fn tiles_and_bundles_are_those_of_the_tree() {
    let log = grown(1_100);
    let (_, growth) = Edge::empty().append((0..1_100).map(|index| leaf_hash(&entry(index))));
    for (id, bytes) in growth.tiles {
        let width = Width::new((bytes.len() / 32) as u16).unwrap();
        assert_eq!(log.reader().tile(id, width).unwrap(), bytes);
        if let Some(less) = Width::new(width.hashes() as u16 / 2) {
            assert_eq!(log.reader().tile(id, less).unwrap(), bytes[..less.hash_bytes()]);
        }
    }
    let beyond = TilePath::Entries { index: 4, width: Width::new(77).unwrap() };
    assert!(matches!(log.reader().file(beyond), Err(LedgerError::OutOfRange)));
    let beyond = TileId { level: 2, index: 0 }.path(Width::new(1).unwrap());
    assert!(matches!(log.reader().file(beyond), Err(LedgerError::OutOfRange)));
}

#[test]
fn pages_of_entries_come_from_anywhere() {
    let log = grown(1_100);
    for (from, to) in
        [(0, 50), (250, 260), (500, 1_100), (1_020, 1_030), (1_090, 2_000), (1_100, 1_200), (9, 9), (9, 3)]
    {
        let page = log.reader().range(from, to).unwrap();
        let expected: Vec<(u64, Vec<u8>)> =
            (from..to.min(1_100)).map(|index| (index, entry(index))).collect();
        assert_eq!(page, expected);
    }
    assert_eq!(log.reader().entry(1_099).unwrap(), entry(1_099));
    assert!(matches!(log.reader().entry(1_100), Err(LedgerError::OutOfRange)));
}

#[test]
fn readers_see_whole_signed_trees_while_the_writer_works() {
    let log = open(MemoryDisk::default()).unwrap();
    let (appender, reader) = (log.appender(), log.reader());
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            entries(0..2_000).chunks(40).for_each(|batch| drop(appender.append(batch).unwrap()));
        });
        while !writer.is_finished() {
            let head = reader.head();
            let Some(last) = head.size.checked_sub(1) else { continue };
            for index in [0, last / 2, last] {
                let proof = reader.inclusion_proof(index, head.size).unwrap();
                let entry = reader.entry(index).unwrap();
                verify_inclusion(leaf_hash(&entry), index, &head, &proof).unwrap();
            }
        }
    });
}
