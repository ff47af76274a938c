//! Openings from afar: the platform passes on what people have signed, and has no say in what comes of it.
//!
//! Nothing here can open a door: the bank checks the signatures with the keys it holds, whether somebody stands before it, and how
//! many doors it has opened from afar. What is refused here is refused only to spare the bank the question.

use bailee_domain::access::{Permission, Scope};
use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::code::Code;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::event::Authority;
use bailee_domain::id::BankId;
use bailee_domain::platform::PlatformEventKind;
use bailee_domain::signer::{Act, QUORUM_LIFE_MS, STATEMENT_LIFE_MS, Signed, Statement};
use bailee_domain::time::WallTime;
use bailee_wire::signed;

use super::banks::noting_denial;
use super::link::{Ask, NotAnswered};
use super::people::text;
use super::sealed_words::{self, Place};
use super::{App, AppError, Change, FieldError, Principal, Refused};
use crate::store::tables::bank::{self, BankRow, BankState};
use crate::store::tables::inspection::{self, InspectionRow};

/// How long a bank may take to check and decide, in milliseconds.
const REQUEST_MS: i64 = 20_000;

/// What is taken off a statement's longest life, so that a bank whose clock is a little behind takes it, in milliseconds.
const MARGIN_MS: i64 = 5_000;
/// Reasons shown of a bank.
const SHOWN: u32 = 20;
/// The words behind the reason an administrator signs.
const REASON: Place =
    Place { table: "inspection", column: "details", label: "inspection", fields: &["reason"] };

/// Why a door was to be opened from afar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The door.
    pub compartment: CompartmentNo,
    /// In words.
    pub reason: String,
    /// Who gave it.
    pub asked_by: String,
    /// When.
    pub at: WallTime,
    /// When the bank opened the door for it, if it did.
    pub opened_at: Option<WallTime>,
}

/// What is to be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish<'a> {
    /// An administrator opens a door for a reason.
    Inspect {
        /// The door.
        compartment: CompartmentNo,
        /// Why.
        reason: &'a str,
    },
    /// Administrators admit a key that waits.
    Admit(bailee_domain::signer::PersonKey),
}

/// Writes the statement for a wish, to be signed away from here. The words of a reason stay here, sealed; what is signed and
/// what the bank writes down commits to them.
///
/// # Errors
/// [`Refused::Invalid`] for `reason` or `compartment`; [`Refused::NotFound`], [`Refused::NotAllowed`]; the store's.
pub async fn prepare(
    app: &App,
    principal: &Principal,
    id: BankId,
    wish: Wish<'_>,
    presence: Option<Code>,
) -> Result<String, AppError> {
    let life_ms = if presence.is_some() { STATEMENT_LIFE_MS } else { QUORUM_LIFE_MS };
    let expires = app.now().plus_ms(life_ms - MARGIN_MS);
    let act = match wish {
        Wish::Admit(key) => {
            let found = here(app, principal, id).await;
            noting_denial(app, principal, found).await?;
            Act::Admit(key)
        }
        Wish::Inspect { compartment, reason } => give_reason(app, principal, id, compartment, reason).await?,
    };
    let statement = Statement { act, presence, expires };
    Ok(signed::text(id, &Signed { statement, signatures: Vec::new() }))
}

async fn here(app: &App, principal: &Principal, id: BankId) -> Result<BankRow, AppError> {
    let (org, whose) = (app.org(), principal.clone());
    app.db()
        .read(async move |tx| {
            let found = bank::by_id(&tx, org, id).await?;
            let found = found.filter(|bank| bank.state != BankState::Removed).ok_or(Refused::NotFound)?;
            whose.require(Permission::OperateBanks, Scope::Bank(id), Some(found.site))?;
            Ok(found)
        })
        .await
}

async fn give_reason(
    app: &App,
    principal: &Principal,
    id: BankId,
    compartment: CompartmentNo,
    reason: &str,
) -> Result<Act, AppError> {
    let found = here(app, principal, id).await;
    let found = noting_denial(app, principal, found).await?;
    let mut wrong = Vec::new();
    let words = text("reason", reason, &mut wrong);
    if found.layout.is_none_or(|layout| layout.find(compartment).is_none()) {
        wrong.push(FieldError { field: "compartment", code: "unknown" });
    }
    if !wrong.is_empty() {
        return Err(Refused::Invalid(wrong).into());
    }
    let (salt, reason) = sealed_words::commit(app, REASON, &[&words]);
    let row = InspectionRow {
        reason,
        bank: id,
        compartment,
        details: sealed_words::seal_under(app, REASON, &reason, &salt, &[&words])?,
        asked_by: principal.name(),
        at: app.now(),
        opened_at: None,
    };
    app.change(principal.actor, async move |change: &Change| {
        inspection::insert(&change.tx, change.org, &row).await?;
        change.event(PlatformEventKind::InspectionPrepared { bank: id, compartment, reason }).await
    })
    .await?;
    Ok(Act::Inspect { compartment, reason })
}

