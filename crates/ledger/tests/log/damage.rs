//! What no stop explains is refused by name, and a full check finds what an opening doesn't read.

use bailee_ledger::disk::{Disk, Kind, MemoryDisk, Name};
use bailee_ledger::{Disagreement, LedgerError};

use super::support::{entries, open, our_key};

/// Two packed segments and a tail of several groups.
fn disk() -> MemoryDisk {
    let disk = MemoryDisk::default();
    let log = open(disk.clone()).unwrap();
    entries(0..600).chunks(10).for_each(|batch| drop(log.appender().append(batch).unwrap()));
    log.wait_until_packed().unwrap();
    drop(log);
    disk
}

fn refusal(disk: &MemoryDisk) -> Disagreement {
    match open(disk.clone()).err() {
        Some(LedgerError::Disagrees(what)) => what,
        other => panic!("refused with a name: {other:?}"),
    }
}

fn name(kind: Kind, segment: u64) -> Name {
    Name { kind, segment }
}

#[test]
fn a_damaged_group_before_a_good_one_is_refused() {
    let disk = disk();
    disk.tamper(name(Kind::Tail, 2), |bytes| bytes[200] ^= 1);
    assert!(matches!(refusal(&disk), Disagreement::GroupDamaged { .. }));
}

#[test]
fn a_group_cut_out_is_refused() {
    let disk = disk();
    disk.tamper(name(Kind::Tail, 2), |bytes| {
        let groups: Vec<usize> =
            (0..bytes.len()).step_by(64).filter(|&at| bytes[at..].starts_with(b"BLGR")).collect();
        bytes.drain(groups[1]..groups[2]);
    });
    assert!(matches!(refusal(&disk), Disagreement::GroupOrder { expected: 520, found: 530 }));
}

#[test]
fn a_missing_segment_is_refused() {
    let packed = disk();
    packed.remove(name(Kind::Sealed, 0)).unwrap();
    assert!(matches!(refusal(&packed), Disagreement::SegmentMissing(0)));
    let last = disk();
    last.remove(name(Kind::Sealed, 1)).unwrap();
    assert!(matches!(refusal(&last), Disagreement::SegmentMissing(1)));
}

#[test]
fn files_of_another_place_or_log_are_refused() {
    let swapped = disk();
    for (from, to) in [(0, 9), (1, 0), (9, 1)] {
        swapped.rename(name(Kind::Sealed, from), name(Kind::Sealed, to)).unwrap();
    }
    assert!(matches!(refusal(&swapped), Disagreement::Foreign(_)));
    let tail = disk();
    tail.tamper(name(Kind::Tail, 2), |bytes| bytes[30] ^= 1);
    assert!(matches!(refusal(&tail), Disagreement::Foreign(_)));
}

#[test]
fn a_damaged_end_of_a_packed_segment_is_refused() {
    for from_end in [1, 40, 90, 100, 200] {
        let disk = disk();
        disk.tamper(name(Kind::Sealed, 1), |bytes| {
            let at = bytes.len() - from_end;
            bytes[at] ^= 1;
        });
        assert!(matches!(refusal(&disk), Disagreement::Sealed { segment: 1, .. }), "{from_end}");
    }
}

#[test]
fn a_full_check_finds_any_changed_byte_of_a_packed_segment() {
    let original = disk();
    let length = original.length(name(Kind::Sealed, 0)).unwrap() as usize;
    for at in (0..length).step_by(97) {
        let disk = original.image();
        disk.tamper(name(Kind::Sealed, 0), |bytes| bytes[at] ^= 0x10);
        let found = open(disk.clone()).and_then(|log| log.reader().check(&our_key(), 2, &|_| ()));
        assert!(matches!(found, Err(LedgerError::Disagrees(_))), "byte {at} of {length}");
    }
}

#[test]
fn a_tail_with_another_checkpoint_is_refused() {
    // Bytes and checksums are in order, but the checkpoint isn't of these entries: a tail of another history.
    let (ours, other) = (disk(), MemoryDisk::default());
    let log = open(other.clone()).unwrap();
    let mut changed = entries(0..600);
    changed[3].push(b'!');
    changed.chunks(10).for_each(|batch| drop(log.appender().append(batch).unwrap()));
    log.wait_until_packed().unwrap();
    drop(log);
    let mut bytes = vec![0; other.length(name(Kind::Tail, 2)).unwrap() as usize];
    other.read_at(name(Kind::Tail, 2), 0, &mut bytes).unwrap();
    ours.tamper(name(Kind::Tail, 2), |tail| *tail = bytes);
    assert!(matches!(refusal(&ours), Disagreement::StoredAndSigned { .. }));
}
