//! Everybody who may sign a log's checkpoint, and the check that nobody else did.
//!
//! A client that wants to know whether to believe a checkpoint ignores the lines of keys it does not know, as C2SP
//! signed-note has it: [`crate::note::Note::verify`], [`crate::policy`]. Whoever checks a whole published log knows more: the
//! log names its witnesses. To them a line of anybody else is a changed one, see `docs/decisions/0023-the-log-names-its-witnesses.md`.

use std::collections::{BTreeMap, BTreeSet};

use crate::cosignature::CosignerKey;
use crate::handover::HandOver;
use crate::key::{KeyName, VerifyingKey};
use crate::note::{Note, NoteSignature};

/// Who may sign checkpoints of one log.
#[derive(Debug, Clone, Default)]
pub struct Signers {
    logs: Vec<VerifyingKey>,
    /// The same as their `vkey`s: hand-overs may name a key again and again.
    spelt: BTreeSet<String>,
    handed_over: Vec<HandOver>,
    /// By their `vkey`: whoever made the log says how many there are.
    witnesses: BTreeMap<String, CosignerKey>,
}

/// A line of a checkpoint that is nobody's who may sign it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("signature line {line}, by {name}: {why}")]
pub struct StrayLine {
    /// Which line, from 1.
    pub line: usize,
    /// The name it bears.
    pub name: KeyName,
    /// What is wrong with it.
    pub why: Stray,
}

/// What is wrong with a stray line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stray {
    /// Neither the log's key, nor a hand-over of it, nor a known witness.
    #[error("the log names no such key")]
    Unknown,
    /// The key is known and has not signed this.
    #[error("it does not match the checkpoint")]
    Wrong,
}

impl Signers {
    /// Adds a key of the log itself.
    pub fn log(&mut self, key: VerifyingKey) {
        if self.spelt.insert(key.to_string()) {
            self.logs.push(key);
        }
    }

    /// Adds a hand-over between keys of the log, and both keys.
    pub fn handed_over(&mut self, handed: HandOver) {
        self.log(handed.old.clone());
        self.log(handed.new.clone());
        self.handed_over.push(handed);
    }

    /// Adds a witness.
    pub fn witness(&mut self, key: CosignerKey) {
        self.witnesses.insert(key.to_string(), key);
    }

    /// The keys of the log itself that a note has a line of, the last one known first.
    pub fn logs_of<'a>(&'a self, note: &'a Note) -> impl Iterator<Item = &'a VerifyingKey> {
        self.logs.iter().rev().filter(|key| note.signatures().iter().any(|line| key.is_of(line)))
    }

    /// Checks every signature line of a checkpoint; how many witnesses cosigned it. How old or new those are is for a
    /// policy to judge.
    ///
    /// # Errors
    /// The first line that is not by somebody who may sign it.
    pub fn check(&self, note: &Note) -> Result<usize, StrayLine> {
        let mut cosigned = BTreeSet::new();
        for (place, line) in note.signatures().iter().enumerate() {
            let is_cosignature = self.signed(note, line).map_err(|why| StrayLine {
                line: place + 1,
                name: line.name.clone(),
                why,
            })?;
            if is_cosignature {
                cosigned.insert((&line.name, line.key_id.0));
            }
        }
        Ok(cosigned.len())
    }

