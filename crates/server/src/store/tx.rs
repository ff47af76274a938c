//! A transaction as a use case sees it, the same on both engines.
//!
//! The rules both engines enforce, so that a mistake shows on either:
//! - a statement that fails dooms its transaction: whatever the closure returns, nothing is kept (use
//!   `ON CONFLICT` where a conflict is expected);
//! - the closure awaits its own statements and nothing else;
//! - a `Tx` carried out of its closure refuses everything.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
};

use super::{Cause, Row, StoreError, Value, postgres, sqlite};

/// A running transaction; statements use `$1`, `$2`, … on both engines.
pub struct Tx {
    link: Link,
    pub(super) state: Arc<TxState>,
}

enum Link {
    Sqlite(sqlite::Shared),
    Postgres(Arc<postgres::Client>),
}

impl Tx {
    pub(super) fn sqlite(conn: sqlite::Shared, access: Access) -> Self {
        Self { link: Link::Sqlite(conn), state: Arc::new(TxState::new(access)) }
    }

    pub(super) fn postgres(client: Arc<postgres::Client>, access: Access) -> Self {
        Self { link: Link::Postgres(client), state: Arc::new(TxState::new(access)) }
    }

    /// Runs a statement and returns all its rows.
    ///
    /// # Errors
    /// What the engine said; the transaction is then doomed.
    pub async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.state.usable()?;
        let result = match &self.link {
            Link::Sqlite(conn) => sqlite::statement::query(&sqlite::lock(conn), &self.state, sql, params),
            Link::Postgres(client) => {
                let _pending = self.state.pending();
                postgres::statement::query(client, &self.state, sql, params).await
            }
        };
        self.state.noting(result)
    }

    /// Runs a statement that returns exactly one row.
    ///
    /// # Errors
    /// [`StoreError::NoRow`] without a row (the transaction goes on), otherwise as [`Tx::query`].
    pub async fn query_one(&self, sql: &str, params: &[Value]) -> Result<Row, StoreError> {
        self.query_opt(sql, params).await?.ok_or(StoreError::NoRow)
    }

    /// Runs a statement that returns at most one row.
    ///
    /// # Errors
    /// [`StoreError::Other`] with several rows, otherwise as [`Tx::query`].
    pub async fn query_opt(&self, sql: &str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        let mut rows = self.query(sql, params).await?;
        match rows.len() {
            0 | 1 => Ok(rows.pop()),
            several => Err(StoreError::other(format!("{several} rows where at most one was expected"))),
        }
    }

    /// Runs a statement for its effect and returns how many rows it changed.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub async fn exec(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.state.usable()?;
        let result = match &self.link {
            Link::Sqlite(conn) => sqlite::statement::exec(&sqlite::lock(conn), &self.state, sql, params),
            Link::Postgres(client) => {
                let _pending = self.state.pending();
                postgres::statement::exec(client, &self.state, sql, params).await
            }
        };
        self.state.noting(result)
    }

    /// Runs several statements without parameters, as a migration needs.
    pub(super) async fn script(&self, sql: &str) -> Result<(), StoreError> {
        self.state.usable()?;
        let result = match &self.link {
            Link::Sqlite(conn) => sqlite::statement::script(&sqlite::lock(conn), &self.state, sql),
            Link::Postgres(client) => {
                let _pending = self.state.pending();
                postgres::statement::script(client, &self.state, sql).await
            }
        };
        self.state.noting(result)
    }
}

/// What a transaction has been through, shared with the engine that runs it.
pub(super) struct TxState {
    access: Access,
    over: AtomicBool,
    changed: AtomicBool,
    pending: AtomicUsize,
    failure: Mutex<Option<StoreError>>,
}

/// Whether a transaction may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    /// Writes what a power cut may take back.
    WriteUnsynced,
    Read,
}

impl TxState {
    pub(super) fn new(access: Access) -> Self {
        let (over, changed, pending, failure) = Default::default();
        Self { access, over, changed, pending, failure }
    }

    /// Refuses a statement that writes where only reading is allowed; tells whether it writes.
    pub(super) fn admit(&self, readonly: bool) -> Result<bool, StoreError> {
        match (self.access, readonly) {
            (Access::Read, false) => Err(StoreError::other("a read may not change anything")),
            (_, readonly) => Ok(!readonly),
        }
    }

    /// Ends the transaction for every `Tx` still around.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(super) fn usable(&self) -> Result<(), StoreError> {
        if self.over.load(Ordering::SeqCst) {
            return Err(StoreError::other("the transaction is over"));
        }
        self.failure().map_or(Ok(()), Err)
    }

    /// The first statement that failed, if one did.
    pub(super) fn failure(&self) -> Option<StoreError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note_change(&self) {
        self.changed.store(true, Ordering::SeqCst);
    }

    pub(super) fn changed(&self) -> bool {
        self.changed.load(Ordering::SeqCst)
    }

    fn noting<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &result {
            self.note_failure(error);
        }
        result
    }

    pub(super) fn note_failure(&self, error: &StoreError) {
        let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| error.clone());
    }

    fn pending(&self) -> Pending<'_> {
        self.pending.fetch_add(1, Ordering::SeqCst);
        Pending(self)
    }
}

/// A statement the server has not answered yet.
struct Pending<'a>(&'a TxState);

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.pending.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Runs a use case to its end and decides what it amounts to: its result, or why it may not be kept.
pub(super) async fn drive<F, T, E>(use_case: &F, tx: Tx) -> Result<T, E>
where
    F: AsyncFn(Tx) -> Result<T, E>,
    E: From<StoreError>,
{
    let state = tx.state.clone();
    let mut running = pin!(async { use_case(tx).await });
    let outcome = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))) {
        Ok(Poll::Ready(result)) => Poll::Ready(result),
        Ok(Poll::Pending) if state.pending.load(Ordering::SeqCst) == 0 => {
            Poll::Ready(Err(StoreError::ForeignAwait.into()))
        }
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Err(StoreError::Panicked(panic_message(panic.as_ref())).into())),
    })
    .await;
    match (outcome, state.failure()) {
        (Ok(_), Some(failure)) => Err(failure.into()),
        (outcome, _) => outcome,
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> Cause {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Cause::new(text.unwrap_or("a panic without a message"))
}
