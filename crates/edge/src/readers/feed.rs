//! Facts of readers on their way into the engine, and lights on their way back.

use std::collections::BTreeSet;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailee_domain::bank::io::Input;
use bailee_domain::bank::screen::{Screen, View};
use bailee_domain::tamper::{Sign, Source};
use bailee_vault::badge::BadgeKey;
use bailee_vault::stretch::Cost;
use tokio::sync::{oneshot, watch};

use super::desk::FactSink;
use super::fact::{Condition, Fact, Feedback, ReaderNo, Standing};
use super::store::{ReaderKeys, StoreError};
use super::{Needs, Readers};
use crate::clock::Clocks;
use crate::config::EdgeConfig;
use crate::installation::{Installation, InstallationError};
use crate::kek::{Home, HomeError};
use crate::runtime::Message;

/// What the engine shows within this time after a badge is the answer to it.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);

/// The reader somebody used last, so that the answer is shown there.
#[derive(Clone)]
pub struct LastUsed {
    clocks: Clocks,
    at: Arc<Mutex<Option<(ReaderNo, Duration)>>>,
}

impl LastUsed {
    /// Nobody has used a reader yet.
    pub fn new(clocks: Clocks) -> Self {
        Self { clocks, at: Arc::default() }
    }

    fn note(&self, reader: ReaderNo) {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        *at = Some((reader, self.clocks.elapsed()));
    }

    /// The reader that waits for an answer; it is asked once.
    pub fn take(&self) -> Option<ReaderNo> {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let (reader, since) = at.take()?;
        (self.clocks.elapsed().saturating_sub(since) <= ANSWERED_WITHIN).then_some(reader)
    }
}

/// The sink that feeds the engine's queue. A full queue gives the fact back.
pub fn into_engine(queue: SyncSender<Message>, last: LastUsed) -> FactSink {
    let standing = Mutex::new(BTreeSet::new());
    Arc::new(move |fact| {
        let message = match &fact {
            Fact::Badge(badge) => {
                last.note(ReaderNo(badge.reader));
                Message::Sensed(Input::Badge(*badge))
            }
            Fact::Text(reader, text) => {
                last.note(*reader);
                // Nobody waits for the answer: the kiosk shows it.
                Message::Token(text.clone(), oneshot::channel().0)
            }
            Fact::Unreadable(reader) => {
                tracing::debug!(reader = reader.0, "something was read that is no badge");
                return Ok(());
            }
            Fact::Condition(reader, condition, how) => {
                tracing::warn!(reader = reader.0, condition = condition.code(), ?how, "reader");
                let mut standing = standing.lock().unwrap_or_else(PoisonError::into_inner);
                match sign(&mut standing, *reader, *condition, *how) {
                    Some(message) => message,
                    None => return Ok(()),
                }
            }
        };
        match queue.try_send(message) {
            Err(TrySendError::Full(_)) => Err(fact),
            // When the loop has ended nobody is left to hear it.
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
        }
    })
}

/// The sign of tampering a condition is; one sign may have several conditions under it and ends with the last.
fn sign(
    standing: &mut BTreeSet<(ReaderNo, Condition)>,
    reader: ReaderNo,
    condition: Condition,
    how: Standing,
) -> Option<Message> {
    let tamper = condition.tamper();
    let sign = match how {
        Standing::Raised => {
            standing.insert((reader, condition));
            Sign::Present
        }
        Standing::Cleared => {
            standing.remove(&(reader, condition));
            let still = standing.iter().any(|(of, other)| *of == reader && other.tamper() == tamper);
            if still {
                return None;
            }
            Sign::Gone
        }
    };
    Some(Message::Sensed(Input::Tamper { source: Source::Reader(reader.0), tamper, sign }))
}

