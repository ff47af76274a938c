//! Who vouches for the log: banks and witnesses of others, what they cosigned, and what they refused and why.
//!
//! The platform asks all of them to cosign the same checkpoint, a *round*, and publishes its log with what came back. It
//! cannot make a witness cosign: a refusal is an event and an alert. Asking is `jobs::witnesses`'s; start at [`newest_round`]
//! and [`published`].

mod publish;
mod refusals;

use bailee_audit::cosignature::CosignerKey;
use bailee_audit::note::{Note, NoteSignature};
use bailee_audit::policy::{CLOCK_TOLERANCE_S, Policy};
use bailee_domain::access::{Permission, Scope};
use bailee_domain::id::BankId;
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::WallTime;

use super::{App, AppError, Change, LiveChange, Principal};
use crate::ledger::LedgerError;
use crate::store::Tx;
use crate::store::tables::witness::{self, CosignatureRow, RoundRow, WitnessRow};
use crate::store::tables::witness_evidence::{self, EvidenceRow};

pub use publish::{cosigned_checkpoint, keys, published, suggested_policy, witnessed, worth_waiting};
use refusals::refuse;
pub use refusals::{Which, evidence, refused, unanswered, unreached};

/// A new round begins this long after the last one, if the log has grown, in milliseconds.
pub const ROUND_MS: i64 = 15_000;
/// A witness is asked again for a checkpoint it has cosigned after this time, so that its word stays fresh.
pub const REFRESH_MS: i64 = 600_000;
/// A witness that cosigned within this time is current, if it cosigned all but the last minute's entries.
pub const CURRENT_MS: i64 = 2 * REFRESH_MS;
/// A witness that leaves questions unanswered for this long is silent: an alert.
pub const SILENT_MS: i64 = 600_000;

/// What a witness holds against the log, with the checkpoint it had cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// `fork`, `shrink` or `gap`.
    pub misconduct: String,
    /// The checkpoint it had cosigned.
    pub kept: String,
}

/// The witnesses as a page shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Size of the log now.
    pub size: u64,
    /// Every witness.
    pub witnesses: Vec<WitnessRow>,
    /// Size of the newest checkpoint a quorum cosigned.
    pub witnessed: Option<u64>,
    /// The newest evidence against the log.
    pub evidence: Vec<EvidenceRow>,
}

/// A bank said with which key it cosigns. Another key than before is a witness that lost its memory, or another machine.
///
/// # Errors
/// The store's.
pub async fn announced(app: &App, bank: BankId, vkey: &str) -> Result<(), AppError> {
    let Ok(key) = vkey.parse::<CosignerKey>() else {
        tracing::warn!(%bank, "the bank's cosigning key cannot be read");
        return Ok(());
    };
    if key.name().as_str() != format!("bailee/{bank}") {
        tracing::warn!(%bank, name = %key.name(), "the bank's cosigning key has another's name");
        return Ok(());
    }
    name(app, Actor::Bank(bank), &key, Some(bank)).await
}

/// Notes which witnesses of others are configured, and forgets those that are not any more.
///
/// # Errors
/// The store's.
pub async fn configured(app: &App, keys: &[CosignerKey]) -> Result<(), AppError> {
    let log = app.log_id().to_owned();
    let read = {
        let log = log.clone();
        async move |tx: Tx| Ok::<_, AppError>(witness::all(&tx, &log).await?)
    };
    let known = app.db().read(read).await?;
    let is_configured = |row: &WitnessRow| keys.iter().any(|key| key.name().as_str() == row.name);
    let gone: Vec<String> = known
        .into_iter()
        .filter(|row| row.bank.is_none() && !is_configured(row))
        .map(|row| row.name)
        .collect();
    if !gone.is_empty() {
        let forget = async move |tx: Tx| {
            for name in &gone {
                witness::remove(&tx, &log, name).await?;
            }
            Ok::<_, AppError>(())
        };
        app.db().tx(forget).await?;
    }
    for key in keys {
        name(app, Actor::Platform, key, None).await?;
    }
    Ok(())
}

