//! `/banks/{id}/keys`: posts `label` and `seal`; to `…/{item}/ask` `reason` and `hours`, `…/agree`, `…/drop`, `…/return` (`seal`),
//! `…/retire`.

use askama::Template;
use bailee_ui::form::Field;
use bailee_ui::layout::{Page, Tone};

use super::Shell;

/// A key in custody.
#[derive(Clone, Debug)]
pub struct CustodyLine {
    /// `cst_…`
    pub id: String,
    /// What it is called.
    pub label: String,
    /// The number of its seal.
    pub seal: String,
    /// Since when (RFC 3339, UTC).
    pub sealed: String,
    /// The key of the word of its state.
    pub state: &'static str,
    /// What that means.
    pub tone: Tone,
    /// Its symbol.
    pub icon: &'static str,
    /// Why it was asked for; empty when it was not.
    pub reason: String,
    /// Who asked.
    pub first: String,
    /// Who agreed; empty before.
    pub second: String,
    /// Until when it may be out.
    pub until: String,
    /// Whether it can be asked for.
    pub can_ask: bool,
    /// Whether somebody can agree.
    pub can_agree: bool,
    /// Whether it can be given back.
    pub can_return: bool,
}

/// `/banks/{id}/keys`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/custody.html")]
pub struct Custody {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `bnk_…`
    pub id: String,
    /// The bank's name.
    pub name: String,
    /// Whether the reader may take keys into custody and out of it.
    pub may_add: bool,
    /// Its keys.
    pub rows: Vec<CustodyLine>,
    /// What was typed.
    pub label: Field,
    /// What was typed.
    pub seal: Field,
}

#[cfg(test)]
impl Custody {
    pub(super) fn sample(page: Page) -> Self {
        let line = |id: &str, label: &str, state, tone, icon, at: u8| CustodyLine {
            id: id.into(),
            label: label.into(),
            seal: "0048113".into(),
            sealed: "2026-11-20T08:12:00Z".into(),
            state,
            tone,
            icon,
            reason: if at > 0 { "The controller does not start".into() } else { String::new() },
            first: "Toni Example".into(),
            second: if at > 1 { "Robin Placeholder".into() } else { String::new() },
            until: "2026-11-23T12:12:00Z".into(),
            can_ask: at == 0,
            can_agree: at == 1,
            can_return: at == 2,
        };
        Self {
            page,
            shell: Shell::sample(super::Section::Banks),
            id: "bnk_lobby".into(),
            name: "Lobby".into(),
            may_add: true,
            rows: vec![
                line("cst_1", "Master key, left door", "custody-sealed", Tone::Ok, "lock", 0),
                line("cst_2", "Enclosure", "custody-asked", Tone::Warn, "clock", 1),
                line("cst_3", "Spare", "custody-overdue", Tone::Bad, "warning", 2),
            ],
            label: Field::default(),
            seal: Field::default(),
        }
    }
}
