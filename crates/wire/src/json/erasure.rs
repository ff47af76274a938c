//! Erasing people, and legal holds that forbid it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why somebody is to be erased.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureNew {
    /// Why, without naming the person: it is kept.
    pub reason: String,
}

/// How far an erasure has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Erasure {
    /// `per_…`
    pub person: String,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: String,
    /// Why; absent for a removal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the platform's own files held nothing any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrubbed_at: Option<String>,
    /// When every bank had forgotten too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// Banks that have not been heard to have forgotten: `bnk_…`.
    pub banks_waiting: Vec<String>,
}

/// A hold to be placed: on a person or on a parcel.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldNew {
    /// `per_…`
    #[serde(default)]
    pub person: Option<String>,
    /// `prc_…`: protects everybody the parcel names.
    #[serde(default)]
    pub parcel: Option<String>,
    /// Why, such as the number of a case.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
}

/// A hold in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Hold {
    /// `hld_…`
    pub id: String,
    /// `per_…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// `prc_…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parcel: Option<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who placed it.
    pub placed_by: String,
    /// When.
    pub placed_at: String,
}
