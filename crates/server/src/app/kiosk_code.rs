//! Codes that are good at one bank's kiosk for one thing: enrolling a badge, doing a work order.
//!
//! Like every code it is drawn, checked against those in use there, stretched and sent; what is kept is a verifier. Its subject is
//! sixteen bytes: whoever or whatever the bank is to find proven.

use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, PersonId};
use bailee_domain::platform::Channel;
use bailee_vault::Secret;

use super::couriers::code;
use super::outbox::{self, Letter};
use super::people::Contact;
use super::{App, AppError, Change, Refused};
use crate::notify::templates::Facts;
use crate::store::Tx;
use crate::store::tables::{code as names, courier};

/// Codes drawn before giving up.
const DRAWS: usize = 32;

/// A code that nobody has been sent yet.
pub(super) struct Drawn {
    /// The digits.
    pub digits: Secret<String>,
    /// What proves it.
    pub verifier: Verifier,
    near: Vec<[u8; 32]>,
    bank: BankId,
}

/// Draws a code for one bank that resembles none in use there.
///
/// # Errors
/// [`Refused::NotFound`] for a bank that is not enrolled; [`Refused::NotPossibleNow`] with `no_free_code`; the store's.
pub(super) async fn draw(app: &App, bank: BankId, subject: [u8; 16]) -> Result<Drawn, AppError> {
    let org = app.org();
    let mut banks =
        app.db().read(async move |tx| Ok::<_, AppError>(courier::code_banks(&tx, org).await?)).await?;
    banks.retain(|known| known.bank == bank);
    if banks.is_empty() {
        return Err(Refused::NotFound.into());
    }
    for _ in 0..DRAWS {
        let Some(drawn) = code::draw_free(app, &banks).await? else { continue };
        let digits = Secret::new(drawn.expose().to_owned());
        let made = code::stretch(app, PersonId::from_bytes(subject), &banks, drawn).await?;
        let Some((made, near)) = made.into_iter().next() else { continue };
        return Ok(Drawn { digits, verifier: made.verifier, near, bank });
    }
    Err(Refused::NotPossibleNow { why: "no_free_code" }.into())
}

impl Drawn {
    /// Takes the code's name, ending the one `subject` had before.
    ///
    /// # Errors
    /// [`Refused::NotPossibleNow`] with `no_free_code` when another code like it was faster; the store's.
    pub(super) async fn take(&self, change: &Change, subject: &str) -> Result<(), AppError> {
        let tx = &change.tx;
        if names::any_taken(tx, self.bank, &self.near, change.at).await? {
            return Err(Refused::NotPossibleNow { why: "no_free_code" }.into());
        }
        bury(tx, self.bank, subject, change.at).await?;
        names::take_name(tx, self.bank, self.near[0], subject).await
    }
}

/// The code is good no more; one like it is not given out for a time.
///
/// # Errors
/// The store's.
pub(super) async fn bury(
    tx: &Tx,
    bank: BankId,
    subject: &str,
    at: bailee_domain::time::WallTime,
) -> Result<(), AppError> {
    names::bury_names(tx, (bank, subject), None, at).await
}

/// How somebody is reached, e-mail first.
///
/// # Errors
/// [`Refused::NotPossibleNow`] with `not_reachable`.
pub(super) fn channel(contact: &Contact) -> Result<Channel, Refused> {
    match (&contact.email, &contact.phone) {
        (Some(_), _) => Ok(Channel::Email),
        (None, Some(_)) => Ok(Channel::Sms),
        (None, None) => Err(Refused::NotPossibleNow { why: "not_reachable" }),
    }
}

/// Puts the letter with a code into the outbox: the only place where the code is kept, sealed, until a gateway took it.
///
/// # Errors
/// The store's.
pub(super) async fn post(
    app: &App,
    change: &Change,
    to: (PersonId, Channel),
    facts: Facts,
) -> Result<(), AppError> {
    outbox::post(app, change, to, &Letter { facts, qr: None }, None).await.map(|_| ())
}
