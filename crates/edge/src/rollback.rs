//! Where boot tags are kept, outside everything a copy of the disk takes along.
//!
//! [`TagStore`] is the seam: a TPM's NV storage in `tpm`, [`MemoryTags`] for tests and simulation. Why the order of
//! writes holds at every stop is told in [`bailee_domain::boot_tag`]; the controller drives it. A file beside the journal
//! would be copied with it, so there is no such store: without a TPM the bank says `no-tpm` and works.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailee_domain::boot_tag::BootTag;

/// A store that does not answer, or refuses.
#[derive(Debug, thiserror::Error)]
#[error("the store of boot tags failed")]
pub struct TagStoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps one tag, durably.
pub trait TagStore: Send {
    /// What it holds; `None` when nothing was ever put.
    ///
    /// # Errors
    /// [`TagStoreError`] when it does not answer. That is no reason to think the disk an old one.
    fn read(&mut self) -> Result<Option<BootTag>, TagStoreError>;

    /// Replaces what it holds. A stop leaves the old tag or the new one.
    ///
    /// # Errors
    /// [`TagStoreError`]; the tag may have been put all the same.
    fn put(&mut self, tag: BootTag) -> Result<(), TagStoreError>;
}

/// What happens at a call of a [`MemoryTags`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagTrouble {
    /// It does not answer, and nothing changes.
    Silent,
    /// It does what it was asked to, and the answer is lost.
    SilentAfter,
}

#[derive(Debug, Default)]
struct Tags {
    held: Option<BootTag>,
    calls: u64,
    trouble: Option<(u64, TagTrouble)>,
}

/// A store in memory that fails on request; clones are the same store.
#[derive(Clone, Debug, Default)]
pub struct MemoryTags(Arc<Mutex<Tags>>);

impl MemoryTags {
    /// Plans trouble for the call with this number, from 0.
    pub fn plan(&self, call: u64, trouble: TagTrouble) {
        self.tags().trouble = Some((call, trouble));
    }

    /// What it holds.
    pub fn held(&self) -> Option<BootTag> {
        self.tags().held
    }

    fn tags(&self) -> MutexGuard<'_, Tags> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, put: Option<BootTag>) -> Result<Option<BootTag>, TagStoreError> {
        let mut tags = self.tags();
        let trouble = tags.trouble.filter(|(call, _)| *call == tags.calls).map(|(_, trouble)| trouble);
        tags.calls += 1;
        if trouble != Some(TagTrouble::Silent) && put.is_some() {
            tags.held = put;
        }
        match trouble {
            None => Ok(tags.held),
            Some(_) => Err(TagStoreError("no answer".into())),
        }
    }
}

impl TagStore for MemoryTags {
    fn read(&mut self) -> Result<Option<BootTag>, TagStoreError> {
        self.call(None)
    }

    fn put(&mut self, tag: BootTag) -> Result<(), TagStoreError> {
        self.call(Some(tag)).map(drop)
    }
}
