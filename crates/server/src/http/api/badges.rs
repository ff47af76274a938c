//! `/api/v1/people/{person}/badges` and `/api/v1/banks/{bank}/work-orders`

use axum::extract::{Path, State};
use bailee_domain::badge::Assurance;
use bailee_domain::compartment::CompartmentNo;
use bailee_wire::event::time_text as time;
use bailee_wire::json::{
    Badge, BadgeCodeNew, Badges, Made, Problem as Wrong, Revocation, WorkOrder, WorkOrderClose, WorkOrderNew,
};

use super::Answer;
use super::read::{Asked, Caller, Json, body, id};
use crate::app::badges;
use crate::app::work_orders::{self, NewOrder, OrderView};
use crate::app::{FieldError, Refused};
use crate::http::Http;
use crate::http::problem::{accepted, created, no_content};

/// A person's badges, and which banks have confirmed the last revocation.
#[utoipa::path(get, path = "/api/v1/people/{person}/badges", tag = "people",
    params(("person" = String, Path, description = "`per_…`")),
    responses((status = 200, body = Badges), (status = 404, body = Wrong)))]
pub async fn list(State(http): State<Http>, Caller(caller): Caller, Path(person): Path<String>) -> Answer {
    Ok(body(&shown(&badges::of_person(http.app(), &caller, id(&person)?).await?)))
}

/// Sends a person a code with which they enrol a badge at a bank's kiosk within a day.
#[utoipa::path(post, path = "/api/v1/people/{person}/badges/code", tag = "people", request_body = BadgeCodeNew,
    params(("person" = String, Path, description = "`per_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 204, description = "On its way."), (status = 404, body = Wrong),
        (status = 409, description = "`bank_offline`, `not_reachable`, `revocation_open` or `refused_by_bank`.", body = Wrong)))]
pub async fn send_code(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(person): Path<String>,
    Json(new): Json<BadgeCodeNew>,
) -> Answer {
    badges::send_code(http.app(), http.ask(), &caller, id(&person)?, id(&new.bank)?).await?;
    Ok(no_content())
}

/// Revokes every badge of a person at every bank; the answer names the banks that have yet to confirm.
#[utoipa::path(delete, path = "/api/v1/people/{person}/badges", tag = "people",
    params(("person" = String, Path, description = "`per_…`")),
    responses((status = 202, body = Badges), (status = 404, body = Wrong)))]
pub async fn revoke(State(http): State<Http>, Caller(caller): Caller, Path(person): Path<String>) -> Answer {
    let person = id(&person)?;
    badges::revoke(http.app(), &caller, person).await?;
    Ok(accepted(body(&shown(&badges::of_person(http.app(), &caller, person).await?))))
}

fn shown(found: &badges::Badges) -> Badges {
    let badge = |row: &badges::BadgeRow| Badge {
        bank: row.bank.to_string(),
        strong: row.assurance == Assurance::Strong,
        enrolled_at: time(row.enrolled_at),
        forgotten_at: row.forgotten_at.map(time),
    };
    let revocation = |row: &badges::RevocationRow| Revocation {
        bank: row.bank.to_string(),
        asked_at: time(row.asked_at),
        confirmed_at: row.forgotten_at.map(time),
    };
    Badges {
        enrolled: found.enrolled.iter().map(badge).collect(),
        revocations: found.revocations.iter().map(revocation).collect(),
    }
}

/// A bank's work orders, the newest first.
#[utoipa::path(get, path = "/api/v1/banks/{bank}/work-orders", tag = "banks",
    params(("bank" = String, Path, description = "`bnk_…`")),
    responses((status = 200, body = bailee_wire::json::Page<WorkOrder>), (status = 404, body = Wrong)))]
pub async fn work_orders(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(bank): Path<String>,
    asked: Asked,
) -> Answer {
    let asked = asked.only(&[])?;
    let listed = work_orders::of_bank(http.app(), &caller, id(&bank)?).await?;
    Ok(asked.page(&http, "work-orders", listed.into_iter().map(order).collect(), None))
}

/// Writes a work order and sends the technician its code.
#[utoipa::path(post, path = "/api/v1/banks/{bank}/work-orders", tag = "banks", request_body = WorkOrderNew,
    params(("bank" = String, Path, description = "`bnk_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = Made), (status = 404, body = Wrong), (status = 409, body = Wrong),
        (status = 422, body = Wrong)))]
pub async fn write_order(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(bank): Path<String>,
    Json(new): Json<WorkOrderNew>,
) -> Answer {
    let wrong = |field, code| Refused::Invalid(vec![FieldError { field, code }]);
    let moment =
        |field, text: &str| crate::http::portal::moment(text).ok_or_else(|| wrong(field, "not_a_time"));
    let order = NewOrder {
        technician: new.technician.parse().map_err(|_| wrong("technician", "unknown"))?,
        doors: new.doors.iter().map(|door| CompartmentNo(*door)).collect(),
        begins: moment("begins", &new.begins)?,
        expires: moment("expires", &new.expires)?,
        task: &new.task,
    };
    let made = work_orders::write(http.app(), &caller, id(&bank)?, order).await?.to_string();
    Ok(created(&format!("/api/v1/banks/{bank}/work-orders"), body(&Made { id: made })))
}

/// Closes a work order with what was done; the bank ends it as soon as it can be told.
#[utoipa::path(post, path = "/api/v1/banks/{bank}/work-orders/{order}/close", tag = "banks", request_body = WorkOrderClose,
    params(("bank" = String, Path, description = "`bnk_…`"), ("order" = String, Path, description = "`wko_…`"),
        ("Idempotency-Key" = String, Header)),
    responses((status = 204, description = "Closed."), (status = 404, body = Wrong), (status = 422, body = Wrong)))]
pub async fn close_order(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path((bank, order)): Path<(String, String)>,
    Json(new): Json<WorkOrderClose>,
) -> Answer {
    work_orders::close(http.app(), &caller, id(&bank)?, id(&order)?, &new.note).await?;
    Ok(no_content())
}

fn order(view: OrderView) -> WorkOrder {
    let row = view.row;
    WorkOrder {
        id: row.id.to_string(),
        technician: row.technician.to_string(),
        doors: row.doors.iter().map(|door| door.0).collect(),
        begins: time(row.begins),
        expires: time(row.expires),
        task: view.task,
        state: view.state.name().into(),
        note: view.note,
        ended_by: row.ended_by,
        ended_at: row.ended_at.map(time),
    }
}
