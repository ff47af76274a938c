//! `/api/v1/evidence`

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::time::WallTime;
use bailee_evidence::Subject;
use bailee_evidence::commitment::PERSON_FIELDS;
use bailee_wire::event::{hex, time_text};
use bailee_wire::json::{self, Evidence, EvidenceNew, Problem as Wrong};

use super::Answer;
use super::read::{Asked, Caller, Json, body, id};
use crate::app::evidence::{self, Asked as Wanted, Export, Files, ListExports, Telling};
use crate::http::problem::{Problem, accepted};
use crate::http::{Http, export};

/// Bundles that were asked for, the newest first, with who asked and why.
#[utoipa::path(get, path = "/api/v1/evidence", tag = "evidence",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query, description = "1 to 200")),
    responses((status = 200, body = json::Page<Evidence>), (status = 400, body = Wrong)))]
pub async fn list(State(http): State<Http>, Caller(caller): Caller, asked: Asked) -> Answer {
    let asked = asked.only(&["cursor", "limit"])?;
    let which = ListExports { before: asked.after(&http, "evidence")?, limit: asked.limit()? };
    let (exports, next) = evidence::list(http.app(), &caller, which).await?;
    let items = exports.iter().map(show).collect();
    Ok(asked.page(&http, "evidence", items, next.map(|id| id.to_string())))
}

/// Asks for a bundle; it is made within seconds, or minutes for a long time.
#[utoipa::path(post, path = "/api/v1/evidence", tag = "evidence", request_body = EvidenceNew,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 202, body = Evidence), (status = 400, body = Wrong), (status = 422, body = Wrong)))]
pub async fn ask(State(http): State<Http>, Caller(caller): Caller, Json(new): Json<EvidenceNew>) -> Answer {
    let id = evidence::ask(http.app(), &caller, wanted(&new)?).await?;
    let export = evidence::find(http.app(), &caller, id).await?;
    Ok(accepted(body(&show(&export))))
}

/// How far a bundle is.
#[utoipa::path(get, path = "/api/v1/evidence/{evidence}", tag = "evidence",
    params(("evidence" = String, Path, description = "`evd_…`")),
    responses((status = 200, body = Evidence), (status = 404, body = Wrong)))]
pub async fn one(State(http): State<Http>, Caller(caller): Caller, Path(evidence): Path<String>) -> Answer {
    let export = evidence::find(http.app(), &caller, id(&evidence)?).await?;
    Ok(body(&show(&export)))
}

/// The bundle, one zip file; `bailee verify bundle` checks it. For a day after it was made.
#[utoipa::path(get, path = "/api/v1/evidence/{evidence}/bundle", tag = "evidence",
    params(("evidence" = String, Path, description = "`evd_…`")),
    responses((status = 200, content_type = "application/zip"), (status = 404, body = Wrong),
        (status = 409, body = Wrong)))]
pub async fn bundle(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(evidence): Path<String>,
) -> Answer {
    file(&http, &caller, &evidence).await
}

/// The bundle as a file, for the API and the portal.
pub(in crate::http) async fn file(
    http: &Http,
    caller: &crate::app::Principal,
    evidence: &str,
) -> Result<Response, Problem> {
    use axum::http::header;
    use axum::response::IntoResponse as _;
    use futures_util::StreamExt as _;
    let (export, pieces) = evidence::fetch(http.app(), caller, id(evidence)?).await?;
    let named = format!("attachment; filename=\"{}.zip\"", export.row.id);
    let length = export.row.bytes.unwrap_or_default().to_string();
    let body = Body::from_stream(pieces.map(|piece| piece.map_err(|error| export::broken(&error))));
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, named),
        (header::CONTENT_LENGTH, length),
    ];
    Ok((headers, body).into_response())
}

fn wanted(new: &EvidenceNew) -> Result<Wanted, Problem> {
    let unreadable = |what: &str| Problem::unreadable(format!("{what} cannot be read"));
    let bank = new.bank.as_deref().map(|it| it.parse().map_err(|_| unreadable("bank"))).transpose()?;
    let parcel = new.parcel.as_deref().map(|it| it.parse().map_err(|_| unreadable("parcel"))).transpose()?;
    let person = new.person.as_deref().map(|it| it.parse().map_err(|_| unreadable("person"))).transpose()?;
    let alert = new.alert.as_deref().map(|it| it.parse().map_err(|_| unreadable("alert"))).transpose()?;
    let subject = match (parcel, bank, new.compartment, person, alert) {
        (None, None, None, None, None) => Subject::Span,
        (Some(parcel), None, None, None, None) => Subject::Parcel(parcel),
        (None, Some(bank), Some(number), None, None) => Subject::Compartment(bank, CompartmentNo(number)),
        (None, Some(bank), None, None, None) => Subject::Bank(bank),
        (None, None, None, Some(person), None) => Subject::Person(person),
        (None, None, None, None, Some(alert)) => Subject::Incident(alert),
        _ => {
            return Err(Problem::unreadable(
                "a bundle is about one of parcel, compartment of a bank, bank, person and alert",
            ));
        }
    };
    let time = |text: &Option<String>, what: &str| {
        let read = |text: &String| text.parse::<jiff::Timestamp>().map_err(|_| unreadable(what));
        let at = text.as_ref().map(read).transpose()?;
        Ok::<_, Problem>(at.map(|at| WallTime::from_unix_ms(at.as_millisecond())))
    };
    if let Some(unknown) = new.tell.iter().find(|it| *it != "files" && !PERSON_FIELDS.contains(&it.as_str()))
    {
        return Err(Problem::unreadable(format!("there is nothing called {unknown:?} to tell of people")));
    }
    let telling = Telling::of(|name| new.tell.iter().any(|it| it == name));
    let (from, until) = (time(&new.from, "from")?, time(&new.until, "until")?);
    let files = if new.tell.iter().any(|it| it == "files") { Files::Along } else { Files::LeftOut };
    Ok(Wanted { subject, from, until, reason: new.reason.clone(), telling, files })
}

fn show(export: &Export) -> Evidence {
    let (asked, row) = (&export.asked, &export.row);
    Evidence {
        id: row.id.to_string(),
        subject: asked.subject.to_string(),
        from: asked.from.map(time_text),
        until: asked.until.map(time_text),
        reason: asked.reason.clone(),
        asked_by: row.asked_by.clone(),
        asked_at: time_text(row.asked_at),
        state: row.state.name().to_owned(),
        done: row.done,
        total: row.total,
        bytes: row.bytes,
        sha256: row.sha256.map(|hash| hex(&hash)),
        expires_at: row.expires_at.map(time_text),
        error: row.error.clone(),
    }
}
