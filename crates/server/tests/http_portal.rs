//! The portal as a browser meets it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod app_bank;
mod http_support;

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

#[tokio::test]
async fn from_the_set_up_link_to_a_resident_in_the_list() {
    let platform = platform().await;
    let link = set_up::offer(&platform.app).await.unwrap();
    let mut browser = platform.browser();
    let short = browser.get(&format!("/set-up/{}", link.expose())).await.expect(303);
    let page = short.location().to_owned();
    let short_password = [
        ("token", link.expose()),
        ("name", "Alex Example"),
        ("email", EMAIL),
        ("password", "short"),
        ("again", "short"),
    ];
    let again = browser.submit(&page, "/setup", &short_password).await.expect(422);
    assert!(again.body.contains("value=\"Alex Example\"") && !again.body.contains("value=\"short\""));
    let fields = [
        ("token", link.expose()),
        ("name", "Alex Example"),
        ("email", EMAIL),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    assert_eq!(browser.submit(&page, "/setup", &fields).await.expect(303).location(), "/");
    let overview = browser.get("/").await.expect(200);
    assert!(
        overview.body.contains("Alex Example") && overview.body.contains("Harbour House"),
        "{}",
        overview.body
    );
    assert!(overview.body.contains("Add the first resident"));
    add_resident(&mut browser).await;
    let list = browser.get("/people?kind=residents&q=samp").await.expect(200);
    assert!(list.body.contains("Sam Sample") && list.body.contains("4B"));
    assert!(!list.body.contains("sam@example.org"), "a list shows masked addresses");
    assert!(browser.get(&page).await.expect(200).body.contains("work any more"));
}

#[tokio::test]
async fn signing_in_goes_back_to_where_one_was_but_never_elsewhere() {
    let platform = platform().await;
    platform.administrator().await;
    let mut browser = platform.browser();
    let sent = browser.get("/parcels?view=overdue").await.expect(303);
    assert_eq!(sent.location(), "/sign-in?next=%2Fparcels%3Fview%3Doverdue");
    let form = sent.location().to_owned();
    let next = browser.get(&form).await.expect(200).hidden("next");
    let fields = [("email", EMAIL), ("password", PASSWORD), ("next", next.as_str())];
    assert_eq!(
        browser.submit(&form, "/sign-in", &fields).await.expect(303).location(),
        "/parcels?view=overdue"
    );
    for elsewhere in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", elsewhere)];
        let mut browser = platform.browser();
        assert_eq!(browser.submit("/sign-in", "/sign-in", &fields).await.expect(303).location(), "/");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_look_the_same() {
    let platform = platform().await;
    platform.administrator().await;
    let mut pages = Vec::new();
    for (email, password) in [(EMAIL, "wrong wrong wrong"), ("nobody@example.org", PASSWORD)] {
        let mut browser = platform.browser();
        let fields = [("email", email), ("password", password), ("next", "/")];
        let refused = browser.submit("/sign-in", "/sign-in", &fields).await.expect(401);
        assert!(!browser.cookies.contains_key("bailee"));
        let keys = [refused.hidden("csrf"), refused.hidden("idempotency"), email.to_owned()];
        pages.push(keys.iter().fold(refused.body, |page, key| page.replace(key.as_str(), "·")));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn a_session_is_new_with_every_sign_in_and_ends_with_signing_out() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let first = browser.cookies["bailee"].clone();
    browser.sign_in(EMAIL, PASSWORD).await;
    let second = browser.cookies["bailee"].clone();
    assert_ne!(first, second);
    let mut stolen = browser.clone();
    stolen.cookies.insert("bailee".into(), first);
    stolen.get("/").await.expect(303);
    let mut left = browser.clone();
    assert_eq!(browser.submit("/", "/sign-out", &[]).await.expect(303).location(), "/sign-in");
    assert!(!browser.cookies.contains_key("bailee"));
    left.get("/").await.expect(303);
}

#[tokio::test]
async fn forms_of_other_sites_and_without_our_token_do_nothing() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let form = browser.get("/people/residents/new").await.expect(200);
    let csrf = form.hidden("csrf");
    let with = |csrf| [("csrf", csrf), ("idempotency", "k1"), RESIDENT[0], RESIDENT[1], RESIDENT[2]];
    let path = "/people/residents/new";
    for (csrf, headers) in [
        (csrf.as_str(), vec![("sec-fetch-site", "cross-site")]),
        (csrf.as_str(), vec![("sec-fetch-site", "same-site")]),
        (csrf.as_str(), vec![("origin", "https://evil.example")]),
        (csrf.as_str(), vec![("origin", "http://127.0.0.1.evil.example")]),
        ("", vec![("sec-fetch-site", "same-origin")]),
        ("forged", vec![("sec-fetch-site", "same-origin")]),
        ("forged", vec![("origin", "null")]),
    ] {
        browser.post_raw(path, &with(csrf), &headers).await.expect(403);
    }
    // Another session's token is as good as none.
    let mut other = platform.browser();
    other.sign_in(EMAIL, PASSWORD).await;
    let foreign = other.get(path).await.expect(200).hidden("csrf");
    browser.post_raw(path, &with(&foreign), &[("sec-fetch-site", "same-origin")]).await.expect(403);
    assert!(!browser.get("/people").await.expect(200).body.contains("Sam Sample"));
    browser.post_raw(path, &with(&csrf), &[("origin", "null")]).await.expect(303);
}

#[tokio::test]
async fn a_form_sent_twice_acts_once() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let form = browser.get("/carriers").await.expect(200);
    let (csrf, same) = (form.hidden("csrf"), [("sec-fetch-site", "same-origin")]);
    let fields = [("csrf", csrf.as_str()), ("idempotency", "once"), ("name", "Parcel Post")];
    let first = browser.post_raw("/carriers", &fields, &same).await.expect(303);
    let second = browser.post_raw("/carriers", &fields, &same).await.expect(303);
    assert_eq!(
        (first.location(), second.header("idempotency-replayed")),
        ("/carriers?done=carrier-added", "true")
    );
    let other = [("csrf", csrf.as_str()), ("idempotency", "once"), ("name", "Other Post")];
    browser.post_raw("/carriers", &other, &same).await.expect(422);
    let page = browser.get("/carriers").await.expect(200);
    assert_eq!(page.body.matches("<bdi>Parcel Post</bdi>").count(), 1, "{}", page.body);
}

#[tokio::test]
async fn two_administrators_editing_at_once_lose_nothing() {
    let platform = platform().await;
    let mut first = platform.signed_in().await;
    add_resident(&mut first).await;
    let person = first_person(&mut first).await;
    let mut second = platform.browser();
    second.sign_in(EMAIL, PASSWORD).await;
    let version = first.get(&person).await.expect(200).hidden("version");
    let edit = |unit| {
        [("name", "Sam Sample"), ("unit", unit), ("email", "sam@example.org"), ("version", version.as_str())]
    };
    second.submit(&person, &person, &edit("4C")).await.expect(303);
    let conflict = first.submit(&person, &person, &edit("9Z")).await.expect(412);
    assert!(conflict.body.contains("<bdi>4C</bdi>"), "their value is shown: {}", conflict.body);
    assert!(conflict.body.contains("value=\"9Z\""), "what was typed here is kept: {}", conflict.body);
    assert!(conflict.body.contains("Alex Example") && conflict.body.contains("saved while you were editing"));
    let now = conflict.hidden("version");
    let mine =
        [("name", "Sam Sample"), ("unit", "9Z"), ("email", "sam@example.org"), ("version", now.as_str())];
    first.submit(&person, &person, &mine).await.expect(303);
    assert!(first.get(&person).await.expect(200).body.contains("value=\"9Z\""));
}

#[tokio::test]
async fn two_administrators_changing_the_site_lose_nothing() {
    let platform = platform().await;
    let mut first = platform.signed_in().await;
    let mut second = platform.browser();
    second.sign_in(EMAIL, PASSWORD).await;
    let version = first.get("/settings").await.expect(200).hidden("version");
    let edit =
        |name, help| [("name", name), ("help", help), ("expiry_days", "9"), ("version", version.as_str())];
    let (page, path) = ("/settings", "/settings/site");
    let saved = second.submit(page, path, &edit("Harbour House", "Reception, ext. 12")).await.expect(303);
    assert_eq!(saved.location(), "/settings?done=settings-saved");
    let conflict = first.submit(page, path, &edit("Quay House", "Porter, ext. 7")).await.expect(412).body;
    assert!(conflict.contains("Alex Example\u{2069} saved while you were editing"), "{conflict}");
    assert!(
        conflict.contains("<bdi>Reception, ext. 12</bdi>") && conflict.contains("<bdi>Harbour House</bdi>")
    );
    assert!(
        conflict.contains("value=\"Quay House\"") && conflict.contains("value=\"Porter, ext. 7\""),
        "{conflict}"
    );
    // A wrong field does not make the old form a new one.
    let wrong = [("name", ""), ("help", "x"), ("expiry_days", "9"), ("version", version.as_str())];
    let again = first.submit(page, path, &wrong).await.expect(422);
    assert_eq!(again.hidden("version"), version);
    let now = first.get(page).await.expect(200).hidden("version");
    let mine = [("name", "Quay House"), ("help", ""), ("expiry_days", "9"), ("version", now.as_str())];
    first.submit(page, path, &mine).await.expect(303);
    let settings = first.get("/settings?done=settings-saved").await.expect(200).body;
    assert!(settings.contains("value=\"Quay House\"") && settings.contains("Settings saved."), "{settings}");
    assert!(!settings.contains("Reception"), "whom to call can be emptied");
}

#[tokio::test]
async fn two_administrators_changing_a_text_lose_nothing() {
    let platform = platform().await;
    let mut first = platform.signed_in().await;
    let mut second = platform.browser();
    second.sign_in(EMAIL, PASSWORD).await;
    let page = "/settings/templates/parcel_ready-sms";
    let version = first.get(page).await.expect(200).hidden("version");
    let edit = |text, act| [("text", text), ("act", act), ("version", version.as_str())];
    let theirs = "Come and get it: {{ code }}";
    second.submit(page, page, &edit(theirs, "save")).await.expect(303);
    let mine = "Here it is: {{ code }}";
    let preview = first.submit(page, page, &edit(mine, "preview")).await.expect(200);
    assert_eq!(preview.hidden("version"), version, "looking at it first hides no conflict");
    let conflict = first.submit(page, page, &edit(mine, "save")).await.expect(412);
    assert!(
        conflict.body.contains(&format!("<bdi>{theirs}</bdi>")) && conflict.body.contains(mine),
        "{}",
        conflict.body
    );
    first.submit(page, &format!("{page}/reset"), &[("version", version.as_str())]).await.expect(412);
    let now = conflict.hidden("version");
    first.submit(page, page, &[("text", mine), ("act", "save"), ("version", now.as_str())]).await.expect(303);
    let saved = first.get(page).await.expect(200);
    assert!(saved.body.contains(mine) && !saved.body.contains(theirs));
    let reset = [("version", saved.hidden("version"))];
    let reset = reset.each_ref().map(|(name, value)| (*name, value.as_str()));
    let reset = first.submit(page, &format!("{page}/reset"), &reset).await.expect(303);
    assert_eq!(reset.location(), "/settings?done=template-reset");
}

/// Adds a carrier and tells its id, as the form of a courier names it.
async fn add_carrier(browser: &mut Browser, name: &str) -> String {
    browser.submit("/carriers", "/carriers", &[("name", name)]).await.expect(303);
    let form = browser.get("/people/couriers/new").await.expect(200).body;
    let at = form.find(&format!(">{name}</option>")).expect("a carrier to choose");
    form[..at].rsplit("value=\"").next().unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_courier_changes_carriers_and_leaves() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let post = add_carrier(&mut browser, "Parcel Post").await;
    let north = add_carrier(&mut browser, "Northern Express").await;
    let courier = |carrier| [("name", "Chris Courier"), ("carrier", carrier), ("email", "chris@example.org")];
    let new = "/people/couriers/new";
    let unchosen = browser.submit(new, new, &courier("")).await.expect(422);
    assert!(unchosen.body.contains("Choose a carrier"), "{}", unchosen.body);
    let added = browser.submit(new, new, &courier(&post)).await.expect(303);
    let list = browser.get(added.location()).await.expect(200).body;
    assert!(list.contains("no bank is enrolled that could check a code"), "{list}");
    let at = list.find("/people/per_").expect("the courier in the list");
    let page = list[at..].split('"').next().unwrap().to_owned();
    let no_bank = browser.submit(&page, &format!("{page}/code"), &[]).await.expect(303);
    assert!(browser.get(no_bank.location()).await.expect(200).body.contains("Enrol a bank first"));
    let version = browser.get(&page).await.expect(200).hidden("version");
    let [name, carrier, email] = courier(&north);
    let moved =
        browser.submit(&page, &page, &[name, carrier, email, ("version", &version)]).await.expect(303);
    let list = browser.get(moved.location()).await.expect(200).body;
    assert!(
        list.contains("Northern Express") && !list.contains("Parcel Post") && list.contains("Saved."),
        "{list}"
    );
    let [name, carrier, email] = courier(&post);
    let late = browser.submit(&page, &page, &[name, carrier, email, ("version", &version)]).await.expect(412);
    assert!(late.body.contains("<dt>Carrier</dt><dd><bdi>Northern Express</bdi>"), "{}", late.body);
    let leave = format!("{page}/remove");
    browser.submit(&page, &leave, &[("version", &version)]).await.expect(412);
    let gone = browser.submit(&page, &leave, &[("version", &late.hidden("version"))]).await.expect(303);
    assert_eq!(gone.location(), "/people?kind=couriers&done=person-removed");
    assert!(!browser.get(gone.location()).await.expect(200).body.contains("Chris Courier"));
}

#[tokio::test]
async fn an_address_in_use_is_said_in_a_whole_sentence_in_the_readers_language() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    add_resident(&mut browser).await;
    let new = "/people/residents/new";
    let again = browser.submit(new, new, &RESIDENT).await.expect(409);
    assert!(again.body.contains("This e-mail address is already in use"), "{}", again.body);
    assert!(again.body.contains("value=\"sam@example.org\""));
    browser.cookies.insert("bailee_lang".into(), "ar".into());
    let again = browser.submit(new, new, &RESIDENT).await.expect(409);
    assert!(
        again.body.contains("عنوان البريد هذا مستخدم من قبل") && !again.body.contains("already"),
        "{}",
        again.body
    );
}

