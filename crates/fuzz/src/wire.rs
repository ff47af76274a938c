//! Everything that crosses a boundary: leaves of the custody log, the link, journal records, tokens, JSON bodies.

use bailee_domain::id::{BankId, CommandId};
use bailee_domain::time::WallTime;
use bailee_evidence::csv;
use bailee_evidence::epcis;
use bailee_evidence::line::Line;
use bailee_wire::chain::Checker;
use bailee_wire::enrol::Enrolment;
use bailee_wire::event::{self, MAX_LEAF_BYTES, NO_EVENT};
use bailee_wire::json;
use bailee_wire::link::{Assembler, FromBank, FromPlatform, MAX_FRAME_BYTES, PART_BYTES, Part, split};
use bailee_wire::record::{self, MAX_SNAPSHOT_BYTES, Place};
use bailee_wire::{response, statement, token};

use crate::{Target, says, target};

/// The targets of this module.
pub const TARGETS: &[Target] = &[
    target("event", event, no_seeds),
    target("chain", chain, no_seeds),
    target("from_bank", from_bank, no_seeds),
    target("from_platform", from_platform, no_seeds),
    target("link_request", link_request, no_seeds),
    target("record", record, no_seeds),
    target("typed_texts", typed_texts, typed_seeds),
    target("json_body", json_body, json_seeds),
    target("csv_cell", csv_cell, csv_seeds),
];

/// Their inputs are made by the tests of the crates that write them, and lie in the corpus.
fn no_seeds() -> Vec<Vec<u8>> {
    Vec::new()
}

/// Leaves: one encoding, every field readable, and a line of every table that no spreadsheet takes for a formula.
pub fn event(data: &[u8]) {
    let leaf = match event::decode(data) {
        Ok(leaf) => leaf,
        Err(error) => return says(&error),
    };
    assert!(data.len() <= MAX_LEAF_BYTES);
    assert_eq!(leaf.encode().as_deref(), Ok(data), "a leaf has one encoding");
    let shown = leaf.view();
    assert!(shown.iter().any(|line| line.name == "kind" && line.value == leaf.kind()));
    let row = csv::line(7, &Line::of(&leaf));
    assert_eq!(cells(&row).len(), csv::COLUMNS.len(), "a row has its columns: {row:?}");
    if let Some(event) = epcis::event("log.example.org", 7, &leaf) {
        let text = epcis::Document::default().event(&event);
        assert!(serde_json::from_str::<serde_json::Value>(text.trim()).is_ok(), "EPCIS is JSON");
    }
}

/// Entries of a log, each behind its length: the check of banks' chains names the first entry that is wrong, and goes on
/// naming it.
pub fn chain(data: &[u8]) {
    // Stands in for Ed25519, which no change to an input would ever pass: key ‖ SHA-256 of the message.
    let verify = |key: &[u8; 32], message: &[u8], signature: &[u8; 64]| {
        signature[..32] == key[..] && signature[32..] == event::chain_hash(message)
    };
    let mut checker = Checker::new(verify);
    let mut failed = None;
    for (place, entry) in bailee_audit::bundle::entries(data).flatten().enumerate() {
        match (checker.feed(entry), &failed) {
            (Ok(leaf), None) => assert_eq!(leaf.encode().as_deref(), Ok(entry)),
            (Ok(_), Some(_)) => panic!("an unsound log is sound again"),
            (Err(unsound), None) => {
                assert_eq!(unsound.index, place as u64, "the first wrong entry is named");
                says(&unsound);
                failed = Some(unsound);
            }
            (Err(unsound), Some(first)) => assert_eq!(unsound, *first),
        }
    }
    let summary = checker.summary();
    assert!(summary.uncovered <= summary.bank_events && summary.bank_events <= summary.entries);
}

/// What a bank may send the platform.
pub fn from_bank(data: &[u8]) {
    match FromBank::decode(data) {
        Ok(message) => {
            let bytes = message.encode();
            assert!(bytes.len() <= 2 * MAX_FRAME_BYTES, "what was read is no longer than what came");
            assert_eq!(FromBank::decode(&bytes).as_ref(), Ok(&message), "nothing is lost on the way back");
        }
        Err(error) => says(&error),
    }
}

/// What the platform may send a bank.
pub fn from_platform(data: &[u8]) {
    match FromPlatform::decode(data) {
        Ok(message) => {
            let again = FromPlatform::decode(&message.encode());
            assert_eq!(again.as_ref(), Ok(&message), "nothing is lost on the way back");
        }
        Err(error) => says(&error),
    }
}

/// A request to a bank, put together from its parts.
pub fn link_request(data: &[u8]) {
    let (command, deadline) = (CommandId::from_bytes([3; 16]), WallTime::from_unix_ms(5));
    let parts = u32::try_from(data.len().div_ceil(PART_BYTES).max(1)).unwrap_or(u32::MAX);
    let mut assembler = Assembler::default();
    let mut read = None;
    for (part, bytes) in (0..).zip(data.chunks(PART_BYTES).chain(data.is_empty().then_some(&[][..]))) {
        match assembler.add(Part { command, deadline, part, parts, bytes: bytes.to_vec() }) {
            Ok(request) => read = request,
            Err(error) => return says(&error),
        }
    }
    let Some((_, _, request)) = read else { return };
    let mut assembler = Assembler::default();
    let again = split(command, deadline, &request).expect("what was read is short enough").into_iter();
    let again = again.map(|part| assembler.add(part).expect("what was read can be read")).last().flatten();
    assert_eq!(again, Some((command, deadline, request)), "nothing is lost on the way back");
}

