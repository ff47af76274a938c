//! What forms do, once, and what they refuse.

use super::*;

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
