//! Parcels as staff see and manage them. Nothing here moves a parcel or opens a door: banks do, and what they
//! tell arrives by `ingest`.

use bailee_domain::access::{Permission, Scope};
use bailee_domain::id::ParcelId;
use bailee_domain::parcel::{Custody, Parcel};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::WallTime;

use super::{App, AppError, Change, FieldError, LiveChange, Principal, Refused, banks, codes, people};
use crate::store::tables::bank::Place;
use crate::store::tables::code::{CodeOrder, OrderState};
use crate::store::tables::log_index::{self, LogFilter, LogOrder, LogRow};
use crate::store::tables::message::MessageRow;
use crate::store::tables::{bank, code, message, parcel};

pub use crate::store::tables::parcel::{ParcelFilter, ParcelState};

/// Most parcels on a page.
pub const MAX_PAGE: u32 = 200;
/// Most events shown of one parcel.
const MAX_CHAIN: u32 = 500;
/// Longest extension, in days.
pub const MAX_EXTENSION_DAYS: u16 = 30;
const DAY_MS: i64 = 86_400_000;

/// Which page of which parcels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListParcels {
    /// Which parcels.
    pub filter: ParcelFilter,
    /// The last parcel of the page before.
    pub before: Option<ParcelId>,
    /// How many, 1 to [`MAX_PAGE`].
    pub limit: u32,
}

/// A page of parcels, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParcelPage {
    /// The parcels.
    pub parcels: Vec<Parcel>,
    /// What to ask for next with [`ListParcels::before`]; `None` on the last page.
    pub next: Option<ParcelId>,
}

/// Lists the parcels the caller may see.
///
/// # Errors
/// [`Refused::NotAllowed`]; the store's.
pub async fn list(app: &App, principal: &Principal, input: ListParcels) -> Result<ParcelPage, AppError> {
    let (org, now, whose) = (app.org(), app.now(), principal.clone());
    let limit = input.limit.clamp(1, MAX_PAGE);
    let outcome = app
        .db()
        .read(async move |tx| {
            let visible = banks::visible(&tx, org, &whose, Permission::ViewParcels).await?;
            let (which, page) = ((&input.filter, now), (input.before, limit + 1));
            let mut parcels = parcel::list(&tx, org, which, page, visible.as_deref()).await?;
            let more = parcels.len() > limit as usize;
            parcels.truncate(limit as usize);
            let next = if more { parcels.last().map(|parcel| parcel.id) } else { None };
            Ok(ParcelPage { parcels, next })
        })
        .await;
    banks::noting_denial(app, principal, outcome).await
}

/// How many parcels lie in banks, and how many of them are past their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// In a bank.
    pub in_banks: u64,
    /// Of these, past their time.
    pub overdue: u64,
}

/// Counts the parcels that wait, in the whole organisation.
///
/// # Errors
/// [`Refused::NotAllowed`]; the store's.
pub async fn count_waiting(app: &App, principal: &Principal) -> Result<Waiting, AppError> {
    app.authorise(principal, Permission::ViewParcels, Scope::Organisation, None).await?;
    let (org, now) = (app.org(), app.now());
    let count = app.db().read(async move |tx| parcel::count_waiting(&tx, org, now).await).await;
    count.map(|(in_banks, overdue)| Waiting { in_banks, overdue })
}

/// How far the newest code of a parcel has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeStatus {
    /// It is ordered, and neither made nor at the bank.
    Ordered,
    /// The bank has not taken it yet.
    WaitingForBank,
    /// It opens the compartment.
    Live,
    /// No code opens the compartment any more.
    Ended,
}

/// A parcel with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParcelView {
    /// The parcel.
    pub parcel: Parcel,
    /// Whether its time is over.
    pub overdue: bool,
    /// The bank and its site.
    pub place: Place,
    /// How far its newest code has come; `None` when none was ever ordered.
    pub code: Option<CodeStatus>,
    /// What was or is to be said about it, oldest first; without what it says.
    pub messages: Vec<MessageRow>,
    /// Its chain of custody: its events, oldest first.
    pub chain: Vec<LogRow>,
}

/// Shows one parcel. Whose it is, is told as an opaque id; names are `people`'s, where looking is logged.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`]; the store's.
pub async fn view(app: &App, principal: &Principal, id: ParcelId) -> Result<ParcelView, AppError> {
    let (org, now, whose) = (app.org(), app.now(), principal.clone());
    let outcome = app
        .db()
        .read(async move |tx| {
            let parcel = parcel::by_id(&tx, org, id).await?.ok_or(Refused::NotFound)?;
            let place = bank::place(&tx, parcel.bank).await?.ok_or(Refused::NotFound)?;
            whose.require(Permission::ViewParcels, Scope::Bank(parcel.bank), Some(place.site))?;
            let code = code::of_grant(&tx, parcel.bank, parcel.grant).await?;
            let filter = LogFilter { parcel: Some(id), ..LogFilter::default() };
            let all = LogOrder::OldestFirst { after: 0, up_to: i64::MAX };
            Ok(ParcelView {
                parcel,
                overdue: parcel.overdue(now),
                place,
                code: code.map(|order| status(&order.state)),
                messages: message::about(&tx, id).await?,
                chain: log_index::list(&tx, org, &filter, all, (None, MAX_CHAIN)).await?,
            })
        })
        .await;
    banks::noting_denial(app, principal, outcome).await
}

