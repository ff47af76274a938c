//! The way of a bank into use, `/banks/{id}/commission`, and what a site demands, `/settings/commissioning`.
//!
//! Posts: `/banks/{id}/hardware` (`value-{item}`, `evidence-{item}`), `/banks/{id}/accept` (`reason`), `/banks/{id}/withdraw`,
//! `/settings/commissioning` (`commissioned`, `evidence`, `want-{item}`, `number-{item}`).

use askama::Template;
use bailee_ui::form::Field;
use bailee_ui::html::Html;
use bailee_ui::layout::{Page, Tone};

#[cfg(test)]
use super::Section;
use super::Shell;

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is done.
    Done,
    /// Something in it must be put right.
    Wrong,
    /// It waits.
    Waits,
}

impl Progress {
    /// As a badge.
    #[must_use]
    pub fn badge(self, page: &Page) -> Html {
        match self {
            Self::Done => page.badge(Tone::Ok, "check", page.t("commission-done")),
            Self::Wrong => page.badge(Tone::Bad, "warning", page.t("commission-wrong")),
            Self::Waits => page.badge(Tone::Neutral, "clock", page.t("commission-waits")),
        }
    }
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// How far it is.
    pub progress: Progress,
    /// The key of its name.
    pub name: &'static str,
    /// What is known, in words.
    pub says: String,
}

/// Something the technician found that is not as it should be.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Where.
    pub place: String,
    /// The key of what it is and what to do.
    pub what: String,
}

/// One item of the hardware record.
#[derive(Clone, Debug)]
pub struct ItemLine {
    /// Its stable name.
    pub name: &'static str,
    /// What it is.
    pub value: Field,
    /// Where that can be seen.
    pub evidence: Field,
    /// What is demanded, in words; empty for nothing.
    pub wants: String,
}

/// `/banks/{id}/commission`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/commission.html")]
pub struct Wizard {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `bnk_…`
    pub id: String,
    /// The bank's name.
    pub name: String,
    /// Whether it takes parcels in.
    pub in_service: bool,
    /// Why, in words.
    pub standing: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What is wrong at the bank.
    pub findings: Vec<Finding>,
    /// The hardware record.
    pub items: Vec<ItemLine>,
    /// Who answers for it, and since when (RFC 3339); empty when nobody does.
    pub attested: (String, String),
    /// In what it falls short, in words.
    pub shortfalls: Vec<String>,
    /// Whether the reader may record.
    pub may_record: bool,
    /// Whether the reader may decide.
    pub may_decide: bool,
    /// Whether there is anything to decide about.
    pub demanded: bool,
    /// Whether it was accepted already.
    pub accepted: bool,
    /// Why it is taken into use all the same.
    pub reason: Field,
}

/// What is demanded of one item.
#[derive(Clone, Debug)]
pub struct DemandLine {
    /// Its stable name.
    pub name: &'static str,
    /// Whether it is demanded.
    pub wanted: bool,
    /// The number, for items that have one.
    pub number: Option<Field>,
}

/// `/settings/commissioning`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/commission_policy.html")]
pub struct DemandsPage {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// Whether anything is demanded now.
    pub demanded: bool,
    /// Whether doors and parts must be proved.
    pub commissioned: bool,
    /// Whether evidence must be named.
    pub evidence: bool,
    /// The items.
    pub items: Vec<DemandLine>,
}

#[cfg(test)]
impl Wizard {
    pub(super) fn sample(page: Page) -> Self {
        let step = |progress, name, says: &str| Step { progress, name, says: says.into() };
        let item = |name, value: &str| ItemLine {
            name,
            value: Field::new(value),
            evidence: Field::new(if value.is_empty() { "" } else { "certificate 12" }),
            wants: "16".into(),
        };
        Self {
            shell: Shell::sample(Section::Banks),
            id: "bnk_sample".into(),
            name: "Harbour House".into(),
            in_service: false,
            standing: page.t("commission-not-in-service"),
            steps: vec![
                step(Progress::Done, "commission-step-enrol", ""),
                step(Progress::Done, "commission-step-boards", "2 / 2"),
                step(Progress::Wrong, "commission-step-doors", "22 / 24"),
                step(Progress::Waits, "commission-step-parts", ""),
            ],
            findings: vec![Finding { place: "1 · 7".into(), what: page.t("commission-found-sensor-dead") }],
            items: vec![item("steel-gauge", "14"), item("lock-model", "")],
            attested: ("psn_sample".into(), "2026-05-04T10:00:00Z".into()),
            shortfalls: vec![page.t("commission-short-not-commissioned")],
            may_record: true,
            may_decide: true,
            demanded: true,
            accepted: false,
            reason: Field::default(),
            page,
        }
    }
}

#[cfg(test)]
impl DemandsPage {
    pub(super) fn sample(page: Page) -> Self {
        Self {
            shell: Shell::sample(Section::Settings),
            demanded: true,
            commissioned: true,
            evidence: true,
            items: vec![
                DemandLine { name: "steel-gauge", wanted: true, number: Some(Field::new("16")) },
                DemandLine { name: "lock-model", wanted: false, number: None },
            ],
            page,
        }
    }
}
