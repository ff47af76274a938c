//! Proofs as files (C2SP tlog-proof v1): one entry of a log, its inclusion proof and a signed checkpoint, to be checked offline.
//!
//! The extra data of a file is what the entry's bytes are made of; nobody vouches for it until [`TlogProof::verify`] has said
//! yes to the hash computed from it. Reading never believes anything. Start at [`TlogProof::parse`].

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, CheckpointError, NotACheckpoint, OpenedCheckpoint};
use crate::hash::Hash;
use crate::key::VerifyingKey;
use crate::note::{MAX_NOTE_LEN, Note, NoteError};
use crate::proof::verify_inclusion;
use crate::tile::parse_decimal;

/// The first line of every such file.
pub const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// Bytes of extra data that are read; an entry of a log has at most as many.
pub const MAX_EXTRA_LEN: usize = crate::bundle::MAX_ENTRY_LEN;
/// Hashes of the longest proof: one for each level of the largest tree.
pub const MAX_PATH_LEN: usize = 64;
/// Bytes of the longest file that is read.
pub const MAX_FILE_LEN: usize = 128 + MAX_EXTRA_LEN.div_ceil(3) * 4 + MAX_PATH_LEN * 45 + MAX_NOTE_LEN;

/// What a proof file holds, none of it checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// What the entry is made of, as the log's users agreed; not authenticated by itself.
    pub extra: Option<Vec<u8>>,
    /// Place of the entry in the log, from 0.
    pub index: u64,
    /// Sibling hashes from the leaf up to the root's child.
    pub path: Vec<Hash>,
    /// The log's checkpoint with its signatures and cosignatures.
    pub checkpoint: Note,
}

/// Why bytes aren't a proof file. Lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum NotAProof {
    /// More than [`MAX_FILE_LEN`] bytes.
    #[error("the file is longer than {MAX_FILE_LEN} bytes")]
    TooLong,
    /// Not UTF-8, or the first line is another.
    #[error("the file does not begin with the line {FIRST_LINE}")]
    Foreign,
    /// The extra data isn't base64, or too much.
    #[error("line 2 does not hold data in base64")]
    Extra,
    /// Where the index should be is something else.
    #[error("line {line} is not an index")]
    Index {
        /// The line.
        line: usize,
    },
    /// Where a hash of the proof should be is something else.
    #[error("line {line} is not a hash in base64")]
    Hash {
        /// The line.
        line: usize,
    },
    /// More than [`MAX_PATH_LEN`] hashes.
    #[error("the proof has more than {MAX_PATH_LEN} hashes")]
    TooManyHashes,
    /// There is no blank line with a checkpoint behind it.
    #[error("there is no checkpoint after the proof")]
    NoCheckpoint,
    /// What follows the proof isn't a signed note.
    #[error("the checkpoint cannot be read: {0}")]
    Checkpoint(#[source] NoteError),
}

/// What is wrong with a proof that can be read.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// The checkpoint isn't one, or the log didn't sign it.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log isn't that long.
    #[error("the proof is about entry {index}, but the checkpoint is of {size} entries")]
    BeyondSize {
        /// The index claimed.
        index: u64,
        /// The size signed.
        size: u64,
    },
    /// A proof of that entry has another length.
    #[error("the proof has {found} hashes where entry {index} of {size} needs {needed}")]
    Length {
        /// The index claimed.
        index: u64,
        /// The size signed.
        size: u64,
        /// Hashes there.
        found: usize,
        /// Hashes it takes.
        needed: usize,
    },
    /// The hashes lead to another root.
    #[error("the entry and the proof do not lead to the root that the log signed")]
    Path,
}

impl From<NotACheckpoint> for Unproven {
    fn from(_: NotACheckpoint) -> Self {
        Self::Checkpoint(CheckpointError::Form)
    }
}

impl TlogProof {
    /// Reads a proof file; checks nothing of what it says.
    ///
    /// # Errors
    /// [`NotAProof`], naming the first line that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAProof> {
        if bytes.len() > MAX_FILE_LEN {
            return Err(NotAProof::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| NotAProof::Foreign)?;
        let rest = text.strip_prefix(FIRST_LINE).and_then(|rest| rest.strip_prefix('\n'));
        let (head, note) =
            rest.ok_or(NotAProof::Foreign)?.split_once("\n\n").ok_or(NotAProof::NoCheckpoint)?;
        let mut lines = (2..).zip(head.split('\n')).peekable();
        let extra = lines.next_if(|(_, line)| line.starts_with("extra ")).map(|(_, line)| extra(line));
        let extra = extra.transpose()?;
        let (line, index) = lines.next().unwrap_or((3, ""));
        let index = index.strip_prefix("index ").and_then(|index| parse_decimal(index, u64::MAX));
        let index = index.ok_or(NotAProof::Index { line })?;
        let mut path = Vec::new();
        for (line, hash) in lines {
            if path.len() == MAX_PATH_LEN {
                return Err(NotAProof::TooManyHashes);
            }
            path.push(hash.parse().map_err(|_| NotAProof::Hash { line })?);
        }
        let checkpoint = Note::parse(note.as_bytes()).map_err(NotAProof::Checkpoint)?;
        Ok(Self { extra, index, path, checkpoint })
    }

