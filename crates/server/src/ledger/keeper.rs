//! The open log of an organisation, and what happens when it is opened.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};

use bailee_audit::hash::TreeHead;
use bailee_ledger::disk::Disk;
use bailee_ledger::{Config, Log};
use tokio::sync::Mutex;

use super::rows::{self, LogRow};
use super::{BATCH, Disagreement, LedgerError, LogId, LogKey, LogReader, Sequencer, aside, column};
use crate::store::{Db, Tx};

/// The open log; cheap to clone. The last clone dropped finishes what was handed in and closes it.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    id: LogId,
    org: String,
    log: Log,
    access: Access,
    /// Signature lines that go with every checkpoint: how the key that signs became the log's.
    succession: OnceLock<Arc<str>>,
    /// Runs take turns.
    turn: Mutex<()>,
}

/// What a process may do with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Append,
    Read,
}

impl Ledger {
    /// Opens a log for appending, making an empty one if there is none, and checks it against what the store knows.
    ///
    /// # Errors
    /// [`LedgerError::Log`] or [`LedgerError::Disagrees`] naming what contradicts what: it is then not to be appended to.
    pub async fn open(
        db: &Db,
        (id, org): (&LogId, &str),
        key: &LogKey,
        disk: Box<dyn Disk>,
        now_ms: i64,
    ) -> Result<Self, LedgerError> {
        let row = known(db, id).await?;
        let is_gone = disk.list().map_err(bailee_ledger::LedgerError::Folder)?.is_empty();
        let head = row.as_ref().map(|row| row.head);
        let is_lost = is_gone && head.is_some_and(|head| head.size > 0);
        let config = Config { known: head.filter(|_| !is_lost), ..Config::new(key.clone()) };
        let log = aside(move || Ok(Log::open(disk, config)?)).await?;
        let inner = Inner {
            id: id.clone(),
            org: org.to_owned(),
            log,
            access: Access::Append,
            succession: OnceLock::new(),
            turn: Mutex::default(),
        };
        let this = Self(Arc::new(inner));
        match row {
            None => this.make_row(db, key, now_ms).await?,
            Some(row) if is_lost => this.rebuild(db, row.head).await?,
            Some(_) => {}
        }
        this.catch_up(db, now_ms).await?;
        this.shed(db).await?;
        Ok(this)
    }

