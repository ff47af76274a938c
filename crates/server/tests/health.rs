//! The health of banks as staff notice it: told once, taken back when it is over, kept while the bank is offline.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app_bank;
mod http_support;
#[path = "support/platform.rs"]
mod platform;
mod support;

use std::sync::Arc;

use app_bank::FakeBank;
use bailee_domain::access::{Assignment, Permission, Role, Scope};
use bailee_domain::budget::Keypad;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::health::wear::Trend;
use bailee_domain::health::{
    Clock, Disk, DoorFigures, Guard, Health, LinkKeys, Supply, SupplyKind, Temperature,
};
use bailee_domain::id::BankId;
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::TimeQuality;
use bailee_server::app::alerts::{self, AlertFilter, ListAlerts};
use bailee_server::app::link::{self, Desk};
use bailee_server::app::{App, Principal, health};
use bailee_server::gateway::{Moment, News};
use bailee_wire::link::BankStatus;
use platform::Rig;
use support::Fresh;

on_every_engine![
    what_fails_is_told_once_and_taken_back_when_it_is_over,
    a_number_at_its_limit_is_one_alert,
    a_month_is_kept_hour_by_hour_and_no_longer,
    a_report_outlives_the_platforms_restart,
];

const MINUTE: i64 = 60_000;
const MB: u64 = 1_000_000;

fn well() -> Health {
    Health {
        software: "bailee 0.1.0".into(),
        up_s: 90_000,
        disk: Some(Disk { free: 20_000 * MB, total: 32_000 * MB, journal: MB }),
        power: vec![Supply {
            name: "BAT0".into(),
            kind: SupplyKind::Battery,
            millivolts: Some(12_100),
            charge: Some(97),
            ..Supply::default()
        }],
        temperatures: vec![Temperature { name: "cpu-thermal".into(), millidegrees: 48_300 }],
        clock: Clock { quality: TimeQuality::Trusted, offset_ms: Some(-40) },
        link: LinkKeys { pins: 2 },
        guard: Guard::InOrder,
        ..Health::default()
    }
}

fn full() -> Health {
    Health { disk: Some(Disk { free: 90 * MB, total: 32_000 * MB, journal: 80 * MB }), ..well() }
}

fn tiring() -> Health {
    let door = DoorFigures {
        compartment: CompartmentNo(7),
        tried: 50,
        opened: 50,
        in_vain: 0,
        usual_ms: Some(480),
        slowest_ms: Some(700),
        trend: Some(Trend { from_ms: 210, to_ms: 480, days: 29 }),
    };
    Health { doors: vec![door], ..well() }
}

/// Passes a bank's report on as the gateway does.
async fn report(app: &App, bank: BankId, health: Health) {
    let clock = app.clone();
    let moment =
        Arc::new(move || Moment { mono: bailee_domain::time::MonoTime::from_ms(0), wall: clock.now() });
    let ports = link::ports(app, &Desk::new(app), moment);
    let status = BankStatus {
        version: 1,
        doors: Vec::new(),
        boards: Vec::new(),
        keypad: Keypad::Ready,
        warnings: Vec::new(),
        lockdowns: Vec::new(),
        truth: Vec::new(),
        tampers: Vec::new(),
        health: Some(Box::new(health)),
    };
    ports.ingest.news(bank, News::Status(status)).await;
}

async fn open_alerts(app: &App, admin: &Principal) -> Vec<(String, Option<u16>)> {
    let listed = ListAlerts { filter: AlertFilter::Open, before: None, limit: 50 };
    let rows = alerts::list(app, admin, listed).await.unwrap().rows;
    rows.into_iter().map(|row| (row.kind, row.compartment)).collect()
}

async fn what_fails_is_told_once_and_taken_back_when_it_is_over(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let bank = rig.enrolled_bank("Lobby").await;
    report(&rig.app, bank, well()).await;
    assert_eq!(open_alerts(&rig.app, &admin).await, []);
    let began = rig.app.now().plus_ms(MINUTE);
    for _ in 0..30 {
        rig.later(MINUTE);
        let worst = Health { doors: tiring().doors, ..full() };
        report(&rig.app, bank, worst).await;
    }
    let mut open = open_alerts(&rig.app, &admin).await;
    open.sort();
    assert_eq!(open, [("HealthDisk".into(), None), ("HealthDoor".into(), Some(7))]);
    let seen = health::view(&rig.app, &admin, bank).await.unwrap();
    let since: Vec<_> = seen.findings.iter().map(|(finding, since)| (finding.why.name(), *since)).collect();
    assert_eq!(since, [("disk-low", Some(began)), ("door-slower", Some(began))], "worst first");
    for _ in 0..30 {
        rig.later(MINUTE);
        report(&rig.app, bank, tiring()).await;
    }
    assert_eq!(open_alerts(&rig.app, &admin).await, [("HealthDoor".into(), Some(7))]);
    let (actor, event) = rig.last_event().await;
    assert!(actor == Actor::Platform && matches!(event, PlatformEventKind::AlertAcknowledged { .. }));
}

