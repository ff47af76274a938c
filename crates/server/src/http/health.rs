//! For operations: `/healthz` says the process runs, `/readyz` that it can work, `/metrics` how it does (Prometheus text).

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::Http;
use super::cursor::same;
use super::guard::Asked;
use super::once::sha256;
use super::problem::{self, Problem};
use crate::app::Principal;

/// What is counted since the start.
#[derive(Default)]
pub struct Counters {
    /// Answers by the first digit of their status, 1 to 5.
    by_class: [AtomicU64; 5],
}

impl Counters {
    /// Counts an answer.
    pub fn answered(&self, status: u16) {
        if let Some(class) = self.by_class.get(usize::from(status / 100).wrapping_sub(1)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// `/healthz`
pub async fn live() -> &'static str {
    "ok\n"
}

/// `/readyz`: the store answers and holds a signed log that contradicts nothing.
pub async fn ready(State(http): State<Http>) -> Response {
    if let Some(why) = http.app().live().log_refused() {
        return problem::not_ready(format!("{why}\n"));
    }
    match log_size(&http).await {
        Some(size) => format!("ok\nlog {} entries {size}\n", http.app().log_id()).into_response(),
        None => problem::not_ready("the database or the log in it does not answer\n".into()),
    }
}

/// `/metrics`, for whoever has the token, or else for this machine alone.
pub async fn metrics(State(http): State<Http>, request: Request) -> Response {
    if !may_measure(&http, &request) {
        return Asked::of(&request).refuse(&Problem::not_found());
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, exposition(&http).await).into_response()
}

fn may_measure(http: &Http, request: &Request) -> bool {
    match http.options().metrics_token {
        Some(hash) => {
            bearer(request.headers()).is_some_and(|token| same(&sha256(&[token.as_bytes()]), &hash))
        }
        None => is_this_machine(request),
    }
}

/// Whether the connection comes from here, and not through a proxy that is here.
fn is_this_machine(request: &Request) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let passed_on =
        ["forwarded", "x-forwarded-for", "via"].iter().any(|name| request.headers().contains_key(*name));
    !passed_on && peer.is_some_and(|ConnectInfo(address)| address.ip().is_loopback())
}

/// The token of an `Authorization: Bearer` header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn log_size(http: &Http) -> Option<u64> {
    let noted = http.app().ledger().noted(http.app().db()).await;
    noted.inspect_err(|error| tracing::warn!(?error, "not ready")).ok()
}

async fn exposition(http: &Http) -> String {
    let mut out = String::new();
    let shared = &http.0;
    let _ = writeln!(
        out,
        "# HELP bailee_http_responses_total Answers by class of status.\n# TYPE bailee_http_responses_total counter"
    );
    for (i, count) in shared.counters.by_class.iter().enumerate() {
        let _ = writeln!(
            out,
            "bailee_http_responses_total{{class=\"{}xx\"}} {}",
            i + 1,
            count.load(Ordering::Relaxed)
        );
    }
    let in_flight = shared.options.at_once - shared.places.available_permits();
    let streams = super::STREAMS - shared.streams.available_permits();
    let banks = crate::app::banks::list(http.app(), &Principal::PLATFORM).await.unwrap_or_default();
    let online = banks.iter().filter(|bank| bank.online).count();
    let gauges = [
        ("bailee_http_requests_in_flight", "Requests being worked on.", in_flight as u64),
        ("bailee_live_streams", "Live pages open.", streams as u64),
        ("bailee_log_entries", "Entries under the signed checkpoint.", log_size(http).await.unwrap_or(0)),
        ("bailee_banks", "Banks offered or enrolled that this process may list.", banks.len() as u64),
        ("bailee_banks_online", "Banks whose link is up.", online as u64),
    ];
    for (name, help, value) in gauges {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
    }
    out
}
