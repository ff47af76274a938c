//! The life of a pickup code at the platform: ordered, made, taken by the bank, sent, forgotten.
//!
//! The order of things: a drop-off (or a person) orders a code; `jobs::codes` makes it and asks the bank to arm the
//! grant; only when the bank says it has, [`armed`] puts letters with the code into the outbox, in the transaction
//! that wipes it here. A stop at any point leaves an order that the same job carries on with. The code itself stands
//! only sealed: in `code_order` while the bank does not have it, in `message` until a gateway took it.

use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, GrantId};
use bailee_domain::parcel::{Custody, Parcel};
use bailee_domain::platform::{Actor, Channel, PlatformEventKind};
use bailee_domain::time::WallTime;
use bailee_vault::Secret;
use bailee_vault::code::{BankCodeKey, CodeIndex, CodeSecret};
use bailee_vault::seal::Aad;
use bailee_wire::token;

use super::alarm::{self, Alarm};
use super::link::Ask;
use super::outbox::{self, Letter};
use super::{App, AppError, Change, LiveChange, people, slow};
use crate::notify::templates::Facts;
use crate::store::tables::bank::BankRow;
use crate::store::tables::code::{CodeOrder, OrderState};
use crate::store::tables::{bank, code, damaged, message, parcel};

/// The number of the key that signs QR tokens, as rosters and tokens name it.
pub const ISSUER_KID: u8 = 1;
/// A token may be shown this long before it was signed, in milliseconds: banks' clocks differ.
const TOKEN_EARLY_MS: i64 = 3_600_000;

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
        bank: parcel.bank,
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

/// A code that was made, ready to be stored.
pub(crate) struct MadeCode {
    /// The state of its order.
    pub state: OrderState,
    /// Its name, then those of its neighbours: none may be taken.
    pub names: Vec<[u8; 32]>,
}

/// Draws a code with its names; cheap, so that a taken one costs nothing.
pub(crate) fn draw_code(app: &App, bank: BankId) -> (CodeSecret, Vec<[u8; 32]>) {
    let secret = app.draw(|mut rng| CodeSecret::generate(&mut rng));
    let names = CodeIndex::new(&app.keys().code_name, bank.to_bytes()).neighbourhood(&secret);
    (secret, names)
}

/// Makes the verifier of a code and seals the code. Slow on purpose: call it on a blocking thread.
///
/// # Errors
/// [`AppError::Damaged`] when the bank's key does not open.
pub(crate) fn make(
    app: &App,
    bank: &BankRow,
    order: &CodeOrder,
    (secret, names): (&CodeSecret, Vec<[u8; 32]>),
) -> Result<MadeCode, AppError> {
    let tag = code_key(app, bank)?.stretch(secret);
    let salt: [u8; 16] = app.draw(|rng| {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        salt
    });
    let mac = bailee_vault::code::verifier(&tag, &order.grant.to_bytes(), &salt);
    let row = code_row(order);
    let place = Aad { table: "code_order", column: "code", row: &row };
    let sealed = app.draw(|mut rng| app.keys().outbox().seal(&place, secret.expose().as_bytes(), &mut rng));
    let code = sealed.map_err(|_| damaged("code_order.code"))?;
    Ok(MadeCode { state: OrderState::Made { verifier: Verifier { salt, mac }, code }, names })
}

fn open_code(app: &App, order: &CodeOrder, sealed: &[u8]) -> Result<CodeSecret, AppError> {
    let row = code_row(order);
    let place = Aad { table: "code_order", column: "code", row: &row };
    let clear = app.keys().outbox().open(&place, sealed).map_err(|_| damaged("code_order.code"))?;
    let text = std::str::from_utf8(clear.expose()).map_err(|_| damaged("code_order.code"))?;
    CodeSecret::parse(text).map_err(|_| damaged("code_order.code"))
}

