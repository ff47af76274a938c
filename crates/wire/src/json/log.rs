//! Alerts and the custody log.

use serde::Serialize;
use utoipa::ToSchema;

/// Something that needs somebody's attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Alert {
    /// `alr_…`
    pub id: String,
    /// What is wrong, such as `CompartmentForced`.
    pub kind: String,
    /// `bnk_…`; absent when it is about a witness that is no bank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank: Option<String>,
    /// The name of that witness's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// The compartment's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compartment: Option<u16>,
    /// Since when.
    pub at: String,
    /// Who took note of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<String>,
}

/// One event of the custody log, as listed and exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Event {
    /// Names the event.
    pub id: i64,
    /// Its leaf index in the log; absent for a second or two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// When it happened, by the clock of its source.
    pub at: String,
    /// `routine`, `notice` or `alarm`.
    pub severity: String,
    /// What happened, such as `ParcelCollected`.
    pub kind: String,
    /// `bnk_…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank: Option<String>,
    /// The compartment's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compartment: Option<u16>,
    /// `prc_…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parcel: Option<String>,
    /// `grt_…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// `per_…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Who did it.
    pub actor: String,
}

/// One event with the proof that it is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventProof {
    /// Names the event.
    pub id: i64,
    /// Its fields, as recorded.
    pub fields: Vec<EventField>,
    /// The exact bytes of the leaf, in hexadecimal.
    pub leaf: String,
    /// Its RFC 6962 leaf hash, in hexadecimal.
    pub leaf_hash: String,
    /// Its leaf index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The size of the tree the path leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The inclusion path from leaf to root, in hexadecimal.
    pub path: Vec<String>,
    /// The signed checkpoint of that tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// One field of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventField {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}
