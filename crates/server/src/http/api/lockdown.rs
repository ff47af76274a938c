//! `/api/v1/banks/{bank}/lockdowns` and `/api/v1/lockdowns`
//!
//! A program begins lockdowns; ending one takes people, at the kiosk or in the portal.

use axum::extract::{Path, State};
use bailee_domain::bank::screen::LockdownShown;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::lockdown::{Area, Exercise, Grade};
use bailee_wire::json::{self, Lockdown, LockdownBegun, LockdownNew, Problem as Wrong};

use super::Answer;
use super::read::{Asked, Caller, Json, body, id};
use crate::app::banks;
use crate::app::lockdown::{self, BeginLockdown};
use crate::app::{FieldError, Refused};
use crate::http::Http;
use crate::http::problem::no_content;

/// Lockdowns in force at a bank, as last heard.
#[utoipa::path(get, path = "/api/v1/banks/{bank}/lockdowns", tag = "banks",
    params(("bank" = String, Path, description = "`bnk_…`")),
    responses((status = 200, body = json::Page<Lockdown>), (status = 404, body = Wrong)))]
pub async fn list(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(bank): Path<String>,
    asked: Asked,
) -> Answer {
    let asked = asked.only(&[])?;
    let found = banks::view(http.app(), &caller, id(&bank)?).await?.summary;
    Ok(asked.page(&http, "lockdowns", found.live.lockdowns.iter().map(shown).collect(), None))
}

/// Begins a lockdown at a bank, or makes the one in force there harder or longer; the bank writes down who made the token.
#[utoipa::path(post, path = "/api/v1/banks/{bank}/lockdowns", tag = "banks", request_body = LockdownNew,
    params(("bank" = String, Path, description = "`bnk_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 204, description = "In force."), (status = 404, body = Wrong), (status = 422, body = Wrong),
        (status = 409, description = "`bank_offline`, `no_such_compartment` or `not_a_person`.", body = Wrong)))]
pub async fn begin(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(bank): Path<String>,
    Json(new): Json<LockdownNew>,
) -> Answer {
    lockdown::begin(http.app(), http.ask(), &caller, id(&bank)?, wanted(&new)?).await?;
    Ok(no_content())
}

/// Begins a lockdown at every bank of the site; the area is the whole of each.
#[utoipa::path(post, path = "/api/v1/lockdowns", tag = "banks", request_body = LockdownNew,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = LockdownBegun), (status = 409, body = Wrong), (status = 422, body = Wrong)))]
pub async fn begin_everywhere(
    State(http): State<Http>,
    Caller(caller): Caller,
    Json(new): Json<LockdownNew>,
) -> Answer {
    let wanted = BeginLockdown { area: Area::Bank, ..wanted(&new)? };
    let missed = lockdown::begin_everywhere(http.app(), http.ask(), &caller, wanted).await?;
    Ok(body(&LockdownBegun { missed }))
}

fn wanted(new: &LockdownNew) -> Result<BeginLockdown, Refused> {
    let unknown = |field| Refused::Invalid(vec![FieldError { field, code: "unknown" }]);
    let area = match new.area.as_deref().unwrap_or("bank").split_once('-') {
        None if new.area.as_deref().is_none_or(|area| area == "bank") => Some(Area::Bank),
        Some(("zone", number)) => number.parse().ok().map(Area::Zone),
        Some(("door", number)) => number.parse().ok().map(|number| Area::Door(CompartmentNo(number))),
        _ => None,
    };
    let exercise = match new.exercise.as_deref() {
        None | Some("real") => Some(Exercise::Real),
        Some("drill") => Some(Exercise::Drill),
        Some("holding-drill") => Some(Exercise::HoldingDrill),
        Some(_) => None,
    };
    Ok(BeginLockdown {
        area: area.ok_or_else(|| unknown("area"))?,
        grade: Grade::from_name(&new.grade).ok_or_else(|| unknown("grade"))?,
        exercise: exercise.ok_or_else(|| unknown("exercise"))?,
        lasts_s: new.lasts_s,
    })
}

fn shown(shown: &LockdownShown) -> Lockdown {
    Lockdown {
        number: shown.lockdown,
        area: match shown.area {
            Area::Bank => "bank".into(),
            Area::Zone(number) => format!("zone-{number}"),
            Area::Door(number) => format!("door-{}", number.0),
        },
        grade: shown.grade.name().into(),
        cause: shown.cause.name().into(),
        drill: shown.exercise.is_drill(),
        begun_by: shown.owner.map(String::from),
        left_min: shown.left_min,
        agreed: shown.agreed.map(String::from),
    }
}
