//! Asks the witnesses to cosign the log: banks over their links, others over HTTP (C2SP tlog-witness v1.0.0).
//!
//! Every witness of a round is asked for the same checkpoint, with a proof from the size it last cosigned. What it answers
//! is believed only as far as its signature goes: a slow, silent or lying witness is one that did not cosign.

mod outside;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bailee_audit::note::Note;
use bailee_audit::witness::AddCheckpoint;
use bailee_audit::{Checkpoint, VerifyingKey};
use bailee_domain::event::Misconduct;
use bailee_wire::link::{Cosign, Witnessed};
use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use outside::{OutsideWitness, WitnessConfig, WitnessConfigError};

use super::{JobError, Progress};
use crate::app::link::Ask;
use crate::app::witnesses::{self, Held};
use crate::app::{App, AppError};
use crate::store::tables::witness::{RoundRow, WitnessRow};

/// Witnesses asked at the same time.
const AT_ONCE: usize = 16;
/// How long a bank's witness may take, in milliseconds.
const DEADLINE_MS: i64 = 10_000;
/// How often it is looked whose turn it is.
const EVERY: Duration = Duration::from_secs(2);

/// Everybody who is asked.
#[derive(Clone)]
pub struct Witnesses {
    /// The platform.
    pub app: App,
    /// How banks are asked.
    pub ask: Arc<dyn Ask>,
    /// Witnesses of others.
    pub outside: Arc<[OutsideWitness]>,
    /// The log's verifier key, told to banks.
    pub log_key: String,
}

/// An answer as HTTP has it, and what a bank holds against the log.
struct Answered {
    status: u16,
    body: Vec<u8>,
    held: Option<Held>,
}

