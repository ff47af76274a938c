//! After an erasure nothing of the person can be found in any byte of any file, and the whole log still verifies.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app_bank;
#[path = "support/platform.rs"]
mod platform;
mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app_bank::{Banks, FakeBank};
use bailee_audit::verify::{DirSource, verify_log};
use bailee_domain::access::{Permission, Role, Scope};
use bailee_domain::compartment::Reach;
use bailee_domain::id::{CarrierId, GrantId, ParcelId, PersonId};
use bailee_evidence::Subject;
use bailee_server::app::couriers::{self, CourierInput};
use bailee_server::app::evidence::{self, Asked, State, Telling};
use bailee_server::app::legal_hold::{self, NewHold, Protected};
use bailee_server::app::log::{self, ListLog, LogFilter};
use bailee_server::app::people::{self, ResidentInput, erase};
use bailee_server::app::{App, FieldError, Principal, Refused, carriers, install};
use bailee_server::jobs::{Job, Jobs, Outbound, Progress};
use bailee_server::notify::{Accepted, Channel, Content, Outgoing, SendFailure, Sender, Sending};
use bailee_server::params;
use bailee_server::store::{Db, DbConfig, SqlitePlace, Value};
use platform::{Rig, contains, holding, not_allowed, refused};
use support::Fresh;

on_every_engine![
    nothing_of_an_erased_person_is_left,
    a_hold_blocks_erasure_until_it_is_lifted,
    a_stop_between_the_steps_is_made_up_for,
    erasing_again_and_erasing_somebody_removed,
    custody_comes_first_and_strangers_may_not,
];

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
        let asked = Asked { subject, from: None, until: None, reason: reason.into(), telling };
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

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |three: &[u8]| {
        let n = three.iter().fold(0_u32, |n, byte| n << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[(n >> shift) as usize & 63]))
    };
    bytes.chunks_exact(3).flat_map(digits).collect()
}

/// A text in every shape in which it may lie in a file.
fn shapes(text: &str) -> Vec<Vec<u8>> {
    let mut shapes = Vec::new();
    for text in [text.to_owned(), text.to_lowercase(), text.to_uppercase()] {
        // Base64 of something longer shows the text in one of three ways; its ends depend on what is around it.
        for skipped in 0..3 {
            shapes.push(base64(&text.as_bytes()[skipped..]).into_bytes());
        }
        shapes.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        shapes.push(text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes());
        shapes.push(form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().into_bytes());
        shapes.push(text.into_bytes());
    }
    shapes
}

fn files_below(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&path, into),
            Ok(kind) if kind.is_file() => into.push(path),
            _ => {}
        }
    }
}

/// The first file below a folder that holds one of the needles.
fn found_in(folder: &Path, needles: &[Vec<u8>]) -> Option<(PathBuf, String)> {
    let mut files = Vec::new();
    files_below(folder, &mut files);
    assert!(!files.is_empty(), "there are files to look at");
    let mut by_start: Vec<Vec<&[u8]>> = vec![Vec::new(); 1 << 16];
    for needle in needles {
        by_start[usize::from(u16::from_be_bytes([needle[0], needle[1]]))].push(needle);
    }
    let found = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap_or_default(); // a server's temporary file may be gone
        let mut start = 0_u16;
        for (at, byte) in bytes.iter().enumerate() {
            start = start << 8 | u16::from(*byte);
            let found = by_start[usize::from(start)]
                .iter()
                .find(|needle| at > 0 && bytes[at - 1..].starts_with(needle));
            if let Some(needle) = found {
                return Some((path, String::from_utf8_lossy(needle).into_owned()));
            }
        }
        None
    };
    files.into_iter().find_map(found)
}

/// Where the store keeps its files: all of them, and those without the server's own write-ahead log.
fn store_files(fresh: &Fresh) -> Option<(PathBuf, PathBuf)> {
    match &fresh.config {
        DbConfig::Sqlite { place: SqlitePlace::File(_), .. } => {
            Some((fresh.dir.path().to_owned(), fresh.dir.path().to_owned()))
        }
        DbConfig::Sqlite { .. } => None,
        DbConfig::Postgres { .. } => {
            let cluster = support::postgres::shared().unwrap();
            cluster.checkpoint();
            Some((cluster.data(), cluster.data().join("base")))
        }
    }
}

fn assert_found_nowhere(house: &House, canaries: &[&str], secrets: &[Vec<u8>]) {
    let Some((all, rows)) = store_files(&house.rig.fresh) else { return };
    let needles: Vec<Vec<u8>> = canaries.iter().flat_map(|canary| shapes(canary)).collect();
    assert_eq!(found_in(&all, &needles), None, "a datum of the person");
    assert_eq!(found_in(&rows, secrets), None, "something that opens, finds or proves one");
}

