//! The one way events become leaves: pending rows in, durable signed entries out, then their places noted in the store.

use std::sync::Arc;

use super::keeper::Access;
use super::rows::{self, PendingRow};
use super::{Ledger, LedgerError};
use crate::store::{Db, Tx};

/// Most events one run turns into entries.
pub const BATCH: usize = 1_000;

/// What a run did: the entries `from .. to` are new, durable and under the signed checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequenced {
    /// Size before.
    pub from: u64,
    /// Size after; equal when nothing was pending.
    pub to: u64,
}

impl Sequenced {
    /// True when as much was taken as one run may take: there is probably more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.to - self.from >= BATCH as u64
    }
}

/// The steps of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Pending events are read.
    Taken,
    /// They are in the log, durable and signed for; the store does not know.
    Appended,
    /// The store knows; a power cut may make it forget.
    Noted,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 3] = [Self::Taken, Self::Appended, Self::Noted];
}

/// Called after each stage of a run; an error ends the run there. For crash tests and simulation.
pub type Tripwire = Arc<dyn Fn(Stage) -> Result<(), LedgerError> + Send + Sync>;

/// The sequencer of one log; cheap to clone.
#[derive(Clone)]
pub struct Sequencer {
    ledger: Ledger,
    db: Db,
    tripwire: Option<Tripwire>,
}

impl Sequencer {
    pub(super) fn new(ledger: Ledger, db: Db) -> Self {
        Self { ledger, db, tripwire: None }
    }

    /// The same sequencer with something watching its stages.
    #[must_use]
    pub fn with_tripwire(self, tripwire: Tripwire) -> Self {
        Self { tripwire: Some(tripwire), ..self }
    }

    /// Turns up to [`BATCH`] pending events into entries under a new signed checkpoint.
    ///
    /// # Errors
    /// See [`LedgerError`]; after any of them the events are pending or in the log, and the next run knows which.
    pub async fn run_once(&self, now_ms: i64) -> Result<Sequenced, LedgerError> {
        if self.ledger.access() == Access::Read {
            return Err(LedgerError::NotOurs);
        }
        let _turn = self.ledger.turn().lock().await;
        self.ledger.catch_up(&self.db, now_ms).await?;
        let org = self.ledger.org().to_owned();
        let pending = self.db.read(async move |tx| rows::pending(&tx, &org, BATCH).await).await?;
        let before = self.ledger.head();
        if pending.is_empty() {
            return Ok(Sequenced { from: before.size, to: before.size });
        }
        self.passed(Stage::Taken)?;
        let (ids, entries): (Vec<i64>, Vec<Vec<u8>>) =
            pending.into_iter().map(|PendingRow { id, bytes }| (id, bytes)).unzip();
        let after = self.ledger.append(entries).await?;
        self.passed(Stage::Appended)?;
        let done = Sequenced { from: before.size, to: after.size };
        let ledger = self.ledger.clone();
        let note = async move |tx: Tx| ledger.note(&tx, &ids, (&before, &after), now_ms).await;
        // Not synced: what a power cut takes back, the log still has, and the next run notes it again. But runs one after
        // another, with no commit of events between them, would get ever further ahead.
        match done.is_full() {
            true => self.db.tx_locked(note).await?,
            false => self.db.tx_unsynced(note).await?,
        }
        self.passed(Stage::Noted)?;
        Ok(done)
    }

    fn passed(&self, stage: Stage) -> Result<(), LedgerError> {
        self.tripwire.as_ref().map_or(Ok(()), |tripwire| tripwire(stage))
    }
}
