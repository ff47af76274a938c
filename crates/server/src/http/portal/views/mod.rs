//! The portal's pages as plain values: each view struct holds exactly what its page shows and renders itself.
//!
//! Views know strings, numbers and small enums; never the store, the domain's rules or a request. Handlers build them, set
//! [`ui::layout::Page::error`] when a form was refused, and answer with [`askama::Template::render`]. Every POST form carries
//! `csrf` and `idempotency` (several forms on one page: the key gets a suffix, see [`ui::layout::Page::hidden`]).
//! Start at [`Shell`]; the addresses each page links and posts to stand in its module's documentation.

use bailee_ui as ui;
use ui::form::{Choice, Tokens};
use ui::i18n::Locale;
use ui::layout::{Page, Theme, Tone};

pub mod alerts;
pub mod audit;
pub mod badges;
pub mod banks;
pub mod carriers;
pub mod checking;
pub mod commission;
pub mod custody;
pub mod demo;
pub mod erasure;
pub mod evidence;
pub mod files;
pub mod health;
pub mod holds;
pub mod keys;
pub mod lockdown;
pub mod messages;
pub mod overview;
pub mod parcels;
pub mod people;
pub mod receipts;
pub mod resync;
pub mod settings;
pub mod sign_in;
pub mod verify;
pub mod witnesses;
pub mod work_orders;

#[cfg(test)]
mod tests;

/// The parts of the portal, in the order of the rail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Section {
    /// `/`
    #[default]
    Overview,
    /// `/banks`
    Banks,
    /// `/parcels`
    Parcels,
    /// `/people`
    People,
    /// `/carriers`
    Carriers,
    /// `/alerts`
    Alerts,
    /// `/audit`
    Audit,
    /// `/settings`
    Settings,
}

impl Section {
    const ALL: [Self; 8] = [
        Self::Overview,
        Self::Banks,
        Self::Parcels,
        Self::People,
        Self::Carriers,
        Self::Alerts,
        Self::Audit,
        Self::Settings,
    ];

    /// Address, text key and symbol.
    fn entry(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Overview => ("/", "nav-overview", "overview"),
            Self::Banks => ("/banks", "nav-banks", "bank"),
            Self::Parcels => ("/parcels", "nav-parcels", "parcel"),
            Self::People => ("/people", "nav-people", "people"),
            Self::Carriers => ("/carriers", "nav-carriers", "carrier"),
            Self::Alerts => ("/alerts", "nav-alerts", "alert"),
            Self::Audit => ("/audit", "nav-audit", "audit"),
            Self::Settings => ("/settings", "nav-settings", "settings"),
        }
    }
}

/// One link of the rail.
pub struct NavItem {
    /// Where it leads.
    pub href: &'static str,
    /// Its text key.
    pub key: &'static str,
    /// Its symbol.
    pub icon: &'static str,
    /// Whether this page is in that part.
    pub current: bool,
    /// Something to count, such as open alerts.
    pub count: u32,
}

/// A short answer to what the person just did, shown once at the top.
#[derive(Clone, Debug)]
pub struct Flash {
    /// Its meaning.
    pub tone: Tone,
    /// What to say, in the reader's language.
    pub text: String,
}

impl Flash {
    /// The class of the notice.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self.tone {
            Tone::Bad => "bad",
            Tone::Warn => "warn",
            Tone::Ok => "ok",
            Tone::Neutral | Tone::Accent => "",
        }
    }

    /// The symbol of the notice.
    #[must_use]
    pub fn icon(&self) -> &'static str {
        match self.tone {
            Tone::Bad | Tone::Warn => "warning",
            Tone::Ok => "check",
            Tone::Neutral | Tone::Accent => "unknown",
        }
    }
}

/// What surrounds every signed-in page. Posts to `/sign-out` and `/preferences` (`lang`, `theme`, `back`).
#[derive(Clone, Debug, Default)]
pub struct Shell {
    /// Which part of the portal this is.
    pub section: Section,
    /// The signed-in person's name.
    pub person: String,
    /// The site shown.
    pub site: String,
    /// Alerts nobody has acknowledged.
    pub open_alerts: u32,
    /// Where the page listens for changes, such as `/events`; `None` for still pages.
    pub stream: Option<String>,
    /// The page's form tokens.
    pub tokens: Tokens,
    /// This page's own address, to come back to after a preference changed.
    pub here: String,
    /// An answer to the last act.
    pub flash: Option<Flash>,
}

impl Shell {
    /// The links of the rail.
    #[must_use]
    pub fn nav(&self) -> Vec<NavItem> {
        let item = |section: Section| {
            let (href, key, icon) = section.entry();
            let count = if section == Section::Alerts { self.open_alerts } else { 0 };
            NavItem { href, key, icon, current: section == self.section, count }
        };
        Section::ALL.into_iter().map(item).collect()
    }

    /// Languages to choose from.
    #[must_use]
    pub fn languages(&self) -> Vec<Choice> {
        Locale::ALL.into_iter().map(|locale| Choice::new(locale.tag(), locale.name())).collect()
    }

    /// Themes to choose from.
    #[must_use]
    pub fn themes(&self, page: &Page) -> Vec<Choice> {
        let name = |theme: Theme| match theme {
            Theme::System => page.t("theme-system"),
            Theme::Light => page.t("theme-light"),
            Theme::Dark => page.t("theme-dark"),
        };
        Theme::ALL.into_iter().map(|theme| Choice::new(theme.value(), name(theme))).collect()
    }

    /// A shell for pictures and tests.
    #[cfg(test)]
    fn sample(section: Section) -> Self {
        Self {
            section,
            person: "Alex Example".into(),
            site: "Harbour House".into(),
            open_alerts: 1,
            stream: Some("/events".into()),
            tokens: Tokens { csrf: "c5rf".into(), idempotency: "1d3m".into() },
            here: section.entry().0.into(),
            flash: None,
        }
    }
}
