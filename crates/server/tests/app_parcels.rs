//! From a drop-off to a code that opens one door once, as recipients and staff would notice it, on every engine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app_bank;
#[path = "support/platform.rs"]
mod platform;
mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use app_bank::{Banks, FakeBank};
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, Reach};
use bailee_domain::event::EventKind;
use bailee_domain::id::{GrantId, ParcelId, PersonId};
use bailee_domain::parcel::Custody;
use bailee_domain::time::{MonoTime, TimeQuality, WallTime};
use bailee_server::app::alerts::{self, AlertFilter, ListAlerts};
use bailee_server::app::couriers::{self, CourierInput};
use bailee_server::app::ingest::{self, Breach, Taken};
use bailee_server::app::link::{self, Ask, Desk, NotAnswered};
use bailee_server::app::log::{self, ListLog, LogFilter, LogRow, csv};
use bailee_server::app::parcels::{self, CodeStatus, ListParcels, ParcelFilter, ParcelState};
use bailee_server::app::people::{self, ResidentInput};
use bailee_server::app::{App, AppError, Principal, Refused, carriers, install};
use bailee_server::gateway::{self, Commands, Moment, News};
use bailee_server::jobs::{Job, Jobs, Outbound, Progress};

use bailee_server::notify::{Accepted, Channel, Content, Outgoing, SendFailure, Sender, Sending};
use bailee_server::params;
use bailee_server::store::StoreError;
use bailee_server::store::tables::message::MessageState;
use bailee_vault::sign::PublicKey;
use bailee_vault::tls::Pin;
use bailee_wire::chain::Checker;
use bailee_wire::link::Hello;
use futures_util::TryStreamExt;
use platform::{Rig, contains, refused};
use support::Fresh;

on_every_engine![
    a_code_is_sent_only_after_the_bank_has_it,
    duplicate_and_reordered_uploads_are_stored_once,
    forged_events_are_refused_with_an_alert,
    send_again_ends_the_old_code,
    an_extension_brings_a_new_code_and_time,
    a_parcel_is_overdue_once_after_seven_days,
    an_alarm_is_told_once_however_often_it_comes,
    gateways_that_refuse_or_hang_lose_nothing,
    a_message_is_given_up_after_three_days_and_staff_are_told,
    nothing_is_acknowledged_that_is_not_stored,
    codes_of_one_bank_are_never_alike,
    a_parcel_for_somebody_forgotten_is_kept,
    a_collected_parcels_waiting_messages_are_not_sent,
    a_silent_bank_is_noted_once_and_so_is_its_return,
    an_enrolment_token_works_once_and_for_its_keys_only,
    the_log_is_proven_filtered_and_exported,
    a_bank_cannot_touch_the_parcels_of_another,
    the_gateways_ports_carry_a_parcel,
    one_damaged_order_or_message_stops_no_other,
];

const DAY_MS: i64 = 86_400_000;

/// A gateway that does as told and keeps what it took.
struct FakeGateway {
    channel: Channel,
    answer: Mutex<Result<(), SendFailure>>,
    taken: Mutex<Vec<Outgoing>>,
    tries: Mutex<u32>,
}

impl FakeGateway {
    fn new(channel: Channel) -> Arc<Self> {
        Arc::new(Self {
            channel,
            answer: Mutex::new(Ok(())),
            taken: Mutex::default(),
            tries: Mutex::default(),
        })
    }

