//! Legal holds and erasure as an administrator meets them.

use super::*;

async fn person(browser: &mut Browser) -> String {
    add_resident(browser).await;
    first_person(browser).await
}

const HOLD: [(&str, &str); 2] = [("hold_reason", "Case 4711/26"), ("owner", "Legal, Dana Owner")];

/// Where the form leads that lifts the hold on a page.
fn lifting(page: &str) -> String {
    let end = page.find("/lift\"").expect("a hold to lift");
    page[..end + 5].rsplit('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_hold_is_placed_shown_with_reason_and_owner_and_lifted() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let person = person(&mut browser).await;
    let page = format!("{person}/erase");
    let empty = [("hold_reason", ""), ("owner", "Legal")];
    let wrong = browser.submit(&page, &format!("{person}/hold"), &empty).await.expect(422).body;
    assert!(wrong.contains("href=\"#hold_reason\"") && wrong.contains("value=\"Legal\""), "{wrong}");
    let placed = browser.submit(&page, &format!("{person}/hold"), &HOLD).await.expect(303);
    assert_eq!(placed.location(), format!("{page}?done=hold-placed"));
    let held = browser.get(&page).await.expect(200).body;
    for words in ["Case 4711/26", "Legal, Dana Owner", "Alex Example", "Erasing is not possible"] {
        assert!(held.contains(words), "{words} in {held}");
    }
    assert!(!held.contains("name=\"confirm\""), "there is nothing to confirm");

    // The form of an older page, or none at all: the hold stands.
    let csrf = browser.get("/").await.expect(200).hidden("csrf");
    let old = [("csrf", csrf.as_str()), ("reason", "Request of 3 May"), ("confirm", "Sam Sample")];
    let same_site = [("sec-fetch-site", "same-origin")];
    let tried = browser.post_raw(&page, &old, &same_site).await.expect(303);
    assert_eq!(tried.location(), format!("{page}?cannot=legal-hold"));
    let told = browser.get(tried.location()).await.expect(200).body;
    assert!(told.contains("Not done: a legal hold is in force") && told.contains("Case 4711/26"), "{told}");
    assert!(browser.get(&person).await.expect(200).body.contains("Sam Sample"));

    let lift = lifting(&held);
    let lifted = browser.submit(&page, &lift, &[]).await.expect(303);
    assert_eq!(lifted.location(), format!("{page}?done=hold-lifted"));
    assert!(browser.get(&page).await.expect(200).body.contains("No hold is in force"));
}

#[tokio::test]
async fn nobody_is_erased_before_their_name_is_typed() {
    let platform = platform().await;
    let mut browser = platform.signed_in().await;
    let person = person(&mut browser).await;
    let page = format!("{person}/erase");
    let fields = |reason, confirm| [("reason", reason), ("confirm", confirm)];
    for (reason, confirm, words) in [
        ("Request of 3 May", "", "This is not the person"),
        ("Request of 3 May", "sam sample", "This is not the person"),
        ("", "Sam Sample", "href=\"#reason\""),
        ("Sam Sample asked", "Sam Sample", "this reason is kept"),
    ] {
        let again = browser.submit(&page, &page, &fields(reason, confirm)).await.expect(422).body;
        assert!(again.contains(words), "{words} in {again}");
    }
    let erased = browser.submit(&page, &page, &fields("Request of 3 May", "Sam  Sample ")).await.expect(303);
    assert_eq!(erased.location(), format!("{page}?done=person-erased"));
    let after = browser.get(&page).await.expect(200).body;
    assert!(after.contains("Request of 3 May") && !after.contains("Sam Sample"), "{after}");
    browser.get(&person).await.expect(404);
    platform.sequence().await;
    let log = browser.get("/audit?kind=PersonErased").await.expect(200).body;
    assert!(log.contains("Person erased"), "{log}");
}

#[tokio::test]
async fn only_administrators_may_hold_and_erase() {
    use bailee_domain::access::Role;
    let platform = platform().await;
    let mut admin = platform.signed_in().await;
    let person = person(&mut admin).await;
    let mut operator = platform.somebody(Role::Operator).await;
    let shown = operator.get(&format!("{person}/erase")).await.expect(200).body;
    assert!(!shown.contains("name=\"confirm\"") && !shown.contains("name=\"hold_reason\""), "{shown}");
    let csrf = operator.get("/").await.expect(200).hidden("csrf");
    for path in ["erase", "hold"] {
        let fields = [("csrf", csrf.as_str()), ("reason", "r"), ("confirm", "Sam Sample")];
        let same_site = [("sec-fetch-site", "same-origin")];
        operator.post_raw(&format!("{person}/{path}"), &fields, &same_site).await.expect(403);
    }
}
