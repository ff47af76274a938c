//! Slow work on purpose: stretching passwords and codes, off the threads that serve, and few at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::{AppError, Refused};

/// Each takes [`bailee_vault::stretch::Cost::memory_kib`] of this process's memory, so the bound is the process's.
static RUNNING: Semaphore = Semaphore::const_new(2);
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Most callers from outside that wait; the next is told to come back.
const MOST_WAITING: usize = 64;

/// Runs work a stranger can ask for: refused when too many wait already.
///
/// # Errors
/// [`Refused::TooManyTries`].
pub(super) async fn for_stranger<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    let _place = Place::take().ok_or(Refused::TooManyTries { wait_s: 5 })?;
    Ok(run(work).await)
}

/// Runs work somebody with the right to do so asked for.
pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let _turn = RUNNING.acquire().await.expect("it is never closed");
    tokio::task::spawn_blocking(work).await.expect("stretching does not panic, and nobody cancels it")
}

/// A place in the queue, given back when dropped.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let before = WAITING.fetch_add(1, Ordering::SeqCst);
        let place = Self;
        (before < MOST_WAITING).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::SeqCst);
    }
}
