//! An evidence bundle from the button to a stranger's browser that finds it sound, or names what was touched.

use std::fmt::Write as _;
use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;
use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};
use bailee_sim::browser::{Page, Screen};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::house::{House, LOBBY, Letter, RESIDENT};
use crate::look::pictures;
use crate::rig::{given_a_file, is_fine, key_in, verdict};

const BOTH: [Screen; 2] = [Screen::Phone, Screen::Desktop];
const ENTRIES: &str = "data/log/entries.jsonl";

/// The files of a bundle by their path in it, in order.
type Files = Vec<(String, Vec<u8>)>;

#[test]
fn a_bundle_from_the_button_is_sound_in_a_strangers_browser_and_every_trick_with_it_is_named() {
    let Some(house) = House::set_up() else { return };
    let courier = house.couriers_code();
    let kiosk = house.walk_up_to(LOBBY);
    house.drop_off(&kiosk, LOBBY, &courier);
    key_in(&kiosk, &house.code_in(&Letter { to: RESIDENT, about: "Your parcel is at", nth: 1 }));
    house.take_out(&kiosk, LOBBY);

    let bundle = made(&house);
    let stranger = house.stranger("/verify");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bundle.zip");
    std::fs::write(&file, &bundle).unwrap();
    dropped(&stranger, &file);
    assert_eq!(verdict(&stranger), "sound");
    stranger.sees("Claim 4711").unwrap();
    stranger.sees("A time").unwrap();
    is_fine(&stranger);
    pictures(&stranger, "portal-verify-bundle-en", &BOTH);

    for (trick, touched, why) in tricks(&bundle) {
        std::fs::write(&file, &touched).unwrap();
        given_a_file(&stranger, &file);
        assert_eq!(verdict(&stranger), why, "{trick}");
        is_fine(&stranger);
        let code = command(&["verify", "bundle", file.to_str().unwrap()]);
        assert_eq!(code, if why.starts_with("unsound") { 1 } else { 2 }, "{trick}");
    }
    pictures(&stranger, "portal-verify-bundle-unsound-en", &BOTH);

    std::fs::write(&file, &bundle).unwrap();
    let less = folder.path().join("less.zip");
    let (from, to) = (file.to_str().unwrap(), less.to_str().unwrap());
    assert_eq!(command(&["evidence", "redact", from, "--drop", "reason", "--out", to]), 0);
    given_a_file(&stranger, &less);
    assert_eq!(verdict(&stranger), "sound");
    assert!(!stranger.text().unwrap().contains("Claim 4711"), "what was left out is not told");
    stranger.keep_cookie("bailee_lang", "ar").unwrap();
    stranger.reload().unwrap();
    given_a_file(&stranger, &file);
    assert_eq!(verdict(&stranger), "sound");
    pictures(&stranger, "portal-verify-bundle-ar", &BOTH);
}

/// The administrator has a bundle made about everything, and downloads it.
fn made(house: &House) -> Vec<u8> {
    let admin = &house.admin;
    admin.goto(&house.portal("/evidence")).unwrap();
    admin.fill("Why", "Claim 4711").unwrap();
    is_fine(admin);
    admin.press("Make the bundle").unwrap();
    // The page looks again by itself while a bundle is being made.
    let ready = "document.querySelector('a[href$=\"/bundle\"]')?.href";
    let link = admin.wait("the bundle", ready).unwrap();
    is_fine(admin);
    let fetched = format!(
        "fetch({link}).then((answer) => answer.arrayBuffer()).then((bytes) => \
         [...new Uint8Array(bytes)].map((byte) => String.fromCharCode(byte))).then((text) => btoa(text.join('')))"
    );
    STANDARD.decode(admin.evaluate(&fetched).unwrap().as_str().unwrap()).unwrap()
}

/// Drags a file from outside onto the page and lets it go there.
fn dropped(page: &Page, file: &Path) {
    let data = json!({ "items": [], "files": [file.to_str().unwrap()], "dragOperationsMask": 1 });
    for kind in ["dragEnter", "dragOver", "drop"] {
        let event = json!({ "type": kind, "x": 120, "y": 200, "data": data });
        page.call("Input.dispatchDragEvent", &event).unwrap();
    }
}

