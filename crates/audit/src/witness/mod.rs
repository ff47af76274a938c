//! A witness (C2SP tlog-witness v1.0.0): it cosigns a log's checkpoint only if the log has grown from the one it
//! cosigned before, and so never vouches for two histories.
//!
//! [`decide`] is the whole rule, pure; [`Witness`] applies it over a [`Memory`] that is durable before anything is
//! answered. A bank, `bailee witness` and the tests run the same code. It must never cosign on a memory that failed, and
//! never forget while it keeps its key: [`MemoryFile`] therefore holds both in one file.

mod file;
mod memory;
mod request;

use std::collections::BTreeMap;

use crate::checkpoint::Checkpoint;
use crate::cosignature::Cosigner;
use crate::handover::{HandOver, Succession, successor};
use crate::hash::{Hash, TreeHead};
use crate::key::{SignError, VerifyingKey};
use crate::note::{Note, NoteSignature};
use crate::proof::verify_consistency;

pub use file::{MemoryFile, MemoryFileError, replace_file};
pub use memory::{RememberError, Remembered, Slot};
pub use request::{AddCheckpoint, MAX_PROOF_LEN, MAX_REQUEST_LEN, NotARequest};

/// The last checkpoint a witness cosigned of a log, with the log's signature and its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    head: TreeHead,
    note: Note,
}

/// Why a checkpoint isn't cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The text isn't that of a checkpoint.
    #[error("the text is not that of a checkpoint")]
    Malformed,
    /// Not a log this witness was told to watch.
    #[error("this log is not known here")]
    UnknownOrigin,
    /// Not signed by the log's key, or signed wrongly.
    #[error("the checkpoint is not signed by the log")]
    NotSigned,
    /// The size the log grew from is above the one it grew to.
    #[error("the old size is above the new one")]
    OldAboveNew,
    /// The log grew from another size than the one last cosigned here.
    #[error("the last size cosigned here is {have}")]
    WrongOldSize {
        /// The size last cosigned here; 0 if none was.
        have: u64,
    },
    /// The same size as the one last cosigned here, and another root.
    #[error("another tree of size {have} was cosigned here")]
    Fork {
        /// The size.
        have: u64,
    },
    /// The log can't show that it only grew.
    #[error("the log did not only grow")]
    WrongProof,
}

/// What a refusal says about the log, when whoever asked is known to speak for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misconduct {
    /// It signed two trees of one size: proof by itself.
    Fork,
    /// It is smaller than it was.
    Shrink,
    /// It can't show that the new tree begins with the old one.
    Gap,
}

/// What the rule says about one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Remember this, durably, then cosign.
    Cosign(Checkpoint),
    /// Don't.
    Refuse(Refusal, Option<Misconduct>),
}

/// What a witness remembers, on a disk that survives it.
pub trait Memory {
    /// Why it can't be read or written.
    type Error;

    /// The last checkpoint cosigned of the log of that origin.
    ///
    /// # Errors
    /// The memory's; nothing is then cosigned.
    fn last(&mut self, origin: &str) -> Result<Option<Seen>, Self::Error>;

    /// Replaces it, whole and durably.
    ///
    /// # Errors
    /// The memory's. Whether it was replaced is then not known: the next [`Memory::last`] must read what is durable.
    fn remember(&mut self, origin: &str, seen: &Seen) -> Result<(), Self::Error>;

    /// Believes the successor of a key from now on, and that key no more, durably.
    ///
    /// # Errors
    /// The memory's. Whether it was noted is then not known.
    fn succeed(&mut self, old: &VerifyingKey, new: &VerifyingKey) -> Result<(), Self::Error>;
}

/// A witness of some logs. Requests are answered one after the other: `&mut self` is what makes check and store one.
#[derive(Debug)]
pub struct Witness<M> {
    cosigner: Cosigner,
    logs: BTreeMap<String, Vec<VerifyingKey>>,
    memory: M,
}