/// Journal records and snapshots, as they lie inside a sealed journal.
pub fn record(data: &[u8]) {
    let none = Place { bank: BankId::from_bytes([1; 16]), prev: NO_EVENT };
    match record::decode(data) {
        Ok(read) => {
            let bytes = record::encode(&read.record, read.place.unwrap_or(none));
            let again = record::decode(&bytes).expect("what was written can be read");
            assert_eq!(again, read, "nothing is lost on the way back");
        }
        Err(error) => says(&error),
    }
    match record::decode_snapshot(data) {
        Ok(snapshot) => {
            let bytes = record::encode_snapshot(&snapshot.lasting, snapshot.place);
            assert!(record::is_snapshot(&bytes) && bytes.len() <= MAX_SNAPSHOT_BYTES + data.len());
            let again = record::decode_snapshot(&bytes).expect("what was written can be read");
            assert_eq!(again, snapshot, "nothing is lost on the way back");
        }
        Err(error) => says(&error),
    }
}

/// What people scan and type: QR tokens, officers' answers, challenges, enrolment tokens.
pub fn typed_texts(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match token::parse(&text) {
        Ok(read) => {
            assert_eq!(token::text(&read.unsigned, &read.signature), spelled(&text, token::TEXT_CHARS));
        }
        Err(error) => says(&error),
    }
    match response::parse(&text) {
        Ok(read) => {
            let written = response::text(&read);
            assert_eq!(written.trim(), text.trim().to_ascii_uppercase(), "an answer has one spelling");
        }
        Err(error) => says(&error),
    }
    if let Some(challenge) = statement::parse_challenge(&text) {
        assert_eq!(statement::parse_challenge(&statement::challenge_text(challenge)), Some(challenge));
    }
    match Enrolment::parse(&text) {
        Ok(read) => {
            assert_eq!(read.text().as_deref(), Ok(text.trim()), "an enrolment token has one spelling");
        }
        Err(error) => says(&error),
    }
}

/// The one spelling of a base45 text of that length whose first blank may have been lost.
fn spelled(text: &str, chars: usize) -> String {
    format!("{:>chars$}", text.trim().to_ascii_uppercase())
}

fn typed_seeds() -> Vec<Vec<u8>> {
    let unsigned = token::unsigned(&token::Fields {
        kid: 1,
        bank: [2; 4],
        grant: bailee_domain::id::GrantId::from_bytes([3; 16]),
        not_before: WallTime::from_unix_ms(1_795_420_800_000),
        expires: WallTime::from_unix_ms(1_795_680_000_000),
        generation: 1,
    });
    let enrolment = Enrolment {
        address: "lockers.example.org:8443".into(),
        pins: vec![[7; 32], [8; 32]],
        bank: BankId::from_bytes([1; 16]),
        secret: [9; 32],
        expires: WallTime::from_unix_ms(1_795_420_800_000),
    };
    let answer = response::text(&response::Response { key: [5; 8], signature: [6; 64] });
    let enrolment = enrolment.text().expect("it is within bounds");
    let texts = [token::text(&unsigned, &[4; 64]), answer, "7K3M-9QXT".into(), "o1l2-345z".into(), enrolment];
    texts.map(String::into_bytes).to_vec()
}

/// Bodies of requests to the API: read or refused, whatever is asked for.
pub fn json_body(data: &[u8]) {
    fn read<T: serde::de::DeserializeOwned>(data: &[u8]) {
        if let Err(error) = json::read::<T>(data) {
            // It goes back as JSON, where everything is escaped; it may name a field of the body.
            assert!(error.to_string().len() <= data.len() + 1_000);
        }
    }
    read::<json::ResidentNew>(data);
    read::<json::CourierNew>(data);
    read::<json::PersonChange>(data);
    read::<json::Extension>(data);
    read::<json::OpeningNew>(data);
    read::<json::EvidenceNew>(data);
    read::<json::ErasureNew>(data);
    read::<json::HoldNew>(data);
    read::<json::SiteChange>(data);
    read::<json::BankOffer>(data);
}

fn json_seeds() -> Vec<Vec<u8>> {
    let bodies = [
        r#"{"name":"Ann Example","unit":"4B","email":"ann@example.org"}"#,
        r#"{"days": 3}"#,
        r#"{"days": 1e999, "x\u0000": "\ud800"}"#,
        "[[[[[[[[[[[[[[[[",
    ];
    bodies.map(|body| body.as_bytes().to_vec()).to_vec()
}

/// Cells of a table, cut from the input at zero bytes: a reader of RFC 4180 gets them back, and none begins a formula.
pub fn csv_cell(data: &[u8]) {
    let values: Vec<String> =
        data.split(|byte| *byte == 0).map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
    let row = csv::row(values.iter().cloned());
    let read = cells(&row);
    assert_eq!(read.len(), values.len(), "{row:?}");
    for (cell, value) in read.iter().zip(&values) {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "a spreadsheet would run {cell:?}");
        assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), value.strip_prefix('\'').unwrap_or(value));
    }
}

fn csv_seeds() -> Vec<Vec<u8>> {
    let cells =
        ["=1+1\0@SUM(A1)\0plain", "\"quoted\", twice\0\r\n\0\tx", "-2+3\0+4\0''=x", "\u{feff}=1\0 =1\0\n=1"];
    cells.map(|cell| cell.as_bytes().to_vec()).to_vec()
}

/// A record as RFC 4180 has it.
fn cells(row: &str) -> Vec<String> {
    let row = row.strip_suffix("\r\n").expect("a row ends");
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = row.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => cell.extend(rest.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            '\r' | '\n' if !quoted => panic!("a second row: {row:?}"),
            c => cell.push(c),
        }
    }
    assert!(!quoted, "a quote is not closed: {row:?}");
    cells.push(cell);
    cells
}
