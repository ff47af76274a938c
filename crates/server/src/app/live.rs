//! What banks look like right now: the last status each sent, in memory, and a stream of changes for live pages.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bailee_domain::bank::io::DoorStatus;
use bailee_domain::bank::screen::LockdownShown;
use bailee_domain::id::BankId;
use bailee_domain::tamper::{Source, Tamper};
use bailee_domain::time::WallTime;
use bailee_domain::truth::Truth;
use tokio::sync::broadcast;

use super::health::HealthLive;

/// Live state; cheap to clone.
#[derive(Clone)]
pub struct Live {
    banks: Arc<Mutex<BTreeMap<BankId, BankLive>>>,
    log_refused: Arc<Mutex<Option<String>>>,
    changes: broadcast::Sender<LiveChange>,
}

/// One bank as last heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BankLive {
    /// Whether its link is up.
    pub online: bool,
    /// When it was last heard.
    pub last_heard: Option<WallTime>,
    /// Every door.
    pub doors: Vec<DoorStatus>,
    /// Lockdowns in force.
    pub lockdowns: Vec<LockdownShown>,
    /// The four states of every compartment.
    pub truth: Vec<Truth>,
    /// Signs of tampering that stand.
    pub tampers: Vec<(Source, Tamper)>,
    /// What it measures of itself; none before its first report since the platform started.
    pub health: Option<Arc<HealthLive>>,
    /// What the bank warns of, by the words of its status, such as `disk-restored`.
    pub warnings: Vec<String>,
}

/// Something live pages may want to redraw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveChange {
    /// A bank's doors or its link.
    Bank(BankId),
    /// The list of alerts.
    Alerts,
    /// Parcels.
    Parcels,
    /// The custody log grew.
    Log,
}

impl Default for Live {
    fn default() -> Self {
        Self { banks: Arc::default(), log_refused: Arc::default(), changes: broadcast::channel(256).0 }
    }
}

impl Live {
    /// The bank as last heard.
    pub fn bank(&self, bank: BankId) -> BankLive {
        self.lock().get(&bank).cloned().unwrap_or_default()
    }

    /// Takes news of a bank and tells whoever watches, if anything but the time changed.
    pub fn update(&self, bank: BankId, change: impl FnOnce(&mut BankLive)) {
        let changed = {
            let mut banks = self.lock();
            let live = banks.entry(bank).or_default();
            let mut before = live.clone();
            change(live);
            before.last_heard = live.last_heard;
            before != *live
        };
        if changed {
            self.tell(LiveChange::Bank(bank));
        }
    }

    /// Why the custody log is not appended to, if it contradicts the store or itself.
    pub fn log_refused(&self) -> Option<String> {
        self.log_refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what the last run of the sequencer came to; tells whether that is news.
    pub fn note_log_refused(&self, why: Option<String>) -> bool {
        let mut known = self.log_refused.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = *known != why;
        *known = why;
        is_news
    }

    /// Tells whoever watches.
    pub fn tell(&self, change: LiveChange) {
        // Nobody watching is no error.
        let _ = self.changes.send(change);
    }

    /// The changes from now on; a slow reader loses the oldest and must redraw everything.
    pub fn watch(&self) -> broadcast::Receiver<LiveChange> {
        self.changes.subscribe()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<BankId, BankLive>> {
        self.banks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
