//! `/parcels` (query `view` = `ready` | `overdue` | `all`, `q`, `bank`, `carrier`, `cursor`) and `/parcels/{id}`.
//!
//! Posts: `/parcels/{id}/send-code`, `/parcels/{id}/extend` (`days`). A code can't be shown to anybody: sending again makes a new one.

use super::Shell;
use super::holds::Holds;
use super::receipts::ReceiptRow;
use askama::Template;
use bailee_ui::form::{Choice, Field};
use bailee_ui::layout::{Page, TimelineItem, Tone};

/// What a parcel is doing, as shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParcelState {
    /// In the bank, waiting.
    Ready,
    /// In the bank, past its expiry.
    Overdue,
    /// With the recipient.
    Collected,
}

impl ParcelState {
    /// The key of its word.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Ready => "parcel-ready",
            Self::Overdue => "parcel-overdue",
            Self::Collected => "parcel-collected",
        }
    }

    /// Its meaning.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Ready => Tone::Accent,
            Self::Overdue => Tone::Warn,
            Self::Collected => Tone::Neutral,
        }
    }

    /// Its symbol.
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Ready => "parcel",
            Self::Overdue => "clock",
            Self::Collected => "check",
        }
    }
}

/// A parcel among others.
#[derive(Clone, Debug)]
pub struct ParcelRow {
    /// `prc_…`
    pub id: String,
    /// The recipient's name.
    pub recipient: String,
    /// The recipient's unit.
    pub unit: String,
    /// The carrier's name.
    pub carrier: String,
    /// The bank's name.
    pub bank: String,
    /// The compartment's number.
    pub compartment: u16,
    /// What it is doing.
    pub state: ParcelState,
    /// When it was put in (RFC 3339, UTC).
    pub deposited_at: String,
    /// When its code ends (RFC 3339, UTC).
    pub expires: String,
}

impl ParcelRow {
    /// The number as it stands on the door.
    #[must_use]
    pub fn door(&self) -> String {
        format!("{:02}", self.compartment)
    }
}

/// One saved view with its count.
#[derive(Clone, Debug)]
pub struct SavedView {
    /// Where it leads.
    pub href: String,
    /// Its text key.
    pub key: &'static str,
    /// How many rows it has.
    pub count: u32,
    /// Whether it is shown.
    pub current: bool,
}

/// `/parcels`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/parcels.html")]
pub struct Parcels {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// Ready, overdue, all.
    pub views: Vec<SavedView>,
    /// The `view` of this page, kept in the filter form.
    pub view: String,
    /// Recipient or unit searched for.
    pub q: Field,
    /// The chosen bank's id; empty for all.
    pub bank: Field,
    /// Banks to choose from, the first with an empty value for all.
    pub banks: Vec<Choice>,
    /// This page's parcels.
    pub rows: Vec<ParcelRow>,
    /// The first page, when this is a later one.
    pub first: Option<String>,
    /// The next page, when there is one.
    pub next: Option<String>,
}

/// `/parcels/{id}`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/parcel.html")]
pub struct Parcel {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// The facts.
    pub parcel: ParcelRow,
    /// The bank's id, to link to its door.
    pub bank_id: String,
    /// The courier's name.
    pub courier: String,
    /// The size, such as "M".
    pub size: String,
    /// When it was collected (RFC 3339, UTC); empty when it wasn't.
    pub collected_at: String,
    /// Every event, newest first, each linking to its proof.
    pub custody: Vec<TimelineItem>,
    /// The receipts the recipient got, newest first.
    pub receipts: Vec<ReceiptRow>,
    /// How many days an extension adds.
    pub days: Field,
    /// Whether a new code may be sent and the time extended.
    pub waiting: bool,
    /// Where photos and files about it are.
    pub files: String,
    /// Legal holds on it and on its people, for those who may see them.
    pub holds: Option<Holds>,
}

impl Parcel {
    fn errors(&self) -> Vec<(&str, &Field)> {
        let holds = self.holds.iter().flat_map(|it| [("hold_reason", &it.hold_reason), ("owner", &it.owner)]);
        std::iter::once(("days", &self.days)).chain(holds).collect()
    }
}

