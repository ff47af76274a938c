//! `/people`: residents and couriers, with both sides of a conflict kept on the page.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use bailee_domain::access::Role;
use bailee_domain::compartment::Reach;
use bailee_domain::id::PersonId;
use bailee_ui::form::{Choice, Field};

use super::carriers_of;
use super::conflict::{self, Shared};
use super::form::{Form, Query};
use super::gate::Who;
use super::notice::{Done, cannot};
use super::parcels::tab;
use super::shell::{Answer, draw, shell, show};
use super::views::Section;
use super::views::people::{Conflict, CourierForm, Kind, People, PersonRow, ResidentForm};
use crate::app::couriers::{self, CourierInput};
use crate::app::log::LogFilter;
use crate::app::people::{self, ListPeople, Person, PersonSummary, ResidentInput};
use crate::app::{AppError, FieldError, Refused};
use crate::http::Http;
use crate::http::problem::Problem;

const PAGE: u32 = 50;
/// Fields of a resident that two people may change at once.
const RESIDENT: [Shared; 4] =
    [("name", "person-name"), ("unit", "person-unit"), ("email", "person-email"), ("phone", "person-phone")];
/// Fields of a courier that two people may change at once.
const COURIER: [Shared; 4] = [
    ("name", "person-name"),
    ("carrier_name", "carrier"),
    ("email", "person-email"),
    ("phone", "person-phone"),
];

/// `/people?kind=residents|couriers&q=…`
pub async fn list(State(http): State<Http>, Extension(who): Extension<Who>, Query(query): Query) -> Answer {
    let kind = if query.text("kind") == "couriers" { Kind::Couriers } else { Kind::Residents };
    let after: Option<PersonId> = http.position(kind.value(), query.some("cursor"))?;
    let (rows, next, total) = rows(&http, &who, kind, (query.text("q"), after)).await?;
    let other = other_total(&http, &who, kind).await?;
    let (residents, couriers) = if kind == Kind::Residents { (total, other) } else { (other, total) };
    let kept = query.query_without(&["cursor", "done", "cannot"]);
    let next = next.map(|id| format!("/people?{kept}&cursor={}", http.cursor(kind.value(), &id.to_string())));
    Ok(show(&People {
        page: who.page(),
        shell: shell(&http, &who, Section::People).await?,
        kind,
        views: vec![
            tab("/people?kind=residents", "people-residents", residents, kind == Kind::Residents),
            tab("/people?kind=couriers", "people-couriers", couriers, kind == Kind::Couriers),
        ],
        q: Field::new(query.text("q")),
        rows,
        first: after.map(|_| format!("/people?{kept}")),
        next,
    }))
}

async fn rows(
    http: &Http,
    who: &Who,
    kind: Kind,
    (search, after): (&str, Option<PersonId>),
) -> Result<(Vec<PersonRow>, Option<PersonId>, u32), Problem> {
    let (app, principal) = (http.app(), &who.session()?.principal);
    if kind == Kind::Couriers {
        let page = couriers::list(app, principal, search, after, PAGE).await?;
        let row = |row: couriers::CourierSummary| person_row(row.person, Some(row.carrier_name));
        return Ok((page.rows.into_iter().map(row).collect(), page.next, page.total));
    }
    let which = ListPeople { role: Role::Resident, search: search.to_owned(), after, limit: PAGE };
    let page = people::list(app, principal, which).await?;
    Ok((page.rows.into_iter().map(|row| person_row(row, None)).collect(), page.next, page.total))
}

async fn other_total(http: &Http, who: &Who, shown: Kind) -> Result<u32, Problem> {
    let role = if shown == Kind::Residents { Role::Courier } else { Role::Resident };
    let first = ListPeople { role, search: String::new(), after: None, limit: 1 };
    Ok(people::list(http.app(), &who.session()?.principal, first).await?.total)
}

fn person_row(person: PersonSummary, place: Option<String>) -> PersonRow {
    PersonRow {
        id: person.id.to_string(),
        name: person.name,
        place: place.unwrap_or(person.unit),
        email: person.email.unwrap_or_default(),
        phone: person.phone.unwrap_or_default(),
        active: true,
    }
}

/// What a form of a person holds besides the typed fields.
#[derive(Default)]
struct About {
    id: String,
    version: String,
    conflict: Option<Conflict>,
}

/// `/people/residents/new`
pub async fn new_resident(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    Ok(show(&resident_form(&http, &who, &Form::default(), &[], About::default()).await?))
}

