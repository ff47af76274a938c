//! `/api/v1/people/{person}/keys`, `/api/v1/banks/{bank}/inspections`, `/statements` and `/resynchronisation`

use axum::extract::{Path, State};
use bailee_domain::code::Code;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::signer::Act;
use bailee_wire::event::{hex, time_text as time};
use bailee_wire::json::{
    InspectionNew, KeyAtBank, Made, Obeyed, PersonKey, PersonKeyNew, Problem as Wrong, ResynchroniseNew,
    StatementNew, Unsigned,
};
use bailee_wire::{signed, statement};

use super::Answer;
use super::read::{Asked, Caller, Json, body, id};
use crate::app::openings::{self, Wish};
use crate::app::person_keys::{self, KeyState, KeyView, NewKey};
use crate::app::resync;
use crate::app::{FieldError, Refused};
use crate::http::Http;
use crate::http::problem::{Problem, created, no_content};

/// A person's public keys, with how each bank holds them.
#[utoipa::path(get, path = "/api/v1/people/{person}/keys", tag = "people",
    params(("person" = String, Path, description = "`per_…`")),
    responses((status = 200, body = bailee_wire::json::Page<PersonKey>), (status = 404, body = Wrong)))]
pub async fn list(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(person): Path<String>,
    asked: Asked,
) -> Answer {
    let asked = asked.only(&[])?;
    let keys = person_keys::of_person(http.app(), &caller, id(&person)?).await?;
    Ok(asked.page(&http, "keys", keys.iter().map(shown).collect(), None))
}

/// Registers a public key for a person. Banks take it with their next roster; each judges from when it counts.
#[utoipa::path(post, path = "/api/v1/people/{person}/keys", tag = "people", request_body = PersonKeyNew,
    params(("person" = String, Path, description = "`per_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = Made), (status = 404, body = Wrong), (status = 409, body = Wrong),
        (status = 422, body = Wrong)))]
pub async fn add(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(person): Path<String>,
    Json(new): Json<PersonKeyNew>,
) -> Answer {
    let unknown = |field| Refused::Invalid(vec![FieldError { field, code: "unknown" }]);
    let new = NewKey {
        used_for: statement::use_named(&new.r#use).ok_or_else(|| unknown("use"))?,
        form: signed::form_named(&new.form).ok_or_else(|| unknown("form"))?,
        public: &new.public_key,
    };
    let id = person_keys::add(http.app(), &caller, id(&person)?, new).await?.to_string();
    Ok(created(&format!("/api/v1/people/{person}/keys"), body(&Made { id })))
}

/// Withdraws a public key: banks forget it with their next roster, and it never counts again.
#[utoipa::path(delete, path = "/api/v1/people/{person}/keys/{key}", tag = "people",
    params(("person" = String, Path, description = "`per_…`"), ("key" = String, Path, description = "`key_…`")),
    responses((status = 204, description = "Withdrawn."), (status = 404, body = Wrong)))]
pub async fn remove(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path((person, key)): Path<(String, String)>,
) -> Answer {
    person_keys::remove(http.app(), &caller, id(&person)?, id(&key)?).await?;
    Ok(no_content())
}

/// Takes a reason for opening a door and gives the statement to be signed, which is good for a minute (a quorum's for a
/// quarter of an hour).
#[utoipa::path(post, path = "/api/v1/banks/{bank}/inspections", tag = "banks", request_body = InspectionNew,
    params(("bank" = String, Path, description = "`bnk_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Unsigned), (status = 404, body = Wrong), (status = 422, body = Wrong)))]
pub async fn inspection(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(bank): Path<String>,
    Json(new): Json<InspectionNew>,
) -> Answer {
    let code =
        |digits: &String| Code::parse(digits).map_err(|_| Problem::unreadable("presence is eight digits"));
    let presence = new.presence.as_ref().map(code).transpose()?;
    let wish = Wish::Inspect { compartment: CompartmentNo(new.compartment), reason: &new.reason };
    let statement = openings::prepare(http.app(), &caller, id(&bank)?, wish, presence).await?;
    Ok(body(&Unsigned { statement }))
}

/// Passes on what people have signed: opening a door or admitting a key. The bank alone decides; its answer is the status, or
/// the reason in `detail`.
#[utoipa::path(post, path = "/api/v1/banks/{bank}/statements", tag = "banks", request_body = StatementNew,
    params(("bank" = String, Path, description = "`bnk_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Obeyed), (status = 404, body = Wrong), (status = 422, body = Wrong),
        (status = 409, description = "`not_authorised`, `not_present`, `breaker_open`, `door_unavailable`, `bank_busy`, \
            `too_late` or `bank_offline`.", body = Wrong)))]
pub async fn statement(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(bank): Path<String>,
    Json(new): Json<StatementNew>,
) -> Answer {
    let act = openings::relay_text(http.app(), http.ask(), &caller, id(&bank)?, &new.statement).await?;
    let (done, compartment) = match act {
        Act::Collect { compartment, .. } => ("collect", Some(compartment.0)),
        Act::Inspect { compartment, .. } | Act::Override { compartment, .. } => {
            ("inspect", Some(compartment.0))
        }
        Act::Admit(_) => ("admit", None),
    };
    Ok(body(&Obeyed { done: done.into(), compartment }))
}

/// Takes a bank back into service whose disk was found restored or copied: every grant it held is used for ever, work orders and
/// offers of badges end, and all contents are in doubt.
#[utoipa::path(post, path = "/api/v1/banks/{bank}/resynchronisation", tag = "banks", request_body = ResynchroniseNew,
    params(("bank" = String, Path, description = "`bnk_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 204, description = "In service again."), (status = 404, body = Wrong),
        (status = 409, description = "`bank_offline`, `store_silent` or `not_a_person`.", body = Wrong),
        (status = 422, body = Wrong)))]
pub async fn resynchronise(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(bank): Path<String>,
    Json(new): Json<ResynchroniseNew>,
) -> Answer {
    resync::resynchronise(http.app(), http.ask(), &caller, id(&bank)?, &new.confirm).await?;
    Ok(no_content())
}

fn shown(view: &KeyView) -> PersonKey {
    let row = &view.row;
    let at = |at: &person_keys::KeyAt| KeyAtBank {
        bank: at.bank.to_string(),
        state: at.state.name().into(),
        until: match at.state {
            KeyState::WaitsUntil(until) => Some(time(until)),
            _ => None,
        },
    };
    PersonKey {
        id: row.id.to_string(),
        r#use: statement::use_name(row.key.used_for).into(),
        form: signed::form_name(row.key.form).into(),
        public_key: hex(signed::public_bytes(&row.key.public)),
        fingerprint: hex(&row.key.public.fingerprint()),
        added_at: time(row.added_at),
        removed_at: row.removed_at.map(time),
        banks: view.at.iter().map(at).collect(),
    }
}
