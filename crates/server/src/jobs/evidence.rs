//! Makes evidence bundles that were asked for, one after another, and forgets those whose time is over.

use super::{JobError, Progress};
use crate::app::{App, evidence};

/// One run: at most one bundle.
///
/// # Errors
/// The store's; a bundle that cannot be made is noted with why and is no error here.
pub async fn run_once(app: &App) -> Result<Progress, JobError> {
    Ok(if evidence::make_next(app).await? { Progress::Worked } else { Progress::Idle })
}
