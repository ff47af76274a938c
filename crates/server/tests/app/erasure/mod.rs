//! After an erasure nothing of the person can be found in any byte of any file, and the whole log still verifies.

mod attached;
mod holds;
mod left;
mod scan;
mod stops;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app_bank::{Banks, FakeBank};
use crate::on_every_engine;
use crate::platform::{Rig, contains, holding, not_allowed, refused};
use crate::support::Fresh;
use bailee_audit::verify::{DirSource, verify_log};
use bailee_domain::access::{Permission, Role, Scope};
use bailee_domain::compartment::Reach;
use bailee_domain::id::{CarrierId, GrantId, ParcelId, PersonId};
use bailee_evidence::Subject;
use bailee_server::app::couriers::{self, CourierInput};
use bailee_server::app::evidence::{self, Asked, Files, State, Telling};
use bailee_server::app::legal_hold::{self, NewHold, Protected};
use bailee_server::app::log::{self, ListLog, LogFilter};
use bailee_server::app::people::{self, ResidentInput, erase};
use bailee_server::app::{App, AppError, FieldError, Principal, Refused, carriers, install};
use bailee_server::jobs::{Job, Jobs, Outbound, Progress};
use bailee_server::notify::{Accepted, Channel, Content, Outgoing, SendFailure, Sender, Sending};
use bailee_server::params;
use bailee_server::store::{Db, DbConfig, SqlitePlace, Value};
use left::assert_found_nowhere;
use scan::{found_in, shapes};

const NAME: &str = "Zyxwina Canarysdottir";
const UNIT: &str = "Unit-Quokka-77";
const EMAIL: &str = "zyxwina.c@canary.example";
const PHONE: &str = "+4915155512345";
const COURIER: &str = "Qwertine Couriersson";
const COURIER_EMAIL: &str = "qwertine@canary.example";
const CANARIES: [&str; 6] = [NAME, UNIT, EMAIL, PHONE, COURIER, COURIER_EMAIL];

/// A gateway that takes everything but what is for the courier, whose address it repeats in its refusal.
struct Gateway;

impl Sender for Gateway {
    fn channel(&self) -> Channel {
        Channel::Email
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        let refused = matches!(&message.content, Content::Email(mail) if mail.to.as_str() == COURIER_EMAIL);
        let answer = match refused {
            true => Err(SendFailure::Temporary(format!("450 <{COURIER_EMAIL}>: mailbox busy"))),
            false => Ok(Accepted { reference: "ok".into() }),
        };
        Box::pin(std::future::ready(answer))
    }
}

/// A house with one bank, neighbours, a courier, and the person who will be erased.
struct House {
    rig: Rig,
    app: App,
    admin: Principal,
    bank: FakeBank,
    jobs: Jobs,
    canary: PersonId,
    courier: PersonId,
}

impl House {
    async fn new(fresh: Fresh) -> Self {
        let (rig, admin) = Rig::with_admin(fresh).await;
        let app = rig.app.clone();
        let bank = FakeBank::enrolled(&app, &rig.clock, &admin, "Lobby", 1).await;
        let jobs = Jobs {
            app: app.clone(),
            ask: Arc::new(Banks(vec![bank.clone()])),
            outbound: Outbound { email: Some(Arc::new(Gateway)), sms: None },
            sequencer: install::sequencer(&app),
            started: app.now(),
        };
        neighbours(&app, &admin, 0..12).await;
        let resident =
            ResidentInput { name: NAME, unit: UNIT, email: EMAIL, phone: PHONE, reach: Reach::Low };
        let canary = people::add_resident(&app, &admin, resident).await.unwrap();
        let carrier = carriers::add(&app, &admin, "Swift").await.unwrap();
        let input = CourierInput { name: COURIER, carrier, email: COURIER_EMAIL, phone: "" };
        let courier = couriers::add(&app, &admin, input).await.unwrap().person;
        neighbours(&app, &admin, 12..40).await;
        let house = Self { rig, app, admin, bank, jobs, canary, courier };
        house.settle().await;
        house
    }

    async fn settle(&self) {
        for _ in 0..30 {
            let progress = self.jobs.once().await.unwrap();
            self.bank.upload().await;
            if progress == Progress::Idle && self.jobs.once().await.unwrap() == Progress::Idle {
                return;
            }
        }
        panic!("the jobs do not come to rest");
    }

