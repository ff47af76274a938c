//! Who gets past the gate of which address: every address × every role, as a reviewed text (`tests/authz.txt`).
//!
//! The outer gate alone is looked at: `yes` means the handler was reached, whatever it then said of a thing that is not there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod http_support;

use std::fmt::Write as _;

use axum::http::Method;
use bailee_domain::access::{Permission, Role};
use bailee_server::http::access::{Access, Listed};
use bailee_server::http::addresses;
use http_support::{Browser, platform};

/// A path with something that is nowhere in place of every parameter.
fn concrete(path: &str) -> String {
    let part = |part: &str| match part {
        "{number}" => "1".to_owned(),
        "{event}" => "999999".to_owned(),
        part if part.starts_with('{') => "nothing".to_owned(),
        part => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Whether the browser gets past the gate.
async fn passes(browser: &mut Browser, listed: Listed, csrf: &str) -> bool {
    let path = concrete(listed.path);
    let answer = match listed.method {
        "GET" => browser.get(&path).await,
        _ => browser.post_raw(&path, &[("csrf", csrf)], &[("sec-fetch-site", "same-origin")]).await,
    };
    let away = answer.status == 303 && answer.location().starts_with("/sign-in?next=");
    !away && answer.status != 403
}

#[tokio::test]
async fn who_may_come_where_is_what_was_reviewed() {
    let platform = platform().await;
    let mut browsers = Vec::new();
    for role in Role::ALL {
        let mut browser = platform.somebody(role).await;
        let csrf = browser.get("/").await.expect(200).hidden("csrf");
        browsers.push((browser, csrf));
    }
    let mut table = String::from("# method, address, needs, then who passes the gate\n");
    for listed in addresses().into_iter().filter(|it| !it.path.starts_with("/api/")) {
        let mut allowed = Vec::new();
        let mut stranger = platform.browser();
        if listed.method == "GET" && passes(&mut stranger, listed, "").await {
            allowed.push("anybody");
        }
        for (role, (browser, csrf)) in Role::ALL.into_iter().zip(&browsers) {
            // A copy, so that signing out signs nobody else out here.
            let mut browser = browser.clone();
            if listed.path == "/sign-out" || listed.access == Access::Public {
                continue;
            }
            if passes(&mut browser, listed, csrf).await {
                allowed.push(role.name());
            }
        }
        let _ = writeln!(
            table,
            "{:4} {} | {} | {}",
            listed.method,
            listed.path,
            listed.access.name(),
            allowed.join(" ")
        );
    }
    for listed in addresses().into_iter().filter(|it| it.path.starts_with("/api/")) {
        let _ = writeln!(table, "{:4} {} | {}", listed.method, listed.path, listed.access.name());
    }
    same_as_reviewed(&table);
}

fn same_as_reviewed(table: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authz.txt");
    #[expect(clippy::disallowed_methods, reason = "asked for by a person who changed the table on purpose")]
    if std::env::var("BAILEE_WRITE_GOLDEN").is_ok() {
        std::fs::write(&path, table).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    for (now, then) in table.lines().zip(reviewed.lines()) {
        assert_eq!(
            now, then,
            "who may come where changed: review it, then run with BAILEE_WRITE_GOLDEN=1 and commit"
        );
    }
    assert_eq!(table.lines().count(), reviewed.lines().count());
}

#[tokio::test]
async fn a_token_with_one_permission_passes_just_the_gates_of_that() {
    let platform = platform().await;
    for permission in Permission::ALL {
        let token = platform.token(&[*permission]).await;
        for listed in addresses().into_iter().filter(|it| it.path.starts_with("/api/v1/")) {
            let method = Method::from_bytes(listed.method.as_bytes()).unwrap();
            let headers = [("idempotency-key", "k"), ("if-match", "\"1\"")];
            platform.clock.advance_ms(1_000);
            let answer = token.call(method, &concrete(listed.path), Some("{}"), &headers).await;
            let (refused, needed) = (answer.status == 403, listed.access == Access::Needs(*permission));
            // Behind the gate a use case may ask for more than the address says, never for less.
            assert!(needed || refused, "{} passes {} {}", permission.name(), listed.method, listed.path);
        }
    }
}

#[test]
fn only_these_addresses_are_open_to_everybody() {
    let all = addresses();
    let open: Vec<_> =
        all.iter().filter(|it| it.access == Access::Public).map(|it| (it.method, it.path)).collect();
    let allowed = [
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),
        ("GET", "/set-up/{token}"),
        ("GET", "/setup"),
        ("POST", "/setup"),
        // A link in a receipt is its own permission, and checking a file needs none.
        ("GET", "/receipt"),
        ("GET", "/receipt/proof"),
        ("GET", "/verify"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/docs"),
    ];
    assert_eq!(open, allowed, "this list only shrinks");
}
