//! The portal as a browser meets it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../app_bank/mod.rs"]
mod app_bank;
#[path = "../http_support/mod.rs"]
mod http_support;

mod answers;
mod erasure;
mod files;
mod forms;
mod pages;
mod signing_in;

use axum::body::Body;
use axum::http::Request;
use bailee_audit::verify::{Source, SourceError, verify_log};
use bailee_server::app::set_up;
use bailee_ui::headers::{Profile, of};
use http_support::{Browser, EMAIL, PASSWORD, Platform, platform, platform_at, send};

const RESIDENT: [(&str, &str); 4] =
    [("name", "Sam Sample"), ("unit", "4B"), ("email", "sam@example.org"), ("phone", "")];

async fn add_resident(browser: &mut Browser) {
    let added = browser.submit("/people/residents/new", "/people/residents/new", &RESIDENT).await;
    assert_eq!(added.expect(303).location(), "/people?kind=residents&done=person-saved");
}

/// The address of the first person in the list.
async fn first_person(browser: &mut Browser) -> String {
    let list = browser.get("/people?kind=residents").await.expect(200);
    let at = list.body.find("/people/per_").expect("a person in the list");
    list.body[at..].split('"').next().unwrap().to_owned()
}

/// Adds a carrier and tells its id, as the form of a courier names it.
async fn add_carrier(browser: &mut Browser, name: &str) -> String {
    browser.submit("/carriers", "/carriers", &[("name", name)]).await.expect(303);
    let form = browser.get("/people/couriers/new").await.expect(200).body;
    let at = form.find(&format!(">{name}</option>")).expect("a carrier to choose");
    form[..at].rsplit("value=\"").next().unwrap().split('"').next().unwrap().to_owned()
}

/// Somebody who may do everything.
fn everything() -> bailee_server::app::Principal {
    use bailee_domain::access::{Assignment, Role, Scope};
    let roles = vec![Assignment { role: Role::SuperAdmin, scope: Scope::Organisation }];
    bailee_server::app::Principal { actor: bailee_domain::platform::Actor::Platform, roles, limited_to: None }
}