impl Witnesses {
    /// Asks until `stop` becomes true or its sender is gone. Each witness is asked in a task of its own, one question at a time, so
    /// that a slow one holds up nobody.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let (mut trouble, mut asking, mut busy) = (false, JoinSet::new(), BTreeMap::new());
        while !*stop.borrow() {
            while let Some(ended) = asking.try_join_next_with_id() {
                let (task, outcome) = match ended {
                    Ok((task, outcome)) => (task, outcome),
                    Err(error) => (error.id(), Ok(())),
                };
                busy.remove(&task);
                self.note(outcome.err().as_ref(), &mut trouble);
            }
            match self.due().await {
                Ok(Some((round, due))) => {
                    for row in due {
                        if asking.len() < AT_ONCE && !busy.values().any(|name| *name == row.name) {
                            let (this, name, round) = (self.clone(), row.name.clone(), round.clone());
                            let task = asking.spawn(async move { this.one(row, &round).await });
                            busy.insert(task.id(), name);
                        }
                    }
                }
                Ok(None) => {}
                Err(error) => self.note(Some(&error), &mut trouble),
            }
            tokio::select! {
                stopped = stop.changed() => if stopped.is_err() { return },
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Logs the first failure in a row.
    fn note(&self, failure: Option<&AppError>, trouble: &mut bool) {
        if let Some(error) = failure
            && !*trouble
        {
            tracing::error!(%error, "witnesses could not be asked");
        }
        *trouble = failure.is_some();
    }

    /// Asks every witness whose turn it is, and waits for all of them.
    ///
    /// # Errors
    /// The store's, after every witness was asked.
    pub async fn once(&self) -> Result<Progress, JobError> {
        let Some((round, due)) = self.due().await? else { return Ok(Progress::Idle) };
        let mut asked = stream::iter(due).map(|row| self.one(row, &round)).buffer_unordered(AT_ONCE);
        let (mut done, mut failure) = (0, None);
        while let Some(outcome) = asked.next().await {
            match outcome {
                Ok(()) => done += 1,
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(Progress::of(done)), |error| Err(error.into()))
    }

    /// The round, and whose turn it is among those who can be reached.
    async fn due(&self) -> Result<Option<(RoundRow, Vec<WitnessRow>)>, AppError> {
        let keys: Vec<_> = self.outside.iter().map(|witness| witness.key.clone()).collect();
        witnesses::configured(&self.app, &keys).await?;
        let Some((round, due)) = witnesses::newest_round(&self.app).await? else { return Ok(None) };
        let (reached, away): (Vec<_>, Vec<_>) = due.into_iter().partition(|row| self.is_reached(row));
        for row in &away {
            witnesses::unreached(&self.app, row).await?;
        }
        Ok(Some((round, reached)))
    }

    fn is_reached(&self, row: &WitnessRow) -> bool {
        match row.bank {
            Some(bank) => self.app.live().bank(bank).online,
            None => self.outside.iter().any(|witness| witness.key.name().as_str() == row.name),
        }
    }

    /// Asks once, and once more if the witness says it stands elsewhere than the platform thought.
    async fn one(&self, row: WitnessRow, round: &RoundRow) -> Result<(), AppError> {
        witnesses::asked(&self.app, &row.name).await?;
        let mut old = row.size.min(round.size);
        for is_last in [false, true] {
            let Some(answered) = self.exchange(&row, round, old).await? else {
                return witnesses::unanswered(&self.app, &row).await;
            };
            let have = size_line(&answered.body).filter(|_| answered.status == 409);
            match (answered.status, have) {
                (200, _) => return witnesses::cosigned(&self.app, &row, round, &answered.body).await,
                (409, Some(have))
                    if have <= round.size && have != old && !is_last && answered.held.is_none() =>
                {
                    witnesses::stands_at(&self.app, &row.name, have).await?;
                    old = have;
                }
                (408 | 425 | 429 | 500.., _) => return witnesses::unanswered(&self.app, &row).await,
                (status, have) => {
                    let reason = reason(status, have, round.size, answered.held.as_ref());
                    let held = match answered.held {
                        Some(held) => Some(held),
                        None => self.held_outside(&row, reason).await,
                    };
                    return witnesses::refused(&self.app, &row, round, reason, held).await;
                }
            }
        }
        Ok(())
    }

    /// What a witness of others had cosigned, if it refuses the log and serves that: a checkpoint our own key signed.
    async fn held_outside(&self, row: &WitnessRow, reason: &str) -> Option<Held> {
        if row.bank.is_some() || !matches!(reason, "fork" | "shrink" | "gap") || row.refusal == reason {
            return None;
        }
        let outside = self.outside.iter().find(|witness| witness.key.name().as_str() == row.name)?;
        let key: VerifyingKey = self.log_key.parse().ok()?;
        let kept = outside.last(key.name().as_str()).await.ok()?;
        Checkpoint::open(&kept, &key).ok()?;
        let kept = String::from_utf8(kept).ok()?;
        Some(Held { misconduct: reason.to_owned(), kept })
    }

    /// `None` when no answer came.
    async fn exchange(
        &self,
        row: &WitnessRow,
        round: &RoundRow,
        old: u64,
    ) -> Result<Option<Answered>, AppError> {
        let proof = witnesses::proof(&self.app, old, round.size).await?;
        let damaged = |_| AppError::Damaged { what: "witness_round.checkpoint" };
        let note = Note::parse(round.checkpoint.as_bytes()).map_err(damaged)?;
        let request = AddCheckpoint { old_size: old, proof, note }.to_string();
        if let Some(bank) = row.bank {
            let cosign =
                Cosign { size: round.size, log_key: self.log_key.clone(), request: request.into_bytes() };
            let answer = self.ask.cosign(bank, cosign, self.app.now().plus_ms(DEADLINE_MS)).await;
            return Ok(answer.ok().map(of_bank));
        }
        let outside = self.outside.iter().find(|witness| witness.key.name().as_str() == row.name);
        let Some(outside) = outside else { return Ok(None) };
        match outside.submit(request).await {
            Ok((status, body)) => Ok(Some(Answered { status, body, held: None })),
            Err(why) => {
                tracing::info!(witness = row.name, why, "the witness did not answer");
                Ok(None)
            }
        }
    }
}

fn of_bank(witnessed: Witnessed) -> Answered {
    let word = |misconduct| match misconduct {
        Misconduct::Fork => "fork",
        Misconduct::Shrink => "shrink",
        Misconduct::Gap => "gap",
    };
    let held = witnessed.misconduct.map(|misconduct| Held {
        misconduct: word(misconduct).to_owned(),
        kept: String::from_utf8_lossy(&witnessed.kept).into_owned(),
    });
    Answered { status: witnessed.status, body: witnessed.body, held }
}

fn size_line(body: &[u8]) -> Option<u64> {
    std::str::from_utf8(body).ok()?.strip_suffix('\n')?.parse().ok()
}

/// In short stable words; the portal has a sentence for each.
fn reason(status: u16, have: Option<u64>, size: u64, held: Option<&Held>) -> &'static str {
    match (held.map(|held| held.misconduct.as_str()), status, have) {
        (Some("fork"), ..) => "fork",
        (Some("shrink"), ..) => "shrink",
        (Some(_), ..) => "gap",
        (None, 409, Some(have)) if have > size => "shrink",
        (None, 409, Some(have)) if have == size => "fork",
        (None, 409, _) => "wrong-size",
        (None, 404, _) => "unknown-log",
        (None, 403, _) => "not-signed",
        (None, 422, _) => "gap",
        _ => "not-understood",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_words() {
        let held = Held { misconduct: "shrink".to_owned(), kept: String::new() };
        assert_eq!(reason(409, Some(30), 20, None), "shrink");
        assert_eq!(reason(409, Some(20), 20, None), "fork");
        assert_eq!(reason(409, None, 20, None), "wrong-size");
        assert_eq!(reason(400, None, 20, Some(&held)), "shrink");
        assert_eq!(reason(422, None, 20, None), "gap");
        assert_eq!(reason(418, None, 20, None), "not-understood");
    }

    #[test]
    fn a_size_is_a_line_of_digits() {
        assert_eq!(size_line(b"12\n"), Some(12));
        for bad in [&b"12"[..], b"-1\n", b"\n", b"12\n\n", b"x\n", b"\xff\n", b"99999999999999999999\n"] {
            assert_eq!(size_line(bad), None);
        }
    }
}
