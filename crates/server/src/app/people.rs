//! Residents, couriers and staff: who they are, kept sealed, and who may see and change it.
//!
//! People belong to the organisation, so their permissions are asked for organisation-wide. Somebody who holds a
//! staff role is changed or removed only by those who may give that role. A list shows names and units with masked
//! addresses under [`Permission::ViewPeople`] and writes no event; opening one person's page ([`find`]) shows
//! everything and writes [`PlatformEventKind::PersonalDataRead`]: an event per listed person would bury the reads that
//! matter. Every change moves the roster's revision, so that banks learn of it. Start at [`add_resident`].

mod details;
pub mod erase;

use std::collections::BTreeMap;

use bailee_domain::access::{Assignment, Permission, Role, Scope, allows, may_assign, permits};
use bailee_domain::compartment::Reach;
use bailee_domain::id::{PersonId, SiteId};
use bailee_domain::platform::PlatformEventKind;
use bailee_domain::roster::{MAX_RECIPIENTS, Recipient};
use bailee_domain::time::WallTime;

pub use details::{COMMITMENT_LABEL, Details, MAX_TEXT, Typed, Unit};
pub(in crate::app) use details::{SealedPerson, email_index, open_salted, seal_new, text};

use super::{App, AppError, Change, Principal, Refused};
use crate::store::tables::person::PersonRow;
use crate::store::tables::{assignment, courier, org, person};
use crate::store::{StoreError, Tx};

/// Most people on one page of a list.
pub const MAX_PAGE: u32 = 200;
/// People read at once while searching.
const CHUNK: u32 = 500;

/// A resident as somebody typed it.
#[derive(Clone, Copy, Debug)]
pub struct ResidentInput<'a> {
    /// Full name.
    pub name: &'a str,
    /// Flat, room or office.
    pub unit: &'a str,
    /// E-mail address, or nothing.
    pub email: &'a str,
    /// Phone number with its country, or nothing.
    pub phone: &'a str,
    /// Whether the person needs a door within reach.
    pub reach: Reach,
}

impl<'a> From<ResidentInput<'a>> for Typed<'a> {
    fn from(it: ResidentInput<'a>) -> Self {
        Self { name: it.name, unit: it.unit, email: it.email, phone: it.phone, reach: it.reach }
    }
}

/// Everything known of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// What a change has to name.
    pub version: i64,
    /// The roles held.
    pub roles: Vec<Assignment>,
    /// Name, unit and addresses.
    pub details: Details,
    /// The carrier, for a courier.
    pub courier: Option<courier::CourierRow>,
    /// When the person was added.
    pub created_at: WallTime,
}

/// A person in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonSummary {
    /// Who.
    pub id: PersonId,
    /// Full name.
    pub name: String,
    /// Flat, room or office.
    pub unit: String,
    /// The e-mail address, masked.
    pub email: Option<String>,
    /// The phone number, masked.
    pub phone: Option<String>,
}

/// Which people to list.
#[derive(Clone, Debug)]
pub struct ListPeople {
    /// Those who hold this role.
    pub role: Role,
    /// Only those whose name or unit contains this, whatever its case.
    pub search: String,
    /// Those after this one.
    pub after: Option<PersonId>,
    /// At most so many, and at most [`MAX_PAGE`].
    pub limit: u32,
}

/// A page of people, in the order they were added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeoplePage {
    /// The people.
    pub rows: Vec<PersonSummary>,
    /// Where the next page begins, if there is one.
    pub next: Option<PersonId>,
    /// How many hold the role in all.
    pub total: u32,
}

/// Where a person can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Who.
    pub person: PersonId,
    /// By e-mail.
    pub email: Option<String>,
    /// By text message.
    pub phone: Option<String>,
}

/// Adds somebody parcels can be dropped off for.
///
/// # Errors
/// [`Refused::Invalid`], [`Refused::AlreadyInUse`] for the e-mail address, or not allowed.
pub async fn add_resident(
    app: &App,
    principal: &Principal,
    input: ResidentInput<'_>,
) -> Result<PersonId, AppError> {
    app.authorise(principal, Permission::ManagePeople, Scope::Organisation, None).await?;
    let details = Details::check(input.into(), Unit::Required).map_err(Refused::Invalid)?;
    let new = seal_new(app, &details, app.now())?;
    let added = app.change(principal.actor, async move |change| {
        store_new(change, &new, Role::Resident).await?;
        let details = new.commitment;
        change
            .event(PlatformEventKind::PersonAdded { person: new.row.id, role: Role::Resident, details })
            .await?;
        Ok(new.row.id)
    });
    added.await.map_err(email_in_use)
}

/// Changes a person's details, if nobody else has since `version`.
///
/// # Errors
/// [`Refused::Conflict`], [`Refused::NotFound`], as [`add_resident`] otherwise.
pub async fn change(
    app: &App,
    principal: &Principal,
    id: PersonId,
    version: i64,
    input: ResidentInput<'_>,
) -> Result<(), AppError> {
    let found = authorised_over(app, principal, id).await?;
    let changed = seal_changed(app, found, version, input.into())?;
    let stored = app.change(principal.actor, async move |change| store_changed(change, &changed).await);
    stored.await.map_err(email_in_use)
}

