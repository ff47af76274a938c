//! `/people?kind=residents|couriers&q=…`, `/people/residents/new`, `/people/couriers/new`, `/people/{id}`.
//!
//! Forms post to their own address. An edit carries `version`; when somebody saved in between, the page comes back with what
//! both wrote and nothing lost. Posts: `/people/{id}/code` makes a courier's new personal code.

use super::{Shell, parcels::SavedView};
use askama::Template;
use bailee_ui::form::{Choice, Field};
use bailee_ui::html::Html;
use bailee_ui::layout::{Page, Tone};

/// A person among others.
#[derive(Clone, Debug)]
pub struct PersonRow {
    /// `psn_…`
    pub id: String,
    /// The name.
    pub name: String,
    /// The unit of a resident, the carrier of a courier.
    pub place: String,
    /// E-mail address, masked if the reader may not see it.
    pub email: String,
    /// Phone number, masked if the reader may not see it.
    pub phone: String,
    /// Whether the person may still use a bank.
    pub active: bool,
}

impl PersonRow {
    /// Active or left, as a badge.
    #[must_use]
    pub fn badge(&self, page: &Page) -> Html {
        if self.active {
            page.badge(Tone::Ok, "check", page.t("person-active"))
        } else {
            page.badge(Tone::Neutral, "cross", page.t("person-left"))
        }
    }
}

/// Which people a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// People parcels are for.
    Residents,
    /// People who bring them.
    Couriers,
}

impl Kind {
    /// The value of `kind` in addresses.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::Residents => "residents",
            Self::Couriers => "couriers",
        }
    }

    /// The key of its word.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Residents => "people-residents",
            Self::Couriers => "people-couriers",
        }
    }

    /// The key of the column that says where a person belongs.
    #[must_use]
    pub fn place_key(self) -> &'static str {
        match self {
            Self::Residents => "person-unit",
            Self::Couriers => "carrier",
        }
    }
}

/// `/people`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/people.html")]
pub struct People {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// Who is shown.
    pub kind: Kind,
    /// Residents and couriers with their counts.
    pub views: Vec<SavedView>,
    /// Name or unit searched for.
    pub q: Field,
    /// This page's people.
    pub rows: Vec<PersonRow>,
    /// The first page, when this is a later one.
    pub first: Option<String>,
    /// The next page, when there is one.
    pub next: Option<String>,
}

/// What somebody else saved while this form was open.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// Who saved.
    pub by: String,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// What they changed: text key of the field's label, their value.
    pub theirs: Vec<(String, String)>,
}

/// `/people/residents/new` and `/people/{id}` of a resident: posts `name`, `unit`, `email`, `phone`, `version`.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/resident.html")]
pub struct ResidentForm {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `psn_…`, empty for a new one.
    pub id: String,
    /// The version this form was made from; empty for a new one.
    pub version: String,
    /// The name on labels.
    pub name: Field,
    /// The unit.
    pub unit: Field,
    /// E-mail address.
    pub email: Field,
    /// Phone number.
    pub phone: Field,
    /// Whether parcels must lie within reach from a wheelchair; posted as `reach` = `low`.
    pub low_reach: bool,
    /// Somebody else's change in between.
    pub conflict: Option<Conflict>,
}

/// `/people/couriers/new` and `/people/{id}` of a courier: posts `name`, `carrier`, `email`, `phone`, `version`.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/courier.html")]
pub struct CourierForm {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `psn_…`, empty for a new one.
    pub id: String,
    /// The version this form was made from; empty for a new one.
    pub version: String,
    /// The name.
    pub name: Field,
    /// The carrier's id.
    pub carrier: Field,
    /// Carriers to choose from.
    pub carriers: Vec<Choice>,
    /// E-mail address; this or the phone number is needed.
    pub email: Field,
    /// Phone number.
    pub phone: Field,
    /// Somebody else's change in between.
    pub conflict: Option<Conflict>,
}

#[cfg(test)]
impl People {
    pub(super) fn sample(page: Page) -> Self {
        let row = |name: &str, place: &str, active| PersonRow {
            id: format!("psn_{}", place.to_lowercase()),
            name: name.into(),
            place: place.into(),
            email: "name@example.org".into(),
            phone: "+49 30 5550100".into(),
            active,
        };
        let view = |name: &str, key, count, current| SavedView {
            href: format!("/people?kind={name}"),
            key,
            count,
            current,
        };
        Self {
            page,
            shell: Shell::sample(super::Section::People),
            kind: Kind::Residents,
            views: vec![
                view("residents", "people-residents", 182, true),
                view("couriers", "people-couriers", 11, false),
            ],
            q: Field::default(),
            rows: vec![
                row("Sam Sample", "4B", true),
                row("سلمى مثال", "2A", true),
                row("Robin Placeholder-Longname", "12C", true),
                row("Jo Muster", "7D", false),
            ],
            first: None,
            next: Some("/people?cursor=b64".into()),
        }
    }
}

#[cfg(test)]
impl ResidentForm {
    pub(super) fn sample(page: Page) -> Self {
        let wrong = Field::new("sam@").wrong(page.t("error-email"));
        Self {
            page: Page { error: true, ..page },
            shell: Shell::sample(super::Section::People),
            id: String::new(),
            version: String::new(),
            name: Field::new("Sam Sample"),
            unit: Field::new("4B"),
            email: wrong,
            phone: Field::default(),
            low_reach: true,
            conflict: None,
        }
    }

    pub(super) fn sample_conflict(page: Page) -> Self {
        let mut form = Self::sample(page);
        form.id = "psn_4b".into();
        form.version = "7".into();
        form.email = Field::new("sam@example.org");
        form.conflict = Some(Conflict {
            by: "Toni Example".into(),
            at: "2026-11-23T08:40:00Z".into(),
            theirs: vec![("person-unit".into(), "4C".into())],
        });
        form
    }
}

#[cfg(test)]
impl CourierForm {
    pub(super) fn sample(page: Page) -> Self {
        Self {
            page,
            shell: Shell::sample(super::Section::People),
            id: "psn_courier".into(),
            version: "2".into(),
            name: Field::new("Chris Courier"),
            carrier: Field::new("car_post"),
            carriers: vec![
                Choice::new("car_post", "Parcel Post"),
                Choice::new("car_north", "Northern Express"),
            ],
            email: Field::new("chris@example.org"),
            phone: Field::default(),
            conflict: None,
        }
    }
}