    fn says(&self, answer: Result<(), SendFailure>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn tries(&self) -> u32 {
        *self.tries.lock().unwrap()
    }

    fn texts(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        let text = |message: &Outgoing| match &message.content {
            Content::Email(mail) => format!("{}\n{}", mail.subject.as_str(), mail.text),
            Content::Sms(sms) => sms.text.clone(),
        };
        taken.iter().map(text).collect()
    }
}

impl Sender for FakeGateway {
    fn channel(&self) -> Channel {
        self.channel
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        *self.tries.lock().unwrap() += 1;
        let answer = self.answer.lock().unwrap().clone();
        if answer.is_ok() {
            self.taken.lock().unwrap().push(message.clone());
        }
        Box::pin(std::future::ready(answer.map(|()| Accepted { reference: "ok".into() })))
    }
}

/// A platform with one bank, a courier, a resident and two gateways.
struct World {
    rig: Rig,
    app: App,
    admin: Principal,
    bank: FakeBank,
    jobs: Jobs,
    email: Arc<FakeGateway>,
    sms: Arc<FakeGateway>,
    mara: PersonId,
    courier_code: String,
}

impl World {
    async fn new(fresh: Fresh) -> Self {
        let (rig, admin) = Rig::with_admin(fresh).await;
        let app = rig.app.clone();
        let bank = FakeBank::enrolled(&app, &rig.clock, &admin, "Lobby", 1).await;
        let (email, sms) = (FakeGateway::new(Channel::Email), FakeGateway::new(Channel::Sms));
        let outbound = Outbound { email: Some(email.clone()), sms: Some(sms.clone()) };
        let jobs = Jobs {
            app: app.clone(),
            ask: Arc::new(Banks(vec![bank.clone()])),
            outbound,
            sequencer: install::sequencer(&app),
            started: app.now(),
        };
        let resident = ResidentInput {
            name: "Mara Roth",
            unit: "4B",
            email: "mara@canary.example",
            phone: "+12025550123",
            reach: Reach::Standard,
        };
        let mara = people::add_resident(&app, &admin, resident).await.unwrap();
        let carrier = carriers::add(&app, &admin, "Swift").await.unwrap();
        let input = CourierInput { name: "Cy", carrier, email: "cy@canary.example", phone: "" };
        couriers::add(&app, &admin, input).await.unwrap();
        let mut world = Self { rig, app, admin, bank, jobs, email, sms, mara, courier_code: String::new() };
        world.settle().await;
        world.courier_code = code_in(&world.email.texts()[0]);
        world.email.taken.lock().unwrap().clear();
        world
    }

    /// Runs every job and uploads until nothing more happens.
    async fn settle(&self) {
        for _ in 0..20 {
            let progress = self.jobs.once().await.unwrap();
            self.bank.upload().await;
            if progress == Progress::Idle && self.jobs.once().await.unwrap() == Progress::Idle {
                return;
            }
        }
        panic!("the jobs do not come to rest");
    }

    fn drop_off(&self) -> (CompartmentNo, ParcelId, GrantId) {
        self.bank.drop_off(&self.courier_code, self.mara)
    }

    /// A parcel whose code has been sent; returns it with the code.
    async fn delivered(&self) -> (CompartmentNo, ParcelId, String) {
        let (compartment, parcel, _) = self.drop_off();
        self.bank.upload().await;
        self.settle().await;
        (compartment, parcel, code_in(self.email.texts().last().unwrap()))
    }

    fn later(&self, ms: i64) {
        self.rig.later(ms);
        self.bank.input(bailee_domain::bank::io::Input::Tick);
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let row = self.app.db().read(async move |tx| tx.query_one(sql, params![]).await).await;
        row.unwrap().get(0).unwrap()
    }

    async fn open_alerts(&self) -> Vec<String> {
        let input = ListAlerts { filter: AlertFilter::Open, before: None, limit: 50 };
        let page = alerts::list(&self.app, &self.admin, input).await.unwrap();
        page.rows.into_iter().map(|row| row.kind).collect()
    }

    async fn kinds(&self) -> Vec<String> {
        let rows = self.lines(LogFilter::default()).await;
        rows.into_iter().map(|row| row.line.kind).collect()
    }

    /// The log, oldest first.
    async fn lines(&self, filter: LogFilter) -> Vec<LogRow> {
        let (mut rows, mut before) = (Vec::new(), None);
        loop {
            let input = ListLog { filter: filter.clone(), before, limit: 7 };
            let page = log::list(&self.app, &self.admin, input).await.unwrap();
            rows.extend(page.rows);
            before = page.next;
            if before.is_none() {
                rows.reverse();
                return rows;
            }
        }
    }
}

/// The code in a message: the only eight digits of it, four and four.
fn code_in(text: &str) -> String {
    let digits: Vec<&str> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|run| run.len() == 4 && !run.starts_with("20"))
        .collect();
    match digits.as_slice() {
        [a, b, ..] => format!("{a}{b}"),
        // A half that begins like a year.
        _ => {
            let at = text.find("Code ").or_else(|| text.find("\n\n    ")).expect("a code");
            text[at..].chars().filter(char::is_ascii_digit).take(8).collect()
        }
    }
}

