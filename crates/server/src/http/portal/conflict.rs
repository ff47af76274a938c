//! Two people edited the same thing: what the other one saved, to be shown beside what was typed here.

use super::form::Form;
use super::views::people::Conflict;
use super::words;
use crate::app::Principal;
use crate::app::log::{self, ListLog, LogFilter};
use crate::http::Http;
use crate::http::problem::Problem;

/// A field both may have changed: its name, and the key of its label.
pub type Shared = (&'static str, &'static str);

/// What somebody else saved, where it differs from what was typed here; `last` finds their change in the log.
///
/// # Errors
/// The store's.
pub async fn theirs(
    http: &Http,
    principal: &Principal,
    last: LogFilter,
    (stored, form): (&Form, &Form),
    fields: &[Shared],
) -> Result<Conflict, Problem> {
    let found = log::list(http.app(), principal, ListLog { filter: last, before: None, limit: 1 }).await.ok();
    let found = found.and_then(|page| page.rows.into_iter().next());
    let by = found.as_ref().map(|row| row.line.actor.clone()).unwrap_or_default();
    let names = words::names(http, principal, by.parse().into_iter().collect()).await?;
    let same = |name: &str| stored.text(name).trim() == form.text(name).replace("\r\n", "\n").trim();
    let differs = fields.iter().filter(|(name, _)| !same(name));
    Ok(Conflict {
        by: names.actor(&by),
        at: words::time_opt(found.map(|row| row.line.at)),
        theirs: differs.map(|(name, key)| ((*key).to_owned(), stored.text(name).to_owned())).collect(),
    })
}