    /// Opens a log for reading beside the process that appends to it: what it holds at this moment.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub async fn open_beside(
        (id, org): (&LogId, &str),
        key: &LogKey,
        disk: Box<dyn Disk>,
    ) -> Result<Self, LedgerError> {
        let config = Config::new(key.clone());
        let log = aside(move || Ok(Log::open(disk, config)?)).await?;
        let (id, org) = (id.clone(), org.to_owned());
        let (access, succession, turn) = (Access::Read, OnceLock::new(), Mutex::default());
        Ok(Self(Arc::new(Inner { id, org, log, access, succession, turn })))
    }

    /// Reads the log.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        let none = || Arc::from("");
        LogReader::new(self.0.log.reader(), self.0.succession.get().cloned().unwrap_or_else(none))
    }

    /// Says how the key that signs became the log's, in signature lines for every checkpoint; the first word counts.
    pub fn succeeds(&self, lines: &str) {
        let _ = self.0.succession.set(lines.into());
    }

    /// Appends what is pending to the log.
    #[must_use]
    pub fn sequencer(&self, db: &Db) -> Sequencer {
        Sequencer::new(self.clone(), db.clone())
    }

    /// The log's name.
    #[must_use]
    pub fn id(&self) -> &LogId {
        &self.0.id
    }

    /// Entries the store knows of: how far its events are marked with their leaves.
    ///
    /// # Errors
    /// The store's.
    pub async fn noted(&self, db: &Db) -> Result<u64, LedgerError> {
        Ok(known(db, &self.0.id).await?.map_or(0, |row| row.head.size))
    }

    /// Size and root that the newest checkpoint signs.
    pub(super) fn head(&self) -> TreeHead {
        self.0.log.reader().head()
    }

    pub(super) fn org(&self) -> &str {
        &self.0.org
    }

    pub(super) fn access(&self) -> Access {
        self.0.access
    }

    pub(super) fn turn(&self) -> &Mutex<()> {
        &self.0.turn
    }

    /// Appends entries and waits until they are durable under a signed checkpoint.
    pub(super) async fn append(&self, entries: Vec<Vec<u8>>) -> Result<TreeHead, LedgerError> {
        let appender = self.0.log.appender();
        aside(move || {
            let appended = appender.append(&entries)?;
            appended.last().map(|last| last.head).ok_or(LedgerError::OutOfRange)
        })
        .await
    }

    async fn make_row(&self, db: &Db, key: &LogKey, now_ms: i64) -> Result<(), LedgerError> {
        // Nothing is marked yet, whatever the log holds: catching up says whether that can be.
        let head = TreeHead { size: 0, root: bailee_audit::Hash::EMPTY_TREE };
        let row = LogRow { org: self.0.org.clone(), origin: key.verifying.name().as_str().to_owned(), head };
        let id = self.0.id.clone();
        db.tx(async move |tx| rows::insert_log(&tx, &id, &row, now_ms).await).await
    }

    /// Marks what runs appended without noting it for good: the last one, and those whose notes a power cut took back.
    /// Entries that no pending event explains are a contradiction.
    pub(super) async fn catch_up(&self, db: &Db, now_ms: i64) -> Result<(), LedgerError> {
        let head = self.head();
        loop {
            let Some(row) = known(db, &self.0.id).await? else { return Err(LedgerError::OutOfRange) };
            if head.size <= row.head.size {
                return Ok(());
            }
            let size = head.size.min(row.head.size + BATCH as u64);
            let to = TreeHead { size, root: self.reader().root_at(size).await? };
            let entries = self.reader().range(row.head.size, size).await?;
            let this = self.clone();
            db.tx_locked(async move |tx| this.mark_again(&tx, &row, &to, &entries, now_ms).await).await?;
        }
    }

    async fn mark_again(
        &self,
        tx: &Tx,
        row: &LogRow,
        head: &TreeHead,
        entries: &[(u64, Vec<u8>)],
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        let mut waiting = BTreeMap::<Vec<u8>, VecDeque<i64>>::new();
        for event in rows::pending(tx, &self.0.org, 10 * BATCH).await? {
            waiting.entry(event.bytes).or_default().push_back(event.id);
        }
        let mut ids = Vec::with_capacity(entries.len());
        for (index, bytes) in entries {
            let id = waiting.get_mut(bytes).and_then(VecDeque::pop_front);
            ids.push(id.ok_or_else(|| self.disagree(Disagreement::EntryAndEvent(*index)))?);
        }
        self.note(tx, &ids, (&row.head, head), now_ms).await
    }

    /// Notes in the store that these events, in this order, are the leaves between two trees.
    pub(super) async fn note(
        &self,
        tx: &Tx,
        ids: &[i64],
        (from, to): (&TreeHead, &TreeHead),
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        let marked = rows::mark_sequenced(tx, ids, from.size).await?;
        let moved = rows::move_head(tx, &self.0.id, from, to, now_ms).await?;
        match moved && marked == to.size - from.size {
            true => Ok(()),
            false => Err(self.disagree(Disagreement::Marked(from.size))),
        }
    }

    /// Drops the bytes of events that have a leaf: none but in a store whose log has just been made of them.
    async fn shed(&self, db: &Db) -> Result<(), LedgerError> {
        const AT_ONCE: usize = 10 * BATCH;
        loop {
            let org = self.0.org.clone();
            if db.tx_locked(async move |tx| rows::shed(&tx, &org, AT_ONCE).await).await? < AT_ONCE as u64 {
                return Ok(());
            }
        }
    }

    /// Makes the files of a log whose events are all still in the store: one that an older program kept there.
    async fn rebuild(&self, db: &Db, signed: TreeHead) -> Result<(), LedgerError> {
        tracing::warn!(
            entries = signed.size,
            "the custody log's folder is empty; making it of the events in the store"
        );
        let mut next = 0;
        let mut head = self.head();
        while next < signed.size {
            let (org, to) = (self.0.org.clone(), signed.size.min(next + BATCH as u64));
            let events = db.read(async move |tx| rows::marked(&tx, &org, next, to).await).await?;
            let mut entries = Vec::with_capacity(events.len());
            for ((leaf, bytes), index) in events.into_iter().zip(next..) {
                if leaf != index {
                    return Err(self.disagree(Disagreement::NotRebuilt(index)));
                }
                entries.push(bytes);
            }
            let reached = next + entries.len() as u64;
            if reached != to {
                return Err(self.disagree(Disagreement::NotRebuilt(reached)));
            }
            head = self.append(entries).await?;
            next = to;
        }
        match head == signed {
            true => Ok(()),
            false => Err(self.disagree(Disagreement::NotRebuilt(column(signed.size)?.unsigned_abs()))),
        }
    }

    fn disagree(&self, what: Disagreement) -> LedgerError {
        LedgerError::Disagrees { log: self.0.id.clone(), what }
    }
}

pub(super) async fn known(db: &Db, id: &LogId) -> Result<Option<LogRow>, LedgerError> {
    let id = id.clone();
    db.read(async move |tx| rows::log(&tx, &id).await).await
}
