//! Parcels. People appear as ids; who they are is asked for apart, and logged.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// In whose hands a parcel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Custody {
    /// In the compartment, waiting.
    InBank,
    /// With the recipient.
    Collected,
}

/// A parcel that was dropped off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Parcel {
    /// `prc_…`
    pub id: String,
    /// `bnk_…`
    pub bank: String,
    /// The compartment's number.
    pub compartment: u16,
    /// `per_…`
    pub recipient: String,
    /// `per_…`
    pub courier: String,
    /// `car_…`
    pub carrier: String,
    /// `S`, `M`, `L` or `X`.
    pub size: String,
    /// In whose hands it is.
    pub custody: Custody,
    /// Whether it is still there past its time.
    pub overdue: bool,
    /// When it was put in.
    pub deposited_at: String,
    /// When its code ends.
    pub expires: String,
    /// When it was taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collected_at: Option<String>,
}

/// A parcel with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ParcelDetail {
    /// The parcel.
    pub parcel: Parcel,
    /// How far its newest code has come: `ordered`, `waiting_for_bank`, `live` or `ended`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What was or is to be said about it, oldest first.
    pub messages: Vec<Message>,
    /// Its events, oldest first.
    pub chain: Vec<super::Event>,
}

/// A notification, without what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Message {
    /// `msg_…`
    pub id: String,
    /// `email` or `sms`.
    pub channel: String,
    /// `waiting`, `sent`, `failed` or `cancelled`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was written.
    pub created_at: String,
}

/// More time for a recipient.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// Days from now, 1 to 30.
    pub days: u16,
}

/// The time a recipient got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Extended {
    /// When the new code ends.
    pub expires: String,
}
