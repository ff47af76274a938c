//! `/receipt?of=…` and `/receipt/proof?of=…`: what somebody sees who follows the link in a receipt. No account, nothing personal.

use askama::Template;
use bailee_ui::layout::Page;

/// A receipt among those of a parcel; its proof is at `/receipts/{event}/proof`.
#[derive(Clone, Debug)]
pub struct ReceiptRow {
    /// Which event.
    pub event: i64,
    /// When the door was opened (RFC 3339, UTC).
    pub at: String,
    /// How, in words.
    pub what: String,
}

/// `/receipt?of=…`
#[derive(Clone, Debug, Template)]
#[template(path = "portal/receipt.html")]
pub struct Receipt {
    /// The document.
    pub page: Page,
    /// How the door was opened, in words.
    pub what: String,
    /// When (RFC 3339, UTC).
    pub opened_at: String,
    /// The bank's name.
    pub bank: String,
    /// The site's name.
    pub site: String,
    /// When this page ends (RFC 3339, UTC).
    pub link_ends: String,
    /// Where the proof can be had; `None` until the log has signed for the event.
    pub proof: Option<String>,
}

/// `/receipt?of=…` of a link that has ended or never was.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/receipt_gone.html")]
pub struct ReceiptGone {
    /// The document.
    pub page: Page,
}

#[cfg(test)]
impl ReceiptRow {
    pub(super) fn samples(page: &Page) -> Vec<Self> {
        let row = |event, at: &str, key| Self { event, at: at.into(), what: page.t(key) };
        vec![
            row(1_204, "2026-11-23T08:39:12Z", "receipt-forced"),
            row(1_198, "2026-11-23T08:02:07Z", "receipt-code"),
        ]
    }
}

#[cfg(test)]
impl Receipt {
    pub(super) fn sample(page: Page) -> Self {
        Self {
            what: page.t("receipt-forced"),
            opened_at: "2026-11-23T08:39:12Z".into(),
            bank: "Garage".into(),
            site: "Harbour House".into(),
            link_ends: "2027-02-21T08:39:12Z".into(),
            proof: Some("/receipt/proof?of=blr_0".into()),
            page,
        }
    }

    pub(super) fn sample_early(page: Page) -> Self {
        Self { proof: None, ..Self::sample(page) }
    }
}