#[tokio::test]
async fn whom_to_call_reaches_the_banks() {
    use bailee_server::app::enrolment::{self, Redeem};
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let version = browser.get("/settings").await.expect(200).hidden("version");
    let fields = [
        ("name", "Harbour House"),
        ("help", "+49 30 5550134"),
        ("expiry_days", "7"),
        ("version", version.as_str()),
    ];
    browser.submit("/settings", "/settings/site", &fields).await.expect(303);
    let offered =
        browser.submit("/settings/enrol", "/settings/enrol", &[("name", "Lobby")]).await.expect(200).body;
    let at = offered.find("bailee-enrol-1.").expect("an enrolment token");
    let token = offered[at..].split('<').next().unwrap();
    let token = bailee_wire::enrol::Enrolment::parse(token).unwrap();
    let device = bailee_vault::sign::SigningKey::from_seed(&bailee_vault::Secret::new([3; 32]));
    let request = Redeem {
        bank: token.bank,
        secret_hash: bailee_wire::event::chain_hash(&token.secret),
        pin: [3; 32],
        device_key: device.public().0,
        layout: app_bank::layout(),
    };
    let given = enrolment::redeem(&platform.app, request).await.unwrap();
    assert_eq!(given.roster.help, "+49 30 5550134");
}

/// Somebody who may do everything.
fn everything() -> bailee_server::app::Principal {
    use bailee_domain::access::{Assignment, Role, Scope};
    let roles = vec![Assignment { role: Role::SuperAdmin, scope: Scope::Organisation }];
    bailee_server::app::Principal { actor: bailee_domain::platform::Actor::Platform, roles, limited_to: None }
}

