//! A [`View`] as HTML: a whole page, or the parts of one that changed.
//!
//! A page is four parts that each can be replaced alone: `notices` (alarms and what just happened), `screen` (what to do),
//! `side` (camera, matches or map) and `idle` (is somebody there?). A part's tag changes with what it says, but not with a running
//! countdown nor with what the person typed, so that neither the camera nor a half-typed code is lost when something else
//! changes. Start at [`page`].

use askama::Template;
use bailee_domain::bank::screen::{Notice, Screen, View, Vouching};
use bailee_domain::time::WallTime;
use bailee_ui::html::escape;
use bailee_ui::i18n::Locale;
use bailee_ui::layout::Page;

use super::words::{self, Note, Remark};
use super::{Contrast, Face, Placement, Settings, TextSize};

mod parts;
mod people;
mod screens;

/// Everything one rendering depends on.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The bank.
    pub face: &'a Face,
    /// The engine's view.
    pub view: &'a View,
    /// The person's settings.
    pub settings: Settings,
    /// The bank's time, for countdowns.
    pub now: WallTime,
    /// What the pages themselves have to say.
    pub remark: Option<Remark>,
}

/// A part of the page that is replaced alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Names what the part says; equal tags need no replacing.
    pub tag: u32,
    /// The element.
    pub html: String,
}

/// Stands for a value that is no reason to replace a part; private use characters, so no text of ours has them.
const QUERY: &str = "\u{E000}";
const WAIT_S: &str = "\u{E001}";
const WAIT_CLOCK: &str = "\u{E002}";
const LEAVING_S: &str = "\u{E003}";

/// The four parts in page order.
#[must_use]
pub fn parts(scene: &Scene<'_>) -> [Part; 4] {
    let page = document(scene);
    let kind = kind(&scene.view.screen);
    [
        part("div", "notices", kind, &notices(scene, &page), scene),
        part("section", "screen", kind, &screens::screen(scene, &page), scene),
        part("section", "side", kind, &screens::side(scene, &page), scene),
        part("div", "idle", kind, &idle(scene, &page), scene),
    ]
}

/// The tags of parts as one text, for the address of the stream and for event ids.
#[must_use]
pub fn tags(parts: &[Part; 4]) -> String {
    parts.iter().map(|part| format!("{:08x}", part.tag)).collect::<Vec<_>>().join("-")
}

/// The whole document.
#[must_use]
pub fn page(scene: &Scene<'_>) -> String {
    let page = document(scene);
    let parts = parts(scene);
    let changing = scene.settings != (Settings { locale: scene.face.setup.locale, ..Settings::default() });
    rendered(&parts::Document {
        page: &page,
        bank: &scene.view.bank_name,
        help: &scene.view.help,
        classes: scene.settings.classes(),
        events: format!("/events?have={}", tags(&parts)),
        refresh_s: refresh_s(&scene.view.screen),
        locales: Locale::ALL,
        high: scene.settings.contrast == Contrast::High,
        larger: scene.settings.text == TextSize::Larger,
        lower: scene.settings.placement == Placement::Lower,
        changed: changing,
        parts: &parts,
    })
}

/// A template whose fields are all in memory: only running out of memory stops it.
fn rendered(template: &impl Template) -> String {
    template.render().expect("writing to a string does not fail")
}

fn document(scene: &Scene<'_>) -> Page {
    let mut page = Page::new(scene.settings.locale, String::new());
    page.title = page.t(screens::title_key(&scene.view.screen));
    page.px_per_mm = Some(scene.face.setup.px_per_mm);
    page
}

/// The name of a screen in the page, for styles and the module.
fn kind(screen: &Screen) -> &'static str {
    match screen {
        Screen::Home { .. } => "home",
        Screen::Checking => "checking",
        Screen::FindRecipient { .. } => "find",
        Screen::ConfirmRecipient { .. } => "confirm",
        Screen::PickSize { .. } => "size",
        Screen::Opening { .. } => "opening",
        Screen::PlaceParcel { .. } => "place",
        Screen::CloseFirst { .. } => "close",
        Screen::Deposited { .. } => "deposited",
        Screen::TakeParcel { .. } => "take",
        Screen::Collected { .. } => "collected",
        Screen::DidNotOpen { .. } => "stuck",
        Screen::Keeper { .. } => "keeper",
        Screen::ChooseDoor { .. } => "choose",
        Screen::Challenge { .. } => "challenge",
        Screen::Inspecting { .. } => "inspecting",
        Screen::Inspected { .. } => "inspected",
        Screen::SecondFactor => "second",
        Screen::HoldBadge => "badge",
    }
}

