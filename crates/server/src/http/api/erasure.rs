//! `/api/v1/people/{person}/erasure`, `/holds`

use axum::extract::{Path, State};
use bailee_wire::event::time_text as time;
use bailee_wire::json::{self, Erasure, ErasureNew, Hold, HoldNew, Made, Problem as Wrong};

use super::Answer;
use super::read::{Asked, Caller, Json, body, id};
use crate::app::legal_hold::{self, NewHold, Protected};
use crate::app::people::erase;
use crate::app::{FieldError, Refused};
use crate::http::Http;
use crate::http::problem::{accepted, created, no_content};

/// Erases a person: everything known of them is destroyed, and banks forget them as they can be reached.
#[utoipa::path(post, path = "/api/v1/people/{person}/erasure", tag = "people", request_body = ErasureNew,
    params(("person" = String, Path, description = "`per_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 202, body = Erasure), (status = 404, body = Wrong),
        (status = 409, description = "`legal_hold`, `parcel_waiting` or `last_administrator`.", body = Wrong),
        (status = 422, body = Wrong)))]
pub async fn erase(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(person): Path<String>,
    Json(new): Json<ErasureNew>,
) -> Answer {
    let erased = erase::erase(http.app(), &caller, id(&person)?, &new.reason).await?;
    Ok(accepted(body(&shown(&erased))))
}

/// How far the erasure of a person has come, and which banks may still know them.
#[utoipa::path(get, path = "/api/v1/people/{person}/erasure", tag = "people",
    params(("person" = String, Path, description = "`per_…`")),
    responses((status = 200, body = Erasure), (status = 404, body = Wrong)))]
pub async fn status(State(http): State<Http>, Caller(caller): Caller, Path(person): Path<String>) -> Answer {
    Ok(body(&shown(&erase::status(http.app(), &caller, id(&person)?).await?)))
}

/// Legal holds in force, the newest first.
#[utoipa::path(get, path = "/api/v1/holds", tag = "people",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query, description = "1 to 200")),
    responses((status = 200, body = json::Page<Hold>), (status = 400, body = Wrong)))]
pub async fn holds(State(http): State<Http>, Caller(caller): Caller, asked: Asked) -> Answer {
    let asked = asked.only(&["cursor", "limit"])?;
    let (before, limit) = (asked.after(&http, "holds")?, asked.limit()?);
    let (listed, next) = legal_hold::list(http.app(), &caller, before, limit).await?;
    let items = listed.iter().map(hold).collect();
    Ok(asked.page(&http, "holds", items, next.map(|id| id.to_string())))
}

/// Places a legal hold: the person, or everybody the parcel names, can't be erased until it is lifted.
#[utoipa::path(post, path = "/api/v1/holds", tag = "people", request_body = HoldNew,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = Made), (status = 404, body = Wrong), (status = 422, body = Wrong)))]
pub async fn place(State(http): State<Http>, Caller(caller): Caller, Json(new): Json<HoldNew>) -> Answer {
    let unclear = || Refused::Invalid(vec![FieldError { field: "person", code: "person_or_parcel" }]);
    let what = match (&new.person, &new.parcel) {
        (Some(person), None) => Protected::Person(person.parse().map_err(|_| unclear())?),
        (None, Some(parcel)) => Protected::Parcel(parcel.parse().map_err(|_| unclear())?),
        _ => return Err(unclear().into()),
    };
    let new = NewHold { what, reason: &new.reason, owner: &new.owner };
    let id = legal_hold::place(http.app(), &caller, new).await?.to_string();
    Ok(created("/api/v1/holds", body(&Made { id })))
}

/// Lifts a legal hold.
#[utoipa::path(delete, path = "/api/v1/holds/{hold}", tag = "people",
    params(("hold" = String, Path, description = "`hld_…`")),
    responses((status = 204, description = "Lifted."), (status = 404, body = Wrong)))]
pub async fn lift(State(http): State<Http>, Caller(caller): Caller, Path(hold): Path<String>) -> Answer {
    legal_hold::lift(http.app(), &caller, id(&hold)?).await?;
    Ok(no_content())
}

fn shown(erased: &erase::Erasure) -> Erasure {
    Erasure {
        person: erased.person.to_string(),
        asked_by: erased.asked_by.clone(),
        asked_at: time(erased.asked_at),
        reason: erased.reason.clone(),
        scrubbed_at: erased.scrubbed_at.map(time),
        completed_at: erased.completed_at.map(time),
        banks_waiting: erased.banks_waiting.iter().map(|(bank, _)| bank.to_string()).collect(),
    }
}

fn hold(hold: &legal_hold::Hold) -> Hold {
    let (person, parcel) = match hold.what {
        Protected::Person(id) => (Some(id.to_string()), None),
        Protected::Parcel(id) => (None, Some(id.to_string())),
    };
    Hold {
        id: hold.id.to_string(),
        person,
        parcel,
        reason: hold.reason.clone(),
        owner: hold.owner.clone(),
        placed_by: hold.placed_by.clone(),
        placed_at: time(hold.placed_at),
    }
}
