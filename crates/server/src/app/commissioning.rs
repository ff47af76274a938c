//! Taking a bank into use: what its technician proved, what it is built of, what the site demands, and the verdict.
//!
//! The bank tells what was proved by events in its chain; nothing here is believed that is not there. Whether it may be used
//! goes into its roster, and the bank keeps to it. Start at [`view`]; what falls short is decided in `domain::hardware`.

mod walked;

use bailee_domain::access::{Permission, Scope};
use bailee_domain::hardware::{Demands, HardwareRecord, Shortfall, shortfalls};
use bailee_domain::id::{BankId, PersonId, SiteId};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::WallTime;

use super::banks::noting_denial;
use super::{App, AppError, Change, FieldError, Principal, Refused};
use crate::store::Tx;
use crate::store::tables::bank::{self, BankRow, BankState};
use crate::store::tables::commissioning as table;
use crate::store::tables::{org, site};

pub use table::{Acceptance, How};
pub use walked::{Door, Walked};

/// No value, evidence or reason is longer, in bytes.
const MAX_TEXT: usize = 200;

/// Everything about a bank on its way into use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The bank.
    pub bank: BankId,
    /// What it is called.
    pub name: String,
    /// Whether a controller has come for it.
    pub enrolled: bool,
    /// What its technician proved.
    pub walked: Walked,
    /// What it is built of.
    pub hardware: HardwareRecord,
    /// Who answers for that, since when.
    pub attested: Option<(PersonId, WallTime)>,
    /// What its site demands.
    pub demands: Demands,
    /// In what it falls short.
    pub shortfalls: Vec<Shortfall>,
    /// Whether it was accepted.
    pub acceptance: Option<Acceptance>,
}

impl Standing {
    /// Whether it takes parcels in.
    pub fn in_service(&self) -> bool {
        self.demands.is_nothing() || self.acceptance.is_some()
    }
}

/// Whether a bank takes parcels in, for its roster.
///
/// # Errors
/// The store's.
pub(in crate::app) async fn in_service(tx: &Tx, id: BankId, site: SiteId) -> Result<bool, AppError> {
    Ok(table::demands(tx, site).await?.is_nothing() || table::acceptance(tx, id).await?.is_some())
}

/// How a bank stands.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`]; the store's.
pub async fn view(app: &App, principal: &Principal, id: BankId) -> Result<Standing, AppError> {
    let (this, whose) = (app.clone(), principal.clone());
    let outcome = app
        .db()
        .read(async move |tx| {
            let found = bank::by_id(&tx, this.org(), id).await?.ok_or(Refused::NotFound)?;
            whose.require(Permission::ViewBanks, Scope::Bank(id), Some(found.site))?;
            standing(&this, &tx, found).await
        })
        .await;
    noting_denial(app, principal, outcome).await
}

async fn standing(app: &App, tx: &Tx, found: BankRow) -> Result<Standing, AppError> {
    let BankRow { id, site, name, state, .. } = found;
    let walked = Walked::of(&table::events(tx, &app.ledger().reader(), id).await?);
    let demands = table::demands(tx, site).await?;
    let recorded = table::hardware(tx, id).await?;
    let attested = recorded.as_ref().map(|(_, by, at)| (*by, *at));
    let hardware = recorded.map(|(record, ..)| record).unwrap_or_default();
    let shortfalls = shortfalls(&demands, &hardware, walked.faults());
    let acceptance = table::acceptance(tx, id).await?;
    let enrolled = state == BankState::Enrolled;
    Ok(Standing { bank: id, name, enrolled, walked, hardware, attested, demands, shortfalls, acceptance })
}

/// Records what a bank is built of; whoever does answers for it.
///
/// # Errors
/// [`Refused::Invalid`] (by item), [`Refused::NotPossibleNow`] (`not_a_person`), not found or not allowed.
pub async fn record_hardware(
    app: &App,
    principal: &Principal,
    id: BankId,
    record: HardwareRecord,
) -> Result<(), AppError> {
    let by = person(principal)?;
    let entries = record.iter().flat_map(|(item, entry)| [(item, &entry.value), (item, &entry.evidence)]);
    let wrong: Vec<FieldError> = entries
        .filter(|(_, text)| text.len() > MAX_TEXT || text.chars().any(char::is_control))
        .map(|(item, _)| FieldError { field: item.name(), code: "too_long" })
        .collect();
    if !wrong.is_empty() {
        return Err(Refused::Invalid(wrong).into());
    }
    let whose = principal.clone();
    let commitment = commit(app, format!("{record:?}").as_bytes());
    let outcome = app.change(principal.actor, async move |change: &Change| {
        let found = bank::by_id(&change.tx, change.org, id).await?.ok_or(Refused::NotFound)?;
        whose.require(Permission::OperateBanks, Scope::Bank(id), Some(found.site))?;
        table::put_hardware(&change.tx, id, &record, by, change.at).await?;
        change.event(PlatformEventKind::HardwareRecorded { bank: id, details: commitment }).await
    });
    noting_denial(app, principal, outcome.await).await
}