async fn a_code_is_sent_only_after_the_bank_has_it(fresh: Fresh) {
    let world = World::new(fresh).await;
    world.bank.disconnect();
    let (compartment, parcel, _) = world.drop_off();
    world.bank.upload().await;
    world.settle().await;
    assert!(world.email.texts().is_empty() && world.sms.texts().is_empty(), "the bank does not have it");
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert_eq!((view.code, view.messages.len()), (Some(CodeStatus::WaitingForBank), 0));

    world.bank.connect();
    world.settle().await;
    let (mail, sms) = (world.email.texts(), world.sms.texts());
    assert_eq!((mail.len(), sms.len()), (1, 1));
    let code = code_in(&mail[0]);
    assert_eq!(code, code_in(&sms[0]));
    for text in [&mail[0], &sms[0]] {
        assert!(!text.contains("Mara") && !text.contains("4B"), "{text}");
    }
    assert_eq!(world.bank.tries(&code), Some(compartment));
    world.bank.close(compartment);
    world.bank.upload().await;

    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert_eq!((view.parcel.custody, view.code), (Custody::Collected, Some(CodeStatus::Ended)));
    let chain: Vec<&str> = view.chain.iter().map(|row| row.line.kind.as_str()).collect();
    assert_eq!(
        chain,
        [
            "OpeningIntended",
            "CompartmentOpened",
            "CompartmentClosed",
            "ParcelDeposited",
            "CodeIssued",
            "NotificationSent",
            "NotificationSent",
            "GrantArmed",
            "OpeningIntended",
            "CompartmentOpened",
            "CompartmentClosed",
            "ParcelCollected"
        ]
    );
    world.later(60_000);
    assert_eq!(world.bank.tries(&code), None, "a used code opens nothing");
    let stored = world.rig.everything_stored().await;
    assert!(!contains(&stored, &code));
    if let Ok(file) = std::fs::read(world.rig.fresh.dir.path().join("store.db")) {
        let log = std::fs::read(world.rig.fresh.dir.path().join("store.db-wal")).unwrap_or_default();
        assert!(!contains(&file, &code) && !contains(&log, &code), "nor anywhere in the file");
    }
}

async fn duplicate_and_reordered_uploads_are_stored_once(fresh: Fresh) {
    let world = World::new(fresh).await;
    let first = world.bank.last_seq() + 1;
    world.drop_off();
    let last = world.bank.last_seq();
    let ahead = world.bank.part(first + 2, last);
    let refused = world.bank.try_upload(ahead).await.unwrap();
    assert_eq!(refused, Taken::Refused(Breach::Gap { expected: first, found: first + 2 }));
    assert_eq!(world.count("SELECT COUNT(*) FROM parcel").await, 0);

    let before = world.count("SELECT COUNT(*) FROM event").await;
    for _ in 0..3 {
        assert_eq!(
            world.bank.try_upload(world.bank.part(first, first + 1)).await.unwrap(),
            Taken::UpTo(first + 1)
        );
    }
    assert_eq!(world.bank.try_upload(world.bank.batch(first)).await.unwrap(), Taken::UpTo(last));
    assert_eq!(world.bank.try_upload(world.bank.batch(1)).await.unwrap(), Taken::UpTo(last));
    let events = i64::try_from(last - first + 1).unwrap();
    let stored = world.count("SELECT COUNT(*) FROM event").await - before;
    assert_eq!(stored, events + 2, "each event once, and two signed heads");
    assert_eq!(world.count("SELECT COUNT(*) FROM parcel").await, 1);
    world.settle().await;
    assert_eq!(
        (world.email.texts().len(), world.sms.texts().len()),
        (2, 1),
        "the code, and the alert of the gap"
    );
}

