//! A use case on its way to a SQLite thread and its result on the way back.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use tokio::sync::oneshot;

use super::{Shared, lock};
use crate::store::{
    StoreError,
    tx::{Access, Tx, drive},
};

/// What is to become of a job's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep { changed: bool },
    Undo,
}

/// A use case whose types are forgotten; it may be run again before it is delivered.
pub(super) trait Job: Send {
    fn run(&mut self, conn: &Shared) -> Verdict;
    /// Whether its commit is to be on the disk before it is delivered.
    fn is_synced(&self) -> bool;
    /// Hands the result to the caller; an error of the commit replaces a success.
    fn deliver(self: Box<Self>, commit: Result<(), StoreError>);
}

pub(super) struct UseCase<F, T, E> {
    closure: F,
    access: Access,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> UseCase<F, T, E> {
    pub(super) fn new(access: Access, closure: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (Self { closure, access, result: None, reply }, answer)
    }
}

impl<F, T, E> Job for UseCase<F, T, E>
where
    F: AsyncFn(Tx) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, conn: &Shared) -> Verdict {
        let tx = Tx::sqlite(conn.clone(), self.access);
        let state = tx.state.clone();
        let result = match pin!(drive(&self.closure, tx)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(StoreError::ForeignAwait.into()),
        };
        {
            let _held = lock(conn); // a leaked Tx in the middle of a statement finishes it first
            state.end();
        }
        let verdict = match &result {
            Ok(_) => Verdict::Keep { changed: state.changed() },
            Err(_) => Verdict::Undo,
        };
        self.result = Some(result);
        verdict
    }

    fn is_synced(&self) -> bool {
        self.access != Access::WriteUnsynced
    }

    fn deliver(self: Box<Self>, commit: Result<(), StoreError>) {
        let result = match (self.result, commit) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.into()),
            (Some(result), Ok(())) => result,
            (None, Ok(())) => Err(StoreError::other("the transaction was not run").into()),
        };
        let _ = self.reply.send(result); // the caller may have stopped waiting
    }
}
