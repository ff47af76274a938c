//! Badges, work orders and keys in custody as programs and browsers meet them; the real bank answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app_bank;
mod http_support;
mod http_world;

use app_bank::FakeBank;
use axum::http::Method;
use bailee_domain::access::{Assignment, Role, Scope};
use bailee_domain::badge::{Assurance, BadgeKind, BadgeShown};
use bailee_domain::bank::io::{Action, Input, Request};
use bailee_domain::bank::screen::Screen;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::PersonId;
use bailee_server::app::link::Ask as _;
use bailee_server::app::{AppError, badges, banks, delivery, outbox, work_orders};
use bailee_server::notify::templates::Facts;
use bailee_server::store::tables::assignment;
use bailee_server::store::tables::message::MessageRow;
use bailee_wire::event::time_text;
use http_world::World;
use serde_json::{Value, json};

const HOUR_MS: i64 = 3_600_000;

impl World {
    async fn resident(&mut self, name: &str) -> PersonId {
        let new = json!({"name": name, "unit": "4B", "email": format!("{name}@example.org")});
        let made = self.program.post("/api/v1/residents", &new.to_string()).await.expect(201).json();
        made["id"].as_str().unwrap().parse().unwrap()
    }

    /// The bank hears of everybody there is.
    async fn told(&self, bank: &FakeBank) {
        let roster = banks::roster(&self.platform.app, bank.id).await.unwrap();
        let deadline = self.platform.app.now().plus_ms(15_000);
        self.banks.ask(bank.id, Request::TakeRoster(roster), deadline).await.unwrap();
        bank.upload().await;
    }

    /// The newest code a letter to this person holds.
    async fn letter(&self, person: PersonId) -> String {
        let due = delivery::due(&self.platform.app, 64).await.unwrap();
        let code = |row: &MessageRow| match outbox::open(&self.platform.app, row.id, row.variables.as_ref()?)
            .unwrap()
            .facts
        {
            Facts::BadgeCode { code, .. } | Facts::WorkCode { code, .. } => Some(code),
            _ => None,
        };
        due.iter()
            .filter(|row| row.person == person)
            .filter_map(code)
            .next_back()
            .expect("a letter with a code")
    }

    async fn delete(&mut self, path: &str) -> http_support::Answer {
        self.program.call(Method::DELETE, path, None, &[]).await
    }
}

#[tokio::test]
async fn a_program_has_a_badge_enrolled_and_follows_its_loss_until_the_bank_confirms() {
    let mut world = World::new().await;
    let bank = world.bank().await;
    let sam = world.resident("sam").await;
    let at = format!("/api/v1/people/{sam}/badges");
    let here = json!({"bank": bank.id.to_string()}).to_string();
    let code = format!("{at}/code");
    let early = world.program.post(&code, &here).await.expect(409);
    assert!(early.body.contains("refused_by_bank"), "the bank does not know them yet: {}", early.body);
    world.told(&bank).await;
    world.program.post(&code, &here).await.expect(204);
    bank.enter(&world.letter(sam).await);
    assert!(matches!(bank.screen(), Screen::HoldBadge), "{:?}", bank.screen());
    let (kind, assurance) = (BadgeKind::Application, Assurance::Strong);
    bank.input(Input::Badge(BadgeShown { reader: 1, kind, assurance, mac: [7; 32] }));
    bank.upload().await;
    let known = world.program.get(&at).await.expect(200).json();
    assert_eq!(known["enrolled"][0]["bank"], bank.id.to_string());
    assert_eq!(
        (&known["enrolled"][0]["strong"], &known["enrolled"][0]["forgotten_at"]),
        (&json!(true), &Value::Null)
    );

    let asked = world.delete(&at).await.expect(202).json();
    assert_eq!(asked["revocations"][0]["confirmed_at"], Value::Null, "it may still work there");
    let again = world.program.post(&code, &here).await.expect(409);
    assert!(again.body.contains("revocation_open"), "{}", again.body);
    assert!(badges::carry_on(&world.platform.app, &world.banks).await.unwrap());
    bank.upload().await;
    let known = world.program.get(&at).await.expect(200).json();
    assert!(
        known["revocations"][0]["confirmed_at"].is_string()
            && known["enrolled"][0]["forgotten_at"].is_string()
    );
    let nobody = format!("/api/v1/people/{}/badges", PersonId::from_bytes([9; 16]));
    world.program.get(&nobody).await.expect(404);
    world.delete(&nobody).await.expect(404);
}

