//! Evidence bundles from strangers: archives of any bytes, and a genuine bundle changed and packed again.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use bailee_audit::{Checkpoint, Edge, leaf_hash};
use bailee_domain::id::{BankId, OrgId, PersonId};
use bailee_domain::platform::{Actor, PlatformEvent, PlatformEventKind};
use bailee_domain::time::WallTime;
use bailee_evidence::archive::Archive;
use bailee_evidence::entries::{Entry, Why};
use bailee_evidence::{
    Draft, Exported, Fault, LeaveOut, MAX_BUNDLE_BYTES, MAX_FILES, Options, Place, RENDERER, Request,
    Statement, Subject, check, redact, write,
};
use bailee_wire::event::{encode_platform, hex, time_text};

use crate::cut::Cut;
use crate::log::{NOW, ORIGIN, key, signer};
use crate::{Target, says, target};

/// The targets of this module.
pub const TARGETS: &[Target] = &[
    target("zip_archive", zip_archive, zip_seeds),
    target("evidence_bundle", evidence_bundle, bundle_seeds),
    target("evidence_lines", evidence_lines, lines_seeds),
];

const ADMIN: PersonId = PersonId::from_bytes([6; 16]);
const REASON: &str = "Claim 4711: the recipient says that nothing was inside.";
const SALT: [u8; 32] = [7; 32];

fn now() -> WallTime {
    WallTime::from_unix_ms(NOW as i64 * 1_000)
}

/// A bundle of a log that holds the export itself and nothing more.
fn bundle() -> &'static [u8] {
    static ONCE: LazyLock<Vec<u8>> = LazyLock::new(made);
    &ONCE
}

fn made() -> Vec<u8> {
    let request = Request::commitment(&Subject::Span, (None, None), REASON, &SALT);
    let kind = PlatformEventKind::EvidenceExported { request };
    let event = PlatformEvent { at: now(), actor: Actor::Person(ADMIN), kind };
    let leaf = encode_platform(OrgId::from_bytes([9; 16]), &event).expect("it is short");
    let head = Edge::empty().append([leaf_hash(&leaf)]).0.head();
    let log = bailee_evidence::Log { origin: ORIGIN.into(), size: head.size, root: head.root.to_string() };
    let exported = Exported { at: time_text(now()), by: ADMIN.to_string(), entry: 0 };
    let request = Request::new(&Subject::Span, (None, None), REASON, &SALT);
    let draft = Draft {
        statement: Statement::new(log, request, exported, Vec::new()),
        checkpoint: Checkpoint::new(ORIGIN, head).sign(&[&signer()]).expect("the key signs").to_string(),
        key: key(),
        openings: Vec::new(),
        places: vec![Place::new(BankId::from_bytes([1; 16]), "Lobby", "Oak Court", None)],
        files: Vec::new(),
    };
    let entries = Entry { index: 0, why: Why::Export, leaf, path: Vec::new() }.to_line();
    let mut out = Cursor::new(Vec::new());
    write(&mut out, draft, &mut Cursor::new(entries)).expect("the bundle is sound");
    out.into_inner()
}

/// A fault names a place and a reason; an input in memory is never a disk that failed.
fn blames(fault: &Fault) {
    assert!(!matches!(fault, Fault::Failed(_)), "damage is the bundle's: {fault:?}");
    says(fault);
}

/// Any bytes as a zip archive: names stay inside, files are as long as they say, and nothing unpacks without end.
pub fn zip_archive(data: &[u8]) {
    let mut archive = match Archive::open(Cursor::new(data)) {
        Ok(archive) => archive,
        Err(fault) => return blames(&fault),
    };
    let names: Vec<String> = archive.names().map(str::to_owned).collect();
    assert!(names.len() <= MAX_FILES);
    for name in names {
        let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        assert!(name.split('/').all(plain) && !name.contains(['\\', ':', '\0']), "{name:?} leads out");
        let size = archive.size(&name).expect("it was listed");
        assert!(size <= MAX_BUNDLE_BYTES.min(1_032 * (data.len() as u64 + 1)), "{name:?} is a bomb");
        match archive.bytes(&name, 1 << 20) {
            Ok(bytes) => assert_eq!(bytes.len() as u64, size),
            Err(fault) => blames(&fault),
        }
    }
    if let Err(fault) = check(Cursor::new(data), &options()) {
        blames(&fault);
    }
}

fn options() -> Options {
    Options { key: Some(key()), now: Some(now()) }
}

fn zip_seeds() -> Vec<Vec<u8>> {
    let files: Vec<(String, Vec<u8>)> =
        vec![("a/b.txt".into(), b"hello".to_vec()), ("a/c".into(), vec![0; 400])];
    let packed = |method, name: &str| {
        let mut files = files.clone();
        files[0].0 = name.to_owned();
        zipped(&files, method)
    };
    use zip::CompressionMethod::{Deflated, Stored};
    vec![
        packed(Stored, "a/b.txt"),
        packed(Deflated, "a/b.txt"),
        packed(Stored, "../../etc/passwd"),
        packed(Stored, "a/C"),
        zipped(&[("bomb".into(), vec![0; 100_000])], Deflated),
    ]
}

fn zipped(files: &[(String, Vec<u8>)], method: zip::CompressionMethod) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        zip.start_file(name.clone(), options).expect("memory takes it");
        zip.write_all(content).expect("memory takes it");
    }
    zip.finish().expect("memory takes it").into_inner()
}

