//! Receipts: whoever's parcel lies behind a door that opens is told at once, with a link to a proof they can keep.
//!
//! A receipt is made in the transaction that stores the opening's event, so each opening has exactly one, whatever is sent twice
//! or restarted. A preview of an alarm makes none: until the events before it are held, nobody knows whose parcel lies there. The
//! proof is made when it is asked for, from the log as it is signed then. Start at [`issue`].

mod proof;

use bailee_domain::access::{Permission, Scope};
use bailee_domain::event::{Event, EventKind, Purpose};
use bailee_domain::id::{BankId, ParcelId};
use bailee_domain::platform::Channel;
use bailee_domain::receipt::{Opening, opening, way};
use bailee_domain::time::WallTime;
use bailee_vault::token::{Token, TokenKind};
use bailee_wire::event::{Leaf, decode};

use super::outbox::{self, Letter};
use super::{App, AppError, Change, Principal, Refused, banks, people};
use crate::notify::templates::Facts;
use crate::store::Tx;
use crate::store::tables::bank::{BankRow, Place};
use crate::store::tables::receipt;
use crate::store::tables::{bank, event, parcel};

pub use crate::store::tables::receipt::ReceiptRow;
pub use proof::of_event as proof_of_event;

/// Where the link of a receipt leads, before its token.
pub const LINK: &str = "/receipt?of=";
/// Most receipts shown of one parcel.
const MOST: u32 = 100;
const DAY_MS: i64 = 86_400_000;

/// Makes the receipt of an opening and writes to the person it is for, if the event says that a door with somebody's parcel
/// behind it is open. `row` is the event's.
///
/// # Errors
/// The store's.
pub(super) async fn issue(
    app: &App,
    change: &Change,
    bank: &BankRow,
    (row, happened): (i64, &Event),
) -> Result<(), AppError> {
    let Some((door, how)) = opening(&happened.kind) else { return Ok(()) };
    let Some(lying) = parcel::lying_in(&change.tx, bank.id, door).await? else { return Ok(()) };
    let purpose = purpose(app, &change.tx, bank.id, how).await?;
    let days = receipt::link_days(&change.tx, bank.site).await?;
    let token = app.draw(|mut rng| Token::generate(TokenKind::Receipt, &mut rng));
    let receipt = ReceiptRow {
        event: row,
        bank: bank.id,
        seq: happened.seq,
        person: lying.recipient,
        parcel: lying.id,
        way: way(how, purpose.as_ref()),
        opened_at: happened.at,
        link_ends: change.at.plus_ms(i64::from(days) * DAY_MS),
    };
    match receipt::insert(&change.tx, change.org, token.hash().0, &receipt).await? {
        true => tell(app, change, &receipt, &token).await,
        false => Ok(()),
    }
}

/// What the intent of an opening says it is for.
async fn purpose(app: &App, tx: &Tx, bank: BankId, how: Opening) -> Result<Option<Purpose>, AppError> {
    let Opening::Intended(intent) = how else { return Ok(None) };
    let held = event::of_bank(tx, &app.ledger().reader(), bank, intent..=intent).await?;
    let leaf = held.first().and_then(|(_, bytes)| decode(bytes).ok());
    Ok(match leaf {
        Some(Leaf::Bank {
            event: Event { kind: EventKind::OpeningIntended { purpose, .. }, .. }, ..
        }) => Some(purpose),
        _ => None,
    })
}

/// Writes to the person, on every channel there is. Not said to be about the parcel: what is said about a parcel is cancelled
/// once it is collected, and this is not.
async fn tell(app: &App, change: &Change, receipt: &ReceiptRow, token: &Token) -> Result<(), AppError> {
    let Some(contact) = people::contact(app, &change.tx, receipt.person).await? else { return Ok(()) };
    let Some(place) = bank::place(&change.tx, receipt.bank).await? else { return Ok(()) };
    let facts = Facts::Receipt {
        what: receipt.way.name().to_owned(),
        site: place.site_name,
        bank: place.bank_name,
        at: outbox::shown_time(receipt.opened_at),
        link: Some(format!("{LINK}{}", token.expose())),
    };
    let letter = Letter { facts, qr: None };
    let ways = [(Channel::Email, contact.email.is_some()), (Channel::Sms, contact.phone.is_some())];
    for (channel, _) in ways.into_iter().filter(|(_, reaches)| *reaches) {
        outbox::post(app, change, (receipt.person, channel), &letter, None).await?;
    }
    Ok(())
}

/// A receipt as its link shows it: nothing about the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The receipt.
    pub receipt: ReceiptRow,
    /// The bank and its site.
    pub place: Place,
    /// The proof as a file (C2SP tlog-proof); `None` until the log has signed for the event, within seconds.
    pub proof: Option<String>,
}

/// What the link with this token leads to.
///
/// # Errors
/// [`Refused::NoLongerValid`], the same for a link that has ended and one that never was; the store's.
pub async fn by_link(app: &App, token: &str) -> Result<Shown, AppError> {
    let token = Token::parse(TokenKind::Receipt, token).map_err(|_| Refused::NoLongerValid)?;
    let (org, now, hash) = (app.org(), app.now(), token.hash().0);
    let (receipt, place) = app
        .db()
        .read(async move |tx| {
            let found = receipt::by_link(&tx, org, hash).await?.filter(|found| is_live(found, now));
            let receipt = found.ok_or(Refused::NoLongerValid)?;
            let place = bank::place(&tx, receipt.bank).await?.ok_or(Refused::NoLongerValid)?;
            Ok::<_, AppError>((receipt, place))
        })
        .await?;
    let proof = proof::of_event(app, receipt.event).await?;
    Ok(Shown { receipt, place, proof })
}

fn is_live(receipt: &ReceiptRow, now: WallTime) -> bool {
    now < receipt.link_ends
}

/// The receipts about a parcel, the newest first.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`]; the store's.
pub async fn of_parcel(app: &App, principal: &Principal, id: ParcelId) -> Result<Vec<ReceiptRow>, AppError> {
    let (org, whose) = (app.org(), principal.clone());
    let found = app.db().read(async move |tx| {
        let parcel = parcel::by_id(&tx, org, id).await?.ok_or(Refused::NotFound)?;
        may_see(&tx, &whose, parcel.bank).await?;
        receipt::of_parcel(&tx, id, MOST).await
    });
    banks::noting_denial(app, principal, found.await).await
}

/// The proof behind a receipt, for staff; `None` until the log has signed for it.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`]; the store's.
pub async fn proof(app: &App, principal: &Principal, event: i64) -> Result<Option<String>, AppError> {
    let (org, whose) = (app.org(), principal.clone());
    let found = app.db().read(async move |tx| {
        let receipt = receipt::by_event(&tx, org, event).await?.ok_or(Refused::NotFound)?;
        may_see(&tx, &whose, receipt.bank).await
    });
    banks::noting_denial(app, principal, found.await).await?;
    proof::of_event(app, event).await
}

async fn may_see(tx: &Tx, whose: &Principal, id: BankId) -> Result<(), AppError> {
    let place = bank::place(tx, id).await?.ok_or(Refused::NotFound)?;
    Ok(whose.require(Permission::ViewParcels, Scope::Bank(id), Some(place.site))?)
}
