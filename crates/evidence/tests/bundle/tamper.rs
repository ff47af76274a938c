//! Somebody changes a bundle and repairs whatever can be repaired without a key; the check names what they touched.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use bailee_audit::key::KeyName;
use bailee_audit::{Checkpoint, Ed25519Signer};
use bailee_evidence::entries::{Entry, Why};
use bailee_evidence::{Fault, Options, check};
use bailee_wire::event::{Leaf, decode, hex};
use proptest::prelude::*;

use super::world::{bundle, options, unpack};

type Files = Vec<(String, Vec<u8>)>;

fn sha256(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

/// Packs files again with another program, manifests made anew.
pub fn repacked(bag: &str, mut files: Files) -> Vec<u8> {
    let manifest = |files: &Files, belongs: fn(&str) -> bool| {
        files.iter().filter(|(path, _)| belongs(path)).fold(String::new(), |mut text, (path, content)| {
            let _ = writeln!(text, "{}  {path}", sha256(content));
            text
        })
    };
    files.retain(|(path, _)| !path.contains("manifest"));
    let payload = manifest(&files, |path| path.starts_with("data/"));
    files.push(("manifest-sha256.txt".into(), payload.into_bytes()));
    let tags = manifest(&files, |path| !path.starts_with("data/"));
    files.push(("tagmanifest-sha256.txt".into(), tags.into_bytes()));
    zipped(bag, &files)
}

fn zipped(bag: &str, files: &Files) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        let stored =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(format!("{bag}/{path}"), stored).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn changed(change: impl FnOnce(&mut Files)) -> Vec<u8> {
    let (bag, mut files) = unpack(&bundle());
    change(&mut files);
    repacked(&bag, files)
}

fn content<'a>(files: &'a mut Files, path: &str) -> &'a mut Vec<u8> {
    &mut files.iter_mut().find(|(name, _)| name == path).unwrap().1
}

fn entries(change: impl FnOnce(&mut Vec<Entry>)) -> Vec<u8> {
    changed(|files| {
        let content = content(files, "data/log/entries.jsonl");
        let text = String::from_utf8(content.clone()).unwrap();
        let mut list: Vec<Entry> =
            text.split_inclusive('\n').map(|line| Entry::from_line(line).unwrap()).collect();
        change(&mut list);
        *content = list.iter().map(Entry::to_line).collect::<String>().into_bytes();
    })
}

fn replaced(path: &'static str, from: &'static str, to: &'static str) -> Vec<u8> {
    changed(|files| {
        let content = content(files, path);
        let text = String::from_utf8(content.clone()).unwrap();
        assert!(text.contains(from), "{path} has {from}");
        *content = text.replace(from, to).into_bytes();
    })
}

pub fn unsound(bytes: &[u8]) -> String {
    match check(Cursor::new(bytes), &options()) {
        Err(fault @ Fault::Unsound { .. }) => fault.to_string(),
        other => panic!("should be unsound: {other:?}"),
    }
}

fn unusable(bytes: &[u8]) -> String {
    match check(Cursor::new(bytes), &options()) {
        Err(fault @ Fault::Unusable { .. }) => fault.to_string(),
        other => panic!("should be unusable: {other:?}"),
    }
}

#[test]
fn packed_again_by_another_program_it_is_as_sound() {
    check(Cursor::new(changed(|_| ())), &options()).unwrap();
}

#[test]
fn a_changed_entry_is_named() {
    for at in [0, 3, 9, 13] {
        let bytes = entries(|list| {
            let last = list[at].leaf.len() - 1;
            list[at].leaf[last] ^= 1;
        });
        let why = unsound(&bytes);
        assert_eq!(
            why,
            format!(
                "data/log/entries.jsonl, entry {}: is not the entry that was signed, or not where it says",
                at + 1
            )
        );
    }
}

#[test]
fn an_entry_elsewhere_twice_or_out_of_order_is_named() {
    assert!(unsound(&entries(|list| list[4].index += 1)).contains("entry 6"));
    assert!(unsound(&entries(|list| list.insert(4, list[3].clone()))).contains("entry 4"));
    assert!(unsound(&entries(|list| list.swap(4, 5))).contains("entry 5: is not"));
}

