//! Banks: offering places to new ones, what each looks like, and what staff may ask of them.
//!
//! The platform asks; the bank decides. What a request changed is told by the bank's own events, never assumed here.

pub(in crate::app) mod roster;

use bailee_domain::access::{Permission, Scope, allows};
use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::compartment::{CompartmentNo, Layout, OutOfService, Service};
use bailee_domain::id::{BankId, OrgId, PersonId, SiteId};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::WallTime;

use super::alarm::{self, About, Alarm};
use super::link::{Ask, NotAnswered};
use super::{App, AppError, BankLive, Change, LiveChange, Principal, Refused};
use crate::store::Tx;
use crate::store::tables::bank::{self, BankRow, BankState};
use crate::store::tables::{enrolment, org};

pub use roster::roster;

/// How long a request of staff may take before the bank must not obey it any more, in milliseconds.
const REQUEST_MS: i64 = 15_000;

/// A bank in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankSummary {
    /// Its id.
    pub id: BankId,
    /// Its site.
    pub site: SiteId,
    /// What it is called.
    pub name: String,
    /// What it is to the platform.
    pub state: BankState,
    /// Whether its link is up.
    pub online: bool,
    /// When it was last heard.
    pub last_heard: Option<WallTime>,
    /// How it is built, once enrolled.
    pub layout: Option<Layout>,
    /// Its doors as last heard.
    pub live: BankLive,
}

/// One bank with everything staff see of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankView {
    /// What a list shows.
    pub summary: BankSummary,
    /// The site's name.
    pub site_name: String,
    /// The last of its events the platform holds.
    pub last_seq: u64,
    /// The key that signs its chain.
    pub device_key: Option<[u8; 32]>,
    /// Whether it has the newest roster.
    pub roster: RosterState,
    /// Until when the enrolment token that is out works.
    pub enrolment_until: Option<WallTime>,
    /// When it was first offered.
    pub created_at: WallTime,
}

/// Whether a bank knows everybody and everything it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RosterState {
    /// It has the newest roster.
    Current,
    /// It has an older one.
    Behind,
}

/// The banks a caller may see something of; `None` stands for all.
///
/// # Errors
/// [`Refused::NotAllowed`] when there can be none; the store's.
pub(crate) async fn visible(
    tx: &Tx,
    org: OrgId,
    principal: &Principal,
    permission: Permission,
) -> Result<Option<Vec<BankId>>, AppError> {
    if principal.may(permission, Scope::Organisation, None) {
        return Ok(None);
    }
    if !principal.roles.iter().any(|held| allows(held.role, permission)) {
        return Err(Refused::NotAllowed(permission).into());
    }
    let may = |bank: &BankRow| principal.may(permission, Scope::Bank(bank.id), Some(bank.site));
    let banks = bank::all(tx, org).await?;
    Ok(Some(banks.iter().filter(|bank| may(bank)).map(|bank| bank.id).collect()))
}

/// Passes a use case's outcome on; a refusal for want of permission is first written to the custody log.
pub(crate) async fn noting_denial<T>(
    app: &App,
    principal: &Principal,
    outcome: Result<T, AppError>,
) -> Result<T, AppError> {
    match outcome {
        Err(AppError::Refused(refused @ Refused::NotAllowed(permission))) => {
            app.deny(principal, permission, refused).await
        }
        outcome => outcome,
    }
}

/// The banks the caller may see, by name.
///
/// # Errors
/// [`Refused::NotAllowed`]; the store's.
pub async fn list(app: &App, principal: &Principal) -> Result<Vec<BankSummary>, AppError> {
    let (this, whose) = (app.clone(), principal.clone());
    let outcome = app
        .db()
        .read(async move |tx| {
            let visible = visible(&tx, this.org(), &whose, Permission::ViewBanks).await?;
            let may = |bank: &BankRow| visible.as_ref().is_none_or(|banks| banks.contains(&bank.id));
            let banks = bank::all(&tx, this.org()).await?;
            Ok(banks.into_iter().filter(may).map(|bank| summary(&this, bank)).collect())
        })
        .await;
    noting_denial(app, principal, outcome).await
}

fn summary(app: &App, bank: BankRow) -> BankSummary {
    let live = app.live().bank(bank.id);
    BankSummary {
        id: bank.id,
        site: bank.site,
        name: bank.name,
        state: bank.state,
        online: live.online,
        last_heard: live.last_heard.or(bank.last_seen),
        layout: bank.layout,
        live,
    }
}

/// Shows one bank.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`]; the store's.
pub async fn view(app: &App, principal: &Principal, id: BankId) -> Result<BankView, AppError> {
    let (this, whose) = (app.clone(), principal.clone());
    let outcome = app
        .db()
        .read(async move |tx| {
            let found = served(&tx, this.org(), id).await?;
            whose.require(Permission::ViewBanks, Scope::Bank(id), Some(found.site))?;
            let place = bank::place(&tx, id).await?.ok_or(Refused::NotFound)?;
            let newest = org::roster_revision(&tx, this.org()).await?;
            Ok(BankView {
                site_name: place.site_name,
                last_seq: found.last_seq,
                device_key: found.device_key,
                roster: if found.roster_acked >= newest { RosterState::Current } else { RosterState::Behind },
                enrolment_until: enrolment::open_until(&tx, id).await?,
                created_at: found.created_at,
                summary: summary(&this, found),
            })
        })
        .await;
    noting_denial(app, principal, outcome).await
}

pub(crate) async fn served(tx: &Tx, org: OrgId, id: BankId) -> Result<BankRow, AppError> {
    let found = bank::by_id(tx, org, id).await?.filter(|bank| bank.state != BankState::Removed);
    found.ok_or(AppError::Refused(Refused::NotFound))
}

