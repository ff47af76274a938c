//! The first administrator: made by whoever follows the one-time link, and only while there is none.

use bailee_domain::access::Role;
use bailee_domain::compartment::Reach;
use bailee_domain::id::{OrgId, PersonId};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_vault::password::{NewPassword, PasswordRefused, Passwords};
use bailee_vault::token::{Token, TokenKind};

use super::people::{Details, Typed, Unit, email_in_use, seal_new, store_new};
use super::{App, AppError, FieldError, Refused, slow};
use crate::store::Tx;
use crate::store::tables::{assignment, password, set_up};

/// How long a link works, in milliseconds.
pub const VALID_MS: i64 = 24 * 3_600_000;

/// What the first administrator says of themselves. `Debug` shows none of it.
#[derive(Clone, Copy)]
pub struct Administrator<'a> {
    /// Full name.
    pub name: &'a str,
    /// E-mail address, which is also what they sign in with.
    pub email: &'a str,
    /// The password they choose, at least 15 characters.
    pub password: &'a str,
}

impl std::fmt::Debug for Administrator<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Administrator")
    }
}

/// Makes a new link; one that was made before and not used stops working.
///
/// # Errors
/// [`Refused::NotPossibleNow`] with `administrator_exists`.
pub async fn offer(app: &App) -> Result<Token, AppError> {
    let token = app.draw(|mut rng| Token::generate(TokenKind::SetUp, &mut rng));
    let hash = token.hash().0;
    app.change(Actor::Platform, async move |change| {
        if has_administrator(&change.tx, change.org).await? {
            return Err(Refused::NotPossibleNow { why: "administrator_exists" }.into());
        }
        set_up::replace(&change.tx, hash, change.at.plus_ms(VALID_MS)).await?;
        change.event(PlatformEventKind::SettingChanged { what: "set-up link offered".into() }).await
    })
    .await?;
    Ok(token)
}

/// Whether a link works, for showing its form.
///
/// # Errors
/// The store's.
pub async fn is_valid(app: &App, token: &str) -> Result<bool, AppError> {
    let Ok(token) = Token::parse(TokenKind::SetUp, token) else { return Ok(false) };
    let (hash, org, now) = (token.hash().0, app.org(), app.now());
    app.db()
        .read(async move |tx| {
            Ok(set_up::is_valid(&tx, hash, now).await? && !has_administrator(&tx, org).await?)
        })
        .await
}

/// Makes the first administrator and uses the link up. Signing in is the next step.
///
/// # Errors
/// [`Refused::NoLongerValid`] for a link that is wrong, used, expired, or of a platform that has an administrator;
/// [`Refused::Invalid`], which leaves the link usable.
pub async fn redeem(app: &App, token: &str, input: Administrator<'_>) -> Result<PersonId, AppError> {
    // Before anything slow, so that strangers without a link cost nothing.
    if !is_valid(app, token).await? {
        return Err(Refused::NoLongerValid.into());
    }
    let (details, password) = check(input)?;
    let link = Token::parse(TokenKind::SetUp, token).map_err(|_| Refused::NoLongerValid)?.hash().0;
    let hash = hash(app, password).await?;
    let new = seal_new(app, &details, app.now())?;
    let person = new.row.id;
    let made = app.change(Actor::Anonymous, async move |change| {
        let tx = &change.tx;
        if !set_up::is_valid(tx, link, change.at).await? || has_administrator(tx, change.org).await? {
            return Err(Refused::NoLongerValid.into());
        }
        set_up::mark_used(tx, link, change.at).await?;
        store_new(change, &new, Role::SuperAdmin).await?;
        password::set(tx, person, &hash, change.at).await?;
        let details = new.commitment;
        change.event(PlatformEventKind::AdministratorCreated { person, details }).await?;
        Ok(person)
    });
    made.await.map_err(email_in_use)
}

fn check(input: Administrator<'_>) -> Result<(Details, NewPassword), Refused> {
    let Administrator { name, email, password } = input;
    let typed = Typed { name, unit: "", email, phone: "", reach: Reach::Standard };
    let details = Details::check(typed, Unit::Unused);
    let password = NewPassword::new(password).map_err(|refused| FieldError {
        field: "password",
        code: match refused {
            PasswordRefused::TooShort => "too_short",
            PasswordRefused::TooLong => "too_long",
        },
    });
    match (details, password) {
        (Ok(details), Ok(password)) => Ok((details, password)),
        (details, password) => {
            let wrong = details.err().into_iter().flatten().chain(password.err());
            Err(Refused::Invalid(wrong.collect()))
        }
    }
}

/// Hashes a password. The generator is held meanwhile, some tens of milliseconds: this happens once in an installation.
async fn hash(app: &App, password: NewPassword) -> Result<String, AppError> {
    let app = app.clone();
    let passwords = Passwords::new(app.keys().cost);
    slow::for_stranger(move || app.draw(|mut rng| passwords.hash(&password, &mut rng))).await
}

async fn has_administrator(tx: &Tx, org: OrgId) -> Result<bool, AppError> {
    Ok(assignment::count_everywhere(tx, org, Role::SuperAdmin).await? > 0)
}
