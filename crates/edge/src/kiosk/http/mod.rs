//! The kiosk's pages over HTTP, on loopback only.
//!
//! A form is parsed, handed to the controller and answered with the view that follows: as a redirect, or as parts of the page
//! where the module asked for them (`x-fragment: 1`). Bodies are bounded, one camera frame is looked at at a time, and nothing but
//! our own pages may post. Start at [`router`].

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{from_fn, map_response};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use bailee_domain::bank::screen::{Notice, View};
use bailee_ui::headers::{self, Profile};
use bailee_wire::json;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::form::{Act, MAX_FORM_BYTES, Unclear};
use super::views::{self, Scene};
use super::words::Remark;
use super::{Face, Heard, Kiosk, Settings, Setup};
use crate::camera::MAX_TEXT_BYTES;

mod events;
mod frame;
mod guard;

/// How many pages may follow the bank at once: the kiosk itself, one before a restart, and somebody repairing it.
const MAX_STREAMS: usize = 8;

/// How often a page hears that the line is alive; it says "lost touch" after 10 s of silence.
pub const BEAT: Duration = Duration::from_secs(4);

/// What every handler shares.
struct Shared<K> {
    kiosk: Arc<K>,
    face: Face,
    eye: frame::Eye,
    streams: Arc<Semaphore>,
    beat: Duration,
}

/// Every route of the kiosk, with `beat` between two signs of life; use [`BEAT`] outside tests.
pub fn router<K: Kiosk>(kiosk: Arc<K>, setup: Setup, beat: Duration) -> Router {
    let streams = Arc::new(Semaphore::new(MAX_STREAMS));
    let shared =
        Arc::new(Shared { kiosk, face: Face::new(setup), eye: frame::Eye::default(), streams, beat });
    Router::new()
        .route("/", get(page::<K>))
        .route("/act", post(act::<K>))
        .route("/token", post(token::<K>))
        .route("/settings", post(settings::<K>))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .route("/frame", post(frame::look::<K>))
        .route("/events", get(events::follow::<K>))
        .route("/healthz", get(health::<K>))
        .route("/status", get(status::<K>))
        .merge(bailee_ui::assets::router())
        .with_state(shared)
        .layer(from_fn(guard::loopback_only))
        .layer(map_response(async |response: Response| headers::apply(Profile::Kiosk, response)))
}

type Bank<K> = State<Arc<Shared<K>>>;

impl<K: Kiosk> Shared<K> {
    fn latest(&self) -> Arc<View> {
        Arc::clone(&self.kiosk.view().borrow())
    }

    fn settings(&self, headers: &HeaderMap) -> Settings {
        let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Settings::from_cookies(cookies, self.face.setup.locale)
    }

    /// The page, or its parts for a page that is already there.
    fn shown(&self, headers: &HeaderMap, status: StatusCode, remark: Option<Remark>) -> Response {
        let view = self.latest();
        let scene = Scene {
            face: &self.face,
            view: &view,
            settings: self.settings(headers),
            now: self.kiosk.now(),
            remark,
        };
        if wants_parts(headers) {
            let html: String = views::parts(&scene).into_iter().map(|part| part.html).collect();
            let marks = [("x-fragment", "1".to_owned()), ("x-version", view.version.to_string())];
            return (status, marks, Html(html)).into_response();
        }
        (status, Html(views::page(&scene))).into_response()
    }

    /// What follows an action that was heard.
    fn after(&self, headers: &HeaderMap) -> Response {
        if wants_parts(headers) {
            self.shown(headers, StatusCode::OK, None)
        } else {
            Redirect::to("/").into_response()
        }
    }
}

fn wants_parts(headers: &HeaderMap) -> bool {
    headers.contains_key("x-fragment")
}

async fn page<K: Kiosk>(State(bank): Bank<K>, headers: HeaderMap) -> Response {
    bank.shown(&headers, StatusCode::OK, None)
}

async fn act<K: Kiosk>(State(bank): Bank<K>, headers: HeaderMap, Form(form): Form<Act>) -> Response {
    match form.try_into() {
        Ok(action) => match bank.kiosk.act(action).await {
            Ok(()) => bank.after(&headers),
            Err(super::Away) => bank.shown(&headers, StatusCode::SERVICE_UNAVAILABLE, Some(Remark::Away)),
        },
        Err(Unclear::Code) => {
            bank.shown(&headers, StatusCode::UNPROCESSABLE_ENTITY, Some(Remark::CodeTooShort))
        }
        Err(Unclear::Foreign) => bank.shown(&headers, StatusCode::BAD_REQUEST, None),
    }
}

#[derive(Deserialize)]
struct Typed {
    token: String,
}

async fn token<K: Kiosk>(State(bank): Bank<K>, headers: HeaderMap, Form(typed): Form<Typed>) -> Response {
    let text = typed.token.trim();
    let heard = match text.len() {
        1..=MAX_TEXT_BYTES => bank.kiosk.token(text.to_owned()).await,
        _ => Ok(Heard::NotOurs),
    };
    match heard {
        Ok(Heard::Ours) => bank.after(&headers),
        Ok(Heard::NotOurs) => {
            bank.shown(&headers, StatusCode::UNPROCESSABLE_ENTITY, Some(Remark::NotOurToken))
        }
        Err(super::Away) => bank.shown(&headers, StatusCode::SERVICE_UNAVAILABLE, Some(Remark::Away)),
    }
}

#[derive(Deserialize)]
struct Set {
    set: String,
}

async fn settings<K: Kiosk>(State(bank): Bank<K>, headers: HeaderMap, Form(form): Form<Set>) -> Response {
    match bank.settings(&headers).with(&form.set, bank.face.setup.locale) {
        Some(settings) => {
            let cookies = settings.cookies().map(|cookie| (header::SET_COOKIE, cookie));
            (AppendHeaders(cookies), Redirect::to("/")).into_response()
        }
        None => bank.shown(&headers, StatusCode::BAD_REQUEST, None),
    }
}

/// What the controller measures of itself and what is not as it should be, as the platform is told.
async fn status<K: Kiosk>(State(bank): Bank<K>) -> Response {
    let Some(checkup) = bank.kiosk.checkup() else {
        return (StatusCode::SERVICE_UNAVAILABLE, Body::from("nothing was measured yet\n")).into_response();
    };
    let stands: Vec<_> = checkup.stands.iter().map(|stands| (stands.finding, Some(stands.since))).collect();
    let body = json::text(&json::BankHealth::of(&checkup.health, &stands, bank.kiosk.now()));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Whether the engine still runs and works, for the service that watches this one.
async fn health<K: Kiosk>(State(bank): Bank<K>) -> Response {
    let ill = |why: &'static str| (StatusCode::SERVICE_UNAVAILABLE, Body::from(why)).into_response();
    if bank.kiosk.view().has_changed().is_err() {
        return ill("the engine has stopped\n");
    }
    match bank.latest().notice {
        Some(Notice::OutOfOrder) => ill("the bank is out of order\n"),
        _ => "ok\n".into_response(),
    }
}
