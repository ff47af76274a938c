//! Bundles as whole files: what is written is sound, whatever is changed in one is found, and what is left out stays out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod files;
mod report;
mod round_trip;
mod tamper;
mod world;
