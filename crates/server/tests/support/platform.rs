//! A platform on a fresh store, with a clock the test moves and an administrator.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::Arc;

use bailee_domain::access::{Assignment, Permission, Role, Scope};
use bailee_domain::id::{BankId, PersonId, SiteId};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::WallTime;
use bailee_ledger::disk::MemoryDisk;
use bailee_server::app::install::{self, Names, Outside};
use bailee_server::app::set_up::{self, Administrator};
use bailee_server::app::sign_in::{self, Step};
use bailee_server::app::{App, AppError, Principal, Refused, TestClock};
use bailee_server::params;
use bailee_server::store::tables::bank::{self, BankRow, BankState};
use bailee_server::store::tables::event::{self, Place};
use bailee_server::store::tables::{assignment, site};
use bailee_server::store::{Db, Value};
use bailee_vault::Secret;
use bailee_vault::kek::MemoryKek;
use bailee_vault::seal::Aad;
use bailee_vault::stretch::Cost;
use bailee_wire::event::{Leaf, decode};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::support::Fresh;

pub const START: WallTime = WallTime::from_unix_ms(1_800_000_000_000);
pub const PASSWORD: &str = "correct horse battery staple";
pub const ADMIN_EMAIL: &str = "ada@canary.example";

/// A platform and what the test holds of it.
pub struct Rig {
    pub app: App,
    pub clock: Arc<TestClock>,
    pub fresh: Fresh,
    pub kek: MemoryKek,
}

impl Rig {
    /// A platform at its first start, without an administrator.
    pub async fn new(fresh: Fresh) -> Self {
        let kek = MemoryKek::from_key(&Secret::new([7; 32]));
        let clock = Arc::new(TestClock::at(START));
        let app = open(fresh.db.clone(), &kek, clock.clone(), 1).await;
        Self { app, clock, fresh, kek }
    }

    /// A platform with its first administrator, signed in.
    pub async fn with_admin(fresh: Fresh) -> (Self, Principal) {
        let rig = Self::new(fresh).await;
        let link = set_up::offer(&rig.app).await.unwrap();
        set_up::redeem(&rig.app, link.expose(), ada()).await.unwrap();
        let token = rig.signs_in(ADMIN_EMAIL, PASSWORD).await.unwrap();
        let session = sign_in::principal_of_session(&rig.app, &token).await.unwrap();
        (rig, session.principal)
    }

    pub async fn signs_in(&self, email: &str, password: &str) -> Result<String, Refused> {
        match refused(sign_in::with_password(&self.app, email, password, None).await)? {
            Step::SignedIn(done) => Ok(done.token.expose().to_owned()),
        }
    }

    pub fn later(&self, ms: i64) {
        self.clock.advance_ms(ms);
    }

    /// What the custody log is going to say, in order.
    pub async fn events(&self) -> Vec<(Actor, PlatformEventKind)> {
        let ids =
            self.fresh.db.read(async |tx| tx.query("SELECT id FROM event ORDER BY id", params![]).await);
        let (org, log) = (self.app.org(), self.app.ledger().reader());
        let mut entries: Vec<Vec<u8>> = Vec::new();
        for row in ids.await.unwrap() {
            let id = row.get("id").unwrap();
            let found = self.fresh.db.read(async move |tx| event::by_id(&tx, org, id).await).await;
            entries.push(match found.unwrap().unwrap().place {
                Place::Waiting(bytes) => bytes,
                Place::Log(index) => log.entry(index).await.unwrap(),
            });
        }
        let leaf = |bytes: Vec<u8>| match decode(&bytes).unwrap() {
            Leaf::Platform { event, .. } => (event.actor, event.kind),
            Leaf::Bank { .. } => panic!("no bank has sent anything"),
        };
        entries.into_iter().map(leaf).collect()
    }

    pub async fn last_event(&self) -> (Actor, PlatformEventKind) {
        self.events().await.pop().unwrap()
    }

