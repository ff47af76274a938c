//! What a bank in the wrong hands does to the platform and to other banks, one attempt a test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app_bank;
#[path = "support/platform.rs"]
mod platform;
mod support;

use std::sync::Arc;

use app_bank::{FakeBank, layout};
use bailee_domain::bank::io::{Subject, Verdict};
use bailee_domain::compartment::{CompartmentNo, Reach, Size};
use bailee_domain::event::{Deposit, Event, EventKind};
use bailee_domain::id::{BankId, CarrierId, GrantId, ParcelId, PersonId};
use bailee_domain::time::{MonoTime, TimeQuality, WallTime};
use bailee_server::app::alarm::LETTERS_AN_HOUR;
use bailee_server::app::alerts::{self, AlertFilter, AlertRow, ListAlerts};
use bailee_server::app::link::{self, Desk};
use bailee_server::app::people::{self, ResidentInput};
use bailee_server::app::{Clock, Principal, ingest, outbox};
use bailee_server::gateway::io::{Input, Output};
use bailee_server::gateway::session::{PREVIEWS_A_MINUTE, Session};
use bailee_server::gateway::{Breach, Moment, News, Position};
use bailee_server::notify::templates::Facts;
use bailee_server::params;
use bailee_wire::event::{NO_EVENT, encode_bank};
use bailee_wire::link::{Events, FromBank, Hello};
use platform::Rig;
use support::Fresh;

async fn world() -> (Rig, Principal, FakeBank, PersonId) {
    on(support::fresh(support::On::SqliteCallers).await.unwrap()).await
}

async fn on(fresh: Fresh) -> (Rig, Principal, FakeBank, PersonId) {
    let (rig, admin) = Rig::with_admin(fresh).await;
    let bank = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Lobby", 1).await;
    let person = people::add_resident(&rig.app, &admin, resident("mara@canary.example")).await.unwrap();
    (rig, admin, bank, person)
}

