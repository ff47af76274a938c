//! `/verify`: a place to drop a receipt or an evidence bundle, checked by `static/verify.js` in the reader's browser.

use super::checking;
use askama::Template;
use bailee_ui::layout::Page;

/// `/verify`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/verify.html")]
pub struct Verify {
    /// The document.
    pub page: Page,
    /// The verifier keys this platform knows: its log's, then those of its witnesses.
    pub keys: Vec<String>,
}

impl Verify {
    /// Every word the module needs, by its key.
    #[must_use]
    pub fn words(&self) -> Vec<(&'static str, String)> {
        checking::of_files(&self.page)
    }

    /// One key a line.
    #[must_use]
    pub fn key_lines(&self) -> String {
        self.keys.join("\n")
    }
}

#[cfg(test)]
impl Verify {
    pub(super) fn sample(page: Page) -> Self {
        let key = "bailee/harbour-house+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        Self { page, keys: vec![key.into()] }
    }
}
