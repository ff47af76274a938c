//! The site's settings as a form: which there are, and how they are typed.

use super::conflict::Shared;
use super::form::Form;
use crate::app::settings::SiteRow;

/// Settings of the site that two people may change at once.
pub const SITE: [Shared; 4] = [
    ("name", "site-name"),
    ("help", "site-help"),
    ("expiry_days", "expiry-days"),
    ("receipt_days", "receipt-days"),
];
/// The site's settings, as if they had been typed.
pub fn typed_site(site: &SiteRow) -> Form {
    let (days, receipts) = (site.expiry_days.to_string(), site.receipt_days.to_string());
    Form::of([
        ("name", &site.name),
        ("help", &site.help),
        ("expiry_days", &days),
        ("receipt_days", &receipts),
        ("version", &site.version.to_string()),
    ])
}
