//! Override and mechanical keys of a bank: kept under numbered seals, released by two people, back in time under a new seal.
//!
//! Nothing here unlocks anything: what is kept is who answers for a key that would. An enclosure or a door that opens
//! mechanically while no key of the bank is out raises an alarm, and so does a key that is not back in time. Start at [`add`].

use bailee_domain::access::{Permission, Scope};
use bailee_domain::event::{Event, EventKind};
use bailee_domain::id::{BankId, CustodyId, PersonId};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::tamper::{Source, Tamper};
use bailee_domain::time::WallTime;

use super::alarm::{self, About, Alarm};
use super::banks::noting_denial;
use super::people::text;
use super::sealed_words::{self, Place};
use super::{App, AppError, Change, FieldError, LiveChange, Principal, Refused};
use crate::store::tables::bank::{self, BankState};
use crate::store::tables::custody::{self, CustodyRow};

pub use custody::Whereabouts;

/// A second person agrees within this time, in milliseconds.
const AGREE_MS: i64 = 3_600_000;
/// The longest a key may be out, in hours.
pub const MAX_HOURS: u16 = 72;
/// Keys kept of one bank.
const KEYS: usize = 32;
const REASON: Place =
    Place { table: "custody_item", column: "reason", label: "key-release", fields: &["reason"] };

/// A key with the words it was asked for with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustodyView {
    /// The key.
    pub row: CustodyRow,
    /// Why it was asked for.
    pub reason: Option<String>,
    /// Whether it is out beyond its time.
    pub overdue: bool,
}

async fn here(app: &App, principal: &Principal, id: BankId, needs: Permission) -> Result<(), AppError> {
    let (org, whose) = (app.org(), principal.clone());
    let found = app.db().read(async move |tx| {
        let found = bank::by_id(&tx, org, id).await?;
        let found = found.filter(|bank| bank.state != BankState::Removed).ok_or(Refused::NotFound)?;
        Ok(whose.require(needs, Scope::Bank(id), Some(found.site))?)
    });
    noting_denial(app, principal, found.await).await
}

fn person(principal: &Principal) -> Result<PersonId, Refused> {
    match principal.actor {
        Actor::Person(person) => Ok(person),
        _ => Err(Refused::NotPossibleNow { why: "not_a_person" }),
    }
}

fn typed(field: &'static str, words: &str) -> Result<String, Refused> {
    let mut wrong = Vec::new();
    let words = text(field, words, &mut wrong);
    if wrong.is_empty() { Ok(words) } else { Err(Refused::Invalid(wrong)) }
}

fn row_of(found: Option<CustodyRow>, bank: BankId) -> Result<CustodyRow, Refused> {
    found.filter(|row| row.bank == bank && row.state != Whereabouts::Retired).ok_or(Refused::NotFound)
}

/// Takes a key into custody, under a seal.
///
/// # Errors
/// [`Refused::Invalid`] for `label` or `seal`; [`Refused::NotPossibleNow`] with `too_many_keys`; [`Refused::NotFound`], not allowed.
pub async fn add(
    app: &App,
    principal: &Principal,
    id: BankId,
    label: &str,
    seal: &str,
) -> Result<CustodyId, AppError> {
    here(app, principal, id, Permission::EnrolBanks).await?;
    let (label, seal) = (typed("label", label)?, typed("seal", seal)?);
    let item = app.draw(|mut rng| CustodyId::new(app.now(), &mut rng));
    app.change(principal.actor, async move |change: &Change| {
        if custody::of_bank(&change.tx, id).await?.len() >= KEYS {
            return Err(Refused::NotPossibleNow { why: "too_many_keys" }.into());
        }
        let row = CustodyRow {
            id: item,
            bank: id,
            label: label.clone(),
            seal: seal.clone(),
            state: Whereabouts::Sealed,
            sealed_at: change.at,
            reason: None,
            first: None,
            asked_at: None,
            hours: None,
            second: None,
            until: None,
            overdue_noted: false,
        };
        custody::put(&change.tx, change.org, &row).await?;
        change.event(PlatformEventKind::KeySealed { item, bank: id, seal: seal.clone() }).await
    })
    .await?;
    Ok(item)
}

