//! `/banks` and `/banks/{id}?view=map|table&compartment=7`: maps, doors, health, and in the demo the switches that break things.
//!
//! Posts: `/banks/{id}/compartments/{n}/service` (`service` = `in` | `out`, `reason`), `/demo/banks/{id}/network` (`network` = `on` | `off`),
//! `/demo/banks/{id}/force` (`compartment`). Live: patch `map-…`, `bank-head`, `door`, `health`.

use super::Shell;
use super::health::Health;
use super::lockdown::{Guard, Locked, TruthLine};
use askama::Template;
use bailee_ui::form::{Choice, Field};
use bailee_ui::html::Html;
use bailee_ui::layout::{Page, TimelineItem, Tone};
use bailee_ui::map::{CellState, MapView};

/// Whether the platform hears a bank.
#[derive(Clone, Debug)]
pub enum Link {
    /// Connected.
    Online,
    /// Not heard of since this moment (RFC 3339, UTC).
    Offline {
        /// The last moment it was heard.
        since: String,
    },
    /// Enrolled, but never heard of.
    Never,
}

/// A bank among others.
#[derive(Clone, Debug)]
pub struct BankCard {
    /// `bnk_…`
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it stands, such as "Ground floor, north entrance"; may be empty.
    pub location: String,
    /// Whether it is heard.
    pub link: Link,
    /// What its lockdowns amount to.
    pub locked: Locked,
    /// Its doors.
    pub map: MapView,
}

impl BankCard {
    /// Online, offline or never heard of, as a badge.
    #[must_use]
    pub fn badge(&self, page: &Page) -> Html {
        match self.link {
            Link::Online => page.badge(Tone::Ok, "online", page.t("link-online")),
            Link::Offline { .. } => page.badge(Tone::Bad, "offline", page.t("link-offline")),
            Link::Never => page.badge(Tone::Neutral, "unknown", page.t("link-never")),
        }
    }

    /// The moment it was last heard, when it is offline.
    #[must_use]
    pub fn offline_since(&self) -> Option<&str> {
        match &self.link {
            Link::Offline { since } => Some(since),
            Link::Online | Link::Never => None,
        }
    }
}

/// `/banks`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/banks.html")]
pub struct Banks {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// The banks.
    pub banks: Vec<BankCard>,
}

/// The door a person chose on the map.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its number.
    pub number: u16,
    /// Its full name with its place, from `MapView::door_name`.
    pub name: String,
    /// What it is doing.
    pub state: CellState,
    /// Its size, such as "M".
    pub size: String,
    /// Reachable from a wheelchair.
    pub low_reach: bool,
    /// The parcel in it (`prc_…`); empty when none.
    pub parcel: String,
    /// Why it is out of service; empty when in service.
    pub out_of_service_reason: String,
    /// Its last events, newest first, at most ten.
    pub events: Vec<TimelineItem>,
    /// Its four states.
    pub truth: Vec<TruthLine>,
    /// The key of the doubt about its contents; empty when there is none.
    pub doubt: &'static str,
    /// The reason typed when taking it out of service.
    pub reason: Field,
}

/// How a bank's doors are shown: `view=map` or `view=table`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// As a drawing to scale.
    #[default]
    Map,
    /// As rows.
    Table,
}

impl Shown {
    /// Whether it is the table.
    #[must_use]
    pub fn is_table(self) -> bool {
        self == Self::Table
    }
}

/// The demo's switches for a simulated cabinet.
#[derive(Clone, Debug)]
pub struct DemoControls {
    /// Whether the network is connected.
    pub network: bool,
    /// The door to force, by number.
    pub force: Field,
    /// The kiosk's address.
    pub kiosk: String,
}

/// `/banks/{id}`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/bank.html")]
pub struct Bank {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// Drawing or table.
    pub shown: Shown,
    /// The bank; its map has full detail and links: `?compartment=`, in the table `?view=table&compartment=`.
    pub bank: BankCard,
    /// The chosen door.
    pub door: Option<Door>,
    /// Lockdown and signs of tampering.
    pub guard: Guard,
    /// The key of why it opens nothing; empty when it does.
    pub shut: &'static str,
    /// Whether the reader may take it back into service.
    pub may_resync: bool,
    /// Its health.
    pub health: Health,
    /// Its last events, newest first.
    pub events: Vec<TimelineItem>,
    /// Only in the demo.
    pub demo: Option<DemoControls>,
}

impl Bank {
    /// Doors to choose from, for the demo's force switch.
    #[must_use]
    pub fn doors(&self) -> Vec<Choice> {
        let numbers = self.bank.map.compartments.iter().map(|cell| cell.number);
        numbers.map(|number| Choice::new(number.to_string(), format!("{number:02}"))).collect()
    }
}

#[cfg(test)]
impl BankCard {
    pub(super) fn samples() -> Vec<Self> {
        use bailee_ui::map::samples::{twelve, twenty_four};
        let card = |id: &str, map: MapView, location: &str, link| Self {
            id: id.into(),
            name: map.title.clone(),
            location: location.into(),
            link,
            locked: Locked::Holds,
            map,
        };
        vec![
            card("bnk_lobby", twelve(), "Ground floor, beside the mail room", Link::Online),
            card(
                "bnk_garage",
                twenty_four(),
                "Level −1, lift B",
                Link::Offline { since: "2026-11-23T08:12:00Z".into() },
            ),
        ]
    }
}

#[cfg(test)]
impl Banks {
    pub(super) fn sample(page: Page) -> Self {
        Self { page, shell: Shell::sample(super::Section::Banks), banks: BankCard::samples() }
    }
}

#[cfg(test)]
impl Bank {
    pub(super) fn sample(page: Page) -> Self {
        use bailee_ui::map::Detail;
        let mut bank = BankCard::samples().remove(1);
        bank.map.detail = Detail::Full;
        bank.map.link = Some("?compartment=".into());
        let events = super::parcels::sample_timeline(&page);
        Self {
            shell: Shell::sample(super::Section::Banks),
            shown: Shown::Map,
            door: Some(Door {
                number: 7,
                name: bank.map.door_name(page.texts, 7),
                state: CellState::OutOfService,
                size: "S".into(),
                low_reach: true,
                parcel: String::new(),
                out_of_service_reason: "The door did not open twice".into(),
                events: events.iter().take(3).cloned().collect(),
                truth: vec![TruthLine {
                    name: "truth-door",
                    value: "truth-open",
                    sure: "truth-sure",
                    since: "2026-11-23T08:12:00Z".into(),
                }],
                doubt: "doubt-interrupted",
                reason: Field::default(),
            }),
            guard: Guard::sample(&page),
            shut: "",
            may_resync: false,
            health: Health::sample(&page),
            events,
            demo: Some(DemoControls {
                network: false,
                force: Field::new("7"),
                kiosk: "http://127.0.0.1:8082/".into(),
            }),
            bank,
            page,
        }
    }

    pub(super) fn sample_table(page: Page) -> Self {
        let mut view = Self::sample(page);
        view.shown = Shown::Table;
        view.bank.map.link = Some("?view=table&compartment=".into());
        Self { door: None, demo: None, shut: "shut-disk-restored", may_resync: true, ..view }
    }
}