/// Names a witness in the log, unless it is named with this key already. It is asked once its entry is there, so that no
/// checkpoint is published with a cosignature of somebody its own entries do not name.
async fn name(app: &App, actor: Actor, key: &CosignerKey, bank: Option<BankId>) -> Result<(), AppError> {
    let (log, name, vkey) = (app.log_id().to_owned(), key.name().to_string(), key.to_string());
    let is_named = |known: &Option<(String, bool)>, vkey: &str| {
        known.as_ref().is_some_and(|(known, is_named)| known == vkey && *is_named)
    };
    let read = {
        let (log, name) = (log.clone(), name.clone());
        async move |tx: Tx| Ok::<_, AppError>(witness::known(&tx, &log, &name).await?)
    };
    if is_named(&app.db().read(read).await?, &vkey) {
        return Ok(());
    }
    let this = app.clone();
    app.change(actor, async move |change: &Change| {
        let before = witness::known(&change.tx, &log, &name).await?;
        if is_named(&before, &vkey) {
            return Ok(());
        }
        let row = change.event_row(PlatformEventKind::WitnessNamed { witness: vkey.clone() }).await?;
        witness::put(&change.tx, &log, (&name, &vkey), bank, row).await?;
        if bank.is_some() && before.is_some_and(|(known, _)| known != vkey) {
            refuse(&this, change, (&name, bank), 0, "key-changed").await?;
        }
        Ok(())
    })
    .await
}

/// The witnesses whose turn it is, and the round they are to cosign; a new one is opened when the log has grown and the
/// last is old enough.
///
/// # Errors
/// The store's, or the ledger's.
pub async fn newest_round(app: &App) -> Result<Option<(RoundRow, Vec<WitnessRow>)>, AppError> {
    let (log, now) = (app.log_id().to_owned(), app.now());
    let checkpoint = checkpoint(app).await?;
    let size = size_of(&checkpoint);
    let read = {
        let log = log.clone();
        async move |tx: Tx| {
            let rounds = witness::rounds(&tx, &log).await?;
            Ok::<_, AppError>((rounds.into_iter().next(), witness::all(&tx, &log).await?))
        }
    };
    let (last, witnesses) = app.db().read(read).await?;
    let is_named_below = |row: &WitnessRow, size: u64| row.named_at.is_some_and(|at| at < size);
    if !witnesses.iter().any(|row| is_named_below(row, size)) {
        return Ok(None);
    }
    let is_open = |round: &RoundRow| {
        round.size <= size
            && (round.checkpoint == checkpoint
                || (round.size < size && now.since_ms(round.opened_at) < ROUND_MS))
    };
    let round = match last.filter(is_open) {
        Some(round) => round,
        None => {
            let round = RoundRow { size, checkpoint, opened_at: now };
            let opened = round.clone();
            let open = async move |tx: Tx| Ok::<_, AppError>(witness::open_round(&tx, &log, &opened).await?);
            app.db().tx(open).await?;
            round
        }
    };
    let due = witnesses.into_iter().filter(|row| is_due(row, &round, now)).collect();
    Ok(Some((round, due)))
}

fn is_due(row: &WitnessRow, round: &RoundRow, now: WallTime) -> bool {
    let rested = row.asked_at.is_none_or(|at| now.since_ms(at) >= ROUND_MS);
    let is_fresh = row.cosigned_at.is_some_and(|at| now.since_ms(at) < REFRESH_MS);
    let is_named = row.named_at.is_some_and(|at| at < round.size);
    is_named && rested && !(row.size == round.size && is_fresh && row.refusal.is_empty())
}

/// Notes that a witness is being asked.
///
/// # Errors
/// The store's.
pub async fn asked(app: &App, name: &str) -> Result<(), AppError> {
    let (log, name, now) = (app.log_id().to_owned(), name.to_owned(), app.now());
    app.db().tx(async move |tx| Ok(witness::asked(&tx, &log, &name, now).await?)).await
}

