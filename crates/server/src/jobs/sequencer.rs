//! Turns what happened into leaves of the custody log, in order.

use super::{JobError, Progress};
use crate::app::{App, LiveChange};
use crate::ledger::{LedgerError, Sequencer};

/// One run of the sequencer.
///
/// # Errors
/// The ledger's; a log that contradicts itself stays as it is until a person has looked.
pub async fn run_once(app: &App, sequencer: &Sequencer) -> Result<Progress, JobError> {
    let done = sequencer.run_once(app.now().unix_ms()).await;
    let refused = done.as_ref().err().and_then(LedgerError::disagreement);
    if app.live().note_log_refused(refused.clone())
        && let Some(why) = refused
    {
        tracing::error!("{why}");
    }
    let done = done?;
    if done.to > done.from {
        app.live().tell(LiveChange::Log);
    }
    Ok(if done.is_full() { Progress::Worked } else { Progress::Idle })
}