#[tokio::test]
async fn the_first_steps_end_with_the_first_parcel_collected() {
    use bailee_domain::event::EventKind;
    use bailee_domain::id::{GrantId, ParcelId};
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    add_resident(&mut browser).await;
    let bank = app_bank::FakeBank::enrolled(&platform.app, &platform.clock, &everything(), "Lobby", 1).await;
    let post = add_carrier(&mut browser, "Parcel Post").await;
    let new = "/people/couriers/new";
    let courier = [("name", "Chris Courier"), ("carrier", post.as_str()), ("email", "chris@example.org")];
    assert!(browser.submit(new, new, &courier).await.expect(303).location().ends_with("done=courier-added"));
    let before = browser.get("/").await.expect(200).body;
    assert!(
        before.contains("4 / 5") && before.contains("<a href=\"/parcels\">Deliver and collect"),
        "{before}"
    );
    bank.forge(&[EventKind::ParcelCollected {
        parcel: ParcelId::from_bytes([1; 16]),
        compartment: bailee_domain::compartment::CompartmentNo(1),
        grant: GrantId::from_bytes([2; 16]),
    }]);
    bank.upload().await;
    let after = browser.get("/").await.expect(200).body;
    assert!(!after.contains("First steps"), "{after}");
    assert!(after.contains("id=\"first-steps\" hidden"), "an open page takes the list away too: {after}");
}