/// Takes a witness's answer of status 200: of its lines, the one that is its own and good for this round.
///
/// # Errors
/// The store's. A line that is not good is a refusal.
pub async fn cosigned(app: &App, row: &WitnessRow, round: &RoundRow, body: &[u8]) -> Result<(), AppError> {
    let Some((line, time_s)) = own_line(row, round, body) else {
        return refused(app, row, round, "wrong-cosignature", None).await;
    };
    // Published, it would make everybody who demands this witness refuse the log.
    let now_s = u64::try_from(app.now().unix_ms() / 1_000).unwrap_or(0);
    if time_s > now_s.saturating_add(CLOCK_TOLERANCE_S) {
        return refused(app, row, round, "clock-ahead", None).await;
    }
    let (log, now, size) = (app.log_id().to_owned(), app.now(), round.size);
    let new = CosignatureRow { name: row.name.clone(), line: line.to_string() };
    app.db()
        .tx(async move |tx| Ok::<_, AppError>(witness::cosigned(&tx, &log, size, (&new, time_s), now).await?))
        .await?;
    app.live().tell(LiveChange::Log);
    Ok(())
}

/// Lines of other keys are ignored, as the protocol wants it; a wrong one of its own counts for nothing.
fn own_line(row: &WitnessRow, round: &RoundRow, body: &[u8]) -> Option<(NoteSignature, u64)> {
    let key: CosignerKey = row.vkey.parse().ok()?;
    let note = Note::parse(round.checkpoint.as_bytes()).ok()?;
    let lines = std::str::from_utf8(body).ok()?.lines().filter_map(NoteSignature::parse);
    let own = lines.filter(|line| key.is_of(line)).map(|line| (key.time_of(note.text(), &line), line));
    own.filter_map(|(time, line)| Some((line, time.ok().filter(|time| *time > 0)?))).next()
}

/// Notes the size a witness says it last cosigned.
///
/// # Errors
/// The store's.
pub async fn stands_at(app: &App, name: &str, size: u64) -> Result<(), AppError> {
    let (log, name) = (app.log_id().to_owned(), name.to_owned());
    app.db().tx(async move |tx| Ok(witness::stands_at(&tx, &log, &name, size).await?)).await
}

/// The witnesses, for those who may read the log.
///
/// # Errors
/// [`super::Refused::NotAllowed`]; the store's.
pub async fn overview(
    app: &App,
    principal: &Principal,
    policy: Option<&Policy>,
) -> Result<Overview, AppError> {
    app.authorise(principal, Permission::ViewLog, Scope::Organisation, None).await?;
    let log = app.log_id().to_owned();
    let read = async move |tx: Tx| {
        let witnesses = witness::all(&tx, &log).await?;
        Ok::<_, AppError>((witnesses, witness_evidence::newest(&tx, &log, 20).await?))
    };
    let (witnesses, evidence) = app.db().read(read).await?;
    let size = size_of(&checkpoint(app).await?);
    let witnessed = witnessed(app, policy).await.map_err(store_failed)?.map(|note| size_of(&note));
    Ok(Overview { size, witnesses, witnessed, evidence })
}

/// Whether a witness leaves questions unanswered for too long.
#[must_use]
pub fn is_silent(row: &WitnessRow, now: WallTime) -> bool {
    row.unanswered_since.is_some_and(|since| now.since_ms(since) >= SILENT_MS)
}

/// Whether a witness is current: it cosigned lately and refuses nothing.
#[must_use]
pub fn is_current(row: &WitnessRow, now: WallTime) -> bool {
    row.refusal.is_empty()
        && !is_silent(row, now)
        && row.cosigned_at.is_some_and(|at| now.since_ms(at) < CURRENT_MS)
}

async fn checkpoint(app: &App) -> Result<String, AppError> {
    app.ledger().reader().checkpoint().await.map_err(store_failed)
}

/// The proof that the log of `new` entries begins with the one of `old`.
///
/// # Errors
/// The store's.
pub async fn proof(app: &App, old: u64, new: u64) -> Result<Vec<bailee_audit::Hash>, AppError> {
    app.ledger().reader().consistency_proof(old, new).await.map_err(store_failed)
}

fn store_failed(error: LedgerError) -> AppError {
    match error {
        LedgerError::Store(error) => AppError::Store(error),
        _ => AppError::Damaged { what: "the custody log" },
    }
}

fn size_of(checkpoint: &str) -> u64 {
    checkpoint.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0)
}

fn text_of(checkpoint: &str) -> &str {
    checkpoint.split_once("\n\n").map_or(checkpoint, |(text, _)| text)
}
