//! Opening the platform: the first start makes keys, organisation, site and log; every later one opens the same.
//!
//! Crash order of the first start: the schema (each step whole), then keys, organisation, site and the log's first
//! event in one transaction, then the log's row. A stop before the transaction leaves an empty schema and the next
//! start is the first again; a stop after it leaves a log whose row the next start makes. No key exists without the
//! organisation it belongs to, and none is ever made twice. A hand-over of the log's key that was begun is brought to its
//! end before the log is opened: see [`ledger_key`].

use std::sync::{Arc, Mutex, OnceLock};

use bailee_audit::key::{KeyError, KeyId, KeyName, SignError, Signer, VerifyingKey};
use bailee_domain::id::{OrgId, SiteId};
use bailee_domain::platform::{Actor, KeyHandOver, PlatformEvent, PlatformEventKind};
use bailee_ledger::disk::Disk;
use bailee_vault::kek::KeyProvider;
use bailee_vault::seal::{KeyId as SealingKeyId, SealError, StoredKey};
use bailee_vault::sign::SigningKey;
use bailee_vault::stretch::Cost;
use rand_core::Rng;
use tokio::sync::Notify;

use super::{App, AppError, Clock, FieldError, Keys, Live, Parts, Refused, ledger_key};
use crate::ledger::{Ledger, LedgerError, LogId, LogKey, Sequencer};
use crate::store::migrate::{self, MigrateError};
use crate::store::tables::org::OrgRow;
use crate::store::tables::site::SiteRow;
use crate::store::tables::{event, log_key, org, site, stored_key};
use crate::store::{Db, Tx};

/// Days a parcel may wait unless the site says otherwise.
const EXPIRY_DAYS: u16 = 7;
/// Days the link in a receipt works, in a new installation.
const RECEIPT_DAYS: u16 = 90;

/// What a platform is called, used at its first start only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The organisation.
    pub org: String,
    /// Its one site.
    pub site: String,
}

/// What a platform needs from outside.
pub struct Outside {
    /// The only clock.
    pub clock: Box<dyn Clock>,
    /// The only randomness.
    pub rng: Box<dyn Rng + Send>,
    /// What a guess at a password or code costs; [`Cost::STANDARD`] outside simulation.
    pub cost: Cost,
    /// Where the custody log lies.
    pub ledger: LedgerDisk,
}

/// Where the custody log lies, and whose it is.
pub enum LedgerDisk {
    /// This process appends to it.
    Own(Box<dyn Disk>),
    /// Another process does; this one reads.
    Beside(Box<dyn Disk>),
}

