//! `/api/v1/alerts` and `/api/v1/events`

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bailee_domain::access::Permission;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::Severity;
use bailee_domain::time::WallTime;
use bailee_wire::json::{self, Alert, Event, EventProof, Problem as Wrong};
use futures_util::{Stream, StreamExt as _};

use super::read::{Asked, Caller, body, id};
use super::{Answer, show};
use crate::app::alerts::{self, AlertFilter, ListAlerts};
use crate::app::log::{self, ListLog, LogFilter};
use crate::app::{AppError, Principal};
use crate::http::access::Access;
use crate::http::problem::{Problem, no_content};
use crate::http::{Http, export};

/// Alerts, the newest first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts",
    params(("state" = Option<String>, Query, description = "`open` or `all`"), ("cursor" = Option<String>, Query),
        ("limit" = Option<u32>, Query, description = "1 to 200")),
    responses((status = 200, body = json::Page<Alert>), (status = 400, body = Wrong)))]
pub async fn alerts(State(http): State<Http>, Caller(caller): Caller, asked: Asked) -> Answer {
    let asked = asked.only(&["state", "cursor", "limit"])?;
    let filter = match asked.text("state") {
        "" | "open" => AlertFilter::Open,
        "all" => AlertFilter::All,
        _ => return Err(Problem::unreadable("state is open or all")),
    };
    let input = ListAlerts { filter, before: asked.after(&http, "alerts")?, limit: asked.limit()? };
    let page = alerts::list(http.app(), &caller, input).await?;
    let items = page.rows.iter().map(show::alert).collect();
    Ok(asked.page(&http, "alerts", items, page.next.map(|id| id.to_string())))
}

/// Takes note of an alert; the first to do so stands.
#[utoipa::path(post, path = "/api/v1/alerts/{alert}/acknowledgement", tag = "alerts",
    params(("alert" = String, Path, description = "`alr_…`"), ("Idempotency-Key" = String, Header)),
    responses((status = 204, description = "Noted."), (status = 404, body = Wrong)))]
pub async fn acknowledge(
    State(http): State<Http>,
    Caller(caller): Caller,
    Path(alert): Path<String>,
) -> Answer {
    alerts::acknowledge(http.app(), &caller, id(&alert)?).await?;
    Ok(no_content())
}

/// The custody log, the newest first; with `format`, all of it that passes the filter, the oldest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "events",
    params(("from" = Option<String>, Query, description = "Not before, RFC 3339"),
        ("until" = Option<String>, Query, description = "Before, RFC 3339"),
        ("kind" = Option<String>, Query, description = "Such as `ParcelCollected`"), ("bank" = Option<String>, Query),
        ("compartment" = Option<u16>, Query), ("parcel" = Option<String>, Query), ("person" = Option<String>, Query),
        ("severity" = Option<String>, Query, description = "At least: `routine`, `notice` or `alarm`"),
        ("format" = Option<String>, Query, description = "`csv`, `jsonl` or `epcis` (2.0, JSON-LD); needs `log.export`"),
        ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query, description = "1 to 200")),
    responses((status = 200, body = json::Page<Event>), (status = 400, body = Wrong)))]
pub async fn events(State(http): State<Http>, Caller(caller): Caller, asked: Asked) -> Answer {
    const KNOWN: [&str; 11] = [
        "from",
        "until",
        "kind",
        "bank",
        "compartment",
        "parcel",
        "person",
        "severity",
        "format",
        "cursor",
        "limit",
    ];
    let asked = asked.only(&KNOWN)?;
    let filter = filter(&asked)?;
    match asked.text("format") {
        "" => list(&http, &caller, &asked, filter).await,
        format => whole(&http, &caller, format, filter).await,
    }
}

fn filter(asked: &Asked) -> Result<LogFilter, Problem> {
    let severity = match asked.text("severity") {
        "" | "routine" => None,
        "notice" => Some(Severity::Notice),
        "alarm" => Some(Severity::Alarm),
        _ => return Err(Problem::unreadable("severity is routine, notice or alarm")),
    };
    let moment = |at: jiff::Timestamp| WallTime::from_unix_ms(at.as_millisecond());
    Ok(LogFilter {
        from: asked.get("from")?.map(moment),
        until: asked.get("until")?.map(moment),
        kind: asked.get("kind")?,
        bank: asked.get("bank")?,
        compartment: asked.get("compartment")?.map(CompartmentNo),
        parcel: asked.get("parcel")?,
        person: asked.get("person")?,
        severity,
    })
}

async fn list(http: &Http, caller: &Principal, asked: &Asked, filter: LogFilter) -> Answer {
    let input = ListLog { filter, before: asked.after(http, "events")?, limit: asked.limit()? };
    let page = log::list(http.app(), caller, input).await?;
    let items = page.rows.iter().map(show::event).collect();
    Ok(asked.page(http, "events", items, page.next.map(|id| id.to_string())))
}

async fn whole(http: &Http, caller: &Principal, format: &str, filter: LogFilter) -> Answer {
    let export = Access::Needs(Permission::ExportLog);
    if !export.admits(caller) {
        let everywhere = bailee_domain::access::Scope::Organisation;
        http.app().authorise(caller, Permission::ExportLog, everywhere, None).await?;
    }
    match format {
        "csv" => {
            Ok(file("text/csv; charset=utf-8", export::csv(log::export(http.app(), caller, filter).await?)))
        }
        "jsonl" => {
            let lines = export::json_lines(log::export(http.app(), caller, filter).await?);
            Ok(file("application/jsonl; charset=utf-8", lines))
        }
        "epcis" => Ok(file("application/ld+json", log::epcis(http.app(), caller, filter).await?)),
        _ => Err(Problem::unreadable("format is csv, jsonl or epcis")),
    }
}

fn file(
    kind: &'static str,
    lines: impl Stream<Item = Result<String, AppError>> + Send + 'static,
) -> Response {
    let body = Body::from_stream(lines.map(|line| line.map_err(|error| export::broken(&error))));
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

/// One event with the proof that it is in the log.
#[utoipa::path(get, path = "/api/v1/events/{event}", tag = "events",
    params(("event" = i64, Path, description = "The `id` of the list")),
    responses((status = 200, body = EventProof), (status = 404, body = Wrong)))]
pub async fn event(State(http): State<Http>, Caller(caller): Caller, Path(event): Path<String>) -> Answer {
    Ok(body(&show::event_proof(log::entry(http.app(), &caller, id(&event)?).await?)))
}