/// `/people/residents/new`, posted.
pub async fn add_resident(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Answer {
    match people::add_resident(http.app(), &who.session()?.principal, resident(&form)).await {
        Ok(_id) => Ok(Done::PersonSaved.at("/people?kind=residents")),
        Err(error) => {
            let problem = correctable(error)?;
            let view = resident_form(&http, &who, &form, &problem.fields, About::default()).await?;
            Ok(problem.wrap_page(draw(&view)))
        }
    }
}

/// `/people/couriers/new`
pub async fn new_courier(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    Ok(show(&courier_form(&http, &who, &Form::default(), &[], About::default()).await?))
}

/// `/people/couriers/new`, posted.
pub async fn add_courier(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Answer {
    match try_courier(&http, &who, &form).await {
        Ok(added) => {
            let done = if added.code.is_some() { Done::CourierAdded } else { Done::CourierWithoutCode };
            Ok(done.at("/people?kind=couriers"))
        }
        Err(error) => {
            let problem = correctable(error)?;
            let view = courier_form(&http, &who, &form, &problem.fields, About::default()).await?;
            Ok(problem.wrap_page(draw(&view)))
        }
    }
}

async fn try_courier(http: &Http, who: &Who, form: &Form) -> Result<couriers::Added, AppError> {
    let principal = &who.session().map_err(|_| Refused::NotSignedIn)?.principal;
    couriers::add(http.app(), principal, courier(form)?).await
}

fn courier(form: &Form) -> Result<CourierInput<'_>, Refused> {
    let missing = || Refused::Invalid(vec![FieldError { field: "carrier", code: "required" }]);
    let carrier = form.read("carrier").ok_or_else(missing)?;
    Ok(CourierInput {
        name: form.text("name"),
        carrier,
        email: form.text("email"),
        phone: form.text("phone"),
    })
}

/// A refusal that names fields, to be shown with the form; anything else passes on.
fn correctable(error: AppError) -> Result<Problem, Problem> {
    let problem = Problem::from(error);
    if problem.fields.is_empty() { Err(problem) } else { Ok(problem) }
}

fn resident(form: &Form) -> ResidentInput<'_> {
    let reach = if form.text("reach") == "low" { Reach::Low } else { Reach::Standard };
    ResidentInput {
        name: form.text("name"),
        unit: form.text("unit"),
        email: form.text("email"),
        phone: form.text("phone"),
        reach,
    }
}

/// `/people/{id}`
pub async fn page(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(person): Path<String>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    let found = people::find(http.app(), &who.session()?.principal, id).await?;
    let about = About { id: person, version: found.version.to_string(), conflict: None };
    let html = draw_form(&http, &who, (&found, &typed(&found)), &[], about).await?;
    Ok(axum::response::IntoResponse::into_response(axum::response::Html(html)))
}

/// `/people/{id}`, posted: saves unless somebody else saved in between; then both versions are on the page.
pub async fn change(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(person): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    let found = people::find(http.app(), &who.session()?.principal, id).await?;
    match try_change(&http, &who, (&found, &form)).await {
        Ok(()) => Ok(Done::PersonSaved.at(list_of(&found))),
        Err(error) => change_again(&http, &who, (&found, &form), error).await,
    }
}

async fn try_change(http: &Http, who: &Who, (found, form): (&Person, &Form)) -> Result<(), AppError> {
    let principal = &who.session().map_err(|_| Refused::NotSignedIn)?.principal;
    let version = form.read("version").unwrap_or(0);
    match found.courier {
        Some(_) => couriers::change(http.app(), principal, found.id, version, courier(form)?).await,
        None => people::change(http.app(), principal, found.id, version, resident(form)).await,
    }
}

/// The list somebody stands in.
fn list_of(found: &Person) -> &'static str {
    if found.courier.is_some() { "/people?kind=couriers" } else { "/people?kind=residents" }
}

async fn change_again(
    http: &Http,
    who: &Who,
    (found, form): (&Person, &Form),
    error: AppError,
) -> Result<Response, Problem> {
    let conflict = matches!(error, AppError::Refused(Refused::Conflict { .. }));
    let problem = if conflict { Problem::from(error) } else { correctable(error)? };
    let about = About {
        id: found.id.to_string(),
        version: if conflict { found.version.to_string() } else { form.text("version").to_owned() },
        conflict: if conflict { Some(theirs(http, who, found, form).await?) } else { None },
    };
    let html = draw_form(http, who, (found, form), &problem.fields, about).await?;
    Ok(problem.wrap_page(html))
}