/// A code is sealed for its grant and generation.
fn code_row(order: &CodeOrder) -> [u8; 17] {
    let mut row = [order.generation; 17];
    row[..16].copy_from_slice(&order.grant.to_bytes());
    row
}

/// What makes verifiers for a bank.
///
/// # Errors
/// [`AppError::Damaged`] when the sealed key does not open.
pub(crate) fn code_key(app: &App, bank: &BankRow) -> Result<BankCodeKey, AppError> {
    Ok(BankCodeKey {
        tenant: bank.org.to_bytes(),
        bank: bank.id.to_bytes(),
        epoch: bank.code_epoch,
        key: open_bank_key(app, bank)?,
        salt: bank.code_salt,
        cost: app.keys().cost,
    })
}

/// `K_bank`.
///
/// # Errors
/// [`AppError::Damaged`] when it does not open.
pub(crate) fn open_bank_key(app: &App, bank: &BankRow) -> Result<Secret<[u8; 32]>, AppError> {
    let id = bank.id.to_bytes();
    let opened = app.keys().bank().open(&bank_key_place(&id), &bank.code_key);
    let opened = opened.map_err(|_| damaged("bank.code_key"))?;
    Secret::from_slice(opened.expose()).ok_or(damaged("bank.code_key"))
}

/// Where `K_bank` is sealed for.
pub(crate) const fn bank_key_place(bank: &[u8; 16]) -> Aad<'_> {
    Aad { table: "bank", column: "code_key", row: bank }
}

/// The QR token of an order's generation.
fn qr_token(app: &App, order: &CodeOrder, now: WallTime) -> String {
    let fields = token::Fields {
        kid: ISSUER_KID,
        bank: token::bank_tag(order.bank),
        grant: order.grant,
        not_before: now.plus_ms(-TOKEN_EARLY_MS),
        expires: order.expires,
        generation: order.generation,
    };
    let unsigned = token::unsigned(&fields);
    token::text(&unsigned, &app.keys().issuer.sign(&unsigned))
}

/// Orders that wait for a code to be made, the oldest first.
///
/// # Errors
/// The store's.
pub(crate) async fn wanted(app: &App, limit: u32) -> Result<Vec<CodeOrder>, AppError> {
    app.db().read(async move |tx| code::wanted(&tx, limit).await).await
}

/// Makes the code of one order, unless it is not wanted any more; tells whether the order moved on.
///
/// # Errors
/// The store's.
pub(crate) async fn make_one(app: &App, order: &CodeOrder) -> Result<bool, AppError> {
    let (id, org, now) = (order.bank, app.org(), app.now());
    for _ in 0..DRAWS {
        let (secret, names) = draw_code(app, id);
        let looked = names.clone();
        let found = app.db().read(async move |tx| {
            let taken = code::any_taken(&tx, id, &looked, now).await?;
            Ok::<_, AppError>((bank::by_id(&tx, org, id).await?, taken))
        });
        let (bank, taken) = found.await?;
        let Some(bank) = bank else { return Ok(false) };
        if taken {
            continue;
        }
        let (this, wanted) = (app.clone(), order.clone());
        let made = slow::run(move || make(&this, &bank, &wanted, (&secret, names))).await?;
        match keep(app, order.clone(), made).await? {
            Kept::Yes => return Ok(true),
            Kept::NotWanted => return Ok(false),
            Kept::NameTaken => {}
        }
    }
    tracing::error!(bank = %id, "no free code was found; the bank has too many live codes");
    Ok(false)
}

/// Codes drawn before giving up; one in some thousand is too near another, so more than a few never happen.
const DRAWS: usize = 32;

/// What became of a code that was made.
enum Kept {
    Yes,
    /// The order changed in the meantime.
    NotWanted,
    /// Another code like it was given out in the meantime.
    NameTaken,
}

