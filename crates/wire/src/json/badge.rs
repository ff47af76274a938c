//! Badges and work orders.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a person is to enrol a badge.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BadgeCodeNew {
    /// `bnk_…`
    pub bank: String,
}

/// A person's badges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Badges {
    /// Those enrolled, the newest first.
    pub enrolled: Vec<Badge>,
    /// Banks that were last asked to forget them.
    pub revocations: Vec<Revocation>,
}

/// A badge enrolled at a bank's kiosk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Badge {
    /// `bnk_…`
    pub bank: String,
    /// Whether it proves a key; otherwise only a number that can be copied.
    pub strong: bool,
    /// When (RFC 3339).
    pub enrolled_at: String,
    /// When the bank forgot it.
    pub forgotten_at: Option<String>,
}

/// A bank asked to forget a person's badges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Revocation {
    /// `bnk_…`
    pub bank: String,
    /// When it was asked (RFC 3339).
    pub asked_at: String,
    /// When it confirmed; until then a lost badge may still work there.
    pub confirmed_at: Option<String>,
}

/// A work order to be written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkOrderNew {
    /// `per_…`, somebody with a role of staff.
    pub technician: String,
    /// The numbers on the doors.
    pub doors: Vec<u16>,
    /// From when (RFC 3339, UTC).
    pub begins: String,
    /// Until when, at most 14 days later.
    pub expires: String,
    /// What is to be done.
    pub task: String,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkOrderClose {
    /// In words.
    pub note: String,
}

/// A work order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WorkOrder {
    /// `wko_…`
    pub id: String,
    /// `per_…`
    pub technician: String,
    /// The numbers on the doors.
    pub doors: Vec<u16>,
    /// From when (RFC 3339).
    pub begins: String,
    /// Until when.
    pub expires: String,
    /// What is to be done.
    pub task: String,
    /// `waiting`, `open`, `overdue`, `closing`, `closed` or `refused`.
    pub state: String,
    /// What was done.
    pub note: Option<String>,
    /// Who closed it.
    pub ended_by: Option<String>,
    /// When.
    pub ended_at: Option<String>,
}
