//! What a witness remembers, as the bytes of one file: its key and the last checkpoint it cosigned of each log.
//!
//! They lie in one file so that a witness that lost its memory has lost its key too, and is a new one that no policy
//! names. A file rolled back together with its key is what a witness by itself can't notice; see
//! `docs/reference/witness.md`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Seen;
use crate::key::{ED25519_KEY_LEN, VerifyingKey};
use crate::note::Note;

const HEADING: &str = "bailee-witness/v1";

/// The contents of a witness's file.
#[derive(Clone, PartialEq, Eq)]
pub struct MemoryFile {
    /// The seed of its key.
    pub seed: [u8; ED25519_KEY_LEN],
    /// The keys of logs it was first told, by origin.
    pub pinned: BTreeMap<String, VerifyingKey>,
    /// Keys of logs that ended, each with the one it handed over to.
    pub succeeded: Vec<(VerifyingKey, VerifyingKey)>,
    /// The last checkpoint cosigned, by origin.
    pub seen: BTreeMap<String, Seen>,
    /// Logs whose misconduct was reported and has not been put right since.
    pub accused: Vec<String>,
}

/// The file isn't one a witness wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the witness's memory cannot be understood")]
pub struct MemoryFileError {
    /// From 1.
    pub line: usize,
}

impl MemoryFile {
    /// The memory of a new witness, whose seed the caller draws.
    #[must_use]
    pub const fn new(seed: [u8; ED25519_KEY_LEN]) -> Self {
        Self {
            seed,
            pinned: BTreeMap::new(),
            succeeded: Vec::new(),
            seen: BTreeMap::new(),
            accused: Vec::new(),
        }
    }

    /// The key to believe now of a log that had this one once: the last it was handed over to.
    #[must_use]
    pub fn newest(&self, key: &VerifyingKey) -> VerifyingKey {
        let mut newest = key;
        for (old, new) in &self.succeeded {
            if old == newest {
                newest = new;
            }
        }
        newest.clone()
    }

    /// The bytes to write; they hold the private key.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{HEADING}\nkey {}\n", STANDARD.encode(self.seed));
        for key in self.pinned.values() {
            text.push_str(&format!("log {key}\n"));
        }
        for (old, new) in &self.succeeded {
            text.push_str(&format!("succeeded {old} {new}\n"));
        }
        for seen in self.seen.values() {
            text.push_str(&format!("seen {}\n", STANDARD.encode(seen.note().to_string())));
        }
        for origin in &self.accused {
            text.push_str(&format!("accused {}\n", STANDARD.encode(origin)));
        }
        text.push_str("end\n");
        text.into_bytes()
    }

    /// Reads what [`MemoryFile::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`MemoryFileError`], for anything else and for a file cut short.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MemoryFileError> {
        let wrong = |line| MemoryFileError { line };
        let text = std::str::from_utf8(bytes).map_err(|_| wrong(1))?;
        let mut lines = text.split_inclusive('\n').zip(1..);
        let mut line = || {
            let (line, number) = lines.next().unwrap_or(("", 0));
            (line.strip_suffix('\n').unwrap_or_default(), number)
        };
        if line().0 != HEADING {
            return Err(wrong(1));
        }
        let seed = line().0.strip_prefix("key ").and_then(bytes_of).and_then(|seed| seed.try_into().ok());
        let mut memory = Self::new(seed.ok_or(wrong(2))?);
        loop {
            let (line, number) = line();
            if line == "end" {
                return Ok(memory);
            }
            memory.line(line).ok_or(wrong(number))?;
        }
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ')?;
        match word {
            "log" => {
                let key: VerifyingKey = rest.parse().ok()?;
                self.pinned.insert(key.name().to_string(), key);
            }
            "succeeded" => {
                let (old, new) = rest.split_once(' ')?;
                self.succeeded.push((old.parse().ok()?, new.parse().ok()?));
            }
            "seen" => {
                let note = Note::parse(&bytes_of(rest)?).ok()?;
                let origin = note.text().lines().next()?.to_owned();
                self.seen.insert(origin, Seen::from_note(note)?);
            }
            "accused" => self.accused.push(String::from_utf8(bytes_of(rest)?).ok()?),
            _ => return None,
        }
        Some(())
    }
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Never shows the key.
impl std::fmt::Debug for MemoryFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryFile({} logs)", self.seen.len())
    }
}

/// Replaces a file only its owner may read: written beside, synced, renamed, and the folder synced. A stop anywhere
/// leaves the old file or the new one, whole.
///
/// # Errors
/// The file system's. After a failed rename or sync of the folder either may be what is durable.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let beside = path.with_extension("new");
    // What a stop left there may have other rights.
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::hash::{TreeHead, leaf_hash};
    use crate::key::{Ed25519Signer, KeyName};

    fn sample() -> MemoryFile {
        let mut memory = MemoryFile::new([7; 32]);
        for number in 1..=2 {
            let origin = format!("log.example/{number}");
            let name = KeyName::new(&origin).expect("valid");
            let log = Ed25519Signer::from_seed(name, &[number; 32]).expect("a seed");
            let head = TreeHead { size: 9, root: leaf_hash(b"x") };
            let note = Checkpoint::new(origin.clone(), head).sign(&[&log]).expect("signs");
            memory.pinned.insert(origin.clone(), log.verifying_key().clone());
            memory.seen.insert(origin.clone(), Seen::from_note(note).expect("a checkpoint"));
            memory.accused.push(origin);
        }
        let keys: Vec<VerifyingKey> = memory.pinned.values().cloned().collect();
        memory.succeeded.push((keys[0].clone(), keys[1].clone()));
        memory
    }

    #[test]
    fn a_memory_reads_back_and_a_cut_or_changed_one_is_refused() {
        let (memory, bytes) = (sample(), sample().to_bytes());
        assert_eq!(MemoryFile::from_bytes(&bytes), Ok(memory));
        for end in 0..bytes.len() {
            assert!(MemoryFile::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
        for bad in ["", "bailee-witness/v2\n", "bailee-witness/v1\nkey AA==\nend\n"] {
            assert!(MemoryFile::from_bytes(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(!format!("{:?}", sample()).contains("7, 7"), "the key stays out of logs");
    }

    #[test]
    fn a_file_is_replaced_whole_and_is_its_owners() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("witness");
        replace_file(&path, b"one").expect("written");
        // What a stop between writing and renaming leaves behind is overwritten.
        std::fs::write(dir.path().join("witness.new"), b"half of a longer text").expect("written");
        replace_file(&path, b"two").expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"two");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(replace_file(&dir.path().join("nowhere/witness"), b"x").is_err());
    }
}
