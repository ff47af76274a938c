//! `/audit` (query `from`, `to`, `kind`, `bank`, `compartment`, `person`, `parcel`, `result`, `cursor`), `/audit/{leaf index}`, and the
//! exports `/audit.csv` and `/audit.jsonl` of the same query.

use super::Shell;
use askama::Template;
use bailee_ui::form::{Choice, Field};
use bailee_ui::layout::{Page, Tone};

/// The state of the ledger, as a seal at the top of the page.
#[derive(Clone, Debug)]
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
    /// Whether the last check of the tree succeeded.
    pub sound: bool,
}

/// One event in the list.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// The leaf index; the row leads to `/audit/{index}`.
    pub index: u64,
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
    /// The symbol of its result.
    #[must_use]
    pub fn icon(&self) -> &'static str {
        match self.tone {
            Tone::Ok | Tone::Accent => "check",
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
    /// Filters in force and frequent ones.
    pub facets: Vec<Facet>,
    /// Newest first.
    pub rows: Vec<EventRow>,
    /// `/audit.csv?…` with the current filter.
    pub csv: String,
    /// `/audit.jsonl?…` with the current filter.
    pub jsonl: String,
    /// `/audit.jsonld?…` with the current filter: EPCIS 2.0.
    pub epcis: String,
    /// The first page, when this is a later one.
    pub first: Option<String>,
    /// The next page, when there is one.
    pub next: Option<String>,
}

/// One step of an inclusion path (RFC 6962 §2.1.1).
#[derive(Clone, Debug)]
pub struct Rung {
    /// The height above the leaves, from 0.
    pub level: u8,
    /// The sibling's hash in hexadecimal.
    pub hash: String,
    /// Whether the sibling stands to the left.
    pub left: bool,
}

/// `/audit/{index}`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/event.html")]
pub struct Event {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// The same facts as in the list.
    pub event: EventRow,
    /// The fields of the signed record, in order: name and value as recorded, not translated.
    pub fields: Vec<(String, String)>,
    /// The leaf's hash in hexadecimal.
    pub leaf_hash: String,
    /// The path to the root; empty while the event isn't sequenced.
    pub path: Vec<Rung>,
    /// The root's hash in hexadecimal.
    pub root_hash: String,
    /// The checkpoint the path leads to.
    pub seal: Seal,
    /// The signed checkpoint as it is published.
    pub checkpoint: String,
    /// The exact bytes of the leaf in hexadecimal.
    pub leaf_bytes: String,
    /// The command that checks this log elsewhere.
    pub command: String,
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
            sound: true,
        }
    }
}

#[cfg(test)]
impl EventRow {
    fn samples(page: &Page) -> Vec<Self> {
        let row = |index, actor: &str, key: &str, target: &str, result: &str, tone| Self {
            index,
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
            facets: vec![
                facet("result-refused", None, true),
                facet("event-parcel-collected", Some(104), false),
                facet("event-compartment-forced", Some(1), false),
            ],
            rows: EventRow::samples(&page),
            csv: "/audit.csv?result=refused".into(),
            jsonl: "/audit.jsonl?result=refused".into(),
            epcis: "/audit.jsonld?result=refused".into(),
            first: Some("/audit".into()),
            next: Some("/audit?cursor=b64".into()),
            page,
        }
    }
}

#[cfg(test)]
impl Event {
    pub(super) fn sample(page: Page) -> Self {
        let hash = |seed: u64| format!("{:016x}", seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(4);
        let rung =
            |level: u8| Rung { level, hash: hash(u64::from(level) + 3), left: level.is_multiple_of(2) };
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            shell: Shell::sample(super::Section::Audit),
            event: EventRow::samples(&page).remove(2),
            fields: vec![
                field("version", "1"),
                field("bank", "bnk_01jd8k"),
                field("sequence", "417"),
                field("at", "2026-11-23T08:58:12.204Z"),
                field("time_quality", "trusted"),
                field("kind", "ParcelCollected"),
                field("compartment", "4"),
                field("parcel", "prc_01jd4"),
                field("person", "commitment 9f2c…41aa"),
            ],
            leaf_hash: hash(1),
            path: (0..8).map(rung).collect(),
            root_hash: hash(99),
            seal: Seal::sample(),
            checkpoint: "bailee.example/harbour\n1205\nq3Zk0m1uY2Jr5g0w6o3y1m8v0p7c2b4n6d8f0h2j4l6=\n\n— bailee.example/harbour Az3grlgt…\n".into(),
            leaf_bytes: hash(5),
            command: "bailee verify ledger https://bailee.example/log/harbour".into(),
            page,
        }
    }
}