async fn nothing_of_an_erased_person_is_left(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let parcel = house.delivered().await;
    house.collected(parcel).await;
    let told = house.bundle(Subject::Person(house.canary), Telling::everything(), "Claim 4711").await;
    let naming = house.bundle(Subject::Span, Telling::Nobody, "ZYXWINA Canarysdottir's complaint").await;
    let other = house.bundle(Subject::Parcel(parcel), Telling::Nobody, "Claim 4712").await;
    let unsent = couriers::issue_code(app, admin, house.courier).await;
    assert!(unsent.is_ok(), "a letter waits");
    assert!(house.rig.signs_in(EMAIL, "a wrong password, fifteen").await.is_err());

    let mut secrets = house.secrets(house.canary).await;
    secrets.extend(house.secrets(house.courier).await);
    assert!(secrets.len() >= 10, "the test looks for what is there: {}", secrets.len());
    if let Some((_, rows)) = store_files(&house.rig.fresh) {
        assert!(found_in(&rows, &secrets).is_some(), "and can find it");
    }

    for (person, reason) in [(house.canary, "Request of 3 May"), (house.courier, "Left the carrier")] {
        let erased = erase::erase(app, admin, person, reason).await.unwrap();
        assert_eq!((erased.reason.as_deref(), erased.completed_at), (Some(reason), None));
        assert_eq!(erased.banks_waiting.len(), 1, "the bank still knows them");
    }
    let log = house.verified().await;
    for person in [house.canary, house.courier] {
        let status = erase::status(app, admin, person).await.unwrap();
        assert!(status.scrubbed_at.is_some() && status.completed_at.is_some(), "{status:?}");
        assert_eq!(status.banks_waiting, []);
        let kinds = house.kinds_about(person).await;
        assert_eq!(kinds[..2], ["ErasureCompleted", "PersonErased"]);
        assert_eq!(refused(people::find(app, admin, person).await).map(|it| it.id), Err(Refused::NotFound));
    }
    assert_found_nowhere(&house, &CANARIES, &secrets);
    assert_eq!(found_in(log.path(), &CANARIES.iter().flat_map(|it| shapes(it)).collect::<Vec<_>>()), None);
    for canary in CANARIES {
        assert!(!contains(&house.rig.everything_stored().await, canary));
    }

    for (id, state, reason) in
        [(told, State::Gone, ""), (naming, State::Gone, ""), (other, State::Made, "Claim 4712")]
    {
        let export = evidence::find(app, admin, id).await.unwrap();
        assert_eq!((export.row.state, export.asked.reason.as_str()), (state, reason));
    }
    house.bundle(Subject::Person(house.canary), Telling::everything(), "What is left").await;
}

async fn a_hold_blocks_erasure_until_it_is_lifted(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let parcel = house.delivered().await;
    house.collected(parcel).await;
    let on = |what| NewHold { what, reason: "Case 4711/26", owner: "Legal, Dana Owner" };
    for what in [Protected::Person(house.canary), Protected::Parcel(parcel)] {
        let hold = legal_hold::place(app, admin, on(what)).await.unwrap();
        let blocked = Refused::NotPossibleNow { why: "legal_hold" };
        let tried = erase::erase(app, admin, house.canary, "Request of 3 May").await;
        assert_eq!(refused(tried).err(), Some(blocked.clone()), "{what:?}");
        let version = people::find(app, admin, house.canary).await.unwrap().version;
        let removed = people::remove(app, admin, house.canary, version).await;
        assert_eq!(refused(removed), Err(blocked), "removing destroys the same");
        let shown = legal_hold::on_person(app, admin, house.canary).await.unwrap();
        assert_eq!((shown.len(), shown[0].reason.as_str()), (1, "Case 4711/26"));
        assert_eq!((shown[0].owner.as_str(), shown[0].what), ("Legal, Dana Owner", what));
        assert!(!contains(&house.rig.everything_stored().await, "Case 4711"), "reasons lie sealed");
        legal_hold::lift(app, admin, hold).await.unwrap();
        legal_hold::lift(app, admin, hold).await.unwrap();
        assert_eq!(legal_hold::on_person(app, admin, house.canary).await.unwrap(), []);
    }
    let filter = |kind: &str| LogFilter { kind: Some(kind.into()), ..LogFilter::default() };
    for (kind, times) in [("LegalHoldPlaced", 2), ("LegalHoldLifted", 2), ("ErasureRefused", 4)] {
        let page = ListLog { filter: filter(kind), before: None, limit: 100 };
        assert_eq!(log::list(app, admin, page).await.unwrap().rows.len(), times, "{kind}");
    }
    erase::erase(app, admin, house.canary, "Request of 3 May").await.unwrap();
    house.verified().await;
    let late = legal_hold::place(app, admin, on(Protected::Person(house.canary))).await;
    assert_eq!(refused(late).err(), Some(Refused::NotFound), "there is nothing left to hold");
}

