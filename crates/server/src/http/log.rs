//! The published custody log, as C2SP tlog-tiles has it: `checkpoint`, `tile/…`, `tile/entries/…`, and the key it is checked
//! with. Readable by everybody: leaves hold no personal data.

use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use bailee_audit::tile::TilePath;

use super::Http;
use super::guard::RequestId;
use super::problem::Problem;
use crate::app::witnesses;
use crate::ledger::LedgerError;

/// Tiles never change: a wider one has another name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FRESH: &str = "public, no-cache";

/// Any file of the log.
pub async fn file(
    State(http): State<Http>,
    Path((log, path)): Path<(String, String)>,
    axum::Extension(id): axum::Extension<RequestId>,
) -> Response {
    match read(&http, &log, &path).await {
        Ok(response) => response,
        Err(problem) => problem.json(&id.0),
    }
}

async fn read(http: &Http, log: &str, path: &str) -> Result<Response, Problem> {
    if log != http.app().log_id() {
        return Err(Problem::not_found());
    }
    let reader = http.app().ledger().reader();
    match path {
        "checkpoint" => Ok(text(witnesses::published(http.app()).await.map_err(|error| failed(&error))?)),
        // The newest that a quorum of witnesses cosigned, and who they are.
        "witnessed" => {
            let policy = http.options().witness_policy.as_deref();
            let note = witnesses::witnessed(http.app(), policy).await.map_err(|error| failed(&error))?;
            Ok(text(note.ok_or_else(Problem::not_found)?))
        }
        "policy" => {
            let policy = witnesses::suggested_policy(http.app(), &http.options().log_key).await;
            Ok(text(policy.map_err(|error| failed(&error))?))
        }
        "key" => Ok(text(format!("{}\n", http.options().log_key))),
        tile => {
            let tile: TilePath = tile.parse().map_err(|_| Problem::not_found())?;
            let bytes = reader.file(tile).await.map_err(|error| failed(&error))?;
            let kind =
                [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, FOR_EVER)];
            Ok((kind, [open_to_all()], bytes).into_response())
        }
    }
}

fn text(body: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, FRESH)];
    (kind, [open_to_all()], body).into_response()
}

/// Monitors may read the log from anywhere, also from a page.
fn open_to_all() -> (HeaderName, &'static str) {
    (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin")
}

fn failed(error: &LedgerError) -> Problem {
    match error {
        LedgerError::OutOfRange => Problem::not_found(),
        LedgerError::Store(_) => {
            tracing::error!(?error, "the log could not be read");
            Problem::unavailable()
        }
        _ => {
            tracing::error!(?error, "the log could not be read");
            Problem::failed()
        }
    }
}
