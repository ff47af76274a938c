//! Raising alerts: once per event, with one e-mail to everybody who may handle alerts of the bank.

use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{AlertId, BankId};
use bailee_domain::platform::Channel;
use bailee_domain::time::WallTime;

use super::outbox::{self, Letter};
use super::{App, AppError, Change, people};
use crate::notify::templates::Facts;
use crate::store::tables::alarm::NewAlert;
use crate::store::tables::{alarm, bank};

/// Something that needs somebody's attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The bank.
    pub bank: BankId,
    /// What is wrong: the name of an event's kind, or one of the constants of this module.
    pub kind: String,
    /// Which door, if it is about one.
    pub compartment: Option<CompartmentNo>,
    /// The bank's event behind it; the same event raises a kind once.
    pub event_seq: Option<u64>,
    /// Since when.
    pub at: WallTime,
}

/// A bank's events do not continue what the platform holds.
pub const CHAIN_BROKEN: &str = "ChainBroken";
/// A bank has not been heard for 60 seconds.
pub const BANK_OFFLINE: &str = "BankOffline";
/// A parcel lies in a bank for somebody the platform does not know (any more).
pub const RECIPIENT_UNKNOWN: &str = "RecipientUnknown";
/// A parcel lies in a bank for somebody who has neither an e-mail address nor a telephone number.
pub const RECIPIENT_UNREACHABLE: &str = "RecipientUnreachable";
/// A notification was given up.
pub const MESSAGE_FAILED: &str = "MessageFailed";
/// A bank named a parcel or a grant that exists already.
pub const PARCEL_CONFLICT: &str = "ParcelConflict";
/// A bank does not take the code made for a parcel.
pub const CODE_NOT_TAKEN: &str = "CodeNotTaken";

/// Raises an alert, unless it stands already, and writes to those who may handle it; tells whether it was new.
///
/// # Errors
/// The store's.
pub(crate) async fn raise(app: &App, change: &Change, what: &Alarm) -> Result<bool, AppError> {
    let new = NewAlert {
        id: app.draw(|mut rng| AlertId::new(change.at, &mut rng)),
        bank: what.bank,
        kind: what.kind.clone(),
        compartment: what.compartment,
        event_seq: what.event_seq,
        at: what.at,
    };
    if !alarm::raise(&change.tx, change.org, &new).await? {
        return Ok(false);
    }
    let Some(place) = bank::place(&change.tx, what.bank).await? else { return Ok(true) };
    let letter = Letter {
        facts: Facts::Alarm {
            alarm: words(&what.kind, what.compartment),
            site: place.site_name,
            bank: place.bank_name,
            at: outbox::shown_time(what.at),
            link: None,
        },
        qr: None,
    };
    for contact in people::alert_contacts(app, &change.tx, what.bank, place.site).await? {
        if contact.email.is_some() {
            outbox::post(app, change, (contact.person, Channel::Email), &letter, None).await?;
        }
    }
    Ok(true)
}

/// An alarm in words, for administrators.
fn words(kind: &str, compartment: Option<CompartmentNo>) -> String {
    let what = match kind {
        "CompartmentForced" => "opened without an authorised opening",
        "CompartmentFoundOpen" => "was found open when the controller started",
        "CompartmentHeldOpen" => "has stood open for too long",
        "ServiceChanged" => "was taken out of service and needs a look",
        "KeypadClosed" => "The keypad is closed after too many wrong codes",
        "BoardSilent" => "A lock board does not answer",
        CHAIN_BROKEN => "The bank's events do not continue what the platform holds",
        BANK_OFFLINE => "The bank has not been heard for 60 seconds",
        RECIPIENT_UNKNOWN => "holds a parcel for somebody who is not known here",
        RECIPIENT_UNREACHABLE => "holds a parcel for somebody without e-mail address and telephone number",
        MESSAGE_FAILED => "A notification could not be delivered",
        PARCEL_CONFLICT => "The bank named a parcel that exists already",
        CODE_NOT_TAKEN => "The bank does not take the code of a parcel",
        other => return other.to_owned(),
    };
    match compartment {
        Some(number) if !what.starts_with(char::is_uppercase) => format!("Compartment {number} {what}"),
        _ => what.to_owned(),
    }
}
