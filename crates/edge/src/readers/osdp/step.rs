//! The steps from an unknown reader to one that is served.

use super::secure::{Handshake, Proven};

/// A key to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// The one set at commissioning.
    Own,
    /// The one everybody knows.
    Default,
}

/// How far the talk with a reader has come; each step is named by what is asked next.
pub(super) enum Step {
    Identify,
    Capabilities,
    Challenge(Which),
    Answered(Which, Box<Handshake>),
    Proven(Which, Box<Proven>),
    SetKey,
    Confirm,
    Status,
    Serve,
}

/// The question under way.
pub(super) struct Sent {
    pub(super) bytes: Vec<u8>,
    pub(super) code: u8,
    pub(super) sequence: u8,
    pub(super) tries: u8,
    pub(super) busy: u8,
}
