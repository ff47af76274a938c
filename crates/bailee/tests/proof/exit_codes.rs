//! `bailee verify bundle | receipt | ledger`: 0 sound, 1 unsound, 2 unusable, whatever a stranger hands in.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use bailee_audit::key::KeyName;
use bailee_audit::{Cosigner, CosignerKey};
use bailee_domain::time::WallTime;
use bailee_evidence::archive::Archive;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::house::{InHand, files};
use super::said;

/// A time before the machine's own.
const PAST: WallTime = WallTime::from_unix_ms(1_767_225_600_000);

type Files = Vec<(String, Vec<u8>)>;

fn unpacked(bundle: &Path) -> Files {
    let mut archive = Archive::open(std::fs::File::open(bundle).unwrap()).unwrap();
    let names: Vec<String> = archive.names().map(str::to_owned).collect();
    names.into_iter().map(|name| (name.clone(), archive.bytes(&name, 1 << 24).unwrap())).collect()
}

fn packed(files: &Files) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let plain = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(name, plain).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A bundle with files changed, and no manifest adjusted.
fn changed(bundle: &Path, change: impl FnOnce(&mut Files)) -> Vec<u8> {
    let mut files = unpacked(bundle);
    change(&mut files);
    packed(&files)
}

fn content<'a>(files: &'a mut Files, end: &str) -> &'a mut Vec<u8> {
    &mut files.iter_mut().find(|(name, _)| name.ends_with(end)).unwrap().1
}

/// The same archive with every length before packing said to be two gigabytes, in both headers of each file.
fn bomb(bundle: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(bundle).unwrap();
    let two_gigabytes = 0x7fff_ffff_u32.to_le_bytes();
    for (mark, at) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let found: Vec<usize> =
            (0..bytes.len() - 4).filter(|start| bytes[*start..].starts_with(mark)).collect();
        for start in found {
            bytes[start + at..start + at + 4].copy_from_slice(&two_gigabytes);
        }
    }
    bytes
}

/// One row: what it is called, the arguments, the exit code, and words of what is said.
fn expect(name: &str, arguments: &[&str], code: i32, words: &str) {
    let (found, said) = said(&[&["verify"], arguments].concat());
    assert_eq!(found, code, "{name}: {said}");
    assert!(said.contains(words), "{name}: {said}");
    let beginning = ["sound: ", "UNSOUND: ", "could not be checked: "][usize::try_from(code).unwrap()];
    assert!(said.starts_with(beginning), "{name}: {said}");
}

struct Table {
    dir: tempfile::TempDir,
    hand: InHand,
}

