//! What an entry is about, from its fields alone: the columns of tables, of EPCIS and of the report.
//!
//! It reads the names of fields, not the kinds of events, so an event added tomorrow is listed too.

use bailee_domain::event::Severity;
use bailee_domain::id::{BankId, GrantId, ParcelId, PersonId};
use bailee_domain::time::WallTime;
use bailee_wire::event::{Leaf, Shown};

/// One entry, as a line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it happened, by its source's clock.
    pub at: WallTime,
    /// The name of its kind.
    pub kind: String,
    /// How soon somebody had to look; `None` for events of the platform, which say nothing of it.
    pub severity: Option<Severity>,
    /// The bank it came from or is about.
    pub bank: Option<BankId>,
    /// The compartment.
    pub compartment: Option<u16>,
    /// The parcel.
    pub parcel: Option<ParcelId>,
    /// The grant.
    pub grant: Option<GrantId>,
    /// The person it is about.
    pub person: Option<PersonId>,
    /// Who did it: an id, `platform` or `anonymous`.
    pub actor: String,
}

impl Line {
    /// What a leaf is about.
    #[must_use]
    pub fn of(leaf: &Leaf) -> Self {
        let (severity, bank) = match leaf {
            Leaf::Bank { bank, event, .. } => (Some(event.kind.severity()), Some(*bank)),
            Leaf::Platform { .. } => (None, None),
        };
        let mut line = Self {
            at: leaf.at(),
            kind: leaf.kind(),
            severity,
            bank,
            compartment: None,
            parcel: None,
            grant: None,
            person: None,
            actor: bank.map(String::from).unwrap_or_default(),
        };
        leaf.view().iter().for_each(|shown| line.note(shown));
        line
    }

    fn note(&mut self, shown: &Shown) {
        let value = shown.value.as_str();
        let field = shown.name.rsplit('.').next().unwrap_or_default();
        match (shown.name.as_str(), field) {
            ("actor", _) => self.actor = value.to_lowercase(),
            (name, _) if name.starts_with("actor.") => value.clone_into(&mut self.actor),
            (_, "bank") => self.bank = self.bank.or(value.parse().ok()),
            (_, "compartment") => self.compartment = value.parse().ok(),
            (_, "parcel") => self.parcel = value.parse().ok(),
            (_, "grant") => self.grant = value.parse().ok(),
            (_, "person" | "recipient") => self.person = value.parse().ok(),
            (_, "courier" | "by") => {
                if let Ok(person) = value.parse::<PersonId>() {
                    self.person = self.person.or(Some(person));
                    if self.bank.is_some() {
                        value.clone_into(&mut self.actor);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Every person an entry names, as subject or actor.
pub fn people(leaf: &Leaf) -> impl Iterator<Item = PersonId> {
    leaf.view().into_iter().filter_map(|shown| shown.value.parse().ok())
}

/// A severity as text.
#[must_use]
pub const fn severity_text(severity: Severity) -> &'static str {
    match severity {
        Severity::Routine => "routine",
        Severity::Notice => "notice",
        Severity::Alarm => "alarm",
    }
}