fn resident(email: &'static str) -> ResidentInput<'static> {
    ResidentInput { name: "Mara Roth", unit: "4B", email, phone: "", reach: Reach::Standard }
}

async fn count(rig: &Rig, sql: &'static str) -> u32 {
    let row = rig.fresh.db.read(async move |tx| tx.query_one(sql, params![]).await).await.unwrap();
    row.get::<u32>(0).unwrap()
}

#[tokio::test]
async fn a_bank_cannot_use_up_the_numbers_of_rosters() {
    for revision in [u64::MAX, i64::MAX as u64, i64::MAX as u64 - 1] {
        let (rig, admin, bank, _) = world().await;
        bank.forge(&[EventKind::RosterTaken { revision }]);
        let _ = bank.try_upload(bank.batch(bank.last_seq())).await;
        let added = people::add_resident(&rig.app, &admin, resident("noor@canary.example")).await;
        assert!(added.is_ok(), "{revision}: {added:?}");
        FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Yard", 2).await;
    }
}

#[tokio::test]
async fn a_bank_cannot_drown_its_administrators_in_mail() {
    let (rig, _, bank, _) = world().await;
    let before = count(&rig, "SELECT COUNT(*) FROM message").await;
    let forced = EventKind::CompartmentForced { compartment: CompartmentNo(1) };
    bank.forge(&vec![forced; 200]);
    bank.upload().await;
    let mails = count(&rig, "SELECT COUNT(*) FROM message").await - before;
    assert!(mails <= 30, "{mails} mails by events");
}

#[tokio::test]
async fn a_bank_cannot_drown_its_administrators_in_previews() {
    let (rig, _, bank, _) = world().await;
    let before = count(&rig, "SELECT COUNT(*) FROM message").await;
    let forced = EventKind::CompartmentForced { compartment: CompartmentNo(1) };
    bank.forge(&vec![forced; 200]);
    for seq in bank.last_seq() - 199..=bank.last_seq() {
        ingest::alarm_preview(&rig.app, bank.id, seq, &bank.leaf(seq)).await.unwrap();
    }
    let mails = count(&rig, "SELECT COUNT(*) FROM message").await - before;
    assert!(mails <= 30, "{mails} mails by previews of events never uploaded");
}

#[tokio::test]
async fn a_bank_holds_no_more_parcels_than_it_has_compartments() {
    let (rig, _, bank, person) = world().await;
    let deposits: Vec<EventKind> = (1..=100u8)
        .map(|n| {
            EventKind::ParcelDeposited(Deposit {
                expires: WallTime::from_unix_ms(i64::MAX),
                ..deposit(n, 1, person, &rig)
            })
        })
        .collect();
    bank.forge(&deposits);
    bank.upload().await;
    let orders = count(&rig, "SELECT COUNT(*) FROM code_order").await;
    assert!(orders <= 12, "{orders} codes ordered for one compartment");
}

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

fn deposit(n: u8, compartment: u16, recipient: PersonId, rig: &Rig) -> Deposit {
    Deposit {
        parcel: ParcelId::from_bytes([n; 16]),
        grant: GrantId::from_bytes([n; 16]),
        compartment: CompartmentNo(compartment),
        recipient,
        courier: PersonId::from_bytes([0; 16]),
        carrier: CarrierId::from_bytes([0; 16]),
        size: Size::Small,
        expires: rig.clock.now().plus_ms(7 * DAY_MS),
    }
}

async fn open_alerts(rig: &Rig, admin: &Principal) -> Vec<AlertRow> {
    let input = ListAlerts { filter: AlertFilter::Open, before: None, limit: 200 };
    alerts::list(&rig.app, admin, input).await.unwrap().rows
}

async fn kinds(rig: &Rig, admin: &Principal) -> Vec<String> {
    open_alerts(rig, admin).await.into_iter().map(|alert| alert.kind).collect()
}

/// Uploads what is new in batches as large as they may be.
async fn upload_all(bank: &FakeBank, mut from: u64) {
    while from <= bank.last_seq() {
        let to = bank.last_seq().min(from + 255);
        bank.try_upload(bank.part(from, to)).await.unwrap();
        from = to + 1;
    }
}

fn hello(bank: BankId, last_seq: u64, roster_revision: u64) -> Hello {
    Hello {
        bank,
        software: "bailee 1".into(),
        boot: 1,
        last_seq,
        acked_seq: 0,
        roster_revision,
        layout: layout(),
        clock: platform::START,
        clock_quality: TimeQuality::Trusted,
        screens: 1,
        witness: None,
    }
}

async fn greets(rig: &Rig, bank: &FakeBank, roster_revision: u64) {
    let desk = Desk::new(&rig.app);
    let moment = Moment { mono: MonoTime::from_ms(0), wall: rig.app.now() };
    let ports = link::ports(&rig.app, &desk, Arc::new(move || moment));
    let greeting = News::Greeted(Box::new(hello(bank.id, bank.last_seq(), roster_revision)));
    ports.ingest.news(bank.id, greeting).await;
}

#[tokio::test]
async fn an_absurd_greeting_moves_no_roster_and_is_told_once() {
    let (rig, admin, bank, _) = world().await;
    let before = count(&rig, "SELECT roster_revision FROM org").await;
    for revision in [u64::MAX, u64::from(before) + (1 << 20) + 1] {
        greets(&rig, &bank, revision).await;
    }
    assert_eq!(count(&rig, "SELECT roster_revision FROM org").await, before);
    assert_eq!(kinds(&rig, &admin).await, ["RosterClaimed"]);
    greets(&rig, &bank, u64::from(before) + 9).await;
    assert_eq!(
        count(&rig, "SELECT roster_revision FROM org").await,
        before + 10,
        "a platform restored from a backup goes beyond what its banks have"
    );
}

#[tokio::test]
async fn a_bank_cannot_push_rosters_out_of_reach_in_small_steps() {
    let (rig, admin, bank, _) = world().await;
    let from = bank.last_seq() + 1;
    let steps: Vec<_> = (1..=2_300).map(|n| EventKind::RosterTaken { revision: n << 20 }).collect();
    bank.forge(&steps);
    upload_all(&bank, from).await;
    assert_eq!(kinds(&rig, &admin).await, ["RosterClaimed"]);
    people::add_resident(&rig.app, &admin, resident("noor@canary.example")).await.unwrap();
    // A bank that has taken nothing yet takes the newest.
    let yard = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Yard", 2).await;
    yard.last_of(|kind| matches!(kind, EventKind::RosterTaken { revision } if *revision > 1 << 30));
}

#[tokio::test]
async fn alarms_alike_are_one_alert_that_counts_them() {
    let (rig, admin, bank, _) = world().await;
    let forced = EventKind::CompartmentForced { compartment: CompartmentNo(1) };
    let stored = count(&rig, "SELECT COUNT(*) FROM event").await;
    bank.forge(&vec![forced.clone(); 20]);
    let first = bank.last_seq() - 19;
    for seq in first + 3..first + 9 {
        ingest::alarm_preview(&rig.app, bank.id, seq, &bank.leaf(seq)).await.unwrap();
    }
    rig.later(60_000);
    bank.forge(std::slice::from_ref(&forced));
    bank.upload().await;
    let open = open_alerts(&rig, &admin).await;
    assert_eq!((open.len(), open[0].times), (1, 21));
    assert_eq!((open[0].at, open[0].last_at), (platform::START, platform::START.plus_ms(60_000)));
    let events = count(&rig, "SELECT COUNT(*) FROM event").await - stored;
    assert_eq!(events, 22, "each of them is in the log, with the signed head");

    alerts::acknowledge(&rig.app, &admin, open[0].id).await.unwrap();
    ingest::alarm_preview(&rig.app, bank.id, first, &bank.leaf(first)).await.unwrap();
    assert!(open_alerts(&rig, &admin).await.is_empty(), "what is held already is no news");
    bank.forge(&[forced]);
    bank.upload().await;
    let open = open_alerts(&rig, &admin).await;
    assert_eq!((open.len(), open[0].times), (1, 1), "what happens after somebody looked is told anew");
}

on_every_engine![beyond_ten_alarms_an_hour_one_letter_says_how_many];

async fn beyond_ten_alarms_an_hour_one_letter_says_how_many(fresh: Fresh) {
    let (rig, admin, bank, _) = on(fresh).await;
    let alarms = |of: fn(CompartmentNo) -> EventKind| (1..=12).map(move |n| of(CompartmentNo(n)));
    let forced = alarms(|compartment| EventKind::CompartmentForced { compartment });
    let held = alarms(|compartment| EventKind::CompartmentHeldOpen { compartment });
    let nowhere = (500..700).map(|n| EventKind::CompartmentFoundOpen { compartment: CompartmentNo(n) });
    bank.forge(&forced.chain(held).chain(nowhere).collect::<Vec<_>>());
    bank.upload().await;
    assert_eq!(open_alerts(&rig, &admin).await.len(), 25, "doors it does not have are one alert");
    let (now, later) = letters(&rig).await;
    assert_eq!(now.len(), LETTERS_AN_HOUR as usize);
    assert_eq!(later.len(), 1, "{later:?}");
    assert!(later[0].starts_with("15 more alarms within an hour, the latest: "), "{later:?}");

    rig.later(HOUR_MS);
    bank.forge(&[EventKind::KeypadClosed { until: None }]);
    bank.upload().await;
    let (now, later) = letters(&rig).await;
    assert_eq!(
        (now.len(), later.len()),
        (LETTERS_AN_HOUR as usize + 2, 0),
        "the digest is due, and a new hour has begun"
    );
    let yard = FakeBank::enrolled(&rig.app, &rig.clock, &admin, "Yard", 2).await;
    yard.forge(&[EventKind::KeypadClosed { until: None }]);
    yard.upload().await;
    assert_eq!(letters(&rig).await.0.len(), now.len() + 1, "each bank has its own count");
}

/// What alarm letters say: those that are due, and those kept for later.
async fn letters(rig: &Rig) -> (Vec<String>, Vec<String>) {
    let sql = "SELECT id, variables, next_at FROM message WHERE template = 'alarm' ORDER BY id";
    let rows = rig.fresh.db.read(async move |tx| tx.query(sql, params![]).await).await.unwrap();
    let (mut now, mut later) = (Vec::new(), Vec::new());
    for row in rows {
        let id = row.get::<String>("id").unwrap().parse().unwrap();
        let letter = outbox::open(&rig.app, id, &row.get::<Vec<u8>>("variables").unwrap()).unwrap();
        let Facts::Alarm { alarm, .. } = letter.facts else { panic!("another letter") };
        let due = row.get::<i64>("next_at").unwrap() <= rig.clock.now().unix_ms();
        if due { now.push(alarm) } else { later.push(alarm) }
    }
    (now, later)
}

#[tokio::test]
async fn no_code_is_made_for_a_parcel_that_cannot_be_as_the_bank_says() {
    let (rig, admin, bank, person) = world().await;
    let now = rig.clock.now();
    bank.forge(&[
        EventKind::ParcelDeposited(deposit(1, 1, person, &rig)),
        EventKind::ParcelDeposited(deposit(2, 1, person, &rig)),
        EventKind::ParcelDeposited(deposit(3, 999, person, &rig)),
        EventKind::ParcelDeposited(Deposit {
            expires: now.plus_ms(32 * DAY_MS),
            ..deposit(4, 4, person, &rig)
        }),
        EventKind::ParcelDeposited(Deposit { expires: now, ..deposit(5, 5, person, &rig) }),
    ]);
    let events = count(&rig, "SELECT COUNT(*) FROM event").await;
    bank.upload().await;
    assert_eq!(count(&rig, "SELECT COUNT(*) FROM code_order").await, 1, "for the one that can be");
    assert_eq!(count(&rig, "SELECT COUNT(*) FROM parcel").await, 3, "what may lie in a free door is kept");
    assert_eq!(
        count(&rig, "SELECT COUNT(*) FROM event").await,
        events + 6,
        "every event, and the signed head"
    );
    let mut doors: Vec<_> =
        open_alerts(&rig, &admin).await.into_iter().map(|it| (it.kind, it.compartment)).collect();
    doors.sort();
    let conflict = |door| ("ParcelConflict".to_owned(), door);
    assert_eq!(doors, [conflict(None), conflict(Some(1)), conflict(Some(4)), conflict(Some(5))]);

    bank.forge(&[
        EventKind::ParcelCollected {
            parcel: ParcelId::from_bytes([1; 16]),
            compartment: CompartmentNo(1),
            grant: GrantId::from_bytes([1; 16]),
        },
        EventKind::ParcelDeposited(deposit(6, 1, person, &rig)),
    ]);
    bank.upload().await;
    let wanted = "SELECT COUNT(*) FROM code_order WHERE state = 'wanted'";
    assert_eq!(count(&rig, wanted).await, 1, "a door that was emptied is used again");
}

const HERE: BankId = BankId::from_bytes([8; 16]);

fn at(ms: u64) -> Moment {
    Moment { mono: MonoTime::from_ms(ms), wall: platform::START }
}

/// A session with a bank that says it has written so many events, of which none is held.
fn greeted(last_seq: u64) -> Session {
    let mut session = Session::new(MonoTime::from_ms(0), HERE, [0; 32]);
    session.handle(at(0), Input::Connected(Position::START));
    says(&mut session, 0, &FromBank::Hello(Box::new(hello(HERE, last_seq, 0))));
    session
}

fn says(session: &mut Session, ms: u64, message: &FromBank) -> Vec<Output> {
    session.handle(at(ms), Input::Frame(message.encode()));
    std::iter::from_fn(|| session.poll_output()).collect()
}

fn forced(seq: u64) -> Vec<u8> {
    let kind = EventKind::CompartmentForced { compartment: CompartmentNo(1) };
    let event = Event { seq, at: platform::START, quality: TimeQuality::Trusted, kind };
    encode_bank(HERE, &NO_EVENT, &event)
}

fn hears_ahead(session: &mut Session, ms: u64, seq: u64) -> bool {
    let outputs = says(session, ms, &FromBank::Alarm { seq, event: forced(seq) });
    assert!(!outputs.iter().any(|it| matches!(it, Output::Close(_) | Output::ChainBroken(_))), "{outputs:?}");
    outputs.iter().any(|it| matches!(it, Output::AlarmPreview { .. }))
}

#[test]
fn an_alarm_is_heard_ahead_only_near_what_the_bank_has_written() {
    let mut session = greeted(50);
    assert!(hears_ahead(&mut session, 0, 1_050));
    for seq in [1_051, u64::from(u32::MAX), u64::MAX] {
        assert!(!hears_ahead(&mut session, 0, seq), "{seq}");
    }
    let mut boasts = greeted(u64::MAX);
    assert!(!hears_ahead(&mut boasts, 0, u64::MAX));
}

#[test]
fn alarms_ahead_of_their_turn_are_heard_so_many_a_minute() {
    let mut session = greeted(500);
    let heard = |session: &mut Session, ms, seqs: std::ops::Range<u64>| {
        u32::try_from(seqs.filter(|seq| hears_ahead(session, ms, *seq)).count()).unwrap()
    };
    assert_eq!(heard(&mut session, 0, 1..201), PREVIEWS_A_MINUTE);
    assert_eq!(heard(&mut session, 50_000, 201..301), 0);
    session.handle(at(51_000), Input::Disconnected);
    session.handle(at(51_000), Input::Connected(Position::START));
    says(&mut session, 51_000, &FromBank::Hello(Box::new(hello(HERE, 500, 0))));
    assert_eq!(heard(&mut session, 52_000, 301..401), 0, "a new connection is no new minute");
    assert_eq!(heard(&mut session, 60_000, 401..501), PREVIEWS_A_MINUTE);
}

#[test]
fn a_batch_at_the_end_of_the_numbers_is_refused() {
    for first in [u64::MAX, u64::MAX - 1] {
        let mut session = greeted(9);
        let events = Events { first, events: vec![forced(first), forced(u64::MAX)], head_signature: None };
        let outputs = says(&mut session, 0, &FromBank::Events(events));
        let gap = Output::ChainBroken(Breach::Gap { expected: 1, found: first });
        assert!(outputs.contains(&gap), "{outputs:?}");
    }
}

#[tokio::test]
async fn a_courier_named_like_a_grant_is_told_apart_by_the_code() {
    let (_, _, bank, _) = world().await;
    let (grant, courier) =
        (Subject::Grant(GrantId::from_bytes([7; 16])), Subject::Courier(PersonId::from_bytes([7; 16])));
    let candidates = [(grant, "27182818"), (courier, "31415926")];
    assert_eq!(bank.compares("27182818", &candidates), Verdict::Match(grant));
    assert_eq!(bank.compares("31415926", &candidates), Verdict::Match(courier));
    assert_eq!(bank.compares("16180339", &candidates), Verdict::Miss);
}