async fn forged_events_are_refused_with_an_alert(fresh: Fresh) {
    let world = World::new(fresh).await;
    let first = world.bank.last_seq() + 1;
    world.drop_off();
    let good = world.bank.batch(first);
    let before = world.count("SELECT COUNT(*) FROM event WHERE source_kind = 'bank'").await;

    let mut unreadable = good.clone();
    unreadable.events[1].1.push(0);
    let mut other = good.clone();
    other.events[0].1 = world.bank.leaf(first + 1);
    let mut unsigned = good.clone();
    unsigned.head_signature = Some([7; 64]);
    let mut history = good.clone();
    history.events[0] = (1, world.bank.leaf(2));
    history.events.truncate(1);
    let mut empty = good.clone();
    empty.events.clear();
    for forged in [unreadable, other, unsigned, history, empty] {
        assert!(matches!(world.bank.try_upload(forged).await.unwrap(), Taken::Refused(_)));
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM event WHERE source_kind = 'bank'").await, before);
    assert!(world.open_alerts().await.iter().all(|kind| kind == "ChainBroken"));
    assert!(!world.open_alerts().await.is_empty());
    let last = world.bank.last_seq();
    assert_eq!(
        world.bank.try_upload(good).await.unwrap(),
        Taken::UpTo(last),
        "the true ones are taken all the same"
    );
}

async fn send_again_ends_the_old_code(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (compartment, parcel, old) = world.delivered().await;
    parcels::send_again(&world.app, &world.admin, parcel).await.unwrap();
    parcels::send_again(&world.app, &world.admin, parcel).await.unwrap();
    world.settle().await;
    assert_eq!(world.email.texts().len(), 2, "asked for twice in a moment, one new code");
    let new = code_in(world.email.texts().last().unwrap());
    assert_ne!(old, new);
    assert_eq!(world.bank.tries(&old), None);
    world.later(60_000);
    assert_eq!(world.bank.tries(&new), Some(compartment));
    world.bank.close(compartment);
    world.bank.upload().await;
    let again = parcels::send_again(&world.app, &world.admin, parcel).await;
    assert_eq!(refused(again), Err(Refused::NotPossibleNow { why: "collected" }));
    let issued = world.lines(LogFilter { kind: Some("CodeIssued".into()), ..LogFilter::default() }).await;
    let by: Vec<&str> = issued.iter().map(|row| row.line.actor.as_str()).collect();
    let admin = bailee_server::store::tables::log_index::actor_text(&world.admin.actor);
    assert_eq!(by, ["platform", &admin]);
}

async fn an_extension_brings_a_new_code_and_time(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (compartment, parcel, old) = world.delivered().await;
    world.later(8 * DAY_MS);
    world.bank.upload().await;
    world.settle().await;
    let again = parcels::send_again(&world.app, &world.admin, parcel).await;
    assert_eq!(refused(again), Err(Refused::NotPossibleNow { why: "overdue" }));
    for days in [0, 31] {
        let wrong = parcels::extend(&world.app, &world.admin, parcel, days).await;
        assert!(matches!(refused(wrong), Err(Refused::Invalid(_))));
    }
    let until = parcels::extend(&world.app, &world.admin, parcel, 3).await.unwrap();
    assert_eq!(until, world.app.now().plus_ms(3 * DAY_MS));
    world.settle().await;
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert_eq!((view.parcel.expires, view.overdue), (until, false));
    let new = code_in(world.email.texts().last().unwrap());
    assert_eq!(world.bank.tries(&old), None);
    world.later(60_000);
    assert_eq!(world.bank.tries(&new), Some(compartment));
}

async fn a_parcel_is_overdue_once_after_seven_days(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (_, parcel, code) = world.delivered().await;
    let listed = async |state| {
        let filter = ParcelFilter { state, ..ParcelFilter::default() };
        let input = ListParcels { filter, before: None, limit: 10 };
        parcels::list(&world.app, &world.admin, input).await.unwrap().parcels.len()
    };
    assert_eq!((listed(ParcelState::Ready).await, listed(ParcelState::Overdue).await), (1, 0));
    world.later(7 * DAY_MS);
    world.bank.upload().await;
    world.settle().await;
    world.later(DAY_MS);
    world.settle().await;
    assert_eq!((listed(ParcelState::Ready).await, listed(ParcelState::Overdue).await), (0, 1));
    let overdue = world.kinds().await.into_iter().filter(|kind| kind == "ParcelOverdue").count();
    assert_eq!(overdue, 1);
    assert_eq!(world.bank.tries(&code), None, "its code has ended at the bank");
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert!(view.overdue);
}

async fn an_alarm_is_told_once_however_often_it_comes(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (compartment, parcel, _) = world.delivered().await;
    world.email.taken.lock().unwrap().clear();
    world.bank.force(compartment);
    let seq = world.bank.last_of(|kind| matches!(kind, EventKind::CompartmentForced { .. }));
    let leaf = world.bank.leaf(seq);
    for _ in 0..2 {
        ingest::alarm_preview(&world.app, world.bank.id, seq, &leaf).await.unwrap();
    }
    assert_eq!(world.open_alerts().await, ["CompartmentForced"], "before its turn has come");
    world.settle().await;
    world.bank.upload().await;
    world.settle().await;
    let open = world.open_alerts().await;
    assert_eq!(open, ["LockdownBegan", "CompartmentForced"], "once, and what the policy did about it");
    let told = world.email.texts();
    let alarms: Vec<_> = told.iter().filter(|text| text.contains("without an authorised opening")).collect();
    assert!(alarms.len() == 1 && alarms[0].contains("Lobby"), "{told:?}");
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert!(
        view.chain.iter().any(|row| row.line.kind == "CompartmentForced"),
        "it belongs to the parcel's chain"
    );

    let mut forged = leaf.clone();
    let middle = forged.len() / 2;
    forged[middle] ^= 1;
    ingest::alarm_preview(&world.app, world.bank.id, seq + 1, &forged).await.unwrap();
    assert_eq!(world.open_alerts().await.len(), 2, "nothing new");
}

async fn gateways_that_refuse_or_hang_lose_nothing(fresh: Fresh) {
    let world = World::new(fresh).await;
    world.email.says(Err(SendFailure::Temporary("451 try later".into())));
    world.sms.says(Err(SendFailure::Unknown("no answer".into())));
    let (_, parcel, _) = world.drop_off();
    world.bank.upload().await;
    let tries = world.email.tries();
    world.settle().await;
    assert_eq!((world.email.tries() - tries, world.email.texts().len()), (1, 0), "once, then it waits");
    world.later(3_600_000);
    world.settle().await;
    assert_eq!(world.email.tries() - tries, 2);
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert!(view.messages.iter().all(|message| message.state == MessageState::Waiting));
    assert!(view.messages.iter().any(|message| message.error.as_deref() == Some("451 try later")));

    world.email.says(Ok(()));
    world.sms.says(Ok(()));
    world.later(3_600_000);
    world.settle().await;
    assert_eq!((world.email.texts().len(), world.sms.texts().len()), (1, 1));
    world.later(3_600_000);
    world.settle().await;
    assert_eq!((world.email.texts().len(), world.sms.texts().len()), (1, 1), "and never again");
}

async fn a_message_is_given_up_after_three_days_and_staff_are_told(fresh: Fresh) {
    let world = World::new(fresh).await;
    world.email.says(Err(SendFailure::Temporary("connection refused".into())));
    world.sms.says(Err(SendFailure::Permanent("unknown number".into())));
    let (_, parcel, _) = world.drop_off();
    world.bank.upload().await;
    world.settle().await;
    assert_eq!(world.open_alerts().await, ["MessageFailed"], "a refusal for good is told at once");
    for _ in 0..100 {
        world.later(3_600_000);
        world.settle().await;
    }
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert!(view.messages.iter().all(|it| it.state == MessageState::Failed && it.variables.is_none()));
    let failed = world.kinds().await.into_iter().filter(|kind| kind == "NotificationFailed").count();
    assert!(failed >= 2, "{failed}");
    assert_eq!(world.open_alerts().await, ["MessageFailed"], "one alert stands until somebody has seen it");
}

async fn nothing_is_acknowledged_that_is_not_stored(fresh: Fresh) {
    let world = World::new(fresh).await;
    let first = world.bank.last_seq() + 1;
    world.drop_off();
    let before = world.count("SELECT COUNT(*) FROM event").await;
    // The table the last step of the batch needs is gone: everything before it must be undone.
    rename(&world, "ALTER TABLE code_order RENAME TO code_order_away").await;
    let failed = world.bank.try_upload(world.bank.batch(first)).await;
    assert!(matches!(failed, Err(AppError::Store(_))), "{failed:?}");
    assert_eq!(world.count("SELECT COUNT(*) FROM event").await, before);
    assert_eq!(world.count("SELECT COUNT(*) FROM parcel").await, 0);
    assert_eq!(world.count("SELECT last_seq FROM bank").await, i64::try_from(first - 1).unwrap());
    rename(&world, "ALTER TABLE code_order_away RENAME TO code_order").await;
    world.bank.upload().await;
    world.settle().await;
    assert_eq!(world.email.texts().len(), 1);
}

async fn rename(world: &World, sql: &'static str) {
    let renamed: Result<(), StoreError> = world
        .app
        .db()
        .tx(async move |tx| {
            tx.exec(sql, params![]).await?;
            Ok(())
        })
        .await;
    renamed.unwrap();
}

async fn codes_of_one_bank_are_never_alike(fresh: Fresh) {
    let world = World::new(fresh).await;
    let mut codes = vec![world.courier_code.clone()];
    let (_, parcel, code) = world.delivered().await;
    codes.push(code);
    for _ in 0..40 {
        parcels::send_again(&world.app, &world.admin, parcel).await.unwrap();
        world.settle().await;
        codes.push(code_in(world.email.texts().last().unwrap()));
    }
    let parsed: Vec<Code> = codes.iter().map(|code| Code::parse(code).unwrap()).collect();
    for (i, code) in parsed.iter().enumerate() {
        assert!(parsed[..i].iter().all(|other| !code.too_close(other)));
    }
    assert_eq!(
        world.count("SELECT COUNT(*) FROM code_name WHERE dead_at IS NULL").await,
        2,
        "courier's and parcel's"
    );
}

async fn a_parcel_for_somebody_forgotten_is_kept(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (_, parcel, _) = world.drop_off();
    let mara = people::find(&world.app, &world.admin, world.mara).await.unwrap();
    people::remove(&world.app, &world.admin, world.mara, mara.version).await.unwrap();
    world.bank.upload().await;
    world.settle().await;
    assert_eq!(world.open_alerts().await, ["RecipientUnknown"]);
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert_eq!((view.parcel.custody, view.code), (Custody::InBank, None));
    assert!(world.sms.texts().is_empty());
    let again = parcels::send_again(&world.app, &world.admin, parcel).await;
    assert_eq!(refused(again), Err(Refused::NotPossibleNow { why: "recipient_unknown" }));
}

async fn a_collected_parcels_waiting_messages_are_not_sent(fresh: Fresh) {
    let world = World::new(fresh).await;
    world.sms.says(Err(SendFailure::Temporary("busy".into())));
    let (compartment, _, code) = world.delivered().await;
    assert_eq!(world.bank.tries(&code), Some(compartment));
    world.bank.close(compartment);
    world.bank.upload().await;
    world.sms.says(Ok(()));
    world.later(3_600_000);
    world.settle().await;
    let told = world.sms.texts();
    assert!(
        told.len() == 1 && told[0].starts_with("Your compartment"),
        "nobody is told a code that is used: {told:?}"
    );
}

async fn a_silent_bank_is_noted_once_and_so_is_its_return(fresh: Fresh) {
    let world = World::new(fresh).await;
    world.later(120_000);
    world.bank.disconnect();
    for _ in 0..3 {
        world.settle().await;
    }
    assert_eq!(world.open_alerts().await, ["BankOffline"]);
    world.bank.connect();
    world.settle().await;
    world.settle().await;
    let kinds = world.kinds().await;
    let count = |wanted: &str| kinds.iter().filter(|kind| *kind == wanted).count();
    assert_eq!((count("BankOffline"), count("BankOnline")), (1, 2), "the first is its very first connection");
}

async fn an_enrolment_token_works_once_and_for_its_keys_only(fresh: Fresh) {
    use bailee_server::app::enrolment::{self, OfferEnrolment, Redeem};
    use bailee_wire::{enrol::Enrolment, event::chain_hash};
    let (rig, admin) = Rig::with_admin(fresh).await;
    let (app, site) = (&rig.app, rig.site().await);
    let offer =
        |name: &str, address: &str| OfferEnrolment { site, name: name.into(), address: address.into() };
    for (name, address) in [("", "a:1"), ("Lobby", "nowhere"), ("a\nb", "a:1"), (&"x".repeat(61), "a:1")] {
        let wrong = enrolment::offer(app, &admin, offer(name, address)).await;
        assert!(matches!(refused(wrong), Err(Refused::Invalid(_))), "{name:?} {address:?}");
    }
    let offered = enrolment::offer(app, &admin, offer("Lobby", "platform.example:8443")).await.unwrap();
    let taken = enrolment::offer(app, &admin, offer("Lobby", "a:1")).await;
    assert_eq!(refused(taken).err(), Some(Refused::AlreadyInUse { field: "name" }));
    let token = Enrolment::parse(offered.token.expose()).unwrap();
    let redeem = |secret: &[u8; 32], key: u8| Redeem {
        bank: token.bank,
        secret_hash: chain_hash(secret),
        pin: [key; 32],
        device_key: [key; 32],
        layout: app_bank::layout(),
    };
    let gone = Some(Refused::NoLongerValid);
    assert_eq!(refused(enrolment::redeem(app, redeem(&[0; 32], 1)).await).err(), gone);
    let again = enrolment::offer_again(app, &admin, token.bank, "b:2".into()).await.unwrap();
    assert_eq!(refused(enrolment::redeem(app, redeem(&token.secret, 1)).await).err(), gone, "replaced");
    let token = Enrolment::parse(again.token.expose()).unwrap();
    let first = enrolment::redeem(app, redeem(&token.secret, 1)).await.unwrap();
    let lost = enrolment::redeem(app, redeem(&token.secret, 1)).await.unwrap();
    assert_eq!(first.code_key.expose(), lost.code_key.expose(), "the answer got lost");
    assert_eq!(refused(enrolment::redeem(app, redeem(&token.secret, 2)).await).err(), gone);
    let late = enrolment::offer(app, &admin, offer("Yard", "a:1")).await.unwrap();
    rig.later(enrolment::TOKEN_MS);
    let late = Enrolment::parse(late.token.expose()).unwrap();
    let request = Redeem { bank: late.bank, ..redeem(&late.secret, 3) };
    assert_eq!(refused(enrolment::redeem(app, request).await).err(), gone, "expired");
    let enrolled =
        rig.events().await.into_iter().filter(|(_, kind)| {
            matches!(kind, bailee_domain::platform::PlatformEventKind::BankEnrolled { .. })
        });
    assert_eq!(enrolled.count(), 1);
}

async fn the_log_is_proven_filtered_and_exported(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (compartment, parcel, _) = world.delivered().await;
    let all = world.lines(LogFilter::default()).await;
    let ids: BTreeSet<i64> = all.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), all.len(), "pages neither repeat nor skip");
    let at_door = LogFilter { compartment: Some(compartment), ..LogFilter::default() };
    assert!(world.lines(at_door).await.iter().all(|row| row.line.compartment == Some(compartment)));
    let of_parcel = LogFilter { parcel: Some(parcel), ..LogFilter::default() };
    assert_eq!(world.lines(of_parcel.clone()).await.len(), 8);
    let never = LogFilter { until: Some(WallTime::from_unix_ms(0)), ..LogFilter::default() };
    assert!(world.lines(never).await.is_empty());

    for row in &all {
        let entry = log::entry(&world.app, &world.admin, row.id).await.unwrap();
        let proven = entry.proven.expect("the sequencer has run");
        assert!(entry.view.iter().any(|shown| shown.value == row.line.kind));
        let key = install::log_key(&world.app).unwrap();
        let head =
            bailee_audit::checkpoint::Checkpoint::open(proven.checkpoint.as_bytes(), &key.verifying).unwrap();
        let head = head.checkpoint.head();
        let sound = bailee_audit::proof::verify_inclusion(entry.leaf_hash, proven.index, &head, &proven.path);
        assert!(sound.is_ok(), "entry {}", row.id);
    }
    let reader = world.app.ledger().reader();
    let verify = |key: &[u8; 32], message: &[u8], signature: &[u8; 64]| {
        PublicKey(*key).verify(message, signature).is_ok()
    };
    let mut checker = Checker::new(verify);
    for (_, leaf) in reader.range(0, 1_000).await.unwrap() {
        checker.feed(&leaf).unwrap();
    }
    let summary = checker.summary();
    assert!(summary.bank_events > 5 && summary.uncovered == 0, "{summary:?}");

    assert_eq!(refused(log::entry(&world.app, &world.admin, 1 << 40).await).err(), Some(Refused::NotFound));

    let rows: Vec<LogRow> = log::export(&world.app, &world.admin, LogFilter::default())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<BTreeSet<_>>(), ids, "what was there when it began");
    assert_eq!(world.kinds().await.last().unwrap(), "LogExported");
    let line = csv::line(rows.iter().find(|row| row.line.parcel == Some(parcel)).unwrap());
    assert_eq!(line.matches(',').count(), csv::header().matches(',').count());
    assert!(line.contains(&parcel.to_string()) && line.ends_with("\r\n"));

    let courier = platform::holding(
        9,
        &[(bailee_domain::access::Role::Courier, bailee_domain::access::Scope::Organisation)],
    );
    let input = ListLog { filter: LogFilter::default(), before: None, limit: 1 };
    assert!(matches!(refused(log::list(&world.app, &courier, input).await), Err(Refused::NotAllowed(_))));
    assert_eq!(world.kinds().await.last().unwrap(), "PermissionDenied");
}

