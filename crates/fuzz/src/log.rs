//! A small published log, cosigned by three witnesses, and somebody who changes its files.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use bailee_audit::cosignature::Cosigner;
use bailee_audit::key::KeyName;
use bailee_audit::proof::prove_inclusion;
use bailee_audit::verify::{CHECKPOINT_PATH, SourceError, VerifyError};
use bailee_audit::{
    Checkpoint, Ed25519Signer, Edge, Hash, Source, TileId, TilePath, VerifyingKey, bundle, leaf_hash,
    root_from_leaves, verify_log,
};

use crate::cut::Cut;
use crate::{Target, says, target};

/// The targets of this module.
pub const TARGETS: &[Target] = &[target("published_log", published_log, seeds)];

/// The origin of the log.
pub const ORIGIN: &str = "lockers.example.org/log/oak-court";
/// When whatever is checked is checked, in seconds since the Unix epoch.
pub const NOW: u64 = 1_795_420_800;
/// Entries of the log.
pub const SIZE: u64 = 600;

/// The log's signer.
#[must_use]
pub fn signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::new(ORIGIN).expect("a good name"), &[12; 32]).expect("any seed will do")
}

/// The log's key.
#[must_use]
pub fn key() -> VerifyingKey {
    static ONCE: LazyLock<VerifyingKey> = LazyLock::new(|| signer().verifying_key().clone());
    ONCE.clone()
}

/// One of its witnesses, from 1.
#[must_use]
pub fn cosigner(number: u8) -> Cosigner {
    let name = KeyName::new(&format!("w{number}.example")).expect("a good name");
    Cosigner::from_seed(name, &[100 + number; 32]).expect("any seed will do")
}

/// An entry of the log.
#[must_use]
pub fn entry(index: u64) -> Vec<u8> {
    format!("entry {index} ").repeat(1 + index as usize % 3).into_bytes()
}

/// The hashes of all entries.
#[must_use]
pub fn leaves() -> &'static [Hash] {
    static ONCE: LazyLock<Vec<Hash>> =
        LazyLock::new(|| (0..SIZE).map(|index| leaf_hash(&entry(index))).collect());
    &ONCE
}

/// The root over some entries.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    root_from_leaves(&Edge::empty(), leaves)
}

fn tiles() -> &'static (Edge, BTreeMap<TileId, Vec<u8>>) {
    static ONCE: LazyLock<(Edge, BTreeMap<TileId, Vec<u8>>)> = LazyLock::new(|| {
        let (edge, growth) = Edge::empty().append(leaves().iter().copied());
        (edge, growth.tiles.into_iter().collect())
    });
    &ONCE
}

/// The checkpoint of all entries.
#[must_use]
pub fn checkpoint() -> Checkpoint {
    Checkpoint::new(ORIGIN, tiles().0.head())
}

/// The checkpoint signed by the log and all three witnesses, as published.
#[must_use]
pub fn cosigned() -> String {
    static ONCE: LazyLock<String> = LazyLock::new(|| {
        let mut note = checkpoint().sign(&[&signer()]).expect("the key signs");
        let text = note.text().to_owned();
        for number in 1..=3 {
            let line = cosigner(number).cosign(&text, NOW - u64::from(number)).expect("the key signs");
            note.add(line).expect("there is room");
        }
        note.to_string()
    });
    ONCE.clone()
}

/// The inclusion proof of an entry.
#[must_use]
pub fn path(index: u64) -> Vec<Hash> {
    let mut reader = |id: TileId| Ok::<_, Infallible>(tiles().1.get(&id).cloned().unwrap_or_default());
    prove_inclusion(index, SIZE, &mut reader).expect("the tiles are there")
}

type Files = BTreeMap<String, Vec<u8>>;

/// Every file of the log as published.
fn files() -> &'static Files {
    static ONCE: LazyLock<Files> = LazyLock::new(|| {
        let mut files = Files::from([(CHECKPOINT_PATH.to_owned(), cosigned().into_bytes())]);
        for path in TilePath::all(SIZE) {
            let bytes = match path {
                TilePath::Hashes { id, .. } => tiles().1[&id].clone(),
                TilePath::Entries { index, width } => {
                    let mut bytes = Vec::new();
                    for at in 0..width.hashes() as u64 {
                        bundle::push(&mut bytes, &entry(index * 256 + at)).expect("short");
                    }
                    bytes
                }
            };
            files.insert(path.to_string(), bytes);
        }
        files
    });
    &ONCE
}

struct Published(Files);

impl Source for Published {
    fn read(&mut self, path: &str, most: usize) -> Result<Vec<u8>, SourceError> {
        let bytes = self.0.get(path).ok_or(SourceError::Absent)?;
        Ok(bytes[..bytes.len().min(most)].to_vec())
    }
}

/// Files of a published log changed, cut, swapped and taken away: it verifies only if the entries are those signed, and a
/// fault names a file of the log.
pub fn published_log(data: &[u8]) {
    let mut cut = Cut(data);
    let mut files = files().clone();
    let names: Vec<String> = files.keys().cloned().collect();
    while !cut.is_empty() {
        let name = &names[cut.below(names.len())];
        match cut.byte() {
            0 => drop(files.remove(name)),
            1 => {
                let other = &names[cut.below(names.len())];
                let (a, b) = (files.remove(name), files.remove(other));
                a.into_iter().for_each(|bytes| drop(files.insert(other.clone(), bytes)));
                b.into_iter().for_each(|bytes| drop(files.insert(name.clone(), bytes)));
            }
            _ => cut.edit(files.entry(name.clone()).or_default()),
        }
    }
    let mut seen = Vec::new();
    let mut visitor = |index: u64, entry: &[u8]| {
        seen.push((index, entry.to_vec()));
        Ok(())
    };
    let found = verify_log(&mut Published(files), &key(), &mut visitor);
    assert!(
        seen.iter().zip(0..).all(|((index, bytes), at)| *index == at && *bytes == entry(at)),
        "only entries that were signed are shown, in order"
    );
    match found {
        Ok(report) => assert_eq!((report.entries, seen.len() as u64), (SIZE, SIZE)),
        Err(VerifyError::Unsound { where_, what }) => {
            assert!(names.contains(&where_.path), "{} is no file of the log", where_.path);
            says(&where_);
            says(&what);
        }
        Err(VerifyError::Unusable { where_, what }) => {
            assert_eq!(where_.path, CHECKPOINT_PATH, "only without a checkpoint there is nothing to check");
            says(&what);
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let one = |file: u8, rest: &[u8]| [&[0, file], rest].concat();
    let mut seeds = vec![Vec::new(), one(1, &[1, 0, 2])];
    for file in 0..8 {
        seeds.push(one(file, &[0]));
        seeds.push(one(file, &[2, 0, 0, 70]));
        seeds.push(one(file, &[2, 4, 0, 90]));
        seeds.push(one(file, &[2, 7, 0, 0, 3, 1, 2, 3]));
    }
    seeds
}
