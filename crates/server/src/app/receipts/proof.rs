//! The proof of one event as a file that anybody can check without us (C2SP tlog-proof v1): the extra data is the entry itself.

use bailee_audit::{Note, TlogProof};

use super::super::{App, AppError, log};
use crate::store::tables::{damaged, event};

/// The proof that the event of this row is in the log; `None` until a signed checkpoint covers it, or when there is no such event.
///
/// # Errors
/// The store's; [`AppError::Damaged`] when the log contradicts itself.
pub async fn of_event(app: &App, id: i64) -> Result<Option<String>, AppError> {
    let org = app.org();
    let found = app.db().read(async move |tx| event::by_id(&tx, org, id).await).await?;
    let Some(index) = found.and_then(|row| row.place.entry()) else { return Ok(None) };
    let bytes = log::bytes(app, event::Place::Log(index)).await?;
    let proven = log::prove(app, index).await?;
    let checkpoint = Note::parse(proven.checkpoint.as_bytes()).map_err(|_| damaged("ledger.checkpoint"))?;
    let file = TlogProof { extra: Some(bytes), index, path: proven.path, checkpoint };
    Ok(Some(file.to_string()))
}
