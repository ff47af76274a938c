//! Requests that may be sent twice: the answer of the first is kept and given again.
//!
//! Only answers that did something are kept; a refusal leaves the key free, so that what was wrong can be corrected.

use std::future::Future;

use aws_lc_rs::digest;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};

use super::Http;
use super::problem::{self, Problem};
use crate::app::Principal;
use crate::app::idempotency::{self, Begun};

/// Longest answer kept.
const MAX_ANSWER: usize = 256 * 1024;
/// Headers of an answer that are kept with it.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// A hash of everything a request asks for.
#[must_use]
pub fn fingerprint(method: &Method, path: &str, body: &[u8]) -> [u8; 32] {
    // Neither a method nor a path holds a line break, so no two requests meet.
    sha256(&[b"bailee/request/v1\n", method.as_str().as_bytes(), b"\n", path.as_bytes(), b"\n", body])
}

/// SHA-256 (FIPS 180-4) of the parts, one after another.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Runs a request unless one with this key was run before.
///
/// # Errors
/// [`Problem::in_flight`], [`Problem::key_reused`], or the store's.
pub async fn run(
    http: &Http,
    principal: &Principal,
    (key, fingerprint): (&str, [u8; 32]),
    request: impl Future<Output = Response>,
) -> Result<Response, Problem> {
    match idempotency::begin(http.app(), principal, key, fingerprint).await? {
        Begun::New => keep(http, principal, key, request.await).await,
        Begun::InFlight => Err(Problem::in_flight()),
        Begun::Mismatch => Err(Problem::key_reused()),
        Begun::Replay { status, body } => Ok(unpack(status, &body)),
    }
}

async fn keep(
    http: &Http,
    principal: &Principal,
    key: &str,
    response: Response,
) -> Result<Response, Problem> {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        idempotency::forget(http.app(), principal, key).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_ANSWER).await.map_err(|_| Problem::failed())?;
    let packed = pack(&parts.headers, &bytes);
    idempotency::finish(http.app(), principal, key, status.as_u16(), &packed).await?;
    Ok((parts, Body::from(bytes)).into_response())
}

/// Header lines, an empty line, the body.
fn pack(headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    for name in &KEPT {
        if let Some(value) = headers.get(name) {
            packed.extend_from_slice(&[name.as_str().as_bytes(), b":", value.as_bytes(), b"\n"].concat());
        }
    }
    packed.push(b'\n');
    packed.extend_from_slice(body);
    packed
}

fn unpack(status: u16, packed: &[u8]) -> Response {
    let mut headers = HeaderMap::new();
    let mut rest = packed;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(&line[colon + 1..]))
        {
            headers.insert(name, value);
        }
    }
    headers.insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
    (headers, problem::again(status, rest.to_vec())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, HeaderValue::from_static("/people?done=1:2"));
        headers.insert(header::SET_COOKIE, HeaderValue::from_static("not=kept"));
        let again = unpack(303, &pack(&headers, b"a:b\n\nc"));
        assert_eq!(again.status().as_u16(), 303);
        assert_eq!(again.headers()[header::LOCATION], "/people?done=1:2");
        assert!(!again.headers().contains_key(header::SET_COOKIE));
    }

    #[test]
    fn every_part_of_a_request_tells_it_apart() {
        let base = fingerprint(&Method::POST, "/a", b"b");
        assert_ne!(base, fingerprint(&Method::PUT, "/a", b"b"));
        assert_ne!(base, fingerprint(&Method::POST, "/ab", b""));
        assert_ne!(base, fingerprint(&Method::POST, "/a", b"c"));
    }
}