/// What may be done to a bundle, with everything repaired that needs no key; and what is said then.
fn tricks(bundle: &[u8]) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let (bag, files) = unpacked(bundle);
    let with = |change: &dyn Fn(&mut Files)| {
        let mut files = files.clone();
        change(&mut files);
        files
    };
    let at = |files: &Files, path: &str| files.iter().position(|(name, _)| name == path).unwrap();
    let table = with(&|files| {
        let place = at(files, "data/events.csv");
        let middle = files[place].1.len() / 2;
        files[place].1[middle] ^= 1;
    });
    let entry = with(&|files| {
        let place = at(files, ENTRIES);
        let text = String::from_utf8(files[place].1.clone()).unwrap();
        let mut lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut leaf = STANDARD.decode(lines[1]["leaf"].as_str().unwrap()).unwrap();
        let last = leaf.len() - 1;
        leaf[last] ^= 1;
        lines[1]["leaf"] = STANDARD.encode(leaf).into();
        files[place].1 = lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
    });
    let checkpoint = with(&|files| {
        let place = at(files, "data/log/checkpoint");
        let lines = files[place].1.split_inclusive(|byte| *byte == b'\n');
        let root = lines.take(2).map(<[u8]>::len).sum::<usize>();
        files[place].1[root] = if files[place].1[root] == b'A' { b'B' } else { b'A' };
    });
    let statement = with(&|files| {
        let place = at(files, "data/statement.json");
        let mut json: serde_json::Value = serde_json::from_slice(&files[place].1).unwrap();
        json["log"]["size"] = 1.into();
        files[place].1 = json.to_string().into_bytes();
    });
    let more = with(&|files| files.push(("data/more.txt".into(), b"more".to_vec())));
    let fewer = with(&|files| {
        let place = at(files, "data/events.csv");
        files.remove(place);
    });
    let out = with(&|files| files.push(("../../etc/passwd".into(), b"root".to_vec())));
    let repaired = |files: Files| zipped(&bag, &manifested(files));
    let half = bundle[..bundle.len() / 2].to_vec();
    let last = bundle.iter().rposition(|byte| *byte == b'P').unwrap();
    let mut longer = bundle[..last].to_vec();
    longer.extend_from_slice(b"between");
    longer.extend_from_slice(&bundle[last..]);
    vec![
        ("a byte of a table", zipped(&bag, &table), "unsound changed"),
        ("an entry, manifests made anew", repaired(entry), "unsound bundle-entry"),
        ("the checkpoint, manifests made anew", repaired(checkpoint), "unsound signature"),
        ("the statement, manifests made anew", repaired(statement), "unsound statement"),
        ("a file more", zipped(&bag, &more), "unsound unlisted"),
        ("a file less", zipped(&bag, &fewer), "unsound missing"),
        ("a path that leads out", repaired(out), "unusable zip-name"),
        ("bytes between the files", longer, "unusable zip"),
        ("only half of it", half, "unusable zip"),
        (
            "an archive of something else",
            zipped("a", &vec![("b.txt".into(), b"x".to_vec())]),
            "unusable foreign",
        ),
        ("no archive at all", b"PK, or so it says".to_vec(), "unusable zip"),
    ]
}

fn unpacked(bundle: &[u8]) -> (String, Files) {
    let mut archive = zip::ZipArchive::new(Cursor::new(bundle)).unwrap();
    let mut bag = String::new();
    let files = (0..archive.len()).map(|number| {
        let mut file = archive.by_index(number).unwrap();
        let name = file.name().unwrap().into_owned();
        let (top, path) = name.split_once('/').unwrap();
        bag = top.to_owned();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        (path.to_owned(), content)
    });
    let files = files.collect();
    (bag, files)
}

fn zipped(bag: &str, files: &Files) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (path, content) in files {
        zip.start_file(format!("{bag}/{path}"), stored).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The manifests of RFC 8493, made anew for what is in the files now.
fn manifested(mut files: Files) -> Files {
    let manifest = |files: &Files, is_payload: bool| {
        let mine = files.iter().filter(|(path, _)| path.starts_with("data/") == is_payload);
        mine.fold(String::new(), |mut text, (path, content)| {
            for byte in digest(&SHA256, content).as_ref() {
                write!(text, "{byte:02x}").unwrap();
            }
            writeln!(text, "  {path}").unwrap();
            text
        })
    };
    files.retain(|(path, _)| !path.contains("manifest"));
    files.push(("manifest-sha256.txt".into(), manifest(&files, true).into_bytes()));
    files.push(("tagmanifest-sha256.txt".into(), manifest(&files, false).into_bytes()));
    files
}

fn command(args: &[&str]) -> i32 {
    Command::new(env!("CARGO_BIN_EXE_bailee")).args(args).output().unwrap().status.code().unwrap()
}
