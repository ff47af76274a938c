//! `/`: four numbers, what to do first, what needs somebody, every bank's map, and today.

use axum::Extension;
use axum::extract::State;
use bailee_domain::access::Permission;
use bailee_domain::access::Role;
use bailee_ui::layout::Page;

use super::gate::Who;
use super::shell::{Answer, live_shell, show};
use super::views::Section;
use super::views::alerts::AlertRow;
use super::views::overview::{Overview, Step};
use super::words::{self, Names};
use super::{alerts, banks};
use crate::app::banks::BankSummary;
use crate::app::log::{self, ListLog, LogFilter};
use crate::app::people::{self, ListPeople};
use crate::app::{Principal, parcels};
use crate::http::Http;
use crate::http::access::Access;
use crate::http::problem::Problem;
use crate::store::tables::bank::BankState;

/// `/`
pub async fn page(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    Ok(show(&view(&http, &who).await?))
}

/// The page, each part as far as the reader may see it.
pub async fn view(http: &Http, who: &Who) -> Result<Overview, Problem> {
    let (principal, page) = (&who.session()?.principal, who.page());
    let shell = live_shell(http, who, Section::Overview).await?;
    let listed = banks::visible(http, principal).await?;
    let (names, open) = (banks::names(&listed), open_alerts(http, principal, &page).await?);
    Ok(Overview {
        occupied: count(&listed, |bank| bank.live.doors.iter().filter(|door| door.occupied).count()),
        compartments: count(&listed, |bank| bank.layout.as_ref().map_or(0, |layout| layout.iter().count())),
        overdue: overdue(http, principal).await?,
        offline: count(&listed, |bank| usize::from(bank.state == BankState::Enrolled && !bank.online)),
        steps: steps(http, principal, &page, &listed).await?,
        alerts: open,
        banks: listed.iter().map(|bank| words::card(bank, "")).collect(),
        today: today(http, principal, &page, &names).await?,
        shell,
        page,
    })
}

fn count(banks: &[BankSummary], of: impl Fn(&BankSummary) -> usize) -> u32 {
    u32::try_from(banks.iter().map(of).sum::<usize>()).unwrap_or(u32::MAX)
}

fn may(principal: &Principal, permission: Permission) -> bool {
    Access::Needs(permission).admits(principal)
}

async fn overdue(http: &Http, principal: &Principal) -> Result<u32, Problem> {
    if !principal.may(Permission::ViewParcels, bailee_domain::access::Scope::Organisation, None) {
        return Ok(0);
    }
    let waiting = parcels::count_waiting(http.app(), principal).await?;
    Ok(u32::try_from(waiting.overdue).unwrap_or(u32::MAX))
}

async fn open_alerts(http: &Http, principal: &Principal, page: &Page) -> Result<Vec<AlertRow>, Problem> {
    if !may(principal, Permission::ViewAlerts) {
        return Ok(Vec::new());
    }
    alerts::most_urgent(http, principal, page, 5).await
}

/// What banks and platform note down for each other; it is in the log, and no news.
const BOOKKEEPING: [&str; 6] =
    ["ChainHead", "RosterTaken", "CompartmentClosed", "OpeningIntended", "CodeIssued", "GrantArmed"];

async fn today(
    http: &Http,
    principal: &Principal,
    page: &Page,
    names: &Names,
) -> Result<Vec<bailee_ui::layout::TimelineItem>, Problem> {
    if !may(principal, Permission::ViewLog) {
        return Ok(Vec::new());
    }
    let midnight = http.app().now().unix_ms().div_euclid(86_400_000) * 86_400_000;
    let from = Some(bailee_domain::time::WallTime::from_unix_ms(midnight));
    let which = ListLog { filter: LogFilter { from, ..LogFilter::default() }, before: None, limit: 100 };
    let listed = log::list(http.app(), principal, which).await?;
    let rows = listed.rows.iter().filter(|row| !BOOKKEEPING.contains(&row.line.kind.as_str())).take(7);
    Ok(rows.map(|row| words::timeline(page, names, row)).collect())
}

/// What to do first, by what is there already; nothing once all is done.
async fn steps(
    http: &Http,
    principal: &Principal,
    page: &Page,
    banks: &[BankSummary],
) -> Result<Vec<Step>, Problem> {
    if !may(principal, Permission::ManagePeople) || !may(principal, Permission::ViewLog) {
        return Ok(Vec::new());
    }
    let connected = banks.iter().any(|bank| bank.state == BankState::Enrolled);
    let steps = [
        ("step-password", "/settings", true),
        ("step-bank", "/settings/enrol", connected),
        ("step-resident", "/people/residents/new", any(http, principal, Role::Resident).await?),
        ("step-courier", "/people/couriers/new", any(http, principal, Role::Courier).await?),
        ("step-pickup", "/parcels", collected(http, principal).await?),
    ];
    let step = |(key, href, done): (&str, &str, bool)| Step { title: page.t(key), href: href.into(), done };
    let all = steps.into_iter().map(step).collect::<Vec<_>>();
    Ok(if all.iter().all(|step| step.done) { Vec::new() } else { all })
}

async fn any(http: &Http, principal: &Principal, role: Role) -> Result<bool, Problem> {
    let first = ListPeople { role, search: String::new(), after: None, limit: 1 };
    Ok(people::list(http.app(), principal, first).await?.total > 0)
}

async fn collected(http: &Http, principal: &Principal) -> Result<bool, Problem> {
    let kind = Some("ParcelCollected".to_owned());
    let which = ListLog { filter: LogFilter { kind, ..LogFilter::default() }, before: None, limit: 1 };
    Ok(!log::list(http.app(), principal, which).await?.rows.is_empty())
}
