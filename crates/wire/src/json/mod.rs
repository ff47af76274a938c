//! The JSON of the HTTP API: request and response bodies, one type per message.
//!
//! Types here are what integrations see; they never are the domain's types and never reach a store. Requests refuse unknown
//! fields and are at most [`MAX_BYTES`] long and [`MAX_DEPTH`] deep. Times are RFC 3339 in UTC, ids texts with a prefix, such as
//! `prc_…`. Start at [`read`] and [`text`].

mod badge;
mod bank;
mod custody;
mod erasure;
mod evidence;
mod health;
mod key;
mod lockdown;
mod log;
mod opening;
mod parcel;
mod person;
mod problem;
mod settings;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use badge::{Badge, BadgeCodeNew, Badges, Revocation, WorkOrder, WorkOrderClose, WorkOrderNew};
pub use bank::{Bank, BankOffer, BankOffered, Compartment};
pub use custody::CustodyKey;
pub use erasure::{Erasure, ErasureNew, Hold, HoldNew};
pub use evidence::{Evidence, EvidenceNew};
pub use health::{
    BankHealth, HealthBoard, HealthDisk, HealthDoor, HealthFinding, HealthLine, HealthPart, HealthSupply,
    HealthTemperature, level_name,
};
pub use key::{
    InspectionNew, KeyAtBank, Obeyed, PersonKey, PersonKeyNew, ResynchroniseNew, StatementNew, Unsigned,
};
pub use lockdown::{Lockdown, LockdownBegun, LockdownNew};
pub use log::{Alert, Event, EventField, EventProof};
pub use opening::{Opened, OpeningNew, OpeningSignature};
pub use parcel::{Custody, Extended, Extension, Message, Parcel, ParcelDetail};
pub use person::{
    Carrier, CarrierNew, CodeSent, Courier, CourierAdded, CourierNew, Made, Person, PersonChange,
    PersonListed, ResidentNew, Role,
};
pub use problem::{FieldProblem, PROBLEM_TYPES, Problem};
pub use settings::{Site, SiteChange, Token};

/// Longest body of a request, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// Deepest nesting of a request.
pub const MAX_DEPTH: usize = 8;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Why a body cannot be read; its text may be shown to whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Longer than [`MAX_BYTES`].
    #[error("the body is longer than 64 KiB")]
    TooLong,
    /// Deeper than [`MAX_DEPTH`].
    #[error("the body is nested more than 8 deep")]
    TooDeep,
    /// Not JSON, or not the JSON asked for: an unknown, missing or ill-typed field.
    #[error("{0}")]
    Malformed(String),
}

/// Reads a request's body.
///
/// # Errors
/// [`Unreadable`].
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    if body.len() > MAX_BYTES {
        return Err(Unreadable::TooLong);
    }
    if depth(body) > MAX_DEPTH {
        return Err(Unreadable::TooDeep);
    }
    serde_json::from_slice(body).map_err(|error| Unreadable::Malformed(error.to_string()))
}

/// Writes a response's body.
pub fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the types of this module have text keys and always encode")
}

/// Reads back what we wrote ourselves, for tests and tools.
///
/// # Errors
/// [`Unreadable::Malformed`].
pub fn value(body: &[u8]) -> Result<serde_json::Value, Unreadable> {
    serde_json::from_slice(body).map_err(|error| Unreadable::Malformed(error.to_string()))
}

/// How deep brackets nest, outside of strings.
fn depth(body: &[u8]) -> usize {
    let (mut now, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                now += 1;
                most = most.max(now);
            }
            b'}' | b']' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests_refuse_what_they_do_not_know_and_are_bounded() {
        let extension = |text: &str| read::<Extension>(text.as_bytes());
        assert_eq!(extension(r#"{"days": 3}"#).map(|read| read.days), Ok(3));
        assert!(
            matches!(extension(r#"{"days": 3, "door": 4}"#), Err(Unreadable::Malformed(why)) if why.contains("door"))
        );
        assert!(matches!(extension(r#"{"days": "3"}"#), Err(Unreadable::Malformed(_))));
        assert_eq!(extension(&"[".repeat(10_000)).err(), Some(Unreadable::TooDeep));
        assert_eq!(extension(&" ".repeat(MAX_BYTES + 1)).err(), Some(Unreadable::TooLong));
    }

    #[test]
    fn brackets_in_texts_are_no_nesting() {
        assert_eq!(depth(br#"{"a": "[[[[[[[[[[\"{{{{"}"#), 1);
        assert_eq!(depth(br#"[{"a": [1]}, [[2]]]"#), 3);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read::<ResidentNew>(&bytes);
        }
    }
}
