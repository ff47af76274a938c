//! Keys in custody.

use serde::Serialize;
use utoipa::ToSchema;

/// An override or mechanical key of a bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CustodyKey {
    /// `cst_…`
    pub id: String,
    /// What it is called.
    pub label: String,
    /// The number of the seal it lies or lay under.
    pub seal: String,
    /// `sealed`, `asked`, `out` or `overdue`.
    pub state: String,
    /// Who asked for it (`per_…`).
    pub asked_by: Option<String>,
    /// Who agreed.
    pub agreed_by: Option<String>,
    /// Until when it may be out (RFC 3339).
    pub until: Option<String>,
}
