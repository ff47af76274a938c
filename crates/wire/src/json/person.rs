//! Residents, couriers, staff and carriers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody parcels are for, to be added.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResidentNew {
    /// Full name.
    pub name: String,
    /// Flat, room or office.
    pub unit: String,
    /// E-mail address; this or the phone number is needed.
    #[serde(default)]
    pub email: String,
    /// Phone number with its country.
    #[serde(default)]
    pub phone: String,
    /// Whether the person needs a compartment within reach from a wheelchair.
    #[serde(default)]
    pub low_reach: bool,
}

/// Somebody who brings parcels, to be added.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CourierNew {
    /// Full name.
    pub name: String,
    /// `car_…`
    pub carrier: String,
    /// E-mail address; this or the phone number is needed.
    #[serde(default)]
    pub email: String,
    /// Phone number with its country.
    #[serde(default)]
    pub phone: String,
}

/// New details of a person.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonChange {
    /// Full name.
    pub name: String,
    /// Flat, room or office of a resident; ignored for others.
    #[serde(default)]
    pub unit: String,
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Phone number with its country.
    #[serde(default)]
    pub phone: String,
    /// Whether the person needs a compartment within reach from a wheelchair.
    #[serde(default)]
    pub low_reach: bool,
}

/// Something made: its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Made {
    /// The id.
    pub id: String,
}

/// A person in a list, addresses masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonListed {
    /// `per_…`
    pub id: String,
    /// Full name.
    pub name: String,
    /// Flat, room or office.
    pub unit: String,
    /// Enough of the e-mail address to recognise it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Enough of the phone number to recognise it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// A role held somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Role {
    /// Such as `resident` or `operator`.
    pub role: String,
    /// `organisation`, `sit_…` or `bnk_…`.
    pub scope: String,
}

/// Everything known of a person. Asking for it is written to the custody log.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Person {
    /// `per_…`
    pub id: String,
    /// Full name.
    pub name: String,
    /// Flat, room or office.
    pub unit: String,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Whether the person needs a compartment within reach from a wheelchair.
    pub low_reach: bool,
    /// The roles held.
    pub roles: Vec<Role>,
    /// A courier's carrier, `car_…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Rises with every change; also the ETag.
    pub version: i64,
    /// When the person was added.
    pub created_at: String,
}

/// A courier in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Courier {
    /// Who.
    pub person: PersonListed,
    /// `car_…`
    pub carrier: String,
    /// The carrier's name.
    pub carrier_name: String,
    /// Banks that cannot check the courier's code until a new one is sent, `bnk_…`.
    pub missing_at: Vec<String>,
}

/// A courier just added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CourierAdded {
    /// `per_…`
    pub id: String,
    /// The first code, on its way; absent while no bank is enrolled that could check one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeSent>,
}

/// A personal code on its way to its courier; nobody else ever sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CodeSent {
    /// How many codes this courier has had.
    pub generation: u32,
    /// `email` or `sms`.
    pub channel: String,
    /// How many banks can check it.
    pub banks: usize,
}

/// A carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Carrier {
    /// `car_…`
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A carrier to be added.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CarrierNew {
    /// Its name.
    pub name: String,
}
