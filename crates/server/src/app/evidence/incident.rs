//! What is around an alert: its bank from an hour before to an hour after somebody saw to it, unless other times are asked for.

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::BankId;
use bailee_evidence::Subject;

use super::Asked;
use crate::app::{App, AppError, Refused};
use crate::store::tables::alert::{self, AlertRow};

/// How much before and after belongs to it, in milliseconds: an hour.
const AROUND_MS: i64 = 3_600_000;

async fn found(app: &App, subject: &Subject) -> Result<Option<AlertRow>, AppError> {
    let Subject::Incident(id) = *subject else { return Ok(None) };
    let org = app.org();
    let row = app.db().read(async move |tx| Ok::<_, AppError>(alert::get(&tx, org, id).await?)).await?;
    Ok(Some(row.ok_or(Refused::NotFound)?))
}

/// The same with the times of an incident where none were given; they are part of what the log commits to.
pub(super) async fn timed(app: &App, asked: Asked) -> Result<Asked, AppError> {
    let Some(alert) = found(app, &asked.subject).await? else { return Ok(asked) };
    let over = alert.acknowledged_at.map_or(alert.last_at, |at| at.max(alert.last_at));
    let from = asked.from.unwrap_or_else(|| alert.at.plus_ms(-AROUND_MS));
    let until = asked.until.unwrap_or_else(|| over.plus_ms(AROUND_MS));
    Ok(Asked { from: Some(from), until: Some(until), ..asked })
}

/// Where an incident was; `None` when it is about no bank, but a witness of its own.
pub(super) async fn place(
    app: &App,
    subject: &Subject,
) -> Result<Option<(BankId, Option<CompartmentNo>)>, AppError> {
    let alert = found(app, subject).await?;
    Ok(alert.and_then(|alert| Some((alert.about.bank()?, alert.compartment.map(CompartmentNo)))))
}
