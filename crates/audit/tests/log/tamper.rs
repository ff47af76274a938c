//! Whoever changes a published log, anywhere and however little, is found out and told where.

use crate::files::{Files, ORIGIN, entry, signer};
use bailee_audit::verify::{CHECKPOINT_PATH, Unreadable, Wrong};
use bailee_audit::{
    Checkpoint, DirSource, Hash, Report, Source, TilePath, VerifyError, leaf_hash, verify_log,
    verify_log_parallel,
};

fn verify(source: &mut impl Source) -> Result<Report, VerifyError> {
    verify_log(source, signer().verifying_key(), &mut |_, _: &[u8]| Ok(()))
}

/// Path that a failure names.
fn place(error: &VerifyError) -> &str {
    match error {
        VerifyError::Unsound { where_, .. } | VerifyError::Unusable { where_, .. } => &where_.path,
    }
}

#[test]
fn a_sound_log_passes_and_every_entry_is_shown_in_order() {
    for (size, tiles, bundles) in [(0, 0, 0), (1, 1, 1), (255, 1, 1), (256, 2, 1), (257, 3, 2), (700, 4, 3)] {
        let folder = tempfile::tempdir().expect("a folder");
        Files::of_log(size).write_to(folder.path());
        let mut seen = Vec::new();
        let report = verify_log(
            &mut DirSource::new(folder.path()),
            signer().verifying_key(),
            &mut |index, bytes: &[u8]| {
                seen.push((index, bytes.to_vec()));
                Ok(())
            },
        )
        .expect("sound");
        assert_eq!(seen, (0..size).map(|index| (index, entry(index))).collect::<Vec<_>>());
        assert_eq!((report.entries, report.tiles, report.bundles), (size, tiles, bundles));
        assert_eq!((report.signatures, report.unchecked_signatures, report.checkpoint.size), (1, 0, size));
    }
}

#[test]
fn several_threads_find_what_one_finds() {
    let parallel = |files: &Files, seen: &mut Vec<u64>| {
        let mut visitor = |index: u64, bytes: &[u8]| {
            assert_eq!(bytes, entry(index));
            seen.push(index);
            Ok(())
        };
        verify_log_parallel(files, signer().verifying_key(), &mut visitor, 3)
    };
    for size in [0, 1, 256, 700, 66_000] {
        let mut files = Files::of_log(size);
        let mut seen = Vec::new();
        assert_eq!(parallel(&files, &mut seen).expect("sound"), verify(&mut files).expect("sound"));
        assert!(seen.into_iter().eq(0..size));
    }
    let mut files = Files::of_log(5_000);
    for path in files.0.keys().cloned().collect::<Vec<_>>() {
        let at = files.0[&path].len() / 2;
        flip(&mut files, &path, at);
        let mut seen = Vec::new();
        let (one, several) = (verify(&mut files), parallel(&files, &mut seen));
        let (one, several) = (one.expect_err("changed"), several.expect_err("changed"));
        assert_eq!(several.to_string(), one.to_string());
        assert!(seen.iter().copied().eq(0..seen.len() as u64));
        flip(&mut files, &path, at);
    }
}

#[test]
fn a_log_of_three_levels_passes() {
    let report = verify(&mut Files::of_log(66_000)).expect("sound");
    assert_eq!((report.entries, report.bundles, report.tiles), (66_000, 258, 258 + 2 + 1));
}

#[test]
fn every_changed_byte_of_every_file_is_found_and_its_file_named() {
    let mut files = Files::of_log(700);
    let signer = signer();
    let paths: Vec<String> = files.0.keys().cloned().collect();
    assert_eq!(paths.len(), 3 + 4 + 1);
    for path in paths {
        for at in 0..files.0[&path].len() {
            flip(&mut files, &path, at);
            let mut only_signed_entries = |index: u64, bytes: &[u8]| {
                assert_eq!(bytes, entry(index), "shown after changing {path}, byte {at}");
                Ok(())
            };
            let error = verify_log(&mut files, signer.verifying_key(), &mut only_signed_entries)
                .expect_err(&format!("{path}, byte {at}"));
            assert_eq!(place(&error), path, "byte {at}: {error}");
            flip(&mut files, &path, at);
        }
    }
    verify(&mut files).expect("sound again");
}

fn flip(files: &mut Files, path: &str, at: usize) {
    files.0.get_mut(path).expect("published")[at] ^= 1 << (at % 8);
}

#[test]
fn a_changed_byte_in_a_folder_is_found_in_the_edge_and_below_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = Files::of_log(66_000);
    files.write_to(folder.path());
    for path in [
        "checkpoint",
        "tile/0/000",
        "tile/0/256",
        "tile/0/257.p/208",
        "tile/1/000",
        "tile/1/001.p/1",
        "tile/2/000.p/1",
        "tile/entries/000",
        "tile/entries/257.p/208",
    ] {
        let file = folder.path().join(path);
        let mut changed = files.0[path].clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 0x10;
        std::fs::write(&file, changed).expect("writable");
        let error = verify(&mut DirSource::new(folder.path())).expect_err(path);
        assert_eq!(place(&error), path, "{error}");
        std::fs::write(&file, &files.0[path]).expect("writable");
    }
    verify(&mut DirSource::new(folder.path())).expect("sound again");
}

