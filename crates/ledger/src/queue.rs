//! Entries waiting for the writer, in groups as they will be written; bounded.
//!
//! Whoever hands an entry in computes its leaf hash and copies it to its place in the group, so the writer's own work
//! for an entry is small. The callers of a group share one answer.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bailee_audit::bundle::MAX_ENTRY_LEN;
use bailee_audit::hash::{Hash, TreeHead, leaf_hash};

use crate::error::LedgerError;
use crate::group::Group;

/// Most entries of a group.
pub const GROUP_ENTRIES: usize = 4_096;
/// A group takes no more entries when it has so many bytes.
const GROUP_BYTES: usize = 2 << 20;
/// Groups that may wait; who hands in more waits too.
const MOST_GROUPS: usize = 4;
/// Callers that were just answered hand in their next entries at once. While a group is smaller than the one before and
/// still grows, the writer gives them this time, and again, at most so often: one sync instead of two.
const GATHER: Duration = Duration::from_micros(100);
const MOST_GATHERINGS: usize = 8;

/// Hands entries to the writer; cheap to clone.
#[derive(Clone)]
pub struct Appender {
    pub(crate) queue: Arc<Queue>,
}

/// An entry that is in the log for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its place in the log.
    pub index: u64,
    /// The signed tree that was made durable with it.
    pub head: TreeHead,
}

/// Why an entry isn't known to be in the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// It was not handed in: too long.
    #[error("an entry of {0} bytes is too long")]
    TooLong(usize),
    /// It was not handed in: the log is being closed.
    #[error("the log is closed")]
    Closed,
    /// It was not handed in: the queue is full.
    #[error("too many entries are waiting")]
    Full,
    /// The log failed. What had been handed in may be in the log or not: look at its last entries.
    #[error("the log failed")]
    Failed(#[source] Arc<LedgerError>),
}

/// The answer to come for one entry: wait for it, or await it. Dropping it changes nothing.
pub struct Ticket {
    place: u64,
    done: Arc<Done>,
}

type Answer = Result<(u64, TreeHead), Arc<LedgerError>>;

#[derive(Default)]
pub(crate) struct Done {
    answer: OnceLock<Answer>,
    wakers: Mutex<Vec<Waker>>,
    settled: Condvar,
}

pub(crate) struct Batch {
    pub group: Group,
    pub done: Arc<Done>,
}

pub(crate) struct Queue {
    inner: Mutex<Inner>,
    /// The writer waits for work, the callers for room.
    work: Condvar,
    room: Condvar,
}

struct Inner {
    batches: VecDeque<Batch>,
    spare: Vec<Group>,
    /// Index of the next entry if all that waits goes well.
    next: u64,
    segment_height: u8,
    /// Entries of the group taken last.
    last: usize,
    is_closed: bool,
    broken: Option<Arc<LedgerError>>,
    is_to_mend: bool,
}

/// What the writer is to do.
pub(crate) enum Work {
    Commit(Batch),
    Mend,
    Stop,
}

enum IfFull {
    Wait,
    Refuse,
}