#[tokio::test]
async fn a_new_token_may_do_what_was_ticked_and_nothing_else() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let page = "/settings/tokens";
    assert!(!browser.get(page).await.expect(200).body.contains("checked"), "nothing is ticked in advance");
    let none = browser.submit(page, page, &[("name", "import"), ("days", "30")]).await.expect(422);
    assert!(none.body.contains("href=\"#permissions\">Choose at least one permission"), "{}", none.body);
    let long = [("name", "import"), ("days", "999"), ("may-banks-view", "yes")];
    let long = browser.submit(page, page, &long).await.expect(422);
    assert!(
        long.body.contains("from 1 to 365") && long.body.contains("value=\"yes\" checked"),
        "{}",
        long.body
    );
    let fields = [("name", "import"), ("days", "30"), ("may-banks-view", "yes")];
    let made = browser.submit(page, page, &fields).await.expect(200).body;
    let at = made.find("dir=\"ltr\">blk_").expect("the token") + "dir=\"ltr\">".len();
    let token = made[at..].split('<').next().unwrap().to_owned();
    let program = http_support::Program { router: platform.router.clone(), token, keys: 0 };
    program.get("/api/v1/banks").await.expect(200);
    program.get("/api/v1/parcels").await.expect(403);
    let list = browser.get(page).await.expect(200);
    assert!(list.body.contains("<p>See banks, their compartments and health</p>"), "{}", list.body);
    let at = list.body.find("/settings/tokens/").unwrap();
    let revoke = list.body[at..].split('"').next().unwrap().to_owned();
    let revoked = browser.submit(page, &revoke, &[]).await.expect(303);
    assert!(browser.get(revoked.location()).await.expect(200).body.contains("Token revoked."));
    program.get("/api/v1/banks").await.expect(401);
}

