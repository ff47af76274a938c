//! `/verify`: a place to drop a receipt or an evidence bundle, checked by `static/verify.js` in the reader's browser.

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

/// What `static/check.js` can say about a file, as keys of texts without their `verify-`. In them, `%1` and `%2` stand for values.
const WORDS: &[&str] = &[
    "sound",
    "unsound",
    "unusable",
    "busy",
    "done",
    "undone",
    "did-form",
    "did-checkpoint",
    "did-entry",
    "did-witness",
    "did-manifest",
    "did-entries",
    "did-heads",
    "not-key",
    "not-own-key",
    "not-witness",
    "not-signatures",
    "not-others",
    "not-left-out",
    "not-openings",
    "not-tables",
    "foreign",
    "too-long",
    "extra",
    "index",
    "hash",
    "hashes",
    "checkpoint",
    "note",
    "signature-line",
    "signatures",
    "signer",
    "signature",
    "cosignature",
    "beyond",
    "length",
    "path",
    "entry",
    "future",
    "zip",
    "zip-name",
    "zip-bomb",
    "zip-crc",
    "bag",
    "missing",
    "unlisted",
    "changed",
    "statement",
    "line",
    "order",
    "bundle-entry",
    "chain",
    "no-extra",
    "key",
    "no-webcrypto",
    "no-ed25519",
    "no-inflate",
    "unread",
    "opened",
    "forced",
    "found-open",
    "says",
    "says-bundle",
    "at",
    "source",
    "seq",
    "quality",
    "log",
    "place",
    "leaf",
    "size",
    "subject",
    "reason",
    "exported",
    "by",
];

impl Verify {
    /// Every word the module needs, by its key.
    #[must_use]
    pub fn words(&self) -> Vec<(&'static str, String)> {
        WORDS.iter().map(|word| (*word, self.page.t(&format!("verify-{word}")))).collect()
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
