//! Lockdowns of banks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A lockdown to begin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LockdownNew {
    /// `bank`, `zone-3` (a column, from 0) or `door-7`.
    #[serde(default)]
    pub area: Option<String>,
    /// `watch`, `hold-remote`, `hold-zone` or `hold-all`.
    pub grade: String,
    /// `real`, `drill` (holds nothing) or `holding-drill`.
    #[serde(default)]
    pub exercise: Option<String>,
    /// For how many seconds: a minute to a week, a drill an hour at most.
    pub lasts_s: u64,
}

/// A lockdown in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lockdown {
    /// Its number at the bank.
    pub number: u64,
    /// `bank`, `zone-…` or `door-…`.
    pub area: String,
    /// `watch`, `hold-remote`, `hold-zone` or `hold-all`.
    pub grade: String,
    /// Why it began, such as `by-hand` or `forced`.
    pub cause: String,
    /// Whether it is a drill.
    pub drill: bool,
    /// Who began it (`per_…`), unless the bank itself did.
    pub begun_by: Option<String>,
    /// Minutes until it ends by itself, rounded up.
    pub left_min: u64,
    /// The first of two people who agreed to end it.
    pub agreed: Option<String>,
}

/// What became of a lockdown of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LockdownBegun {
    /// Banks that did not answer; the others have begun it.
    pub missed: usize,
}
