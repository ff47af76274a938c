//! One bank's session with what is needed to share it between connections and the watch.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::ports::{KnownBank, News, Ports};
use super::session::{Input, Output, Session};

/// A bank that connected at least once since the platform started.
pub(super) struct Lane {
    pub(super) known: KnownBank,
    session: Mutex<Session>,
    /// Held by the one connection that is served.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// Commands wait, or another connection does.
    pub(super) wake: Notify,
    newest: AtomicU64,
}

impl Lane {
    pub(super) fn new(known: KnownBank, session: Session) -> Self {
        Self {
            known,
            session: Mutex::new(session),
            turn: tokio::sync::Mutex::new(()),
            wake: Notify::new(),
            newest: AtomicU64::new(0),
        }
    }

    /// Takes the bank over from any earlier connection; returns the number of this one.
    pub(super) fn take_over(&self) -> u64 {
        let number = self.newest.fetch_add(1, Ordering::SeqCst) + 1;
        self.wake.notify_one();
        number
    }

    pub(super) fn is_newest(&self, number: u64) -> bool {
        self.newest.load(Ordering::SeqCst) == number
    }

    pub(super) fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn poll_output(&self) -> Option<Output> {
        self.session().poll_output()
    }

    /// Does what needs no socket; gives back what does.
    pub(super) async fn perform(&self, ports: &Ports, output: Output) -> Result<(), Output> {
        let bank = self.known.bank;
        let news = match output {
            Output::Send(_) | Output::Close(_) => return Err(output),
            Output::Store(batch) => {
                let up_to = batch.events.last().map_or(0, |e| e.event.seq);
                let input = match ports.ingest.store(batch).await {
                    Ok(()) => Input::Stored { up_to },
                    Err(_) => Input::StoreFailed,
                };
                self.session().handle((ports.clock)(), input);
                return Ok(());
            }
            Output::Replied { command, answer } => {
                ports.commands.answered(bank, command, answer).await;
                return Ok(());
            }
            Output::Expired { command, sent } => {
                ports.commands.expired(bank, command, sent).await;
                return Ok(());
            }
            Output::AlarmPreview { event, leaf } => News::Alarm { event, leaf },
            Output::Greeted(hello) => News::Greeted(hello),
            Output::Status(status) => News::Status(status),
            Output::Witnessed(witnessed) => News::Witnessed(witnessed),
            Output::Online => News::Online,
            Output::Offline => News::Offline,
            Output::ChainBroken(breach) => {
                tracing::error!(%bank, %breach, "chain broken");
                News::ChainBroken(breach)
            }
        };
        ports.ingest.news(bank, news).await;
        Ok(())
    }
}
