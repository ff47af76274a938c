//! `/banks/{id}/resynchronise`: posts `confirm`, the bank's name.

use askama::Template;
use bailee_ui::form::Field;
use bailee_ui::layout::Page;

use super::Shell;

/// Taking a bank back into service.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/resync.html")]
pub struct Resync {
    /// The document.
    pub page: Page,
    /// The frame.
    pub shell: Shell,
    /// `bnk_…`
    pub id: String,
    /// Its name, which has to be typed.
    pub name: String,
    /// The key of why it opens nothing; empty when it does.
    pub shut: &'static str,
    /// The name, typed.
    pub confirm: Field,
}

#[cfg(test)]
impl Resync {
    pub(super) fn sample(page: Page) -> Self {
        let confirm = Field::new("lobby").wrong(page.t("error-not-the-name"));
        Self {
            page: Page { error: true, ..page },
            shell: Shell::sample(super::Section::Banks),
            id: "bnk_lobby".into(),
            name: "Lobby".into(),
            shut: "shut-disk-restored",
            confirm,
        }
    }
}