/// What a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It cosigned; what it remembers is durable.
    Cosigned {
        /// What was cosigned, with the log's signature and this witness's.
        seen: Seen,
        /// The cosignature.
        line: NoteSignature,
    },
    /// It didn't.
    Refused {
        /// Why.
        refusal: Refusal,
        /// What that says about the log.
        misconduct: Option<Misconduct>,
        /// What it had cosigned before, to lie beside the checkpoint refused.
        kept: Option<Seen>,
    },
}

/// Why there is no answer; the caller may ask again.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError<E> {
    /// The memory failed, so nothing was cosigned.
    #[error("what was cosigned before could not be read or written")]
    Memory(#[source] E),
    /// The key couldn't be used.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// The rule: what to do with a request, given the log's keys and what was last cosigned of it.
#[must_use]
pub fn decide(keys: &[VerifyingKey], last: Option<TreeHead>, request: &AddCheckpoint) -> Decision {
    let Ok(checkpoint) = Checkpoint::from_text(request.note.text()) else {
        return Decision::Refuse(Refusal::Malformed, None);
    };
    let is_of_origin = |key: &&VerifyingKey| key.name().as_str() == checkpoint.origin;
    let mut keys = keys.iter().filter(is_of_origin).peekable();
    if keys.peek().is_none() {
        return Decision::Refuse(Refusal::UnknownOrigin, None);
    }
    let verified: Vec<bool> = keys
        .filter(|key| request.note.signatures().iter().any(|line| key.is_of(line)))
        .map(|key| request.note.verify(key).is_ok())
        .collect();
    if verified.is_empty() || verified.contains(&false) {
        return Decision::Refuse(Refusal::NotSigned, None);
    }
    match judge(last, request.old_size, &request.proof, checkpoint.head()) {
        Ok(()) => Decision::Cosign(checkpoint),
        Err(refusal) => Decision::Refuse(refusal, misconduct(last, checkpoint.head(), refusal)),
    }
}

/// The key that a known one handed the log over to, if it is the one that signs this note. A hand-over that contradicts what
/// was cosigned of the same size, or that this tree can't hold, is none.
fn handed_over(known: &VerifyingKey, last: Option<&Seen>, note: &Note) -> Option<Succession> {
    let size = Checkpoint::from_text(note.text()).ok()?.size;
    let succession = successor(note, known).ok()??;
    let fits = |step: &HandOver| {
        step.head.size < size
            && last.is_none_or(|last| last.head.size != step.head.size || last.head == step.head)
    };
    Some(succession).filter(|succession| succession.handed_over.iter().all(fits))
}

/// Whether the log has only grown from what was last cosigned.
fn judge(last: Option<TreeHead>, old_size: u64, proof: &[Hash], new: TreeHead) -> Result<(), Refusal> {
    let last = last.unwrap_or(TreeHead { size: 0, root: Hash::EMPTY_TREE });
    if old_size > new.size {
        return Err(Refusal::OldAboveNew);
    }
    if old_size != last.size {
        return Err(Refusal::WrongOldSize { have: last.size });
    }
    if new.size == last.size && new.size > 0 && new.root != last.root {
        return Err(Refusal::Fork { have: last.size });
    }
    if new.size == 0 && new.root != Hash::EMPTY_TREE {
        return Err(Refusal::WrongProof);
    }
    verify_consistency(&last, &new, proof).map_err(|_| Refusal::WrongProof)
}

/// What a checkpoint with the log's good signature says about the log, whatever was asked for.
fn misconduct(last: Option<TreeHead>, new: TreeHead, refusal: Refusal) -> Option<Misconduct> {
    let last = last?;
    if new.size == last.size && new.root != last.root {
        return Some(Misconduct::Fork);
    }
    if new.size < last.size {
        return Some(Misconduct::Shrink);
    }
    (refusal == Refusal::WrongProof).then_some(Misconduct::Gap)
}

impl<M: Memory> Witness<M> {
    /// A witness that watches no log yet.
    pub const fn new(cosigner: Cosigner, memory: M) -> Self {
        Self { cosigner, logs: BTreeMap::new(), memory }
    }

    /// Watches the log of that key; a second key of the same name is accepted beside the first.
    pub fn watch(&mut self, log: VerifyingKey) {
        let keys = self.logs.entry(log.name().to_string()).or_default();
        if !keys.contains(&log) {
            keys.push(log);
        }
    }

    /// The key it cosigns with.
    pub const fn cosigner(&self) -> &Cosigner {
        &self.cosigner
    }

    /// What it remembers of all logs.
    pub const fn memory(&mut self) -> &mut M {
        &mut self.memory
    }

    /// Answers one request at a time in seconds since the Unix epoch.
    ///
    /// A stop before the memory is durable leaves what was; one after it leaves a checkpoint remembered that nobody
    /// got a cosignature of: the log asks again with the size it is told, and gets it.
    ///
    /// # Errors
    /// [`WitnessError`]; then nothing was cosigned.
    pub fn add_checkpoint(
        &mut self,
        request: &AddCheckpoint,
        now: u64,
    ) -> Result<Answer, WitnessError<M::Error>> {
        let origin = request.note.text().lines().next().unwrap_or_default();
        let keys = self.logs.get(origin).map_or(&[][..], Vec::as_slice);
        let last = match keys {
            [] => None,
            _ => self.memory.last(origin).map_err(WitnessError::Memory)?,
        };
        let handed = keys.iter().find_map(|key| handed_over(key, last.as_ref(), &request.note));
        let successors: Vec<VerifyingKey> = handed.iter().map(|handed| handed.key.clone()).collect();
        let keys = if handed.is_some() { &successors[..] } else { keys };
        match decide(keys, last.as_ref().map(|seen| seen.head), request) {
            Decision::Refuse(refusal, misconduct) => Ok(Answer::Refused { refusal, misconduct, kept: last }),
            Decision::Cosign(checkpoint) => {
                for step in handed.iter().flat_map(|handed| &handed.handed_over) {
                    // A stop after this leaves the new key believed, which the old one had named.
                    self.memory.succeed(&step.old, &step.new).map_err(WitnessError::Memory)?;
                }
                let line = self.cosigner.cosign(request.note.text(), now)?;
                let seen = Seen::of(checkpoint.head(), &request.note, keys, &line);
                if last.is_none_or(|last| last.head != seen.head) {
                    self.memory.remember(origin, &seen).map_err(WitnessError::Memory)?;
                }
                if handed.is_some() {
                    self.logs.insert(origin.to_owned(), successors);
                }
                Ok(Answer::Cosigned { seen, line })
            }
        }
    }
}

impl Seen {
    /// Keeps the lines of the log and of the witness, whatever else the note carried.
    fn of(head: TreeHead, note: &Note, keys: &[VerifyingKey], line: &NoteSignature) -> Self {
        let mut kept = Note::new(note.text().to_owned()).expect("it is the text of a note");
        let of_log = note.signatures().iter().filter(|line| keys.iter().any(|key| key.is_of(line)));
        for line in of_log.take(crate::note::MAX_SIGNATURES - 1).chain([line]) {
            kept.add(line.clone()).expect("one line fewer than fit, and one");
        }
        Self { head, note: kept }
    }

    /// What was remembered before, as it was written; `None` if it isn't a checkpoint.
    #[must_use]
    pub fn from_note(note: Note) -> Option<Self> {
        let head = Checkpoint::from_text(note.text()).ok()?.head();
        Some(Self { head, note })
    }

    /// Size and root cosigned.
    #[must_use]
    pub const fn head(&self) -> TreeHead {
        self.head
    }

    /// The checkpoint with the log's signature and the witness's.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }
}

impl Refusal {
    /// The HTTP status tlog-witness v1.0.0 gives for it.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Malformed | Self::OldAboveNew => 400,
            Self::NotSigned => 403,
            Self::UnknownOrigin => 404,
            Self::WrongOldSize { .. } | Self::Fork { .. } => 409,
            Self::WrongProof => 422,
        }
    }
}

#[cfg(test)]
mod tests;
