//! What every request passes: an id, a bound on how many and how long, the host it was made for, and the headers of every
//! answer. Nothing here knows who asks.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use bailee_ui::headers::{self, Profile};

use super::problem::Problem;
use super::{Http, Transport, portal};

/// The header that names a request, in answers and in our own log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

/// A request with what is needed to say no to it.
#[derive(Clone, Debug)]
pub struct Asked {
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
}

impl Asked {
    /// What a request asks.
    pub fn of(request: &Request) -> Self {
        let id = request.extensions().get::<RequestId>().cloned();
        Self {
            id: id.unwrap_or_else(|| RequestId("".into())),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
        }
    }

    /// Says no: a page to browsers, a problem to programs.
    pub fn refuse(&self, problem: &Problem) -> Response {
        if self.wants_page() {
            portal::message(&self.headers, problem, &self.id.0)
        } else {
            problem.json(&self.id.0)
        }
    }

    fn wants_page(&self) -> bool {
        let accept =
            self.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        !self.uri.path().starts_with("/api/") && accept.contains("text/html")
    }
}

/// Puts the bounds and headers around all routes.
pub fn around(http: &Http, routes: Router) -> Router {
    routes.layer(middleware::from_fn_with_state(http.clone(), guarded))
}

async fn guarded(State(http): State<Http>, mut request: Request, next: Next) -> Response {
    let id = RequestId(new_id(&http).into());
    request.extensions_mut().insert(id.clone());
    let asked = Asked::of(&request);
    let mut response = match admit(&http, &request) {
        Ok(()) => bounded(&http, request, next, &asked).await,
        Err(problem) => asked.refuse(&problem),
    };
    http.0.counters.answered(response.status().as_u16());
    if let Ok(id) = HeaderValue::try_from(&*id.0) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    if http.transport() == Transport::Https {
        let a_year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, a_year);
    }
    headers::apply(Profile::Portal, response)
}

async fn bounded(http: &Http, request: Request, next: Next, asked: &Asked) -> Response {
    let Ok(place) = http.0.places.clone().try_acquire_owned() else {
        return asked.refuse(&Problem::busy().after(1));
    };
    // On a task of its own: a browser that goes away in the middle must not stop a use case half-way.
    let run = tokio::spawn(async move {
        let response = next.run(request).await;
        drop(place);
        response
    });
    match tokio::time::timeout(http.options().patience, run).await {
        Ok(Ok(mut response)) => match response.extensions_mut().remove::<Problem>() {
            Some(problem) => with_headers_of(&response, asked.refuse(&problem)),
            None => response,
        },
        Ok(Err(_panic)) => {
            tracing::error!(request = %asked.id.0, path = asked.uri.path(), "a handler panicked");
            asked.refuse(&Problem::failed())
        }
        Err(_elapsed) => asked.refuse(&Problem::timed_out()),
    }
}

/// Keeps what a gate had already said in headers, such as how many calls are left.
fn with_headers_of(before: &Response, mut response: Response) -> Response {
    for (name, value) in before.headers() {
        if !response.headers().contains_key(name) {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

/// Refuses requests made for another host: a page elsewhere could have its name point here (DNS rebinding).
fn admit(http: &Http, request: &Request) -> Result<(), Problem> {
    let path = request.uri().path();
    let Some(host) = request.headers().get(header::HOST) else { return Ok(()) };
    let host = host.to_str().map_err(|_| Problem::wrong_host())?;
    let ours = host.eq_ignore_ascii_case(&http.0.host)
        || (http.transport() == Transport::Loopback && is_loopback(host))
        || matches!(path, "/healthz" | "/readyz" | "/metrics");
    if ours { Ok(()) } else { Err(Problem::wrong_host()) }
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Refuses what another site's page sends: by what the browser says of it, where it says anything.
///
/// Our pages send no referrer, so browsers without `Sec-Fetch-Site` say `Origin: null`; the form token decides then.
///
/// # Errors
/// [`Problem::foreign_form`].
pub fn same_site(http: &Http, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let ours = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some("null") | None) => true,
        (None, Some(origin)) => is_our_origin(http, origin),
    };
    if ours { Ok(()) } else { Err(Problem::foreign_form()) }
}

fn is_our_origin(http: &Http, origin: &str) -> bool {
    let loopback = |origin: &str| origin.strip_prefix("http://").is_some_and(is_loopback);
    origin == http.options().public_url || (http.transport() == Transport::Loopback && loopback(origin))
}

/// There is no such address.
pub async fn nothing_here(request: Request) -> Response {
    Asked::of(&request).refuse(&Problem::not_found())
}

/// There is such an address, but not for this method.
pub async fn not_this_way(request: Request) -> Response {
    Asked::of(&request).refuse(&Problem::method_not_allowed())
}

fn new_id(http: &Http) -> String {
    let number = http.app().draw(|rng| rng.next_u64());
    format!("req_{number:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for ours in ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080"] {
            assert!(is_loopback(ours), "{ours}");
        }
        for foreign in
            ["10.0.0.1:8080", "localhost.example.org", "127.0.0.1.example.org", "", "[::2]", "evil"]
        {
            assert!(!is_loopback(foreign), "{foreign}");
        }
    }
}
