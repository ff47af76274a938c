//! The card with legal holds on the pages of a person's erasure and of a parcel. Posts to its `at` `hold_reason` and `owner`; to
//! `{at}/{hold}/lift` nothing.

use bailee_ui::form::Field;

/// A hold in force.
#[derive(Clone, Debug)]
pub struct HoldRow {
    /// `hld_…`
    pub id: String,
    /// The text key that says what else it is on; empty for what the page is about.
    pub on: &'static str,
    /// The page of that.
    pub href: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who placed it.
    pub by: String,
    /// When (RFC 3339, UTC).
    pub at: String,
}

/// The card.
#[derive(Clone, Debug)]
pub struct Holds {
    /// Where its forms go.
    pub at: String,
    /// The text key of what a hold does here.
    pub why: &'static str,
    /// Holds in force.
    pub rows: Vec<HoldRow>,
    /// Whether the reader may place and lift holds.
    pub may_hold: bool,
    /// Why nothing is to be erased.
    pub hold_reason: Field,
    /// Who answers for that.
    pub owner: Field,
}

impl Holds {
    /// Whether the form holds something that is wrong.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.hold_reason.error.is_some() || self.owner.error.is_some()
    }
}

#[cfg(test)]
impl Holds {
    pub(super) fn sample(rows: Vec<HoldRow>) -> Self {
        let (hold_reason, owner) = (Field::default(), Field::default());
        Self { at: "/people/per_4b/hold".into(), why: "hold-why", rows, may_hold: true, hold_reason, owner }
    }

    pub(super) fn sample_held() -> Self {
        let hold = |on, href: &str| HoldRow {
            id: format!("hld_1{on}"),
            on,
            href: href.into(),
            reason: "Case 4711/26".into(),
            owner: "Legal, Dana Placeholder".into(),
            by: "Toni Example".into(),
            at: "2026-11-23T08:40:00Z".into(),
        };
        Self::sample(vec![hold("", ""), hold("hold-parcel", "/parcels/prc_7")])
    }
}
