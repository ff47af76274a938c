//! The store of boot tags and the engine, brought together: read at every start, put when the engine says so.

use bailee_domain::bank::io::Input;
use bailee_domain::boot_tag::{BootTag, Freshness, TagRead};
use bailee_domain::time::{MonoTime, Now};
use rand_core::CryptoRng;

use super::{Controller, Effect};
use crate::journal::Disk;
use crate::rollback::TagStore;

/// How long a store that failed is left alone.
const AGAIN_AFTER_MS: u64 = 5_000;

/// The store, and when to try it again.
#[derive(Default)]
pub(super) struct Guard {
    store: Option<Box<dyn TagStore>>,
    again_at: Option<MonoTime>,
}

impl From<Box<dyn TagStore>> for Guard {
    fn from(store: Box<dyn TagStore>) -> Self {
        Self { store: Some(store), again_at: None }
    }
}

impl<D: Disk, R: CryptoRng> Controller<D, R> {
    /// Whether this disk is the newest, while the bank works.
    pub fn freshness(&self) -> Option<Freshness> {
        self.bank.as_ref().map(bailee_domain::bank::Bank::freshness)
    }

    /// Whether the bank has a store that no copy of the disk takes along.
    pub const fn has_tag_store(&self) -> bool {
        self.guard.store.is_some()
    }

    /// Reads the store and tells the engine. Whatever it answers is durable before the store is put to.
    pub(super) fn read_tag(&mut self, now: Now) -> Vec<Effect> {
        let read = match self.guard.store.as_mut().map(|store| store.read()) {
            None => TagRead::NoStore,
            Some(Ok(held)) => TagRead::Holds(held),
            Some(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "boot tags cannot be read");
                TagRead::Silent
            }
        };
        self.guard.again_at = (read == TagRead::Silent).then(|| now.mono.plus_ms(AGAIN_AFTER_MS));
        self.handle(Input::TagRead(read), now)
    }

    /// Puts the tag; the engine's record of it is durable by now.
    pub(super) fn put_tag(&mut self, tag: BootTag, now: Now) -> Vec<Effect> {
        match self.guard.store.as_mut().map(|store| store.put(tag)) {
            Some(Ok(())) => self.handle(Input::TagStored(tag), now),
            Some(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a boot tag cannot be put");
                self.guard.again_at = Some(now.mono.plus_ms(AGAIN_AFTER_MS));
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Tries a store again that had failed.
    pub(super) fn guard_if_due(&mut self, now: Now) -> Vec<Effect> {
        if self.bank.is_none() || self.guard.again_at.is_none_or(|at| now.mono < at) {
            return Vec::new();
        }
        self.guard.again_at = None;
        self.read_tag(now)
    }
}
