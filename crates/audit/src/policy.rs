//! Trust policies (C2SP tlog-policy): whose logs are believed, and which witnesses must have cosigned a checkpoint.
//!
//! A policy is a text file its owner writes and keeps; nobody else may change it. It says nothing about what an entry
//! means. Start at [`Policy::parse`], then [`Policy::check`].

mod parse;

use std::fmt;
use std::ops::RangeInclusive;

use crate::checkpoint::{Checkpoint, CheckpointError, NotACheckpoint};
use crate::cosignature::{CosignerKey, WrongCosignature};
use crate::key::VerifyingKey;
use crate::note::{Note, NoteError};

pub use parse::{MAX_POLICY_LEN, MAX_RULES, PolicyError, PolicyFault};

/// How far the clocks of a witness and of whoever checks may differ, in seconds.
pub const CLOCK_TOLERANCE_S: u64 = 300;

/// Name of a witness or group within its policy: opaque bytes, as the format wants it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleName(Vec<u8>);

/// A log that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its key; the key's name is the log's origin.
    pub key: VerifyingKey,
    /// Where it can be asked.
    pub url: Option<String>,
}

/// A witness that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Its name within the policy.
    pub name: RuleName,
    /// Its key.
    pub key: CosignerKey,
    /// Its submission prefix.
    pub url: Option<String>,
}

/// A rule that a checkpoint satisfies or doesn't; a group's members are places of rules before it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Witness(usize),
    Group { least: usize, members: Vec<usize> },
}

/// Whose logs are believed, and who must have cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    rules: Vec<Rule>,
    /// Place of the rule to satisfy; `None` for `quorum none`.
    quorum: Option<usize>,
}

/// What satisfied a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endorsed {
    /// The checkpoint believed.
    pub checkpoint: Checkpoint,
    /// The key of the log that signed it.
    pub log: VerifyingKey,
    /// The policy's witnesses that cosigned it.
    pub cosigned: Vec<Cosigned>,
}

/// One good cosignature by a witness of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The witness's name within the policy.
    pub witness: RuleName,
    /// When it cosigned, in seconds since the Unix epoch.
    pub time: u64,
}

/// Why a checkpoint doesn't satisfy a policy.
#[derive(Debug, thiserror::Error)]
pub enum NotEndorsed {
    /// Not a note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Not the text of a checkpoint.
    #[error(transparent)]
    Form(#[from] NotACheckpoint),
    /// None of the policy's logs has this origin.
    #[error("the policy has no log {origin:?}")]
    UnknownLog {
        /// The origin found.
        origin: String,
    },
    /// The log's signature is wrong or missing.
    #[error(transparent)]
    Log(#[from] CheckpointError),
    /// A cosignature of one of the policy's witnesses is wrong.
    #[error(transparent)]
    Cosignature(#[from] WrongCosignature),
    /// A cosignature bears a time that hasn't come.
    #[error("the cosignature of {witness} is from the future")]
    FromTheFuture {
        /// The witness's name within the policy.
        witness: RuleName,
    },
    /// Too few of the right witnesses cosigned.
    #[error(
        "the quorum is not met: {cosigned} of the policy's {known} witnesses cosigned the checkpoint of {size}"
    )]
    Quorum {
        /// Witnesses of the policy that cosigned.
        cosigned: usize,
        /// Witnesses of the policy.
        known: usize,
        /// Size of the checkpoint.
        size: u64,
    },
}

impl NotEndorsed {
    /// True if the bytes aren't a checkpoint at all, false if they are one that the policy doesn't accept.
    #[must_use]
    pub fn is_about_form(&self) -> bool {
        match self {
            Self::Note(_) | Self::Form(_) => true,
            Self::Log(error) => error.is_about_form(),
            Self::UnknownLog { .. } | Self::Cosignature(_) | Self::FromTheFuture { .. } => false,
            Self::Quorum { .. } => false,
        }
    }
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyError`], naming the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        parse::policy(bytes)
    }

    /// The logs that are believed; may be empty when the log is known otherwise.
    #[must_use]
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses that count.
    #[must_use]
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// Checks a published checkpoint: signed by one of the policy's logs and cosigned by its quorum, with no time later
    /// than `now` (seconds since the Unix epoch) and [`CLOCK_TOLERANCE_S`].
    ///
    /// # Errors
    /// [`NotEndorsed`].
    pub fn check(&self, checkpoint: &[u8], now: u64) -> Result<Endorsed, NotEndorsed> {
        let note = Note::parse(checkpoint)?;
        let origin = Checkpoint::from_text(note.text())?.origin;
        let of_origin: Vec<&VerifyingKey> =
            self.logs.iter().map(|log| &log.key).filter(|key| key.name().as_str() == origin).collect();
        let Some(first) = of_origin.first() else { return Err(NotEndorsed::UnknownLog { origin }) };
        let signed = of_origin.iter().find(|key| note.verify(key).is_ok()).unwrap_or(first);
        self.check_of(checkpoint, signed, now)
    }

    /// As [`Policy::check`] for a log whose key the caller knows already, whether or not the policy lists it.
    ///
    /// # Errors
    /// [`NotEndorsed`].
    pub fn check_of(&self, checkpoint: &[u8], log: &VerifyingKey, now: u64) -> Result<Endorsed, NotEndorsed> {
        self.check_since(checkpoint, log, 0..=now)
    }

    /// As [`Policy::check_of`], counting only cosignatures made within these times, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`NotEndorsed`].
    pub fn check_since(
        &self,
        checkpoint: &[u8],
        log: &VerifyingKey,
        times: RangeInclusive<u64>,
    ) -> Result<Endorsed, NotEndorsed> {
        let opened = Checkpoint::open(checkpoint, log)?;
        let cosigned = self.quorum_of(&opened.note, opened.checkpoint.size, &times)?;
        Ok(Endorsed { checkpoint: opened.checkpoint, log: log.clone(), cosigned })
    }

    /// The policy's witnesses that cosigned the note, if they are a quorum.
    fn quorum_of(
        &self,
        note: &Note,
        size: u64,
        times: &RangeInclusive<u64>,
    ) -> Result<Vec<Cosigned>, NotEndorsed> {
        let mut cosigned = Vec::new();
        let mut is_cosigned = vec![false; self.witnesses.len()];
        for (witness, is_cosigned) in self.witnesses.iter().zip(&mut is_cosigned) {
            let Some(time) = witness.key.cosigned(note)? else { continue };
            if time > times.end().saturating_add(CLOCK_TOLERANCE_S) {
                return Err(NotEndorsed::FromTheFuture { witness: witness.name.clone() });
            }
            if time < *times.start() {
                continue;
            }
            *is_cosigned = true;
            cosigned.push(Cosigned { witness: witness.name.clone(), time });
        }
        if self.is_met(&is_cosigned) {
            Ok(cosigned)
        } else {
            Err(NotEndorsed::Quorum { cosigned: cosigned.len(), known: self.witnesses.len(), size })
        }
    }

    fn is_met(&self, is_cosigned: &[bool]) -> bool {
        let mut met: Vec<bool> = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            let holds = match rule {
                Rule::Witness(place) => is_cosigned[*place],
                Rule::Group { least, members } => {
                    members.iter().filter(|member| met[**member]).count() >= *least
                }
            };
            met.push(holds);
        }
        self.quorum.is_none_or(|place| met[place])
    }
}

impl RuleName {
    /// The name's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests;
