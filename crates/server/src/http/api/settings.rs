//! `/api/v1/site` and `/api/v1/tokens`. A token cannot make tokens: people do, in the portal.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use bailee_wire::json::{self, Problem as Wrong, Site, SiteChange, Token};

use super::read::{Asked, Caller, Json, id, version, versioned};
use super::{Answer, show};
use crate::app::settings::{self, SiteInput};
use crate::app::tokens as tokens_app;
use crate::http::Http;
use crate::http::problem::no_content;

/// Tokens that are not revoked, the newest first.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "settings",
    responses((status = 200, body = json::Page<Token>), (status = 403, body = Wrong)))]
pub async fn tokens(State(http): State<Http>, Caller(caller): Caller, asked: Asked) -> Answer {
    let asked = asked.only(&[])?;
    let listed = tokens_app::list(http.app(), &caller).await?;
    Ok(asked.page(&http, "tokens", listed.into_iter().map(show::token).collect(), None))
}

/// Ends a token at once.
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "settings",
    params(("token" = String, Path, description = "`tok_…`")),
    responses((status = 204, description = "It has ended."), (status = 404, body = Wrong)))]
pub async fn revoke(State(http): State<Http>, Caller(caller): Caller, Path(token): Path<String>) -> Answer {
    tokens_app::revoke(http.app(), &caller, id(&token)?).await?;
    Ok(no_content())
}

/// The site's settings.
#[utoipa::path(get, path = "/api/v1/site", tag = "settings", responses((status = 200, body = Site)))]
pub async fn site(State(http): State<Http>, Caller(caller): Caller, headers: HeaderMap) -> Answer {
    let site = settings::site(http.app(), &caller).await?;
    Ok(versioned(&headers, site.version, &show::site(site)))
}

/// Changes the site's settings, if nobody else has in between.
#[utoipa::path(put, path = "/api/v1/site", tag = "settings", request_body = SiteChange,
    params(("If-Match" = String, Header)),
    responses((status = 204, description = "Saved."), (status = 412, body = Wrong), (status = 422, body = Wrong)))]
pub async fn change_site(
    State(http): State<Http>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Json(new): Json<SiteChange>,
) -> Answer {
    let SiteChange { name, help, expiry_days, receipt_days } = &new;
    let (expiry_days, receipt_days) = (*expiry_days, *receipt_days);
    let input = SiteInput { name, help, expiry_days, receipt_days, version: version(&headers)? };
    settings::change_site(http.app(), &caller, input).await?;
    Ok(no_content())
}