async fn a_bank_cannot_touch_the_parcels_of_another(fresh: Fresh) {
    let world = World::new(fresh).await;
    let (_, parcel, grant) = world.drop_off();
    world.bank.upload().await;
    world.settle().await;
    let yard = FakeBank::enrolled(&world.app, &world.rig.clock, &world.admin, "Yard", 2).await;
    let claims = [
        EventKind::ParcelCollected { parcel, compartment: CompartmentNo(1), grant },
        EventKind::GrantRevoked { grant },
        EventKind::GrantArmed { grant, generation: 9, expires: WallTime::from_unix_ms(i64::MAX) },
    ];
    yard.forge(&claims);
    yard.upload().await;
    let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
    assert_eq!((view.parcel.custody, view.code), (Custody::InBank, Some(CodeStatus::Live)));
    assert!(view.parcel.expires < WallTime::from_unix_ms(i64::MAX));
}

/// The loops themselves: signals, not only timers, and an end when told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loops_wake_by_themselves_and_stop_when_told() {
    let fresh = support::fresh(support::On::SqliteFile).await.unwrap();
    let world = World::new(fresh).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(world.jobs.clone().run(stopped));
    let mut changes = world.app.live().watch();
    let (_, parcel, _) = world.drop_off();
    world.bank.upload().await;
    loop {
        let view = parcels::view(&world.app, &world.admin, parcel).await.unwrap();
        let sent = view.messages.iter().filter(|it| it.state == MessageState::Sent).count();
        if sent == 2 && view.chain.iter().all(|row| row.leaf_index.is_some()) {
            break;
        }
        changes.recv().await.unwrap();
    }
    stop.send(true).unwrap();
    running.await.unwrap();
}

