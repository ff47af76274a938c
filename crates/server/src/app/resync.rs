//! Taking a bank back into service whose disk was found restored, cloned or moved (`docs/security/rollback.md`).
//!
//! The bank opens nothing until an administrator says that this disk is the one to go on with. What is asked for here
//! uses up every grant of that disk for ever, ends work orders and offers of badges, and puts all contents in doubt.

use bailee_domain::access::{Permission, Scope};
use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::id::BankId;
use bailee_domain::platform::{Actor, PlatformEventKind};

use super::banks::noting_denial;
use super::link::{Ask, NotAnswered};
use super::{App, AppError, Change, FieldError, Principal, Refused};
use crate::store::tables::bank::{self, BankState};

/// How long the bank may take: it writes an event for each compartment. In milliseconds.
const REQUEST_MS: i64 = 30_000;

/// Asks a bank to go on with the disk it has. `confirm` is its name, typed by whoever asks.
///
/// # Errors
/// [`Refused::Invalid`] for `confirm` (`not_the_name`); [`Refused::NotFound`], [`Refused::NotAllowed`];
/// [`Refused::NotPossibleNow`] with `bank_offline`, `store_silent` while the bank's TPM does not answer, or `not_a_person`.
pub async fn resynchronise(
    app: &App,
    ask: &dyn Ask,
    principal: &Principal,
    id: BankId,
    confirm: &str,
) -> Result<(), AppError> {
    let Actor::Person(by) = principal.actor else {
        return Err(Refused::NotPossibleNow { why: "not_a_person" }.into());
    };
    let (whose, typed) = (principal.clone(), confirm.trim().to_owned());
    let asked = app.change(principal.actor, async move |change: &Change| {
        let found = bank::by_id(&change.tx, change.org, id).await?;
        let found = found.filter(|bank| bank.state == BankState::Enrolled).ok_or(Refused::NotFound)?;
        whose.require(Permission::EnrolBanks, Scope::Bank(id), Some(found.site))?;
        if found.name != typed {
            return Err(Refused::Invalid(vec![FieldError { field: "confirm", code: "not_the_name" }]).into());
        }
        let what = "resynchronise: go on with the disk it has".to_owned();
        change.event(PlatformEventKind::BankOperationRequested { bank: id, what }).await
    });
    noting_denial(app, principal, asked.await).await?;
    // A stop here leaves an event that says it was asked for; what came of it is the bank's to tell.
    let why = match ask.ask(id, Request::Resynchronise { by }, app.now().plus_ms(REQUEST_MS)).await {
        Ok(Answer::Done) => return Ok(()),
        Ok(Answer::Busy) => "store_silent",
        Ok(_) => "refused_by_bank",
        Err(NotAnswered) => "bank_offline",
    };
    Err(Refused::NotPossibleNow { why }.into())
}
