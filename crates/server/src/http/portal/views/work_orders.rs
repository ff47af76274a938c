//! `/banks/{id}/work-orders`: posts `technician`, `task`, `doors`, `begins`, `expires`; to `…/{order}/close` `note`.

use askama::Template;
use bailee_ui::form::{Choice, Field};
use bailee_ui::layout::{Page, Tone};

use super::Shell;

/// A work order.
#[derive(Clone, Debug)]
pub struct OrderLine {
    /// `wko_…`
    pub id: String,
    /// What is to be done.
    pub task: String,
    /// Who may work.
    pub technician: String,
    /// Its doors.
    pub doors: String,
    /// From when (RFC 3339, UTC).
    pub begins: String,
    /// Until when.
    pub expires: String,
    /// The key of the word of its state.
    pub state: &'static str,
    /// What that means.
    pub tone: Tone,
    /// Its symbol.
    pub icon: &'static str,
    /// What was done; empty before.
    pub note: String,
    /// Who closed it.
    pub ended_by: String,
    /// Whether it can be closed.
    pub may_close: bool,
}

/// `/banks/{id}/work-orders`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/work_orders.html")]
pub struct WorkOrders {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `bnk_…`
    pub id: String,
    /// The bank's name.
    pub name: String,
    /// Its orders, the newest first.
    pub rows: Vec<OrderLine>,
    /// Staff to choose from.
    pub people: Vec<Choice>,
    /// Who was chosen.
    pub technician: Field,
    /// What was typed.
    pub task: Field,
    /// What was typed.
    pub doors: Field,
    /// What was typed.
    pub begins: Field,
    /// What was typed.
    pub expires: Field,
}

#[cfg(test)]
impl WorkOrders {
    pub(super) fn sample(page: Page) -> Self {
        let line = |id: &str, task: &str, state, tone, icon, note: &str| OrderLine {
            id: id.into(),
            task: task.into(),
            technician: "Toni Example".into(),
            doors: "3, 7".into(),
            begins: "2026-11-23T08:00:00Z".into(),
            expires: "2026-11-23T16:00:00Z".into(),
            state,
            tone,
            icon,
            note: note.into(),
            ended_by: "Robin Placeholder".into(),
            may_close: note.is_empty(),
        };
        Self {
            shell: Shell::sample(super::Section::Banks),
            id: "bnk_lobby".into(),
            name: "Lobby".into(),
            rows: vec![
                line("wko_1", "Exchange the lock of door 7", "order-open", Tone::Accent, "wrench", ""),
                line("wko_2", "Look at door 3", "order-overdue", Tone::Bad, "warning", ""),
                line("wko_3", "Clean", "order-closed", Tone::Ok, "check", "Cleaned"),
            ],
            people: vec![Choice::new("per_toni", "Toni Example")],
            technician: Field::new("per_toni"),
            task: Field::default(),
            doors: Field::new("3 x").wrong(page.t("error-doors")),
            begins: Field::new("2026-11-23T08:00"),
            expires: Field::new("2026-11-23T16:00"),
            page: Page { error: true, ..page },
        }
    }
}
