//! Reading requests of the API: bodies, queries, versions; and writing lists.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bailee_wire::json;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::portal::form::Form;
use crate::app::Principal;
use crate::http::Http;
use crate::http::problem::{self, Problem};

/// Rows on a page unless asked otherwise.
const PAGE: u32 = 50;
/// Most rows on a page.
pub const MAX_PAGE: u32 = 200;

/// Who calls.
pub struct Caller(pub Principal);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Principal>().cloned().map(Self).ok_or_else(Problem::failed)
    }
}

/// The body of a request.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let body = parts.extensions.get::<Bytes>().cloned().unwrap_or_default();
        json::read(&body).map(Self).map_err(|why| Problem::unreadable(why.to_string()))
    }
}

/// The query of a list: only parameters it knows.
pub struct Asked {
    form: Form,
    path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let form = Form::parse(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(Self { form, path: parts.uri.path().to_owned() })
    }
}

impl Asked {
    /// Refuses parameters that are not among these; a mistyped filter must not widen a list.
    ///
    /// # Errors
    /// [`Problem::malformed`].
    pub fn only(self, known: &[&str]) -> Result<Self, Problem> {
        let unknown = self.form.names().find(|name| !known.contains(name)).map(ToOwned::to_owned);
        match unknown {
            None => Ok(self),
            Some(other) => Err(Problem::unreadable(format!("there is no parameter {other:?} here"))),
        }
    }

    /// A parameter's value, if it was sent.
    ///
    /// # Errors
    /// [`Problem::malformed`] when it cannot be read.
    pub fn get<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.form.some(name) else { return Ok(None) };
        let read = text.parse().map(Some);
        read.map_err(|_| Problem::unreadable(format!("the parameter {name} cannot be read")))
    }

    /// A parameter's text.
    pub fn text(&self, name: &str) -> &str {
        self.form.text(name)
    }

    /// How many rows are wanted, 1 to [`MAX_PAGE`].
    ///
    /// # Errors
    /// [`Problem::malformed`].
    pub fn limit(&self) -> Result<u32, Problem> {
        match self.get("limit")?.unwrap_or(PAGE) {
            limit @ 1..=MAX_PAGE => Ok(limit),
            _ => Err(Problem::unreadable(format!("limit is 1 to {MAX_PAGE}"))),
        }
    }

    /// Where the page begins.
    ///
    /// # Errors
    /// [`Problem::bad_cursor`].
    pub fn after<T: FromStr>(&self, http: &Http, list: &str) -> Result<Option<T>, Problem> {
        http.position(list, self.form.some("cursor"))
    }

    /// A page of a list, with the way to the next one also as a `Link` header (RFC 8288).
    pub fn page<T: Serialize>(
        &self,
        http: &Http,
        list: &str,
        items: Vec<T>,
        next: Option<String>,
    ) -> Response {
        let next = next.map(|position| http.cursor(list, &position));
        let link = next.as_ref().map(|cursor| {
            let kept = self.form.query_without(&["cursor"]);
            let and = if kept.is_empty() { "" } else { "&" };
            format!("<{}?{kept}{and}cursor={cursor}>; rel=\"next\"", self.path)
        });
        let mut response = body(&json::Page { items, next });
        if let Some(link) = link.and_then(|link| HeaderValue::try_from(link).ok()) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

/// An id in a path; whatever is no id names nothing.
///
/// # Errors
/// [`Problem::not_found`].
pub fn id<T: FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// A body of JSON.
pub fn body(value: &impl Serialize) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json::text(value)).into_response()
}

/// A body of JSON with its version.
pub fn versioned(headers: &HeaderMap, version: i64, value: &impl Serialize) -> Response {
    let tag = format!("\"{version}\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|seen| seen.as_bytes() == tag.as_bytes()) {
        return problem::not_modified();
    }
    let mut response = body(value);
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The version an update was made from.
///
/// # Errors
/// [`Problem::version_required`] without `If-Match`; a tag that is not ours matches no version.
pub fn version(headers: &HeaderMap) -> Result<i64, Problem> {
    let tag = headers.get(header::IF_MATCH).ok_or_else(Problem::version_required)?;
    let number =
        tag.to_str().ok().and_then(|tag| tag.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    Ok(number.unwrap_or(-1))
}
