//! The loop's part in the bank's health: it adds what only it knows, and says when the link is to be told.

use std::sync::{Arc, PoisonError};

use bailee_domain::boot_tag::Freshness;
use bailee_domain::health::judge::judge;
use bailee_domain::health::standing::{Changed, Standing};
use bailee_domain::health::{Clock, Guard, Health};
use rand_core::CryptoRng;
use tokio::sync::watch;

use super::Engine;
use crate::health::{Checkup, mark_silent};
use crate::journal::Disk;

/// Without news the link is told this often.
const TELL_EVERY_S: u64 = 60;

/// What is known of the bank's health.
pub(super) struct Vitals {
    /// The latest, for whoever asks at the bank.
    pub(super) checkup: watch::Sender<Option<Arc<Checkup>>>,
    /// Since when something is wrong.
    pub(super) standing: Standing,
    /// What the link is told, and how often that was something new.
    pub(super) told: Option<(u64, Arc<Health>)>,
    /// The machine's clock less the platform's time.
    pub(super) offset_ms: Option<i64>,
}

impl Vitals {
    /// Rises whenever the link is to be told.
    pub(super) fn telling(&self) -> u64 {
        self.told.as_ref().map_or(0, |(nth, _)| *nth)
    }

    /// What the link is told.
    pub(super) fn told(&self) -> Option<Box<Health>> {
        self.told.as_ref().map(|(_, health)| Box::new(Health::clone(health)))
    }

    fn take(&mut self, health: Health) {
        let changed = self.standing.update(&judge(&health), health.at);
        let due = self.told.as_ref().is_none_or(|(_, last)| health.up_s >= last.up_s + TELL_EVERY_S);
        if due || changed != Changed::default() {
            self.told = Some((self.telling() + 1, Arc::new(health.clone())));
        }
        self.checkup.send_replace(Some(Arc::new(Checkup { health, stands: self.standing.all() })));
    }
}

impl<D: Disk, R: CryptoRng> Engine<D, R> {
    pub(super) fn measured(&mut self, mut health: Health) {
        let now = self.time();
        let backlog = self.controller.backlog();
        health.backlog = backlog.lock().unwrap_or_else(PoisonError::into_inner).len() as u64;
        health.clock = Clock { quality: now.quality, offset_ms: self.vitals.offset_ms };
        health.guard = match self.controller.freshness() {
            _ if !self.controller.has_tag_store() => Guard::None,
            Some(Freshness::Restored) => Guard::Restored,
            Some(Freshness::Silent | Freshness::Waiting) => Guard::Silent,
            Some(Freshness::Fresh) | None => Guard::InOrder,
        };
        if let Some(lasting) = self.controller.lasting() {
            mark_silent(&mut health, lasting.tampers.keys());
        }
        self.vitals.take(health);
    }
}
