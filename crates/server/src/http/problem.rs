//! Every "no" of the platform as HTTP: the only place that knows status codes.
//!
//! A [`Problem`] says what went wrong once; [`Problem::json`] renders it for programs (RFC 9457) and the portal as a page.
//! A failure of ours is logged here, once, and its cause is never shown. Start at [`Problem::from_error`].

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bailee_wire::json;

use super::portal::views::messages::Message;
use crate::app::{AppError, FieldError, Refused};

/// Something went wrong, in the terms of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    /// The stable code.
    pub code: &'static str,
    /// What happened, in English, for whoever writes the calling program.
    pub detail: String,
    /// What is wrong with single fields.
    pub fields: Vec<FieldError>,
    /// Seconds to wait before another try.
    pub wait_s: Option<u32>,
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $code:literal, $detail:literal;)*) => {
        impl Problem {
            $($(#[$doc])*
            #[must_use]
            pub fn $name() -> Self {
                Self::new(StatusCode::$status, $code, $detail)
            })*

            /// Every code this file makes itself, with its status, for the documentation.
            pub const OWN: &'static [(&'static str, u16)] = &[$(($code, StatusCode::$status.as_u16())),*];
        }
    };
}

problems! {
    /// There is nothing at this address.
    not_found = NOT_FOUND, "not_found", "There is nothing at this address, or you may not know of it.";
    /// The address does not take this method.
    method_not_allowed = METHOD_NOT_ALLOWED, "method_not_allowed", "This address does not take this method.";
    /// The body is longer than allowed.
    too_large = PAYLOAD_TOO_LARGE, "too_large", "The body is longer than 64 KiB.";
    /// The file that came with a form is longer than allowed.
    file_too_large = PAYLOAD_TOO_LARGE, "file_too_large", "A file is at most 10 MiB.";
    /// The body is of another type than the one taken here.
    wrong_type = UNSUPPORTED_MEDIA_TYPE, "wrong_type", "Send the body as application/json.";
    /// The body, the query or the path cannot be read.
    malformed = BAD_REQUEST, "malformed", "The request cannot be read.";
    /// A cursor was changed or belongs to another list.
    bad_cursor = BAD_REQUEST, "bad_cursor", "The cursor is not one this list gave out.";
    /// A POST has no Idempotency-Key.
    key_required = BAD_REQUEST, "idempotency_key_required", "Send an Idempotency-Key of 1 to 128 printable characters.";
    /// The same Idempotency-Key came with another request.
    key_reused = UNPROCESSABLE_ENTITY, "idempotency_key_reused", "This Idempotency-Key was used for another request.";
    /// The request with this Idempotency-Key is being worked on.
    in_flight = CONFLICT, "in_flight", "The request with this Idempotency-Key is being worked on.";
    /// An update has no If-Match.
    version_required = PRECONDITION_REQUIRED, "version_required", "Send the ETag you changed from as If-Match.";
    /// The request came from another site's page, or its form token is wrong.
    foreign_form = FORBIDDEN, "foreign_form", "The form did not come from a page given to this session.";
    /// The request was made for a host that is not this one.
    wrong_host = MISDIRECTED_REQUEST, "wrong_host", "This server does not answer for that host name.";
    /// The caller is asked to slow down.
    rate_limited = TOO_MANY_REQUESTS, "rate_limited", "Too many requests with this token.";
    /// As many requests as allowed are being worked on.
    busy = SERVICE_UNAVAILABLE, "busy", "Too many requests at once.";
    /// It took too long.
    timed_out = GATEWAY_TIMEOUT, "timed_out", "The request took too long and was given up.";
    /// Something of ours failed.
    failed = INTERNAL_SERVER_ERROR, "failed", "Something failed here; it is logged under this request's id.";
    /// The store does not answer.
    unavailable = SERVICE_UNAVAILABLE, "unavailable", "The database does not answer.";
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), fields: Vec::new(), wait_s: None }
    }

    /// The body or a parameter cannot be read, and why.
    #[must_use]
    pub fn unreadable(why: impl Into<String>) -> Self {
        Self { detail: why.into(), ..Self::malformed() }
    }

    /// The caller has to wait.
    #[must_use]
    pub fn after(self, wait_s: u32) -> Self {
        Self { wait_s: Some(wait_s), ..self }
    }

    /// What a use case ended in. A failure is logged here and nowhere else.
    #[must_use]
    pub fn from_error(error: &AppError) -> Self {
        match error {
            AppError::Refused(refused) => Self::from_refused(refused),
            AppError::Store(source) => {
                tracing::error!(error = ?source, "the store failed");
                Self::unavailable()
            }
            AppError::Damaged { what } => {
                tracing::error!(what, "a stored value cannot be read");
                Self::failed()
            }
        }
    }

    /// What the platform said no to.
    #[must_use]
    pub fn from_refused(refused: &Refused) -> Self {
        let status = match refused {
            Refused::NotSignedIn | Refused::WrongCredentials => StatusCode::UNAUTHORIZED,
            Refused::NotAllowed(_) => StatusCode::FORBIDDEN,
            Refused::NotFound => StatusCode::NOT_FOUND,
            Refused::Conflict { .. } => StatusCode::PRECONDITION_FAILED,
            Refused::AlreadyInUse { .. } | Refused::NotPossibleNow { .. } => StatusCode::CONFLICT,
            Refused::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refused::NoLongerValid => StatusCode::GONE,
            Refused::TooManyTries { .. } => StatusCode::TOO_MANY_REQUESTS,
        };
        let mut problem = Self::new(status, refused.code(), refused.to_string());
        match refused {
            Refused::Invalid(fields) => problem.fields.clone_from(fields),
            Refused::AlreadyInUse { field } => {
                problem.fields.push(FieldError { field, code: "already_in_use" });
            }
            Refused::TooManyTries { wait_s } => problem.wait_s = Some(*wait_s),
            Refused::NotPossibleNow { why } => problem.detail = format!("not possible now: {why}"),
            _ => {}
        }
        problem
    }

    /// As RFC 9457 has it; `instance` is the request's id.
    #[must_use]
    pub fn json(&self, instance: &str) -> Response {
        let body = json::Problem {
            r#type: format!("{}#{}", json::PROBLEM_TYPES, self.code),
            title: self.status.canonical_reason().unwrap_or("Problem").into(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.into(),
            instance: instance.into(),
            errors: self
                .fields
                .iter()
                .map(|wrong| json::FieldProblem::new(wrong.field, wrong.code))
                .collect(),
        };
        let text = json::text(&body);
        let mut response = self.wrap(text.into());
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }

    /// Whether somebody else changed the same thing in the meantime.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.status == StatusCode::PRECONDITION_FAILED
    }

    /// The page that shows it.
    #[must_use]
    pub fn message(&self) -> Message {
        match self.status {
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED if self.code != "foreign_form" => {
                Message::Forbidden
            }
            StatusCode::TOO_MANY_REQUESTS => Message::TooMany,
            StatusCode::PAYLOAD_TOO_LARGE => Message::TooLarge,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Message::Unavailable,
            StatusCode::INTERNAL_SERVER_ERROR => Message::Failed,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::MISDIRECTED_REQUEST => {
                Message::NotFound
            }
            _ => Message::Stale,
        }
    }

    /// A page under this problem's status.
    #[must_use]
    pub fn wrap_page(&self, html: String) -> Response {
        let mut response = self.wrap(html.into());
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
        response
    }

    /// A body under this problem's status.
    #[must_use]
    pub fn wrap(&self, body: Body) -> Response {
        let mut response = (self.status, body).into_response();
        if let Some(wait_s) = self.wait_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        response
    }
}

/// Handlers end in a problem; the guard around all routes shows it as a page or as JSON.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.wrap(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self::from_error(&error)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::from_refused(&refused)
    }
}

/// Where a browser goes after a form (RFC 9110 §15.4.4).
#[must_use]
pub fn see_other(to: &str) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

/// Something was made; it is at `at`.
#[must_use]
pub fn created(at: &str, mut response: Response) -> Response {
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(at) = HeaderValue::try_from(at) {
        response.headers_mut().insert(header::LOCATION, at);
    }
    response
}

/// It will be done; nothing is known of how it ends.
#[must_use]
pub fn accepted(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

/// Done, with nothing to say.
#[must_use]
pub fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// What the caller has is current.
#[must_use]
pub fn not_modified() -> Response {
    StatusCode::NOT_MODIFIED.into_response()
}

/// A response of this status, as it was stored.
#[must_use]
pub fn again(status: u16, body: Vec<u8>) -> Response {
    (StatusCode::from_u16(status).unwrap_or(StatusCode::OK), body).into_response()
}

/// The body of a health check that failed.
#[must_use]
pub fn not_ready(body: String) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
}