/// How often a page without JavaScript asks again; never while somebody types.
fn refresh_s(screen: &Screen) -> Option<u8> {
    match screen {
        Screen::Checking | Screen::Opening { .. } => Some(1),
        Screen::PlaceParcel { .. }
        | Screen::CloseFirst { .. }
        | Screen::TakeParcel { .. }
        | Screen::Inspecting { .. }
        | Screen::HoldBadge => Some(2),
        Screen::Collected { .. }
        | Screen::Inspected { .. }
        | Screen::Deposited { .. }
        | Screen::DidNotOpen { .. } => Some(5),
        Screen::Home { keypad } if *keypad != bailee_domain::budget::Keypad::Ready => Some(5),
        _ => None,
    }
}

/// Wraps what a part says in its element. The tag is taken before the values that are no reason to replace it go in.
fn part(element: &str, id: &str, kind: &str, inner: &str, scene: &Scene<'_>) -> Part {
    let kind = match (id, kind) {
        ("notices" | "idle", _) => String::new(),
        // The camera runs on while its code is being checked.
        ("side", "checking") => r#" data-screen="home""#.to_owned(),
        _ => format!(r#" data-screen="{kind}""#),
    };
    let tag = crc32fast::hash(format!("{kind}{}{inner}", scene.settings.locale.tag()).as_bytes());
    let html = format!(r#"<{element} id="{id}"{kind} data-tag="{tag:08x}">{inner}</{element}>"#);
    let wait = match &scene.view.screen {
        Screen::Home { keypad } => words::wait_s(*keypad, scene.now).unwrap_or(0),
        _ => 0,
    };
    let query = match &scene.view.screen {
        Screen::FindRecipient { query, .. } => escape(query),
        _ => String::new(),
    };
    let html = html
        .replace(WAIT_S, &wait.to_string())
        .replace(WAIT_CLOCK, &words::clock(wait))
        .replace(LEAVING_S, &scene.view.leaving_in_s.unwrap_or(0).to_string())
        .replace(QUERY, &query)
        .replace('\r', " ");
    Part { tag, html }
}

fn notices(scene: &Scene<'_>, page: &Page) -> String {
    let alarms = scene.view.alarms.iter().take(8);
    let mut alarms: Vec<String> =
        alarms.map(|alarm| words::alarm(page.texts, alarm.kind, &alarm.compartment.to_string())).collect();
    for (source, tamper) in &scene.view.tampers {
        let said = words::tamper(page.texts, *source, *tamper);
        if !alarms.contains(&said) && alarms.len() < 8 {
            alarms.push(said);
        }
    }
    let asks = scene.view.asks.map(|door| screens::door(scene, page, door));
    if scene.view.ledger == Vouching::Refuses {
        alarms.push(page.t("kiosk-alarm-ledger"));
    }
    rendered(&parts::Notices { page, alarms, notes: notes(scene, page), asks }) + &people::remote(scene, page)
}

fn notes(scene: &Scene<'_>, page: &Page) -> Vec<Note> {
    let own = scene.remark.map(|remark| words::remark(page.texts, remark));
    let engines = scene.view.notice.filter(|notice| *notice != Notice::OutOfOrder);
    let mut held: Vec<Note> = Vec::new();
    for note in scene.view.lockdowns.iter().filter_map(|lockdown| words::lockdown(page.texts, lockdown)) {
        if !held.contains(&note) {
            held.push(note);
        }
    }
    held.into_iter().chain(own).chain(engines.map(|notice| words::notice(page.texts, notice))).collect()
}

fn idle(scene: &Scene<'_>, page: &Page) -> String {
    match scene.view.leaving_in_s {
        Some(_) => rendered(&parts::Idle { page, seconds: LEAVING_S }),
        None => String::new(),
    }
}
