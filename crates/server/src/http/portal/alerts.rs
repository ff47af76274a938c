//! `/alerts`: the queue.

use axum::Extension;
use axum::extract::{Path, State};
use bailee_domain::access::Permission::ExportLog;
use bailee_domain::id::{AlertId, PersonId};
use bailee_ui::layout::Page;

use super::form::{Form, Query};
use super::gate::Who;
use super::notice::Done;
use super::parcels::tab;
use super::shell::{Answer, live_shell, show};
use super::views::Section;
use super::views::alerts::{AlertRow, Alerts, Urgency};
use super::words::{self, Names};
use crate::app::Principal;
use crate::app::alerts::{self, About, AlertFilter, ListAlerts};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::problem::Problem;

const PAGE: u32 = 50;
/// What is seen to on the page of the witnesses.
const WITNESSES: [&str; 3] = ["WitnessRefused", "WitnessSilent", "LedgerRefused"];

/// `/alerts?view=open|all`
pub async fn list(State(http): State<Http>, Extension(who): Extension<Who>, Query(query): Query) -> Answer {
    Ok(show(&view(&http, &who, &query).await?))
}

/// The queue.
pub async fn view(http: &Http, who: &Who, query: &Form) -> Result<Alerts, Problem> {
    let (principal, page) = (&who.session()?.principal, who.page());
    let filter = if query.text("view") == "all" { AlertFilter::All } else { AlertFilter::Open };
    let before: Option<AlertId> = http.position("alerts", query.some("cursor"))?;
    let listed = alerts::list(http.app(), principal, ListAlerts { filter, before, limit: PAGE }).await?;
    let names = acknowledgers(http, principal, &listed.rows).await?;
    let name = if filter == AlertFilter::All { "all" } else { "open" };
    let rows: Vec<AlertRow> = listed.rows.iter().map(|row| show_row(&page, &names, row)).collect();
    let next = listed
        .next
        .map(|id| format!("/alerts?view={name}&cursor={}", http.cursor("alerts", &id.to_string())));
    Ok(Alerts {
        shell: live_shell(http, who, Section::Alerts).await?,
        views: vec![
            tab("/alerts?view=open", "view-open", listed.open, name == "open"),
            tab("/alerts?view=all", "view-all", u32::try_from(rows.len()).unwrap_or(u32::MAX), name == "all"),
        ],
        may_export: Access::Needs(ExportLog).admits(principal),
        rows,
        first: before.map(|_| format!("/alerts?view={name}")),
        next,
        page,
    })
}

/// The most urgent open alerts.
pub async fn most_urgent(
    http: &Http,
    principal: &Principal,
    page: &Page,
    most: usize,
) -> Result<Vec<AlertRow>, Problem> {
    let newest = ListAlerts { filter: AlertFilter::Open, before: None, limit: PAGE };
    let listed = alerts::list(http.app(), principal, newest).await?;
    let mut rows: Vec<_> = listed.rows.iter().map(|row| show_row(page, &Names::default(), row)).collect();
    rows.sort_by_key(|row| match row.urgency {
        Urgency::Alarm => 0,
        Urgency::Warning => 1,
        Urgency::Notice => 2,
    });
    rows.truncate(most);
    Ok(rows)
}

async fn acknowledgers(
    http: &Http,
    principal: &Principal,
    rows: &[alerts::AlertRow],
) -> Result<Names, Problem> {
    let ids = rows.iter().filter_map(|row| row.acknowledged_by.as_deref()?.parse::<PersonId>().ok());
    words::names(http, principal, ids.collect()).await
}

fn show_row(page: &Page, names: &Names, row: &alerts::AlertRow) -> AlertRow {
    let door = row.compartment.map(|number| format!("?compartment={number}")).unwrap_or_default();
    let href = match &row.about {
        About::Bank(bank) if !WITNESSES.contains(&row.kind.as_str()) => format!("/banks/{bank}{door}"),
        _ => "/witnesses".to_owned(),
    };
    AlertRow {
        id: row.id.to_string(),
        urgency: words::urgency(&row.kind),
        title: words::kind(page, &row.kind),
        about: row.name.clone(),
        href,
        files: row.about.bank().is_some(),
        at: words::time(row.at),
        acknowledged_by: row.acknowledged_by.as_deref().map(|by| names.actor(by)).unwrap_or_default(),
    }
}

/// `/alerts/{id}/acknowledge`, posted.
pub async fn acknowledge(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(alert): Path<String>,
) -> Answer {
    let id: AlertId = alert.parse().map_err(|_| Problem::not_found())?;
    alerts::acknowledge(http.app(), &who.session()?.principal, id).await?;
    Ok(Done::AlertAcknowledged.at("/alerts"))
}