async fn a_stop_between_the_steps_is_made_up_for(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let secrets = house.secrets(house.canary).await;
    house.bank.disconnect();
    erase::erase(app, admin, house.canary, "Request of 3 May").await.unwrap();
    // The process may end here: what goes on knows nothing but the store.
    let jobs = Jobs { app: app.clone(), ..house.jobs.clone() };
    assert_eq!(jobs.one(Job::FinishErasures).await.unwrap(), Progress::Worked);
    assert_eq!(jobs.one(Job::FinishErasures).await.unwrap(), Progress::Idle, "a bank is away");
    assert_found_nowhere(&house, &CANARIES[..4], &secrets);
    let status = erase::status(app, admin, house.canary).await.unwrap();
    assert!(status.scrubbed_at.is_some() && status.completed_at.is_none());
    assert_eq!(status.banks_waiting, [(house.bank.id, "Lobby".to_owned())], "and is named");

    house.bank.connect();
    house.settle().await;
    let status = erase::status(app, admin, house.canary).await.unwrap();
    assert!(status.completed_at.is_some() && status.banks_waiting.is_empty());
    house.settle().await;
    let completed = house.kinds_about(house.canary).await;
    assert_eq!(completed.iter().filter(|kind| *kind == "ErasureCompleted").count(), 1);
}

async fn erasing_again_and_erasing_somebody_removed(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let first = erase::erase(app, admin, house.canary, "Request of 3 May").await.unwrap();
    house.settle().await;
    let again = erase::erase(app, admin, house.canary, "Asked twice").await.unwrap();
    assert_eq!((again.reason, again.asked_at), (first.reason, first.asked_at));
    assert!(again.completed_at.is_some());
    let kinds = house.kinds_about(house.canary).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "PersonErased").count(), 1);

    let version = people::find(app, admin, house.courier).await.unwrap().version;
    people::remove(app, admin, house.courier, version).await.unwrap();
    assert_eq!(erase::status(app, admin, house.courier).await.unwrap().reason, None);
    let erased = erase::erase(app, admin, house.courier, "Request of 4 May").await.unwrap();
    assert_eq!(erased.reason.as_deref(), Some("Request of 4 May"));
    house.settle().await;
    let kinds = house.kinds_about(house.courier).await;
    let after: Vec<&str> = kinds.iter().map(String::as_str).filter(|kind| kind.contains("ra")).collect();
    assert_eq!(after[..1], ["ErasureCompleted"]);
    let nobody = erase::erase(app, admin, PersonId::from_bytes([9; 16]), "Nobody").await;
    assert_eq!(refused(nobody).err(), Some(Refused::NotFound));
}

async fn custody_comes_first_and_strangers_may_not(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (app, admin) = (&house.app, &house.admin);
    let invalid = |code| Refused::Invalid(vec![FieldError { field: "reason", code }]);
    for (reason, code) in [(" ", "required"), ("zyxwina canarysdottir asked", "names_the_person")] {
        let tried = erase::erase(app, admin, house.canary, reason).await;
        assert_eq!(refused(tried).err(), Some(invalid(code)));
    }
    let parcel = house.delivered().await;
    let waiting = Refused::NotPossibleNow { why: "parcel_waiting" };
    assert_eq!(refused(erase::erase(app, admin, house.canary, "Request").await).err(), Some(waiting));
    house.collected(parcel).await;
    for role in Role::ALL {
        let whose = holding(7, &[(role, Scope::Organisation)]);
        let hold = NewHold { what: Protected::Person(house.canary), reason: "r", owner: "o" };
        let placed = refused(legal_hold::place(app, &whose, hold).await);
        let may = matches!(role, Role::Admin | Role::SuperAdmin);
        assert_eq!(placed.is_ok(), may, "{role:?}");
        match placed {
            Ok(hold) => legal_hold::lift(app, &whose, hold).await.unwrap(),
            Err(refusal) => {
                assert_eq!(refusal, not_allowed(Permission::ManageHolds));
                let tried = refused(erase::erase(app, &whose, house.canary, "Request").await).err();
                assert_eq!(tried, Some(not_allowed(Permission::ErasePeople)));
            }
        }
    }
    let last = match admin.actor {
        bailee_domain::platform::Actor::Person(person) => person,
        _ => panic!("a person"),
    };
    let only = Refused::NotPossibleNow { why: "last_administrator" };
    assert_eq!(refused(erase::erase(app, admin, last, "Request").await).err(), Some(only));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_data_made_afterwards_holds_nothing() {
    let fresh = support::fresh(support::On::SqliteFile).await.unwrap();
    let house = House::new(fresh).await;
    let mut secrets = house.secrets(house.canary).await;
    secrets.extend(CANARIES[..4].iter().flat_map(|it| shapes(it)));
    erase::erase(&house.app, &house.admin, house.canary, "Request of 3 May").await.unwrap();
    house.settle().await;
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(house.rig.fresh.dir.path()).unwrap().flatten() {
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    assert_eq!(found_in(copy.path(), &secrets), None);
    let opened = Db::open(&DbConfig::file(copy.path().join("store.db"))).await.unwrap();
    let count = "SELECT COUNT(*) FROM person WHERE person_key IS NULL";
    let row = opened.read(async |tx| tx.query_one(count, params![]).await).await.unwrap();
    assert_eq!(row.get::<i64>(0).unwrap(), 1, "the copy is a whole store");
}

#[test]
fn the_shapes_a_text_is_looked_for_in_are_found() {
    let inside = base64(format!("xx{EMAIL}yyy").as_bytes());
    assert!(shapes(EMAIL).iter().any(|shape| inside.as_bytes().windows(shape.len()).any(|it| it == shape)));
}
