//! `/audit` (query `range`, `from`, `to`, `kind`, `bank`, `compartment`, `person`, `parcel`, `result`, `cursor`, `newer`), and the
//! exports `/audit.csv`, `/audit.jsonl` and `/audit.jsonld` of the same query. `/audit/{id}` and the drawer beside the list are in
//! `entry`, the drawing of a proof in `ladder`.

mod entry;
mod ladder;

use super::Shell;
use askama::Template;
use bailee_ui::form::{Choice, Field};
use bailee_ui::layout::{Page, Tone};

pub use entry::{About, Drawer, EntryView, Event, ProvenView, Rung, WitnessView};

/// The state of the ledger, as a seal at the top of the page.
#[derive(Clone, Debug, Default)]
pub struct Seal {
    /// Entries in the tree of the last checkpoint.
    pub entries: u64,
    /// When the checkpoint was signed (RFC 3339, UTC).
    pub signed_at: String,
    /// Its age in words, in the reader's language, such as "12 s".
    pub age: String,
    /// The log's origin line.
    pub origin: String,
    /// Where the checkpoint is, `/log/{id}/checkpoint`.
    pub href: String,
    /// Witnesses that cosigned lately and refuse nothing.
    pub current: usize,
    /// Witnesses there are.
    pub witnesses: usize,
    /// Whether a witness refuses to cosign.
    pub refused: bool,
    /// Whether the last check of the tree succeeded.
    pub sound: bool,
}

/// One event in the list.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// The page of the event.
    pub href: String,
    /// The leaf index, once the log has placed it.
    pub index: Option<u64>,
    /// When it happened (RFC 3339, UTC).
    pub at: String,
    /// Who did it: a name the reader may see, or an opaque id.
    pub actor: String,
    /// What happened, in the reader's language.
    pub kind: String,
    /// To what: bank, compartment, parcel.
    pub target: String,
    /// How it ended, in the reader's language.
    pub result: String,
    /// The meaning of the result.
    pub tone: Tone,
}

impl EventRow {
    /// Whether nobody needs to look at it: it takes no badge, so that those which do stand out.
    #[must_use]
    pub fn is_routine(&self) -> bool {
        matches!(self.tone, Tone::Ok | Tone::Neutral)
    }

    /// The symbol of its result.
    #[must_use]
    pub fn icon(&self) -> &'static str {
        match self.tone {
            Tone::Ok => "check",
            Tone::Accent => "alert",
            Tone::Warn => "cross",
            Tone::Bad => "warning",
            Tone::Neutral => "free",
        }
    }
}

/// A filter in force, or a frequent one to add.
#[derive(Clone, Debug)]
pub struct Facet {
    /// What it says, in the reader's language.
    pub label: String,
    /// Where it leads: this page with the filter added, or without it when it is in force.
    pub href: String,
    /// Whether it is in force.
    pub active: bool,
    /// Rows it has, if counted.
    pub count: Option<u32>,
}

/// Values of one kind to narrow the list by.
#[derive(Clone, Debug)]
pub struct FacetGroup {
    /// Of which kind, in the reader's language.
    pub title: String,
    /// The most frequent first.
    pub facets: Vec<Facet>,
}

/// The filter form: every field is a query parameter of the same name.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// From this moment (`YYYY-MM-DDTHH:MM`, UTC).
    pub from: Field,
    /// Until this moment.
    pub to: Field,
    /// The kind of event.
    pub kind: Field,
    /// Kinds to choose from, the first with an empty value for all.
    pub kinds: Vec<Choice>,
    /// The bank's id.
    pub bank: Field,
    /// Banks to choose from, the first for all.
    pub banks: Vec<Choice>,
    /// The compartment's number.
    pub compartment: Field,
    /// A person's id or name.
    pub person: Field,
    /// A parcel's id.
    pub parcel: Field,
    /// How it ended.
    pub result: Field,
    /// Results to choose from, the first for all.
    pub results: Vec<Choice>,
}

