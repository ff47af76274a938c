//! Notes, once for each, that a parcel is past its time.

use super::{JobError, Progress};
use crate::app::{App, parcels};

/// Parcels noted in one run.
const BATCH: u32 = 100;

/// Notes every parcel whose time has come.
///
/// # Errors
/// The store's.
pub async fn run_once(app: &App) -> Result<Progress, JobError> {
    Ok(Progress::of(parcels::note_overdue(app, BATCH).await?))
}