/// Why the readers did not start.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// What enrolment gave.
    #[error("the installation cannot be used")]
    Installation(#[from] InstallationError),
    /// The key-encryption key.
    #[error("the key file cannot be used")]
    Kek(#[from] HomeError),
    /// The readers' keys.
    #[error("the readers' keys cannot be used")]
    Store(#[from] StoreError),
    /// A thread.
    #[error("the readers cannot be started")]
    Start(#[source] std::io::Error),
}

/// The configured readers with nobody served: what commissioning listens to.
pub struct Probe {
    _readers: Readers,
}

impl Probe {
    /// Starts the configured readers onto a queue of their own.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn start(
        (config, home): (&EdgeConfig, &Home),
        installation: &Installation,
        clocks: Clocks,
        queue: SyncSender<Fact>,
    ) -> Result<Self, FeedError> {
        let sink: FactSink = Arc::new(move |fact| match queue.try_send(fact) {
            Err(TrySendError::Full(fact)) => Err(fact),
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
        });
        let needs = needs((config, home), installation, clocks, sink)?;
        Ok(Self { _readers: Readers::start(&config.readers, &needs).map_err(FeedError::Start)? })
    }
}

fn needs(
    (config, home): (&EdgeConfig, &Home),
    installation: &Installation,
    clocks: Clocks,
    sink: FactSink,
) -> Result<Needs, FeedError> {
    let keys = if config.readers.osdp.is_empty() {
        ReaderKeys::default()
    } else {
        ReaderKeys::open(&config.data_dir, home.open()?.as_ref())?
    };
    let key = Arc::new(BadgeKey::of(&installation.code_key(Cost::STANDARD)?));
    Ok(Needs { key, keys, clocks, sink })
}

/// The running readers of a controller.
pub struct Fed {
    readers: Readers,
    last: LastUsed,
}

impl Fed {
    /// Starts the configured readers onto the engine's queue.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn start(
        (config, home): (&EdgeConfig, &Home),
        installation: &Installation,
        clocks: Clocks,
        queue: SyncSender<Message>,
    ) -> Result<Self, FeedError> {
        let last = LastUsed::new(clocks);
        let needs = needs((config, home), installation, clocks, into_engine(queue, last.clone()))?;
        let readers = Readers::start(&config.readers, &needs).map_err(FeedError::Start)?;
        Ok(Self { readers, last })
    }

    /// Shows at the reader what the kiosk shows after a badge, until told to stop; then stops the readers.
    pub async fn attend(self, mut view: watch::Receiver<Arc<View>>, mut stopped: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                changed = view.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let answer = feedback(&view.borrow_and_update());
                    if let Some(answer) = answer
                        && let Some(reader) = self.last.take()
                    {
                        self.readers.show(reader, answer);
                    }
                }
                // The sender lives as long as the controller.
                _ = stopped.wait_for(|stopped| *stopped) => break,
            }
        }
        // Stopping waits for threads, which the other tasks must not.
        if tokio::task::spawn_blocking(move || drop(self)).await.is_err() {
            tracing::error!("the readers could not be stopped");
        }
    }
}

/// What a reader shows for what the kiosk shows; nothing while it is being decided.
fn feedback(view: &View) -> Option<Feedback> {
    match &view.screen {
        Screen::Checking => None,
        Screen::Home { .. } => view.notice.as_ref().map(|_| Feedback::Refused),
        Screen::SecondFactor | Screen::HoldBadge => Some(Feedback::MoreNeeded),
        _ => Some(Feedback::Accepted),
    }
}

#[cfg(test)]
mod tests {
    use bailee_domain::tamper::Tamper;

    use super::*;

    #[test]
    fn a_sign_ends_with_the_last_condition_under_it() {
        let (queue, inbox) = std::sync::mpsc::sync_channel(10);
        let sink = into_engine(queue, LastUsed::new(Clocks::start()));
        let reader = ReaderNo(4);
        for (condition, how) in [
            (Condition::ChannelLost, Standing::Raised),
            (Condition::WrongKey, Standing::Raised),
            (Condition::ChannelLost, Standing::Cleared),
            (Condition::WrongKey, Standing::Cleared),
        ] {
            assert!(sink(Fact::Condition(reader, condition, how)).is_ok());
        }
        drop(sink);
        let signs: Vec<Sign> = inbox
            .into_iter()
            .map(|message| match message {
                Message::Sensed(Input::Tamper {
                    source: Source::Reader(4),
                    tamper: Tamper::Downgraded,
                    sign,
                }) => sign,
                _ => panic!("another message"),
            })
            .collect();
        assert_eq!(signs, [Sign::Present, Sign::Present, Sign::Gone]);
    }

    #[test]
    fn a_full_queue_gives_conditions_back() {
        let (queue, _inbox) = std::sync::mpsc::sync_channel(1);
        let sink = into_engine(queue, LastUsed::new(Clocks::start()));
        let fact = |reader| Fact::Condition(ReaderNo(reader), Condition::Silent, Standing::Raised);
        assert!(sink(fact(1)).is_ok());
        assert_eq!(sink(fact(2)), Err(fact(2)));
    }
}
