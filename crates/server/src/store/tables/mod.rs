//! One module per table: typed rows in, typed rows out, and the only SQL outside the ledger.

pub mod alarm;
pub mod alert;
pub mod api_token;
pub mod assignment;
pub mod bank;
pub mod carrier;
pub mod code;
mod column;
pub mod commissioning;
pub mod courier;
pub mod enrolment;
pub mod erasure;
pub mod event;
pub mod evidence;
pub mod idempotency;
pub mod legal_hold;
pub mod log_index;
pub mod message;
pub mod org;
pub mod parcel;
pub mod password;
pub mod person;
mod read;
pub mod receipt;
pub mod security;
pub mod session;
pub mod set_up;
pub mod site;
pub mod stored_key;
pub mod template;
pub mod witness;

pub(crate) use read::{Conditions, damaged, typed, typed_opt};
