//! `/demo`: the simulated cabinets as a person standing before them has them, and the network cable.
//!
//! Exists only in the demonstration. What is done here is done to the simulated hardware, never to the controllers.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{Form, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use bailee_ui::i18n::Locale;
use bailee_ui::layout::Page;
use futures_util::Stream;
use serde::Deserialize;

use super::banks::DemoBank;

/// How long the page waits for a door before it shows that it is alive.
const BEAT: Duration = Duration::from_secs(3);

/// The banks, shared by every page.
pub type Banks = Arc<Vec<DemoBank>>;

/// Where the banks are put once they run; the pages are served before that.
#[derive(Clone, Default)]
pub struct Slot(Arc<OnceLock<Banks>>);

impl Slot {
    /// Puts the banks in, once.
    pub fn fill(&self, banks: Banks) {
        // Filled by the only caller there is.
        let _ = self.0.set(banks);
    }
}

impl FromRequestParts<Slot> for Cabinets {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(_: &mut Parts, slot: &Slot) -> Result<Self, Self::Rejection> {
        slot.0.get().cloned().map(Cabinets).ok_or((StatusCode::SERVICE_UNAVAILABLE, "the banks are starting"))
    }
}

/// The running banks.
struct Cabinets(Banks);

struct BankView {
    index: usize,
    name: &'static str,
    kiosk: String,
    cut: bool,
    doors: Vec<DoorView>,
}

struct DoorView {
    number: u16,
    open: bool,
}

impl DoorView {
    fn shown(&self) -> String {
        format!("{:02}", self.number)
    }
}

#[derive(Template)]
#[template(path = "demo.html")]
struct DemoPage<'a> {
    page: &'a Page,
    banks: &'a [BankView],
}

#[derive(Template)]
#[template(path = "demo_bank.html")]
struct Fragment<'a> {
    page: &'a Page,
    bank: &'a BankView,
}

impl BankView {
    fn of(index: usize, bank: &DemoBank) -> Self {
        let doors = bank.doors().into_iter().map(|(number, open)| DoorView { number, open }).collect();
        let kiosk = format!("http://{}", bank.controller.kiosk);
        Self { index, name: bank.name, kiosk, cut: bank.controller.switch.is_cut(), doors }
    }

    fn fragment(&self, page: &Page) -> String {
        Fragment { page, bank: self }.render().expect("the template only prints text")
    }
}

fn page(headers: &HeaderMap) -> Page {
    Page::new(Locale::negotiate(headers), "")
}

/// The demonstration's routes, to be mounted below `/demo`.
pub fn router(slot: Slot) -> Router {
    Router::new()
        .route("/", get(show))
        .route("/events", get(follow))
        .route("/door", post(move_door))
        .route("/network", post(pull_cable))
        .with_state(slot)
}

async fn show(Cabinets(banks): Cabinets, headers: HeaderMap) -> Html<String> {
    let views: Vec<BankView> = banks.iter().enumerate().map(|(i, bank)| BankView::of(i, bank)).collect();
    let page = page(&headers);
    Html(DemoPage { page: &page, banks: &views }.render().expect("the template only prints text"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveDoor {
    bank: usize,
    door: u16,
    open: bool,
}

async fn move_door(Cabinets(banks): Cabinets, headers: HeaderMap, Form(form): Form<MoveDoor>) -> Response {
    let Some((bank, door)) = banks.get(form.bank).and_then(|bank| Some((bank, bank.door(form.door)?))) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if form.open {
        bank.cabinet.force_open(door);
    } else {
        bank.cabinet.close(door);
    }
    answer(&banks, form.bank, &headers)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PullCable {
    bank: usize,
    cut: bool,
}

async fn pull_cable(Cabinets(banks): Cabinets, headers: HeaderMap, Form(form): Form<PullCable>) -> Response {
    let Some(bank) = banks.get(form.bank) else { return StatusCode::NOT_FOUND.into_response() };
    if form.cut {
        bank.controller.switch.cut();
    } else {
        bank.controller.switch.join();
    }
    answer(&banks, form.bank, &headers)
}

fn answer(banks: &Banks, index: usize, headers: &HeaderMap) -> Response {
    if headers.contains_key("x-fragment") {
        let view = BankView::of(index, &banks[index]);
        return ([("x-fragment", "1")], Html(view.fragment(&page(headers)))).into_response();
    }
    Redirect::to("/demo").into_response()
}

/// Patches each cabinet whose doors moved.
async fn follow(
    Cabinets(banks): Cabinets,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let page = Arc::new(page(&headers));
    let seen: Vec<Vec<(u16, bool)>> = vec![Vec::new(); banks.len()];
    let stream = futures_util::stream::unfold((seen, 0), move |(mut seen, turn)| {
        let (banks, page) = (banks.clone(), page.clone());
        async move {
            let index = turn % banks.len();
            let last = seen[index].clone();
            let watched = banks.clone();
            let within = BEAT / u32::try_from(banks.len()).unwrap_or(1) / 4;
            let waited = tokio::task::spawn_blocking(move || watched[index].wait_for_change(&last, within));
            let event = if waited.await.unwrap_or(false) {
                seen[index] = banks[index].doors();
                Event::default().event("patch").data(BankView::of(index, &banks[index]).fragment(&page))
            } else {
                Event::default().event("beat").data("")
            };
            Some((Ok(event), (seen, turn + 1)))
        }
    });
    Sse::new(stream)
}
