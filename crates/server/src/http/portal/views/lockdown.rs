//! Lockdown, signs of tampering and physical truth on `/banks/{id}`, the walk-round `/banks/{id}/round`, and the policy
//! `/settings/lockdown`.
//!
//! Posts: `/banks/{id}/lockdown` (`area`, `grade`, `exercise`, `minutes`), `/banks/{id}/lockdown/{no}/release`,
//! `/banks/{id}/siren`, `/banks/{id}/round` (`door-{n}` = `empty` | `full` | `cannot-tell`), `/settings/lockdown`,
//! `/settings/kiosk-code`.

use askama::Template;
use bailee_ui::form::{Choice, Field};
use bailee_ui::html::Html;
use bailee_ui::layout::{Page, Tone};

use super::Shell;

/// A lockdown in force.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its number.
    pub number: u64,
    /// How hard and where.
    pub what: String,
    /// Why, and by whom.
    pub why: String,
    /// When it ends by itself.
    pub ends: String,
    /// Whether it is a drill.
    pub drill: bool,
    /// Whether it holds any opening.
    pub holds: bool,
    /// The first of two people who agreed to end it; empty while nobody has.
    pub agreed: String,
}

/// The lockdown card of a bank.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Whether the reader may act.
    pub may: bool,
    /// Lockdowns in force.
    pub held: Vec<Held>,
    /// Signs of tampering, in words.
    pub tampers: Vec<String>,
    /// Where one could be begun.
    pub areas: Vec<Choice>,
    /// How hard.
    pub grades: Vec<Choice>,
    /// Meant or drill.
    pub exercises: Vec<Choice>,
    /// For how long.
    pub lasts: Vec<Choice>,
    /// What was chosen.
    pub area: Field,
    /// What was chosen.
    pub grade: Field,
    /// What was chosen.
    pub exercise: Field,
    /// What was chosen.
    pub minutes: Field,
}

/// One of the four states of a compartment.
#[derive(Clone, Debug)]
pub struct TruthLine {
    /// The key of what it is about.
    pub name: &'static str,
    /// The key of what is so.
    pub value: &'static str,
    /// The key of how sure that is.
    pub sure: &'static str,
    /// Since when (RFC 3339, UTC); empty when it was so before the controller started.
    pub since: String,
}

/// What a bank's lockdowns amount to, for cards and lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locked {
    /// None is in force.
    #[default]
    No,
    /// A drill, or one that only watches.
    Watched,
    /// Openings are held.
    Holds,
}

impl Locked {
    /// As a badge; nothing when there is none.
    #[must_use]
    pub fn badge(self, page: &Page) -> Html {
        match self {
            Self::No => Html::default(),
            Self::Watched => page.badge(Tone::Warn, "lock", page.t("lockdown-badge-watch")),
            Self::Holds => page.badge(Tone::Bad, "lock", page.t("lockdown-title")),
        }
    }
}

/// A compartment on a round.
#[derive(Clone, Debug)]
pub struct RoundDoor {
    /// Its number.
    pub number: u16,
    /// Its number and place.
    pub name: String,
    /// The key of what is believed.
    pub believed: &'static str,
    /// The key of the doubt; empty when there is none.
    pub doubt: &'static str,
}

/// `/banks/{id}/round`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/round.html")]
pub struct Round {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `bnk_…`
    pub id: String,
    /// The bank's name.
    pub name: String,
    /// Every door, those in doubt first.
    pub doors: Vec<RoundDoor>,
}

/// What is done about one cause.
#[derive(Clone, Debug)]
pub struct RuleLine {
    /// The cause's name in forms.
    pub cause: &'static str,
    /// The grade chosen; empty for nothing.
    pub grade: Field,
    /// For how many minutes.
    pub minutes: Field,
}

/// `/settings/lockdown`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/lockdown_policy.html")]
pub struct PolicyPage {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// One or two.
    pub releasers: Field,
    /// Its choices.
    pub releasers_choices: Vec<Choice>,
    /// Anywhere or the kiosk only.
    pub release_from: Field,
    /// Its choices.
    pub release_choices: Vec<Choice>,
    /// Seconds the siren sounds.
    pub siren_s: Field,
    /// The grades to choose from, nothing first.
    pub grades: Vec<Choice>,
    /// A line for every cause.
    pub rules: Vec<RuleLine>,
    /// The reader's new code for kiosks, shown this once; empty otherwise.
    pub code: String,
}

#[cfg(test)]
impl Guard {
    pub(super) fn sample(page: &Page) -> Self {
        let held = |number, drill, agreed: &str| Held {
            number,
            what: format!(
                "{} · {}",
                page.t("lockdown-grade-hold-zone"),
                page.t1("lockdown-area-zone", "number", "3")
            ),
            why: page.t("lockdown-cause-tool"),
            ends: page.t1("lockdown-ends-in", "minutes", "42"),
            drill,
            holds: !drill,
            agreed: agreed.into(),
        };
        let choice = |value: &str, key: &str| Choice::new(value, page.t(key));
        Self {
            may: true,
            held: vec![held(812, false, "Toni Example"), held(820, true, "")],
            tampers: vec![page.t("tamper-drill")],
            areas: vec![choice("bank", "lockdown-area-bank")],
            grades: vec![choice("hold-all", "lockdown-grade-hold-all")],
            exercises: vec![choice("real", "lockdown-real")],
            lasts: vec![Choice::new("60", page.t1("lockdown-minutes", "minutes", "60"))],
            ..Self::default()
        }
    }
}

#[cfg(test)]
impl Round {
    pub(super) fn sample(page: Page) -> Self {
        let door =
            |number, believed, doubt| RoundDoor { number, name: format!("{number:02}"), believed, doubt };
        let doors = vec![
            door(7, "truth-full", "doubt-interrupted"),
            door(1, "truth-empty", ""),
            door(2, "truth-full", ""),
        ];
        let shell = Shell::sample(super::Section::Banks);
        Self { page, shell, id: "bnk_lobby".into(), name: "Lobby".into(), doors }
    }
}

#[cfg(test)]
impl PolicyPage {
    pub(super) fn sample(page: Page) -> Self {
        let grades = vec![
            Choice::new("", page.t("lockdown-nothing")),
            Choice::new("hold-all", page.t("lockdown-grade-hold-all")),
        ];
        let rule = |cause| RuleLine { cause, grade: Field::new("hold-all"), minutes: Field::new("60") };
        Self {
            shell: Shell::sample(super::Section::Settings),
            releasers: Field::new("2"),
            releasers_choices: vec![
                Choice::new("1", page.t("lockdown-one")),
                Choice::new("2", page.t("lockdown-two")),
            ],
            release_from: Field::new("kiosk"),
            release_choices: vec![Choice::new("kiosk", page.t("lockdown-from-kiosk"))],
            siren_s: Field::new("180"),
            grades,
            rules: ["forced", "tool", "enclosure"].into_iter().map(rule).collect(),
            code: "1234 5678".into(),
            page,
        }
    }
}
