//! Signing in and out, and who is behind a session or a token.
//!
//! Guessing is bounded per address: a try is counted before the password is compared, whether or not anybody has the
//! address, so parallel guesses and strange addresses see the same limits as everybody. From the fifth failure in a
//! row there is a wait, doubling from 30 seconds to an hour; after [`MOST_FAILURES`] the address stays closed until
//! its password is set anew (NIST SP 800-63B-4, 3.2.2). Known and unknown addresses take the same path and time.
//!
//! A second factor will be asked for between the password and the session: [`Factor`] names what can be asked,
//! [`Step`] is what each step ends in.

use bailee_domain::access::{Assignment, Permission};
use bailee_domain::id::{PersonId, SessionId};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::WallTime;
use bailee_vault::password::Passwords;
use bailee_vault::token::{Token, TokenKind};

use super::people::email_index;
use super::{App, AppError, Principal, Refused, slow};
use crate::store::Tx;
use crate::store::tables::password::Failures;
use crate::store::tables::session::SessionRow;
use crate::store::tables::{api_token, assignment, password, person, session};

/// A session not used for this long has ended, in milliseconds.
pub const IDLE_MS: i64 = 15 * 60_000;
/// A session has ended this long after signing in, in milliseconds.
pub const ABSOLUTE_MS: i64 = 12 * 3_600_000;
/// After so many failures in a row an address stays closed.
pub const MOST_FAILURES: u32 = 100;

/// The use of a session is noted this often, in milliseconds: it ends up to that much early.
const TOUCH_MS: i64 = 30_000;
/// Failures that cost no wait yet.
const FREE_FAILURES: u32 = 5;
/// Addresses nobody has that are remembered as tried.
const MOST_STRANGERS: u32 = 10_000;

/// What can prove who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// A password. Authenticator apps and passkeys go beside it.
    Password,
}

/// What a step of signing in ends in. A step that asks for a second [`Factor`] goes beside the one there is.
#[derive(Debug)]
pub enum Step {
    /// Done.
    SignedIn(SignedIn),
}

/// A new session.
#[derive(Debug)]
pub struct SignedIn {
    /// The session's secret, for the browser alone.
    pub token: Token,
    /// Whose it is.
    pub person: PersonId,
    /// When it ends at the latest.
    pub ends: WallTime,
}

/// A session that is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id; a form token is bound to it.
    pub id: SessionId,
    /// Whose it is.
    pub person: PersonId,
    /// Who asks.
    pub principal: Principal,
}

/// A try that was counted, and what it is to be compared with.
struct Attempt {
    person: Option<PersonId>,
    hash: Option<String>,
}

/// Signs in with a password. `previous`, the token the browser came with, stops working.
///
/// # Errors
/// [`Refused::WrongCredentials`], the same for an unknown address and a wrong password, or
/// [`Refused::TooManyTries`].
pub async fn with_password(
    app: &App,
    email: &str,
    password: &str,
    previous: Option<&str>,
) -> Result<Step, AppError> {
    // A text that is no address is tried as one nobody has: same path, same time.
    let index = email_index(app, email).unwrap_or([0; 32]);
    let attempt = count(app, index).await?;
    let (cost, typed, hash) = (app.keys().cost, bailee_vault::Secret::new(password.to_owned()), attempt.hash);
    let compared =
        slow::for_stranger(move || Passwords::new(cost).verify_or_dummy(hash.as_deref(), typed.expose()));
    match (compared.await?, attempt.person) {
        (true, Some(person)) => begin(app, person, index, previous).await.map(Step::SignedIn),
        _ => {
            app.change(Actor::Anonymous, async |change| change.event(PlatformEventKind::SignInRefused).await)
                .await?;
            Err(Refused::WrongCredentials.into())
        }
    }
}