/// What is done with a changed bundle: manifests left as they are, the report compared, less told.
const BROKEN: u8 = 1;
const DRAWN: u8 = 2;
const REDACTED: u8 = 4;

/// Files of a genuine bundle changed, then packed again with manifests that fit: what the log's key signed stays what
/// is told, and what tells less can be made from whatever is sound.
pub fn evidence_bundle(data: &[u8]) {
    let mut cut = Cut(data);
    let (bag, mut files) = unpacked();
    let paths: Vec<String> = files.keys().cloned().collect();
    let how = cut.byte();
    if how & DRAWN == 0 {
        // Drawing the report again takes most of a check: a bundle of another version's drawing is not drawn.
        let text = String::from_utf8_lossy(&files["data/statement.json"]);
        let other = text.replace(&format!("\"report\": \"{RENDERER}\""), "\"report\": \"0\"");
        files.insert("data/statement.json".to_owned(), other.into_bytes());
    }
    while !cut.is_empty() {
        let path = &paths[cut.below(paths.len())];
        match cut.byte() {
            0 => drop(files.remove(path)),
            1 => {
                let copied = files.get(path).cloned().unwrap_or_default();
                let name: String = cut.piece().iter().map(|byte| char::from(byte & 0x7F)).collect();
                files.insert(format!("data/{name}"), copied);
            }
            _ => files.get_mut(path).into_iter().for_each(|bytes| cut.edit(bytes)),
        }
    }
    if how & BROKEN == 0 {
        repair(&mut files);
    }
    let packed: Vec<(String, Vec<u8>)> =
        files.into_iter().map(|(path, bytes)| (format!("{bag}/{path}"), bytes)).collect();
    let bytes = zipped(&packed, zip::CompressionMethod::Stored);
    match check(Cursor::new(&bytes), &options()) {
        Ok(_) if how & REDACTED == 0 => {}
        Ok(_) => {
            let mut out = Cursor::new(Vec::new());
            match redact(Cursor::new(&bytes), &mut out, &[LeaveOut::Reason], &options()) {
                Ok(_) => drop(check(out, &options()).expect("what tells less is as sound")),
                Err(error) => says(&error),
            }
        }
        Err(fault) => blames(&fault),
    }
}

fn unpacked() -> (String, BTreeMap<String, Vec<u8>>) {
    let mut archive = Archive::open(Cursor::new(bundle())).expect("it is genuine");
    let names: Vec<String> = archive.names().map(str::to_owned).collect();
    let bag = names[0].split('/').next().unwrap_or_default().to_owned();
    let files = names.iter().map(|name| {
        let mut bytes = Vec::new();
        let content = archive.content(name).expect("it is there").read_to_end(&mut bytes);
        content.expect("it is genuine");
        (name[bag.len() + 1..].to_owned(), bytes)
    });
    (bag.clone(), files.collect())
}

/// Makes the manifests fit, as anybody can.
fn repair(files: &mut BTreeMap<String, Vec<u8>>) {
    for (name, payload) in [("manifest-sha256.txt", true), ("tagmanifest-sha256.txt", false)] {
        let listed = files.iter().filter(|(path, _)| {
            path.starts_with("data/") == payload && (payload || !path.starts_with("tagmanifest"))
        });
        let line = |(path, bytes): (&String, &Vec<u8>)| {
            format!("{}  {path}\n", hex(digest(&SHA256, bytes).as_ref()))
        };
        let text: String = listed.map(line).collect();
        files.insert(name.to_owned(), text.into_bytes());
    }
}

fn bundle_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![0], vec![BROKEN], vec![DRAWN | REDACTED]];
    for file in (0..14).step_by(3) {
        seeds.push(vec![0, 0, file, 2, 0, 0, 30]);
        seeds.push(vec![0, 0, file, 2, 1, 0, 40, 4, 0x1B, b'"', b'\\', b'u']);
    }
    // A field whose name would clear a terminal.
    let name = br#""\u001b[2J":1,"#;
    let statement = unpacked().1.keys().position(|path| path == "data/statement.json").expect("it is there");
    seeds.push([&[0, 0, statement as u8, 2, 2, 0, 1, name.len() as u8][..], name].concat());
    seeds.push([&[0, 0, 3, 1, 9][..], b"files/x.y"].concat());
    seeds
}

/// Lines of `entries.jsonl`: one spelling.
pub fn evidence_lines(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(entry) = Entry::from_line(text) {
        assert_eq!(entry.to_line(), text, "an entry has one line");
    }
    let mut lines = Cursor::new(data);
    while let Ok(Some(entry)) = bailee_evidence::entries::next(&mut lines) {
        assert!(entry.path.len() <= 64);
    }
    if let Ok(left_out) = text.parse::<LeaveOut>() {
        assert!(!format!("{left_out:?}").is_empty());
    }
    if let Ok(subject) = text.parse::<Subject>() {
        assert_eq!(subject.to_string(), text, "a subject has one spelling");
    }
}

fn lines_seeds() -> Vec<Vec<u8>> {
    let line = |path| Entry { index: 7, why: Why::Asked, leaf: vec![1, 2, 3], path }.to_line().into_bytes();
    let subject = Subject::Bank(BankId::from_bytes([1; 16])).to_string().into_bytes();
    let person = format!("person:{ADMIN}:name").into_bytes();
    vec![line(Vec::new()), line(vec![leaf_hash(b"x"); 3]), subject, person, b"reason".to_vec()]
}
