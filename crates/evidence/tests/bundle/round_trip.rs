//! What is written is sound, the same every time, and tells less when asked to.

use std::io::Cursor;

use bailee_evidence::{LeaveOut, Note, Options, RedactError, Subject, check, redact};

use super::world::{ANN, BANK, World, bundle, made, options, unpack};

#[test]
fn a_bundle_is_sound_and_says_what_was_checked() {
    let checked = check(Cursor::new(bundle()), &options()).unwrap();
    assert_eq!((checked.asked, checked.entries, checked.tree_size), (9, 15, 16));
    assert_eq!((checked.banks, checked.bank_events, checked.chain_heads), (1, 9, 2));
    assert_eq!((checked.openings, checked.checkpoint_signatures), (1, 1));
    assert!(checked.report_compared);
    assert_eq!(checked.notes, []);
    assert_eq!(checked.reason.unwrap(), "Claim 4711: the recipient says that nothing was inside.");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert!(made() == bundle());
}

#[test]
fn without_a_key_from_elsewhere_it_says_so() {
    let checked = check(Cursor::new(bundle()), &Options::default()).unwrap();
    assert_eq!(checked.notes, [Note::KeyFromBundle]);
}

#[test]
fn an_event_without_a_signed_head_and_times_in_the_future_are_noted() {
    use bailee_domain::event::EventKind;
    use bailee_evidence::entries::Why;
    let mut world = World::parcel();
    world.wait(60 * 24 * 365);
    world.bank(Why::Asked, EventKind::BoardAnswers { board: 2 });
    world.wait(-60 * 24 * 365);
    let bytes = world.export(&Subject::Bank(BANK), |_, _| ());
    let checked = check(Cursor::new(&bytes), &options()).unwrap();
    assert_eq!(
        checked.notes,
        [Note::AfterExport { entries: 1, first: 15 }, Note::NotSignedByBank { events: 1 }]
    );
    let before = Options { now: Some(bailee_domain::time::WallTime::from_unix_ms(0)), ..options() };
    let refused = check(Cursor::new(bytes), &before).unwrap_err().to_string();
    assert!(refused.starts_with("data/statement.json: says that it was exported at "), "{refused}");
    assert!(refused.ends_with("here it is 1970-01-01T00:00:00.000Z"), "{refused}");
}

fn redacted(drops: &[&str]) -> Vec<u8> {
    let drops: Vec<LeaveOut> = drops.iter().map(|text| text.parse().unwrap()).collect();
    let mut out = Cursor::new(Vec::new());
    redact(Cursor::new(bundle()), &mut out, &drops, &options()).unwrap();
    out.into_inner()
}

/// Whether a text stands anywhere in a bundle, unpacked; the report's streams are looked at as well.
fn tells(bundle: &[u8], text: &str) -> bool {
    let (_, files) = unpack(bundle);
    let has = |content: &[u8]| content.windows(text.len()).any(|part| part == text.as_bytes());
    let mut found = files.iter().any(|(_, content)| has(content));
    let report = &files.iter().find(|(path, _)| path.ends_with(".pdf")).unwrap().1;
    let pdf = lopdf::Document::load_mem(report).unwrap();
    for object in pdf.objects.values() {
        if let Ok(stream) = object.as_stream() {
            found |= has(&stream.decompressed_content().unwrap_or_default());
        }
    }
    let pages: Vec<u32> = pdf.get_pages().keys().copied().collect();
    found || pdf.extract_text(&pages).unwrap_or_default().contains(text)
}

#[test]
fn what_is_left_out_is_nowhere_and_the_rest_still_holds() {
    assert!(tells(&bundle(), "Ann Example") && tells(&bundle(), "ann@example.org"));
    let without_email = redacted(&["email"]);
    let checked = check(Cursor::new(&without_email), &options()).unwrap();
    assert_eq!(checked.openings, 1);
    assert_eq!(checked.notes, [Note::LeftOut { what: "email of everybody".into() }]);
    assert!(tells(&without_email, "Ann Example") && !tells(&without_email, "ann@example.org"));

    let person = format!("person:{ANN}");
    let nobody = redacted(&[&person, "reason"]);
    let checked = check(Cursor::new(&nobody), &options()).unwrap();
    assert_eq!((checked.openings, checked.reason, checked.entries), (0, None, 15));
    for text in ["Ann Example", "ann@example.org", "Claim 4711"] {
        assert!(!tells(&nobody, text), "{text}");
    }
}

#[test]
fn one_field_of_one_person_can_go() {
    let bytes = redacted(&[&format!("person:{ANN}:name")]);
    assert!(!tells(&bytes, "Ann Example") && tells(&bytes, "ann@example.org"));
    assert!(check(Cursor::new(bytes), &options()).is_ok());
}

#[test]
fn what_is_not_told_cannot_be_left_out() {
    let mut out = Cursor::new(Vec::new());
    let nobody = LeaveOut::Person(super::world::COURIER);
    let refused = redact(Cursor::new(bundle()), &mut out, &[nobody], &options());
    assert!(matches!(refused, Err(RedactError::NotTold(_))));
    for bad in ["", "person:", "person:x", "surname", &format!("person:{ANN}:surname")] {
        assert!(bad.parse::<LeaveOut>().is_err(), "{bad:?}");
    }
}