/// Ends a session; one that is unknown or has ended already is no error.
///
/// # Errors
/// The store's.
pub async fn sign_out(app: &App, token: &str) -> Result<(), AppError> {
    let Ok(token) = Token::parse(TokenKind::Session, token) else { return Ok(()) };
    let hash = token.hash().0;
    app.db().tx(async move |tx| Ok(session::delete(&tx, hash).await?)).await
}

/// Who is behind a session's token.
///
/// # Errors
/// [`Refused::NotSignedIn`], whatever the reason.
pub async fn principal_of_session(app: &App, token: &str) -> Result<Session, AppError> {
    let token = Token::parse(TokenKind::Session, token).map_err(|_| Refused::NotSignedIn)?;
    let (hash, org, now) = (token.hash().0, app.org(), app.now());
    let found = app.db().read(async move |tx| {
        let found = session::get(&tx, hash).await?.filter(|found| is_live(found, now));
        let Some(found) = found else { return Err(AppError::from(Refused::NotSignedIn)) };
        person::get(&tx, org, found.person).await?.ok_or(Refused::NotSignedIn)?;
        Ok((found, assignment::of_person(&tx, found.person).await?))
    });
    let (found, roles) = found.await?;
    if now.since_ms(found.last_used) >= TOUCH_MS {
        app.db().tx(async move |tx| Ok::<_, AppError>(session::touch(&tx, hash, now).await?)).await?;
    }
    let principal = Principal { actor: Actor::Person(found.person), roles, limited_to: None };
    Ok(Session { id: found.id, person: found.person, principal })
}

/// Who is behind an API token: never more than its maker may do at this moment, and of that only what it carries.
///
/// # Errors
/// [`Refused::NotSignedIn`], whatever the reason.
pub async fn principal_of_token(app: &App, token: &str) -> Result<Principal, AppError> {
    let token = Token::parse(TokenKind::Api, token).map_err(|_| Refused::NotSignedIn)?;
    let (hash, org, now) = (token.hash().0, app.org(), app.now());
    let found = app.db().read(async move |tx| {
        let found = api_token::with_hash(&tx, org, hash).await?.ok_or(Refused::NotSignedIn)?;
        if found.revoked_at.is_some() || now >= found.expires_at {
            return Err(AppError::from(Refused::NotSignedIn));
        }
        let roles = match found.created_by {
            Some(person) => assignment::of_person(&tx, person).await?,
            None => super::tokens::INSTALLATION.to_vec(),
        };
        Ok((found, roles))
    });
    let (found, roles) = found.await?;
    let id = found.id;
    if found.last_used.is_none_or(|used| now.since_ms(used) >= 60_000) {
        app.db().tx(async move |tx| Ok::<_, AppError>(api_token::touch(&tx, id, now).await?)).await?;
    }
    Ok(Principal { actor: Actor::Token(id), roles, limited_to: Some(found.permissions) })
}

/// Lets an address be tried again that was closed by too many failures: for the operator at the command line.
///
/// # Errors
/// [`Refused::NotFound`] when nobody has the address, or the store's.
pub async fn reopen(app: &App, email: &str) -> Result<(), AppError> {
    let index = email_index(app, email).ok_or(Refused::NotFound)?;
    app.change(Actor::Platform, async move |change| {
        let person = person::with_email(&change.tx, change.org, index).await?.ok_or(Refused::NotFound)?;
        password::clear_failures(&change.tx, change.org, index).await?;
        let what = format!("sign-in of {person} reopened");
        change.event(PlatformEventKind::SettingChanged { what }).await
    })
    .await
}

/// What somebody may do in the whole organisation, for showing or hiding parts of a page.
pub fn permissions_of(roles: &[Assignment]) -> Vec<Permission> {
    let everywhere = bailee_domain::access::Scope::Organisation;
    let holds = |permission| bailee_domain::access::permits(roles, permission, everywhere, None);
    Permission::ALL.iter().copied().filter(|permission| holds(*permission)).collect()
}

