//! Making a code: drawn, checked against the codes in use, stretched, sealed.

use bailee_domain::grant::Verifier;
use bailee_domain::id::BankId;
use bailee_domain::platform::PlatformEventKind;
use bailee_vault::code::{CodeIndex, CodeSecret, verifier};

use super::close;
use super::secrets::{code_key, seal_code};
use crate::app::{App, AppError, Change, slow};
use crate::store::tables::bank::{self, BankRow};
use crate::store::tables::code::{self, CodeOrder, OrderState};

/// Codes drawn before giving up; one in some thousand is too near another, so more than a few never happen.
const DRAWS: usize = 32;

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

/// A code that was made, ready to be stored.
struct MadeCode {
    /// The state of its order.
    state: OrderState,
    /// Its name, then those of its neighbours: none may be taken.
    names: Vec<[u8; 32]>,
}

/// Draws a code with its names; cheap, so that a taken one costs nothing.
fn draw_code(app: &App, bank: BankId) -> (CodeSecret, Vec<[u8; 32]>) {
    let secret = app.draw(|mut rng| CodeSecret::generate(&mut rng));
    let names = CodeIndex::new(&app.keys().code_name, bank.to_bytes()).neighbourhood(&secret);
    (secret, names)
}

/// Makes the verifier of a code and seals the code. Slow on purpose: call it on a blocking thread.
///
/// # Errors
/// [`AppError::Damaged`] when the bank's key does not open.
fn make(
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
    let mac = verifier(&tag, &order.grant.to_bytes(), &salt);
    let code = seal_code(app, order, secret)?;
    Ok(MadeCode { state: OrderState::Made { verifier: Verifier { salt, mac }, code }, names })
}
