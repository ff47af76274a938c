//! The templates around every screen.

use askama::Template;
use bailee_ui::i18n::Locale;
use bailee_ui::layout::Page;

use super::Part;
use super::screens::Door;
use crate::kiosk::words::Note;

#[derive(Template)]
#[template(path = "kiosk/page.html")]
pub(super) struct Document<'a> {
    pub(super) page: &'a Page,
    pub(super) bank: &'a str,
    pub(super) help: &'a str,
    pub(super) classes: String,
    pub(super) events: String,
    pub(super) refresh_s: Option<u8>,
    pub(super) locales: [Locale; 2],
    pub(super) high: bool,
    pub(super) larger: bool,
    pub(super) lower: bool,
    pub(super) changed: bool,
    pub(super) parts: &'a [Part; 4],
}

#[derive(Template)]
#[template(path = "kiosk/notices.html")]
pub(super) struct Notices<'a> {
    pub(super) page: &'a Page,
    pub(super) alarms: Vec<String>,
    pub(super) notes: Vec<Note>,
    pub(super) asks: Option<Door>,
}

#[derive(Template)]
#[template(path = "kiosk/idle.html")]
pub(super) struct Idle<'a> {
    pub(super) page: &'a Page,
    pub(super) seconds: &'static str,
}
