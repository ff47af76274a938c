//! No silent opening: whoever's parcel lies behind a door that opens is told once, and can prove it to anybody.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app_bank;
mod http_support;
#[path = "support/platform.rs"]
mod platform;
mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use app_bank::{Banks, FakeBank};
use bailee_audit::{TlogProof, VerifyingKey, leaf_hash};
use bailee_domain::compartment::{CompartmentNo, Reach, Size};
use bailee_domain::event::{Authority, EventKind, Purpose, Surface};
use bailee_domain::id::{CarrierId, GrantId, ParcelId, PersonId, WorkOrderId};
use bailee_server::app::couriers::{self, CourierInput};
use bailee_server::app::people::{self, ResidentInput};
use bailee_server::app::{App, carriers, ingest, install};
use bailee_server::http::{self, Options};
use bailee_server::jobs::{Job, Jobs, Outbound, Progress};
use bailee_server::notify::{Accepted, Channel, Content, Outgoing, SendFailure, Sender, Sending};
use bailee_server::params;
use bailee_vault::token::{Token, TokenKind};
use bailee_wire::event::{Leaf, decode};
use http_support::{Browser, Silent, URL};
use platform::{ADMIN_EMAIL, PASSWORD, Rig};
use support::Fresh;

on_every_engine![
    every_opening_is_told_once_with_a_proof_anybody_can_check,
    whoever_opens_and_however_the_recipient_is_told,
    an_alarm_that_overtakes_makes_no_receipt_before_its_turn,
    the_link_ends_and_shows_nothing_personal,
    a_gateway_that_is_away_loses_no_receipt,
];

const DAY_MS: i64 = 86_400_000;

/// A gateway that keeps what it took.
struct Kept {
    channel: Channel,
    taken: Mutex<Vec<Outgoing>>,
    away: Mutex<bool>,
}

impl Kept {
    fn new(channel: Channel) -> Arc<Self> {
        Arc::new(Self { channel, taken: Mutex::default(), away: Mutex::default() })
    }

    /// Everything taken that is a receipt, subject and text.
    fn receipts(&self) -> Vec<String> {
        let text = |outgoing: &Outgoing| match &outgoing.content {
            Content::Email(mail) => format!("{}\n{}", mail.subject.as_str(), mail.text),
            Content::Sms(sms) => sms.text.clone(),
        };
        let all: Vec<String> = self.taken.lock().unwrap().iter().map(text).collect();
        all.into_iter().filter(|text| text.contains("our compartment at")).collect()
    }
}

impl Sender for Kept {
    fn channel(&self) -> Channel {
        self.channel
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        let answer = match *self.away.lock().unwrap() {
            true => Err(SendFailure::Temporary("451 later".into())),
            false => Ok(Accepted { reference: "ok".into() }),
        };
        if answer.is_ok() {
            self.taken.lock().unwrap().push(message.clone());
        }
        Box::pin(std::future::ready(answer))
    }
}

/// A house with one bank, a courier, and Mara, whose parcel it is.
struct House {
    rig: Rig,
    app: App,
    bank: FakeBank,
    jobs: Jobs,
    email: Arc<Kept>,
    sms: Arc<Kept>,
    mara: PersonId,
    courier_code: String,
    log_key: VerifyingKey,
    stranger: Browser,
}

