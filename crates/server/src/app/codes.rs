//! The life of a pickup code at the platform: ordered, made, taken by the bank, sent, forgotten.
//!
//! The order of things: a drop-off (or a person) orders a code; `jobs::codes` makes it and asks the bank to arm the
//! grant; only when the bank says it has, [`armed`] puts letters with the code into the outbox, in the transaction
//! that wipes it here. A stop at any point leaves an order that the same job carries on with. The code itself stands
//! only sealed: in `code_order` while the bank does not have it, in `message` until a gateway took it.

mod handing;
mod making;
mod secrets;

use bailee_domain::id::{BankId, GrantId};
use bailee_domain::parcel::{Custody, Parcel};
use bailee_domain::platform::{Actor, Channel};
use bailee_domain::time::WallTime;
use bailee_vault::code::{CodeIndex, CodeSecret};

use super::alarm::{self, About, Alarm};
use super::outbox::{self, Letter};
use super::{App, AppError, Change, people};
use crate::notify::templates::Facts;
use crate::store::tables::code::{CodeOrder, OrderState};
use crate::store::tables::{bank, code, message, parcel};

pub(crate) use handing::{banks_waiting, hand_over};
pub(crate) use making::{make_one, wanted};
pub use secrets::ISSUER_KID;
pub(crate) use secrets::{bank_key_place, open_bank_key};
use secrets::{open_code, qr_token};

/// Orders a code for a grant, in place of any earlier one.
///
/// # Errors
/// The store's.
pub(crate) async fn order(
    change: &Change,
    (bank, grant): (BankId, GrantId),
    (generation, expires): (u8, WallTime),
    by: Actor,
) -> Result<(), AppError> {
    let order = CodeOrder {
        grant,
        bank,
        generation,
        expires,
        ordered_by: by,
        ordered_at: change.at,
        state: OrderState::Wanted,
    };
    code::put(&change.tx, &order).await
}

/// Takes note that the bank has armed this generation: letters with the code go to the recipient, and the code is
/// wiped from the order. Nothing happens when that was noted before.
///
/// # Errors
/// The store's; [`AppError::Damaged`] when a sealed value does not open.
pub(crate) async fn armed(
    app: &App,
    change: &Change,
    (bank, grant): (BankId, GrantId),
    generation: u8,
) -> Result<(), AppError> {
    let Some(mut order) = code::of_grant(&change.tx, bank, grant).await? else { return Ok(()) };
    let sealed = match &order.state {
        OrderState::Made { code, .. } if order.generation == generation => code.clone(),
        _ => return Ok(()),
    };
    let secret = open_code(app, &order, &sealed)?;
    let name = CodeIndex::new(&app.keys().code_name, order.bank.to_bytes()).name(&secret);
    code::bury_names(&change.tx, (bank, &grant.to_string()), Some(name), change.at).await?;
    order.state = OrderState::Armed;
    code::put(&change.tx, &order).await?;
    let Some(parcel) = parcel::by_grant(&change.tx, order.bank, grant).await? else { return Ok(()) };
    // What still waits to be said holds a code that died with this one.
    message::cancel_about(&change.tx, parcel.id).await?;
    if parcel.custody == Custody::InBank {
        let parcel = Parcel { expires: order.expires, ..parcel };
        parcel::update(&change.tx, &parcel).await?;
        tell(app, change, &parcel, &order, &secret).await?;
    }
    Ok(())
}

async fn tell(
    app: &App,
    change: &Change,
    parcel: &Parcel,
    order: &CodeOrder,
    secret: &CodeSecret,
) -> Result<(), AppError> {
    let contact = people::contact(app, &change.tx, parcel.recipient).await?;
    let Some(place) = bank::place(&change.tx, parcel.bank).await? else { return Ok(()) };
    let letter = Letter {
        facts: Facts::ParcelReady {
            code: secret.expose().to_owned(),
            site: place.site_name,
            bank: place.bank_name,
            expires: outbox::shown_time(order.expires),
            link: None,
        },
        qr: Some(qr_token(app, order, change.at)),
    };
    let Some(contact) = contact else {
        return needs_a_person(app, change, parcel, alarm::RECIPIENT_UNKNOWN).await;
    };
    if contact.email.is_none() && contact.phone.is_none() {
        return needs_a_person(app, change, parcel, alarm::RECIPIENT_UNREACHABLE).await;
    }
    if contact.email.is_some() {
        outbox::post(app, change, (parcel.recipient, Channel::Email), &letter, Some(parcel.id)).await?;
    }
    if contact.phone.is_some() {
        let letter = Letter { qr: None, ..letter };
        outbox::post(app, change, (parcel.recipient, Channel::Sms), &letter, Some(parcel.id)).await?;
    }
    Ok(())
}

/// Raises an alert about a parcel nobody can be told of.
pub(crate) async fn needs_a_person(
    app: &App,
    change: &Change,
    parcel: &Parcel,
    kind: &str,
) -> Result<(), AppError> {
    let alarm = Alarm {
        about: About::Bank(parcel.bank),
        kind: kind.to_owned(),
        compartment: Some(parcel.compartment),
        event_seq: None,
        at: change.at,
    };
    alarm::raise(app, change, &alarm).await.map(|_| ())
}

/// Closes the order of a grant that no code will open any more, and forgets what was on its way.
///
/// # Errors
/// The store's.
pub(crate) async fn close(change: &Change, bank: BankId, grant: GrantId) -> Result<(), AppError> {
    code::bury_names(&change.tx, (bank, &grant.to_string()), None, change.at).await?;
    let Some(mut order) = code::of_grant(&change.tx, bank, grant).await? else { return Ok(()) };
    if let Some(parcel) = parcel::by_grant(&change.tx, bank, grant).await? {
        message::cancel_about(&change.tx, parcel.id).await?;
    }
    order.state = OrderState::Closed;
    code::put(&change.tx, &order).await
}
