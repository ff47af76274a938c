//! What the platform can do: one use case per file, each authorise → load → decide → store state, event and
//! follow-up work in one transaction.
//!
//! No state changes without its event: a use case that writes goes through [`App::change`], which hands out the
//! transaction together with the only way to append events. Nothing here knows HTTP, HTML or JSON, and SQL text
//! lives in `store`. Start at [`App`]; then [`Principal`], who asks; then any use case.

mod access;
pub mod alarm;
pub mod alerts;
pub mod badges;
pub mod banks;
pub mod carriers;
mod clock;
pub mod codes;
pub mod commissioning;
pub mod couriers;
pub mod custody;
pub mod delivery;
pub mod enrolment;
mod error;
pub mod evidence;
pub mod files;
pub mod health;
pub mod idempotency;
pub mod ingest;
pub mod install;
pub mod keys;
mod kiosk_code;
pub mod ledger_key;
pub mod legal_hold;
pub mod link;
mod live;
pub mod lockdown;
pub mod log;
pub mod openings;
pub mod outbox;
pub mod parcels;
pub mod people;
pub mod person_keys;
pub mod receipts;
pub mod resync;
mod sealed_words;
pub mod set_up;
pub mod settings;
pub mod sign_in;
mod slow;
pub mod templates;
mod texts;
pub mod tokens;
pub mod witnesses;
pub mod work_orders;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bailee_domain::id::OrgId;
use bailee_domain::platform::{Actor, PlatformEvent, PlatformEventKind};
use bailee_domain::time::WallTime;
use rand_core::Rng;
use tokio::sync::Notify;

pub use access::Principal;
pub use clock::{Clock, SystemClock, TestClock};
pub use error::{AppError, FieldError, Refused};
pub use keys::Keys;
pub use live::{BankLive, Live, LiveChange};

use crate::ledger::Ledger;
use crate::store::{Db, StoreError, Tx, tables};

/// The platform: its store, keys, clock and live view. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What an [`App`] is made of.
pub struct Parts {
    /// The store.
    pub db: Db,
    /// Every key the platform holds.
    pub keys: Keys,
    /// The only clock.
    pub clock: Box<dyn Clock>,
    /// The only randomness.
    pub rng: Mutex<Box<dyn Rng + Send>>,
    /// The organisation this platform serves.
    pub org: OrgId,
    /// The id of its log, as in the URL.
    pub log_id: String,
    /// Its log.
    pub ledger: Ledger,
    /// What banks look like right now.
    pub live: Live,
    /// Wakes the reconcilers of `jobs`.
    pub work: Notify,
    /// The address people use, once it is known: see [`App::serve_at`].
    pub public_url: OnceLock<String>,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The time.
    pub fn now(&self) -> WallTime {
        self.0.clock.now()
    }

    /// The store, for reading.
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// The keys.
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.0.org
    }

    /// The log's id.
    pub fn log_id(&self) -> &str {
        &self.0.log_id
    }

    /// The custody log.
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// The live view of the banks.
    pub fn live(&self) -> &Live {
        &self.0.live
    }

    /// Resolves when there may be work for a reconciler; a timer beside it covers what no signal announces.
    pub async fn work(&self) {
        self.0.work.notified().await;
    }

    /// Wakes the reconcilers.
    pub fn wake(&self) {
        self.0.work.notify_waiters();
    }

    /// Says at which address people reach this platform, such as `https://lockers.example.org`; the first word counts.
    pub fn serve_at(&self, public_url: &str) {
        let _ = self.0.public_url.set(public_url.to_owned());
    }

    /// The address people use, without a slash at the end, once it is known.
    pub fn public_url(&self) -> Option<&str> {
        self.0.public_url.get().map(String::as_str)
    }

    /// Draws randomness. Do it before a transaction: its closure may run more than once.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut dyn Rng) -> T) -> T {
        let mut rng = self.0.rng.lock().unwrap_or_else(PoisonError::into_inner);
        draw(&mut **rng)
    }

    /// Runs a use case that changes something, on behalf of `actor`, at the current time.
    ///
    /// # Errors
    /// The use case's own; a store failure as [`AppError::Store`].
    pub async fn change<T, F>(&self, actor: Actor, use_case: F) -> Result<T, AppError>
    where
        F: AsyncFn(&Change) -> Result<T, AppError> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let at = self.now();
        let org = self.org();
        let nonce = self.draw(|rng| rng.next_u64());
        let done = self
            .db()
            .tx(async move |tx| {
                let change = Change { tx, at, org, actor, nonce, written: AtomicU64::new(0) };
                use_case(&change).await
            })
            .await?;
        self.wake();
        Ok(done)
    }
}

/// One transaction of a use case, with the only way to append events of the platform.
pub struct Change {
    /// The transaction.
    pub tx: Tx,
    /// The time of the change.
    pub at: WallTime,
    /// The organisation.
    pub org: OrgId,
    /// On whose behalf.
    pub actor: Actor,
    nonce: u64,
    written: AtomicU64,
}

impl Change {
    /// Appends an event of the platform.
    ///
    /// # Errors
    /// The store's.
    pub async fn event(&self, kind: PlatformEventKind) -> Result<(), AppError> {
        self.event_row(kind).await.map(drop)
    }

    /// As [`Change::event`]; tells the event's row, from which its place in the log can be read once it has one.
    ///
    /// # Errors
    /// The store's.
    pub async fn event_row(&self, kind: PlatformEventKind) -> Result<i64, AppError> {
        let event = PlatformEvent { at: self.at, actor: self.actor, kind };
        // The platform's events have no sequence of their own; the number only tells rows apart.
        let written = self.written.fetch_add(2, Ordering::Relaxed);
        let number = self.nonce.wrapping_add(written) >> 1;
        tables::event::append_platform(&self.tx, self.org, number, &event).await
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
