//! Requests that may be sent twice: the second gets the first one's answer.
//!
//! A caller puts [`begin`] before its use case and [`finish`] after it. A stop between the two leaves the request *in
//! flight* for [`KEPT_MS`]: what it did may be done or not, so it is never done again under the same key. Answers may
//! hold a secret that is shown once (a token), so they are kept sealed. People not signed in have no keys: theirs
//! would not be told apart.

use bailee_domain::platform::Actor;
use bailee_vault::Secret;
use bailee_vault::seal::Aad;

use super::{App, AppError, FieldError, Principal, Refused};
use crate::store::tables::idempotency;

/// How long an answer is kept, in milliseconds.
pub const KEPT_MS: i64 = 24 * 3_600_000;
/// Most characters of a key.
pub const MAX_KEY: usize = 128;

/// Whether a request is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is new: do it, then [`finish`] (or [`forget`], if it had no effect).
    New,
    /// The same request is being done, or was when the platform stopped.
    InFlight,
    /// It was done: this was the answer.
    Replay {
        /// The answer's status.
        status: u16,
        /// The answer's body.
        body: Vec<u8>,
    },
    /// The key was used for another request.
    Mismatch,
}

/// Notes that a request is being done. `request_hash` covers everything it asks for: method, path and body.
///
/// # Errors
/// [`Refused::Invalid`] for an unusable key, [`Refused::NotSignedIn`] for somebody not signed in, or the store's.
pub async fn begin(
    app: &App,
    principal: &Principal,
    key: &str,
    request_hash: [u8; 32],
) -> Result<Begun, AppError> {
    let who = owner(principal, key)?;
    let (key, now, reader) = (key.to_owned(), app.now(), app.clone());
    app.db()
        .tx(async move |tx| {
            idempotency::delete_older(&tx, now.plus_ms(-KEPT_MS)).await?;
            let Some(found) = idempotency::get(&tx, &who, &key).await? else {
                idempotency::insert(&tx, &who, &key, request_hash, now).await?;
                return Ok(Begun::New);
            };
            match found.answer {
                _ if found.request_hash != request_hash => Ok(Begun::Mismatch),
                None => Ok(Begun::InFlight),
                Some((status, sealed)) => {
                    Ok(Begun::Replay { status, body: open(&reader, &who, &key, &sealed)? })
                }
            }
        })
        .await
}

/// Keeps the answer of a request.
///
/// # Errors
/// The store's; an answer too long to be sealed is [`AppError::Damaged`].
pub async fn finish(
    app: &App,
    principal: &Principal,
    key: &str,
    status: u16,
    body: &[u8],
) -> Result<(), AppError> {
    let who = owner(principal, key)?;
    let row = row(&who, key);
    let sealed = app.draw(|mut rng| app.keys().secret().seal(&place(&row), body, &mut rng));
    let sealed = sealed.map_err(|_| AppError::Damaged { what: "idempotency.response" })?;
    let key = key.to_owned();
    app.db().tx(async move |tx| Ok(idempotency::answer(&tx, &who, &key, status, &sealed).await?)).await
}

/// Forgets a request that had no effect, so that it can be tried again under the same key.
///
/// # Errors
/// The store's.
pub async fn forget(app: &App, principal: &Principal, key: &str) -> Result<(), AppError> {
    let (who, key) = (owner(principal, key)?, key.to_owned());
    app.db().tx(async move |tx| Ok(idempotency::delete(&tx, &who, &key).await?)).await
}

fn owner(principal: &Principal, key: &str) -> Result<String, Refused> {
    if !matches!(principal.actor, Actor::Person(_) | Actor::Token(_)) {
        return Err(Refused::NotSignedIn);
    }
    if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Refused::Invalid(vec![FieldError { field: "idempotency_key", code: "not_a_key" }]));
    }
    Ok(principal.name())
}

fn open(app: &App, who: &str, key: &str, sealed: &[u8]) -> Result<Vec<u8>, AppError> {
    let opened: Secret<Vec<u8>> = app
        .keys()
        .secret()
        .open(&place(&row(who, key)), sealed)
        .map_err(|_| AppError::Damaged { what: "idempotency.response" })?;
    Ok(opened.expose().clone())
}

/// Neither part holds a space, so no two pairs meet.
fn row(who: &str, key: &str) -> Vec<u8> {
    format!("{who} {key}").into_bytes()
}

fn place(row: &[u8]) -> Aad<'_> {
    Aad { table: "idempotency", column: "response", row }
}
