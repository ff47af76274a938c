//! Badges: enrolled at a bank's kiosk with a code sent for that (decision 0010), listed here by the banks' events, and
//! revoked everywhere at once.
//!
//! The platform never holds a badge's number nor what a bank knows it by. A lost badge is revoked at every enrolled bank,
//! online or not: each is asked until it has said that it has forgotten. Start at [`send_code`].

use bailee_domain::access::{Permission, Scope};
use bailee_domain::badge::WeakBadges;
use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::event::{Event, EventKind};
use bailee_domain::id::{BankId, PersonId};
use bailee_domain::platform::PlatformEventKind;

use super::link::{Ask, NotAnswered};
use super::{App, AppError, Change, Principal, Refused, kiosk_code, outbox, people};
use crate::notify::templates::Facts;
use crate::store::tables::{badge, bank, org, person, site};

pub use badge::{BadgeRow, RevocationRow, weak_name, weak_named};

/// How long a code for enrolling a badge works, in milliseconds.
const CODE_MS: i64 = 24 * 3_600_000;
/// How long a bank may take, in milliseconds.
const REQUEST_MS: i64 = 15_000;
/// Banks asked to forget somebody in one run.
const BATCH: u32 = 64;

/// A person's badges, and how far the last revocation has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badges {
    /// Those enrolled, the newest first.
    pub enrolled: Vec<BadgeRow>,
    /// Every bank that was last asked to forget them.
    pub revocations: Vec<RevocationRow>,
}

/// A person's badges.
///
/// # Errors
/// [`Refused::NotFound`]; not allowed.
pub async fn of_person(app: &App, principal: &Principal, id: PersonId) -> Result<Badges, AppError> {
    app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    let org = app.org();
    app.db()
        .read(async move |tx| {
            person::get(&tx, org, id).await?.ok_or(Refused::NotFound)?;
            let enrolled = badge::of_person(&tx, id).await?;
            Ok(Badges { enrolled, revocations: badge::revocations(&tx, id).await? })
        })
        .await
}

/// Sends a person a code with which they enrol a badge at a bank's kiosk within a day; the bank is asked first.
///
/// # Errors
/// [`Refused::NotFound`]; [`Refused::NotPossibleNow`] with `bank_offline`, `not_reachable`, `revocation_open`, `no_free_code` or
/// `refused_by_bank`, as for somebody the bank does not know; not allowed.
pub async fn send_code(
    app: &App,
    ask: &dyn Ask,
    principal: &Principal,
    id: PersonId,
    bank: BankId,
) -> Result<(), AppError> {
    app.authorise(principal, Permission::ManagePeople, Scope::Organisation, None).await?;
    let reader = app.clone();
    let (contact, place) = app
        .db()
        .read(async move |tx| {
            let contact = people::contact(&reader, &tx, id).await?.ok_or(Refused::NotFound)?;
            let revoked = badge::revocations(&tx, id).await?;
            if revoked.iter().any(|row| row.bank == bank && row.forgotten_at.is_none()) {
                return Err(Refused::NotPossibleNow { why: "revocation_open" }.into());
            }
            Ok::<_, AppError>((contact, bank::place(&tx, bank).await?.ok_or(Refused::NotFound)?))
        })
        .await?;
    let channel = kiosk_code::channel(&contact)?;
    let drawn = kiosk_code::draw(app, bank, id.to_bytes()).await?;
    let expires = app.now().plus_ms(CODE_MS);
    let offer = Request::OfferEnrolment { person: id, verifier: drawn.verifier, expires };
    // A stop after the bank's answer leaves an offer whose code nobody has; the next one replaces it.
    match ask.ask(bank, offer, app.now().plus_ms(REQUEST_MS)).await {
        Ok(Answer::Done) => {}
        Ok(_) => return Err(Refused::NotPossibleNow { why: "refused_by_bank" }.into()),
        Err(NotAnswered) => return Err(Refused::NotPossibleNow { why: "bank_offline" }.into()),
    }
    let sender = app.clone();
    app.change(principal.actor, async move |change: &Change| {
        drawn.take(change, &subject(id)).await?;
        let facts = Facts::BadgeCode {
            code: drawn.digits.expose().clone(),
            site: place.site_name.clone(),
            bank: place.bank_name.clone(),
            expires: outbox::shown_time(expires),
            link: None,
        };
        kiosk_code::post(&sender, change, (id, channel), facts).await?;
        change.event(PlatformEventKind::BadgeCodeSent { person: id, bank }).await
    })
    .await
}

