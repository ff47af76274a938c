//! One random tag per start, kept by the journal and by a store that no copy of the disk takes along (a TPM).
//!
//! A disk can only be copied or exchanged while the controller is off, so one change per start is enough to tell the
//! newest state from an older one. The journal names two tags: the one it was last *committed* under, and the one it
//! is *intent* on storing. Each step is durable before the next, so a power cut leaves the store at one of the two:
//!
//! | step | journal | store |
//! |---|---|---|
//! | found in order | committed = t or intent = t | t |
//! | 1 journal | committed = t, intent = r (fresh) | t |
//! | 2 store | committed = t, intent = r | r |
//! | 3 journal, then the bank serves | committed = r, intent = r | r |
//!
//! The first line holds after a stop anywhere, and nothing was served before line 3. A disk put back later names
//! tags the store has left for ever. The engine's part is in `bank::rollback`.

/// A tag of 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootTag(pub [u8; 16]);

/// What the journal says of the tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootTags {
    /// What the store held when this was written; `None` when it held nothing.
    pub committed: Option<BootTag>,
    /// What the store is about to hold.
    pub intent: BootTag,
}

impl BootTags {
    /// Whether a store that holds this goes with this journal and no older one.
    pub fn accepts(&self, held: Option<BootTag>) -> bool {
        held == self.committed || held == Some(self.intent)
    }
}

/// What reading the store came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagRead {
    /// The controller has no store.
    NoStore,
    /// It has one that does not answer.
    Silent,
    /// It holds this, or nothing yet.
    Holds(Option<BootTag>),
}

/// Whether this start's disk is the newest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// The store has not been read, or a step is under way; nothing is wrong so far.
    #[default]
    Waiting,
    /// The store does not answer.
    Silent,
    /// It is the newest, or there is no store to tell by.
    Fresh,
    /// The disk was restored, cloned or moved, or the store was exchanged.
    Restored,
}
