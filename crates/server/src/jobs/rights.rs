//! Tells banks whose rights begin and end: work orders and revoked badges; notes work orders and keys that are overdue.

use super::{JobError, Progress};
use crate::app::link::Ask;
use crate::app::{App, badges, custody, work_orders};

/// One run over everything a connected bank has to be told.
///
/// # Errors
/// The store's.
pub async fn run_once(app: &App, ask: &dyn Ask) -> Result<Progress, JobError> {
    let revoked = badges::carry_on(app, ask).await?;
    let orders = work_orders::carry_on(app, ask).await?;
    let keys = custody::note_overdue(app).await?;
    Ok(Progress::of(usize::from(revoked) + usize::from(orders) + usize::from(keys)))
}