#[tokio::test]
async fn a_refused_form_says_what_is_wrong_and_keeps_what_was_typed() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let fields = [("name", "Sam"), ("unit", "4B"), ("email", "sam@"), ("phone", "")];
    let refused = browser.submit("/people/residents/new", "/people/residents/new", &fields).await.expect(422);
    assert!(
        refused.body.contains("<title>Error: ") && refused.body.contains("value=\"sam@\""),
        "{}",
        refused.body
    );
    assert!(refused.body.contains("Enter an e-mail address"));
}

#[tokio::test]
async fn every_page_of_the_rail_and_its_exports_come() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    add_resident(&mut browser).await;
    platform.sequence().await;
    for path in [
        "/",
        "/banks",
        "/parcels",
        "/parcels?view=overdue&q=sam",
        "/people?kind=couriers",
        "/people/couriers/new",
        "/carriers",
        "/alerts",
        "/alerts?view=all",
        "/audit?kind=PersonAdded",
        "/settings",
        "/settings/templates/parcel_ready-email",
        "/settings/templates/parcel_ready-sms",
        "/settings/tokens",
        "/settings/enrol",
    ] {
        let page = browser.get(path).await.expect(200);
        assert!(page.body.contains("<main id=\"main\"") && page.body.contains("</html>"), "{path}");
    }
    let csv = browser.get("/audit.csv?kind=PersonAdded").await.expect(200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.body.lines().count(), 2, "{}", csv.body);
    let lines = browser.get("/audit.jsonl").await.expect(200);
    for line in lines.body.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["kind"].is_string() && event["at"].is_string());
    }
    assert!(!csv.body.contains("Sam") && !lines.body.contains("Sam"), "the log holds no names");
}

#[tokio::test]
async fn an_event_comes_with_its_proof() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    platform.sequence().await;
    let list = browser.get("/audit").await.expect(200);
    let at = list.body.find("\"/audit/").expect("an event in the list") + 1;
    let event = browser.get(list.body[at..].split('"').next().unwrap()).await.expect(200);
    assert!(event.body.contains("bailee verify ledger http://127.0.0.1:8080/log/org_"), "{}", event.body);
    assert!(event.body.contains("class=\"ladder\""));
    browser.get("/audit/999999").await.expect(404);
}

