//! The bank as a witness of its platform's log: it cosigns a checkpoint only if the log has grown from the one it cosigned
//! before. When it has not, it keeps both signed checkpoints as evidence, raises an alarm and tells the platform.
//!
//! The rule is `audit::witness`'s; here are its sealed memory, the evidence folder and the words of the link. It must never
//! cosign what it could not remember first, and never believe a second key of the log that the first did not hand it over
//! to ([`bailee_audit::handover`]). Start at [`BankWitness::answer`].

mod slot;

use std::path::PathBuf;

use bailee_audit::key::KeyName;
use bailee_audit::note::MAX_NOTE_LEN;
use bailee_audit::witness::{
    self, AddCheckpoint, Answer, Refusal, RememberError, Remembered, Seen, Witness, WitnessError,
    replace_file,
};
use bailee_audit::{Cosigner, VerifyingKey};
use bailee_domain::bank::screen::Vouching;
use bailee_domain::event::Misconduct;
use bailee_domain::id::BankId;
use bailee_domain::time::WallTime;
use bailee_vault::{OsRandom, Secret};
use bailee_wire::event::{Hash, chain_hash};
use bailee_wire::link::{Cosign, Witnessed};

use crate::kek::Home;
pub use slot::{SealedSlot, SlotError};

/// Most checkpoints kept as evidence; the first are worth most.
pub const MAX_EVIDENCE: usize = 64;
const MEMORY: &str = "witness";
const EVIDENCE: &str = "witness-evidence";
const FAILED: u16 = 500;

/// Why the bank can't be a witness.
#[derive(Debug, thiserror::Error)]
pub enum BankWitnessError {
    /// What it remembers.
    #[error("what the bank's witness remembers cannot be used")]
    Memory(#[from] RememberError<SlotError>),
    /// Its key, or the log's.
    #[error("a key of the bank's witness cannot be used")]
    Key(#[from] bailee_audit::key::KeyError),
}

/// A log this bank holds something against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accusation {
    /// What is wrong with it.
    pub misconduct: Misconduct,
    /// Its size.
    pub size: u64,
    /// SHA-256 of the checkpoint kept, followed by the checkpoint refused.
    pub evidence: Hash,
}

/// One bank's witness.
pub struct BankWitness {
    witness: Witness<Remembered<SealedSlot>>,
    evidence: PathBuf,
}

impl BankWitness {
    /// Opens the witness of an enrolled bank's data folder; a bank that has none yet becomes one.
    ///
    /// # Errors
    /// [`BankWitnessError`]; the bank then serves without being a witness.
    pub fn open(home: impl Into<Home>, bank: BankId) -> Result<Self, BankWitnessError> {
        let home = home.into();
        let evidence = home.dir().join(EVIDENCE);
        let seed = || *Secret::<[u8; 32]>::random(&mut OsRandom).expose();
        let mut memory = Remembered::open(SealedSlot::new(home, MEMORY), seed)?;
        let known = memory.now()?;
        let cosigner = Cosigner::from_seed(name(bank)?, &known.seed)?;
        let pinned: Vec<VerifyingKey> = known.pinned.values().map(|key| known.newest(key)).collect();
        let mut witness = Witness::new(cosigner, memory);
        pinned.into_iter().for_each(|log| witness.watch(log));
        Ok(Self { witness, evidence })
    }

    /// The verifier key of its cosignatures.
    pub fn key(&self) -> String {
        self.witness.cosigner().key().to_string()
    }

    /// Whether it still vouches for the platform's log.
    pub fn vouching(&mut self) -> Vouching {
        match self.witness.memory().now() {
            Ok(memory) if !memory.accused.is_empty() => Vouching::Refuses,
            _ => Vouching::Vouches,
        }
    }

    /// Believes this key of the platform's log, and from then on no other but those it hands over to.
    ///
    /// # Errors
    /// [`BankWitnessError`].
    pub fn pin(&mut self, log_key: &str) -> Result<(), BankWitnessError> {
        let log: VerifyingKey = log_key.parse()?;
        let known = self.witness.memory().now()?.pinned.values().next().cloned();
        if known.is_none() {
            let pinned = self.witness.memory().pin(&log)?;
            self.witness.watch(pinned);
        }
        Ok(())
    }