impl Queue {
    pub fn new(next: u64, segment_height: u8) -> Self {
        let inner = Inner {
            batches: VecDeque::new(),
            spare: Vec::new(),
            next,
            segment_height,
            last: 0,
            is_closed: false,
            broken: None,
            is_to_mend: false,
        };
        Self { inner: Mutex::new(inner), work: Condvar::new(), room: Condvar::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder of the queue panics")
    }

    fn submit(&self, entries: &[(&[u8], Hash)], if_full: &IfFull) -> Result<Vec<Ticket>, AppendError> {
        let mut inner = self.inner();
        let mut tickets = Vec::with_capacity(entries.len());
        for &(entry, leaf) in entries {
            inner = self.room_for_one(inner, if_full)?;
            tickets.push(self.push(&mut inner, entry, leaf));
        }
        Ok(tickets)
    }

    fn room_for_one<'a>(
        &'a self,
        mut inner: MutexGuard<'a, Inner>,
        if_full: &IfFull,
    ) -> Result<MutexGuard<'a, Inner>, AppendError> {
        inner.refuse(&self.work)?;
        while inner.open_batch().is_none() {
            if matches!(if_full, IfFull::Refuse) {
                return Err(AppendError::Full);
            }
            inner = self.room.wait(inner).expect("no holder of the queue panics");
            inner.refuse(&self.work)?;
        }
        Ok(inner)
    }

    /// Puts an entry where [`Queue::room_for_one`] found room.
    fn push(&self, inner: &mut Inner, entry: &[u8], leaf: Hash) -> Ticket {
        let batch = inner.batches.back_mut().expect("there is room");
        let place = batch.group.leaves.len() as u64;
        batch.group.push(entry, leaf);
        let ticket = Ticket { place, done: Arc::clone(&batch.done) };
        inner.next += 1;
        if place == 0 || place + 1 == inner.last as u64 {
            self.work.notify_one();
        }
        ticket
    }

    /// Waits for something to do.
    pub fn take(&self) -> Work {
        let mut inner = self.inner();
        loop {
            inner = self.gather(inner);
            if let Some(batch) = inner.batches.pop_front() {
                inner.last = batch.group.leaves.len();
                self.room.notify_all();
                return Work::Commit(batch);
            }
            if inner.is_closed {
                return Work::Stop;
            }
            if std::mem::take(&mut inner.is_to_mend) {
                return Work::Mend;
            }
            inner = self.work.wait(inner).expect("no holder of the queue panics");
        }
    }

    fn gather<'a>(&'a self, mut inner: MutexGuard<'a, Inner>) -> MutexGuard<'a, Inner> {
        let mut before = 0;
        for _ in 0..MOST_GATHERINGS {
            let waiting = inner.batches.front().map_or(0, |batch| batch.group.leaves.len());
            if waiting == before || inner.has_gathered() {
                break;
            }
            before = waiting;
            let gathering = |inner: &mut Inner| !inner.has_gathered();
            let waited = self.work.wait_timeout_while(inner, GATHER, gathering);
            inner = waited.expect("no holder of the queue panics").0;
        }
        inner
    }

    /// Takes back a group's memory.
    pub fn recycle(&self, group: Group) {
        let mut inner = self.inner();
        if inner.spare.len() < MOST_GROUPS {
            inner.spare.push(group);
        }
    }

    /// Fails all that waits and refuses more.
    pub fn break_with(&self, error: &Arc<LedgerError>) {
        let mut inner = self.inner();
        inner.broken = Some(Arc::clone(error));
        for batch in inner.batches.drain(..) {
            batch.done.settle(Err(Arc::clone(error)));
        }
        self.room.notify_all();
    }

    /// Takes entries again, the next one at that index.
    pub fn mended(&self, next: u64) {
        let mut inner = self.inner();
        (inner.broken, inner.next) = (None, next);
    }

    /// Lets the writer end when it has done what waits.
    pub fn close(&self) {
        self.inner().is_closed = true;
        self.work.notify_all();
        self.room.notify_all();
    }
}

impl Inner {
    /// Whether as many wait as were answered last, or nobody can join any more.
    fn has_gathered(&self) -> bool {
        let waiting = self.batches.front().map_or(0, |batch| batch.group.leaves.len());
        waiting >= self.last || self.batches.len() > 1 || self.is_closed
    }

    fn refuse(&mut self, work: &Condvar) -> Result<(), AppendError> {
        if self.is_closed {
            return Err(AppendError::Closed);
        }
        if let Some(error) = &self.broken {
            self.is_to_mend = true;
            work.notify_one();
            return Err(AppendError::Failed(Arc::clone(error)));
        }
        Ok(())
    }