    /// What the checkpoint says, whoever signed it.
    ///
    /// # Errors
    /// [`Unproven::Checkpoint`] when it isn't the text of a checkpoint.
    pub fn claimed(&self) -> Result<Checkpoint, Unproven> {
        Ok(Checkpoint::from_text(self.checkpoint.text())?)
    }

    /// Checks that the entry with that leaf hash is in the tree of a checkpoint, without asking who signed the checkpoint.
    ///
    /// # Errors
    /// [`Unproven`], the first thing that is wrong.
    pub fn leads_to(&self, leaf: Hash, checkpoint: &Checkpoint) -> Result<(), Unproven> {
        let (index, size, found) = (self.index, checkpoint.size, self.path.len());
        if index >= size {
            return Err(Unproven::BeyondSize { index, size });
        }
        let needed = path_len(index, size);
        if found != needed {
            return Err(Unproven::Length { index, size, found, needed });
        }
        verify_inclusion(leaf, index, &checkpoint.head(), &self.path).map_err(|_| Unproven::Path)
    }

    /// Checks that the log of that key signed the checkpoint, and that the entry with that leaf hash is in its tree.
    ///
    /// # Errors
    /// [`Unproven`], the first thing that is wrong: signature, then index, length and path of the proof.
    pub fn verify(&self, leaf: Hash, key: &VerifyingKey) -> Result<OpenedCheckpoint, Unproven> {
        let opened = Checkpoint::open(self.checkpoint.to_string().as_bytes(), key)?;
        self.leads_to(leaf, &opened.checkpoint)?;
        Ok(opened)
    }
}

fn extra(line: &str) -> Result<Vec<u8>, NotAProof> {
    let encoded = line.strip_prefix("extra ").unwrap_or_default();
    let bytes = STANDARD.decode(encoded).map_err(|_| NotAProof::Extra)?;
    if bytes.len() <= MAX_EXTRA_LEN { Ok(bytes) } else { Err(NotAProof::Extra) }
}

/// Hashes in the proof that entry `index` is in a tree of `size` (RFC 6962 §2.1.1); `index` is below `size`.
fn path_len(mut index: u64, mut size: u64) -> usize {
    let mut steps = 0;
    while size > 1 {
        let left = 1 << (size - 1).ilog2();
        if index < left {
            size = left;
        } else {
            (index, size) = (index - left, size - left);
        }
        steps += 1;
    }
    steps
}