    /// Answers the platform at a time. `alarm` is called for a log that does not continue what was cosigned, once until
    /// it does again.
    ///
    /// What a stop leaves: evidence without an alarm, or an alarm that comes twice; never a cosignature of what is not
    /// remembered.
    pub fn answer(&mut self, asked: &Cosign, now: WallTime, alarm: impl FnOnce(Accusation)) -> Witnessed {
        match self.decide(asked, now) {
            Ok(Answer::Cosigned { line, .. }) => said(asked, 200, format!("{line}\n")),
            Ok(Answer::Refused { refusal, misconduct, kept }) => {
                let answer = said(asked, refusal.http_status(), body(refusal));
                match misconduct.map(translated).zip(kept) {
                    Some((misconduct, kept)) => self.accuse(asked, misconduct, &kept, answer, alarm),
                    None => answer,
                }
            }
            Err(status) => said(asked, status, String::new()),
        }
    }

    /// An error is the status of an answer that says nothing about the log.
    fn decide(&mut self, asked: &Cosign, now: WallTime) -> Result<Answer, u16> {
        let failed = |error: &dyn std::error::Error| {
            tracing::error!(%error, "the bank's witness cannot answer");
            FAILED
        };
        self.pin(&asked.log_key).map_err(|error| failed(&error))?;
        let request = AddCheckpoint::parse(&asked.request).map_err(|_| 400_u16)?;
        let seconds = u64::try_from(now.unix_ms() / 1_000).unwrap_or(0);
        let answer = self.witness.add_checkpoint(&request, seconds);
        answer.map_err(|error: WitnessError<_>| failed(&error))
    }

    fn accuse(
        &mut self,
        asked: &Cosign,
        misconduct: Misconduct,
        kept: &Seen,
        answer: Witnessed,
        alarm: impl FnOnce(Accusation),
    ) -> Witnessed {
        let (kept, origin) =
            (kept.note().to_string(), kept.note().text().lines().next().unwrap_or_default().to_owned());
        let shown =
            AddCheckpoint::parse(&asked.request).map(|request| request.note.to_string()).unwrap_or_default();
        let evidence = chain_hash(format!("{kept}{shown}").as_bytes());
        if let Err(error) = self.keep(asked.size, misconduct, &evidence, (&kept, &shown)) {
            tracing::error!(%error, "evidence against the platform's log could not be kept");
        }
        let memory = self.witness.memory();
        let is_new = !memory.now().is_ok_and(|memory| memory.accused.contains(&origin));
        if is_new {
            tracing::error!(
                ?misconduct,
                size = asked.size,
                "the platform's log does not continue the one cosigned here"
            );
            alarm(Accusation { misconduct, size: asked.size, evidence });
            if let Err(error) = memory.change(|memory| memory.accused.push(origin)) {
                tracing::error!(%error, "the alarm may come again after a restart");
            }
        }
        Witnessed { misconduct: Some(misconduct), kept: kept.into_bytes(), ..answer }
    }

    /// Two files, each a signed note that anybody can check with the log's key.
    fn keep(
        &self,
        size: u64,
        misconduct: Misconduct,
        evidence: &Hash,
        (kept, shown): (&str, &str),
    ) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.evidence)?;
        if std::fs::read_dir(&self.evidence)?.count() >= MAX_EVIDENCE {
            return Ok(());
        }
        let stem = format!("{}-{size}-{}", word(misconduct), &bailee_wire::event::hex(evidence)[..16]);
        replace_file(&self.evidence.join(format!("{stem}.kept.note")), kept.as_bytes())?;
        replace_file(&self.evidence.join(format!("{stem}.shown.note")), shown.as_bytes())
    }
}

/// The name of a bank's cosigning key.
///
/// # Errors
/// None in practice: an id is a key name.
fn name(bank: BankId) -> Result<KeyName, bailee_audit::key::KeyError> {
    KeyName::new(&format!("bailee/{bank}"))
}

fn said(asked: &Cosign, status: u16, body: String) -> Witnessed {
    Witnessed { size: asked.size, status, body: body.into_bytes(), misconduct: None, kept: Vec::new() }
}

fn body(refusal: Refusal) -> String {
    match refusal {
        Refusal::WrongOldSize { have } | Refusal::Fork { have } => format!("{have}\n"),
        other => format!("{other}\n"),
    }
}

const fn translated(misconduct: witness::Misconduct) -> Misconduct {
    match misconduct {
        witness::Misconduct::Fork => Misconduct::Fork,
        witness::Misconduct::Shrink => Misconduct::Shrink,
        witness::Misconduct::Gap => Misconduct::Gap,
    }
}

const fn word(misconduct: Misconduct) -> &'static str {
    match misconduct {
        Misconduct::Fork => "fork",
        Misconduct::Shrink => "shrink",
        Misconduct::Gap => "gap",
    }
}

const _: () =
    assert!(bailee_wire::link::MAX_COSIGN_BYTES <= MAX_NOTE_LEN, "whatever fits a request fits a note");

#[cfg(test)]
mod tests;
