//! `/alerts?view=open|all`: the queue. Posts `/alerts/{id}/acknowledge`. Live: patch `alert-queue`.

use super::{Shell, parcels::SavedView};
use askama::Template;
use bailee_ui::layout::{Page, Tone};

/// How urgent an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Needs somebody now.
    Alarm,
    /// Needs a look soon.
    Warning,
    /// Worth knowing.
    Notice,
}

impl Urgency {
    /// The key of its word.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Alarm => "urgency-alarm",
            Self::Warning => "urgency-warning",
            Self::Notice => "urgency-notice",
        }
    }

    /// Its meaning.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Alarm => Tone::Bad,
            Self::Warning => Tone::Warn,
            Self::Notice => Tone::Neutral,
        }
    }
}

/// An alert in the queue.
#[derive(Clone, Debug)]
pub struct AlertRow {
    /// `alt_…`
    pub id: String,
    /// How urgent.
    pub urgency: Urgency,
    /// What is wrong, in the reader's language.
    pub title: String,
    /// The bank's name, or the witness's.
    pub about: String,
    /// Where to look: the bank's page, with the door if there is one, or the witnesses'.
    pub href: String,
    /// Whether files can be attached: only to what is about a bank.
    pub files: bool,
    /// When it began (RFC 3339, UTC).
    pub at: String,
    /// Who acknowledged it; empty while nobody has.
    pub acknowledged_by: String,
}

/// `/alerts`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/alerts.html")]
pub struct Alerts {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// Open and all, with their counts.
    pub views: Vec<SavedView>,
    /// Whether the reader may ask for evidence.
    pub may_export: bool,
    /// Most urgent first.
    pub rows: Vec<AlertRow>,
    /// The first page, when this is a later one.
    pub first: Option<String>,
    /// The next page, when there is one.
    pub next: Option<String>,
}

#[cfg(test)]
impl AlertRow {
    pub(super) fn samples(page: &Page) -> Vec<Self> {
        let row = |id: &str, urgency, key: &str, about: &str, by: &str| Self {
            id: id.into(),
            urgency,
            title: page.t(key),
            about: about.into(),
            href: "/banks/bnk_garage?compartment=11".into(),
            files: true,
            at: "2026-11-23T08:39:12Z".into(),
            acknowledged_by: by.into(),
        };
        vec![
            row("alt_1", Urgency::Alarm, "event-compartment-forced", "Garage", ""),
            row("alt_2", Urgency::Warning, "event-bank-offline", "Garage", "Toni Example"),
            Self {
                href: "/witnesses".into(),
                files: false,
                ..row("alt_3", Urgency::Alarm, "event-witness-refused", "witness.example.org/bailee", "")
            },
        ]
    }
}

#[cfg(test)]
impl Alerts {
    pub(super) fn sample(page: Page) -> Self {
        let view = |name: &str, key, count, current| SavedView {
            href: format!("/alerts?view={name}"),
            key,
            count,
            current,
        };
        Self {
            shell: Shell::sample(super::Section::Alerts),
            views: vec![view("open", "view-open", 2, true), view("all", "view-all", 38, false)],
            may_export: true,
            rows: AlertRow::samples(&page),
            first: None,
            next: None,
            page,
        }
    }

    pub(super) fn sample_empty(page: Page) -> Self {
        Self { rows: Vec::new(), ..Self::sample(page) }
    }
}