/// What staff can ask for a compartment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceWish {
    /// Assign it again.
    Back,
    /// Do not assign it.
    Out,
}

/// Asks a bank to take a compartment out of service or put it back, and waits for its answer.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`]; [`Refused::NotPossibleNow`] (`bank_offline`, `no_such_compartment`,
/// `not_a_person`: a bank records which person asked, so an API token cannot).
pub async fn request_service(
    app: &App,
    ask: &dyn Ask,
    principal: &Principal,
    (id, compartment): (BankId, CompartmentNo),
    wish: ServiceWish,
) -> Result<(), AppError> {
    let by = person(principal)?;
    let (service, word) = match wish {
        ServiceWish::Back => (Service::In, "in service"),
        ServiceWish::Out => (Service::Out(OutOfService::ByHand), "out of service"),
    };
    let what = format!("compartment {compartment} {word}");
    operate(app, ask, principal, id, what, Request::SetService { compartment, service, by }).await
}

/// Asks a bank to take codes again after too many misses, and waits for its answer.
///
/// # Errors
/// As [`request_service`].
pub async fn reset_keypad(
    app: &App,
    ask: &dyn Ask,
    principal: &Principal,
    id: BankId,
) -> Result<(), AppError> {
    let by = person(principal)?;
    operate(app, ask, principal, id, "keypad reset".to_owned(), Request::ResetKeypad { by }).await
}

fn person(principal: &Principal) -> Result<PersonId, Refused> {
    match principal.actor {
        Actor::Person(person) => Ok(person),
        _ => Err(Refused::NotPossibleNow { why: "not_a_person" }),
    }
}

async fn operate(
    app: &App,
    ask: &dyn Ask,
    principal: &Principal,
    id: BankId,
    what: String,
    request: Request,
) -> Result<(), AppError> {
    let whose = principal.clone();
    let asked = app.change(principal.actor, async move |change: &Change| {
        let found = served(&change.tx, change.org, id).await?;
        whose.require(Permission::OperateBanks, Scope::Bank(id), Some(found.site))?;
        change.event(PlatformEventKind::BankOperationRequested { bank: id, what: what.clone() }).await
    });
    noting_denial(app, principal, asked.await).await?;
    // A stop here leaves an event that says it was asked for, and no answer: what came of it is the bank's to tell.
    match ask.ask(id, request, app.now().plus_ms(REQUEST_MS)).await {
        Ok(Answer::Done) => Ok(()),
        Ok(Answer::NoSuchCompartment) => Err(Refused::NotPossibleNow { why: "no_such_compartment" }.into()),
        Ok(_) => Err(Refused::NotPossibleNow { why: "refused_by_bank" }.into()),
        Err(NotAnswered) => Err(Refused::NotPossibleNow { why: "bank_offline" }.into()),
    }
}

/// Whether a bank is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    Online,
    /// It has not been for 60 seconds.
    Offline,
}

/// Notes in the log that a bank is heard again or not any more; silence is an alert. Tells whether that was news.
///
/// # Errors
/// The store's.
pub async fn mark(
    app: &App,
    id: BankId,
    presence: Presence,
    heard: Option<WallTime>,
) -> Result<bool, AppError> {
    let this = app.clone();
    let news = app
        .change(Actor::Platform, async move |change: &Change| {
            if !bank::set_online(&change.tx, id, presence == Presence::Online, heard).await? {
                return Ok(false);
            }
            match presence {
                Presence::Online => change.event(PlatformEventKind::BankOnline { bank: id }).await?,
                Presence::Offline => silent(&this, change, id).await?,
            }
            Ok(true)
        })
        .await?;
    if news {
        app.live().tell(LiveChange::Bank(id));
        app.live().tell(LiveChange::Alerts);
    }
    Ok(news)
}

async fn silent(app: &App, change: &Change, bank: BankId) -> Result<(), AppError> {
    change.event(PlatformEventKind::BankOffline { bank }).await?;
    let kind = alarm::BANK_OFFLINE.to_owned();
    let alarm = Alarm { about: About::Bank(bank), kind, compartment: None, event_seq: None, at: change.at };
    alarm::raise(app, change, &alarm).await.map(|_| ())
}

/// Every enrolled bank with whether the log says that it is heard.
///
/// # Errors
/// The store's.
pub(crate) async fn presences(app: &App) -> Result<Vec<(BankId, Presence)>, AppError> {
    let org = app.org();
    let banks = app.db().read(async move |tx| bank::all(&tx, org).await).await?;
    let enrolled = banks.iter().filter(|bank| bank.state == BankState::Enrolled);
    let presence = |online| if online { Presence::Online } else { Presence::Offline };
    Ok(enrolled.map(|bank| (bank.id, presence(bank.online))).collect())
}

/// Enrolled banks that are not known to have the newest roster.
///
/// # Errors
/// The store's.
pub(crate) async fn behind(app: &App) -> Result<Vec<BankId>, AppError> {
    let org = app.org();
    app.db()
        .read(async move |tx| {
            let newest = org::roster_revision(&tx, org).await?;
            bank::behind(&tx, org, newest).await
        })
        .await
}

/// Notes that a bank has taken a roster.
///
/// # Errors
/// The store's.
pub(crate) async fn roster_taken(app: &App, id: BankId, revision: u64) -> Result<(), AppError> {
    app.db().tx(async move |tx| bank::roster_taken(&tx, id, revision).await).await
}

/// Gives the present roster a new revision.
///
/// # Errors
/// The store's.
pub(crate) async fn renew_roster(app: &App) -> Result<(), AppError> {
    let org = app.org();
    app.db().tx(async move |tx| org::bump_roster(&tx, org).await.map_err(AppError::Store)).await
}