/// Under what name a code for enrolling a badge is kept from being given out twice.
fn subject(person: PersonId) -> String {
    format!("badge {person}")
}

/// Revokes every badge of a person at every bank; [`of_person`] shows which have confirmed it.
///
/// # Errors
/// [`Refused::NotFound`]; not allowed.
pub async fn revoke(app: &App, principal: &Principal, id: PersonId) -> Result<(), AppError> {
    app.authorise(principal, Permission::ManagePeople, Scope::Organisation, None).await?;
    app.change(principal.actor, async move |change: &Change| {
        person::get(&change.tx, change.org, id).await?.ok_or(Refused::NotFound)?;
        badge::revoke(&change.tx, change.org, id, change.at).await?;
        change.event(PlatformEventKind::BadgesRevoked { person: id }).await
    })
    .await
}

/// Asks banks that are connected to forget whom they are to forget; tells whether any did.
///
/// # Errors
/// The store's.
pub async fn carry_on(app: &App, ask: &dyn Ask) -> Result<bool, AppError> {
    let org = app.org();
    let untold = app.db().read(async move |tx| badge::untold(&tx, org, BATCH).await).await?;
    let mut worked = false;
    for (person, bank) in untold.into_iter().filter(|(_, bank)| app.live().bank(*bank).online) {
        let deadline = app.now().plus_ms(REQUEST_MS);
        if let Ok(Answer::Done) = ask.ask(bank, Request::ForgetBadges { person }, deadline).await {
            let at = app.now();
            app.db().tx(async move |tx| badge::forgotten(&tx, bank, person, at).await).await?;
            worked = true;
        }
    }
    Ok(worked)
}

/// A bank said something about somebody's badges.
pub(in crate::app) async fn heard(change: &Change, bank: BankId, happened: &Event) -> Result<(), AppError> {
    match &happened.kind {
        EventKind::BadgeEnrolled { person, assurance } => {
            let about = (*person, *assurance);
            badge::enrolled(&change.tx, (bank, happened.seq), about, happened.at).await?;
            kiosk_code::bury(&change.tx, bank, &subject(*person), change.at).await
        }
        EventKind::BadgesForgotten { person } => {
            badge::forgotten(&change.tx, bank, *person, happened.at).await
        }
        _ => Ok(()),
    }
}

/// What badges that anybody can copy are good for at the site.
///
/// # Errors
/// Not allowed, or the store's.
pub async fn weak(app: &App, principal: &Principal) -> Result<WeakBadges, AppError> {
    let org = app.org();
    let read = app.db().read(async move |tx| {
        let site = site::first(&tx, org).await?.id;
        Ok::<_, AppError>((site, badge::weak(&tx, site).await?))
    });
    let (site, weak) = read.await?;
    app.authorise(principal, Permission::ViewBanks, Scope::Site(site), None).await?;
    Ok(weak)
}

/// Changes it; banks are told.
///
/// # Errors
/// Not allowed, or the store's.
pub async fn set_weak(app: &App, principal: &Principal, weak: WeakBadges) -> Result<(), AppError> {
    let org = app.org();
    let site = app.db().read(async move |tx| Ok::<_, AppError>(site::first(&tx, org).await?.id)).await?;
    app.authorise(principal, Permission::ManageSettings, Scope::Site(site), None).await?;
    app.change(principal.actor, async move |change: &Change| {
        badge::set_weak(&change.tx, site, weak).await?;
        org::bump_roster(&change.tx, change.org).await?;
        change.event(PlatformEventKind::SettingChanged { what: "site.weak_badges".into() }).await
    })
    .await
}
