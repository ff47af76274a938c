//! Settings of the site, and API tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The site's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Site {
    /// `sit_…`
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Whom to call, as shown on kiosks.
    pub help: String,
    /// Days a parcel may wait.
    pub expiry_days: u16,
    /// Days the link in a receipt works.
    pub receipt_days: u16,
    /// Rises with every change; also the ETag.
    pub version: i64,
}

/// New settings of the site.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteChange {
    /// What it is called.
    pub name: String,
    /// Whom to call, as shown on kiosks.
    #[serde(default)]
    pub help: String,
    /// Days a parcel may wait, 1 to 30.
    pub expiry_days: u16,
    /// Days the link in a receipt works, 1 to 365; absent leaves it as it is.
    #[serde(default)]
    pub receipt_days: Option<u16>,
}

/// An API token without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Token {
    /// `tok_…`
    pub id: String,
    /// What it is for.
    pub name: String,
    /// All it may do.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created_at: String,
    /// When it ends.
    pub expires_at: String,
    /// When it was last used, to within a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
}