/// Why the platform does not open.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The schema could not be brought up to date.
    #[error("the store's schema could not be brought up to date")]
    Migrate(#[from] MigrateError),
    /// The stored keys and the key-encryption key do not belong together, or a key is missing.
    #[error("the platform's keys cannot be opened: is this the key file that belongs to this store?")]
    Keys(#[from] SealError),
    /// A name is empty, too long, or has control characters; or the store failed.
    #[error("the platform could not be set up")]
    App(#[from] AppError),
    /// The log contradicts itself, or could not be begun.
    #[error("the custody log could not be opened")]
    Ledger(#[from] LedgerError),
    /// The log's key has no usable name.
    #[error("the log's key could not be used")]
    LogKey(#[from] KeyError),
}

/// Opens the platform, making it at the first start.
///
/// # Errors
/// See [`InstallError`]; whatever it is, nothing is half made.
pub async fn open_or_create(
    db: Db,
    provider: &dyn KeyProvider,
    outside: Outside,
    names: &Names,
) -> Result<App, InstallError> {
    migrate::to_latest(&db).await?;
    let Outside { clock, mut rng, cost, ledger } = outside;
    if db.read(async |tx| load(&tx).await).await?.is_none() {
        let first = First::draw(provider, &*clock, &mut *rng, names)?;
        // Two first starts at once end in one: the second finds what the first made.
        db.tx(async move |tx| load_or_make(&tx, &first).await).await?;
    }
    let now_ms = clock.now().unix_ms();
    let (disk, access) = match ledger {
        LedgerDisk::Own(disk) => (Arc::<dyn Disk>::from(disk), Access::Own),
        LedgerDisk::Beside(disk) => (Arc::<dyn Disk>::from(disk), Access::Beside),
    };
    let mut opened = Opened::load(&db, provider, cost).await?;
    if let (Access::Own, Some(ending)) = (access, opened.ending) {
        let (whose, disk) = ((&opened.log, opened.of.as_str()), Box::new(Arc::clone(&disk)));
        ledger_key::finish(&db, whose, &opened.key, disk, (ending, now_ms)).await?;
        opened = Opened::load(&db, provider, cost).await?;
    }
    let Opened { org, log, of, keys, key, .. } = opened;
    // Checks the log against the store, so that a platform whose log contradicts itself does not come up as if nothing
    // were wrong; at the first start it makes both.
    let ledger = match access {
        Access::Own => Ledger::open(&db, (&log, &of), &key, Box::new(disk), now_ms).await?,
        Access::Beside => Ledger::open_beside((&log, &of), &key, Box::new(disk)).await?,
    };
    ledger.succeeds(&ledger_key::lines(key.verifying.name(), &keys.handed));
    Ok(App::new(Parts {
        db,
        keys,
        clock,
        rng: Mutex::new(rng),
        org: org.id,
        log_id: org.log_id,
        ledger,
        live: Live::default(),
        work: Notify::new(),
        public_url: OnceLock::new(),
    }))
}

/// What a store says of whose platform it is, opened.
struct Opened {
    org: OrgRow,
    log: LogId,
    /// The organisation as the log's rows name it.
    of: String,
    keys: Keys,
    key: LogKey,
    /// A key whose hand-over is to be brought to its end.
    ending: Option<SealingKeyId>,
}

#[derive(Clone, Copy)]
enum Access {
    Own,
    Beside,
}

impl Opened {
    async fn load(db: &Db, provider: &dyn KeyProvider, cost: Cost) -> Result<Self, InstallError> {
        let loaded = db.read(async |tx| load(&tx).await).await?;
        let (org, stored, handed) = loaded.ok_or(AppError::Damaged { what: "org" })?;
        let held = ledger_key::held(provider, &stored, handed)?;
        let ending = held.ending;
        let keys = Keys::open(provider, &stored, held, cost)?;
        let log = LogId::new(org.log_id.clone()).ok_or(AppError::Damaged { what: "org.log_id" })?;
        let (key, of) = (key_of(&keys, &log)?, org.id.to_string());
        Ok(Self { org, log, of, keys, key, ending })
    }
}

/// Whose log a store keeps.
pub struct Known {
    /// The log.
    pub log: LogId,
    /// The organisation.
    pub org: String,
    /// The log's keys.
    pub key: LogKey,
}

/// Looks whose log a store keeps, without opening the log or making anything; `None` before the first start.
///
/// # Errors
/// See [`InstallError`].
pub async fn look(db: &Db, provider: &dyn KeyProvider) -> Result<Option<Known>, InstallError> {
    if db.read(async |tx| load(&tx).await).await?.is_none() {
        return Ok(None);
    }
    let Opened { log, of, key, .. } = Opened::load(db, provider, Cost::STANDARD).await?;
    Ok(Some(Known { log, org: of, key }))
}

/// The sequencer of the platform's log.
#[must_use]
pub fn sequencer(app: &App) -> Sequencer {
    app.ledger().sequencer(app.db())
}

/// The key of the platform's log, under the log's origin `bailee/<log id>`.
///
/// # Errors
/// [`KeyError`] when the log's id is no key name.
pub fn log_key(app: &App) -> Result<LogKey, KeyError> {
    key_of(app.keys(), app.ledger().id())
}

fn key_of(keys: &Keys, log: &LogId) -> Result<LogKey, KeyError> {
    let name = KeyName::new(&format!("bailee/{log}"))?;
    Ok(signed_by(name, keys.log.clone(), &keys.handed))
}

/// A log signed by that key, which was handed over to it.
pub(super) fn signed_by(name: KeyName, key: Arc<SigningKey>, handed: &[KeyHandOver]) -> LogKey {
    let earlier = handed.iter().map(|said| VerifyingKey::new(name.clone(), said.old)).collect();
    let verifying = VerifyingKey::new(name, key.public().0);
    let signer = LogSigner { key, verifying: verifying.clone() };
    LogKey { signer: Arc::new(signer), verifying, earlier }
}

/// Signs checkpoints with the platform's key, which does not leave [`Keys`].
struct LogSigner {
    key: Arc<SigningKey>,
    verifying: VerifyingKey,
}

impl Signer for LogSigner {
    fn name(&self) -> &KeyName {
        self.verifying.name()
    }

    fn key_id(&self) -> KeyId {
        self.verifying.key_id()
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.key.sign(text).to_vec())
    }
}

/// Everything a first start stores, drawn before its transaction, which may run more than once.
struct First {
    keys: Vec<StoredKey>,
    org: OrgRow,
    site: SiteRow,
    started: PlatformEvent,
    number: u64,
}

impl First {
    fn draw(
        provider: &dyn KeyProvider,
        clock: &dyn Clock,
        mut rng: &mut (dyn Rng + Send),
        names: &Names,
    ) -> Result<Self, InstallError> {
        let mut wrong: Vec<FieldError> = Vec::new();
        let name = super::people::text("org_name", &names.org, &mut wrong);
        let site_name = super::people::text("site_name", &names.site, &mut wrong);
        if !wrong.is_empty() {
            return Err(AppError::from(Refused::Invalid(wrong)).into());
        }
        let at = clock.now();
        let id = OrgId::new(at, &mut rng);
        let site = SiteRow {
            id: SiteId::new(at, &mut rng),
            name: site_name,
            help: String::new(),
            expiry_days: EXPIRY_DAYS,
            receipt_days: RECEIPT_DAYS,
            version: 1,
        };
        Ok(Self {
            keys: Keys::create(provider, &mut rng)?,
            org: OrgRow { id, name, log_id: id.to_string() },
            site,
            started: PlatformEvent { at, actor: Actor::Platform, kind: PlatformEventKind::LogStarted },
            number: rng.next_u64() >> 1,
        })
    }
}

type Loaded = (OrgRow, Vec<StoredKey>, Vec<KeyHandOver>);

async fn load(tx: &Tx) -> Result<Option<Loaded>, AppError> {
    let Some(org) = org::only(tx).await? else { return Ok(None) };
    let handed = log_key::all(tx, &org.log_id).await?;
    Ok(Some((org, stored_key::all(tx).await?, handed)))
}

async fn load_or_make(tx: &Tx, first: &First) -> Result<(), AppError> {
    if load(tx).await?.is_some() {
        return Ok(());
    }
    for key in &first.keys {
        stored_key::insert(tx, key, first.started.at).await?;
    }
    org::insert(tx, &first.org).await?;
    site::insert(tx, first.org.id, &first.site).await?;
    event::append_platform(tx, first.org.id, first.number, &first.started).await?;
    Ok(())
}
