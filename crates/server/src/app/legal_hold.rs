//! Legal holds: while one is in force on a person, or on a parcel they were to get or brought, nothing about them is erased.
//!
//! A hold names why and who answers for it; both are sealed in the store and committed to in the custody log, so that
//! neither can be changed later unseen. Start at [`place`]; [`on_person`] is what erasure asks.

use bailee_domain::access::{Permission, Scope};
use bailee_domain::id::{HoldId, ParcelId, PersonId};
use bailee_domain::platform::PlatformEventKind;
use bailee_domain::time::WallTime;
use bailee_evidence::commitment;
use bailee_vault::Secret;
use bailee_vault::seal::Aad;

use super::people::text;
use super::{App, AppError, Principal, Refused, texts};
use crate::store::Tx;
use crate::store::tables::legal_hold::{self, HoldRow};
use crate::store::tables::{damaged, parcel, person};

/// Under which label the custody log commits to a hold's reason and owner.
pub const COMMITMENT_LABEL: &str = "legal-hold";
/// Most holds on a page.
pub const MAX_PAGE: u32 = 200;

/// What a hold protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protected {
    /// A person.
    Person(PersonId),
    /// A parcel, and with it the people it names.
    Parcel(ParcelId),
}

/// A hold as somebody typed it.
#[derive(Clone, Copy, Debug)]
pub struct NewHold<'a> {
    /// What is not to be erased.
    pub what: Protected,
    /// Why, such as the number of a case.
    pub reason: &'a str,
    /// Who answers for it and decides when it ends.
    pub owner: &'a str,
}

/// A hold in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The hold.
    pub id: HoldId,
    /// What it protects.
    pub what: Protected,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who placed it.
    pub placed_by: String,
    /// When.
    pub placed_at: WallTime,
}

/// Places a hold.
///
/// # Errors
/// [`Refused::NotFound`] for nobody or no parcel of ours, also when they were erased already; [`Refused::Invalid`]; not
/// allowed.
pub async fn place(app: &App, principal: &Principal, new: NewHold<'_>) -> Result<HoldId, AppError> {
    app.authorise(principal, Permission::ManageHolds, Scope::Organisation, None).await?;
    let mut wrong = Vec::new();
    let reason = text("reason", new.reason, &mut wrong);
    let owner = text("owner", new.owner, &mut wrong);
    if !wrong.is_empty() {
        return Err(Refused::Invalid(wrong).into());
    }
    let id = app.draw(|mut rng| HoldId::new(app.now(), &mut rng));
    let (sealed, committed) = seal(app, id, &reason, &owner)?;
    let (placed_by, what) = (principal.name(), new.what);
    app.change(principal.actor, async move |change| {
        let (person, parcel) = match what {
            Protected::Person(id) => {
                person::get(&change.tx, change.org, id).await?.ok_or(Refused::NotFound)?;
                (Some(id), None)
            }
            Protected::Parcel(id) => {
                parcel::by_id(&change.tx, change.org, id).await?.ok_or(Refused::NotFound)?;
                (None, Some(id))
            }
        };
        let row = HoldRow {
            id,
            person,
            parcel,
            details: sealed.clone(),
            placed_by: placed_by.clone(),
            placed_at: change.at,
            lifted_by: None,
            lifted_at: None,
        };
        legal_hold::insert(&change.tx, change.org, &row).await?;
        change
            .event(PlatformEventKind::LegalHoldPlaced { hold: id, person, parcel, details: committed })
            .await
    })
    .await?;
    Ok(id)
}

/// Lifts a hold. One that was lifted already stays so, without another event.
///
/// # Errors
/// [`Refused::NotFound`]; not allowed.
pub async fn lift(app: &App, principal: &Principal, id: HoldId) -> Result<(), AppError> {
    app.authorise(principal, Permission::ManageHolds, Scope::Organisation, None).await?;
    let by = principal.name();
    app.change(principal.actor, async move |change| {
        let found = legal_hold::get(&change.tx, change.org, id).await?.ok_or(Refused::NotFound)?;
        if !legal_hold::lift(&change.tx, id, &by, change.at).await? {
            return Ok(());
        }
        let HoldRow { person, parcel, .. } = found;
        change.event(PlatformEventKind::LegalHoldLifted { hold: id, person, parcel }).await
    })
    .await
}

