//! The log in order of time with what to narrow it by: a page, its neighbours, and counts of what matches.

use bailee_domain::access::Permission;

use super::{LogFilter, LogRow, MAX_PAGE};
use crate::app::{App, AppError, Principal, banks};
use crate::store::tables::log_index::{self, Asked};

pub use crate::store::tables::log_index::{Counted, Facets, MOST_COUNTED, MOST_SEEN, Position, Rest, Turn};

/// Which page of the log, in order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explore {
    /// Which events.
    pub filter: LogFilter,
    /// Which page.
    pub turn: Turn,
    /// How many rows, 1 to [`MAX_PAGE`].
    pub limit: u32,
}

/// A page and what surrounds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explored {
    /// The rows, the newest first.
    pub rows: Vec<LogRow>,
    /// Where the page with what happened after these ends.
    pub newer: Option<Position>,
    /// What happened before these.
    pub older: Rest,
    /// What the events that match are.
    pub facets: Facets,
}

/// A page of the events the caller may see. A page already seen stays as it was, but for events that come late; nothing between
/// two pages is left out or shown twice, however much the log grows meanwhile.
///
/// # Errors
/// [`crate::app::Refused::NotAllowed`]; the store's.
pub async fn explore(app: &App, principal: &Principal, input: Explore) -> Result<Explored, AppError> {
    let (org, whose) = (app.org(), principal.clone());
    let outcome = app
        .db()
        .read(async move |tx| {
            let banks = banks::visible(&tx, org, &whose, Permission::ViewLog).await?;
            let limit = input.limit.clamp(1, MAX_PAGE);
            let asked =
                Asked { org, filter: &input.filter, banks: banks.as_deref(), turn: input.turn, limit };
            let facets = log_index::facets(&tx, &asked).await?;
            let found = log_index::explore(&tx, &asked).await?;
            let explored = match (asked.turn, found.rest) {
                // A last page that would be short is the newest one instead.
                (Turn::Newer(_), Rest::Nothing) => {
                    newest(log_index::explore(&tx, &Asked { turn: Turn::Newest, ..asked }).await?)
                }
                (Turn::Newer(from), Rest::Beyond(place) | Rest::Unseen(place)) => {
                    let last = found.rows.last().map_or(from, at);
                    (found.rows, Some(place), Rest::Beyond(last))
                }
                (Turn::Newest, _) => newest(found),
                (Turn::Older(from), rest) => {
                    let first = found.rows.first().map_or(from, at);
                    (found.rows, Some(first), rest)
                }
            };
            let (rows, newer, older) = explored;
            Ok(Explored { rows, newer, older, facets })
        })
        .await;
    banks::noting_denial(app, principal, outcome).await
}

fn newest(found: log_index::Found) -> (Vec<LogRow>, Option<Position>, Rest) {
    (found.rows, None, found.rest)
}

const fn at(row: &LogRow) -> Position {
    Position { at: row.line.at, id: row.id }
}
