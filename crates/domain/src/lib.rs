//! Every decision of both sides of Bailee, as pure functions and state machines.
//!
//! Start with [`bank::Bank`], the engine that decides who may open which compartment, then [`event`], the facts
//! it writes to the custody log, and [`access`], the roles of the platform. Nothing here reads a clock, draws
//! randomness, allocates ids by itself, does I/O or knows an encoding: all of that arrives as a parameter.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod access;
pub mod allocation;
pub mod badge;
pub mod bank;
pub mod boot_tag;
pub mod budget;
pub mod code;
pub mod commissioning;
pub mod compartment;
pub mod event;
pub mod grant;
pub mod hardware;
pub mod health;
pub mod id;
pub mod lockdown;
pub mod parcel;
pub mod platform;
pub mod receipt;
pub mod roster;
pub mod signer;
pub mod tamper;
pub mod time;
pub mod truth;
