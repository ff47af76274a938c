//! What the service manager is told, as sd_notify(3) has it: ready, alive, stopping. Silent where there is none.
//!
//! *Alive* means that the part that does the work has answered, not that this process still exists: a bank whose
//! engine hangs is started anew, and what is in its journal decides what happens then.

use std::time::Duration;

use sd_notify::NotifyState;

/// Tells that it is served now, and where.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Tells that it stops.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// As long as `alive` answers, says so twice within the time the service manager waits; never ends.
pub async fn watch(alive: impl AsyncFn() -> bool) {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut turn = tokio::time::interval((patience / 2).max(Duration::from_millis(1)));
    loop {
        turn.tick().await;
        if alive().await {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!("the part that does the work does not answer");
        }
    }
}

fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