    /// A parcel for the canary, with the receipt of an opening.
    async fn delivered(&self) -> ParcelId {
        let parcel = self.app.draw(|mut rng| ParcelId::new(self.app.now(), &mut rng));
        let grant = self.app.draw(|mut rng| GrantId::new(self.app.now(), &mut rng));
        let (org, bank, at) =
            (self.app.org().to_string(), self.bank.id.to_string(), self.app.now().unix_ms());
        let (canary, courier) = (self.canary.to_string(), self.courier.to_string());
        let id = parcel.to_string();
        let done = self.app.db().tx(async move |tx| {
            let sql = "INSERT INTO parcel (id, org, bank, compartment, grant_id, recipient, courier, carrier, size,
                custody, deposited_at, expires, overdue_noted) VALUES ($1, $2, $3, 1, $4, $5, $6, $9, 'S',
                'bank', $7, $8, 0)";
            let values =
                params![&id, &org, &bank, grant.to_string(), &canary, &courier, at, at + 100 * 86_400_000, CarrierId::from_bytes([3; 16]).to_string()];
            tx.exec(sql, values).await?;
            let sql = "INSERT INTO receipt (event_id, org, bank, event_seq, person, parcel, way, opened_at, link_hash,
                link_ends) VALUES (1, $1, $2, 1, $3, $4, 'code', $5, $6, $7)";
            tx.exec(sql, params![&org, &bank, &canary, &id, at, [0x5a_u8; 32], at + 86_400_000]).await
        });
        assert_eq!(done.await.unwrap(), 1);
        parcel
    }

    async fn collected(&self, parcel: ParcelId) {
        let sql = "UPDATE parcel SET custody = 'collected' WHERE id = $1";
        let done = self.app.db().tx(async move |tx| tx.exec(sql, params![parcel.to_string()]).await).await;
        assert_eq!(done.unwrap(), 1);
    }

    async fn bundle(
        &self,
        subject: Subject,
        telling: Telling,
        reason: &str,
    ) -> bailee_domain::id::EvidenceId {
        let asked =
            Asked { subject, from: None, until: None, reason: reason.into(), telling, files: Files::Along };
        let id = evidence::ask(&self.app, &self.admin, asked).await.unwrap();
        self.settle().await;
        assert_eq!(evidence::find(&self.app, &self.admin, id).await.unwrap().row.state, State::Made);
        id
    }

    /// What opens or finds something of a person, as bytes a thief of the files would look for.
    async fn secrets(&self, person: PersonId) -> Vec<Vec<u8>> {
        let id = person.to_string();
        let read = async move |tx: bailee_server::store::Tx| {
            let mut found = Vec::new();
            for sql in [
                "SELECT person_key, details, email_index, phone_index FROM person WHERE id = $1",
                "SELECT variables FROM message WHERE person = $1 AND state = 'waiting'",
                "SELECT salt, mac FROM courier_verifier WHERE person = $1",
                "SELECT link_hash FROM receipt WHERE person = $1",
                "SELECT f.file_key, f.words FROM attached_file f JOIN parcel p ON p.id = f.parcel
                    WHERE p.recipient = $1",
                "SELECT bytes FROM evidence_piece WHERE export IN (SELECT export FROM evidence_told WHERE person = $1)",
            ] {
                for row in tx.query(sql, params![&id]).await? {
                    for column in 0..4 {
                        if let Ok(Value::Blob(bytes)) = row.get::<Value>(column) {
                            found.push(bytes[..bytes.len().min(48)].to_vec());
                        }
                    }
                }
            }
            Ok::<_, bailee_server::app::AppError>(found)
        };
        self.app.db().read(read).await.unwrap()
    }

    async fn kinds_about(&self, person: PersonId) -> Vec<String> {
        let filter = LogFilter { person: Some(person), ..LogFilter::default() };
        let page = ListLog { filter, before: None, limit: 100 };
        let rows = log::list(&self.app, &self.admin, page).await.unwrap().rows;
        rows.into_iter().map(|row| row.line.kind).collect()
    }

    /// The whole log, checked by the public verifier; its files are returned.
    async fn verified(&self) -> tempfile::TempDir {
        self.settle().await;
        let dir = tempfile::tempdir().unwrap();
        self.app.ledger().reader().export(dir.path()).await.unwrap();
        let key = install::log_key(&self.app).unwrap().verifying;
        let mut visitor = |_: u64, _: &[u8]| Ok(());
        verify_log(&mut DirSource::new(dir.path()), &key, &mut visitor).expect("the log is sound");
        dir
    }
}

async fn neighbours(app: &App, admin: &Principal, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let email = format!("n{number}@neighbours.example");
        let (name, unit) = (format!("Neighbour {number}"), format!("{number}A"));
        let input =
            ResidentInput { name: &name, unit: &unit, email: &email, phone: "", reach: Reach::Standard };
        people::add_resident(app, admin, input).await.unwrap();
    }
}
