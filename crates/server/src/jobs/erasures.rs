//! Carries on with erasures until nothing of the person is left in the store's files and every bank has forgotten.

use super::{JobError, Progress};
use crate::app::App;
use crate::app::link::Ask;
use crate::app::people::erase;

/// One run over every open erasure.
///
/// # Errors
/// The store's.
pub async fn run_once(app: &App, ask: &dyn Ask) -> Result<Progress, JobError> {
    Ok(if erase::carry_on(app, ask).await? { Progress::Worked } else { Progress::Idle })
}
