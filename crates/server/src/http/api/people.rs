//! `/api/v1/residents`, `/couriers`, `/people`, `/carriers`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use bailee_domain::access::Role;
use bailee_domain::compartment::Reach;
use bailee_domain::id::PersonId;
use bailee_wire::json::{
    self, Carrier, CarrierNew, CodeSent, Courier, CourierAdded, CourierNew, Made, Person, PersonChange,
    PersonListed, Problem as Wrong, ResidentNew,
};

use super::read::{Asked, Caller, Json, body, id, version, versioned};
use super::{Answer, show};
use crate::app::couriers::{self, CourierInput};
use crate::app::people::{self, ListPeople, ResidentInput};
use crate::app::{FieldError, Refused, carriers as carriers_app};
use crate::http::Http;
use crate::http::problem::{accepted, created, no_content};

const LIST: [&str; 3] = ["q", "cursor", "limit"];

const fn reach(low: bool) -> Reach {
    if low { Reach::Low } else { Reach::Standard }
}

/// Residents, in the order they were added.
#[utoipa::path(get, path = "/api/v1/residents", tag = "people",
    params(("q" = Option<String>, Query, description = "Part of a name or unit"), ("cursor" = Option<String>, Query),
        ("limit" = Option<u32>, Query, description = "1 to 200")),
    responses((status = 200, body = json::Page<PersonListed>), (status = 400, body = Wrong)))]
pub async fn residents(State(http): State<Http>, Caller(caller): Caller, asked: Asked) -> Answer {
    let asked = asked.only(&LIST)?;
    let (after, limit) = (asked.after(&http, "residents")?, asked.limit()?);
    let input = ListPeople { role: Role::Resident, search: asked.text("q").into(), after, limit };
    let page = people::list(http.app(), &caller, input).await?;
    let items = page.rows.into_iter().map(show::person_listed).collect();
    Ok(asked.page(&http, "residents", items, page.next.map(|id| id.to_string())))
}

/// Adds somebody parcels can be dropped off for.
#[utoipa::path(post, path = "/api/v1/residents", tag = "people", request_body = ResidentNew,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = Made), (status = 409, body = Wrong), (status = 422, body = Wrong)))]
pub async fn add_resident(
    State(http): State<Http>,
    Caller(caller): Caller,
    Json(new): Json<ResidentNew>,
) -> Answer {
    let ResidentNew { name, unit, email, phone, low_reach } = &new;
    let input = ResidentInput { name, unit, email, phone, reach: reach(*low_reach) };
    let id = people::add_resident(http.app(), &caller, input).await?.to_string();
    Ok(created(&format!("/api/v1/people/{id}"), body(&Made { id })))
}

/// Couriers, in the order they were added.
#[utoipa::path(get, path = "/api/v1/couriers", tag = "people",
    params(("q" = Option<String>, Query, description = "Part of a name"), ("cursor" = Option<String>, Query),
        ("limit" = Option<u32>, Query, description = "1 to 200")),
    responses((status = 200, body = json::Page<Courier>), (status = 400, body = Wrong)))]
pub async fn couriers(State(http): State<Http>, Caller(caller): Caller, asked: Asked) -> Answer {
    let asked = asked.only(&LIST)?;
    let (after, limit) = (asked.after(&http, "couriers")?, asked.limit()?);
    let page = couriers::list(http.app(), &caller, asked.text("q"), after, limit).await?;
    let items = page.rows.into_iter().map(show::courier).collect();
    Ok(asked.page(&http, "couriers", items, page.next.map(|id| id.to_string())))
}

