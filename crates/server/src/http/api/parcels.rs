//! `/api/v1/parcels`

use axum::extract::{Path, State};
use bailee_wire::event::time_text;
use bailee_wire::json::{self, Extended, Extension, Parcel, ParcelDetail, Problem as Wrong};

use super::read::{Asked, Caller, Json, body, id};
use super::{Answer, show};
use crate::app::parcels::{self, ListParcels, ParcelFilter, ParcelState};
use crate::http::Http;
use crate::http::problem::{Problem, accepted, no_content};

/// Parcels, the newest first.
#[utoipa::path(get, path = "/api/v1/parcels", tag = "parcels",
    params(("state" = Option<String>, Query, description = "`all`, `in_bank`, `ready`, `overdue` or `collected`"),
        ("bank" = Option<String>, Query), ("recipient" = Option<String>, Query),
        ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query, description = "1 to 200")),
    responses((status = 200, body = json::Page<Parcel>), (status = 400, body = Wrong)))]
pub async fn list(State(http): State<Http>, Caller(caller): Caller, asked: Asked) -> Answer {
    let asked = asked.only(&["state", "bank", "recipient", "cursor", "limit"])?;
    let (bank, recipient) = (asked.get("bank")?, asked.get("recipient")?);
    let filter = ParcelFilter { state: state(asked.text("state"))?, bank, recipient };
    let input = ListParcels { filter, before: asked.after(&http, "parcels")?, limit: asked.limit()? };
    let listed = parcels::list(http.app(), &caller, input).await?;
    let now = http.app().now();
    let items = listed.parcels.iter().map(|parcel| show::parcel(parcel, now)).collect();
    Ok(asked.page(&http, "parcels", items, listed.next.map(|id| id.to_string())))
}

fn state(text: &str) -> Result<ParcelState, Problem> {
    match text {
        "" | "all" => Ok(ParcelState::All),
        "in_bank" => Ok(ParcelState::InBank),
        "ready" => Ok(ParcelState::Ready),
        "overdue" => Ok(ParcelState::Overdue),
        "collected" => Ok(ParcelState::Collected),
        _ => Err(Problem::unreadable("state is all, in_bank, ready, overdue or collected")),
    }
}

/// One parcel with its chain of custody.
#[utoipa::path(get, path = "/api/v1/parcels/{parcel}", tag = "parcels",
    params(("parcel" = String, Path, description = "`prc_…`")),
    responses((status = 200, body = ParcelDetail), (status = 404, body = Wrong)))]
pub async fn one(State(http): State<Http>, Caller(caller): Caller, Path(parcel): Path<String>) -> Answer {
    let found = parcels::view(http.app(), &caller, id(&parcel)?).await?;
    Ok(body(&show::parcel_detail(&found, http.app().now())))
}

/// Has a new code made and sent; the old one ends when the bank has the new one.
#[utoipa::path(post, path = "/api/v1/parcels/{parcel}/code", tag = "parcels",
    params(("parcel" = String, Path, description = "`prc_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 202, description = "It is on its way."), (status = 409, body = Wrong)))]
pub async fn send_code(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(parcel): Path<String>,
) -> Answer {
    parcels::send_again(http.app(), &caller, id(&parcel)?).await?;
    Ok(accepted(no_content()))
}

/// Gives the recipient more time, from now on, with a new code.
#[utoipa::path(post, path = "/api/v1/parcels/{parcel}/extension", tag = "parcels", request_body = Extension,
    params(("parcel" = String, Path, description = "`prc_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 202, body = Extended), (status = 409, body = Wrong), (status = 422, body = Wrong)))]
pub async fn extend(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(parcel): Path<String>,
    Json(wanted): Json<Extension>,
) -> Answer {
    let expires = parcels::extend(http.app(), &caller, id(&parcel)?, wanted.days).await?;
    Ok(accepted(body(&Extended { expires: time_text(expires) })))
}