async fn the_gateways_ports_carry_a_parcel(fresh: Fresh) {
    let mut world = World::new(fresh).await;
    let desk = Desk::new(&world.app);
    let moment = Moment { mono: MonoTime::from_ms(0), wall: world.app.now() };
    let ports = link::ports(&world.app, &desk, Arc::new(move || moment));
    let bank = world.bank.clone();
    let known = ports.registry.by_pin(Pin([1; 32])).await.unwrap().unwrap();
    assert_eq!((known.bank, known.org), (bank.id, world.app.org()));
    assert_eq!(ports.registry.by_pin(Pin([9; 32])).await, Ok(None));
    assert_eq!(link::known_banks(&world.app).await.unwrap(), [known]);

    world.drop_off();
    let batch = bank.checked_batch();
    let last = *batch.head.as_ref().unwrap();
    ports.ingest.store(batch).await.unwrap();
    let held = ports.ingest.position(bank.id).await.unwrap();
    assert_eq!((held.seq, held.head), (last.seq, last.head));

    // Its clock runs an hour ahead and never goes back, so deadlines must mean the same moment to it.
    let hello = Hello {
        bank: bank.id,
        software: "test".into(),
        boot: 1,
        last_seq: last.seq,
        acked_seq: 0,
        roster_revision: 1,
        layout: app_bank::layout(),
        clock: world.app.now().plus_ms(3_600_000),
        clock_quality: TimeQuality::Holdover,
        screens: 1,
        witness: None,
    };
    ports.ingest.news(bank.id, News::Greeted(Box::new(hello))).await;
    let (commands, gateway) = (ports.commands.clone(), bank.clone());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    desk.on_command(move |id| {
        let (commands, gateway, log) = (commands.clone(), gateway.clone(), log.clone());
        tokio::spawn(async move {
            for command in commands.pending(id, 64).await.unwrap() {
                log.lock().unwrap().push(command.deadline);
                let answer = gateway.answers(command.request, command.deadline);
                commands.answered(id, command.id, answer).await;
            }
        });
    });
    world.jobs.ask = desk.clone();
    for _ in 0..5 {
        world.jobs.once().await.unwrap();
    }
    assert_eq!(world.email.texts().len(), 1);
    let deadlines = seen.lock().unwrap().clone();
    assert!(deadlines.iter().all(|at| *at > world.app.now().plus_ms(3_600_000)), "{deadlines:?}");
    assert!(desk.pending(bank.id, 64).await.unwrap().is_empty());

    ports.ingest.news(bank.id, News::Offline).await;
    assert_eq!(world.open_alerts().await, ["BankOffline"]);
    let request = bailee_domain::bank::io::Request::Revoke { grant: GrantId::from_bytes([0; 16]) };
    assert_eq!(desk.ask(bank.id, request, world.app.now()).await, Err(NotAnswered), "it is not connected");
    ports.ingest.news(bank.id, News::Online).await;
    ports
        .ingest
        .news(bank.id, News::ChainBroken(gateway::Breach::RolledBack { stored: 9, claimed: 3 }))
        .await;
    assert!(world.open_alerts().await.contains(&"ChainBroken".to_owned()));
}