impl Table {
    async fn new(at: WallTime) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hand = files(dir.path(), at).await;
        Self { dir, hand }
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A policy that asks for a witness nobody has asked.
    fn policy(&self) -> PathBuf {
        let witness = Cosigner::from_seed(KeyName::new("w.example").unwrap(), &[4; 32]).unwrap();
        let key: CosignerKey = witness.key().clone();
        self.file("policy", format!("log {}\nwitness w {key}\nquorum w\n", self.hand.key))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_bundle() {
    let table = Table::new(PAST).await;
    let (bundle, key) = (&table.hand.bundle, table.hand.key.as_str());
    let good = bundle.to_str().unwrap();
    let swapped = |files: &mut Files| {
        let csv = content(files, "data/events.csv").clone();
        let epcis = std::mem::replace(content(files, "data/epcis.jsonld"), csv);
        *content(files, "data/events.csv") = epcis;
    };
    let whole = std::fs::read(bundle).unwrap();
    let one_byte = changed(bundle, |files| content(files, "data/statement.json")[30] ^= 1);
    let named = |name: &str| changed(bundle, |files| files.push((name.to_owned(), b"x".to_vec())));
    let without = |end: &str| changed(bundle, |files| files.retain(|(name, _)| !name.ends_with(end)));
    for (name, bytes, code, words) in [
        ("as it is", whole.clone(), 0, "Claim 4711"),
        ("packed by another program", changed(bundle, |_| ()), 0, "Claim 4711"),
        ("one byte changed", one_byte, 1, "data/statement.json"),
        ("two files swapped", changed(bundle, swapped), 1, "its SHA-256 is another"),
        ("a file more", named(&format!("{}more.txt", bag(bundle))), 1, "more.txt: is in no manifest"),
        ("without a manifest", without("/manifest-sha256.txt"), 1, "manifest-sha256.txt: is missing"),
        ("without its manifest's manifest", without("tagmanifest-sha256.txt"), 1, "is missing"),
        ("without a statement", without("statement.json"), 1, "statement.json"),
        ("a path that leads out", named("../../etc/cron.d/x"), 2, "leads out of it"),
        ("a path from the root", named("/etc/cron.d/x"), 2, "leads out of it"),
        ("a path for another system", named("..\\x"), 2, "leads out of it"),
        ("a file beside the bag", named("other/x"), 2, "outside the bag"),
        ("a bomb", bomb(bundle), 2, "declares more than its packed bytes can hold"),
        ("cut off", whole[..whole.len() / 2].to_vec(), 2, "cut off"),
        ("cut by one byte", whole[..whole.len() - 1].to_vec(), 2, "cut off"),
        ("something before it", [b"#!".as_slice(), &whole].concat(), 2, "archive"),
        ("no zip", b"%PDF-1.7 not a bundle, but long enough to be looked at".to_vec(), 2, "not a zip"),
        ("nothing", Vec::new(), 2, "not a zip"),
        ("another zip", packed(&vec![("a/b.txt".into(), b"x".to_vec())]), 2, "this is no bundle"),
    ] {
        let path = table.file("tried.zip", bytes);
        expect(name, &["bundle", path.to_str().unwrap(), "--key", key], code, words);
    }
    let (policy, broken) = (table.policy(), table.file("broken", "quorum maybe\n"));
    let [policy, broken] = [&policy, &broken].map(|path| path.to_str().unwrap());
    expect("its own key", &["bundle", good], 0, "taken from the bundle itself");
    expect("a witness missing", &["bundle", good, "--key", key, "--policy", policy], 1, "quorum");
    expect("no policy", &["bundle", good, "--policy", broken], 2, "is not a policy");
    expect("no key", &["bundle", good, "--key", "bailee/x+2cda0f4c+AQAA"], 2, "not a verifier key");
    expect("nowhere", &["bundle", "/nowhere/at/all.zip"], 2, "opening");
    expect("a folder", &["bundle", table.dir.path().to_str().unwrap()], 2, "");
}

fn bag(bundle: &Path) -> String {
    let (first, _) = unpacked(bundle).remove(0);
    format!("{}/", first.split('/').next().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_receipt() {
    let table = Table::new(PAST).await;
    let (good, key) = (table.hand.receipt.to_str().unwrap(), table.hand.key.as_str());
    let text = std::fs::read_to_string(good).unwrap();
    let cut = text[..text.len() - 20].to_owned();
    let beyond = text.replacen("index ", "index 9", 1);
    for (name, content, code, words) in [
        ("as it is", text.clone(), 0, "unchanged since the log signed"),
        ("at another place", beyond, 1, ""),
        ("an entry changed", text.replacen("extra ", "extra AA", 1), 1, ""),
        ("cut off", cut, 1, ""),
        ("too long", format!("{text}{}", "A".repeat(2 << 20)), 2, "not a receipt"),
        ("another file", "PK\x03\x04".to_owned(), 2, "not a receipt"),
        ("nothing", String::new(), 2, "not a receipt"),
    ] {
        let path = table.file("tried", content);
        expect(name, &["receipt", path.to_str().unwrap(), "--key", key], code, words);
    }
    let policy = table.policy();
    expect("a witness missing", &["receipt", good, "--policy", policy.to_str().unwrap()], 1, "quorum");
    expect("nobody vouches", &["receipt", good], 2, "nobody vouches for it");
    expect("no key", &["receipt", good, "--key", "x"], 2, "not a verifier key");
    expect("nowhere", &["receipt", "/nowhere"], 2, "cannot be opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_log() {
    let table = Table::new(PAST).await;
    let (good, key) = (table.hand.log.to_str().unwrap().to_owned(), table.hand.key.clone());
    expect("as it is", &["ledger", &good, "--key", &key], 0, "each hashed into the tree");
    expect("its own key", &["ledger", &good], 0, "taken from the log itself");
    let policy = table.policy();
    expect("a witness missing", &["ledger", &good, "--policy", policy.to_str().unwrap()], 1, "quorum");
    expect("no key", &["ledger", &good, "--key", "stranger.example/log+7e4c4f8c"], 2, "not a verifier key");
    expect("nowhere", &["ledger", "/nowhere"], 2, "neither a folder");
    let empty = table.dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    expect("an empty folder", &["ledger", empty.to_str().unwrap(), "--key", &key], 2, "");
    let mut damaged = 0;
    for file in below(&table.hand.log) {
        let name = file.strip_prefix(&table.hand.log).unwrap().to_str().unwrap().to_owned();
        if name == "key" {
            continue;
        }
        let whole = std::fs::read(&file).unwrap();
        let mut bytes = whole.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let (code, said) = said(&["verify", "ledger", &good, "--key", &key]);
        assert_eq!(code, 1, "{name} with one byte changed: {said}");
        std::fs::write(&file, whole).unwrap();
        damaged += 1;
    }
    assert!(damaged >= 3, "checkpoint, tile and entries: {damaged}");
    expect("as it was", &["ledger", &good, "--key", &key], 0, "each hashed into the tree");
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(below(&entry.path())),
            false => files.push(entry.path()),
        }
    }
    files.sort();
    files
}
