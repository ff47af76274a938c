//! Sends each bank the newest roster.

use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::id::BankId;
use futures_util::{StreamExt, stream};

use super::{JobError, Progress};
use crate::app::link::Ask;
use crate::app::{App, AppError, banks};

/// Banks asked at the same time: a roster may be megabytes.
const BANKS: usize = 8;
/// How long a bank may take over it, in milliseconds.
const DEADLINE_MS: i64 = 60_000;

/// Sends the newest roster to every connected bank that does not have it.
///
/// # Errors
/// The store's, after every bank was asked.
pub async fn run_once(app: &App, ask: &dyn Ask) -> Result<Progress, JobError> {
    let behind = banks::behind(app).await?;
    let connected = behind.into_iter().filter(|bank| app.live().bank(*bank).online);
    let mut asked = stream::iter(connected).map(|bank| send(app, ask, bank)).buffer_unordered(BANKS);
    let (mut done, mut failure) = (0, None);
    while let Some(outcome) = asked.next().await {
        match outcome {
            Ok(progress) => done += usize::from(progress == Progress::Worked),
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(Progress::of(done)), |error| Err(error.into()))
}

async fn send(app: &App, ask: &dyn Ask, bank: BankId) -> Result<Progress, AppError> {
    let roster = banks::roster(app, bank).await?;
    let revision = roster.revision;
    match ask.ask(bank, Request::TakeRoster(roster), app.now().plus_ms(DEADLINE_MS)).await {
        Ok(Answer::Done) => banks::roster_taken(app, bank, revision).await.map(|()| Progress::Worked),
        // It has that revision with other content, or a newer one: a platform restored from a backup. Not counted as
        // work, so that a bank that always says so costs one new revision a timer's turn and no more.
        Ok(Answer::Superseded) => banks::renew_roster(app).await.map(|()| Progress::Idle),
        Ok(answer) => {
            tracing::error!(%bank, ?answer, revision, "the bank does not take its roster");
            Ok(Progress::Idle)
        }
        Err(_) => Ok(Progress::Idle),
    }
}
