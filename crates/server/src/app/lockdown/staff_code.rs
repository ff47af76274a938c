//! A staff member's personal code for the kiosk: made by and shown once to the person it is of, and to nobody else.

use bailee_domain::access::{Permission, Scope};
use bailee_domain::id::PersonId;
use bailee_domain::platform::PlatformEventKind;
use bailee_vault::Secret;

use crate::app::couriers::code::{self, Verifiers};
use crate::app::{App, AppError, Change, Principal, Refused};
use crate::store::tables::courier::{BankVerifier, CodeBank};
use crate::store::tables::{code as names, courier, org, security, site};

/// Codes drawn before giving up.
const DRAWS: usize = 32;

/// Makes a new code for the caller; the one before stops working as soon as each bank hears of it.
///
/// # Errors
/// Not allowed; [`Refused::NotPossibleNow`] (`not_a_person`, `no_bank_enrolled`, `no_free_code`, `is_a_courier`).
pub async fn issue(app: &App, principal: &Principal) -> Result<Secret<String>, AppError> {
    let person = super::person(principal)?;
    let org = app.org();
    let (site, banks, drops_off) = app
        .db()
        .read(async move |tx| {
            let site = site::first(&tx, org).await?.id;
            let banks = courier::code_banks(&tx, org).await?;
            Ok::<_, AppError>((site, banks, security::is_courier(&tx, person).await?))
        })
        .await?;
    app.authorise(principal, Permission::OperateBanks, Scope::Site(site), None).await?;
    if drops_off {
        return Err(Refused::NotPossibleNow { why: "is_a_courier" }.into());
    }
    if banks.is_empty() {
        return Err(Refused::NotPossibleNow { why: "no_bank_enrolled" }.into());
    }
    for _ in 0..DRAWS {
        let Some(drawn) = code::draw_free(app, &banks).await? else { continue };
        let digits = Secret::new(drawn.expose().to_owned());
        let made = code::stretch(app, person, &banks, drawn).await?;
        let known = banks.clone();
        let stored =
            app.change(principal.actor, async move |change| store(change, person, &known, &made).await);
        if stored.await? {
            return Ok(digits);
        }
    }
    Err(Refused::NotPossibleNow { why: "no_free_code" }.into())
}

/// Whether it was stored: not when another code took a name, or a bank its key, since it was drawn.
async fn store(
    change: &Change,
    person: PersonId,
    banks: &[CodeBank],
    made: &Verifiers,
) -> Result<bool, AppError> {
    let tx = &change.tx;
    if courier::code_banks(tx, change.org).await? != banks {
        return Ok(false);
    }
    for (verifier, near) in made {
        if names::any_taken(tx, verifier.bank, near, change.at).await? {
            return Ok(false);
        }
    }
    let verifiers: Vec<BankVerifier> = made.iter().map(|(verifier, _)| verifier.clone()).collect();
    courier::replace_verifiers(tx, person, &verifiers, change.at).await?;
    org::bump_roster(tx, change.org).await?;
    change.event(PlatformEventKind::SettingChanged { what: "staff kiosk code".into() }).await?;
    Ok(true)
}