/// The file, byte for byte.
impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::{TreeHead, leaf_hash, node_hash};
    use crate::key::{Ed25519Signer, KeyName};

    fn signer(name: &str) -> Ed25519Signer {
        Ed25519Signer::from_seed(KeyName::new(name).expect("valid"), &[5; 32]).expect("a seed")
    }

    fn entry(number: u64) -> Vec<u8> {
        format!("entry {number}").into_bytes()
    }

    /// Root over entries `from..to` and, on the way to `index`, the siblings.
    fn tree(from: u64, to: u64, index: Option<u64>, path: &mut Vec<Hash>) -> Hash {
        if to - from == 1 {
            return leaf_hash(&entry(from));
        }
        let middle = from + (1 << (to - from - 1).ilog2());
        let inside = |a: u64, b: u64| index.filter(|index| (a..b).contains(index));
        let left = tree(from, middle, inside(from, middle), path);
        let right = tree(middle, to, inside(middle, to), path);
        match index {
            Some(index) if index < middle => path.push(right),
            Some(_) => path.push(left),
            None => {}
        }
        node_hash(&left, &right)
    }

    fn proof(index: u64, size: u64, more: &[&str]) -> TlogProof {
        let (log, mut path) = (signer("locker.example/log"), Vec::new());
        let root = tree(0, size, Some(index), &mut path);
        let mut note =
            Checkpoint::new("locker.example/log", TreeHead { size, root }).sign(&[&log]).expect("signs");
        for name in more {
            note.sign(&signer(name)).expect("signs");
        }
        TlogProof { extra: Some(entry(index)), index, path, checkpoint: note }
    }

    fn check(file: &str) -> String {
        let log = signer("locker.example/log");
        let verdict =
            TlogProof::parse(file.as_bytes()).map_err(|error| error.to_string()).and_then(|proof| {
                let leaf = leaf_hash(proof.extra.as_deref().unwrap_or_default());
                proof.verify(leaf, log.verifying_key()).map_err(|error| error.to_string())
            });
        verdict.map_or_else(|why| why, |opened| format!("sound, {} entries", opened.checkpoint.size))
    }

    #[test]
    fn every_entry_of_every_small_tree_is_proven() {
        for size in 1..40 {
            for index in 0..size {
                let file = proof(index, size, &["witness.example"]).to_string();
                assert_eq!(check(&file), format!("sound, {size} entries"), "{index} of {size}");
                let read = TlogProof::parse(file.as_bytes()).expect("our own");
                assert_eq!(read.to_string(), file);
                assert_eq!(read.path.len(), path_len(index, size));
            }
        }
    }

    #[test]
    fn the_first_thing_wrong_is_named() {
        let file = proof(4, 7, &[]).to_string();
        let lines: Vec<&str> = file.lines().collect();
        let with = |number: usize, line: &str| {
            let mut lines = lines.clone();
            lines[number - 1] = line;
            lines.join("\n") + "\n"
        };
        let without = |number: usize| {
            let mut lines = lines.clone();
            lines.remove(number - 1);
            lines.join("\n") + "\n"
        };
        let foreign = "the file does not begin with the line c2sp.org/tlog-proof@v1";
        for (changed, said) in [
            (with(1, "c2sp.org/tlog-proof@v2"), foreign),
            (String::new(), foreign),
            (
                with(2, "extra ZW50cnkgNQ=="),
                "the entry and the proof do not lead to the root that the log signed",
            ),
            (with(2, "extra ZW50cnkgNA"), "line 2 does not hold data in base64"),
            (with(2, "extras"), "line 2 is not an index"),
            (with(3, "index 04"), "line 3 is not an index"),
            (with(3, "index -1"), "line 3 is not an index"),
            (with(3, "index 18446744073709551616"), "line 3 is not an index"),
            (with(3, "index 5"), "the entry and the proof do not lead to the root that the log signed"),
            (with(3, "index 6"), "the proof has 3 hashes where entry 6 of 7 needs 2"),
            (with(3, "index 7"), "the proof is about entry 7, but the checkpoint is of 7 entries"),
            (without(5), "the proof has 2 hashes where entry 4 of 7 needs 3"),
            (with(4, "AAAA"), "line 4 is not a hash in base64"),
            (without(7), "line 7 is not a hash in base64"),
            (with(9, "8"), "the signature of locker.example/log does not match the text"),
            (
                with(12, "\u{2014} locker.example/log AAAA"),
                "the checkpoint cannot be read: signature line 1 is malformed",
            ),
            (lines[..7].join("\n"), "there is no checkpoint after the proof"),
            (lines[..11].join("\n"), "the checkpoint cannot be read: no signature lines after a blank line"),
        ] {
            assert_eq!(check(&changed), said, "{changed}");
        }
    }

    #[test]
    fn wrong_keys_and_floods_are_refused() {
        let foreign = proof(1, 3, &[]).to_string().replace("locker.example/log", "locker.example/other");
        assert!(check(&foreign).starts_with("not signed by locker.example/log+"), "{}", check(&foreign));
        let hundred: Vec<String> = (0..100).map(|n| format!("witness.example/{n}")).collect();
        let names: Vec<&str> = hundred.iter().map(String::as_str).collect();
        assert_eq!(check(&proof(1, 3, &names[..99]).to_string()), "sound, 3 entries");
        let line = proof(1, 3, &[]).checkpoint.signatures()[0].to_string();
        let flood = proof(1, 3, &names[..99]).to_string() + &line + "\n";
        assert_eq!(check(&flood), "the checkpoint cannot be read: more than 100 signatures");
        let hash = format!("{}\n", Hash([1; 32]));
        let long = format!("{FIRST_LINE}\nindex 0\n{}\n{}", hash.repeat(65), proof(1, 3, &[]).checkpoint);
        assert_eq!(check(&long), "the proof has more than 64 hashes");
        assert_eq!(
            check(&"x".repeat(MAX_FILE_LEN + 1)),
            format!("the file is longer than {MAX_FILE_LEN} bytes")
        );
        let fat = format!("{FIRST_LINE}\nextra {}\nindex 0\n\nx", "A".repeat((MAX_EXTRA_LEN + 3) / 3 * 4));
        assert_eq!(check(&fat), "line 2 does not hold data in base64");
    }

    #[test]
    fn the_largest_sizes_have_a_proof_length() {
        assert_eq!(path_len(0, u64::MAX), 64);
        assert_eq!(path_len(u64::MAX - 1, u64::MAX), 63);
        assert_eq!((path_len(0, 1), path_len(2, 3)), (0, 1));
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut file = FIRST_LINE.as_bytes().to_vec();
            file.extend(&bytes);
            for bytes in [&bytes, &file] {
                if let Ok(proof) = TlogProof::parse(bytes) {
                    let written = proof.to_string().into_bytes();
                    prop_assert_eq!(&written, bytes);
                }
            }
        }

        #[test]
        fn a_changed_byte_is_never_sound(index in 0u64..20, more in 1u64..20, at: prop::sample::Index, to: u8) {
            let size = index + more;
            let mut bytes = proof(index, size, &[]).to_string().into_bytes();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != to);
            bytes[at] = to;
            let key = signer("locker.example/log");
            if let Ok(proof) = TlogProof::parse(&bytes) {
                let leaf = leaf_hash(proof.extra.as_deref().unwrap_or_default());
                prop_assert!(proof.verify(leaf, key.verifying_key()).is_err());
            }
        }
    }
}
