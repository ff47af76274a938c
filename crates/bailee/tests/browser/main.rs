//! What people do with Bailee, in a real browser: at the kiosk of a bank alone, and with the whole demonstration.
//!
//! Needs Chromium (`CHROME`, else Debian's). Without it these tests say so and pass, unless `BAILEE_REQUIRE_PEERS=1`.

#![allow(clippy::unwrap_used, reason = "a test ends where its preparation fails")]

mod bank;
mod demo;
mod evidence;
mod house;
mod journeys;
mod kiosk;
mod look;
mod receipts;
mod rig;
