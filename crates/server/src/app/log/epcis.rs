//! The log, or what passes a filter, as an EPCIS 2.0 document.

use bailee_evidence::epcis::{Document, event as epcis_event};
use bailee_wire::event::decode;
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};

use super::{LogFilter, LogRow, export};
use crate::app::{App, AppError, Principal, install};
use crate::store::tables::{damaged, event};

/// Exports the movements of parcels among the events that pass the filter, oldest first. Events the log has not placed yet,
/// those of the last second or two, are left out: an EPCIS event names the entry it was made from.
///
/// # Errors
/// As [`export`].
pub async fn epcis(
    app: &App,
    principal: &Principal,
    filter: LogFilter,
) -> Result<impl Stream<Item = Result<String, AppError>> + Send + use<>, AppError> {
    let key = install::log_key(app).map_err(|_| damaged("org.log_id"))?;
    let origin = key.verifying.name().to_string();
    let begin = Document::begin(app.now());
    let rows = Box::pin(export(app, principal, filter).await?);
    let start = (app.clone(), rows, Document::default());
    let events = stream::try_unfold(start, move |(app, mut rows, mut document)| {
        let origin = origin.clone();
        async move {
            while let Some(row) = rows.try_next().await? {
                if let Some(event) = made(&app, &origin, &row).await? {
                    let text = document.event(&event);
                    return Ok::<_, AppError>(Some((text, (app, rows, document))));
                }
            }
            Ok(None)
        }
    });
    Ok(stream::iter([Ok(begin)]).chain(events).chain(stream::iter([Ok(Document::end().to_owned())])))
}

async fn made(
    app: &App,
    origin: &str,
    row: &LogRow,
) -> Result<Option<bailee_evidence::epcis::Event>, AppError> {
    // Only what is about a parcel can move one; the rest needs no look at its bytes.
    let (Some(index), Some(_)) = (row.leaf_index, row.line.parcel) else { return Ok(None) };
    let bytes = super::bytes(app, event::Place::Log(index)).await?;
    let leaf = decode(&bytes).map_err(|_| damaged("event.bytes"))?;
    Ok(epcis_event(origin, index, &leaf))
}
