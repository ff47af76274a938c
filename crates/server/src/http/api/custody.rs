//! `/api/v1/banks/{bank}/keys`
//!
//! A program reads where keys are. Releasing one takes two people, in the portal.

use axum::extract::{Path, State};
use bailee_wire::event::time_text as time;
use bailee_wire::json::{self, CustodyKey, Problem as Wrong};

use super::Answer;
use super::read::{Asked, Caller, id};
use crate::app::custody::{self, CustodyView, Whereabouts};
use crate::http::Http;

/// Override and mechanical keys of a bank, and where each is.
#[utoipa::path(get, path = "/api/v1/banks/{bank}/keys", tag = "banks",
    params(("bank" = String, Path, description = "`bnk_…`")),
    responses((status = 200, body = json::Page<CustodyKey>), (status = 404, body = Wrong)))]
pub async fn list(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(bank): Path<String>,
    asked: Asked,
) -> Answer {
    let asked = asked.only(&[])?;
    let kept = custody::of_bank(http.app(), &caller, id(&bank)?).await?;
    Ok(asked.page(&http, "custody", kept.into_iter().map(shown).collect(), None))
}

fn shown(view: CustodyView) -> CustodyKey {
    let row = view.row;
    let state = match row.state {
        _ if view.overdue => "overdue",
        Whereabouts::Sealed => "sealed",
        Whereabouts::Asked => "asked",
        Whereabouts::Out => "out",
        Whereabouts::Retired => "retired",
    };
    CustodyKey {
        id: row.id.to_string(),
        label: row.label,
        seal: row.seal,
        state: state.into(),
        asked_by: row.first.map(String::from),
        agreed_by: row.second.map(String::from),
        until: row.until.map(time),
    }
}
