//! Couriers and their personal codes.
//!
//! A code is drawn, turned into one verifier per enrolled bank and sealed into one message to the courier; nothing
//! else of it is kept, so nobody can read it back and "send again" makes a new one. A bank enrolled later cannot check
//! it until the next code: [`list`] names such banks. Start at [`add`], then [`issue_code`].

pub(in crate::app) mod code;

use bailee_domain::access::{Permission, Role, Scope};
use bailee_domain::compartment::Reach;
use bailee_domain::id::{BankId, CarrierId, PersonId};
use bailee_domain::platform::{Channel, PlatformEventKind};

use super::people::{
    self, Details, ListPeople, PersonSummary, Typed, Unit, email_in_use, seal_new, store_new,
};
use super::{App, AppError, Change, FieldError, Principal, Refused};
use crate::store::tables::{carrier, courier};

/// A courier as somebody typed it.
#[derive(Clone, Copy, Debug)]
pub struct CourierInput<'a> {
    /// Full name.
    pub name: &'a str,
    /// Whom the courier works for.
    pub carrier: CarrierId,
    /// E-mail address, or nothing.
    pub email: &'a str,
    /// Phone number with its country, or nothing.
    pub phone: &'a str,
}

impl<'a> From<CourierInput<'a>> for Typed<'a> {
    fn from(it: CourierInput<'a>) -> Self {
        Self { name: it.name, unit: "", email: it.email, phone: it.phone, reach: Reach::Standard }
    }
}

/// A courier just added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// Who.
    pub person: PersonId,
    /// The first code, on its way; `None` while no bank is enrolled that could check one.
    pub code: Option<CodeIssued>,
}

/// A code on its way to its courier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeIssued {
    /// How many codes this courier has had.
    pub generation: u32,
    /// How it is sent.
    pub channel: Channel,
    /// How many banks can check it.
    pub banks: usize,
}

/// A courier in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourierSummary {
    /// Who, with masked addresses.
    pub person: PersonSummary,
    /// Whom the courier works for.
    pub carrier: CarrierId,
    /// The carrier's name.
    pub carrier_name: String,
    /// How many codes were made; 0 before the first.
    pub code_generation: u32,
    /// Enrolled banks that cannot check the courier's code: a new code mends it.
    pub missing_at: Vec<(BankId, String)>,
}

/// A page of couriers, in the order they were added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CouriersPage {
    /// The couriers.
    pub rows: Vec<CourierSummary>,
    /// Where the next page begins, if there is one.
    pub next: Option<PersonId>,
    /// How many there are in all.
    pub total: u32,
}

/// Adds a courier and, once a bank is enrolled, sends the first code.
///
/// A stop between the two leaves a courier without a code, which [`list`] shows and [`issue_code`] mends.
///
/// # Errors
/// [`Refused::Invalid`], [`Refused::AlreadyInUse`] for the e-mail address, or not allowed.
pub async fn add(app: &App, principal: &Principal, input: CourierInput<'_>) -> Result<Added, AppError> {
    app.authorise(principal, Permission::ManagePeople, Scope::Organisation, None).await?;
    let carrier = input.carrier;
    let details = Details::check(input.into(), Unit::Unused).map_err(Refused::Invalid)?;
    let new = seal_new(app, &details, app.now())?;
    let person = new.row.id;
    let added = app.change(principal.actor, async move |change| {
        refuse_unknown(change, carrier).await?;
        store_new(change, &new, Role::Courier).await?;
        courier::insert(&change.tx, person, carrier).await?;
        let details = new.commitment;
        change.event(PlatformEventKind::PersonAdded { person, role: Role::Courier, details }).await
    });
    added.await.map_err(email_in_use)?;
    match issue_code(app, principal, person).await {
        Ok(issued) => Ok(Added { person, code: Some(issued) }),
        Err(AppError::Refused(Refused::NotPossibleNow { .. })) => Ok(Added { person, code: None }),
        Err(error) => Err(error),
    }
}

/// Changes a courier's details and carrier, if nobody else has since `version`; the code stays.
///
/// # Errors
/// As [`people::change`]; [`Refused::NotFound`] for somebody who is no courier.
pub async fn change(
    app: &App,
    principal: &Principal,
    id: PersonId,
    version: i64,
    input: CourierInput<'_>,
) -> Result<(), AppError> {
    let found = people::authorised_over(app, principal, id).await?;
    let changed = people::seal_changed(app, found, version, input.into())?;
    let carrier = input.carrier;
    let stored = app.change(principal.actor, async move |change| {
        courier::get(&change.tx, change.org, id).await?.ok_or(Refused::NotFound)?;
        refuse_unknown(change, carrier).await?;
        courier::set_carrier(&change.tx, id, carrier).await?;
        people::store_changed(change, &changed).await
    });
    stored.await.map_err(email_in_use)
}

/// Makes a new personal code and sends it; the one before stops working as soon as each bank hears of it.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotPossibleNow`] with `no_bank_enrolled`, or not allowed.
pub async fn issue_code(app: &App, principal: &Principal, person: PersonId) -> Result<CodeIssued, AppError> {
    app.authorise(principal, Permission::ManagePeople, Scope::Organisation, None).await?;
    code::issue(app, principal.actor, person).await
}

/// Removes a courier, as [`people::remove`].
///
/// # Errors
/// As [`people::remove`]; [`Refused::NotFound`] for somebody who is no courier.
pub async fn remove(app: &App, principal: &Principal, id: PersonId, version: i64) -> Result<(), AppError> {
    app.authorise(principal, Permission::ManagePeople, Scope::Organisation, None).await?;
    let org = app.org();
    let known = app.db().read(async move |tx| Ok::<_, AppError>(courier::get(&tx, org, id).await?)).await?;
    known.ok_or(Refused::NotFound)?;
    people::remove(app, principal, id, version).await
}

/// A page of couriers.
///
/// # Errors
/// Not allowed, or the store's.
pub async fn list(
    app: &App,
    principal: &Principal,
    search: &str,
    after: Option<PersonId>,
    limit: u32,
) -> Result<CouriersPage, AppError> {
    let which = ListPeople { role: Role::Courier, search: search.to_owned(), after, limit };
    let page = people::list(app, principal, which).await?;
    let org = app.org();
    app.db()
        .read(async move |tx| {
            let mut rows = Vec::new();
            for person in &page.rows {
                // Removed since the page was read.
                let Some(found) = courier::get(&tx, org, person.id).await? else { continue };
                rows.push(CourierSummary {
                    person: person.clone(),
                    carrier: found.carrier,
                    carrier_name: found.carrier_name,
                    code_generation: found.code_generation,
                    missing_at: courier::missing_at(&tx, org, person.id).await?,
                });
            }
            Ok(CouriersPage { rows, next: page.next, total: page.total })
        })
        .await
}

async fn refuse_unknown(change: &Change, carrier: CarrierId) -> Result<(), AppError> {
    match carrier::name_of(&change.tx, change.org, carrier).await? {
        Some(_) => Ok(()),
        None => Err(Refused::Invalid(vec![FieldError { field: "carrier", code: "unknown" }]).into()),
    }
}
