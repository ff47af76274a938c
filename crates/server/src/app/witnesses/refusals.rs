//! Witnesses that refuse the log or fall silent: the event, the alert, and the evidence that is kept.

use bailee_domain::access::{Permission, Scope};
use bailee_domain::id::BankId;
use bailee_domain::platform::{Actor, PlatformEventKind};

use super::super::alarm::{self, About, Alarm};
use super::super::{App, AppError, Change, LiveChange, Principal, Refused};
use super::{Held, SILENT_MS};
use crate::store::tables::witness::{self, RoundRow, WitnessRow};
use crate::store::tables::witness_evidence::{self, EvidenceRow};

/// Notes a refusal with its evidence. The first since the witness last cosigned is an event and an alert.
///
/// # Errors
/// The store's.
pub async fn refused(
    app: &App,
    row: &WitnessRow,
    round: &RoundRow,
    reason: &str,
    held: Option<Held>,
) -> Result<(), AppError> {
    let (this, log, row, round) = (app.clone(), app.log_id().to_owned(), row.clone(), round.clone());
    let reason = reason.to_owned();
    let actor = row.bank.map_or(Actor::Platform, Actor::Bank);
    app.change(actor, async move |change: &Change| {
        if let Some(Held { misconduct, kept }) = &held {
            let (name, shown) = (row.name.clone(), round.checkpoint.clone());
            let (misconduct, kept) = (misconduct.clone(), kept.clone());
            let evidence = EvidenceRow { id: 0, name, misconduct, at: change.at, kept, shown };
            witness_evidence::keep(&change.tx, &log, &evidence).await?;
        }
        refuse(&this, change, (&row.name, row.bank), round.size, &reason).await
    })
    .await?;
    app.live().tell(LiveChange::Alerts);
    Ok(())
}

pub(super) async fn refuse(
    app: &App,
    change: &Change,
    (name, bank): (&str, Option<BankId>),
    size: u64,
    reason: &str,
) -> Result<(), AppError> {
    tracing::warn!(witness = name, size, reason, "a witness does not cosign the log");
    if !witness::refused(&change.tx, app.log_id(), name, reason, change.at).await? {
        return Ok(());
    }
    let (witness, reason) = (name.to_owned(), reason.to_owned());
    change.event(PlatformEventKind::WitnessRefused { witness, size, reason }).await?;
    raise(app, change, (name, bank), alarm::WITNESS_REFUSED).await
}

async fn raise(
    app: &App,
    change: &Change,
    (name, bank): (&str, Option<BankId>),
    kind: &str,
) -> Result<(), AppError> {
    let about = bank.map_or_else(|| About::Witness(name.to_owned()), About::Bank);
    let alarm = Alarm { about, kind: kind.to_owned(), compartment: None, event_seq: None, at: change.at };
    alarm::raise(app, change, &alarm).await.map(|_| ())
}

/// Notes that a witness was asked and said nothing of use. Ten minutes of that are an alert, once until it answers: a platform
/// that nobody watches any more looks just like one that keeps its witnesses away.
///
/// # Errors
/// The store's.
pub async fn unanswered(app: &App, row: &WitnessRow) -> Result<(), AppError> {
    let since = row.unanswered_since.unwrap_or(app.now());
    let before = row.asked_at.unwrap_or(since);
    // The question before this one came before the ten minutes were over, so nobody was told yet.
    if app.now().since_ms(since) < SILENT_MS || before.since_ms(since) >= SILENT_MS {
        return Ok(());
    }
    let (this, name, bank) = (app.clone(), row.name.clone(), row.bank);
    tracing::warn!(witness = name, "a witness has not answered for ten minutes");
    let told = async move |change: &Change| raise(&this, change, (&name, bank), alarm::WITNESS_SILENT).await;
    app.change(Actor::Platform, told).await?;
    app.live().tell(LiveChange::Alerts);
    Ok(())
}

/// Notes that nobody can ask the witness now: a bank without a link has an alert of its own.
///
/// # Errors
/// The store's.
pub async fn unreached(app: &App, row: &WitnessRow) -> Result<(), AppError> {
    if row.unanswered_since.is_none() {
        return Ok(());
    }
    let (log, name) = (app.log_id().to_owned(), row.name.clone());
    app.db().tx(async move |tx| Ok(witness::unreached(&tx, &log, &name).await?)).await
}

/// Which of the two checkpoints that do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one the witness had cosigned.
    Kept,
    /// The one it refused.
    Shown,
}

/// One checkpoint of the evidence, with a name for its file.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`]; the store's.
pub async fn evidence(
    app: &App,
    principal: &Principal,
    id: i64,
    which: Which,
) -> Result<(String, String), AppError> {
    app.authorise(principal, Permission::ViewLog, Scope::Organisation, None).await?;
    let log = app.log_id().to_owned();
    let read = async move |tx| Ok::<_, AppError>(witness_evidence::by_id(&tx, &log, id).await?);
    let found = app.db().read(read).await?.ok_or(Refused::NotFound)?;
    let (word, note) = match which {
        Which::Kept => ("kept", found.kept),
        Which::Shown => ("shown", found.shown),
    };
    Ok((format!("{}-{id}.{word}.note", found.misconduct), note))
}
