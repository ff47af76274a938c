//! What the banks of a site do about tampering, and who may end a lockdown there.

use bailee_domain::access::{Permission, Role, Scope, permits};
use bailee_domain::id::{BankId, SiteId};
use bailee_domain::lockdown::{Cause, Grade, Keeper, MAX_KEEPERS, ReleaseFrom, Releasers, Rule, Security};
use bailee_domain::platform::PlatformEventKind;

use crate::app::{App, AppError, FieldError, Principal, Refused};
use crate::store::Tx;
use crate::store::tables::{assignment, org, person, security, site};

/// Roles whose holders may end lockdowns, where they may operate the bank: technicians open cabinets, so not they.
const KEEPERS: [Role; 3] = [Role::Operator, Role::Admin, Role::SuperAdmin];

/// A policy as somebody chose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyInput {
    /// How many people it takes to end a lockdown.
    pub releasers: Releasers,
    /// Where they may.
    pub release_from: ReleaseFrom,
    /// Seconds the siren sounds.
    pub siren_s: u64,
    /// What is done about each cause, and for how many minutes; nothing for a cause that is not named.
    pub rules: Vec<(Cause, Grade, u64)>,
}

/// A bank's policy with everybody who may end lockdowns there, for its roster.
///
/// # Errors
/// The store's.
pub(in crate::app) async fn of_bank(
    app: &App,
    tx: &Tx,
    bank: BankId,
    site: SiteId,
) -> Result<Security, AppError> {
    let mut found = security::of_site(tx, site).await?;
    for role in KEEPERS {
        for row in person::holding(tx, app.org(), role, None, 200).await? {
            let known = found.keepers.iter().any(|keeper| keeper.person == row.id);
            if known || found.keepers.len() >= MAX_KEEPERS {
                continue;
            }
            let mut roles = assignment::of_person(tx, row.id).await?;
            roles.retain(|held| KEEPERS.contains(&held.role));
            if permits(&roles, Permission::OperateBanks, Scope::Bank(bank), Some(site)) {
                let verifier = security::staff_verifier(tx, row.id, bank).await?;
                found.keepers.push(Keeper { person: row.id, verifier });
            }
        }
    }
    found.keepers.sort_by_key(|keeper| keeper.person);
    Ok(found)
}

/// The site's policy. Everybody who may see its banks may see it.
///
/// # Errors
/// Not allowed, or the store's.
pub async fn policy(app: &App, principal: &Principal) -> Result<Security, AppError> {
    let org = app.org();
    let (site, found) = app
        .db()
        .read(async move |tx| {
            let site = site::first(&tx, org).await?;
            Ok::<_, AppError>((site.id, security::of_site(&tx, site.id).await?))
        })
        .await?;
    app.authorise(principal, Permission::ViewBanks, Scope::Site(site), None).await?;
    Ok(found)
}

/// Changes it; banks are told.
///
/// # Errors
/// [`Refused::Invalid`] for `rules` or `siren_s` out of bounds, or not allowed.
pub async fn change_policy(app: &App, principal: &Principal, input: PolicyInput) -> Result<(), AppError> {
    let org = app.org();
    let site = app.db().read(async move |tx| Ok::<_, AppError>(site::first(&tx, org).await?.id)).await?;
    app.authorise(principal, Permission::ManageSettings, Scope::Site(site), None).await?;
    let rule = |(cause, grade, minutes): &(Cause, Grade, u64)| Rule {
        cause: *cause,
        grade: *grade,
        lasts_s: minutes.saturating_mul(60),
    };
    let wanted = Security {
        keepers: Vec::new(),
        releasers: input.releasers,
        release_from: input.release_from,
        rules: input.rules.iter().map(rule).collect(),
        siren_s: input.siren_s,
    };
    if !wanted.is_sound() {
        return Err(Refused::Invalid(vec![FieldError { field: "rules", code: "out_of_bounds" }]).into());
    }
    app.change(principal.actor, async move |change| {
        security::put(&change.tx, site, &wanted).await?;
        org::bump_roster(&change.tx, change.org).await?;
        change.event(PlatformEventKind::SettingChanged { what: "site.lockdown".into() }).await
    })
    .await
}
