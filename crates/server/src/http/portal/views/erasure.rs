//! `/people/{person}/erase`: before and after.

use super::Shell;
use super::holds::Holds;
use askama::Template;
use bailee_ui::form::Field;
use bailee_ui::layout::Page;

/// Before: posts `reason` and `confirm`.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/erase.html")]
pub struct Erase {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `per_…`
    pub id: String,
    /// The name that has to be typed.
    pub name: String,
    /// Whether the reader may erase.
    pub may_erase: bool,
    /// Holds in force.
    pub holds: Option<Holds>,
    /// Why they are to be erased.
    pub reason: Field,
    /// Their name, typed.
    pub confirm: Field,
}

impl Erase {
    /// Whether a hold forbids it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.holds.as_ref().is_some_and(|holds| !holds.rows.is_empty())
    }

    fn errors(&self) -> Vec<(&str, &Field)> {
        let own = [("reason", &self.reason), ("confirm", &self.confirm)];
        let holds = self.holds.iter().flat_map(|it| [("hold_reason", &it.hold_reason), ("owner", &it.owner)]);
        own.into_iter().chain(holds).collect()
    }
}

/// After.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/erased.html")]
pub struct Erased {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `per_…`
    pub id: String,
    /// Who asked.
    pub by: String,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// Why; empty for a removal.
    pub reason: String,
    /// When the files held nothing any more.
    pub scrubbed: Option<String>,
    /// When every bank had forgotten.
    pub completed: Option<String>,
    /// Banks that may still know the person.
    pub waiting: Vec<String>,
}

#[cfg(test)]
impl Erase {
    pub(super) fn sample(page: Page) -> Self {
        Self {
            page,
            shell: Shell::sample(super::Section::People),
            id: "per_4b".into(),
            name: "Sam Sample".into(),
            may_erase: true,
            holds: Some(Holds::sample(Vec::new())),
            reason: Field::default(),
            confirm: Field::default(),
        }
    }

    pub(super) fn sample_held(page: Page) -> Self {
        Self { holds: Some(Holds::sample_held()), ..Self::sample(page) }
    }
}

#[cfg(test)]
impl Erased {
    pub(super) fn sample(page: Page) -> Self {
        Self {
            page,
            shell: Shell::sample(super::Section::People),
            id: "per_4b".into(),
            by: "Toni Example".into(),
            at: "2026-11-23T08:40:00Z".into(),
            reason: "Request of 3 May".into(),
            scrubbed: Some("2026-11-23T08:40:01Z".into()),
            completed: None,
            waiting: vec!["Lobby".into(), "المدخل".into()],
        }
    }
}