/// Why doors of a bank were to be opened from afar lately, the newest first.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`]; the store's.
pub async fn inspections(app: &App, principal: &Principal, id: BankId) -> Result<Vec<Inspection>, AppError> {
    let found = here(app, principal, id).await;
    noting_denial(app, principal, found).await?;
    let rows = app.db().read(async move |tx| inspection::newest(&tx, id, SHOWN).await).await?;
    let shown = |row: InspectionRow| {
        let [reason] = sealed_words::open(app, REASON, &row.reason, &row.details)?;
        let InspectionRow { compartment, asked_by, at, opened_at, .. } = row;
        Ok(Inspection { compartment, reason, asked_by, at, opened_at })
    };
    rows.into_iter().map(shown).collect()
}

/// A bank opens a door on an administrator's signature: its reason was not given in vain.
pub(in crate::app) async fn opened(
    change: &Change,
    bank: BankId,
    authority: Authority,
    at: WallTime,
) -> Result<(), AppError> {
    match authority {
        Authority::Remote { reason } | Authority::Quorum { reason, .. } => {
            inspection::opened(&change.tx, bank, reason, at).await
        }
        Authority::Override { .. } | Authority::WorkOrder { .. } => Ok(()),
    }
}

/// Reads a signed statement as it is handed from person to person, and passes it on as [`relay`] does.
///
/// # Errors
/// [`Refused::Invalid`] for `statement` (`not_a_statement`, `of_another_bank`, `not_signed`); as [`relay`].
pub async fn relay_text(
    app: &App,
    ask: &dyn Ask,
    principal: &Principal,
    id: BankId,
    text: &str,
) -> Result<Act, AppError> {
    let wrong = |code| AppError::from(Refused::Invalid(vec![FieldError { field: "statement", code }]));
    let (of, signed) = signed::parse(text).map_err(|_| wrong("not_a_statement"))?;
    if of != id {
        return Err(wrong("of_another_bank"));
    }
    if signed.signatures.is_empty() {
        return Err(wrong("not_signed"));
    }
    let act = signed.statement.act;
    relay(app, ask, principal, id, signed).await.map(|()| act)
}

/// Passes a signed statement on to a bank and waits for what the bank says.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`]; [`Refused::NotPossibleNow`] with the bank's reason: `not_authorised`,
/// `not_present`, `breaker_open`, `door_unavailable`, `bank_busy`, `too_late`, `no_such_compartment`, `refused_by_bank`,
/// or `bank_offline`.
pub async fn relay(
    app: &App,
    ask: &dyn Ask,
    principal: &Principal,
    id: BankId,
    signed: Signed,
) -> Result<(), AppError> {
    let (whose, what) = (principal.clone(), what(&signed));
    let asked = app.change(principal.actor, async move |change: &Change| {
        let found = bank::by_id(&change.tx, change.org, id).await?;
        let found = found.filter(|bank| bank.state != BankState::Removed).ok_or(Refused::NotFound)?;
        whose.require(Permission::OperateBanks, Scope::Bank(id), Some(found.site))?;
        change.event(PlatformEventKind::BankOperationRequested { bank: id, what: what.clone() }).await
    });
    noting_denial(app, principal, asked.await).await?;
    let deadline = deadline(app.now(), &signed);
    match ask.ask(id, Request::Signed(signed), deadline).await {
        Ok(Answer::Done) => Ok(()),
        Ok(answer) => Err(Refused::NotPossibleNow { why: why(answer) }.into()),
        Err(NotAnswered) => Err(Refused::NotPossibleNow { why: "bank_offline" }.into()),
    }
}

/// Never later than people signed for.
fn deadline(now: WallTime, signed: &Signed) -> WallTime {
    now.plus_ms(REQUEST_MS).min(signed.statement.expires)
}

fn what(signed: &Signed) -> String {
    match signed.statement.act {
        Act::Collect { compartment, .. } => {
            format!("compartment {compartment} to be opened for its recipient")
        }
        Act::Inspect { compartment, .. } => format!("compartment {compartment} to be opened for staff"),
        Act::Admit(key) => format!("key of {} to be admitted", key.person),
        Act::Override { compartment, .. } => format!("compartment {compartment} in an emergency"),
    }
}

const fn why(answer: Answer) -> &'static str {
    match answer {
        Answer::NotAuthorised => "not_authorised",
        Answer::NotPresent => "not_present",
        Answer::BreakerOpen => "breaker_open",
        Answer::DoorUnavailable => "door_unavailable",
        Answer::Busy => "bank_busy",
        Answer::TooLate => "too_late",
        Answer::NoSuchCompartment => "no_such_compartment",
        _ => "refused_by_bank",
    }
}
