//! A platform with a bank that is a witness, and witnesses over HTTP that behave as told.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub mod chains;
pub mod naming;
pub mod outside;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bailee_audit::key::KeyName;
use bailee_audit::witness::{AddCheckpoint, Answer, Misconduct, Refusal, Remembered, Slot, Witness};
use bailee_audit::{Cosigner, CosignerKey, Policy, VerifyingKey};
use bailee_domain::access::{Assignment, Role, Scope};
use bailee_domain::event::Misconduct as Told;
use bailee_domain::id::BankId;
use bailee_domain::platform::Actor;
use bailee_domain::time::WallTime;
use bailee_server::app::alerts::{self, AlertFilter, AlertRow, ListAlerts};
use bailee_server::app::link::{Ask, Asking, Cosigning, NotAnswered};
use bailee_server::app::witnesses::{self, Overview, ROUND_MS};
use bailee_server::app::{Principal, settings};
use bailee_server::jobs::witnesses::{OutsideWitness, Witnesses};
use bailee_server::store::{Db, DbConfig};
use bailee_wire::link::{Cosign, Witnessed};

use crate::app_bank::FakeBank;
use crate::http_support::{self, Platform};

pub fn admin() -> Principal {
    Principal {
        actor: Actor::Platform,
        roles: vec![Assignment { role: Role::SuperAdmin, scope: Scope::Organisation }],
        limited_to: None,
    }
}

/// A disk in memory.
#[derive(Default)]
pub struct Slate(Option<Vec<u8>>);

impl Slot for Slate {
    type Error = Infallible;

    fn read(&mut self) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.clone())
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0 = Some(bytes.to_vec());
        Ok(())
    }
}

pub type Remembering = Witness<Remembered<Slate>>;

pub fn witness(name: &str, seed: u8, log: &VerifyingKey) -> Remembering {
    let memory = Remembered::open(Slate::default(), || [seed; 32]).unwrap();
    let cosigner = Cosigner::from_seed(KeyName::new(name).unwrap(), &[seed; 32]).unwrap();
    let mut witness = Witness::new(cosigner, memory);
    witness.watch(log.clone());
    witness
}

/// A bank's witness, which outlives the platforms it is linked to.
#[derive(Clone)]
pub struct Linked(pub Arc<Mutex<(BankId, Remembering)>>);

impl Ask for Linked {
    fn ask(&self, _: BankId, _: bailee_domain::bank::io::Request, _: WallTime) -> Asking<'_> {
        Box::pin(std::future::ready(Err(NotAnswered)))
    }

    fn cosign(&self, bank: BankId, cosign: Cosign, now: WallTime) -> Cosigning<'_> {
        let mut linked = self.0.lock().unwrap();
        let answer = (linked.0 == bank).then(|| answered(&mut linked.1, &cosign, now)).ok_or(NotAnswered);
        Box::pin(std::future::ready(answer))
    }
}

/// As a bank's controller answers.
fn answered(witness: &mut Remembering, asked: &Cosign, now: WallTime) -> Witnessed {
    let request = AddCheckpoint::parse(&asked.request).unwrap();
    let seconds = u64::try_from(now.unix_ms() / 1_000).unwrap();
    let said = |status: u16, body: String| Witnessed {
        size: asked.size,
        status,
        body: body.into_bytes(),
        misconduct: None,
        kept: Vec::new(),
    };
    match witness.add_checkpoint(&request, seconds).unwrap() {
        Answer::Cosigned { line, .. } => said(200, format!("{line}\n")),
        Answer::Refused { refusal, misconduct, kept } => {
            let body = match refusal {
                Refusal::WrongOldSize { have } | Refusal::Fork { have } => format!("{have}\n"),
                other => format!("{other}\n"),
            };
            let misconduct = misconduct.map(|misconduct| match misconduct {
                Misconduct::Fork => Told::Fork,
                Misconduct::Shrink => Told::Shrink,
                Misconduct::Gap => Told::Gap,
            });
            let kept = kept.map(|seen| seen.note().to_string().into_bytes()).unwrap_or_default();
            Witnessed { misconduct, kept, ..said(refusal.http_status(), body) }
        }
    }
}