#[tokio::test]
async fn a_new_token_and_an_enrolment_are_shown_once() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let fields = [("name", "import"), ("days", "30"), ("may-people-view", "yes")];
    let made = browser.submit("/settings/tokens", "/settings/tokens", &fields).await;
    let made = made.expect(200);
    assert!(made.body.contains("blk_") && made.body.contains("import"));
    let at = made.body.find("blk_").unwrap();
    let secret = &made.body[at..at + 40];
    assert!(!browser.get("/settings/tokens").await.expect(200).body.contains(secret));
    let offered =
        browser.submit("/settings/enrol", "/settings/enrol", &[("name", "Lobby")]).await.expect(200);
    assert!(offered.body.contains("bailee-enrol-1.") && offered.body.contains("<svg"), "{}", offered.body);
    let banks = browser.get("/banks").await.expect(200);
    assert!(banks.body.contains("Lobby") && !banks.body.contains("bailee-enrol-1."));
    let at = banks.body.find("/banks/bnk_").unwrap();
    let bank = banks.body[at..].split(['"', '?']).next().unwrap().to_owned();
    browser.get(&bank).await.expect(200);
    let again = browser.submit("/settings/enrol", "/settings/enrol", &[("name", "Lobby")]).await;
    again.expect(409);
}

#[tokio::test]
async fn preferences_are_kept_and_lead_back() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let fields = [("lang", "ar"), ("theme", "dark"), ("back", "/alerts")];
    assert_eq!(browser.submit("/", "/preferences", &fields).await.expect(303).location(), "/alerts");
    assert!(browser.get("/alerts").await.expect(200).body.contains("<html lang=\"ar\" dir=\"rtl\""));
}

