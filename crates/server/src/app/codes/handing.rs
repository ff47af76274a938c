//! Handing made codes to their bank, and what its answer means.

use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::id::BankId;
use bailee_domain::platform::Actor;

use super::{armed, close, needs_a_person};
use crate::app::link::Ask;
use crate::app::{App, AppError, Change, LiveChange, alarm};
use crate::store::tables::code::{CodeOrder, OrderState};
use crate::store::tables::{code, parcel};

/// How long a bank may take to arm a code, in milliseconds.
const ARM_MS: i64 = 10_000;
/// Codes handed to one bank in one run.
const AT_ONCE: u32 = 32;

/// The banks for which codes are made and not armed.
///
/// # Errors
/// The store's.
pub(crate) async fn banks_waiting(app: &App) -> Result<Vec<BankId>, AppError> {
    app.db().read(async move |tx| code::banks_waiting(&tx).await).await
}

/// Has one bank arm the codes made for it, one after the other, until it does not answer; returns how many orders moved on.
///
/// # Errors
/// The store's.
pub(crate) async fn hand_over(app: &App, ask: &dyn Ask, id: BankId) -> Result<usize, AppError> {
    let orders: Vec<CodeOrder> = app.db().read(async move |tx| code::made(&tx, id, AT_ONCE).await).await?;
    let (mut done, mut failure) = (0, None);
    for order in orders {
        let OrderState::Made { verifier, .. } = order.state else { continue };
        let CodeOrder { grant, generation, expires, .. } = order;
        let request = Request::Arm { grant, generation, verifier, expires };
        let Ok(answer) = ask.ask(id, request, app.now().plus_ms(ARM_MS)).await else { break };
        match answered(app, order, answer).await {
            Ok(moved) => done += usize::from(moved),
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(done), Err)
}

/// Follows up what a bank said to a code; tells whether the order moved on.
async fn answered(app: &App, order: CodeOrder, answer: Answer) -> Result<bool, AppError> {
    let this = app.clone();
    let at = (order.bank, order.grant);
    let moved = app
        .change(Actor::Platform, async move |change: &Change| match answer {
            Answer::Done => armed(&this, change, at, order.generation).await.map(|()| true),
            Answer::TooLate => Ok(false),
            Answer::NoSuchGrant => close(change, order.bank, order.grant).await.map(|()| true),
            Answer::Superseded => superseded(change, &order).await.map(|()| true),
            // The others are answers to other requests.
            _ => not_taken(&this, change, &order).await.map(|()| true),
        })
        .await?;
    app.live().tell(LiveChange::Parcels);
    Ok(moved)
}

/// The bank has that generation with another code, or a newer one, as it is after the platform was restored from a
/// backup: nobody is told a code that may not open, a newer one is made.
async fn superseded(change: &Change, order: &CodeOrder) -> Result<(), AppError> {
    match order.generation.checked_add(1) {
        Some(generation) => {
            let (bank, grant) = (order.bank, order.grant);
            super::order(change, (bank, grant), (generation, order.expires), order.ordered_by).await
        }
        None => close(change, order.bank, order.grant).await,
    }
}

async fn not_taken(app: &App, change: &Change, order: &CodeOrder) -> Result<(), AppError> {
    close(change, order.bank, order.grant).await?;
    match parcel::by_grant(&change.tx, order.bank, order.grant).await? {
        Some(parcel) => needs_a_person(app, change, &parcel, alarm::CODE_NOT_TAKEN).await,
        None => Ok(()),
    }
}