const fn status(state: &OrderState) -> CodeStatus {
    match state {
        OrderState::Wanted => CodeStatus::Ordered,
        OrderState::Made { .. } => CodeStatus::WaitingForBank,
        OrderState::Armed => CodeStatus::Live,
        OrderState::Closed => CodeStatus::Ended,
    }
}

/// Has a new code made and sent; the old one works until the bank has the new one, and never after.
///
/// Asked for again before the bank has it, nothing more is ordered.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`], [`Refused::NotPossibleNow`] (`collected`, `overdue`: extend it
/// first, `recipient_unknown`, `too_many_codes`).
pub async fn send_again(app: &App, principal: &Principal, id: ParcelId) -> Result<(), AppError> {
    let (this, whose) = (app.clone(), principal.clone());
    let ordered = app.change(principal.actor, async move |change: &Change| {
        let parcel = managed(change, &whose, id).await?;
        if parcel.overdue(change.at) {
            return Err(Refused::NotPossibleNow { why: "overdue" }.into());
        }
        let order = code::of_grant(&change.tx, parcel.bank, parcel.grant).await?;
        let pending = |order: &CodeOrder| matches!(order.state, OrderState::Wanted | OrderState::Made { .. });
        if order.as_ref().is_some_and(pending) {
            return Ok(());
        }
        order_next(&this, change, &parcel, order.as_ref(), parcel.expires).await
    });
    banks::noting_denial(app, principal, ordered.await).await?;
    app.live().tell(LiveChange::Parcels);
    Ok(())
}

/// Gives the recipient more time, counted from now: a new code is made and sent, and the bank ends the old one.
///
/// # Errors
/// As [`send_again`]; [`Refused::Invalid`] for `days` outside 1 to [`MAX_EXTENSION_DAYS`].
pub async fn extend(app: &App, principal: &Principal, id: ParcelId, days: u16) -> Result<WallTime, AppError> {
    if !(1..=MAX_EXTENSION_DAYS).contains(&days) {
        return Err(Refused::Invalid(vec![FieldError { field: "days", code: "out_of_range" }]).into());
    }
    let (this, whose) = (app.clone(), principal.clone());
    let extended = app.change(principal.actor, async move |change: &Change| {
        let parcel = managed(change, &whose, id).await?;
        let expires = change.at.plus_ms(i64::from(days) * DAY_MS);
        if expires <= parcel.expires {
            return Err(Refused::NotPossibleNow { why: "not_longer" }.into());
        }
        let order = code::of_grant(&change.tx, parcel.bank, parcel.grant).await?;
        order_next(&this, change, &parcel, order.as_ref(), expires).await?;
        change.event(PlatformEventKind::ParcelExtended { parcel: id, expires }).await?;
        Ok(expires)
    });
    let expires = banks::noting_denial(app, principal, extended.await).await?;
    app.live().tell(LiveChange::Parcels);
    Ok(expires)
}

/// A parcel in a bank that the caller may manage.
async fn managed(change: &Change, principal: &Principal, id: ParcelId) -> Result<Parcel, AppError> {
    let parcel = parcel::by_id(&change.tx, change.org, id).await?.ok_or(Refused::NotFound)?;
    let place = bank::place(&change.tx, parcel.bank).await?.ok_or(Refused::NotFound)?;
    principal.require(Permission::ManageParcels, Scope::Bank(parcel.bank), Some(place.site))?;
    match parcel.custody {
        Custody::InBank => Ok(parcel),
        Custody::Collected => Err(Refused::NotPossibleNow { why: "collected" }.into()),
    }
}

async fn order_next(
    app: &App,
    change: &Change,
    parcel: &Parcel,
    before: Option<&CodeOrder>,
    expires: WallTime,
) -> Result<(), AppError> {
    if people::contact(app, &change.tx, parcel.recipient).await?.is_none() {
        return Err(Refused::NotPossibleNow { why: "recipient_unknown" }.into());
    }
    let generation = before.map_or(Some(1), |order| order.generation.checked_add(1));
    let generation = generation.ok_or(Refused::NotPossibleNow { why: "too_many_codes" })?;
    codes::order(change, (parcel.bank, parcel.grant), (generation, expires), change.actor).await
}

/// Notes, once for each, which parcels are past their time; returns how many it noted.
///
/// # Errors
/// The store's.
pub async fn note_overdue(app: &App, limit: u32) -> Result<usize, AppError> {
    let (org, now) = (app.org(), app.now());
    // Reading first keeps an idle run from being a write.
    let due = app.db().read(async move |tx| parcel::newly_overdue(&tx, org, now, limit).await);
    let due: Vec<ParcelId> = due.await?;
    if due.is_empty() {
        return Ok(0);
    }
    let noted = app
        .change(Actor::Platform, async move |change: &Change| {
            let mut noted = 0;
            for id in &due {
                if parcel::note_overdue(&change.tx, *id, change.at).await? {
                    change.event(PlatformEventKind::ParcelOverdue { parcel: *id }).await?;
                    noted += 1;
                }
            }
            Ok(noted)
        })
        .await?;
    app.live().tell(LiveChange::Parcels);
    Ok(noted)
}
