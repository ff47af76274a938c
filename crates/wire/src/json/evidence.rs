//! Evidence bundles: asking for one, and how far it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A bundle to be made. At most one of `parcel`, `compartment` with `bank`, `bank`, `person` and `alert`; none of them is a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceNew {
    /// Why, in a few words; the log commits to it.
    pub reason: String,
    /// `prc_…`
    pub parcel: Option<String>,
    /// `bnk_…`
    pub bank: Option<String>,
    /// The compartment's number at that bank.
    pub compartment: Option<u16>,
    /// `per_…`
    pub person: Option<String>,
    /// `alr_…`: what was around an alert, by default from an hour before to an hour after somebody saw to it.
    pub alert: Option<String>,
    /// Not before, RFC 3339.
    pub from: Option<String>,
    /// Before, RFC 3339.
    pub until: Option<String>,
    /// What to tell of people: `name`, `unit`, `email`, `phone`, `reach`, and `files` for photos and files; needs
    /// `people.view`.
    pub tell: Vec<String>,
}

/// A bundle that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Evidence {
    /// `evd_…`
    pub id: String,
    /// About what, such as `parcel prc_…`.
    pub subject: String,
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: String,
    /// `wanted`, `made`, `failed` or `gone`.
    pub state: String,
    /// Entries proved so far.
    pub done: u64,
    /// Entries to prove, once known.
    pub total: u64,
    /// Bytes of the bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its SHA-256 in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Until when it can be fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Why it failed: `too_many` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
