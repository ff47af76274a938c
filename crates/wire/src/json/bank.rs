//! Banks and their compartments.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A bank: one cabinet with its controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Bank {
    /// `bnk_…`
    pub id: String,
    /// `sit_…`
    pub site: String,
    /// What it is called.
    pub name: String,
    /// `offered` until a controller came with the enrolment token, then `enrolled`.
    pub state: String,
    /// Whether its link is up.
    pub online: bool,
    /// When it was last heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_heard: Option<String>,
    /// How many compartments it has.
    pub compartments: usize,
    /// How many of them hold a parcel, as last heard.
    pub occupied: usize,
}

/// A compartment, as last heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Compartment {
    /// The number on the door.
    pub number: u16,
    /// `S`, `M`, `L` or `X`.
    pub size: String,
    /// Whether it can be reached from a wheelchair.
    pub low_reach: bool,
    /// `free`, `occupied`, `open`, `out-of-service`, `alarm` or `unknown`.
    pub state: String,
}

/// A place for a new bank.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BankOffer {
    /// What it is to be called; unique at its site.
    pub name: String,
}

/// The one-time token that lets a controller in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BankOffered {
    /// The bank it makes.
    pub bank: String,
    /// The token, shown this once.
    pub token: String,
    /// Until when it works.
    pub expires: String,
}
