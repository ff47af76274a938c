//! Pages and what they show.

use super::*;

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