    /// Whether the line is a cosignature rather than the log's own. An id has 32 bits, so that two keys of one name may share it:
    /// one of them is enough.
    fn signed(&self, note: &Note, line: &NoteSignature) -> Result<bool, Stray> {
        let text = note.text();
        let mut logs = self.logs.iter().filter(|key| key.is_of(line)).peekable();
        let mut witnesses = self.witnesses.values().filter(|key| key.is_of(line)).peekable();
        let is_known = logs.peek().is_some() || witnesses.peek().is_some();
        if logs.any(|key| key.has_signed(text.as_bytes(), &line.signature))
            || self.handed_over.iter().any(|handed| handed.line() == *line)
        {
            return Ok(false);
        }
        match witnesses.any(|key| key.time_of(text, line).is_ok()) {
            true => Ok(true),
            false if is_known => Err(Stray::Wrong),
            false => Err(Stray::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::cosignature::Cosigner;
    use crate::hash::{Hash, TreeHead};
    use crate::key::{Ed25519Signer, Signer};

    const NOW: u64 = 1_800_000_000;

    fn log(seed: u8) -> Ed25519Signer {
        let name = KeyName::new("bailee/house").expect("valid");
        Ed25519Signer::from_seed(name, &[seed; 32]).expect("a seed")
    }

    fn witness(name: &str) -> Cosigner {
        Cosigner::from_seed(KeyName::new(name).expect("valid"), &[9; 32]).expect("a seed")
    }

    /// A checkpoint by the second key of the log, with its hand-over and two cosignatures; and who may sign it.
    fn published() -> (Note, Signers) {
        let (old, new) = (log(1), log(2));
        let head = TreeHead { size: 3, root: Hash([7; 32]) };
        let both = ((&old as &dyn Signer, old.verifying_key()), (&new as &dyn Signer, new.verifying_key()));
        let handed = HandOver::sign(both.0, both.1, head, NOW - 9).expect("signs");
        let head = TreeHead { size: 5, root: Hash([8; 32]) };
        let mut note = Checkpoint::new("bailee/house", head).sign(&[&new]).expect("signs");
        let mut signers = Signers::default();
        signers.handed_over(handed.clone());
        note.add(handed.line()).expect("few");
        for name in ["bailee/bank", "w.example"] {
            let cosigner = witness(name);
            note.add(cosigner.cosign(note.text(), NOW - 1).expect("signs")).expect("few");
            signers.witness(cosigner.key().clone());
        }
        (note, signers)
    }

    #[test]
    fn everybody_named_is_found() {
        let (note, signers) = published();
        assert_eq!(signers.check(&note), Ok(2));
        assert_eq!(signers.logs_of(&note).collect::<Vec<_>>(), [log(2).verifying_key()]);
        let mut twice = note.clone();
        twice.add(note.signatures()[2].clone()).expect("few");
        assert_eq!(signers.check(&twice), Ok(2), "a line said twice is one witness");
    }

    #[test]
    fn no_bit_of_a_checkpoint_can_be_changed() {
        let (note, signers) = published();
        let whole = note.to_string().into_bytes();
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[place] ^= 1 << bit;
                let Ok(changed) = Note::parse(&bytes) else { continue };
                assert!(signers.check(&changed).is_err(), "byte {place}, bit {bit}");
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        let (note, mut signers) = published();
        let stranger = witness("stranger");
        let mut more = note.clone();
        more.add(stranger.cosign(note.text(), NOW).expect("signs")).expect("few");
        let said = signers.check(&more).expect_err("nobody named it").to_string();
        assert_eq!(said, "signature line 5, by stranger: the log names no such key");
        signers.witness(stranger.key().clone());
        assert_eq!(signers.check(&more), Ok(3));
    }

    #[test]
    fn two_keys_of_one_name_and_id_are_told_apart_by_what_they_signed() {
        // Found within seconds by counting seeds up.
        let numbered = |number: u64| {
            let mut seed = [0; 32];
            seed[24..].copy_from_slice(&number.to_be_bytes());
            Cosigner::from_seed(KeyName::new("w.example").expect("valid"), &seed).expect("a seed")
        };
        let (first, second) = (numbered(7_493), numbered(65_813));
        assert_eq!((first.key().name(), first.key().key_id()), (second.key().name(), second.key().key_id()));
        assert_ne!(first.key(), second.key());
        let (note, signers) = published();
        for by in [&first, &second] {
            let (mut note, mut signers) = (note.clone(), signers.clone());
            note.add(by.cosign(note.text(), NOW).expect("signs")).expect("few");
            signers.witness(first.key().clone());
            signers.witness(second.key().clone());
            assert_eq!(signers.check(&note), Ok(3));
        }
    }
}