pub struct World {
    pub platform: Platform,
    pub bank: BankId,
    pub linked: Linked,
    pub witnesses: Witnesses,
}

/// A platform with one bank that is a witness. Every such platform has the same keys and the same first events: a second
/// one is the first as it was then, put back from a copy.
pub async fn world(db: Db, linked: Option<Linked>, outside: Vec<OutsideWitness>) -> World {
    let platform = http_support::platform_on(db, http_support::URL).await;
    let bank = FakeBank::enrolled(&platform.app, &platform.clock, &admin(), "Lobby", 1).await.id;
    let linked = linked.unwrap_or_else(|| {
        let witness = witness(&format!("bailee/{bank}"), 9, &platform.log_key);
        Linked(Arc::new(Mutex::new((bank, witness))))
    });
    assert_eq!(linked.0.lock().unwrap().0, bank, "the copies agree");
    let key = linked.0.lock().unwrap().1.cosigner().key().to_string();
    witnesses::announced(&platform.app, bank, &key).await.unwrap();
    let keys: Vec<CosignerKey> = outside.iter().map(|witness| witness.key.clone()).collect();
    witnesses::configured(&platform.app, &keys).await.unwrap();
    platform.app.live().update(bank, |live| live.online = true);
    let witnesses = Witnesses {
        app: platform.app.clone(),
        ask: Arc::new(linked.clone()),
        outside: outside.into(),
        log_key: platform.log_key.to_string(),
    };
    World { platform, bank, linked, witnesses }
}

/// A database for a platform that is put back.
pub async fn another() -> Db {
    Db::open(&DbConfig::memory()).await.unwrap()
}

impl World {
    /// Some events, a signed checkpoint, and every witness asked.
    pub async fn grow(&self, what: &str, events: usize) {
        for number in 0..events {
            self.event(&format!("{what} {number}")).await;
        }
        self.platform.sequence().await;
        self.platform.clock.advance_ms(ROUND_MS);
        self.witnesses.once().await.unwrap();
    }

    pub async fn event(&self, help: &str) {
        let site = settings::site(&self.platform.app, &admin()).await.unwrap();
        let (name, expiry_days, version) = (site.name.as_str(), site.expiry_days, site.version);
        let input = settings::SiteInput { name, help, expiry_days, receipt_days: None, version };
        settings::change_site(&self.platform.app, &admin(), input).await.unwrap();
    }

    pub async fn overview(&self) -> Overview {
        witnesses::overview(&self.platform.app, &admin(), None).await.unwrap()
    }

    pub async fn file(&self, name: &str) -> (u16, String) {
        let path = format!("/log/{}/{name}", self.platform.app.log_id());
        let page = self.platform.browser().get(&path).await;
        (page.status, page.body)
    }

    pub fn bank_key(&self) -> CosignerKey {
        self.linked.0.lock().unwrap().1.cosigner().key().clone()
    }

    pub fn policy(&self) -> Policy {
        let text = format!("log {}\nwitness bank {}\nquorum bank\n", self.platform.log_key, self.bank_key());
        Policy::parse(text.as_bytes()).unwrap()
    }

    pub fn now_s(&self) -> u64 {
        u64::try_from(self.platform.app.now().unix_ms() / 1_000).unwrap()
    }

    pub async fn alerts(&self) -> Vec<String> {
        self.alert_rows().await.into_iter().map(|row| row.kind).collect()
    }

    pub async fn alert_rows(&self) -> Vec<AlertRow> {
        let which = ListAlerts { filter: AlertFilter::Open, before: None, limit: 50 };
        alerts::list(&self.platform.app, &admin(), which).await.unwrap().rows
    }

    /// Time passes, and everybody whose turn it is is asked.
    pub async fn later(&self) {
        self.platform.clock.advance_ms(ROUND_MS);
        self.witnesses.once().await.unwrap();
    }
}
