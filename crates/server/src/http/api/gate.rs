//! What stands before every address of the API: whose token it is, how often it may call, and, for a POST, whether it was
//! done already.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bailee_domain::access::Scope;
use bailee_wire::json;

use crate::app::{Principal, Refused, sign_in};
use crate::http::access::Access;
use crate::http::health::bearer;
use crate::http::limit::Left;
use crate::http::problem::Problem;
use crate::http::{Http, once};

/// Lets a request through to its handler, or not.
pub async fn pass(http: Http, access: Access, mut request: Request, next: Next) -> Response {
    if access == Access::Public {
        return next.run(request).await;
    }
    let principal = match caller(&http, request.headers()).await {
        Ok(principal) => principal,
        Err(problem) => return problem.into_response(),
    };
    let left = http.0.limiter.take(&principal.name(), http.app().now());
    request.extensions_mut().insert(principal.clone());
    let answer = match left.wait_s {
        Some(wait_s) => Err(Problem::rate_limited().after(wait_s)),
        None => enter(&http, access, &principal, request, next).await,
    };
    with_limits(answer, left)
}

/// Says how many calls are left, also with a refusal.
fn with_limits(answer: Result<Response, Problem>, left: Left) -> Response {
    let mut response = answer.unwrap_or_else(Problem::into_response);
    left.write(response.headers_mut());
    response
}

async fn caller(http: &Http, headers: &HeaderMap) -> Result<Principal, Problem> {
    let token = bearer(headers).ok_or(Refused::NotSignedIn)?;
    Ok(sign_in::principal_of_token(http.app(), token).await?)
}

async fn enter(
    http: &Http,
    access: Access,
    principal: &Principal,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let (Access::Needs(permission), false) = (access, access.admits(principal)) {
        http.app().authorise(principal, permission, Scope::Organisation, None).await?;
    }
    let (mut parts, body) = request.into_parts();
    let bytes: Bytes = to_bytes(body, json::MAX_BYTES).await.map_err(|_| Problem::too_large())?;
    if !bytes.is_empty() && !is_json(&parts.headers) {
        return Err(Problem::wrong_type());
    }
    parts.extensions.insert(bytes.clone());
    let key = idempotency_key(&parts.method, &parts.headers)?;
    let fingerprint = once::fingerprint(&parts.method, parts.uri.path(), &bytes);
    let run = next.run(Request::from_parts(parts, Body::empty()));
    match key {
        Some(key) => once::run(http, principal, (&key, fingerprint), run).await,
        None => Ok(run.await),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// The key a POST has to carry.
fn idempotency_key(method: &Method, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    if method != Method::POST {
        return Ok(None);
    }
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let usable = (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if usable { Ok(Some(key.to_owned())) } else { Err(Problem::key_required()) }
}
