//! The kiosk as a person, a browser and somebody with bad intentions meet it.

#[path = "kiosk/bank.rs"]
mod bank;
#[path = "kiosk/http.rs"]
mod http;
#[path = "kiosk/pages.rs"]
mod pages;
