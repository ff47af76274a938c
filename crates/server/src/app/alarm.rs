//! Raising alerts: once per event, with an e-mail, or for want of an address an SMS, to everybody who may handle alerts of the
//! bank; about a witness that is no bank, to those who may handle alerts of all.
//!
//! A bank in the wrong hands must not drown its people: an alarm like one that still stands only counts on that one and is not
//! written of again, and of one bank at most [`LETTERS_AN_HOUR`] alarms are written of in an hour. One more letter at the hour's
//! end says how many there were beyond. Start at [`raise`].

use bailee_domain::access::Scope;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{AlertId, BankId};
use bailee_domain::platform::Channel;
use bailee_domain::time::WallTime;

use super::outbox::{self, Letter};
use super::people::{self, Contact};
use super::{App, AppError, Change, health};
use crate::notify::templates::Facts;
use crate::store::tables::alarm::{NewAlert, Raised};
use crate::store::tables::{alarm, bank, message, site};

pub use alarm::About;

/// Something that needs somebody's attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// What it is about.
    pub about: About,
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
/// A bank named a parcel or a grant that exists already, or one that cannot lie where or as long as it says.
pub const PARCEL_CONFLICT: &str = "ParcelConflict";
/// A bank does not take the code made for a parcel.
pub const CODE_NOT_TAKEN: &str = "CodeNotTaken";
/// A witness does not cosign the platform's log.
pub const WITNESS_REFUSED: &str = "WitnessRefused";
/// A key of a bank is not back in its sealed enclosure in time.
pub const KEY_OVERDUE: &str = "KeyOverdue";
/// An enclosure or a door was opened mechanically while no key of the bank was released.
pub const OPENED_WITHOUT_RELEASE: &str = "OpenedWithoutRelease";
/// Nobody has said in time what was done for a work order.
pub const WORK_ORDER_OVERDUE: &str = "WorkOrderOverdue";
/// A witness leaves questions unanswered.
pub const WITNESS_SILENT: &str = "WitnessSilent";
/// A bank claims a roster that it was never given.
pub const ROSTER_CLAIMED: &str = "RosterClaimed";

/// Of so many alarms of a bank an hour is written one by one.
pub const LETTERS_AN_HOUR: u32 = 10;
const HOUR_MS: i64 = 3_600_000;

/// Raises an alert, unless one like it stands already, and writes to those who may handle it; tells whether it was new.
///
/// # Errors
/// The store's.
pub(crate) async fn raise(app: &App, change: &Change, what: &Alarm) -> Result<bool, AppError> {
    let new = NewAlert {
        id: app.draw(|mut rng| AlertId::new(change.at, &mut rng)),
        about: what.about.clone(),
        kind: what.kind.clone(),
        compartment: what.compartment,
        event_seq: what.event_seq,
        at: what.at,
    };
    if alarm::raise(&change.tx, change.org, &new).await? != Raised::New {
        return Ok(false);
    }
    match &what.about {
        About::Bank(bank) => of_bank(app, change, what, *bank).await?,
        About::Witness(name) => of_witness(app, change, what, name).await?,
    }
    Ok(true)
}

async fn of_bank(app: &App, change: &Change, what: &Alarm, bank: BankId) -> Result<(), AppError> {
    let Some(place) = bank::place(&change.tx, bank).await? else { return Ok(()) };
    let (since, nth) = bank::count_alarm(&change.tx, bank, change.at, HOUR_MS).await?;
    let words = words(&what.kind, what.compartment);
    let (alarm, digest) = match nth.checked_sub(LETTERS_AN_HOUR).filter(|beyond| *beyond > 0) {
        None => (words, None),
        Some(1) => (format!("1 more alarm: {words}"), Some(since.plus_ms(HOUR_MS))),
        Some(beyond) => {
            let words = format!("{beyond} more alarms within an hour, the latest: {words}");
            (words, Some(since.plus_ms(HOUR_MS)))
        }
    };
    let contacts = people::alert_contacts(app, &change.tx, Scope::Bank(bank), Some(place.site)).await?;
    let at = outbox::shown_time(what.at);
    let facts = Facts::Alarm { alarm, site: place.site_name, bank: place.bank_name, at, link: None };
    write(app, change, &contacts, &Letter { facts, qr: None }, digest.map(|goes_at| (bank, goes_at))).await
}

