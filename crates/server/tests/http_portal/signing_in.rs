//! Sessions, from the set-up link to the end of one.

use super::*;

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
