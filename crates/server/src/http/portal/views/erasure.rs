//! `/people/{person}/erase`: before and after.

use super::Shell;
use askama::Template;
use bailee_ui::form::Field;
use bailee_ui::layout::Page;

/// A hold in force.
#[derive(Clone, Debug)]
pub struct HoldRow {
    /// `hld_…`
    pub id: String,
    /// The parcel it is on, if it is not on the person.
    pub parcel: Option<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who placed it.
    pub by: String,
    /// When (RFC 3339, UTC).
    pub at: String,
}

/// Before: posts `reason` and `confirm`; to `/people/{id}/hold` `hold_reason` and `owner`; to `…/hold/{hold}/lift` nothing.
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
    /// Whether the reader may place and lift holds.
    pub may_hold: bool,
    /// Holds in force.
    pub holds: Vec<HoldRow>,
    /// Why they are to be erased.
    pub reason: Field,
    /// Their name, typed.
    pub confirm: Field,
    /// Why nothing is to be erased.
    pub hold_reason: Field,
    /// Who answers for that.
    pub owner: Field,
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
            may_hold: true,
            holds: Vec::new(),
            reason: Field::default(),
            confirm: Field::default(),
            hold_reason: Field::default(),
            owner: Field::default(),
        }
    }

    pub(super) fn sample_held(page: Page) -> Self {
        let hold = HoldRow {
            id: "hld_1".into(),
            parcel: Some("prc_7".into()),
            reason: "Case 4711/26".into(),
            owner: "Legal, Dana Placeholder".into(),
            by: "Toni Example".into(),
            at: "2026-11-23T08:40:00Z".into(),
        };
        Self {
            holds: vec![HoldRow { id: "hld_2".into(), parcel: None, ..hold.clone() }, hold],
            ..Self::sample(page)
        }
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
