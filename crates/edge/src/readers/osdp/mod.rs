//! OSDP readers: the controller's side of SIA OSDP 2.2 (IEC 60839-11-5) with the secure channel enforced.
//!
//! The bytes are [`frame`], the cryptography is [`secure`], what is asked in which order is [`panel`], who may speak
//! on a shared line is [`talk`]; [`bus`] is the only part with a thread and a line. Why this is not a library, and
//! how a library checks it instead, is decision 0009.

mod book;
pub mod bus;
pub mod commission;
pub mod frame;
pub mod panel;
pub mod reply;
pub mod secure;
mod show;
mod step;
pub mod talk;
mod tally;

#[cfg(test)]
mod tests;
