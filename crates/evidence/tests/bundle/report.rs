//! The report as other programs read it.

use std::path::Path;
use std::process::Command;

use lopdf::{Document, Object};

use super::world::{bundle, unpack};

fn report() -> Vec<u8> {
    let (_, files) = unpack(&bundle());
    let report = files.into_iter().find(|(path, _)| path == "data/report.pdf").unwrap().1;
    // For people who want to look at it.
    #[expect(clippy::disallowed_methods, reason = "asked for by a person")]
    if let Ok(path) = std::env::var("BAILEE_WRITE_REPORT") {
        std::fs::write(path, &report).unwrap();
    }
    report
}

#[test]
fn the_report_says_in_words_what_happened() {
    let pdf = Document::load_mem(&report()).unwrap();
    let pages: Vec<u32> = pdf.get_pages().keys().copied().collect();
    let text = pdf.extract_text(&pages).unwrap().replace('\n', " ");
    for words in [
        "What happened to a parcel",
        "Claim 4711",
        "9 entries are in the custody log lockers.example.org/log/oak-court",
        "1 alarm is among them",
        "Compartment forced",
        "Ann Example",
        "bailee verify bundle FILE --key KEY",
    ] {
        assert!(text.contains(words), "{words:?} in {text:?}");
    }
}

#[test]
fn the_report_is_archival_and_carries_its_data() {
    let bytes = report();
    let pdf = Document::load_mem(&bytes).unwrap();
    assert!(bytes.starts_with(b"%PDF-1.7"));
    let catalog = pdf.catalog().unwrap();
    let metadata = pdf.get_object(catalog.get(b"Metadata").unwrap().as_reference().unwrap()).unwrap();
    let xmp = String::from_utf8(metadata.as_stream().unwrap().content.clone()).unwrap();
    assert!(
        xmp.contains("<pdfaid:part>3</pdfaid:part>")
            && xmp.contains("<pdfaid:conformance>B</pdfaid:conformance>")
    );
    assert!(catalog.has(b"OutputIntents"));
    let files = catalog.get(b"AF").and_then(Object::as_array).unwrap();
    let mut names: Vec<String> = files
        .iter()
        .map(|file| {
            let file = pdf.get_object(file.as_reference().unwrap()).unwrap().as_dict().unwrap();
            assert_eq!(file.get(b"AFRelationship").unwrap().as_name().unwrap(), b"Data");
            String::from_utf8_lossy(file.get(b"F").unwrap().as_str().unwrap()).into_owned()
        })
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "checkpoint",
            "entries.jsonl",
            "epcis.jsonld",
            "events.csv",
            "key",
            "openings.jsonl",
            "places.json",
            "statement.json"
        ]
    );
}

/// Runs another program on a file and gives what it said; nothing after saying so where it is not installed and need not be.
#[expect(clippy::disallowed_methods, reason = "how the tests are to be run, not how the program is")]
fn peer(program: &str, arguments: &[&str], file: &Path) -> Option<String> {
    let Ok(output) = Command::new(program).args(arguments).arg(file).output() else {
        let required = std::env::var("BAILEE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
        assert!(!required, "BAILEE_REQUIRE_PEERS=1, and there is no {program}");
        println!("skipped: there is no {program} on this machine");
        return None;
    };
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{program}: {said}");
    Some(said)
}

#[test]
fn other_programs_find_nothing_wrong_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.pdf");
    std::fs::write(&file, report()).unwrap();
    if let Some(said) = peer("qpdf", &["--check"], &file) {
        assert!(said.contains("No syntax or stream encoding errors found"), "{said}");
    }
    if let Some(said) = peer("pdfinfo", &[], &file) {
        assert!(said.contains("Encrypted:       no") && said.contains("JavaScript:      no"), "{said}");
    }
    if let Some(said) = peer("pdfdetach", &["-list"], &file) {
        assert!(said.starts_with("8 embedded files") && said.contains("entries.jsonl"), "{said}");
    }
    if let Some(said) = peer("pdffonts", &[], &file) {
        let fonts: Vec<&str> = said.lines().skip(2).collect();
        assert!(!fonts.is_empty(), "{said}");
        for font in fonts {
            let columns: Vec<&str> = font.split_whitespace().collect();
            let embedded = columns.len().checked_sub(5).map(|at| columns[at]);
            assert_eq!(embedded, Some("yes"), "every font is embedded: {said}");
        }
    }
    if let Some(said) = peer("mutool", &["info"], &file) {
        assert!(!said.contains("error") && !said.contains("warning"), "{said}");
    }
}