/// Adds a courier and sends the first personal code.
#[utoipa::path(post, path = "/api/v1/couriers", tag = "people", request_body = CourierNew,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CourierAdded), (status = 409, body = Wrong), (status = 422, body = Wrong)))]
pub async fn add_courier(
    State(http): State<Http>,
    Caller(caller): Caller,
    Json(new): Json<CourierNew>,
) -> Answer {
    let CourierNew { name, carrier, email, phone } = &new;
    let unknown = |_| Refused::Invalid(vec![FieldError { field: "carrier", code: "unknown" }]);
    let carrier = carrier.parse().map_err(unknown)?;
    let added = couriers::add(http.app(), &caller, CourierInput { name, carrier, email, phone }).await?;
    let id = added.person.to_string();
    let at = format!("/api/v1/people/{id}");
    Ok(created(&at, body(&CourierAdded { id, code: added.code.map(show::code_sent) })))
}

/// Makes and sends a new personal code; the one before stops working at every bank.
#[utoipa::path(post, path = "/api/v1/couriers/{person}/code", tag = "people",
    params(("person" = String, Path, description = "`per_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 202, body = CodeSent), (status = 404, body = Wrong), (status = 409, body = Wrong)))]
pub async fn courier_code(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(person): Path<String>,
) -> Answer {
    let code = couriers::issue_code(http.app(), &caller, id(&person)?).await?;
    Ok(accepted(body(&show::code_sent(code))))
}

/// Everything known of a person. The look is written to the custody log.
#[utoipa::path(get, path = "/api/v1/people/{person}", tag = "people",
    params(("person" = String, Path, description = "`per_…`")),
    responses((status = 200, body = Person), (status = 404, body = Wrong)))]
pub async fn one(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(person): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let found = people::find(http.app(), &caller, id(&person)?).await?;
    Ok(versioned(&headers, found.version, &show::person(&found)))
}

/// Changes a person's details, if nobody else has in between.
#[utoipa::path(put, path = "/api/v1/people/{person}", tag = "people", request_body = PersonChange,
    params(("person" = String, Path, description = "`per_…`"), ("If-Match" = String, Header)),
    responses((status = 204, description = "Saved."), (status = 412, body = Wrong), (status = 422, body = Wrong)))]
pub async fn change(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(person): Path<String>,
    headers: HeaderMap,
    Json(new): Json<PersonChange>,
) -> Answer {
    let (id, version): (PersonId, i64) = (id(&person)?, version(&headers)?);
    let PersonChange { name, unit, email, phone, low_reach } = &new;
    let input = ResidentInput { name, unit, email, phone, reach: reach(*low_reach) };
    people::change(http.app(), &caller, id, version, input).await?;
    Ok(no_content())
}

/// Removes a person from every bank and forgets everything known of them.
#[utoipa::path(delete, path = "/api/v1/people/{person}", tag = "people",
    params(("person" = String, Path, description = "`per_…`"), ("If-Match" = String, Header)),
    responses((status = 204, description = "Removed."), (status = 409, body = Wrong), (status = 412, body = Wrong)))]
pub async fn remove(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(person): Path<String>,
    headers: HeaderMap,
) -> Answer {
    people::remove(http.app(), &caller, id(&person)?, version(&headers)?).await?;
    Ok(no_content())
}

/// Every carrier, by name.
#[utoipa::path(get, path = "/api/v1/carriers", tag = "people",
    responses((status = 200, body = json::Page<Carrier>), (status = 403, body = Wrong)))]
pub async fn carriers(State(http): State<Http>, Caller(caller): Caller, asked: Asked) -> Answer {
    let asked = asked.only(&[])?;
    let listed = carriers_app::list(http.app(), &caller).await?;
    let items = listed.into_iter().map(|row| Carrier { id: row.id.to_string(), name: row.name });
    Ok(asked.page(&http, "carriers", items.collect(), None))
}

/// Adds a carrier.
#[utoipa::path(post, path = "/api/v1/carriers", tag = "people", request_body = CarrierNew,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = Made), (status = 409, body = Wrong), (status = 422, body = Wrong)))]
pub async fn add_carrier(
    State(http): State<Http>,
    Caller(caller): Caller,
    Json(new): Json<CarrierNew>,
) -> Answer {
    let id = carriers_app::add(http.app(), &caller, &new.name).await?.to_string();
    Ok(created("/api/v1/carriers", body(&Made { id })))
}
