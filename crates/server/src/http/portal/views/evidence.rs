//! `/evidence` (query `about`, `parcel`, `bank`, `compartment`, `person`, `alert`, `from`, `to` to begin with, `cursor`). Posts to itself, with
//! these, `reason` and a field for every [`Tell`]; `/evidence/{id}/bundle` is the file.

use super::Shell;
use askama::Template;
use bailee_ui::form::{Choice, Field};
use bailee_ui::html::Html;
use bailee_ui::layout::{Page, Tone};

/// Something of people that can be told.
#[derive(Clone, Debug)]
pub struct Tell {
    /// The name of its checkbox.
    pub id: String,
    /// What it is, in the reader's language.
    pub label: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A bundle that was asked for.
#[derive(Clone, Debug)]
pub struct ExportRow {
    /// `evd_…`
    pub id: String,
    /// When it was asked for (RFC 3339, UTC).
    pub at: String,
    /// Who asked.
    pub by: String,
    /// About what.
    pub about: String,
    /// From and until when (RFC 3339, UTC); empty where it is open.
    pub span: [String; 2],
    /// Why.
    pub reason: String,
    /// How far it is, in the reader's language.
    pub state: String,
    /// The meaning of that.
    pub tone: Tone,
    /// Entries done and in all, while it is being made.
    pub making: Option<(u64, u64)>,
    /// Where the file is, while it can be fetched.
    pub fetch: Option<String>,
}

impl ExportRow {
    /// How far it is, as a badge.
    #[must_use]
    pub fn badge(&self, page: &Page) -> Html {
        let icon = match self.tone {
            Tone::Ok => "check",
            Tone::Bad => "warning",
            _ => "clock",
        };
        page.badge(self.tone, icon, &self.state)
    }
}

/// `/evidence`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/evidence.html")]
pub struct Evidence {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// What it is about.
    pub about: Field,
    /// What it can be about.
    pub abouts: Vec<Choice>,
    /// A parcel's id.
    pub parcel: Field,
    /// A bank's id.
    pub bank: Field,
    /// Banks to choose from, the first for none.
    pub banks: Vec<Choice>,
    /// A compartment's number.
    pub compartment: Field,
    /// A person's id.
    pub person: Field,
    /// An alert's id.
    pub alert: Field,
    /// From this moment (`YYYY-MM-DDTHH:MM`, UTC).
    pub from: Field,
    /// Until this moment.
    pub to: Field,
    /// Why.
    pub reason: Field,
    /// What can be told of people; empty for readers who may not see people.
    pub tells: Vec<Tell>,
    /// What was asked for, the newest first.
    pub rows: Vec<ExportRow>,
    /// The first page, when this is a later one.
    pub first: Option<String>,
    /// The next page, when there is one.
    pub next: Option<String>,
}

#[cfg(test)]
impl Evidence {
    pub(super) fn sample(page: Page) -> Self {
        let row = |n: u8, state: &str, tone, making, fetch: bool| ExportRow {
            id: format!("evd_01jd{n}"),
            at: "2026-11-23T08:58:12Z".into(),
            by: "Alex Example".into(),
            about: if n == 1 { page.t("evidence-about-span") } else { "prc_01jd4".into() },
            span: if n == 1 {
                ["2026-10-01T00:00:00Z".into(), "2026-11-01T00:00:00Z".into()]
            } else {
                [String::new(), String::new()]
            },
            reason: "Claim 4711: the recipient says that nothing was inside".into(),
            state: page.t(state),
            tone,
            making,
            fetch: fetch.then(|| format!("/evidence/evd_01jd{n}/bundle")),
        };
        let tell = |name: &str| Tell {
            id: format!("tell-{name}"),
            label: page.t(&format!("evidence-tell-{name}")),
            chosen: name == "name",
        };
        Self {
            shell: Shell::sample(super::Section::Audit),
            about: Field::new("parcel"),
            abouts: vec![
                Choice::new("span", page.t("evidence-about-span")),
                Choice::new("parcel", page.t("evidence-about-parcel")),
            ],
            parcel: Field::new("prc_01jd4"),
            bank: Field::default(),
            banks: vec![Choice::new("", page.t("evidence-no-bank")), Choice::new("x", "Lobby")],
            compartment: Field::default(),
            person: Field::default(),
            alert: Field::default(),
            from: Field::default(),
            to: Field::default(),
            reason: Field::default().wrong(page.t("error-required")),
            tells: ["name", "unit", "email", "phone", "reach", "files"].map(tell).into(),
            rows: vec![
                row(1, "evidence-state-wanted", Tone::Neutral, Some((41_000, 96_210)), false),
                row(2, "evidence-state-made", Tone::Ok, None, true),
                row(3, "evidence-state-gone", Tone::Warn, None, false),
            ],
            first: None,
            next: Some("/evidence?cursor=b64".into()),
            page,
        }
    }
}
