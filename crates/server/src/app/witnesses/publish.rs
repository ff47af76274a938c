//! The log's checkpoints with the cosignatures there are, and a policy that names those who made them.

use bailee_audit::policy::Policy;
use bailee_domain::time::WallTime;

use super::super::{App, AppError};
use super::{ROUND_MS, is_current, size_of, text_of};
use crate::ledger::LedgerError;
use crate::store::tables::witness::{self, CosignatureRow, WitnessRow};
use crate::store::{StoreError, Tx};

/// A witness not heard for this long does not count among those of which a majority is wanted.
const ACTIVE_MS: i64 = 86_400_000;
/// Most cosignatures published with one checkpoint; with the log's own signature well below what a note may have.
const MAX_PUBLISHED: usize = 64;

/// The log's newest checkpoint with the cosignatures there are for exactly that one, the log's signature first.
///
/// # Errors
/// The store's, or the ledger's.
pub async fn published(app: &App) -> Result<String, LedgerError> {
    let checkpoint = app.ledger().reader().checkpoint().await?;
    let (log, size) = (app.log_id().to_owned(), size_of(&checkpoint));
    let read = async move |tx: Tx| {
        let round = witness::rounds(&tx, &log).await?.into_iter().find(|round| round.size == size);
        Ok::<_, LedgerError>((round, witness::of_round(&tx, &log, size).await?))
    };
    let (round, lines) = app.db().read(read).await?;
    match round {
        Some(round) if text_of(&round.checkpoint) == text_of(&checkpoint) => Ok(with(&checkpoint, &lines)),
        _ => Ok(checkpoint),
    }
}

/// The checkpoint to prove an entry with: of those that cover it the one most witnesses cosigned, the newest of these, with its
/// cosignatures; `None` while no witness has cosigned one.
///
/// # Errors
/// The store's.
pub async fn cosigned_checkpoint(app: &App, entry: u64) -> Result<Option<String>, StoreError> {
    let log = app.log_id().to_owned();
    let read = async move |tx: Tx| {
        let Some(round) = witness::best_round(&tx, &log, entry).await? else { return Ok(None) };
        let lines = witness::of_round(&tx, &log, round.size).await?;
        Ok::<_, StoreError>(Some(with(&round.checkpoint, &lines)))
    };
    app.db().read(read).await
}

/// Whether an entry of a time is so new that witnesses who answer have not cosigned it yet, and soon will.
///
/// # Errors
/// The store's.
pub async fn worth_waiting(app: &App, (entry, at): (u64, WallTime)) -> Result<bool, AppError> {
    let (log, now) = (app.log_id().to_owned(), app.now());
    if now.since_ms(at) >= 2 * ROUND_MS {
        return Ok(false);
    }
    let read = async move |tx: Tx| {
        let covered = witness::best_round(&tx, &log, entry).await?.is_some();
        Ok::<_, AppError>(!covered && witness::all(&tx, &log).await?.iter().any(|row| is_current(row, now)))
    };
    app.db().read(read).await
}

/// The newest checkpoint that a quorum has cosigned: the policy's where there is one, otherwise more than half of the
/// witnesses heard within a day. Older than the newest by seconds, while the witnesses are reached.
///
/// # Errors
/// The store's.
pub async fn witnessed(app: &App, policy: Option<&Policy>) -> Result<Option<String>, LedgerError> {
    let (log, now) = (app.log_id().to_owned(), app.now());
    let read = async move |tx: Tx| {
        let witnesses = witness::all(&tx, &log).await?;
        let mut rounds = Vec::new();
        for round in witness::rounds(&tx, &log).await? {
            let lines = witness::of_round(&tx, &log, round.size).await?;
            rounds.push((round, lines));
        }
        Ok::<_, LedgerError>((witnesses, rounds))
    };
    let (witnesses, rounds) = app.db().read(read).await?;
    let heard = |row: &&WitnessRow| row.cosigned_at.is_some_and(|at| now.since_ms(at) < ACTIVE_MS);
    let majority = witnesses.iter().filter(heard).count() / 2 + 1;
    let seconds = u64::try_from(now.unix_ms() / 1_000).unwrap_or(0);
    for (round, lines) in rounds {
        let note = with(&round.checkpoint, &lines);
        let is_enough = match policy {
            Some(policy) => policy.check(note.as_bytes(), seconds).is_ok(),
            None => lines.len() >= majority,
        };
        if is_enough {
            return Ok(Some(note));
        }
    }
    Ok(None)
}

/// The verifier keys of the witnesses known here, at most [`MAX_PUBLISHED`], those that cosigned last first.
///
/// # Errors
/// The store's.
pub async fn keys(app: &App) -> Result<Vec<String>, AppError> {
    let log = app.log_id().to_owned();
    let read = async move |tx: Tx| Ok::<_, AppError>(witness::all(&tx, &log).await?);
    let mut known = app.db().read(read).await?;
    known.sort_by_key(|row| std::cmp::Reverse(row.cosigned_at));
    Ok(known.into_iter().take(MAX_PUBLISHED).map(|row| row.vkey).collect())
}

/// A policy with every witness known here, for others to copy and to judge: their keys are best asked of themselves.
///
/// # Errors
/// The store's.
pub async fn suggested_policy(app: &App, log_key: &str) -> Result<String, LedgerError> {
    let log = app.log_id().to_owned();
    let read = async move |tx: Tx| Ok::<_, LedgerError>(witness::all(&tx, &log).await?);
    let witnesses = app.db().read(read).await?;
    let mut text =
        format!("# As this platform says. Compare each key with the witness's own word.\nlog {log_key}\n");
    for row in &witnesses {
        text.push_str(&format!("witness {} {}\n", row.name, row.vkey));
    }
    if witnesses.is_empty() {
        text.push_str("quorum none\n");
    } else {
        let names: Vec<&str> = witnesses.iter().map(|row| row.name.as_str()).collect();
        text.push_str(&format!("group witnesses {} {}\n", names.len() / 2 + 1, names.join(" ")));
        text.push_str("quorum witnesses\n");
    }
    Ok(text)
}

fn with(checkpoint: &str, lines: &[CosignatureRow]) -> String {
    lines.iter().take(MAX_PUBLISHED).fold(checkpoint.to_owned(), |note, row| format!("{note}{}\n", row.line))
}
