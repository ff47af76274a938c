//! Lockdown from the portal: beginning one, agreeing to end one, telling what was seen on a round.
//!
//! The platform asks, the bank decides: it begins and ends lockdowns by its own policy, keeps them without us, and what
//! became of a request is told by its events. A lockdown of a site is one of each of its banks. Start at [`begin`]; the
//! policy banks work by is in `policy`, a staff member's code for the kiosk in `staff_code`.

mod policy;
mod staff_code;

use bailee_domain::access::{Permission, Scope};
use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{BankId, PersonId};
use bailee_domain::lockdown::{Area, Exercise, Grade, LONGEST_DRILL_S, LONGEST_S, LockdownNo, SHORTEST_S};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::truth::Seen;

use super::banks::noting_denial;
use super::link::{Ask, NotAnswered};
use super::{App, AppError, Change, FieldError, Principal, Refused};
use crate::store::tables::api_token;
use crate::store::tables::bank::{self, BankState};

pub(in crate::app) use policy::of_bank;
pub use policy::{PolicyInput, change_policy, policy};
pub use staff_code::issue as issue_staff_code;

/// How long a request may take before the bank must not obey it any more, in milliseconds.
const REQUEST_MS: i64 = 15_000;

/// A lockdown somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeginLockdown {
    /// Where.
    pub area: Area,
    /// How hard.
    pub grade: Grade,
    /// Whether it is meant.
    pub exercise: Exercise,
    /// For how many seconds.
    pub lasts_s: u64,
}

/// What became of an agreement to end a lockdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// It has ended.
    Ended,
    /// A second person must agree.
    NeedsAnother,
}

/// Begins a lockdown at a bank, or makes the one in force there harder or longer.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`], [`Refused::Invalid`] for `lasts`; [`Refused::NotPossibleNow`]
/// (`bank_offline`, `no_such_compartment`; `not_a_person` for a token nobody made).
pub async fn begin(
    app: &App,
    ask: &dyn Ask,
    principal: &Principal,
    id: BankId,
    wanted: BeginLockdown,
) -> Result<(), AppError> {
    let by = answerable(app, principal).await?;
    let BeginLockdown { area, grade, exercise, lasts_s } = wanted;
    let longest = if exercise.is_drill() { LONGEST_DRILL_S } else { LONGEST_S };
    if !(SHORTEST_S..=longest).contains(&lasts_s) {
        return Err(Refused::Invalid(vec![FieldError { field: "lasts", code: "too_long" }]).into());
    }
    let drill = if exercise.is_drill() { "drill of a " } else { "" };
    let what = format!("{drill}lockdown, {}, {} s", grade.name(), lasts_s);
    let request = Request::LockDown { area, grade, exercise, lasts_s, by };
    asked(app, ask, principal, id, what, request).await.map(|_| ())
}

/// Begins one at every enrolled bank of the organisation's site; tells how many banks did not answer.
///
/// # Errors
/// As [`begin`], for a caller who may not or a wish that is out of bounds.
pub async fn begin_everywhere(
    app: &App,
    ask: &dyn Ask,
    principal: &Principal,
    wanted: BeginLockdown,
) -> Result<usize, AppError> {
    let org = app.org();
    let banks = app.db().read(async move |tx| bank::all(&tx, org).await).await?;
    let mut missed = 0;
    for bank in banks.iter().filter(|bank| bank.state == BankState::Enrolled) {
        match begin(app, ask, principal, bank.id, wanted).await {
            Ok(()) => {}
            Err(AppError::Refused(Refused::NotPossibleNow { why: "bank_offline" })) => missed += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(missed)
}

/// Agrees to the end of a lockdown. Whom and how many it takes is the bank's to judge.
///
/// # Errors
/// As [`begin`]; [`Refused::NotPossibleNow`] with `not_a_keeper` or `no_such_lockdown`.
pub async fn release(
    app: &App,
    ask: &dyn Ask,
    principal: &Principal,
    id: BankId,
    lockdown: LockdownNo,
) -> Result<Released, AppError> {
    let by = person(principal)?;
    let what = format!("end of lockdown {lockdown}");
    match asked(app, ask, principal, id, what, Request::Release { lockdown, by }).await? {
        Answer::NeedsAnother => Ok(Released::NeedsAnother),
        _ => Ok(Released::Ended),
    }
}

/// Turns a bank's siren off.
///
/// # Errors
/// As [`begin`].
pub async fn silence(app: &App, ask: &dyn Ask, principal: &Principal, id: BankId) -> Result<(), AppError> {
    let by = person(principal)?;
    asked(app, ask, principal, id, "siren off".to_owned(), Request::SilenceSiren { by }).await.map(|_| ())
}

/// Tells a bank what somebody saw inside its compartments.
///
/// # Errors
/// As [`begin`]; [`Refused::Invalid`] when nothing was seen.
pub async fn tell_seen(
    app: &App,
    ask: &dyn Ask,
    principal: &Principal,
    id: BankId,
    seen: Vec<(CompartmentNo, Seen)>,
) -> Result<(), AppError> {
    let by = person(principal)?;
    if seen.is_empty() {
        return Err(Refused::Invalid(vec![FieldError { field: "seen", code: "empty" }]).into());
    }
    let what = format!("walk-round, {} compartments", seen.len());
    asked(app, ask, principal, id, what, Request::TellSeen { by, seen }).await.map(|_| ())
}

/// The person a lockdown is begun in the name of: for a token whoever made it, as the bank writes down a person. Only people
/// themselves end one.
async fn answerable(app: &App, principal: &Principal) -> Result<PersonId, AppError> {
    let Actor::Token(token) = principal.actor else { return Ok(person(principal)?) };
    let org = app.org();
    let made_by =
        app.db().read(async move |tx| Ok::<_, AppError>(api_token::made_by(&tx, org, token).await?));
    made_by.await?.ok_or(AppError::Refused(Refused::NotPossibleNow { why: "not_a_person" }))
}

fn person(principal: &Principal) -> Result<PersonId, Refused> {
    match principal.actor {
        Actor::Person(person) => Ok(person),
        _ => Err(Refused::NotPossibleNow { why: "not_a_person" }),
    }
}

async fn asked(
    app: &App,
    ask: &dyn Ask,
    principal: &Principal,
    id: BankId,
    what: String,
    request: Request,
) -> Result<Answer, AppError> {
    let whose = principal.clone();
    let noted = app.change(principal.actor, async move |change: &Change| {
        let found = bank::by_id(&change.tx, change.org, id).await?;
        let found = found.filter(|bank| bank.state == BankState::Enrolled).ok_or(Refused::NotFound)?;
        whose.require(Permission::OperateBanks, Scope::Bank(id), Some(found.site))?;
        change.event(PlatformEventKind::BankOperationRequested { bank: id, what: what.clone() }).await
    });
    noting_denial(app, principal, noted.await).await?;
    // A stop here leaves an event that says it was asked for; what came of it is the bank's to tell.
    let why = match ask.ask(id, request, app.now().plus_ms(REQUEST_MS)).await {
        Ok(answer @ (Answer::Done | Answer::NeedsAnother)) => return Ok(answer),
        Ok(Answer::NoSuchCompartment) => "no_such_compartment",
        Ok(Answer::NotAllowed) => "not_a_keeper",
        Ok(Answer::NoSuchLockdown) => "no_such_lockdown",
        Ok(_) => "refused_by_bank",
        Err(NotAnswered) => "bank_offline",
    };
    Err(Refused::NotPossibleNow { why }.into())
}