#[test]
fn an_entry_left_out_breaks_what_it_proved() {
    let enrolment = unsound(&entries(|list| list.retain(|entry| entry.why != Why::Enrolment)));
    assert!(enrolment.contains("is not the entry") || enrolment.contains("enrolment"), "{enrolment}");
    let export = unsound(&entries(|list| list.truncate(13)));
    assert!(export.starts_with("data/events.csv") || export.starts_with("data/statement.json"), "{export}");
    let count = unsound(&entries(|list| {
        let head = list.iter().position(|entry| entry.why == Why::Head).unwrap();
        list[head].why = Why::Chain;
        let asked = list.iter().rposition(|entry| entry.why == Why::Asked).unwrap();
        list[asked].why = Why::Chain;
    }));
    assert!(count.starts_with("data/events.csv"), "{count}");
}

#[test]
fn a_bank_whose_chain_or_signature_does_not_hold_is_named() {
    use super::world::World;
    use bailee_evidence::Subject;
    // The operator, who has the log's key, cannot invent what a bank did: the log is made anew around a forged event.
    let forge = |what: fn(&mut World)| {
        let mut world = World::parcel();
        what(&mut world);
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            world.export(&Subject::Span, |_, _| ())
        }));
        *made.unwrap_err().downcast::<String>().unwrap()
    };
    let moved = forge(|world| {
        let Leaf::Bank { bank, prev, mut event } = decode(&world.leaves[4].1).unwrap() else { panic!() };
        event.at = event.at.plus_ms(60_000);
        world.leaves[4].1 = bailee_wire::event::encode_bank(bank, &prev, &event);
    });
    assert!(moved.contains("does not continue the one before it"), "{moved}");
    let forged_head = forge(|world| {
        let at = world.leaves.len() - 1;
        let Leaf::Platform { org, mut event } = decode(&world.leaves[at].1).unwrap() else { panic!() };
        if let bailee_domain::platform::PlatformEventKind::ChainHead { signature, .. } = &mut event.kind {
            signature[0] ^= 1;
        }
        world.leaves[at].1 = bailee_wire::event::encode_platform(org, &event).unwrap();
    });
    assert!(forged_head.contains("its device key did not sign"), "{forged_head}");
}

#[test]
fn another_key_or_checkpoint_is_noticed() {
    let stranger =
        Ed25519Signer::from_seed(KeyName::new("lockers.example.org/log/oak-court").unwrap(), &[1; 32])
            .unwrap();
    let given = Options { key: Some(stranger.verifying_key().clone()), ..options() };
    let fault = check(Cursor::new(bundle()), &given).unwrap_err();
    assert_eq!(fault.to_string(), "data/log/key: is not the key you gave, nor one it was handed over to");
    let resigned = changed(|files| {
        let note = content(files, "data/log/checkpoint");
        let text = String::from_utf8(note.clone()).unwrap();
        let text = text.split_once("\n\n").unwrap().0.to_owned() + "\n";
        *note = Checkpoint::from_text(&text).unwrap().sign(&[&stranger]).unwrap().to_string().into_bytes();
    });
    assert!(unsound(&resigned).starts_with("data/log/checkpoint"));
    let grown = replaced("data/statement.json", "\"size\": 16", "\"size\": 17");
    assert!(unsound(&grown).contains("names another checkpoint"));
}

#[test]
fn who_asked_and_why_cannot_be_changed() {
    for (from, to) in [
        ("Claim 4711", "Claim 4712"),
        ("\"subject\": \"parcel prc_", "\"subject\": \"parcel prc_"),
        ("exported\": {\n    \"at\": \"2026", "exported\": {\n    \"at\": \"2025"),
        ("\"by\": \"per_0", "\"by\": \"per_1"),
        ("\"entry\": 15", "\"entry\": 14"),
        ("\"asked\": 9", "\"asked\": 8"),
        ("\"left_out\": []", "\"left_out\": [\"nothing\"]"),
    ] {
        let bytes = replaced("data/statement.json", from, to);
        match from == to {
            true => drop(check(Cursor::new(bytes), &options()).unwrap()),
            false => {
                let why = unsound(&bytes);
                assert!(
                    why.starts_with("data/statement.json") || why.starts_with("data/report.pdf"),
                    "{from}: {why}"
                );
            }
        }
    }
}

#[test]
fn a_commitment_opens_to_what_was_logged_and_nothing_else() {
    for (from, to) in [
        ("Ann Example", "Bob Example"),
        ("\"value\":null", "\"value\":\"+491\""),
        ("\"entry\":2", "\"entry\":1"),
    ] {
        let why = unsound(&replaced("data/openings.jsonl", from, to));
        assert!(why.starts_with("data/openings.jsonl, line 1: does not open"), "{why}");
    }
}

