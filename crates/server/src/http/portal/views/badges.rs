//! `/people/{id}/badges` and `/settings/badges`.
//!
//! Posts: `/people/{id}/badges/code` (`bank`), `/people/{id}/badges/revoke`, `/settings/badges` (`weak`).

use askama::Template;
use bailee_ui::form::{Choice, Field};
use bailee_ui::layout::Page;

use super::Shell;

/// A badge, or a bank that is to forget badges.
#[derive(Clone, Debug)]
pub struct BadgeLine {
    /// The bank's name.
    pub bank: String,
    /// The key of what the badge proves; empty for a bank that is to forget.
    pub assurance: &'static str,
    /// When it was enrolled, or the bank asked (RFC 3339, UTC).
    pub enrolled: String,
    /// When the bank forgot; empty before.
    pub forgotten: String,
}

/// `/people/{id}/badges`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/badges.html")]
pub struct Badges {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `per_…`
    pub id: String,
    /// Their name.
    pub name: String,
    /// Whether the reader may send codes and revoke.
    pub may: bool,
    /// Badges, the newest first.
    pub rows: Vec<BadgeLine>,
    /// Banks last asked to forget.
    pub revocations: Vec<BadgeLine>,
    /// Banks to choose from.
    pub banks: Vec<Choice>,
    /// What was chosen.
    pub bank: Field,
}

/// `/settings/badges`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/badge_policy.html")]
pub struct BadgePolicy {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// What weak badges can be good for.
    pub choices: Vec<Choice>,
    /// What they are.
    pub weak: Field,
}

#[cfg(test)]
impl Badges {
    pub(super) fn sample(page: Page) -> Self {
        let line = |bank: &str, assurance, forgotten: &str| BadgeLine {
            bank: bank.into(),
            assurance,
            enrolled: "2026-11-23T08:12:00Z".into(),
            forgotten: forgotten.into(),
        };
        let gone = "2026-11-23T09:12:00Z";
        Self {
            page,
            shell: Shell::sample(super::Section::People),
            id: "per_ann".into(),
            name: "Sam Sample".into(),
            may: true,
            rows: vec![line("Lobby", "badge-strong", ""), line("Garage", "badge-weak", gone)],
            revocations: vec![line("Garage", "", gone), line("Lobby", "", "")],
            banks: vec![Choice::new("bnk_lobby", "Lobby")],
            bank: Field::new("bnk_lobby"),
        }
    }
}

#[cfg(test)]
impl BadgePolicy {
    pub(super) fn sample(page: Page) -> Self {
        let choices = vec![Choice::new("need-code", page.t("badge-weak-need-code"))];
        Self { shell: Shell::sample(super::Section::Settings), choices, weak: Field::new("need-code"), page }
    }
}
