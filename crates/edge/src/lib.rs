//! The bank's controller: boards, journal, kiosk and link around the bank engine of `domain`.
//!
//! Start with [`controller`], the engine and its journal as one; [`runtime`] gives it threads, boards, a kiosk and
//! a link. It never opens a door by any other path, and it works with no platform in reach.

pub mod backlog;
pub mod boards;
pub mod camera;
pub mod clock;
pub mod codes;
pub mod commission;
pub mod config;
pub mod controller;
pub mod enrolment;
pub mod health;
pub mod installation;
pub mod journal;
pub mod kek;
pub mod kiosk;
pub mod link;
pub mod readers;
pub mod rollback;
pub mod runtime;
pub mod sensors;
pub mod signatures;
pub mod siren;
pub mod start;
pub mod switches;
pub mod tokens;
#[cfg(feature = "tpm")]
pub mod tpm;
pub mod uplink;
pub mod witness;