#[tokio::test]
async fn a_program_writes_a_work_order_whose_code_opens_its_doors_until_it_is_closed() {
    let mut world = World::new().await;
    let bank = world.bank().await;
    let toni = world.resident("toni").await;
    let at = format!("/api/v1/banks/{}/work-orders", bank.id);
    let now = world.platform.app.now();
    let order = |doors: &[u16], hours: i64| {
        let until = time_text(now.plus_ms(hours * HOUR_MS));
        json!({"technician": toni.to_string(), "doors": doors, "begins": time_text(now), "expires": until, "task": "exchange the lock"})
            .to_string()
    };
    let wrong = world.program.post(&at, &order(&[3], 8)).await.expect(422);
    assert!(wrong.body.contains("technician"), "a resident repairs nothing: {}", wrong.body);
    let role = Assignment { role: Role::Technician, scope: Scope::Organisation };
    let given = world
        .platform
        .app
        .db()
        .tx(async move |tx| Ok::<_, AppError>(assignment::insert(&tx, toni, role).await?));
    given.await.unwrap();
    for (doors, hours, field) in
        [(&[99][..], 8, "doors"), (&[], 8, "doors"), (&[3], 15 * 24, "expires"), (&[3], -1, "expires")]
    {
        let wrong = world.program.post(&at, &order(doors, hours)).await.expect(422);
        assert!(wrong.body.contains(field), "{doors:?} for {hours} h: {}", wrong.body);
    }
    let made = world.program.post(&at, &order(&[3, 4], 8)).await.expect(201).json()["id"].clone();
    let code = world.letter(toni).await;
    assert!(work_orders::carry_on(&world.platform.app, &world.banks).await.unwrap());
    bank.upload().await;
    let listed = world.program.get(&at).await.expect(200).json();
    assert_eq!(listed["items"][0]["id"], made);
    assert_eq!(
        (&listed["items"][0]["state"], &listed["items"][0]["doors"]),
        (&json!("open"), &json!([3, 4]))
    );
    bank.enter(&code);
    bank.act(Action::ChooseDoor(CompartmentNo(4)));
    assert!(
        matches!(bank.screen(), Screen::Inspecting { compartment: CompartmentNo(4) }),
        "{:?}",
        bank.screen()
    );
    bank.close(CompartmentNo(4));
    bank.act(Action::Finish);

    let close = format!("{at}/{}/close", made.as_str().unwrap());
    world.program.post(&close, r#"{"note":" "}"#).await.expect(422);
    world.program.post(&close, r#"{"note":"exchanged"}"#).await.expect(204);
    assert!(work_orders::carry_on(&world.platform.app, &world.banks).await.unwrap());
    bank.upload().await;
    let listed = world.program.get(&at).await.expect(200).json();
    assert_eq!(
        (&listed["items"][0]["state"], &listed["items"][0]["note"]),
        (&json!("closed"), &json!("exchanged"))
    );
    bank.enter(&code);
    assert!(matches!(bank.screen(), Screen::Home { .. }), "the order is over");
    let page = world.browser.get(&format!("/banks/{}/work-orders", bank.id)).await.expect(200);
    assert!(page.body.contains("exchange the lock") && page.body.contains("exchanged"));
}

#[tokio::test]
async fn a_key_is_released_by_two_people_in_the_portal_and_a_program_sees_where_it_is() {
    let mut world = World::new().await;
    let bank = world.bank().await;
    let page = format!("/banks/{}/keys", bank.id);
    let at = format!("/api/v1{page}");
    let nothing = world.browser.submit(&page, &page, &[("label", ""), ("seal", "")]).await.expect(422);
    assert!(nothing.body.contains("Error:"));
    world.browser.submit(&page, &page, &[("label", "Master key"), ("seal", "0048113")]).await.expect(303);
    let key = world.program.get(&at).await.expect(200).json()["items"][0].clone();
    assert_eq!(
        (&key["label"], &key["seal"], &key["state"]),
        (&json!("Master key"), &json!("0048113"), &json!("sealed"))
    );
    let act = |what: &str| format!("{page}/{}/{what}", key["id"].as_str().unwrap());
    world
        .browser
        .submit(&page, &act("ask"), &[("reason", "a parcel is stuck"), ("hours", "4")])
        .await
        .expect(303);
    let alone = world.browser.submit(&page, &act("agree"), &[]).await.expect(303);
    assert!(alone.location().contains("cannot=same-person"), "{}", alone.location());
    let mut second = world.platform.somebody(Role::Operator).await;
    second.router = world.browser.router.clone();
    second.submit(&page, &act("agree"), &[]).await.expect(303);
    let out = world.program.get(&at).await.expect(200).json()["items"][0].clone();
    assert_eq!((&out["state"], &out["asked_by"]), (&json!("out"), &json!(world.admin.to_string())));
    assert!(out["agreed_by"].is_string() && out["agreed_by"] != out["asked_by"] && out["until"].is_string());
    let same = world.browser.submit(&page, &act("return"), &[("seal", "0048113")]).await.expect(303);
    assert!(same.location().contains("cannot=same-seal"), "{}", same.location());
    world.browser.submit(&page, &act("return"), &[("seal", "0048114")]).await.expect(303);
    let back = world.program.get(&at).await.expect(200).json()["items"][0].clone();
    assert_eq!((&back["state"], &back["seal"]), (&json!("sealed"), &json!("0048114")));
    let refused = world.program.post(&at, "{}").await;
    assert!(matches!(refused.status, 404 | 405), "a program releases nothing: {}", refused.status);
}
