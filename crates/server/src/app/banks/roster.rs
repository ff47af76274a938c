//! What a bank is told in advance, so that it can work alone.

use bailee_domain::badge::BadgeBook;
use bailee_domain::id::BankId;
use bailee_domain::roster::{BankService, IssuerKey, Policy, Roster};

use crate::app::codes::ISSUER_KID;
use crate::app::{App, AppError, Refused, commissioning, lockdown, people, person_keys};
use crate::store::Tx;
use crate::store::tables::{badge, bank, courier, org};

/// The newest roster of a bank, as of one moment.
///
/// # Errors
/// [`Refused::NotFound`]; the store's; [`AppError::Damaged`] when somebody's details do not open.
pub async fn roster(app: &App, id: BankId) -> Result<Roster, AppError> {
    let this = app.clone();
    app.db().read(async move |tx| of_bank(&this, &tx, id).await).await
}

/// As [`roster`], within a transaction.
pub(in crate::app) async fn of_bank(app: &App, tx: &Tx, id: BankId) -> Result<Roster, AppError> {
    let place = bank::place(tx, id).await?.ok_or(Refused::NotFound)?;
    let security = lockdown::of_bank(app, tx, id, place.site).await?;
    let used = commissioning::in_service(tx, id, place.site).await?;
    Ok(Roster {
        revision: org::roster_revision(tx, app.org()).await?,
        bank_name: place.bank_name,
        help: place.help,
        recipients: people::roster_rows(app, tx).await?,
        couriers: courier::passes_at(tx, app.org(), id).await?,
        issuers: vec![IssuerKey { kid: ISSUER_KID, public: app.keys().issuer.public().0 }],
        security,
        badges: BadgeBook { passes: Vec::new(), weak: badge::weak(tx, place.site).await? },
        signers: person_keys::of_bank(app, tx, id, place.site).await?,
        service: if used { BankService::InService } else { BankService::NotAccepted },
        policy: Policy { expiry_days: place.expiry_days, ..Policy::default() },
    })
}