async fn keep(app: &App, order: CodeOrder, made: MadeCode) -> Result<Kept, AppError> {
    app.change(order.ordered_by, async move |change: &Change| {
        let now = code::of_grant(&change.tx, order.bank, order.grant).await?;
        if now.as_ref() != Some(&order) {
            return Ok(Kept::NotWanted);
        }
        if order.expires <= change.at {
            // The bank was cut off for so long that the parcel's time is over: only an extension brings a new code.
            close(change, order.bank, order.grant).await?;
            return Ok(Kept::Yes);
        }
        if code::any_taken(&change.tx, order.bank, &made.names, change.at).await? {
            return Ok(Kept::NameTaken);
        }
        let subject = order.grant.to_string();
        code::take_name(&change.tx, order.bank, made.names[0], &subject).await?;
        code::put(&change.tx, &CodeOrder { state: made.state.clone(), ..order.clone() }).await?;
        let (grant, generation) = (order.grant, order.generation);
        change.event(PlatformEventKind::CodeIssued { grant, generation }).await?;
        Ok(Kept::Yes)
    })
    .await
}

/// The banks for which codes are made and not armed.
///
/// # Errors
/// The store's.
pub(crate) async fn banks_waiting(app: &App) -> Result<Vec<BankId>, AppError> {
    app.db().read(async move |tx| code::banks_waiting(&tx).await).await
}

/// How long a bank may take to arm a code, in milliseconds.
const ARM_MS: i64 = 10_000;
/// Codes handed to one bank in one run.
const AT_ONCE: u32 = 32;

/// Has one bank arm the codes made for it, one after the other, until it does not answer; returns how many orders moved on.
///
/// # Errors
/// The store's.
pub(crate) async fn hand_over(app: &App, ask: &dyn Ask, id: BankId) -> Result<usize, AppError> {
    let orders: Vec<CodeOrder> = app.db().read(async move |tx| code::made(&tx, id, AT_ONCE).await).await?;
    let (mut done, mut failure) = (0, None);
    for order in orders {
        let OrderState::Made { verifier, .. } = order.state else { continue };
        let CodeOrder { grant, generation, expires, .. } = order;
        let request = Request::Arm { grant, generation, verifier, expires };
        let Ok(answer) = ask.ask(id, request, app.now().plus_ms(ARM_MS)).await else { break };
        match answered(app, order, answer).await {
            Ok(moved) => done += usize::from(moved),
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(done), Err)
}

/// Follows up what a bank said to a code; tells whether the order moved on.
async fn answered(app: &App, order: CodeOrder, answer: Answer) -> Result<bool, AppError> {
    let this = app.clone();
    let at = (order.bank, order.grant);
    let moved = app
        .change(Actor::Platform, async move |change: &Change| match answer {
            Answer::Done => armed(&this, change, at, order.generation).await.map(|()| true),
            Answer::TooLate => Ok(false),
            Answer::NoSuchGrant => close(change, order.bank, order.grant).await.map(|()| true),
            Answer::Superseded => superseded(change, &order).await.map(|()| true),
            Answer::NoSuchCompartment | Answer::Invalid => {
                not_taken(&this, change, &order).await.map(|()| true)
            }
        })
        .await?;
    app.live().tell(LiveChange::Parcels);
    Ok(moved)
}

/// The bank has that generation with another code, or a newer one, as it is after the platform was restored from a
/// backup: nobody is told a code that may not open, a newer one is made.
async fn superseded(change: &Change, order: &CodeOrder) -> Result<(), AppError> {
    match order.generation.checked_add(1) {
        Some(generation) => {
            let (bank, grant) = (order.bank, order.grant);
            self::order(change, (bank, grant), (generation, order.expires), order.ordered_by).await
        }
        None => close(change, order.bank, order.grant).await,
    }
}

async fn not_taken(app: &App, change: &Change, order: &CodeOrder) -> Result<(), AppError> {
    close(change, order.bank, order.grant).await?;
    match parcel::by_grant(&change.tx, order.bank, order.grant).await? {
        Some(parcel) => needs_a_person(app, change, &parcel, alarm::CODE_NOT_TAKEN).await,
        None => Ok(()),
    }
}