    /// A bank as enrolment leaves it.
    pub async fn enrolled_bank(&self, name: &str) -> BankId {
        let app = self.app.clone();
        let (id, sealed) = app.draw(|mut rng| {
            let id = BankId::new(START, &mut rng);
            let row = id.to_bytes();
            let place = Aad { table: "bank", column: "code_key", row: &row };
            (id, app.keys().bank().seal(&place, &[9; 32], &mut rng).unwrap())
        });
        let (org, name) = (self.app.org(), name.to_owned());
        let made: Result<(), AppError> = self
            .fresh
            .db
            .tx(async move |tx| {
                let row = BankRow {
                    id,
                    org,
                    site: site::first(&tx, org).await?.id,
                    name: name.clone(),
                    state: BankState::Offered,
                    pin: None,
                    device_key: None,
                    layout: None,
                    code_key: sealed.clone(),
                    code_salt: [4; 16],
                    code_epoch: 1,
                    roster_acked: 0,
                    last_seq: 0,
                    last_hash: [0; 32],
                    online: false,
                    last_seen: None,
                    created_at: START,
                };
                bank::insert_offered(&tx, &row).await?;
                tx.exec("UPDATE bank SET state = 'enrolled' WHERE id = $1", params![id.to_string()]).await?;
                Ok(())
            })
            .await;
        made.unwrap();
        id
    }

    pub async fn site(&self) -> SiteId {
        let org = self.app.org();
        let site = self.fresh.db.read(async move |tx| site::first(&tx, org).await).await;
        site.unwrap().id
    }

    /// Gives a person a role, as a later part of the product will.
    pub async fn give(&self, person: PersonId, role: Role, scope: Scope) {
        let given = Assignment { role, scope };
        self.fresh.db.tx(async move |tx| assignment::insert(&tx, person, given).await).await.unwrap();
    }

    /// Everything in the store that a thief would read, one value after another.
    pub async fn everything_stored(&self) -> Vec<u8> {
        const TABLES: &[&str] = &[
            "meta",
            "event",
            "ledger",
            "stored_key",
            "org",
            "site",
            "bank",
            "person",
            "assignment",
            "password",
            "sign_in_failure",
            "session",
            "set_up",
            "carrier",
            "courier",
            "courier_verifier",
            "code_name",
            "message",
            "template",
            "api_token",
            "idempotency",
            "log_index",
            "log_name",
            "event_bytes",
            "receipt",
            "evidence_export",
            "evidence_piece",
            "evidence_told",
            "attached_file",
            "attached_content",
            "evidence_enclosed",
            "code_order",
            "inspection",
            "person_key",
            "badge",
            "work_order",
            "custody_item",
            "legal_hold",
            "log_key",
            "erasure",
        ];
        let mut all = Vec::new();
        for table in TABLES {
            let sql = format!("SELECT * FROM {table}");
            let rows = self.fresh.db.read(async move |tx| tx.query(&sql, params![]).await).await.unwrap();
            for row in rows {
                for column in 0.. {
                    match row.get::<Value>(column) {
                        Ok(Value::Text(text)) => all.extend(text.into_bytes()),
                        Ok(Value::Blob(bytes)) => all.extend(bytes),
                        Ok(_) => {}
                        Err(_) => break,
                    }
                    all.push(b'\n');
                }
            }
        }
        all
    }
}

pub async fn open(db: Db, kek: &MemoryKek, clock: Arc<TestClock>, seed: u64) -> App {
    let rng = Box::new(ChaCha20Rng::seed_from_u64(seed));
    let outside = Outside {
        clock: Box::new(clock),
        rng,
        cost: Cost::SIMULATION,
        ledger: install::LedgerDisk::Own(Box::new(MemoryDisk::default())),
    };
    let names = Names { org: "Oak Court".into(), site: "Oak Court".into() };
    install::open_or_create(db, kek, outside, &names).await.unwrap()
}

pub fn ada() -> Administrator<'static> {
    Administrator { name: "Ada Canary", email: ADMIN_EMAIL, password: PASSWORD }
}

/// Somebody holding these roles, as a session would say.
pub fn holding(person: u8, roles: &[(Role, Scope)]) -> Principal {
    let roles = roles.iter().map(|(role, scope)| Assignment { role: *role, scope: *scope }).collect();
    Principal { actor: Actor::Person(PersonId::from_bytes([person; 16])), roles, limited_to: None }
}

/// The refusal of a use case; failures are the test's.
pub fn refused<T>(result: Result<T, AppError>) -> Result<T, Refused> {
    match result {
        Ok(done) => Ok(done),
        Err(AppError::Refused(refused)) => Err(refused),
        Err(failure) => panic!("{failure:?}"),
    }
}

pub fn not_allowed(permission: Permission) -> Refused {
    Refused::NotAllowed(permission)
}

pub fn contains(bytes: &[u8], canary: &str) -> bool {
    bytes.windows(canary.len()).any(|window| window == canary.as_bytes())
}
