//! Keeping the journal short: a snapshot of the state takes the place of everything the platform has confirmed.
//!
//! It is written only while nobody is served and everything decided is durable, so the state is exactly the fold of
//! the journal, and a stop at any moment leaves either the old entries or the snapshot.

use bailee_domain::bank::Lasting;
use bailee_domain::time::Now;
use bailee_wire::record::{self, MAX_RECORD_BYTES, MAX_SNAPSHOT_BYTES, Snapshot};
use rand_core::CryptoRng;

use super::{Controller, lock};
use crate::journal::{Disk, JournalError, MOST_PAYLOAD_BYTES};

const _: () = assert!(MAX_RECORD_BYTES <= MOST_PAYLOAD_BYTES && MAX_SNAPSHOT_BYTES <= MOST_PAYLOAD_BYTES);

/// After a failure the next attempt waits this long.
const AGAIN_AFTER_MS: u64 = 10 * 60_000;

/// How much may be written behind a snapshot before the next is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactAfter {
    /// Entries.
    pub entries: u64,
    /// Bytes of their payloads; a bank whose snapshot is longer than that waits for as many as it has.
    pub bytes: u64,
}

impl CompactAfter {
    /// 20,000 entries or 8 MiB: some months of an ordinary bank, read at a start in less than a second.
    pub const STANDARD: Self = Self { entries: 20_000, bytes: 8 << 20 };
}

impl Default for CompactAfter {
    fn default() -> Self {
        Self::STANDARD
    }
}

/// What was written since the newest snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// The index of the snapshot; 0 while there is none.
    pub snapshot: u64,
    snapshot_bytes: u64,
    entries: u64,
    bytes: u64,
}

impl Written {
    /// Nothing, behind this snapshot.
    pub(super) fn behind(index: u64, snapshot: &[u8]) -> Self {
        Self { snapshot: index, snapshot_bytes: snapshot.len() as u64, ..Self::default() }
    }

    pub(super) const fn add(&mut self, payload: &[u8]) {
        self.entries += 1;
        self.bytes += payload.len() as u64;
    }

    fn exceeds(&self, limit: CompactAfter) -> bool {
        self.entries > limit.entries || self.bytes > limit.bytes.max(self.snapshot_bytes)
    }
}

/// Why no snapshot was written. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
enum NoSnapshot {
    #[error("the journal did not take the snapshot")]
    Journal(#[from] JournalError),
    #[error("the snapshot does not read back as the state it was made of")]
    Unlike,
}

impl<D: Disk, R: CryptoRng> Controller<D, R> {
    /// Puts a snapshot in the place of the journal's past if enough was written and the bank is at rest.
    pub(super) fn compact_if_due(&mut self, now: Now) {
        let due = self.compaction_due() && now.mono >= self.compact_at;
        let Some(bank) = self.bank.as_ref().filter(|bank| due && bank.at_rest()) else { return };
        let snapshot = self.snapshot(bank.lasting());
        match snapshot.and_then(|payload| self.compact(&payload)) {
            Ok(()) => tracing::info!(index = self.written.snapshot, "the journal begins with a snapshot"),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the journal stays long");
                self.compact_at = now.mono.plus_ms(AGAIN_AFTER_MS);
            }
        }
    }

    /// Also due when what an earlier snapshot had to keep for the platform has been confirmed meanwhile.
    fn compaction_due(&self) -> bool {
        let kept = self.written.snapshot.saturating_sub(self.journal.first_index());
        self.written.exceeds(self.compact_after)
            || (kept > self.compact_after.entries && lock(&self.backlog).is_empty())
    }

    /// History is given up only for bytes that read back as the state it led to.
    fn snapshot(&self, lasting: &Lasting) -> Result<Vec<u8>, NoSnapshot> {
        let payload = record::encode_snapshot(lasting, self.place);
        match record::decode_snapshot(&payload) {
            Ok(Snapshot { lasting: read, place }) if read == *lasting && place == self.place => Ok(payload),
            _ => Err(NoSnapshot::Unlike),
        }
    }

    /// A stop inside leaves the journal as it was or as it is afterwards; what is unconfirmed is in both.
    fn compact(&mut self, payload: &[u8]) -> Result<(), NoSnapshot> {
        let keep_from = lock(&self.backlog).first_index().unwrap_or(self.journal.next_index());
        let range = self.journal.compact(&[payload], keep_from)?;
        self.written = Written::behind(range.start, payload);
        Ok(())
    }
}