/// Counts a try before anything is compared: a stop, or many at once, never gives a guess for free.
async fn count(app: &App, index: [u8; 32]) -> Result<Attempt, AppError> {
    let (org, now) = (app.org(), app.now());
    app.db()
        .tx(async move |tx| {
            if let Some(wait_s) =
                password::failures(&tx, org, index).await?.and_then(|past| wait_s(past, now))
            {
                return Err(Refused::TooManyTries { wait_s }.into());
            }
            password::count_failure(&tx, org, index, now).await?;
            password::forget_strangers(&tx, org, MOST_STRANGERS).await?;
            let person = person::with_email(&tx, org, index).await?;
            let hash = match person {
                Some(person) => password::hash_of(&tx, person).await?,
                None => None,
            };
            Ok(Attempt { person, hash })
        })
        .await
}

/// For how long the next try has to wait; `None` when it may come now.
fn wait_s(past: Failures, now: WallTime) -> Option<u32> {
    if past.count >= MOST_FAILURES {
        return Some(24 * 3_600);
    }
    let doublings = past.count.checked_sub(FREE_FAILURES)?.min(7);
    let wait_ms = (30_000_i64 << doublings).min(3_600_000);
    let left_ms = wait_ms - now.since_ms(past.last);
    let left_s = (left_ms.min(wait_ms) + 999) / 1_000;
    u32::try_from(left_s).ok().filter(|left_s| *left_s > 0)
}

async fn begin(
    app: &App,
    person: PersonId,
    index: [u8; 32],
    previous: Option<&str>,
) -> Result<SignedIn, AppError> {
    let now = app.now();
    let (token, id) =
        app.draw(|mut rng| (Token::generate(TokenKind::Session, &mut rng), SessionId::new(now, &mut rng)));
    let previous = previous.and_then(|text| Token::parse(TokenKind::Session, text).ok());
    let (hash, previous) = (token.hash().0, previous.map(|token| token.hash().0));
    app.change(Actor::Person(person), async move |change| {
        let tx: &Tx = &change.tx;
        // Removed between the comparison and now.
        person::get(tx, change.org, person).await?.ok_or(Refused::WrongCredentials)?;
        password::clear_failures(tx, change.org, index).await?;
        if let Some(previous) = previous {
            session::delete(tx, previous).await?;
        }
        session::delete_ended(tx, now.plus_ms(-ABSOLUTE_MS), now.plus_ms(-IDLE_MS)).await?;
        session::insert(tx, hash, &SessionRow { id, person, created_at: now, last_used: now }).await?;
        change.event(PlatformEventKind::SignedIn { person }).await
    })
    .await?;
    Ok(SignedIn { token, person, ends: now.plus_ms(ABSOLUTE_MS) })
}

fn is_live(session: &SessionRow, now: WallTime) -> bool {
    now.since_ms(session.last_used) < IDLE_MS && now.since_ms(session.created_at) < ABSOLUTE_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_the_fifth_failure_to_an_hour_and_end_in_a_closed_door() {
        let last = WallTime::from_unix_ms(0);
        let wait = |count, after_ms| wait_s(Failures { count, last }, WallTime::from_unix_ms(after_ms));
        assert_eq!(wait(4, 0), None);
        assert_eq!(wait(5, 0), Some(30));
        assert_eq!(wait(5, 29_001), Some(1));
        assert_eq!(wait(5, 30_000), None);
        assert_eq!(wait(6, 0), Some(60));
        assert_eq!(wait(99, 0), Some(3_600));
        assert_eq!(wait(99, 3_600_000), None);
        assert_eq!(wait(100, i64::MAX), Some(86_400));
    }

    #[test]
    fn a_clock_set_back_does_not_lengthen_the_wait() {
        let past = Failures { count: 5, last: WallTime::from_unix_ms(1_000_000_000) };
        assert_eq!(wait_s(past, WallTime::from_unix_ms(0)), Some(30));
    }
}
