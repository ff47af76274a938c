//! The kiosk as a person, a browser and somebody with bad intentions meet it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

#[path = "kiosk/bank.rs"]
mod bank;
#[path = "kiosk/http.rs"]
mod http;
#[path = "kiosk/pages.rs"]
mod pages;
