//! Photos and other files: in a bundle under their hash, only where an entry attaches them, and left out again.

use std::io::Cursor;

use bailee_domain::id::FileId;
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_evidence::entries::Why;
use bailee_evidence::{Attached, LeaveOut, Note, RedactError, Subject, WriteError, check, redact};
use bailee_wire::event::hex;

use super::tamper::{repacked, unsound};
use super::world::{ADMIN, BANK, DOOR, PARCEL, World, options, unpack};

const PHOTO: &[u8] = b"not really a photo";
const PAPER: &[u8] = b"not really a paper";

fn sha256(bytes: &[u8]) -> [u8; 32] {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().try_into().unwrap()
}

fn enclosed(content: &'static [u8], ending: &str) -> Attached<'static> {
    Attached { ending: ending.into(), sha256: sha256(content), content: Box::new(content) }
}

/// A world in which the photo and the paper were attached to the parcel.
fn world() -> World {
    let mut world = World::parcel();
    for (number, content) in [(1, PHOTO), (2, PAPER)] {
        let attached = PlatformEventKind::FileAttached {
            file: FileId::from_bytes([number; 16]),
            sha256: sha256(content),
            bank: BANK,
            compartment: Some(DOOR),
            parcel: Some(PARCEL),
            alert: None,
        };
        world.platform(Why::Asked, Actor::Person(ADMIN), attached);
    }
    world
}

fn bundle() -> Vec<u8> {
    world().export(&Subject::Parcel(PARCEL), |draft, _| {
        draft.files = vec![enclosed(PHOTO, "jpg"), enclosed(PAPER, "pdf")];
    })
}

fn names(bundle: &[u8]) -> Vec<String> {
    let (_, files) = unpack(bundle);
    files.into_iter().filter_map(|(path, _)| Some(path.strip_prefix("data/files/")?.to_owned())).collect()
}

#[test]
fn they_go_along_under_their_hash_and_the_report_names_them() {
    let bytes = bundle();
    let checked = check(Cursor::new(&bytes), &options()).unwrap();
    assert_eq!((checked.enclosed, checked.asked), (2, 11));
    let (photo, paper) = (hex(&sha256(PHOTO)), hex(&sha256(PAPER)));
    let mut expected = [format!("{photo}.jpg"), format!("{paper}.pdf")];
    expected.sort();
    assert_eq!(names(&bytes), expected);
    let (_, files) = unpack(&bytes);
    let report = &files.iter().find(|(path, _)| path == "data/report.pdf").unwrap().1;
    let pdf = lopdf::Document::load_mem(report).unwrap();
    let pages: Vec<u32> = pdf.get_pages().keys().copied().collect();
    let text = pdf.extract_text(&pages).unwrap();
    assert!(text.contains("Photos and files") && text.contains(&photo), "{text}");
}

#[test]
fn they_can_be_left_out_one_by_one_or_all() {
    let less = |drops: &[LeaveOut]| {
        let mut out = Cursor::new(Vec::new());
        redact(Cursor::new(bundle()), &mut out, drops, &options()).map(|_| out.into_inner())
    };
    let photo: LeaveOut = format!("file:{}", hex(&sha256(PHOTO))).parse().unwrap();
    let one = less(std::slice::from_ref(&photo)).unwrap();
    let checked = check(Cursor::new(&one), &options()).unwrap();
    assert_eq!((checked.enclosed, checked.entries), (1, 17), "the entries stay and hold");
    assert_eq!(names(&one), [format!("{}.pdf", hex(&sha256(PAPER)))]);
    assert_eq!(checked.notes, [Note::LeftOut { what: format!("file {}", hex(&sha256(PHOTO))) }]);
    let none = less(&["files".parse().unwrap()]).unwrap();
    assert_eq!(check(Cursor::new(&none), &options()).unwrap().enclosed, 0);
    assert!(!none.windows(PHOTO.len()).any(|part| part == PHOTO));
    assert!(matches!(less(&[photo.clone(), photo]), Err(RedactError::NotTold(_))));
    assert!(matches!(less(&[LeaveOut::File([0; 32])]), Err(RedactError::NotTold(_))));
    for bad in ["file:", "file:00", "files:all"] {
        assert!(bad.parse::<LeaveOut>().is_err(), "{bad}");
    }
}

#[test]
fn a_file_that_no_entry_attaches_or_that_is_another_is_found() {
    let (bag, files) = unpack(&bundle());
    let with = |name: String, content: &[u8]| {
        let mut files = files.clone();
        files.retain(|(path, _)| !path.starts_with("data/files/") || *path != name);
        files.push((name, content.to_vec()));
        unsound(&repacked(&bag, files))
    };
    let foreign = format!("data/files/{}.jpg", hex(&sha256(b"slipped in")));
    assert_eq!(
        with(foreign.clone(), b"slipped in"),
        format!("{foreign}: is attached by none of the entries here")
    );
    let photo = format!("data/files/{}.jpg", hex(&sha256(PHOTO)));
    assert_eq!(with(photo.clone(), b"another"), format!("{photo}: is not the file it is named for"));
}

#[test]
fn a_file_that_no_entry_attaches_is_not_written() {
    let tried = World::parcel().try_export(&Subject::Parcel(PARCEL), |draft, _| {
        draft.files = vec![enclosed(PHOTO, "jpg")];
    });
    assert!(matches!(tried, Err(WriteError::Unsound(_))));
}
