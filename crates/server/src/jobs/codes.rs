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

/// Makes a code for every order that wants one.
///
/// # Errors
/// The store's; codes made before it are kept.
pub async fn make(app: &App) -> Result<Progress, JobError> {
    let wanted = codes::wanted(app, BATCH).await?;
    let mut made = 0;
    for order in &wanted {
        made += usize::from(codes::make_one(app, order).await?);
    }
    Ok(Progress::of(made))
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
