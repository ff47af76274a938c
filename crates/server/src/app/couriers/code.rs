//! Making a courier's code: drawn, checked against the codes in use, stretched once per bank, stored as verifiers.

use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, PersonId};
use bailee_domain::platform::{Actor, Channel, PlatformEventKind};
use bailee_vault::Secret;
use bailee_vault::code::{BankCodeKey, CodeIndex, CodeSecret, verifier};
use bailee_vault::seal::Aad;

use super::CodeIssued;
use crate::app::outbox::{self, Letter};
use crate::app::people::{self, Contact};
use crate::app::{App, AppError, Change, Refused, slow};
use crate::notify::templates::Facts;
use crate::store::tables::courier::{BankVerifier, CodeBank};
use crate::store::tables::{code, courier, org, site};

/// Codes drawn before giving up; one in some thousand is too near another, so more than a few never happen.
const DRAWS: usize = 32;
/// How long a courier's code works, as its letter says it.
const NO_EXPIRY: &str = "you are sent a new one";

/// The verifier of each bank, with the keyed names of the code and of all that are near it there.
pub(in crate::app) type Verifiers = Vec<(BankVerifier, Vec<[u8; 32]>)>;

/// What has to be known before a code is made.
struct Ready {
    contact: Contact,
    banks: Vec<CodeBank>,
}

/// What the transaction found.
enum Stored {
    Done(u32),
    /// Another code took a name, or a bank its key, since the candidate was drawn: draw again.
    Overtaken,
}

pub(super) async fn issue(app: &App, by: Actor, person: PersonId) -> Result<CodeIssued, AppError> {
    for _ in 0..DRAWS {
        let ready = load(app, person).await?;
        let Some(code) = draw_free(app, &ready.banks).await? else { continue };
        let channel = if ready.contact.email.is_some() { Channel::Email } else { Channel::Sms };
        let digits = Secret::new(code.expose().to_owned());
        let verifiers = stretch(app, person, &ready.banks, code).await?;
        let banks = ready.banks.len();
        let sender = app.clone();
        let stored = app.change(by, async move |change| {
            let stored = store(change, person, &ready.banks, &verifiers).await?;
            if matches!(stored, Stored::Done(_)) {
                post(&sender, change, (person, channel), &digits).await?;
            }
            Ok(stored)
        });
        if let Stored::Done(generation) = stored.await? {
            return Ok(CodeIssued { generation, channel, banks });
        }
    }
    Err(Refused::NotPossibleNow { why: "no_free_code" }.into())
}

async fn load(app: &App, person: PersonId) -> Result<Ready, AppError> {
    let reader = app.clone();
    let ready = app.db().read(async move |tx| {
        let org = reader.org();
        courier::get(&tx, org, person).await?.ok_or(Refused::NotFound)?;
        let contact = people::contact(&reader, &tx, person).await?.ok_or(Refused::NotFound)?;
        Ok::<_, AppError>(Ready { contact, banks: courier::code_banks(&tx, org).await? })
    });
    let ready = ready.await?;
    if ready.banks.is_empty() {
        return Err(Refused::NotPossibleNow { why: "no_bank_enrolled" }.into());
    }
    Ok(ready)
}

/// A code that is not near any other at any bank; `None` when the one drawn was.
pub(in crate::app) async fn draw_free(app: &App, banks: &[CodeBank]) -> Result<Option<CodeSecret>, AppError> {
    let candidate = app.draw(|mut rng| CodeSecret::generate(&mut rng));
    let near: Vec<(BankId, Vec<[u8; 32]>)> =
        banks.iter().map(|bank| (bank.bank, index(app, bank.bank).neighbourhood(&candidate))).collect();
    let now = app.now();
    let taken = app.db().read(async move |tx| {
        for (bank, names) in &near {
            if code::any_taken(&tx, *bank, names, now).await? {
                return Ok(true);
            }
        }
        Ok::<_, AppError>(false)
    });
    Ok((!taken.await?).then_some(candidate))
}

/// Makes the verifiers of all banks. Each bank has a salt of its own, so each costs a stretch.
pub(in crate::app) async fn stretch(
    app: &App,
    person: PersonId,
    banks: &[CodeBank],
    code: CodeSecret,
) -> Result<Verifiers, AppError> {
    let mut work = Vec::with_capacity(banks.len());
    for bank in banks {
        let salt = app.draw(|rng| {
            let mut salt = [0; 16];
            rng.fill_bytes(&mut salt);
            salt
        });
        let near = index(app, bank.bank).neighbourhood(&code);
        work.push((bank.bank, code_key(app, bank)?, salt, near));
    }
    let subject = person.to_bytes();
    let made = slow::run(move || {
        let verifiers = work.into_iter().map(|(bank, key, salt, near)| {
            let mac = verifier(&key.stretch(&code), &subject, &salt);
            let verifier = Verifier { salt, mac };
            (BankVerifier { bank, epoch: key.epoch, verifier, name: near[0] }, near)
        });
        verifiers.collect()
    });
    Ok(made.await)
}

async fn store(
    change: &Change,
    person: PersonId,
    banks: &[CodeBank],
    verifiers: &[(BankVerifier, Vec<[u8; 32]>)],
) -> Result<Stored, AppError> {
    let tx = &change.tx;
    courier::get(tx, change.org, person).await?.ok_or(Refused::NotFound)?;
    if courier::code_banks(tx, change.org).await? != banks {
        return Ok(Stored::Overtaken);
    }
    for (made, near) in verifiers {
        if code::any_taken(tx, made.bank, near, change.at).await? {
            return Ok(Stored::Overtaken);
        }
    }
    let made: Vec<BankVerifier> = verifiers.iter().map(|(made, _)| made.clone()).collect();
    let generation = courier::replace_code(tx, person, &made, change.at).await?;
    org::bump_roster(tx, change.org).await?;
    change.event(PlatformEventKind::CourierCodeIssued { courier: person }).await?;
    Ok(Stored::Done(generation))
}

/// Writes the letter that carries the code: the only place where it is kept, sealed, until a gateway took it.
async fn post(
    app: &App,
    change: &Change,
    to: (PersonId, Channel),
    digits: &Secret<String>,
) -> Result<(), AppError> {
    let facts = Facts::CourierCode {
        code: digits.expose().clone(),
        site: site::first(&change.tx, change.org).await?.name,
        expires: NO_EXPIRY.into(),
        link: None,
    };
    outbox::post(app, change, to, &Letter { facts, qr: None }, None).await.map(|_| ())
}

fn index(app: &App, bank: BankId) -> CodeIndex<'_> {
    CodeIndex::new(&app.keys().code_name, bank.to_bytes())
}

fn code_key(app: &App, bank: &CodeBank) -> Result<BankCodeKey, AppError> {
    let damaged = || AppError::Damaged { what: "bank.code_key" };
    let row = bank.bank.to_bytes();
    let place = Aad { table: "bank", column: "code_key", row: &row };
    let key = app.keys().bank().open(&place, &bank.code_key).map_err(|_| damaged())?;
    Ok(BankCodeKey {
        tenant: app.org().to_bytes(),
        bank: row,
        epoch: bank.epoch,
        key: Secret::from_slice(key.expose()).ok_or_else(damaged)?,
        salt: bank.salt,
        cost: app.keys().cost,
    })
}