/// Asks for a key; it stays under its seal until another person agrees within the hour.
///
/// # Errors
/// [`Refused::Invalid`] for `reason` or `hours`; [`Refused::NotPossibleNow`] with `not_sealed` or `not_a_person`;
/// [`Refused::NotFound`], not allowed.
pub async fn ask(
    app: &App,
    principal: &Principal,
    (id, item): (BankId, CustodyId),
    reason: &str,
    hours: u16,
) -> Result<(), AppError> {
    here(app, principal, id, Permission::OperateBanks).await?;
    let (by, reason) = (person(principal)?, typed("reason", reason)?);
    if !(1..=MAX_HOURS).contains(&hours) {
        return Err(Refused::Invalid(vec![FieldError { field: "hours", code: "not_1_to_72" }]).into());
    }
    let (sealed, committed) = sealed_words::seal(app, REASON, &item.to_bytes(), &[&reason])?;
    app.change(principal.actor, async move |change: &Change| {
        let row = row_of(custody::get(&change.tx, change.org, item).await?, id)?;
        let stale = row.asked_at.is_some_and(|at| change.at.since_ms(at) > AGREE_MS);
        if row.state == Whereabouts::Out || (row.state == Whereabouts::Asked && !stale) {
            return Err(Refused::NotPossibleNow { why: "not_sealed" }.into());
        }
        let row = CustodyRow {
            state: Whereabouts::Asked,
            reason: Some(sealed.clone()),
            first: Some(by),
            asked_at: Some(change.at),
            hours: Some(hours),
            second: None,
            until: None,
            ..row
        };
        custody::put(&change.tx, change.org, &row).await?;
        change.event(PlatformEventKind::KeyReleaseAsked { item, bank: id, reason: committed }).await
    })
    .await
}

/// Agrees to the release of a key that somebody else has asked for: from now on it is out.
///
/// # Errors
/// [`Refused::NotPossibleNow`] with `same_person`, `request_over`, `nobody_asked` or `not_a_person`; [`Refused::NotFound`], not
/// allowed.
pub async fn agree(
    app: &App,
    principal: &Principal,
    (id, item): (BankId, CustodyId),
) -> Result<(), AppError> {
    here(app, principal, id, Permission::OperateBanks).await?;
    let by = person(principal)?;
    app.change(principal.actor, async move |change: &Change| {
        let row = row_of(custody::get(&change.tx, change.org, item).await?, id)?;
        let no = |why| AppError::from(Refused::NotPossibleNow { why });
        let (Whereabouts::Asked, Some(first), Some(asked)) = (row.state, row.first, row.asked_at) else {
            return Err(no("nobody_asked"));
        };
        if first == by {
            return Err(no("same_person"));
        }
        if change.at.since_ms(asked) > AGREE_MS {
            return Err(no("request_over"));
        }
        let until = change.at.plus_ms(i64::from(row.hours.unwrap_or(1)) * 3_600_000);
        let row = CustodyRow {
            state: Whereabouts::Out,
            second: Some(by),
            until: Some(until),
            overdue_noted: false,
            ..row
        };
        custody::put(&change.tx, change.org, &row).await?;
        custody::went_out(&change.tx, &row, change.at, until).await?;
        change.event(PlatformEventKind::KeyReleased { item, bank: id, first, until }).await
    })
    .await
}

/// Ends a request for a key that nobody has agreed to.
///
/// # Errors
/// [`Refused::NotPossibleNow`] with `nobody_asked`; [`Refused::NotFound`], not allowed.
pub async fn drop_request(
    app: &App,
    principal: &Principal,
    (id, item): (BankId, CustodyId),
) -> Result<(), AppError> {
    here(app, principal, id, Permission::OperateBanks).await?;
    app.change(principal.actor, async move |change: &Change| {
        let row = row_of(custody::get(&change.tx, change.org, item).await?, id)?;
        if row.state != Whereabouts::Asked {
            return Err(Refused::NotPossibleNow { why: "nobody_asked" }.into());
        }
        custody::put(&change.tx, change.org, &at_rest(row)).await?;
        change.event(PlatformEventKind::KeyReleaseDropped { item, bank: id }).await
    })
    .await
}

fn at_rest(row: CustodyRow) -> CustodyRow {
    let state = Whereabouts::Sealed;
    CustodyRow {
        state,
        reason: None,
        first: None,
        asked_at: None,
        hours: None,
        second: None,
        until: None,
        ..row
    }
}

/// Takes a key back, under a seal with another number.
///
/// # Errors
/// [`Refused::Invalid`] for `seal` (`same_seal`); [`Refused::NotPossibleNow`] with `not_out`; [`Refused::NotFound`], not allowed.
pub async fn give_back(
    app: &App,
    principal: &Principal,
    (id, item): (BankId, CustodyId),
    seal: &str,
) -> Result<(), AppError> {
    here(app, principal, id, Permission::OperateBanks).await?;
    let seal = typed("seal", seal)?;
    app.change(principal.actor, async move |change: &Change| {
        let row = row_of(custody::get(&change.tx, change.org, item).await?, id)?;
        if row.state != Whereabouts::Out {
            return Err(Refused::NotPossibleNow { why: "not_out" }.into());
        }
        if row.seal == seal {
            return Err(Refused::Invalid(vec![FieldError { field: "seal", code: "same_seal" }]).into());
        }
        let row =
            CustodyRow { seal: seal.clone(), sealed_at: change.at, overdue_noted: false, ..at_rest(row) };
        custody::put(&change.tx, change.org, &row).await?;
        custody::came_back(&change.tx, item, change.at).await?;
        change.event(PlatformEventKind::KeyReturned { item, bank: id, seal: seal.clone() }).await
    })
    .await
}

