//! Everything that crosses a boundary of Bailee, as bytes and text: events, journal records, the link, QR tokens,
//! enrolment tokens and, later, the HTTP API.
//!
//! Pure: no I/O, no clock, no randomness. Everything that decodes outside bytes bounds what it accepts and never
//! panics. Start with [`event`], the leaves of the custody log, then [`link`], what a bank and the platform say.
#![forbid(unsafe_code)]

pub mod chain;
pub mod cose;
pub mod enrol;
pub mod event;
pub mod json;
pub mod link;
pub mod record;
pub mod response;
#[cfg(test)]
mod sample;
pub mod signed;
pub mod statement;
pub mod token;