/// `/audit`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/audit.html")]
pub struct Audit {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// The ledger's state.
    pub seal: Seal,
    /// What is searched for.
    pub filters: Filters,
    /// Whether the form holds anything.
    pub narrowed: bool,
    /// Filters in force.
    pub active: Vec<Facet>,
    /// Spans of time.
    pub ranges: Vec<Facet>,
    /// The same list with its span of time as it is now.
    pub fixed: Option<String>,
    /// Values to narrow the list by.
    pub groups: Vec<FacetGroup>,
    /// What their counts are of.
    pub counted: String,
    /// Newest first.
    pub rows: Vec<EventRow>,
    /// `/audit.csv?…` with the current filter.
    pub csv: String,
    /// `/audit.jsonl?…` with the current filter.
    pub jsonl: String,
    /// `/audit.jsonld?…` with the current filter: EPCIS 2.0.
    pub epcis: String,
    /// The newest page, when this is another one.
    pub newest: Option<String>,
    /// The page with what happened after this.
    pub newer: Option<String>,
    /// The page with what happened before this.
    pub older: Option<String>,
    /// Events looked at without filling the page, and until when (RFC 3339, UTC).
    pub looked: Option<(u32, String)>,
}

#[cfg(test)]
impl Seal {
    fn sample() -> Self {
        Self {
            entries: 1_205,
            signed_at: "2026-11-23T08:40:55Z".into(),
            age: "12 s".into(),
            origin: "bailee.example/harbour".into(),
            href: "/log/harbour/checkpoint".into(),
            current: 11,
            witnesses: 12,
            refused: false,
            sound: true,
        }
    }
}

#[cfg(test)]
impl EventRow {
    fn samples(page: &Page) -> Vec<Self> {
        let row = |index: u64, actor: &str, key: &str, target: &str, result: &str, tone| Self {
            href: format!("/audit/{index}"),
            index: (index < 1_204).then_some(index),
            at: format!("2026-11-23T08:{:02}:12Z", index % 60),
            actor: actor.into(),
            kind: page.t(key),
            target: target.into(),
            result: page.t(result),
            tone,
        };
        vec![
            row(1_204, "—", "event-compartment-forced", "Garage · 11", "result-alarm", Tone::Bad),
            row(1_203, "—", "event-access-refused", "Lobby · keypad", "result-refused", Tone::Warn),
            row(1_198, "Sam Sample", "event-parcel-collected", "Lobby · 04", "result-done", Tone::Ok),
            row(1_197, "Sam Sample", "event-compartment-opened", "Lobby · 04", "result-done", Tone::Ok),
            row(1_190, "Bailee", "event-notification-sent", "prc_01jd4", "result-done", Tone::Ok),
            row(1_188, "Chris Courier", "event-parcel-deposited", "Lobby · 04", "result-done", Tone::Ok),
        ]
    }
}

#[cfg(test)]
impl Audit {
    pub(super) fn sample(page: Page) -> Self {
        let facet =
            |key: &str, count, active| Facet { label: page.t(key), href: "/audit?x".into(), active, count };
        let group = |title: &str, keys: &[&str]| FacetGroup {
            title: page.t(title),
            facets: keys.iter().zip([612, 104, 1]).map(|(key, n)| facet(key, Some(n), false)).collect(),
        };
        let any = |key: &str| vec![Choice::new("", page.t(key)), Choice::new("x", "Lobby")];
        Self {
            shell: Shell::sample(super::Section::Audit),
            seal: Seal::sample(),
            filters: Filters {
                kinds: any("any-kind"),
                banks: any("any-bank"),
                results: any("any-result"),
                ..Filters::default()
            },
            narrowed: true,
            active: vec![facet("result-refused", None, true)],
            ranges: ["range-1h", "range-24h", "range-7d", "range-30d"]
                .map(|key| facet(key, None, key == "range-7d"))
                .into(),
            fixed: Some("/audit?from=x".into()),
            groups: vec![
                group(
                    "kind",
                    &["event-parcel-collected", "event-compartment-opened", "event-compartment-forced"],
                ),
                group("urgency", &["facet-notice", "facet-alarm"]),
            ],
            counted: page.t1("facets-newest", "count", 1_000_u32),
            rows: EventRow::samples(&page),
            csv: "/audit.csv?result=refused".into(),
            jsonl: "/audit.jsonl?result=refused".into(),
            epcis: "/audit.jsonld?result=refused".into(),
            newest: Some("/audit".into()),
            newer: Some("/audit?newer=b64".into()),
            older: Some("/audit?cursor=b64".into()),
            looked: Some((10_000, "2026-11-20T08:40:55Z".into())),
            page,
        }
    }
}
