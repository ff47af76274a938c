//! Development only: the world around Bailee, simulated.
//!
//! [`world`] runs banks and a platform under one seed and checks the invariants; [`cabinet`] speaks lock boards'
//! bytes on ptys; [`journal`] fills one; [`mailbox`] is a mail server and a text message gateway that misbehave on request; [`browser`]
//! drives a real browser; [`vibration`] is what an accelerometer would feel. Nothing but `bailee demo`, `bailee simulate` and tests depends on this crate.
pub mod browser;
pub mod cabinet;
pub mod journal;
pub mod mailbox;
pub mod vibration;
pub mod world;
