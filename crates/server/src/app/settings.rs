//! What a site can set.

use bailee_domain::access::{Permission, Scope};
use bailee_domain::platform::PlatformEventKind;

use super::people::{MAX_TEXT, text};
use super::{App, AppError, FieldError, Principal, Refused};
use crate::store::tables::{org, site};

pub use site::SiteRow;

/// A site's settings as somebody typed them.
#[derive(Clone, Copy, Debug)]
pub struct SiteInput<'a> {
    /// What the site is called.
    pub name: &'a str,
    /// Whom to call, as shown on kiosks; may be empty.
    pub help: &'a str,
    /// Days a parcel may wait, 1 to 30.
    pub expiry_days: u16,
    /// Days the link in a receipt works, 1 to 365; `None` leaves it as it is.
    pub receipt_days: Option<u16>,
    /// The version the change was made from.
    pub version: i64,
}

/// The site's settings. Everybody who may see its banks may see them.
///
/// # Errors
/// Not allowed, or the store's.
pub async fn site(app: &App, principal: &Principal) -> Result<SiteRow, AppError> {
    let org = app.org();
    let site = app.db().read(async move |tx| Ok::<_, AppError>(site::first(&tx, org).await?)).await?;
    app.authorise(principal, Permission::ViewBanks, Scope::Site(site.id), None).await?;
    Ok(site)
}

/// Changes the site's settings; banks are told. Parcels already there keep the time they were given.
///
/// # Errors
/// [`Refused::Invalid`], [`Refused::Conflict`], or not allowed.
pub async fn change_site(app: &App, principal: &Principal, input: SiteInput<'_>) -> Result<(), AppError> {
    let org = app.org();
    let now = app.db().read(async move |tx| Ok::<_, AppError>(site::first(&tx, org).await?)).await?;
    app.authorise(principal, Permission::ManageSettings, Scope::Site(now.id), None).await?;
    let wanted = check(&now, input)?;
    app.change(principal.actor, async move |change| {
        let before = site::first(&change.tx, change.org).await?;
        if !site::update(&change.tx, &wanted).await? {
            return Err(Refused::Conflict { current: before.version }.into());
        }
        org::bump_roster(&change.tx, change.org).await?;
        for what in changed(&before, &wanted) {
            change.event(PlatformEventKind::SettingChanged { what: what.into() }).await?;
        }
        Ok(())
    })
    .await
}

fn check(now: &SiteRow, input: SiteInput<'_>) -> Result<SiteRow, Refused> {
    let mut wrong = Vec::new();
    let name = text("name", input.name, &mut wrong);
    let help = input.help.trim();
    if help.len() > MAX_TEXT {
        wrong.push(FieldError { field: "help", code: "too_long" });
    }
    if help.chars().any(char::is_control) {
        wrong.push(FieldError { field: "help", code: "control_character" });
    }
    if !(1..=30).contains(&input.expiry_days) {
        wrong.push(FieldError { field: "expiry_days", code: "not_1_to_30" });
    }
    let receipt_days = input.receipt_days.unwrap_or(now.receipt_days);
    if !(1..=365).contains(&receipt_days) {
        wrong.push(FieldError { field: "receipt_days", code: "not_1_to_365" });
    }
    let SiteInput { expiry_days, version, .. } = input;
    let site = SiteRow { id: now.id, name, help: help.into(), expiry_days, receipt_days, version };
    if wrong.is_empty() { Ok(site) } else { Err(Refused::Invalid(wrong)) }
}

fn changed(before: &SiteRow, after: &SiteRow) -> impl Iterator<Item = &'static str> {
    let all = [
        ("site.name", before.name != after.name),
        ("site.help", before.help != after.help),
        ("site.expiry_days", before.expiry_days != after.expiry_days),
        ("site.receipt_days", before.receipt_days != after.receipt_days),
    ];
    all.into_iter().filter_map(|(what, differs)| differs.then_some(what))
}