/// Removes a person from every bank and forgets everything known of them: what stays is the opaque id in the log.
///
/// It is an [`erase::erase`] without a reason.
///
/// # Errors
/// [`Refused::NotPossibleNow`] with `legal_hold`, with `parcel_waiting` while a parcel of theirs waits, with
/// `last_administrator` for the last super-admin; otherwise as [`change`].
pub async fn remove(app: &App, principal: &Principal, id: PersonId, version: i64) -> Result<(), AppError> {
    authorised_over(app, principal, id).await?;
    let (this, by) = (app.clone(), principal.name());
    let removed = app.change(principal.actor, async move |change| {
        let found = person::get(&change.tx, change.org, id).await?;
        if found.is_none_or(|row| row.version != version) {
            return Err(outdated(change, id).await?.into());
        }
        erase::destroy(&this, change, id, (&by, None)).await?;
        change.event(PlatformEventKind::PersonRemoved { person: id }).await
    });
    erase::noting_refusal(app, principal.actor, id, removed.await).await
}

/// Everything known of a person; the look is written to the custody log.
///
/// # Errors
/// [`Refused::NotFound`], or not allowed.
pub async fn find(app: &App, principal: &Principal, id: PersonId) -> Result<Person, AppError> {
    app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    let reader = app.clone();
    app.change(principal.actor, async move |change| {
        let (tx, org) = (&change.tx, change.org);
        let row = person::get(tx, org, id).await?.ok_or(Refused::NotFound)?;
        let details = details::open(reader.keys(), &row)?;
        let roles = assignment::of_person(tx, id).await?;
        let courier = courier::get(tx, org, id).await?;
        change.event(PlatformEventKind::PersonalDataRead { person: id }).await?;
        Ok(Person { id, version: row.version, roles, details, courier, created_at: row.created_at })
    })
    .await
}

/// A page of the people who hold a role. Names are sealed, so a search opens them one after another.
///
/// # Errors
/// Not allowed, or the store's.
pub async fn list(app: &App, principal: &Principal, input: ListPeople) -> Result<PeoplePage, AppError> {
    app.authorise(principal, Permission::ViewPeople, Scope::Organisation, None).await?;
    let reader = app.clone();
    app.db().read(async move |tx| list_page(&reader, &tx, &input).await).await
}

async fn list_page(app: &App, tx: &Tx, input: &ListPeople) -> Result<PeoplePage, AppError> {
    let (limit, search) = (input.limit.clamp(1, MAX_PAGE) as usize, input.search.trim().to_lowercase());
    let total = person::count_holding(tx, app.org(), input.role).await?;
    let mut page = PeoplePage { rows: Vec::new(), next: None, total };
    let mut after = input.after;
    loop {
        let people = person::holding(tx, app.org(), input.role, after, CHUNK).await?;
        for row in &people {
            let Details { name, unit, email, phone, .. } = details::open(app.keys(), row)?;
            if !name.to_lowercase().contains(&search) && !unit.to_lowercase().contains(&search) {
                continue;
            }
            if page.rows.len() == limit {
                page.next = page.rows.last().map(|last| last.id);
                return Ok(page);
            }
            let email = email.as_deref().map(details::masked_email);
            let phone = phone.as_deref().map(details::masked_phone);
            page.rows.push(PersonSummary { id: row.id, name, unit, email, phone });
        }
        after = people.last().map(|last| last.id);
        if people.len() < CHUNK as usize {
            return Ok(page);
        }
    }
}

/// Everybody parcels can be dropped off for, as banks are told.
///
/// # Errors
/// The store's, or [`AppError::Damaged`].
pub async fn roster_rows(app: &App, tx: &Tx) -> Result<Vec<Recipient>, AppError> {
    let most = u32::try_from(MAX_RECIPIENTS).expect("the bound is small");
    let people = person::holding(tx, app.org(), Role::Resident, None, most).await?;
    let recipient = |row: &PersonRow| {
        let details = details::open(app.keys(), row)?;
        let reach = details.reach();
        Ok(Recipient { person: row.id, unit: details.unit, name: details.name, reach })
    };
    people.iter().map(recipient).collect()
}

/// Where a person can be reached; `None` once removed.
///
/// # Errors
/// The store's, or [`AppError::Damaged`].
pub async fn contact(app: &App, tx: &Tx, id: PersonId) -> Result<Option<Contact>, AppError> {
    let Some(row) = person::get(tx, app.org(), id).await? else { return Ok(None) };
    let Details { email, phone, .. } = details::open(app.keys(), &row)?;
    Ok(Some(Contact { person: id, email, phone }))
}

