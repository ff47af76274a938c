//! `/people/{id}/keys`, `/settings/keys` and `/banks/{id}/openings`: people's own keys, and what they sign for.
//!
//! Posts: `/people/{id}/keys` (`use`, `form`, `public_key`), `/people/{id}/keys/{key}/remove`, `/banks/{id}/openings/wish`
//! (`compartment` and `reason`, or `person` and `key`; `presence`), `/banks/{id}/openings` (`statement`).

use askama::Template;
use bailee_ui::form::{Choice, Field};
use bailee_ui::layout::{Page, Tone};

use super::Shell;

/// A key at a bank.
#[derive(Clone, Debug)]
pub struct AtBank {
    /// `bnk_…`
    pub bank: String,
    /// The bank's name.
    pub name: String,
    /// The key of the word of its state.
    pub state: &'static str,
    /// What that means.
    pub tone: Tone,
    /// Its symbol.
    pub icon: &'static str,
    /// When it counts at the earliest (RFC 3339, UTC); empty otherwise.
    pub until: String,
    /// Whether the reader may have it admitted.
    pub admit: bool,
}

/// A key.
#[derive(Clone, Debug)]
pub struct KeyCard {
    /// `key_…`
    pub id: String,
    /// The key of the word of its use.
    pub used_for: &'static str,
    /// The key of the word of its form.
    pub form: &'static str,
    /// Its fingerprint.
    pub fingerprint: String,
    /// When it was registered (RFC 3339, UTC).
    pub added: String,
    /// When it was withdrawn; empty while it is in use.
    pub removed: String,
    /// Where it stands how.
    pub at: Vec<AtBank>,
}

/// `/people/{id}/keys`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/keys.html")]
pub struct Keys {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `per_…`
    pub id: String,
    /// Their name.
    pub name: String,
    /// Whether the reader may register and withdraw.
    pub may: bool,
    /// Their keys.
    pub keys: Vec<KeyCard>,
    /// How the person makes one.
    pub command: &'static str,
    /// What keys can be for.
    pub uses: Vec<Choice>,
    /// What signatures can look like.
    pub forms: Vec<Choice>,
    /// What was chosen.
    pub used_for: Field,
    /// What was chosen.
    pub form: Field,
    /// What was typed.
    pub public_key: Field,
}

/// A member of staff.
#[derive(Clone, Debug)]
pub struct StaffRow {
    /// `per_…`
    pub id: String,
    /// Their name.
    pub name: String,
    /// Their highest role.
    pub role: String,
    /// How many keys they have.
    pub keys: usize,
    /// How many of them wait for signatures somewhere.
    pub waiting: usize,
}

/// `/settings/keys`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/staff_keys.html")]
pub struct StaffKeys {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// Everybody.
    pub rows: Vec<StaffRow>,
}

/// A key to be admitted.
#[derive(Clone, Debug)]
pub struct Admit {
    /// `key_…`
    pub key: String,
    /// `per_…`
    pub person: String,
    /// Whose.
    pub name: String,
    /// Its fingerprint.
    pub fingerprint: String,
}

/// A reason given before.
#[derive(Clone, Debug)]
pub struct Past {
    /// The door.
    pub door: String,
    /// Why.
    pub reason: String,
    /// Who gave it.
    pub by: String,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// When the bank opened; empty when it did not.
    pub opened: String,
}

/// `/banks/{id}/openings`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/openings.html")]
pub struct Openings {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `bnk_…`
    pub id: String,
    /// Its name.
    pub name: String,
    /// The reader: `per_…`
    pub me: String,
    /// The key to be admitted, if it is about one.
    pub admit: Option<Admit>,
    /// Doors to choose from.
    pub doors: Vec<Choice>,
    /// What was chosen.
    pub compartment: Field,
    /// What was typed.
    pub reason: Field,
    /// What was typed.
    pub presence: Field,
    /// What is to be signed; empty before.
    pub statement: String,
    /// Whether several people sign.
    pub quorum: bool,
    /// What was signed.
    pub signed: Field,
    /// Reasons given before.
    pub past: Vec<Past>,
}

#[cfg(test)]
impl Keys {
    pub(super) fn sample(page: Page) -> Self {
        let at = |name: &str, state, tone, icon, admit| AtBank {
            bank: "bnk_lobby".into(),
            name: name.into(),
            state,
            tone,
            icon,
            until: if admit { String::new() } else { "2026-11-26T08:12:00Z".into() },
            admit,
        };
        let key = |id: &str, removed: &str, at| KeyCard {
            id: id.into(),
            used_for: "key-use-administrator",
            form: "key-form-plain",
            fingerprint: "7f3a 09c1 55de 0b1e".into(),
            added: "2026-11-23T08:12:00Z".into(),
            removed: removed.into(),
            at,
        };
        Self {
            shell: Shell::sample(super::Section::People),
            id: "per_ann".into(),
            name: "Toni Example".into(),
            may: true,
            keys: vec![
                key(
                    "key_1",
                    "",
                    vec![
                        at("Lobby", "key-state-needs-signatures", Tone::Warn, "clock", true),
                        at("Garage", "key-state-waits", Tone::Warn, "clock", false),
                    ],
                ),
                key("key_2", "2026-11-23T09:12:00Z", Vec::new()),
            ],
            command: "bailee person new FILE",
            uses: vec![Choice::new("administrator", page.t("key-use-administrator"))],
            forms: vec![Choice::new("plain", page.t("key-form-plain"))],
            used_for: Field::new("administrator"),
            form: Field::new("plain"),
            public_key: Field::default(),
            page,
        }
    }
}

#[cfg(test)]
impl StaffKeys {
    pub(super) fn sample(page: Page) -> Self {
        let row = |name: &str, keys, waiting| StaffRow {
            id: "per_ann".into(),
            name: name.into(),
            role: "admin".into(),
            keys,
            waiting,
        };
        let rows = vec![row("Toni Example", 2, 1), row("سلمى مثال", 1, 0), row("Robin Placeholder", 0, 0)];
        Self { page, shell: Shell::sample(super::Section::Settings), rows }
    }
}

#[cfg(test)]
impl Openings {
    pub(super) fn sample(page: Page) -> Self {
        let past = |reason: &str, opened: &str| Past {
            door: "07".into(),
            reason: reason.into(),
            by: "Toni Example".into(),
            at: "2026-11-23T08:12:00Z".into(),
            opened: opened.into(),
        };
        Self {
            shell: Shell::sample(super::Section::Banks),
            id: "bnk_lobby".into(),
            name: "Lobby".into(),
            me: "per_ann".into(),
            admit: None,
            doors: vec![Choice::new("7", "07")],
            compartment: Field::new("7"),
            reason: Field::new("A leaking parcel"),
            presence: Field::new("4071 8256"),
            statement: format!(
                "bailee-statement/v1\nbnk_lobby\ninspect 7 {}\npresent 40718256\nuntil 1800000060000\n",
                "ab".repeat(32)
            ),
            quorum: false,
            signed: Field::default(),
            past: vec![past("A leaking parcel", "2026-11-23T08:13:00Z"), past("A wrong label", "")],
            page,
        }
    }

    pub(super) fn sample_admit(page: Page) -> Self {
        let admit = Admit {
            key: "key_1".into(),
            person: "per_ann".into(),
            name: "Toni Example".into(),
            fingerprint: "7f3a 09c1 55de 0b1e".into(),
        };
        let view = Self::sample(page);
        Self { admit: Some(admit), statement: String::new(), past: Vec::new(), ..view }
    }
}
