//! Openings from afar: the platform passes on what people have signed, and has no say in what comes of it.
//!
//! Nothing here can open a door: the bank checks the signatures with the keys it holds, whether somebody stands before it, and how
//! many doors it has opened from afar. What is refused here is refused only to spare the bank the question.

use bailee_domain::access::{Permission, Scope};
use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::id::BankId;
use bailee_domain::platform::PlatformEventKind;
use bailee_domain::signer::{Act, Signed};
use bailee_domain::time::WallTime;

use super::banks::noting_denial;
use super::link::{Ask, NotAnswered};
use super::{App, AppError, Change, Principal, Refused};
use crate::store::tables::bank::{self, BankState};

/// How long a bank may take to check and decide, in milliseconds.
const REQUEST_MS: i64 = 20_000;

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
