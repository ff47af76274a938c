//! `bailee demo` without a browser: it starts, answers, publishes a log that can be checked, stops on Ctrl-C and goes on.

#![allow(clippy::unwrap_used, reason = "a test ends where its preparation fails")]

#[path = "browser/demo.rs"]
mod demo;

use std::net::TcpStream;
use std::path::Path;

use demo::{Demo, fetch, log_is_sound_and_a_changed_byte_is_found};

#[test]
fn the_demo_starts_can_be_checked_stops_and_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let first = Demo::start(dir.path(), &[]);
    assert!(first.ready.set_up.is_some(), "nobody can sign in yet");
    assert_eq!(first.ready.kiosks.len(), 2);
    for page in ["healthz", "readyz", "sign-in", "demo", "demo/mailbox", "api/openapi.json"] {
        assert_eq!(fetch(&format!("{}/{page}", first.ready.portal), None).0, 200, "{page}");
    }
    for kiosk in &first.ready.kiosks {
        assert_eq!(fetch(&format!("{kiosk}/"), None).0, 200);
    }
    let banks = format!("{}/api/v1/banks", first.ready.portal);
    assert_eq!(fetch(&banks, None).0, 401, "the API wants a token");
    assert_eq!(fetch(&banks, Some(&first.ready.api_token)).0, 200);
    log_is_sound_and_a_changed_byte_is_found(&first.log_url());
    let log = first.ready.log.clone();
    let link = link_port(dir.path());
    first.stop();

    let second = Demo::start(dir.path(), &["--offline"]);
    assert_eq!(second.ready.log, log, "the same organisation");
    assert_eq!(link_port(dir.path()), link);
    assert!(TcpStream::connect(("127.0.0.1", link)).is_ok(), "the banks find the platform where it was");
    assert_eq!(fetch(&format!("{}/healthz", second.ready.portal), None).0, 200);
    log_is_sound_and_a_changed_byte_is_found(&second.log_url());
    second.stop();
}

/// Where banks look for the platform.
fn link_port(dir: &Path) -> u16 {
    std::fs::read_to_string(dir.join("data/link-port")).unwrap().parse().unwrap()
}