/// What somebody else saved, where it differs from what was typed here.
async fn theirs(http: &Http, who: &Who, found: &Person, form: &Form) -> Result<Conflict, Problem> {
    let principal = &who.session()?.principal;
    let filter =
        LogFilter { kind: Some("PersonChanged".into()), person: Some(found.id), ..LogFilter::default() };
    let fields = if found.courier.is_some() { &COURIER } else { &RESIDENT };
    let carriers = carriers_of(http, principal).await?;
    let named =
        |form: &Form| form.read("carrier").and_then(|id| carriers.get(&id)).cloned().unwrap_or_default();
    let (mut stored, mut form) = (typed(found), form.clone());
    stored.set("carrier_name", named(&stored));
    form.set("carrier_name", named(&form));
    conflict::theirs(http, principal, filter, (&stored, &form), fields).await
}

/// What is stored, as if it had been typed.
fn typed(found: &Person) -> Form {
    let details = &found.details;
    let carrier = found.courier.as_ref().map(|courier| courier.carrier.to_string()).unwrap_or_default();
    let fields = [
        ("name", details.name.as_str()),
        ("unit", details.unit.as_str()),
        ("email", details.email.as_deref().unwrap_or_default()),
        ("phone", details.phone.as_deref().unwrap_or_default()),
        ("carrier", carrier.as_str()),
        ("reach", if found.details.reach() == Reach::Low { "low" } else { "" }),
    ];
    Form::of(fields)
}

/// `/people/{id}/code`, posted.
pub async fn courier_code(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(person): Path<String>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    match couriers::issue_code(http.app(), &who.session()?.principal, id).await {
        Ok(_issued) => Ok(Done::CourierCodeSent.at("/people?kind=couriers")),
        Err(error) => cannot(error, &format!("/people/{id}")),
    }
}

/// `/people/{id}/remove`, posted: unless somebody else saved in between, who is then shown.
pub async fn remove(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(person): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let id: PersonId = person.parse().map_err(|_| Problem::not_found())?;
    let (app, principal) = (http.app(), &who.session()?.principal);
    let found = people::find(app, principal, id).await?;
    match people::remove(app, principal, id, form.read("version").unwrap_or(0)).await {
        Ok(()) => Ok(Done::PersonRemoved.at(list_of(&found))),
        Err(error @ AppError::Refused(Refused::Conflict { .. })) => {
            change_again(&http, &who, (&found, &typed(&found)), error).await
        }
        Err(error) => cannot(error, &format!("/people/{id}")),
    }
}

async fn draw_form(
    http: &Http,
    who: &Who,
    (found, form): (&Person, &Form),
    wrong: &[FieldError],
    about: About,
) -> Result<String, Problem> {
    match found.courier {
        Some(_) => Ok(draw(&courier_form(http, who, form, wrong, about).await?)),
        None => Ok(draw(&resident_form(http, who, form, wrong, about).await?)),
    }
}

async fn resident_form(
    http: &Http,
    who: &Who,
    form: &Form,
    wrong: &[FieldError],
    about: About,
) -> Result<ResidentForm, Problem> {
    let mut page = who.page();
    page.error = !wrong.is_empty() || about.conflict.is_some();
    Ok(ResidentForm {
        shell: shell(http, who, Section::People).await?,
        id: about.id,
        version: about.version,
        name: form.field(&page, "name", wrong),
        unit: form.field(&page, "unit", wrong),
        email: form.field(&page, "email", wrong),
        phone: form.field(&page, "phone", wrong),
        low_reach: form.text("reach") == "low",
        conflict: about.conflict,
        page,
    })
}

async fn courier_form(
    http: &Http,
    who: &Who,
    form: &Form,
    wrong: &[FieldError],
    about: About,
) -> Result<CourierForm, Problem> {
    let mut page = who.page();
    page.error = !wrong.is_empty() || about.conflict.is_some();
    let carriers = carriers_of(http, &who.session()?.principal).await?;
    let mut carriers: Vec<Choice> =
        carriers.iter().map(|(id, name)| Choice::new(id.to_string(), name)).collect();
    carriers.sort_by(|a, b| a.label.cmp(&b.label));
    Ok(CourierForm {
        shell: shell(http, who, Section::People).await?,
        id: about.id,
        version: about.version,
        name: form.field(&page, "name", wrong),
        carrier: form.field(&page, "carrier", wrong),
        carriers,
        email: form.field(&page, "email", wrong),
        phone: form.field(&page, "phone", wrong),
        conflict: about.conflict,
        page,
    })
}