#[tokio::test]
async fn nothing_here_is_a_page_for_people_and_a_problem_for_programs() {
    let platform = platform().await;
    let mut browser = platform.browser();
    let page = browser.get("/nowhere").await.expect(404);
    assert!(page.body.contains("There is no such page") && page.body.contains("req_"));
    browser.accept = "*/*";
    for path in ["/nowhere", "/api/v1/nowhere", "/log/other/checkpoint"] {
        let problem = browser.get(path).await.expect(404);
        assert_eq!(problem.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(problem.json()["instance"], problem.header("x-request-id"));
    }
    let wrong = browser.post_raw("/healthz", &[], &[]).await.expect(405);
    assert_eq!(wrong.json()["code"], "method_not_allowed");
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let asset = bailee_ui::assets::asset_url("app.css");
    let log = format!("/log/{}/checkpoint", platform.app.log_id());
    for path in [
        "/",
        "/sign-in",
        "/nowhere",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/openapi.json",
        "/api/docs",
        "/api/v1/banks",
        &asset,
    ] {
        let answer = browser.get(path).await;
        for (name, value) in of(Profile::Portal) {
            assert_eq!(answer.header(name.as_str()), value, "{path}: {name}");
        }
        assert!(answer.header("x-request-id").starts_with("req_"), "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
    let checkpoint = browser.get(&log).await.expect(200);
    assert_eq!(checkpoint.header("cross-origin-resource-policy"), "cross-origin", "anybody may read the log");
}

#[tokio::test]
async fn on_https_cookies_are_bound_to_the_host_and_plain_http_is_over() {
    let platform = platform_at("https://lockers.example.org").await;
    let request = Request::get("/sign-in").header("host", "lockers.example.org").body(Body::empty()).unwrap();
    let form = send(&platform.router, request).await.expect(200);
    assert!(form.header("set-cookie").starts_with("__Host-bailee_visit="), "{}", form.header("set-cookie"));
    assert!(
        form.header("set-cookie").contains("; Secure") && form.header("set-cookie").contains("; HttpOnly")
    );
    assert_eq!(form.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn another_hosts_name_is_not_answered() {
    let platform = platform().await;
    for (host, path, status) in [
        ("evil.example", "/sign-in", 421),
        ("localhost:8080", "/sign-in", 200),
        ("10.0.0.7:8080", "/healthz", 200),
    ] {
        let request = Request::get(path).header("host", host).body(Body::empty()).unwrap();
        send(&platform.router, request).await.expect(status);
    }
}

#[tokio::test]
async fn an_idle_session_ends() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    platform.clock.advance_ms(14 * 60_000);
    browser.get("/alerts").await.expect(200);
    platform.clock.advance_ms(14 * 60_000);
    browser.get("/alerts").await.expect(200);
    platform.clock.advance_ms(15 * 60_000 + 1);
    browser.get("/alerts").await.expect(303);
}

#[tokio::test]
async fn metrics_are_for_this_machine() {
    let platform = platform().await;
    let ask = |peer: &str, forwarded: bool| {
        let mut request = Request::get("/metrics").header("host", "127.0.0.1:8080");
        if forwarded {
            request = request.header("x-forwarded-for", "203.0.113.5");
        }
        let mut request = request.body(Body::empty()).unwrap();
        let peer: std::net::SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        request
    };
    let metrics = send(&platform.router, ask("127.0.0.1:5000", false)).await.expect(200);
    assert!(metrics.body.contains("bailee_log_entries "), "{}", metrics.body);
    send(&platform.router, ask("10.0.0.9:5000", false)).await.expect(404);
    send(&platform.router, ask("127.0.0.1:5000", true)).await.expect(404);
}

/// The published log, read through the router.
struct Served<'a>(&'a Platform, tokio::runtime::Handle);

impl Source for Served<'_> {
    fn read(&mut self, path: &str, most: usize) -> Result<Vec<u8>, SourceError> {
        let path = format!("/log/{}/{path}", self.0.app.log_id());
        let request = Request::get(path).header("host", "127.0.0.1:8080").body(Body::empty()).unwrap();
        let answer = tokio::task::block_in_place(|| self.1.block_on(send(&self.0.router, request)));
        match answer.status {
            200 => Ok(answer.bytes.into_iter().take(most).collect()),
            404 => Err(SourceError::Absent),
            other => panic!("{other}: {}", answer.body),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_log_verifies() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    add_resident(&mut browser).await;
    platform.sequence().await;
    let mut key = Served(&platform, tokio::runtime::Handle::current());
    let published = String::from_utf8(key.read("key", 4_096).unwrap()).unwrap();
    assert_eq!(published.trim(), platform.log_key.to_string());
    let mut source = Served(&platform, tokio::runtime::Handle::current());
    let mut kinds = Vec::new();
    let mut visit = |_index: u64, entry: &[u8]| {
        kinds.push(bailee_wire::event::decode(entry).map_err(|error| error.to_string())?.kind());
        Ok(())
    };
    let report = verify_log(&mut source, &platform.log_key, &mut visit).unwrap();
    assert_eq!(report.entries, report.checkpoint.size);
    assert!(kinds.contains(&"PersonAdded".to_owned()), "{kinds:?}");
}

/// The next event of a stream that is no beat.
async fn next_event(body: &mut Body) -> String {
    use http_body_util::BodyExt as _;
    loop {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        if !text.starts_with("event: beat") {
            return text;
        }
    }
}

#[tokio::test]
async fn an_open_page_hears_what_changes_and_nothing_else() {
    use bailee_domain::bank::io::DoorStatus;
    use bailee_domain::compartment::{CompartmentNo, Sensed};
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    browser.submit("/settings/enrol", "/settings/enrol", &[("name", "Lobby")]).await.expect(200);
    let overview = browser.get("/").await.expect(200);
    assert!(overview.body.contains("data-stream=\"/events?of=%2F\""), "{}", overview.body);
    let at = overview.body.find("/banks/bnk_").unwrap() + "/banks/".len();
    let bank = overview.body[at..at + 30].parse().unwrap();
    let cookie = format!("bailee={}", browser.cookies["bailee"]);
    let request = Request::get("/events?of=%2F").header("host", "127.0.0.1:8080").header("cookie", cookie);
    let request = request.body(Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(platform.router.clone(), request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let door = DoorStatus {
        compartment: CompartmentNo(1),
        sensed: Sensed::Closed,
        occupied: true,
        out_of_service: None,
        alarm: false,
    };
    platform.app.live().update(bank, |live| {
        live.online = true;
        live.doors = vec![door];
    });
    let event = next_event(&mut body).await;
    assert!(event.starts_with("event: patch\ndata: "), "{event}");
    assert!(event.contains("id=\"figures\"") && event.contains("<span class=\"big\">1 "), "{event}");
    assert!(!event.contains("id=\"today\"") && !event.contains("<html"), "only what changed: {event}");
}