/// One that refuses and one that is silent stand once each until somebody has seen to them, so there is no flood to fold.
async fn of_witness(app: &App, change: &Change, what: &Alarm, name: &str) -> Result<(), AppError> {
    let contacts = people::alert_contacts(app, &change.tx, Scope::Organisation, None).await?;
    let facts = Facts::Alarm {
        alarm: words(&what.kind, None),
        site: site::first(&change.tx, change.org).await?.name,
        bank: name.to_owned(),
        at: outbox::shown_time(what.at),
        link: None,
    };
    write(app, change, &contacts, &Letter { facts, qr: None }, None).await
}

/// Writes to these people: at once, or in the digest of a bank that goes out at a time.
async fn write(
    app: &App,
    change: &Change,
    contacts: &[Contact],
    letter: &Letter,
    digest: Option<(BankId, WallTime)>,
) -> Result<(), AppError> {
    for contact in contacts {
        let to = match (&contact.email, &contact.phone) {
            (Some(_), _) => (contact.person, Channel::Email),
            (None, Some(_)) => (contact.person, Channel::Sms),
            (None, None) => continue,
        };
        let Some((bank, goes_at)) = digest else {
            outbox::post(app, change, to, letter, None).await?;
            continue;
        };
        match message::digest(&change.tx, bank, contact.person, goes_at).await? {
            Some(id) => message::reword(&change.tx, id, outbox::seal(app, id, letter)?).await?,
            None => {
                let id = outbox::post(app, change, to, letter, None).await?;
                message::hold_digest(&change.tx, id, bank, goes_at).await?;
            }
        }
    }
    Ok(())
}

/// An alarm in words, for administrators.
fn words(kind: &str, compartment: Option<CompartmentNo>) -> String {
    let what = match kind {
        "CompartmentForced" => "opened without an authorised opening",
        "CompartmentFoundOpen" => "was found open when the controller started",
        "CompartmentHeldOpen" => "has stood open for too long",
        "ServiceChanged" => "was taken out of service and needs a look",
        "KeypadClosed" => "The keypad is closed after too many wrong codes",
        "LockdownBegan" => "A lockdown began",
        "TamperBegan" => "There are signs of tampering",
        "OccupancyDoubted" => "may hold something else than is believed",
        "BoardSilent" => "A lock board does not answer",
        CHAIN_BROKEN => "The bank's events do not continue what the platform holds",
        BANK_OFFLINE => "The bank has not been heard for 60 seconds",
        RECIPIENT_UNKNOWN => "holds a parcel for somebody who is not known here",
        RECIPIENT_UNREACHABLE => "holds a parcel for somebody without e-mail address and telephone number",
        MESSAGE_FAILED => "A notification could not be delivered",
        PARCEL_CONFLICT => "The bank named a parcel that exists already or cannot be as it says",
        CODE_NOT_TAKEN => "The bank does not take the code of a parcel",
        WITNESS_REFUSED => "The witness does not vouch for the custody log any more: see Witnesses",
        WITNESS_SILENT => "The witness has not answered for ten minutes",
        "LedgerRefused" => "The custody log is not the one the bank vouched for: it was rewritten or cut",
        "RestoredDiskFound" => {
            "The bank's disk is an old or a copied one: nothing opens until somebody resynchronises it"
        }
        KEY_OVERDUE => "A key that two people released is not back in time",
        OPENED_WITHOUT_RELEASE => "was opened mechanically while no key was released",
        WORK_ORDER_OVERDUE => "A work order is over its time and nobody has closed it",
        ROSTER_CLAIMED => "The bank claims a roster that it was never given",
        other => match health::words(other) {
            Some(words) => words,
            None => return other.to_owned(),
        },
    };
    match compartment {
        Some(number) if !what.starts_with(char::is_uppercase) => format!("Compartment {number} {what}"),
        _ => what.to_owned(),
    }
}
