use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::archive::Packer;

fn sample() -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let mut packer = Packer::new(&mut out);
    packer.file("bag/a.txt", &mut &b"hello hello hello hello hello"[..]).unwrap();
    packer.file("bag/b.bin", &mut &[7_u8; 70_000][..]).unwrap();
    packer.finish().unwrap();
    out.into_inner()
}

fn read_all(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let mut archive = Archive::open(Cursor::new(bytes))?;
    let names: Vec<String> = archive.names().map(str::to_owned).collect();
    names.into_iter().map(|name| Ok((name.clone(), archive.bytes(&name, 1 << 20)?))).collect()
}

#[test]
fn what_was_packed_is_read_and_other_readers_read_the_same() {
    let bytes = sample();
    let ours = read_all(&bytes).unwrap();
    assert_eq!(ours[0], ("bag/a.txt".to_owned(), b"hello hello hello hello hello".to_vec()));
    assert_eq!(ours[1].1, [7; 70_000]);
    let mut theirs = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
    for (name, content) in &ours {
        let mut other = Vec::new();
        theirs.by_name(name).unwrap().read_to_end(&mut other).unwrap();
        assert_eq!(&other, content);
    }
}

/// The sample with a change at a field of the first file's central header and, if asked, its local one.
fn changed(central_at: usize, local_at: Option<usize>, to: &[u8]) -> Vec<u8> {
    let mut bytes = sample();
    let central = bytes.windows(4).position(|it| it == CENTRAL.to_le_bytes()).unwrap();
    bytes[central + central_at..][..to.len()].copy_from_slice(to);
    if let Some(at) = local_at {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

fn why(bytes: &[u8]) -> String {
    read_all(bytes).unwrap_err().to_string()
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let cases = [
        (changed(46, Some(30), b"../a/.txt"), "leads out"),
        (changed(46, Some(30), b"/etc/pass"), "leads out"),
        (changed(46, None, b"bag/c.txt"), "two headers"),
        (changed(46, Some(30), b"bag/B.bin"), "is there twice"),
        (changed(24, None, &9_u32.to_le_bytes()), "two headers"),
        (changed(24, Some(22), &9_u32.to_le_bytes()), "more than its header"),
        (changed(24, Some(22), &5_000_u32.to_le_bytes()), "not as long"),
        (changed(24, Some(22), &u32::MAX.to_le_bytes()), "declares more"),
        (changed(16, Some(14), &[0; 4]), "CRC-32"),
        (changed(8, Some(6), &[1, 0]), "encrypted"),
        (changed(8, Some(6), &[8, 0]), "its length stands after"),
        (changed(10, Some(8), &[14, 0]), "method 14"),
        (changed(38, None, &(0o120_777_u32 << 16).to_le_bytes()), "not a file"),
        (changed(38, None, &(0o040_755_u32 << 16).to_le_bytes()), "not a file"),
        (changed(42, None, &[1, 0, 0, 0]), "does not begin where"),
    ];
    for (bytes, expected) in cases {
        let why = why(&bytes);
        assert!(why.contains(expected), "{why:?} should say {expected:?}");
    }
    let with_comment = [sample(), b"!".to_vec()].concat();
    assert!(why(&with_comment).contains("cut off"));
    let before = [b"#!/bin/sh\n".to_vec(), sample()].concat();
    assert!(why(&before).contains("does not end where"));
}

#[test]
fn a_cut_archive_is_refused_wherever_it_was_cut() {
    let bytes = sample();
    for length in 0..bytes.len() {
        assert!(read_all(&bytes[..length]).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn changed_bytes_are_read_or_refused(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = sample();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(files) = read_all(&bytes) {
            // Only what carries no meaning may differ: the time and who packed it.
            prop_assert_eq!(files, read_all(&sample()).unwrap());
        }
    }

    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read_all(&bytes).is_err() || bytes.len() == 22);
    }
}