async fn one_damaged_order_or_message_stops_no_other(fresh: Fresh) {
    let world = World::new(fresh).await;
    let yard = FakeBank::enrolled(&world.app, &world.rig.clock, &world.admin, "Yard", 2).await;
    yard.disconnect();
    let deposit = |n: u8| bailee_domain::event::Deposit {
        parcel: ParcelId::from_bytes([n; 16]),
        grant: GrantId::from_bytes([n; 16]),
        compartment: CompartmentNo(u16::from(n)),
        recipient: world.mara,
        courier: world.mara,
        carrier: bailee_domain::id::CarrierId::from_bytes([1; 16]),
        size: bailee_domain::compartment::Size::Small,
        expires: world.app.now().plus_ms(DAY_MS),
    };
    yard.forge(&[EventKind::ParcelDeposited(deposit(1))]);
    yard.upload().await;
    let damaged = yard.id.to_string();
    let done: Result<u64, StoreError> = world
        .app
        .db()
        .tx(async move |tx| {
            tx.exec("UPDATE bank SET code_key = $2 WHERE id = $1", params![&damaged, vec![0u8; 9]]).await
        })
        .await;
    done.unwrap();
    world.drop_off();
    world.bank.upload().await;
    for _ in 0..5 {
        for job in Job::ALL {
            let _ = world.jobs.one(job).await;
        }
    }
    assert_eq!(world.email.texts().len(), 1, "the other bank's recipient has the code");
    assert!(world.jobs.one(Job::MakeCodes).await.is_err(), "and the failure is not silent");
}