#[cfg(test)]
pub(super) fn sample_timeline(page: &Page) -> Vec<TimelineItem> {
    let item = |at: &str, tone, icon, key: &str, detail: &str, leaf: u32| TimelineItem {
        at: at.into(),
        tone,
        icon,
        title: page.t(key),
        detail: detail.into(),
        href: format!("/audit/{leaf}"),
        link: page.t("proof"),
    };
    vec![
        item("2026-11-23T08:39:12Z", Tone::Bad, "warning", "event-compartment-forced", "Garage · 11", 1_204),
        item("2026-11-23T08:21:40Z", Tone::Neutral, "cross", "event-access-refused", "Lobby · keypad", 1_203),
        item("2026-11-23T08:02:07Z", Tone::Ok, "check", "event-parcel-collected", "Lobby · 04", 1_198),
        item("2026-11-23T07:44:51Z", Tone::Accent, "sms", "event-notification-sent", "e-mail, SMS", 1_190),
        item(
            "2026-11-23T07:44:30Z",
            Tone::Accent,
            "parcel",
            "event-parcel-deposited",
            "Lobby · 04 · Parcel Post",
            1_188,
        ),
    ]
}

#[cfg(test)]
impl ParcelRow {
    fn samples() -> Vec<Self> {
        let row = |n: u16, recipient: &str, unit: &str, carrier: &str, state| Self {
            id: format!("prc_01jd{n}"),
            recipient: recipient.into(),
            unit: unit.into(),
            carrier: carrier.into(),
            bank: if n.is_multiple_of(2) { "Lobby" } else { "Garage" }.into(),
            compartment: n,
            state,
            deposited_at: format!("2026-11-{:02}T09:{:02}:00Z", 22 - n, 10 + n),
            expires: format!("2026-11-{:02}T09:{:02}:00Z", 29 - n, 10 + n),
        };
        vec![
            row(1, "Sam Sample", "4B", "Parcel Post", ParcelState::Ready),
            row(4, "سلمى مثال", "2A", "Northern Express", ParcelState::Ready),
            row(9, "Robin Placeholder-Longname", "12C", "Parcel Post", ParcelState::Overdue),
            row(12, "Kim Specimen", "1", "Bike Couriers", ParcelState::Overdue),
            row(7, "Jo Muster", "7D", "Northern Express", ParcelState::Collected),
        ]
    }
}

#[cfg(test)]
impl Parcels {
    pub(super) fn sample(page: Page) -> Self {
        let view = |name: &str, key, count, current| SavedView {
            href: format!("/parcels?view={name}"),
            key,
            count,
            current,
        };
        Self {
            shell: Shell::sample(super::Section::Parcels),
            views: vec![
                view("ready", "view-ready", 9, false),
                view("overdue", "view-overdue", 2, false),
                view("all", "view-all", 214, true),
            ],
            view: "all".into(),
            q: Field::default(),
            bank: Field::default(),
            banks: vec![
                Choice::new("", page.t("any-bank")),
                Choice::new("bnk_lobby", "Lobby"),
                Choice::new("bnk_garage", "Garage"),
            ],
            rows: ParcelRow::samples(),
            first: None,
            next: Some("/parcels?view=all&cursor=b64".into()),
            page,
        }
    }

    pub(super) fn sample_empty(page: Page) -> Self {
        Self { rows: Vec::new(), next: None, ..Self::sample(page) }
    }
}

#[cfg(test)]
impl Parcel {
    pub(super) fn sample(page: Page) -> Self {
        Self {
            shell: Shell::sample(super::Section::Parcels),
            parcel: ParcelRow::samples().remove(2),
            bank_id: "bnk_garage".into(),
            courier: "Chris Courier".into(),
            size: "M".into(),
            collected_at: String::new(),
            custody: sample_timeline(&page),
            receipts: ReceiptRow::samples(&page),
            days: Field::new("3"),
            waiting: true,
            files: "/files?about=parcel".into(),
            holds: Some(Holds {
                at: "/parcels/prc_1/hold".into(),
                why: "hold-why-parcel",
                ..Holds::sample_held()
            }),
            page,
        }
    }
}
