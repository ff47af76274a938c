//! Both ends of the link together: as state machines under a hostile schedule, and over real TLS.

#![allow(clippy::unwrap_used, reason = "a test ends where its preparation fails")]

// The platform's end is compiled in, because `edge` and `server` never depend on each other.
#[allow(dead_code, unused_imports, reason = "not every part of the platform's end is used here")]
#[path = "../../../server/src/gateway/mod.rs"]
mod gateway;

mod breach;
mod journal;
mod pair;
mod schedule;
mod tls;
