//! A log as the files it is published as, in memory or in a folder.

use std::collections::BTreeMap;
use std::path::Path;

use bailee_audit::key::KeyName;
use bailee_audit::verify::{CHECKPOINT_PATH, SourceError};
use bailee_audit::{Checkpoint, Ed25519Signer, Edge, Hash, Source, TilePath, bundle, leaf_hash};

pub const ORIGIN: &str = "locker.example/log/1";

/// Path below the prefix, and bytes.
#[derive(Clone, Default)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

pub fn signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::new(ORIGIN).expect("valid"), &[42; 32]).expect("a seed")
}

/// Entries of 0 to 6 bytes, so that equal neighbours and empty ones occur.
pub fn entry(index: u64) -> Vec<u8> {
    index.to_le_bytes()[..(index % 7) as usize].to_vec()
}

pub fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|index| leaf_hash(&entry(index))).collect()
}

impl Files {
    /// Publishes a log of that many entries, appended in uneven batches.
    pub fn of_log(size: u64) -> Self {
        let mut tiles = BTreeMap::new();
        let mut edge = Edge::empty();
        for batch in leaves(size).chunks(97) {
            let (next, growth) = edge.append(batch.iter().copied());
            tiles.extend(growth.tiles);
            edge = next;
        }
        let mut files = BTreeMap::new();
        for path in TilePath::all(size) {
            let bytes = match path {
                TilePath::Hashes { id, .. } => tiles[&id].clone(),
                TilePath::Entries { index, width } => {
                    let mut bytes = Vec::new();
                    for place in index * 256..index * 256 + width.hashes() as u64 {
                        bundle::push(&mut bytes, &entry(place)).expect("short");
                    }
                    bytes
                }
            };
            files.insert(path.to_string(), bytes);
        }
        let note = Checkpoint::new(ORIGIN, edge.head()).sign(&[&signer()]).expect("signs");
        files.insert(CHECKPOINT_PATH.to_owned(), note.to_string().into_bytes());
        Self(files)
    }

    pub fn write_to(&self, folder: &Path) {
        for (path, bytes) in &self.0 {
            let file = folder.join(path);
            std::fs::create_dir_all(file.parent().expect("has one")).expect("writable");
            std::fs::write(file, bytes).expect("writable");
        }
    }
}

impl Source for Files {
    fn read(&mut self, path: &str, most: usize) -> Result<Vec<u8>, SourceError> {
        let bytes = self.0.get(path).ok_or(SourceError::Absent)?;
        Ok(bytes[..bytes.len().min(most)].to_vec())
    }
}
