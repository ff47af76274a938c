//! Parcels from the drop-off to the pickup, with a bank in the same process, on every engine.

mod handing_over;
mod telling;
mod uploads;
mod watching;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crate::app_bank::{Banks, FakeBank};
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

use crate::on_every_engine;
use crate::platform::{Rig, contains, refused};
use crate::support::Fresh;
use bailee_server::notify::{Accepted, Channel, Content, Outgoing, SendFailure, Sender, Sending};
use bailee_server::params;
use bailee_server::store::StoreError;
use bailee_server::store::tables::message::MessageState;
use bailee_vault::sign::PublicKey;
use bailee_vault::tls::Pin;
use bailee_wire::chain::Checker;
use bailee_wire::link::Hello;
use futures_util::TryStreamExt;

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
