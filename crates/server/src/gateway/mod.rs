//! The platform's end of the link to the banks.
//!
//! [`session::Session`] decides everything for one bank and does no I/O ([`io`] is what goes in and out); [`Gateway`] accepts connections, proves who
//! calls, and carries frames and decisions between the sessions and the use cases behind the four traits of
//! [`ports`]. It must never serve a bank whose key was not looked up after this very handshake, and never
//! acknowledge an event that is not stored.

pub mod chain;
pub mod io;
pub mod ports;
pub mod session;

mod enrol;
mod lane;
mod socket;
mod ws;

pub use chain::{Batch, Breach, Checked, Position, SignedHead};
pub use io::{Command, Moment};
pub use ports::{
    BankRegistry, Commands, Enrolment, Ingest, KnownBank, News, NotAccepted, Pending, Ports, Redeem,
    Unavailable,
};
pub use ws::Gateway;
