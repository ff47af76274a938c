//! The platform's use cases without HTTP, as a user would notice them, most of them on every engine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../app_bank/mod.rs"]
mod app_bank;
#[path = "../support/platform.rs"]
mod platform;
#[path = "../support/mod.rs"]
mod support;

mod erasure;
mod evidence;
mod files;
mod lockdown;
mod parcels;
mod people;