async fn a_number_at_its_limit_is_one_alert(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let bank = rig.enrolled_bank("Lobby").await;
    for minute in 0..240 {
        report(&rig.app, bank, if minute % 8 == 0 { full() } else { well() }).await;
        rig.later(MINUTE);
    }
    assert_eq!(open_alerts(&rig.app, &admin).await, [("HealthDisk".into(), None)]);
    let listed = ListAlerts { filter: AlertFilter::All, before: None, limit: 50 };
    let all = alerts::list(&rig.app, &admin, listed).await.unwrap().rows;
    assert_eq!((all.len(), all[0].times), (1, 1));
}

async fn a_month_is_kept_hour_by_hour_and_no_longer(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let bank = rig.enrolled_bank("Lobby").await;
    for shift in 0..40 * 3 {
        let warm = |mc| vec![Temperature { name: "cpu".into(), millidegrees: mc }];
        report(&rig.app, bank, Health { temperatures: warm(40_000 + shift), ..well() }).await;
        rig.later(10 * MINUTE);
        report(&rig.app, bank, Health { temperatures: warm(20_000), ..well() }).await;
        rig.later(470 * MINUTE);
    }
    let hours = health::view(&rig.app, &admin, bank).await.unwrap().hours;
    assert!((89..=91).contains(&hours.len()), "thirty days of three: {}", hours.len());
    assert!(hours.windows(2).all(|pair| pair[0].hour < pair[1].hour));
    assert!(hours.iter().all(|hour| hour.temperature >= Some(40_000)), "the worst of each hour");
    assert_eq!((hours[0].disk_free, hours[0].millivolts), (Some(20_000), Some(12_100)));
}

async fn a_report_outlives_the_platforms_restart(fresh: Fresh) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let bank = rig.enrolled_bank("Lobby").await;
    let other = rig.enrolled_bank("Garage").await;
    report(&rig.app, bank, full()).await;
    let heard = rig.app.now();
    rig.later(7 * 24 * 60 * MINUTE);
    let again = platform::open(rig.fresh.db.clone(), &rig.kek, rig.clock.clone(), 9).await;
    let seen = health::view(&again, &admin, bank).await.unwrap();
    assert_eq!(seen.report, Some((full(), heard)));
    assert_eq!(seen.findings[0].1, Some(heard));
    assert_eq!(health::view(&again, &admin, other).await.unwrap().report, None);
}

fn everything() -> Principal {
    let all = Assignment { role: Role::SuperAdmin, scope: Scope::Organisation };
    Principal { actor: Actor::Platform, roles: vec![all], limited_to: None }
}

#[tokio::test]
async fn the_banks_page_says_why_something_is_red_and_what_to_do() {
    let platform = http_support::platform().await;
    let mut browser = platform.signed_in().await;
    let bank = FakeBank::enrolled(&platform.app, &platform.clock, &everything(), "Lobby", 3).await;
    let path = format!("/banks/{}/health", bank.id);
    let before = browser.get(&path).await.expect(200);
    assert!(before.body.contains("Nothing measured yet"), "{}", before.body);
    report(&platform.app, bank.id, Health { doors: tiring().doors, ..full() }).await;
    bank.disconnect();
    let page = browser.get(&path).await.expect(200).body;
    for said in
        ["90 MB free of", "opens no door", "Remove old logs", "Door ", "Plan a visit", "cpu-thermal: 48.3 °C"]
    {
        assert!(page.replace(['\u{2068}', '\u{2069}'], "").contains(said), "no {said:?} in {page}");
    }
    assert!(page.contains("these numbers are old"), "a bank that is not connected");
    let red = page.find(">Fails<").unwrap();
    assert!(red < page.find("cpu-thermal").unwrap(), "the worst comes first");
    let short = browser.get(&format!("/banks/{}", bank.id)).await.expect(200).body;
    assert!(short.replace(['\u{2068}', '\u{2069}'], "").contains("90 MB free of") && short.contains(&path));
    let alerts = browser.get("/alerts").await.expect(200).body;
    assert!(alerts.contains("Disk nearly full") && alerts.contains("?compartment=7"), "{alerts}");
}

#[tokio::test]
async fn programs_read_a_banks_health() {
    let platform = http_support::platform().await;
    let program = platform.token(&[Permission::ViewBanks]).await;
    let bank = FakeBank::enrolled(&platform.app, &platform.clock, &everything(), "Lobby", 3).await;
    let path = format!("/api/v1/banks/{}/health", bank.id);
    program.get(&path).await.expect(404);
    report(&platform.app, bank.id, full()).await;
    platform.clock.advance_ms(90_000);
    let told = program.get(&path).await.expect(200).json();
    assert_eq!((&told["level"], &told["age_s"]), (&"red".into(), &90.into()));
    assert_eq!(told["findings"][0]["why"], "disk-low");
    assert!(told["findings"][0]["since"].is_string());
    assert_eq!(told["disk"]["free"], 90 * MB);
    let stranger = platform.token(&[Permission::ViewParcels]).await;
    stranger.get(&path).await.expect(403);
}