impl House {
    async fn new(fresh: Fresh) -> Self {
        let (rig, admin) = Rig::with_admin(fresh).await;
        let app = rig.app.clone();
        let bank = FakeBank::enrolled(&app, &rig.clock, &admin, "Lobby", 1).await;
        let (email, sms) = (Kept::new(Channel::Email), Kept::new(Channel::Sms));
        let jobs = Jobs {
            app: app.clone(),
            ask: Arc::new(Banks(vec![bank.clone()])),
            outbound: Outbound { email: Some(email.clone()), sms: Some(sms.clone()) },
            sequencer: install::sequencer(&app),
            started: app.now(),
        };
        let (name, unit, address) = ("Mara Roth", "4B", "mara@canary.example");
        let resident =
            ResidentInput { name, unit, email: address, phone: "+12025550123", reach: Reach::Standard };
        let mara = people::add_resident(&app, &admin, resident).await.unwrap();
        let carrier = carriers::add(&app, &admin, "Swift").await.unwrap();
        let courier = CourierInput { name: "Cy", carrier, email: "cy@canary.example", phone: "" };
        couriers::add(&app, &admin, courier).await.unwrap();
        let log_key = install::log_key(&app).unwrap().verifying;
        let options = Options { log_key: log_key.to_string(), ..Options::new(URL) };
        let router = http::router(app.clone(), Arc::new(Silent), options);
        let stranger = Browser { router, cookies: BTreeMap::new(), accept: "text/html" };
        let courier_code = String::new();
        let mut house = Self { rig, app, bank, jobs, email, sms, mara, courier_code, log_key, stranger };
        house.settle().await;
        house.courier_code = house.newest_code();
        house
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

    /// The eight digits that stand alone in a line of the newest e-mail.
    fn newest_code(&self) -> String {
        let taken = self.email.taken.lock().unwrap();
        let Content::Email(mail) = &taken.last().unwrap().content else { panic!("an e-mail") };
        let digits = |line: &str| line.chars().filter(char::is_ascii_digit).collect::<String>();
        let alone =
            |line: &&str| digits(line).len() == 8 && line.chars().all(|c| c.is_ascii_digit() || c == ' ');
        digits(mail.text.lines().find(alone).unwrap())
    }

    /// A parcel for Mara whose code she has: its door and the code.
    async fn delivered(&self) -> (CompartmentNo, String) {
        let (door, ..) = self.bank.drop_off(&self.courier_code, self.mara);
        self.settle().await;
        (door, self.newest_code())
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let row = self.app.db().read(async move |tx| tx.query_one(sql, params![]).await).await;
        row.unwrap().get(0).unwrap()
    }

    /// The path behind the link of a message.
    fn link(&self, text: &str) -> String {
        let at = text.find(&format!("{URL}/receipt?of=")).unwrap_or_else(|| panic!("no link in: {text}"));
        text[at + URL.len()..].split_whitespace().next().unwrap().to_owned()
    }

    fn proof_path(link: &str) -> String {
        link.replace("/receipt?", "/receipt/proof?")
    }
}

async fn every_opening_is_told_once_with_a_proof_anybody_can_check(fresh: Fresh) {
    let mut house = House::new(fresh).await;
    let (door, code) = house.delivered().await;
    assert!(house.email.receipts().is_empty(), "an empty compartment was nobody's");
    assert_eq!(house.bank.tries(&code), Some(door));
    let opened = house.bank.last_of(|kind| matches!(kind, EventKind::CompartmentOpened { .. }));
    house.bank.upload().await;
    assert_eq!(house.count("SELECT COUNT(*) FROM receipt").await, 1, "as soon as the platform knows");

    // The message leaves before the log has signed; until then the page says so and asks again by itself.
    house.jobs.one(Job::SendMessages).await.unwrap();
    let (mail, sms) = (house.email.receipts().remove(0), house.sms.receipts().remove(0));
    let link = house.link(&mail);
    assert_eq!(house.link(&sms), link);
    let early = house.stranger.get(&link).await.expect(200).body;
    assert!(early.contains("http-equiv=\"refresh\"") && !early.contains("download"), "{early}");
    assert_eq!(house.stranger.get(&House::proof_path(&link)).await.expect(303).location(), link);

    house.bank.close(door);
    house.bank.upload().await;
    for _ in 0..3 {
        // A bank that was not answered sends everything again.
        house.bank.try_upload(house.bank.batch(1)).await.unwrap();
        house.settle().await;
    }
    assert_eq!((house.email.receipts().len(), house.sms.receipts().len()), (1, 1), "told once");
    assert!(mail.contains("opened with your code") && mail.contains("Lobby"), "{mail}");

    let page = house.stranger.get(&link).await.expect(200).body;
    assert!(page.contains("Download the proof") && !page.contains("http-equiv"), "{page}");
    let file = house.stranger.get(&House::proof_path(&link)).await.expect(200);
    assert!(file.header("content-disposition").ends_with(".tlog-proof\""));
    let proof = TlogProof::parse(&file.bytes).unwrap();
    let entry = proof.extra.clone().unwrap();
    proof.verify(leaf_hash(&entry), &house.log_key).unwrap();
    let Leaf::Bank { bank, event, .. } = decode(&entry).unwrap() else { panic!("a bank's event") };
    assert_eq!((bank, event.seq), (house.bank.id, opened));
}

async fn whoever_opens_and_however_the_recipient_is_told(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (door, _) = house.delivered().await;
    let person = PersonId::from_bytes([3; 16]);
    let parcel = ParcelId::from_bytes([1; 16]);
    let carrier = CarrierId::from_bytes([4; 16]);
    let pickup = |surface| Purpose::Pickup { parcel, grant: GrantId::from_bytes([6; 16]), surface };
    let inspect = |authority| Purpose::Inspect { by: person, authority };
    let other = Purpose::DropOff { parcel, recipient: person, courier: person, carrier, size: Size::Small };
    let ways = [
        (other, "opened by a courier"),
        (pickup(Surface::Keypad), "opened with your code"),
        (pickup(Surface::Qr), "opened with your QR code"),
        (pickup(Surface::Badge), "opened with your badge"),
        (pickup(Surface::Remote), "opened from your device"),
        (inspect(Authority::Remote { reason: [0; 32] }), "opened by an administrator"),
        (inspect(Authority::Override { second: person }), "opened in an emergency, by two officers"),
        (inspect(Authority::WorkOrder { order: WorkOrderId::from_bytes([5; 16]) }), "opened by a technician"),
    ];
    for (purpose, _) in &ways {
        let intent = house.bank.last_seq() + 1;
        house.bank.forge(&[
            EventKind::OpeningIntended { compartment: door, purpose: *purpose, attempt: 1 },
            EventKind::CompartmentOpened { compartment: door, opening: intent },
            EventKind::CompartmentClosed { compartment: door },
        ]);
    }
    house.bank.forge(&[
        EventKind::CompartmentOpened { compartment: door, opening: 9_999_999 },
        EventKind::CompartmentForced { compartment: door },
        EventKind::CompartmentFoundOpen { compartment: door },
        EventKind::CompartmentHeldOpen { compartment: door },
    ]);
    let empty = CompartmentNo(if door.0 == 8 { 7 } else { 8 });
    house.bank.forge(&[EventKind::CompartmentForced { compartment: empty }]);
    house.settle().await;
    let told = house.email.receipts();
    let ways = ways.iter().map(|(_, words)| *words);
    let ways: Vec<_> = ways.chain(["was opened.", "opened without permission", "was found open"]).collect();
    assert_eq!(told.len(), ways.len(), "one for each opening, none for the empty door: {told:#?}");
    for way in &ways {
        let sentence = format!("{}.", way.trim_end_matches('.'));
        let said = told.iter().filter(|text| text.contains(&sentence)).count();
        assert_eq!(said, 1, "{way}: {told:#?}");
    }
    assert_eq!(house.sms.receipts().len(), ways.len(), "by text message as well");
    let by_sms = house.sms.receipts();
    let in_one = |way: &&str| by_sms.iter().any(|text| text.contains(way.trim_end_matches('.')));
    assert!(ways.iter().all(in_one), "{by_sms:#?}");
    for text in &told {
        let lower = text.replace(&house.link(text), "").to_lowercase();
        for secret in ["mara", "roth", "4b", &format!("compartment {:02}", door.0), "prc_", "per_"] {
            assert!(!lower.contains(secret), "{secret} stands in: {text}");
        }
    }
}

async fn an_alarm_that_overtakes_makes_no_receipt_before_its_turn(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (door, code) = house.delivered().await;
    // Without network Mara collects her parcel, another comes into the same compartment's place, and then the door is forced.
    assert_eq!(house.bank.tries(&code), Some(door));
    house.bank.close(door);
    house.bank.force(door);
    let seq = house.bank.last_of(|kind| matches!(kind, EventKind::CompartmentForced { .. }));
    for _ in 0..2 {
        ingest::alarm_preview(&house.app, house.bank.id, seq, &house.bank.leaf(seq)).await.unwrap();
    }
    house.jobs.one(Job::SendMessages).await.unwrap();
    assert!(house.email.receipts().is_empty(), "it would have told Mara of a door that is no longer hers");
    house.settle().await;
    let told = house.email.receipts();
    assert!(told.len() == 1 && told[0].contains("opened with your code"), "{told:?}");
}

async fn the_link_ends_and_shows_nothing_personal(fresh: Fresh) {
    let mut house = House::new(fresh).await;
    let (door, _) = house.delivered().await;
    house.bank.force(door);
    house.settle().await;
    let link = house.link(&house.email.receipts()[0]);
    let page = house.stranger.get(&link).await.expect(200);
    for personal in ["Mara", "Roth", "4B", "mara@", "prc_", "per_"] {
        assert!(!page.body.contains(personal), "{personal}");
    }
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let token = link.split('=').nth(1).unwrap();
    let row = house.app.db().read(async |tx| tx.query_one("SELECT link_hash FROM receipt", params![]).await);
    let stored: Vec<u8> = row.await.unwrap().get(0).unwrap();
    assert_eq!(
        stored,
        Token::parse(TokenKind::Receipt, token).unwrap().hash().0,
        "its hash, and nothing more"
    );
    let unsent = house.count("SELECT COUNT(*) FROM message WHERE variables IS NOT NULL").await;
    assert_eq!(unsent, 0, "what was sent is forgotten, with the link in it");

    let mut wrong = token.to_owned();
    wrong.replace_range(10..11, if &token[10..11] == "x" { "y" } else { "x" });
    for gone in ["", "of=1", wrong.as_str()] {
        house.stranger.get(&format!("/receipt?of={gone}")).await.expect(410);
        house.stranger.get(&format!("/receipt/proof?of={gone}")).await.expect(410);
    }
    house.rig.later(90 * DAY_MS - 1);
    house.stranger.get(&link).await.expect(200);
    house.rig.later(1);
    let ended = house.stranger.get(&link).await.expect(410).body;
    assert!(ended.contains("work any more"), "{ended}");
    house.stranger.get(&House::proof_path(&link)).await.expect(410);

    // Staff find it on the parcel's page all the same.
    let mut staff = Browser { cookies: BTreeMap::new(), ..house.stranger.clone() };
    staff.sign_in(ADMIN_EMAIL, PASSWORD).await;
    let list = staff.get("/parcels").await.expect(200).body;
    let parcel = list.split("href=\"/parcels/prc_").nth(1).unwrap().split('"').next().unwrap();
    let page = staff.get(&format!("/parcels/prc_{parcel}")).await.expect(200).body;
    assert!(page.contains("was opened without permission"), "{page}");
    let proof = page.split("href=\"/receipts/").nth(1).unwrap().split('"').next().unwrap();
    let file = staff.get(&format!("/receipts/{proof}")).await.expect(200);
    assert!(TlogProof::parse(&file.bytes).is_ok());
    house.stranger.get(&format!("/receipts/{proof}")).await.expect(303);
}

async fn a_gateway_that_is_away_loses_no_receipt(fresh: Fresh) {
    let house = House::new(fresh).await;
    let (door, code) = house.delivered().await;
    *house.email.away.lock().unwrap() = true;
    assert_eq!(house.bank.tries(&code), Some(door));
    house.bank.close(door);
    house.settle().await;
    assert!(house.email.receipts().is_empty());
    *house.email.away.lock().unwrap() = false;
    house.rig.later(3_600_000);
    house.settle().await;
    let told = house.email.receipts();
    assert_eq!(told.len(), 1, "also after the parcel was collected");
    assert!(!told[0].contains(&code), "a receipt holds no code");
}
