//! Keeps the log in step with which banks are heard. The gateway tells at once; this catches what it could not store,
//! and banks that do not come back after a restart of the platform.

use bailee_domain::time::WallTime;

use super::{JobError, Progress};
use crate::app::App;
use crate::app::banks::{self, Presence};

/// How long after the start of the platform a bank may take to come back, in milliseconds.
const RETURN_MS: i64 = 60_000;

/// Notes which banks are heard and which are not.
///
/// # Errors
/// The store's.
pub async fn run_once(app: &App, started: WallTime) -> Result<Progress, JobError> {
    let settled = app.now().since_ms(started) >= RETURN_MS;
    let mut news = 0;
    for (bank, noted) in banks::presences(app).await? {
        let live = app.live().bank(bank);
        let mark = match (noted, live.online) {
            (Presence::Offline, true) => Presence::Online,
            (Presence::Online, false) if settled => Presence::Offline,
            _ => continue,
        };
        news += usize::from(banks::mark(app, bank, mark, live.last_heard).await?);
    }
    Ok(Progress::of(news))
}