    /// The last group if it takes one more entry, or a new one if one more may wait.
    fn open_batch(&mut self) -> Option<&mut Batch> {
        let begins_segment = self.next.trailing_zeros() >= u32::from(self.segment_height);
        let takes = |batch: &Batch| {
            let group = &batch.group;
            let has_room = group.leaves.len() < GROUP_ENTRIES && group.bytes.len() < GROUP_BYTES;
            group.leaves.is_empty() || (has_room && !begins_segment)
        };
        if !self.batches.back().is_some_and(takes) {
            if self.batches.len() >= MOST_GROUPS {
                return None;
            }
            let mut group = self.spare.pop().unwrap_or_default();
            group.clear(self.next);
            self.batches.push_back(Batch { group, done: Arc::default() });
        }
        self.batches.back_mut()
    }
}

impl Done {
    pub fn settle(&self, answer: Answer) {
        let wakers = {
            let mut wakers = self.wakers();
            let settled = self.answer.set(answer);
            debug_assert!(settled.is_ok(), "a group is answered for once");
            std::mem::take(&mut *wakers)
        };
        self.settled.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn wakers(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.wakers.lock().expect("no holder of the wakers panics")
    }
}

impl Appender {
    /// Hands an entry in, waiting while the queue is full.
    ///
    /// # Errors
    /// It was not handed in, or the log has failed.
    pub fn submit(&self, entry: &[u8]) -> Result<Ticket, AppendError> {
        self.submit_with(entry, &IfFull::Wait)
    }

    /// Hands an entry in, or says that the queue is full.
    ///
    /// # Errors
    /// It was not handed in, or the log has failed.
    pub fn try_submit(&self, entry: &[u8]) -> Result<Ticket, AppendError> {
        self.submit_with(entry, &IfFull::Refuse)
    }

    fn submit_with(&self, entry: &[u8], if_full: &IfFull) -> Result<Ticket, AppendError> {
        let leaf = leaf_of(entry)?;
        let mut inner = self.queue.room_for_one(self.queue.inner(), if_full)?;
        Ok(self.queue.push(&mut inner, entry, leaf))
    }

    /// Hands entries in that follow each other in the log, as few groups as they fit into, and waits. Nobody else's
    /// entries come between them unless the queue was full.
    ///
    /// # Errors
    /// See [`AppendError`]; some of them may be in the log, in order from the first.
    pub fn append<E: AsRef<[u8]>>(&self, entries: &[E]) -> Result<Vec<Appended>, AppendError> {
        let hashed = entries.iter().map(|entry| Ok((entry.as_ref(), leaf_of(entry.as_ref())?)));
        let hashed = hashed.collect::<Result<Vec<(&[u8], Hash)>, AppendError>>()?;
        let tickets = self.queue.submit(&hashed, &IfFull::Wait)?;
        tickets.into_iter().map(Ticket::wait).collect()
    }
}

fn leaf_of(entry: &[u8]) -> Result<Hash, AppendError> {
    if entry.len() > MAX_ENTRY_LEN { Err(AppendError::TooLong(entry.len())) } else { Ok(leaf_hash(entry)) }
}

impl Ticket {
    /// Waits until the entry is in the log for good.
    ///
    /// # Errors
    /// [`AppendError::Failed`].
    pub fn wait(self) -> Result<Appended, AppendError> {
        if let Some(answer) = self.poll_now() {
            return answer;
        }
        let mut wakers = self.done.wakers();
        loop {
            if let Some(answer) = self.poll_now() {
                return answer;
            }
            wakers = self.done.settled.wait(wakers).expect("no holder of the wakers panics");
        }
    }

    /// The answer if it has come.
    #[must_use]
    pub fn poll_now(&self) -> Option<Result<Appended, AppendError>> {
        self.done.answer.get().map(|answer| self.appended(answer))
    }

    fn appended(&self, answer: &Answer) -> Result<Appended, AppendError> {
        match answer {
            Ok((first, head)) => Ok(Appended { index: first + self.place, head: *head }),
            Err(error) => Err(AppendError::Failed(Arc::clone(error))),
        }
    }
}

impl Future for Ticket {
    type Output = Result<Appended, AppendError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut wakers = self.done.wakers();
        if let Some(answer) = self.poll_now() {
            return Poll::Ready(answer);
        }
        if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}
