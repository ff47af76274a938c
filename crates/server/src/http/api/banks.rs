//! `/api/v1/banks`

use axum::extract::{Path, State};
use bailee_domain::health::Health;
use bailee_wire::event::time_text;
use bailee_wire::json::{self, Bank, BankHealth, BankOffer, BankOffered, Compartment, Problem as Wrong};

use super::read::{Asked, Caller, Json, body, id};
use super::{Answer, show};
use crate::app::enrolment::{self, OfferEnrolment};
use crate::app::{banks, health, settings};
use crate::http::Http;
use crate::http::problem::{Problem, created};

/// Every bank the token may see, by name.
#[utoipa::path(get, path = "/api/v1/banks", tag = "banks",
    responses((status = 200, body = json::Page<Bank>), (status = 403, body = Wrong)))]
pub async fn list(State(http): State<Http>, Caller(caller): Caller, asked: Asked) -> Answer {
    let asked = asked.only(&[])?;
    let listed = banks::list(http.app(), &caller).await?;
    Ok(asked.page(&http, "banks", listed.iter().map(show::bank).collect(), None))
}

/// One bank.
#[utoipa::path(get, path = "/api/v1/banks/{bank}", tag = "banks", params(("bank" = String, Path, description = "`bnk_…`")),
    responses((status = 200, body = Bank), (status = 404, body = Wrong)))]
pub async fn one(State(http): State<Http>, Caller(caller): Caller, Path(bank): Path<String>) -> Answer {
    Ok(body(&show::bank(&banks::view(http.app(), &caller, id(&bank)?).await?.summary)))
}

/// A bank's compartments, as last heard.
#[utoipa::path(get, path = "/api/v1/banks/{bank}/compartments", tag = "banks",
    params(("bank" = String, Path, description = "`bnk_…`")),
    responses((status = 200, body = json::Page<Compartment>), (status = 404, body = Wrong)))]
pub async fn compartments(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(bank): Path<String>,
    asked: Asked,
) -> Answer {
    let asked = asked.only(&[])?;
    let found = banks::view(http.app(), &caller, id(&bank)?).await?;
    Ok(asked.page(&http, "compartments", show::compartments(&found.summary), None))
}

/// What a bank measures of itself and what is not as it should be; of a bank that is offline, the last it sent.
#[utoipa::path(get, path = "/api/v1/banks/{bank}/health", tag = "banks",
    params(("bank" = String, Path, description = "`bnk_…`")),
    responses((status = 200, body = BankHealth), (status = 404, body = Wrong, description = "No such bank, or it has sent no report yet")))]
pub async fn health(State(http): State<Http>, Caller(caller): Caller, Path(bank): Path<String>) -> Answer {
    let shown = health::view(http.app(), &caller, id(&bank)?).await?;
    let (report, heard) = shown.report.ok_or_else(Problem::not_found)?;
    Ok(body(&BankHealth::of(&Health { at: heard, ..report }, &shown.findings, http.app().now())))
}

/// Makes a place for a new bank and the one-time token for its controller.
#[utoipa::path(post, path = "/api/v1/banks", tag = "banks", request_body = BankOffer,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = BankOffered), (status = 409, body = Wrong), (status = 422, body = Wrong)))]
pub async fn offer(State(http): State<Http>, Caller(caller): Caller, Json(new): Json<BankOffer>) -> Answer {
    let site = settings::site(http.app(), &caller).await?.id;
    let address = http.options().link_address.clone();
    let offered =
        enrolment::offer(http.app(), &caller, OfferEnrolment { site, name: new.name, address }).await?;
    let (bank, expires) = (offered.bank.to_string(), time_text(offered.expires));
    let at = format!("/api/v1/banks/{bank}");
    Ok(created(&at, body(&BankOffered { bank, token: offered.token.expose().clone(), expires })))
}
