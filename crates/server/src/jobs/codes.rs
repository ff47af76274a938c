//! Codes from ordered to live: [`make`] makes what is wanted, [`hand_over`] has banks arm what is made.

use futures_util::{StreamExt, stream};

use super::{JobError, Progress};
use crate::app::App;
use crate::app::codes;
use crate::app::link::Ask;

/// Codes made in one run.
const BATCH: u32 = 32;
/// Banks asked at the same time.
const BANKS: usize = 64;

/// Makes a code for every order that wants one; one that fails keeps no other waiting.
///
/// # Errors
/// The store's, after every order was tried.
pub async fn make(app: &App) -> Result<Progress, JobError> {
    let (mut made, mut failure) = (0, None);
    for order in &codes::wanted(app, BATCH).await? {
        match codes::make_one(app, order).await {
            Ok(moved) => made += usize::from(moved),
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(Progress::of(made)), |error| Err(error.into()))
}

/// Has every connected bank arm the codes made for it. A bank that does not answer is asked again by a later run.
///
/// # Errors
/// The store's, after every bank was asked.
pub async fn hand_over(app: &App, ask: &dyn Ask) -> Result<Progress, JobError> {
    let banks = codes::banks_waiting(app).await?;
    let connected = banks.into_iter().filter(|bank| app.live().bank(*bank).online);
    let mut asked =
        stream::iter(connected).map(|bank| codes::hand_over(app, ask, bank)).buffer_unordered(BANKS);
    let (mut done, mut failure) = (0, None);
    while let Some(outcome) = asked.next().await {
        match outcome {
            Ok(count) => done += count,
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(Progress::of(done)), |error| Err(error.into()))
}