/// Takes a bank into use: accepted when it is what its site demands, with a reason as an exception when it is not.
///
/// # Errors
/// [`Refused::NotPossibleNow`] (`falls_short`, `not_enrolled`, `not_a_person`), [`Refused::Invalid`] (`reason`), not found or
/// not allowed.
pub async fn accept(app: &App, principal: &Principal, id: BankId, reason: &str) -> Result<How, AppError> {
    let by = person(principal)?;
    let reason = reason.trim().to_owned();
    if reason.len() > MAX_TEXT || reason.chars().any(char::is_control) {
        return Err(Refused::Invalid(vec![FieldError { field: "reason", code: "too_long" }]).into());
    }
    let whose = principal.clone();
    let commitment = commit(app, reason.as_bytes());
    let this = app.clone();
    let outcome = app.change(principal.actor, async move |change: &Change| {
        let found = bank::by_id(&change.tx, change.org, id).await?.ok_or(Refused::NotFound)?;
        whose.require(Permission::EnrolBanks, Scope::Bank(id), Some(found.site))?;
        let now = standing(&this, &change.tx, found).await?;
        if !now.enrolled {
            return Err(Refused::NotPossibleNow { why: "not_enrolled" }.into());
        }
        let count = u16::try_from(now.shortfalls.len()).unwrap_or(u16::MAX);
        let how = match (count, reason.is_empty()) {
            (0, _) => How::Accepted,
            (_, false) => How::Excepted,
            (_, true) => return Err(Refused::NotPossibleNow { why: "falls_short" }.into()),
        };
        let reason = if how == How::Excepted { reason.clone() } else { String::new() };
        let acceptance = Acceptance { how, reason, by: Some(by), at: change.at };
        table::accept(&change.tx, id, &acceptance).await?;
        org::bump_roster(&change.tx, change.org).await?;
        change
            .event(match how {
                How::Excepted => {
                    PlatformEventKind::BankExcepted { bank: id, shortfalls: count, reason: commitment }
                }
                _ => PlatformEventKind::BankAccepted { bank: id },
            })
            .await?;
        Ok(how)
    });
    noting_denial(app, principal, outcome.await).await
}

/// Takes a bank out of use: it gives out what it holds and takes nothing in.
///
/// # Errors
/// Not found or not allowed.
pub async fn withdraw(app: &App, principal: &Principal, id: BankId) -> Result<(), AppError> {
    let whose = principal.clone();
    let outcome = app.change(principal.actor, async move |change: &Change| {
        let found = bank::by_id(&change.tx, change.org, id).await?.ok_or(Refused::NotFound)?;
        whose.require(Permission::EnrolBanks, Scope::Bank(id), Some(found.site))?;
        if table::withdraw(&change.tx, id).await? {
            org::bump_roster(&change.tx, change.org).await?;
            change.event(PlatformEventKind::BankWithdrawn { bank: id }).await?;
        }
        Ok(())
    });
    noting_denial(app, principal, outcome.await).await
}

/// What the site demands. Everybody who may see its banks may see it.
///
/// # Errors
/// Not allowed, or the store's.
pub async fn demands(app: &App, principal: &Principal) -> Result<Demands, AppError> {
    let org = app.org();
    let (site, found) = app
        .db()
        .read(async move |tx| {
            let site = site::first(&tx, org).await?.id;
            Ok::<_, AppError>((site, table::demands(&tx, site).await?))
        })
        .await?;
    app.authorise(principal, Permission::ViewBanks, Scope::Site(site), None).await?;
    Ok(found)
}

/// Changes it. Banks in use when something is demanded for the first time stay in use.
///
/// # Errors
/// Not allowed, or the store's.
pub async fn change_demands(app: &App, principal: &Principal, wanted: Demands) -> Result<(), AppError> {
    let org = app.org();
    let site = app.db().read(async move |tx| Ok::<_, AppError>(site::first(&tx, org).await?.id)).await?;
    app.authorise(principal, Permission::ManageSettings, Scope::Site(site), None).await?;
    app.change(principal.actor, async move |change| {
        if table::demands(&change.tx, site).await?.is_nothing() {
            for row in bank::all(&change.tx, change.org).await? {
                let used = row.site == site && row.state == BankState::Enrolled;
                if used && table::acceptance(&change.tx, row.id).await?.is_none() {
                    let earlier =
                        Acceptance { how: How::Earlier, reason: String::new(), by: None, at: change.at };
                    table::accept(&change.tx, row.id, &earlier).await?;
                }
            }
        }
        table::put_demands(&change.tx, site, &wanted).await?;
        org::bump_roster(&change.tx, change.org).await?;
        change.event(PlatformEventKind::SettingChanged { what: "site.demands".into() }).await
    })
    .await
}

/// A salted commitment; nobody needs to open it, so the salt is not kept.
fn commit(app: &App, words: &[u8]) -> [u8; 32] {
    let mut salt = [0; 32];
    app.draw(|rng| rng.fill_bytes(&mut salt));
    bailee_wire::event::chain_hash(&[&salt[..], words].concat())
}

fn person(principal: &Principal) -> Result<PersonId, Refused> {
    match principal.actor {
        Actor::Person(person) => Ok(person),
        _ => Err(Refused::NotPossibleNow { why: "not_a_person" }),
    }
}