#[test]
fn longer_shorter_and_missing_files_are_named() {
    let whole = Files::of_log(700);
    for path in whole.0.keys() {
        let change = |edit: fn(&mut Vec<u8>)| {
            let mut files = whole.clone();
            edit(files.0.get_mut(path).expect("published"));
            files
        };
        let removed = Files(
            whole
                .0
                .iter()
                .filter(|(name, _)| *name != path)
                .map(|(name, bytes)| (name.clone(), bytes.clone()))
                .collect(),
        );
        for mut files in [
            change(|bytes| bytes.push(0)),
            change(|bytes| bytes.push(b'\n')),
            change(|bytes| bytes.resize(40_000_000, 0)),
            change(|bytes| bytes.truncate(bytes.len() - 1)),
            change(|bytes| bytes.truncate(bytes.len() / 2)),
            change(Vec::clear),
            removed,
        ] {
            let error = verify(&mut files).expect_err(path);
            assert_eq!(place(&error), path, "{error}");
        }
    }
}

#[test]
fn a_changed_entry_is_named_by_its_index() {
    let mut files = Files::of_log(700);
    let bytes = files.0.get_mut("tile/entries/001").expect("published");
    // Entry 511 is empty, so its length comes last.
    let last_of_510 = bytes.len() - 3;
    bytes[last_of_510] ^= 1;
    let error = verify(&mut files).expect_err("changed");
    let VerifyError::Unsound { where_, what: Wrong::Entry } = &error else { panic!("{error}") };
    assert_eq!(where_.entry, Some(510));
    assert_eq!(error.to_string(), "tile/entries/001, entry 510: is not the entry that was signed");
}

#[test]
fn an_entry_swapped_with_its_neighbour_is_found() {
    let mut files = Files::of_log(10);
    let mut bytes = Vec::new();
    for index in [0, 1, 2, 4, 3, 5, 6, 7, 8, 9] {
        bailee_audit::bundle::push(&mut bytes, &entry(index)).expect("short");
    }
    files.0.insert("tile/entries/000.p/10".to_owned(), bytes);
    let error = verify(&mut files).expect_err("swapped");
    assert!(matches!(&error, VerifyError::Unsound { where_, .. } if where_.entry == Some(3)), "{error}");
}

#[test]
fn a_log_rewritten_as_a_whole_does_not_fit_the_signed_checkpoint() {
    let signed = Files::of_log(700).0.remove(CHECKPOINT_PATH).expect("published");
    let mut files = Files::of_log(700);
    let forged: Vec<Hash> = (0..700).map(|index| leaf_hash(&[index as u8, 1])).collect();
    let (edge, growth) = bailee_audit::Edge::empty().append(forged.iter().copied());
    for (id, bytes) in growth.tiles {
        let path = id.path(id.width_at(700).expect("within")).to_string();
        files.0.insert(path, bytes);
    }
    for path in TilePath::all(700) {
        if let TilePath::Entries { index, width } = path {
            let mut bytes = Vec::new();
            for place in index * 256..index * 256 + width.hashes() as u64 {
                bailee_audit::bundle::push(&mut bytes, &[place as u8, 1]).expect("short");
            }
            files.0.insert(path.to_string(), bytes);
        }
    }
    let resigned = Checkpoint::new(ORIGIN, edge.head()).sign(&[&signer()]).expect("signs").to_string();
    files.0.insert(CHECKPOINT_PATH.to_owned(), resigned.into_bytes());
    verify(&mut files).expect("the forged log is whole in itself");
    files.0.insert(CHECKPOINT_PATH.to_owned(), signed);
    let error = verify(&mut files).expect_err("not what was signed");
    assert!(matches!(error, VerifyError::Unsound { what: Wrong::Root, .. }), "{error}");
}

#[test]
fn when_edge_and_entries_are_both_changed_no_sound_file_is_blamed() {
    let mut files = Files::of_log(700);
    flip(&mut files, "tile/0/002.p/188", 0);
    // The one byte of entry 1, behind two lengths.
    flip(&mut files, "tile/entries/000", 4);
    let error = verify(&mut files).expect_err("changed twice");
    assert_eq!(place(&error), CHECKPOINT_PATH, "{error}");
}

#[test]
fn what_the_caller_finds_wrong_with_an_entry_is_unsound() {
    let mut refuse = |index: u64, _: &[u8]| if index == 300 { Err("has no time".to_owned()) } else { Ok(()) };
    let error =
        verify_log(&mut Files::of_log(700), signer().verifying_key(), &mut refuse).expect_err("refused");
    assert_eq!(error.to_string(), "tile/entries/001, entry 300: has no time");
}

#[test]
fn the_wrong_key_is_unsound_and_no_log_at_all_is_unusable() {
    let stranger = bailee_audit::Ed25519Signer::from_seed(signer().verifying_key().name().clone(), &[1; 32]);
    let stranger = stranger.expect("a seed");
    let error = verify_log(&mut Files::of_log(3), stranger.verifying_key(), &mut |_, _: &[u8]| Ok(()));
    assert!(matches!(error, Err(VerifyError::Unsound { what: Wrong::Checkpoint(_), .. })));

    let empty = tempfile::tempdir().expect("a folder");
    let error = verify(&mut DirSource::new(empty.path())).expect_err("nothing there");
    assert!(matches!(error, VerifyError::Unusable { what: Unreadable::NoCheckpoint, .. }));

    std::fs::create_dir(empty.path().join(CHECKPOINT_PATH)).expect("writable");
    let error = verify(&mut DirSource::new(empty.path())).expect_err("a folder isn't a file");
    assert!(matches!(error, VerifyError::Unusable { what: Unreadable::Source(_), .. }), "{error}");
}

#[test]
fn signatures_of_others_are_counted_as_unchecked() {
    let mut files = Files::of_log(3);
    let note = files.0.get_mut(CHECKPOINT_PATH).expect("published");
    note.extend_from_slice("\u{2014} witness.example AAAAAAAAAAA=\n".as_bytes());
    let report = verify(&mut files).expect("sound");
    assert_eq!((report.signatures, report.unchecked_signatures), (1, 1));
}