/// Where those can be reached who may handle alerts of a bank.
///
/// # Errors
/// The store's, or [`AppError::Damaged`].
pub async fn alert_contacts(
    app: &App,
    tx: &Tx,
    place: Scope,
    site: Option<SiteId>,
) -> Result<Vec<Contact>, AppError> {
    let mut contacts = BTreeMap::new();
    for role in Role::ALL.into_iter().filter(|role| allows(*role, Permission::HandleAlerts)) {
        for row in person::holding(tx, app.org(), role, None, MAX_PAGE).await? {
            let roles = assignment::of_person(tx, row.id).await?;
            if permits(&roles, Permission::HandleAlerts, place, site) {
                let Details { email, phone, .. } = details::open(app.keys(), &row)?;
                contacts.insert(row.id, Contact { person: row.id, email, phone });
            }
        }
    }
    Ok(contacts.into_values().collect())
}

/// Names and units of people, for lists that show whom something belongs to; those removed are left out.
///
/// The caller has [`Permission::ViewPeople`] checked: lists of people and of parcels are read the same way.
///
/// # Errors
/// The store's, or [`AppError::Damaged`].
pub async fn names(
    app: &App,
    tx: &Tx,
    ids: &[PersonId],
) -> Result<BTreeMap<PersonId, (String, String)>, AppError> {
    let mut names = BTreeMap::new();
    for id in ids {
        if names.contains_key(id) {
            continue;
        }
        if let Some(row) = person::get(tx, app.org(), *id).await? {
            let details = details::open(app.keys(), &row)?;
            names.insert(*id, (details.name, details.unit));
        }
    }
    Ok(names)
}

/// Stores a new person in a role; the caller writes the event.
pub(in crate::app) async fn store_new(
    change: &Change,
    new: &SealedPerson,
    role: Role,
) -> Result<(), AppError> {
    refuse_if_taken(change, &new.row).await?;
    person::insert(&change.tx, change.org, &new.row).await?;
    let everywhere = Assignment { role, scope: Scope::Organisation };
    assignment::insert(&change.tx, new.row.id, everywhere).await?;
    Ok(org::bump_roster(&change.tx, change.org).await?)
}

/// A person whom the caller may change.
pub(in crate::app) struct Found {
    pub row: PersonRow,
    pub roles: Vec<Assignment>,
}

/// Loads a person whom `principal` may change: staff only by those who may give every role they hold.
pub(in crate::app) async fn authorised_over(
    app: &App,
    principal: &Principal,
    id: PersonId,
) -> Result<Found, AppError> {
    app.authorise(principal, Permission::ManagePeople, Scope::Organisation, None).await?;
    let org = app.org();
    let found = app.db().read(async move |tx| {
        let row = person::get(&tx, org, id).await?.ok_or(Refused::NotFound)?;
        Ok::<_, AppError>(Found { row, roles: assignment::of_person(&tx, id).await? })
    });
    let found = found.await?;
    let staff = found.roles.iter().filter(|held| held.role > Role::Courier);
    for held in staff {
        let may = principal.may(Permission::ManageStaff, held.scope, None)
            && may_assign(&principal.roles, held.role, held.scope, None);
        if !may {
            let refused = Refused::NotAllowed(Permission::ManageStaff);
            return app.deny(principal, Permission::ManageStaff, refused).await;
        }
    }
    Ok(found)
}

/// Checks and seals changed details of a person.
pub(in crate::app) fn seal_changed(
    app: &App,
    found: Found,
    version: i64,
    typed: Typed<'_>,
) -> Result<SealedPerson, AppError> {
    let is_resident = found.roles.iter().any(|held| held.role == Role::Resident);
    let unit = if is_resident { Unit::Required } else { Unit::Unused };
    let details = Details::check(typed, unit).map_err(Refused::Invalid)?;
    details::reseal(app, PersonRow { version, ..found.row }, &details)
}

/// Stores changed details of a person, if nobody else has changed them since.
pub(in crate::app) async fn store_changed(change: &Change, changed: &SealedPerson) -> Result<(), AppError> {
    let SealedPerson { row, commitment } = changed;
    refuse_if_taken(change, row).await?;
    if !person::update(&change.tx, row).await? {
        return Err(outdated(change, row.id).await?.into());
    }
    org::bump_roster(&change.tx, change.org).await?;
    change.event(PlatformEventKind::PersonChanged { person: row.id, details: *commitment }).await
}

async fn refuse_if_taken(change: &Change, row: &PersonRow) -> Result<(), AppError> {
    let Some(index) = row.email_index else { return Ok(()) };
    match person::with_email(&change.tx, change.org, index).await? {
        Some(other) if other != row.id => Err(Refused::AlreadyInUse { field: "email" }.into()),
        _ => Ok(()),
    }
}

/// Why a change of that version found no row: somebody changed the person, or removed them.
async fn outdated(change: &Change, id: PersonId) -> Result<Refused, AppError> {
    let now = person::get(&change.tx, change.org, id).await?;
    Ok(now.map_or(Refused::NotFound, |row| Refused::Conflict { current: row.version }))
}

/// The e-mail index is the only unique value a new person could share: two additions at the same moment end here.
pub(in crate::app) fn email_in_use(error: AppError) -> AppError {
    match error {
        AppError::Store(StoreError::Unique(_)) => Refused::AlreadyInUse { field: "email" }.into(),
        other => other,
    }
}