#[test]
fn swapped_files_are_named() {
    for path in
        ["data/events.csv", "data/epcis.jsonld", "data/report.pdf", "data/README.txt", "data/places.json"]
    {
        // Swapped as it is, the manifest knows.
        let (bag, mut files) = unpack(&bundle());
        content(&mut files, path).push(b' ');
        let why = unsound(&zipped(&bag, &files));
        assert_eq!(why, format!("{path}: is not the file of the manifest: its SHA-256 is another"));
    }
    // With the manifests made anew, what was made from the entries still doesn't fit them.
    for (path, from, to, named) in [
        (
            "data/events.csv",
            "ParcelCollected",
            "ParcelDeposited",
            "data/events.csv: is not what these entries give",
        ),
        ("data/epcis.jsonld", "shipping", "storing", "data/epcis.jsonld: is not what these entries give"),
        ("data/places.json", "Lobby", "Garage", "data/report.pdf: is not the report of this bundle"),
    ] {
        assert_eq!(unsound(&replaced(path, from, to)), named);
    }
    let report = changed(|files| content(files, "data/report.pdf").extend(b"% another"));
    assert_eq!(unsound(&report), "data/report.pdf: is not the report of this bundle");
}

#[test]
fn files_missing_or_added_are_named() {
    for path in ["data/report.pdf", "data/events.csv", "data/log/key", "data/openings.jsonl"] {
        let (bag, mut files) = unpack(&bundle());
        files.retain(|(name, _)| name != path);
        assert_eq!(unsound(&zipped(&bag, &files)), format!("{path}: is in the manifest and missing"));
        assert_eq!(unsound(&repacked(&bag, files)), format!("{path}: is missing"));
    }
    let (bag, mut files) = unpack(&bundle());
    files.push(("data/more.txt".into(), b"more".to_vec()));
    assert_eq!(unsound(&zipped(&bag, &files)), "data/more.txt: is in no manifest");
    assert_eq!(unsound(&repacked(&bag, files.clone())), "data/more.txt: is no file of a bundle");
    files.pop();
    files.push((format!("data/files/{}.jpg", "0".repeat(64)), b"a photo".to_vec()));
    assert!(unsound(&repacked(&bag, files)).ends_with("is not the file it is named for"));
}

#[test]
fn what_is_no_bundle_is_unusable() {
    assert!(unusable(b"").contains("not a zip"));
    assert!(unusable(b"%PDF-1.7 and so on, and so on, and so on").contains("not a zip"));
    assert!(unusable(&zipped("x", &vec![("a.txt".into(), b"a".to_vec())])).starts_with("bagit.txt"));
    let other = replaced("data/statement.json", "bailee-evidence/1", "bailee-evidence/2");
    assert!(unusable(&other).contains("this program knows bailee-evidence/1"));
}

#[test]
fn a_bomb_is_refused_before_it_unpacks() {
    let (bag, mut files) = unpack(&bundle());
    content(&mut files, "data/README.txt").resize(64 << 20, b'0');
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in &files {
        zip.start_file(format!("{bag}/{path}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    // It declares the four gigabytes that a zip archive can.
    let central = bytes.windows(4).rposition(|it| it == [0x50, 0x4b, 1, 2]).unwrap();
    bytes[central + 24..central + 28].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(check(Cursor::new(bytes), &options()), Err(Fault::Unusable { .. })));
}

#[test]
fn a_cut_bundle_is_unusable_wherever_it_was_cut() {
    let bytes = bundle();
    for length in (0..bytes.len()).step_by(97) {
        unusable(&bytes[..length]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn changed_bytes_never_panic_and_never_pass(changes in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4)) {
        let original = bundle();
        let mut bytes = original.clone();
        for (at, by) in changes {
            let at = at.index(bytes.len());
            bytes[at] = bytes[at].wrapping_add(by);
        }
        if bytes != original && check(Cursor::new(&bytes), &options()).is_ok() {
            // Only what carries no meaning may differ: times and attributes in headers.
            prop_assert_eq!(unpack(&bytes), unpack(&original));
        }
    }

    #[test]
    fn changed_content_never_panics_and_never_passes(
        which: prop::sample::Index, changes in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..3),
    ) {
        let (bag, mut files) = unpack(&bundle());
        let original = files.clone();
        let which = which.index(files.len());
        let content = &mut files[which].1;
        for (at, by) in changes {
            let at = at.index(content.len());
            content[at] = content[at].wrapping_add(by);
        }
        if files != original {
            let outcome = check(Cursor::new(repacked(&bag, files.clone())), &options());
            let harmless = files[which].0.contains("manifest") || matches!(files[which].0.as_str(), "bag-info.txt" | "data/README.txt");
            prop_assert!(outcome.is_err() || harmless, "{} was changed", files[which].0);
        }
    }
}