/// Holds in force, the newest first, and where the next page begins.
///
/// # Errors
/// Not allowed; the store's.
pub async fn list(
    app: &App,
    principal: &Principal,
    before: Option<HoldId>,
    limit: u32,
) -> Result<(Vec<Hold>, Option<HoldId>), AppError> {
    app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    let (org, limit) = (app.org(), limit.clamp(1, MAX_PAGE));
    let rows = app.db().read(async move |tx| legal_hold::in_force(&tx, org, before, limit + 1).await);
    let mut rows: Vec<HoldRow> = rows.await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = if more { rows.last().map(|row| row.id) } else { None };
    Ok((open_all(app, rows)?, next))
}

/// Holds in force that protect a person.
///
/// # Errors
/// Not allowed; the store's.
pub async fn on_person(app: &App, principal: &Principal, id: PersonId) -> Result<Vec<Hold>, AppError> {
    app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    let org = app.org();
    let rows = app.db().read(async move |tx| legal_hold::protecting(&tx, org, id).await).await?;
    open_all(app, rows)
}

/// Holds in force that protect a parcel: on it, or on somebody it was for or came by.
///
/// # Errors
/// Not allowed; the store's.
pub async fn on_parcel(app: &App, principal: &Principal, id: ParcelId) -> Result<Vec<Hold>, AppError> {
    app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    let org = app.org();
    let rows = app.db().read(async move |tx| legal_hold::on_parcel(&tx, org, id).await).await?;
    open_all(app, rows)
}

/// Refuses while a hold protects a person.
///
/// # Errors
/// [`Refused::NotPossibleNow`] with `legal_hold`; the store's.
pub(in crate::app) async fn refuse_if_held(app: &App, tx: &Tx, id: PersonId) -> Result<(), AppError> {
    if legal_hold::protecting(tx, app.org(), id).await?.is_empty() {
        return Ok(());
    }
    Err(Refused::NotPossibleNow { why: "legal_hold" }.into())
}

fn aad(id: &[u8; 16]) -> Aad<'_> {
    Aad { table: "legal_hold", column: "details", row: id }
}

/// The sealed words of a hold, and the commitment to them.
fn seal(app: &App, id: HoldId, reason: &str, owner: &str) -> Result<(Vec<u8>, [u8; 32]), AppError> {
    let salt = app.draw(|mut rng| Secret::<[u8; 32]>::random(&mut rng));
    let fields = [("reason", Some(reason)), ("owner", Some(owner))];
    let committed = commitment::commit(COMMITMENT_LABEL, &fields, salt.expose());
    let words = texts::encode(&[Some(reason), Some(owner)]);
    let plain = Secret::new([salt.expose().as_slice(), &words].concat());
    let sealed = app.draw(|mut rng| app.keys().secret().seal(&aad(&id.to_bytes()), plain.expose(), &mut rng));
    Ok((sealed.map_err(|_| damaged("legal_hold.details"))?, committed))
}

fn open_all(app: &App, rows: Vec<HoldRow>) -> Result<Vec<Hold>, AppError> {
    rows.into_iter().map(|row| open(app, row)).collect()
}

fn open(app: &App, row: HoldRow) -> Result<Hold, AppError> {
    let broken = || damaged("legal_hold.details");
    let opened = app.keys().secret().open(&aad(&row.id.to_bytes()), &row.details).map_err(|_| broken())?;
    let (_salt, words) = opened.expose().split_first_chunk::<32>().ok_or_else(broken)?;
    let [reason, owner] = texts::decode(words).ok_or_else(broken)?;
    let what = match (row.person, row.parcel) {
        (Some(person), None) => Protected::Person(person),
        (None, Some(parcel)) => Protected::Parcel(parcel),
        _ => return Err(damaged("legal_hold.person")),
    };
    Ok(Hold {
        id: row.id,
        what,
        reason: reason.ok_or_else(broken)?,
        owner: owner.ok_or_else(broken)?,
        placed_by: row.placed_by,
        placed_at: row.placed_at,
    })
}
