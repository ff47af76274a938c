//! What an event of a bank means for the platform's own state.

use bailee_domain::event::{Deposit, Event, EventKind, Severity};
use bailee_domain::id::{BankId, GrantId, ParcelId};
use bailee_domain::parcel::Parcel;
use bailee_domain::platform::Actor;

use super::super::alarm::{self, Alarm};
use super::super::{App, AppError, Change, codes, people};
use super::Checked;
use crate::store::tables::bank::BankRow;
use crate::store::tables::log_index::{self, Indexed};
use crate::store::tables::{bank, code, event, parcel};

/// Stores one new event and everything that follows from it.
pub(super) async fn follow(
    app: &App,
    change: &Change,
    bank: &BankRow,
    checked: &Checked<'_>,
) -> Result<(), AppError> {
    let happened = &checked.event;
    let line = line(change, bank.id, happened).await?;
    event::append_bank(&change.tx, change.org, (bank.id, happened.seq), (checked.bytes, line), change.at)
        .await?;
    match &happened.kind {
        EventKind::ParcelDeposited(deposit) => deposited(app, change, bank.id, happened, deposit).await?,
        EventKind::ParcelCollected { grant, .. } => {
            after(change, bank.id, *grant, happened).await?;
            codes::close(change, bank.id, *grant).await?;
        }
        EventKind::GrantArmed { grant, generation, .. } => {
            after(change, bank.id, *grant, happened).await?;
            codes::armed(app, change, (bank.id, *grant), *generation).await?;
            catch_up(change, bank.id, *grant, *generation).await?;
        }
        EventKind::GrantExpired { grant, .. } => expired(change, bank.id, *grant, happened).await?,
        EventKind::GrantRevoked { grant } => codes::close(change, bank.id, *grant).await?,
        EventKind::RosterTaken { revision } => {
            bank::roster_taken(&change.tx, bank.id, *revision).await?;
            bank::roster_beyond(&change.tx, change.org, *revision).await?;
        }
        _ => {}
    }
    alarm(app, change, bank.id, happened).await
}

/// The event's line in the index, with the parcel that its compartment or opening leads to.
async fn line(change: &Change, bank: BankId, happened: &Event) -> Result<Indexed, AppError> {
    let mut line = Indexed::of_bank(bank, happened);
    if line.parcel.is_none() {
        line.parcel = parcel_of(change, bank, &happened.kind).await?;
    }
    Ok(line)
}

async fn parcel_of(change: &Change, bank: BankId, kind: &EventKind) -> Result<Option<ParcelId>, AppError> {
    match kind {
        EventKind::CompartmentOpened { opening, .. } | EventKind::CompartmentDidNotOpen { opening, .. } => {
            log_index::parcel_of_opening(&change.tx, bank, *opening).await
        }
        EventKind::CompartmentForced { compartment } | EventKind::CompartmentFoundOpen { compartment } => {
            let lying = parcel::lying_in(&change.tx, bank, *compartment).await?;
            Ok(lying.map(|parcel| parcel.id))
        }
        EventKind::CompartmentClosed { compartment }
        | EventKind::CompartmentHeldOpen { compartment }
        | EventKind::ProblemReported { compartment, .. } => {
            log_index::last_parcel_at(&change.tx, bank, *compartment).await
        }
        _ => Ok(None),
    }
}

async fn deposited(
    app: &App,
    change: &Change,
    bank: BankId,
    happened: &Event,
    deposit: &Deposit,
) -> Result<(), AppError> {
    let new = Parcel::deposited(bank, happened.at, deposit);
    if !parcel::insert(&change.tx, change.org, &new).await? {
        return raise(app, change, bank, happened, alarm::PARCEL_CONFLICT).await;
    }
    // Deleted while the bank could not be told: the parcel is there all the same, and staff must see to it.
    if people::contact(app, &change.tx, deposit.recipient).await?.is_none() {
        return raise(app, change, bank, happened, alarm::RECIPIENT_UNKNOWN).await;
    }
    codes::order(change, (bank, deposit.grant), (1, deposit.expires), Actor::Platform).await
}

async fn after(change: &Change, bank: BankId, grant: GrantId, happened: &Event) -> Result<(), AppError> {
    match parcel::by_grant(&change.tx, bank, grant).await? {
        Some(parcel) => parcel::update(&change.tx, &parcel.after(happened)).await,
        None => Ok(()),
    }
}

/// Keeps the count of generations not behind the bank's, as it is after a restore from an old backup.
async fn catch_up(change: &Change, bank: BankId, grant: GrantId, generation: u8) -> Result<(), AppError> {
    match code::of_grant(&change.tx, bank, grant).await? {
        Some(mut order) if order.generation < generation => {
            order.generation = generation;
            order.state = code::OrderState::Armed;
            code::put(&change.tx, &order).await
        }
        _ => Ok(()),
    }
}

/// The code is dead, unless more time was ordered in the meantime.
async fn expired(change: &Change, bank: BankId, grant: GrantId, happened: &Event) -> Result<(), AppError> {
    match code::of_grant(&change.tx, bank, grant).await? {
        Some(order) if order.expires > happened.at => Ok(()),
        _ => codes::close(change, bank, grant).await,
    }
}

/// Raises the alert of an event that is an alarm.
pub(super) async fn alarm(
    app: &App,
    change: &Change,
    bank: BankId,
    happened: &Event,
) -> Result<(), AppError> {
    if happened.kind.severity() != Severity::Alarm {
        return Ok(());
    }
    let kind = Indexed::of_bank(bank, happened).kind;
    raise(app, change, bank, happened, &kind).await
}

async fn raise(
    app: &App,
    change: &Change,
    bank: BankId,
    happened: &Event,
    kind: &str,
) -> Result<(), AppError> {
    let alarm = Alarm {
        bank,
        kind: kind.to_owned(),
        compartment: match &happened.kind {
            EventKind::ParcelDeposited(deposit) => Some(deposit.compartment),
            kind => kind.compartment(),
        },
        event_seq: Some(happened.seq),
        at: happened.at,
    };
    alarm::raise(app, change, &alarm).await.map(|_| ())
}
