//! Alerts: the queue of what needs somebody, and taking note of one. Raising them is `alarm`'s.

use bailee_domain::access::{Permission, Scope};
use bailee_domain::id::AlertId;
use bailee_domain::platform::PlatformEventKind;

use super::{App, AppError, LiveChange, Principal, Refused};
use crate::store::tables::alert;

pub use super::alarm::About;
pub use alert::{AlertFilter, AlertRow, Reach, Witnesses};

/// Most alerts on one page.
pub const MAX_PAGE: u32 = 200;

/// Which alerts to list.
#[derive(Clone, Copy, Debug)]
pub struct ListAlerts {
    /// Open ones, or all.
    pub filter: AlertFilter,
    /// Those raised before this one.
    pub before: Option<AlertId>,
    /// At most so many, and at most [`MAX_PAGE`].
    pub limit: u32,
}

/// A page of alerts, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertsPage {
    /// The alerts.
    pub rows: Vec<AlertRow>,
    /// Where the next page begins, if there is one.
    pub next: Option<AlertId>,
    /// How many nobody has acknowledged, on all pages.
    pub open: u32,
}

/// A page of the alerts of those banks the caller may see alerts of; who may see those of all banks sees those about witnesses.
///
/// # Errors
/// Not allowed anywhere, or the store's.
pub async fn list(app: &App, principal: &Principal, input: ListAlerts) -> Result<AlertsPage, AppError> {
    let (org, reach) = (app.org(), visible(app, principal).await?);
    let limit = input.limit.clamp(1, MAX_PAGE);
    app.db()
        .read(async move |tx| {
            let mut rows = alert::newest(&tx, (org, &reach), input.filter, input.before, limit + 1).await?;
            let more = rows.len() > limit as usize;
            rows.truncate(limit as usize);
            let next = if more { rows.last().map(|last| last.id) } else { None };
            Ok(AlertsPage { rows, next, open: alert::count_open(&tx, org, &reach).await? })
        })
        .await
}

/// Takes note of an alert. The first to do so stands; doing it again changes nothing.
///
/// # Errors
/// [`Refused::NotFound`], or not allowed.
pub async fn acknowledge(app: &App, principal: &Principal, id: AlertId) -> Result<(), AppError> {
    let org = app.org();
    let found = app.db().read(async move |tx| Ok::<_, AppError>(alert::get(&tx, org, id).await?)).await?;
    // Whoever may see no alerts at all is refused before learning which exist.
    let Some(found) = found else {
        visible(app, principal).await?;
        return Err(Refused::NotFound.into());
    };
    let place = match found.about {
        About::Bank(bank) => Scope::Bank(bank),
        About::Witness(_) => Scope::Organisation,
    };
    app.authorise(principal, Permission::HandleAlerts, place, found.site).await?;
    let by = principal.name();
    app.change(principal.actor, async move |change| {
        if alert::acknowledge(&change.tx, id, &by, change.at).await? {
            change.event(PlatformEventKind::AlertAcknowledged { alert: id }).await?;
        }
        Ok(())
    })
    .await?;
    app.live().tell(LiveChange::Alerts);
    Ok(())
}

async fn visible(app: &App, principal: &Principal) -> Result<Reach, AppError> {
    let org = app.org();
    let all = app.db().read(async move |tx| Ok::<_, AppError>(alert::banks(&tx, org).await?)).await?;
    let may = |(bank, site): &(_, _)| principal.may(Permission::ViewAlerts, Scope::Bank(*bank), Some(*site));
    let banks: Vec<_> = all.iter().filter(|place| may(place)).map(|(bank, _)| *bank).collect();
    if banks.is_empty() {
        app.authorise(principal, Permission::ViewAlerts, Scope::Organisation, None).await?;
    }
    let witnesses = match principal.may(Permission::ViewAlerts, Scope::Organisation, None) {
        true => Witnesses::Included,
        false => Witnesses::Left,
    };
    Ok(Reach { banks, witnesses })
}
