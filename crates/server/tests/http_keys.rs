//! People's keys, statements, lockdowns and resynchronising as a browser and a program meet them; the real bank answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod app_bank;
mod http_support;
mod http_world;

use bailee_domain::access::Permission::{OperateBanks, ViewBanks};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::PersonId;
use bailee_domain::signer::{Proof, PublicKey, Signature};
use bailee_server::app::tokens::{self, NewToken};
use bailee_vault::Secret;
use bailee_vault::sign::SigningKey;
use bailee_wire::event::hex;
use bailee_wire::{signed, statement};
use http_support::{EMAIL, PASSWORD, Program};
use http_world::{World, principal};

fn key() -> SigningKey {
    SigningKey::from_seed(&Secret::new([0xa1; 32]))
}

fn signs(person: PersonId, text: &str) -> String {
    let (bank, mut all) = signed::parse(text).unwrap();
    let proof = Proof::Plain(key().sign(&statement::bytes(bank, &all.statement)));
    all.signatures.push(Signature { person, public: PublicKey::Ed25519(key().public().0), proof });
    signed::text(bank, &all)
}

/// What stands in the page's `<pre>`.
fn shown(page: &str) -> String {
    let text = page.split_once("<pre id=\"to-sign\"").unwrap().1.split_once('>').unwrap().1;
    text.split("</pre>").next().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_registered_over_the_api_opens_a_door_by_a_statement_signed_elsewhere() {
    let mut world = World::new().await;
    let keys = format!("/api/v1/people/{}/keys", world.admin);
    let wrong =
        world.program.post(&keys, r#"{"use":"administrator","form":"plain","public_key":"zz"}"#).await;
    assert!(wrong.expect(422).body.contains("not_a_key"));
    let new =
        serde_json::json!({"use": "administrator", "form": "plain", "public_key": hex(&key().public().0)});
    let made = world.program.post(&keys, &new.to_string()).await.expect(201).json()["id"].clone();
    let bank = world.bank().await;
    bank.tick();
    let listed = world.program.get(&keys).await.expect(200).json();
    assert_eq!(listed["items"][0]["banks"][0]["state"], "counts");
    let presence = bank.remote().presence.unwrap();
    let presence = String::from_utf8(presence.digits().to_vec()).unwrap();
    let at = format!("/api/v1/banks/{}", bank.id);
    let ask = serde_json::json!({"compartment": 3, "reason": "a leak", "presence": presence});
    let text = world.program.post(&format!("{at}/inspections"), &ask.to_string()).await.expect(200).json();
    let text = text["statement"].as_str().unwrap().to_owned();
    let statements = format!("{at}/statements");
    let body = |text: &str| serde_json::json!({ "statement": text }).to_string();
    assert!(world.program.post(&statements, &body(&text)).await.expect(422).body.contains("not_signed"));
    assert!(
        world.program.post(&statements, &body("hello")).await.expect(422).body.contains("not_a_statement")
    );
    let done = world.program.post(&statements, &body(&signs(world.admin, &text))).await.expect(200).json();
    assert_eq!((done["done"].as_str(), done["compartment"].as_u64()), (Some("inspect"), Some(3)));
    let again = world.program.post(&statements, &body(&signs(world.admin, &text))).await.expect(409);
    assert!(again.body.contains("not possible now"), "{}", again.body);
    let gone = format!("{keys}/{}", made.as_str().unwrap());
    world.program.call(axum::http::Method::DELETE, &gone, None, &[]).await.expect(204);
    let listed = world.program.get(&keys).await.expect(200).json();
    assert_eq!(listed["items"][0]["banks"][0]["state"], "being-removed");
}

#[tokio::test]
async fn in_the_portal_a_reason_is_written_signed_and_passed_on_and_the_banks_refusal_is_said() {
    let mut world = World::new().await;
    let (admin, browser) = (world.admin, &mut world.browser);
    browser.sign_in(EMAIL, PASSWORD).await;
    let at = format!("/people/{admin}/keys");
    let wrong = [("use", "resident"), ("form", "plain"), ("public_key", "x")];
    let again = browser.submit(&at, &at, &wrong).await.expect(422);
    assert!(again.body.contains("role does not allow"), "{}", again.body);
    let public = hex(&key().public().0);
    let fields = [("use", "administrator"), ("form", "plain"), ("public_key", public.as_str())];
    let added = browser.submit(&at, &at, &fields).await.expect(303);
    assert!(added.location().ends_with("done=key-added"));
    assert!(browser.get("/settings/keys").await.expect(200).body.contains("Alex Example"));
    let bank = world.bank().await;
    bank.tick();
    let browser = &mut world.browser;
    assert!(browser.get(&at).await.expect(200).body.contains("Counts"));
    let page = format!("/banks/{}/openings", bank.id);
    let fields = [("compartment", "3"), ("reason", "A leaking parcel"), ("presence", "0000 0000")];
    let written = browser.submit(&page, &format!("{page}/wish"), &fields).await.expect(200);
    let far = signs(admin, &shown(&written.body));
    let refused = browser.submit(&page, &page, &[("statement", far.as_str())]).await.expect(303);
    assert!(refused.location().ends_with("cannot=not-present"), "{}", refused.location());
    assert!(browser.get(refused.location()).await.expect(200).body.contains("not on its screen"));
    let presence = bank.remote().presence.unwrap();
    let presence = String::from_utf8(presence.digits().to_vec()).unwrap();
    let fields = [("compartment", "3"), ("reason", "A leaking parcel"), ("presence", presence.as_str())];
    let written = browser.submit(&page, &format!("{page}/wish"), &fields).await.expect(200);
    let near = signs(admin, &shown(&written.body)).replace('\n', "\r\n");
    let opened = browser.submit(&page, &page, &[("statement", near.as_str())]).await.expect(303);
    assert!(opened.location().ends_with("done=door-opened"), "{}", opened.location());
    let nothing = [("compartment", "3"), ("reason", ""), ("presence", "12")];
    let again = browser.submit(&page, &format!("{page}/wish"), &nothing).await.expect(422);
    assert!(again.body.contains("eight digits"));
}

#[tokio::test]
async fn a_scoped_token_locks_down_in_its_makers_name_and_ends_nothing() {
    let mut world = World::new().await;
    let bank = world.bank().await;
    let app = &world.platform.app;
    let new = NewToken { name: "alarm panel", permissions: vec![OperateBanks, ViewBanks], days: 90 };
    let made = tokens::create(app, &principal(world.admin), new).await.unwrap();
    let mut panel =
        Program { router: world.program.router.clone(), token: made.token.expose().to_owned(), keys: 0 };
    let at = format!("/api/v1/banks/{}/lockdowns", bank.id);
    let nobodys = world.program.post(&at, r#"{"grade":"hold-all","lasts_s":3600}"#).await.expect(409);
    assert!(nobodys.body.contains("not_a_person"), "a token nobody made locks nothing down");
    panel.post(&at, r#"{"grade":"hold-most","lasts_s":3600}"#).await.expect(422);
    panel.post(&at, r#"{"grade":"hold-all","lasts_s":1}"#).await.expect(422);
    panel.post(&at, r#"{"grade":"hold-all","lasts_s":3600}"#).await.expect(204);
    assert!(bank.holds(CompartmentNo(1)));
    assert_eq!(bank.lockdowns()[0].owner, Some(world.admin), "the bank writes down who answers for it");
    let everywhere =
        panel.post("/api/v1/lockdowns", r#"{"grade":"hold-all","lasts_s":7200}"#).await.expect(200);
    assert_eq!(everywhere.json()["missed"], 0);
    let shown = bank.lockdowns();
    world.platform.app.live().update(bank.id, |live| live.lockdowns = shown);
    let listed = panel.get(&at).await.expect(200).json();
    assert_eq!(listed["items"][0]["begun_by"], world.admin.to_string());
    let page = world.browser.get(&format!("/banks/{}", bank.id)).await.expect(200);
    assert!(page.body.contains("Alex Example"), "who locked down is named on the bank's page");
    assert!(!page.body.contains(&format!(" {}", world.admin)), "by name, not by number");
}

#[tokio::test]
async fn a_bank_with_an_old_disk_says_so_and_is_taken_back_by_name() {
    let mut world = World::new().await;
    let bank = world.bank().await;
    let page = format!("/banks/{}/resynchronise", bank.id);
    assert!(world.browser.get(&page).await.expect(200).body.contains("nothing needs doing"));
    world.platform.app.live().update(bank.id, |live| live.warnings = vec!["disk-restored".into()]);
    let said = world.browser.get(&format!("/banks/{}", bank.id)).await.expect(200);
    assert!(said.body.contains("opens nothing") && said.body.contains(&page));
    let wrong = world.browser.submit(&page, &page, &[("confirm", "Garage")]).await.expect(422);
    assert!(wrong.body.contains("Error:"));
    let done = world.browser.submit(&page, &page, &[("confirm", "Lobby")]).await.expect(303);
    assert_eq!(done.location(), format!("/banks/{}/round?done=resynchronised", bank.id));
    let asked = world.platform.token(&[bailee_domain::access::Permission::EnrolBanks]).await;
    let api = format!("/api/v1/banks/{}/resynchronisation", bank.id);
    let mut asked = Program { router: world.program.router.clone(), ..asked };
    let refused = asked.post(&api, r#"{"confirm":"Lobby"}"#).await.expect(409);
    assert!(refused.body.contains("not_a_person"), "a program takes no bank back");
}