/// Ends the custody of a key that is under its seal.
///
/// # Errors
/// [`Refused::NotPossibleNow`] with `not_sealed`; [`Refused::NotFound`], not allowed.
pub async fn retire(
    app: &App,
    principal: &Principal,
    (id, item): (BankId, CustodyId),
) -> Result<(), AppError> {
    here(app, principal, id, Permission::EnrolBanks).await?;
    app.change(principal.actor, async move |change: &Change| {
        let row = row_of(custody::get(&change.tx, change.org, item).await?, id)?;
        if row.state != Whereabouts::Sealed {
            return Err(Refused::NotPossibleNow { why: "not_sealed" }.into());
        }
        custody::put(&change.tx, change.org, &CustodyRow { state: Whereabouts::Retired, ..row }).await?;
        change.event(PlatformEventKind::KeyRetired { item, bank: id }).await
    })
    .await
}

/// A bank's keys.
///
/// # Errors
/// [`Refused::NotFound`], not allowed; the store's.
pub async fn of_bank(app: &App, principal: &Principal, id: BankId) -> Result<Vec<CustodyView>, AppError> {
    here(app, principal, id, Permission::OperateBanks).await?;
    let rows = app.db().read(async move |tx| custody::of_bank(&tx, id).await).await?;
    let view = |row: CustodyRow| {
        let reason = match &row.reason {
            Some(sealed) => {
                let [reason] = sealed_words::open(app, REASON, &row.id.to_bytes(), sealed)?;
                Some(reason)
            }
            None => None,
        };
        let late = |until: WallTime| until <= app.now();
        Ok(CustodyView { overdue: row.state == Whereabouts::Out && row.until.is_some_and(late), row, reason })
    };
    rows.into_iter().map(view).collect()
}

/// Notes keys that are not back in time, once each; tells whether there were any.
///
/// # Errors
/// The store's.
pub async fn note_overdue(app: &App) -> Result<bool, AppError> {
    let this = app.clone();
    let (org, now) = (app.org(), app.now());
    if app.db().read(async move |tx| custody::overdue(&tx, org, now).await).await?.is_empty() {
        return Ok(false);
    }
    app.change(Actor::Platform, async move |change: &Change| {
        for row in custody::overdue(&change.tx, change.org, change.at).await? {
            let (item, bank, at) = (row.id, row.bank, row.until.unwrap_or(change.at));
            custody::put(&change.tx, change.org, &CustodyRow { overdue_noted: true, ..row }).await?;
            change.event(PlatformEventKind::KeyOverdue { item, bank }).await?;
            let kind = alarm::KEY_OVERDUE.to_owned();
            alarm::raise(
                &this,
                change,
                &Alarm { about: About::Bank(bank), kind, compartment: None, event_seq: None, at },
            )
            .await?;
        }
        Ok(())
    })
    .await?;
    app.live().tell(LiveChange::Alerts);
    Ok(true)
}

/// A bank says that an enclosure or a door was opened mechanically: without a key of it being out at that time, that is an alarm.
/// It may say so late, when the key is back long since, or has only been released meanwhile.
pub(in crate::app) async fn heard(
    app: &App,
    change: &Change,
    bank: BankId,
    happened: &Event,
) -> Result<(), AppError> {
    let compartment = match &happened.kind {
        EventKind::TamperBegan {
            source: Source::Enclosure(_) | Source::PrySwitch(_),
            tamper: Tamper::Opened,
        } => None,
        EventKind::CompartmentForced { compartment } => Some(*compartment),
        _ => return Ok(()),
    };
    // A bank whose keys nobody keeps has its own alarms and no more.
    if custody::of_bank(&change.tx, bank).await?.is_empty()
        || custody::was_out(&change.tx, bank, happened.at).await?
    {
        return Ok(());
    }
    change.event(PlatformEventKind::OpenedWithoutRelease { bank, seq: happened.seq }).await?;
    let (kind, event_seq) = (alarm::OPENED_WITHOUT_RELEASE.to_owned(), Some(happened.seq));
    alarm::raise(
        app,
        change,
        &Alarm { about: About::Bank(bank), kind, compartment, event_seq, at: happened.at },
    )
    .await
    .map(|_| ())
}
