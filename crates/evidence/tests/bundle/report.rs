//! The report as other programs read it.

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
