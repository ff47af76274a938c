//! Sealed codes, the keys that check them, and signed QR tokens.

use bailee_domain::time::WallTime;
use bailee_vault::Secret;
use bailee_vault::code::{BankCodeKey, CodeSecret};
use bailee_vault::seal::Aad;
use bailee_wire::token;

use crate::app::{App, AppError};
use crate::store::tables::bank::BankRow;
use crate::store::tables::code::CodeOrder;
use crate::store::tables::damaged;

/// The number of the key that signs QR tokens, as rosters and tokens name it.
pub const ISSUER_KID: u8 = 1;
/// A token may be shown this long before it was signed, in milliseconds: banks' clocks differ.
const TOKEN_EARLY_MS: i64 = 3_600_000;

/// The QR token of an order's generation.
pub(super) fn qr_token(app: &App, order: &CodeOrder, now: WallTime) -> String {
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

/// Opens the code of an order.
///
/// # Errors
/// [`AppError::Damaged`] when it was changed or belongs to another order.
pub(super) fn open_code(app: &App, order: &CodeOrder, sealed: &[u8]) -> Result<CodeSecret, AppError> {
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
pub(super) fn code_key(app: &App, bank: &BankRow) -> Result<BankCodeKey, AppError> {
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

/// Seals a code for its order.
///
/// # Errors
/// [`AppError::Damaged`] when it cannot be sealed.
pub(super) fn seal_code(app: &App, order: &CodeOrder, secret: &CodeSecret) -> Result<Vec<u8>, AppError> {
    let row = code_row(order);
    let place = Aad { table: "code_order", column: "code", row: &row };
    let sealed = app.draw(|mut rng| app.keys().outbox().seal(&place, secret.expose().as_bytes(), &mut rng));
    sealed.map_err(|_| damaged("code_order.code"))
}
