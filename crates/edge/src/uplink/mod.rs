//! The bank's end of the link: uploads the journal's events, delivers the platform's requests to the engine.
//!
//! [`session::Session`] decides everything and does no I/O ([`io`] is what goes in and out); [`client::run`] gives it a socket and a clock;
//! [`enrol::enrol`] is used once, by a new bank. The uplink must never open anything by itself, never hold more than
//! a window of events in memory, and never let the bank wait for the platform.

pub mod backoff;
pub mod client;
pub mod enrol;
pub mod io;
pub mod session;
mod socket;
mod window;

pub use client::{Delivery, Dial, TcpDial, Uplink, run};
pub use enrol::{EnrolmentFailed, NewBank, enrol};
pub use io::{EventSource, Fault, Input, Output};
pub use session::Session;
