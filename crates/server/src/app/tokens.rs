//! API tokens: shown once, ended by time or by hand, and never worth more than their maker.

use bailee_domain::access::{Assignment, Permission, Role, Scope};
use bailee_domain::id::{PersonId, TokenId};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::WallTime;
use bailee_vault::token::{Token, TokenKind};

use super::people::text;
use super::{App, AppError, FieldError, Principal, Refused};
use crate::store::tables::api_token::{self, ApiTokenRow};

/// The roles behind a token the installation itself made, as an operator does at the command line.
pub(in crate::app) const INSTALLATION: &[Assignment] =
    &[Assignment { role: Role::SuperAdmin, scope: Scope::Organisation }];

/// Most days a token lasts.
pub const MAX_DAYS: u16 = 365;

/// What a new token is to be.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// What it is for.
    pub name: &'a str,
    /// All it may do, each of which its maker may do.
    pub permissions: Vec<Permission>,
    /// Days it lasts, 1 to [`MAX_DAYS`].
    pub days: u16,
}

/// A token just made: the one moment its secret is there.
#[derive(Debug)]
pub struct Made {
    /// Its id.
    pub id: TokenId,
    /// The secret to show once.
    pub token: Token,
    /// When it ends.
    pub expires: WallTime,
}

/// An API token in a list, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSummary {
    /// Its id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// All it may do.
    pub permissions: Vec<Permission>,
    /// Who made it; `None` for the installation itself.
    pub created_by: Option<PersonId>,
    /// When it was made.
    pub created_at: WallTime,
    /// When it ends.
    pub expires_at: WallTime,
    /// When it was last used, to within a minute.
    pub last_used: Option<WallTime>,
}

/// Makes a token. People and the installation make tokens; a token makes none, so that revoking one ends it all.
///
/// # Errors
/// [`Refused::Invalid`]; [`Refused::NotAllowed`] naming the first permission the maker does not hold.
pub async fn create(app: &App, principal: &Principal, input: NewToken<'_>) -> Result<Made, AppError> {
    let created_by = maker(app, principal).await?;
    for permission in &input.permissions {
        let held = match principal.actor {
            Actor::Platform => true,
            _ => principal.may(*permission, Scope::Organisation, None),
        };
        if !held {
            return app.deny(principal, *permission, Refused::NotAllowed(*permission)).await;
        }
    }
    let (name, permissions) = check(&input)?;
    let (id, token) =
        app.draw(|mut rng| (TokenId::new(app.now(), &mut rng), Token::generate(TokenKind::Api, &mut rng)));
    let (hash, days) = (token.hash().0, i64::from(input.days));
    let expires = app
        .change(principal.actor, async move |change| {
            let row = ApiTokenRow {
                id,
                name: name.clone(),
                permissions: permissions.clone(),
                created_by,
                created_at: change.at,
                expires_at: change.at.plus_ms(days * 86_400_000),
                revoked_at: None,
                last_used: None,
            };
            api_token::insert(&change.tx, change.org, hash, &row).await?;
            change.event(PlatformEventKind::TokenCreated { token: id }).await?;
            Ok(row.expires_at)
        })
        .await?;
    Ok(Made { id, token, expires })
}

/// Tokens that are not revoked, newest first.
///
/// # Errors
/// Not allowed, or the store's.
pub async fn list(app: &App, principal: &Principal) -> Result<Vec<TokenSummary>, AppError> {
    app.authorise(principal, Permission::ManageTokens, Scope::Organisation, None).await?;
    let org = app.org();
    let rows =
        app.db().read(async move |tx| Ok::<_, AppError>(api_token::not_revoked(&tx, org).await?)).await?;
    let summary = |row: ApiTokenRow| TokenSummary {
        id: row.id,
        name: row.name,
        permissions: row.permissions,
        created_by: row.created_by,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used: row.last_used,
    };
    Ok(rows.into_iter().map(summary).collect())
}

/// Ends a token at once; ending it twice is no error.
///
/// # Errors
/// [`Refused::NotFound`], or not allowed.
pub async fn revoke(app: &App, principal: &Principal, id: TokenId) -> Result<(), AppError> {
    app.authorise(principal, Permission::ManageTokens, Scope::Organisation, None).await?;
    app.change(principal.actor, async move |change| {
        let found = api_token::get(&change.tx, change.org, id).await?.ok_or(Refused::NotFound)?;
        if found.revoked_at.is_some() {
            return Ok(());
        }
        api_token::revoke(&change.tx, id, change.at).await?;
        change.event(PlatformEventKind::TokenRevoked { token: id }).await
    })
    .await
}

async fn maker(app: &App, principal: &Principal) -> Result<Option<PersonId>, AppError> {
    let permission = Permission::ManageTokens;
    match principal.actor {
        Actor::Platform => Ok(None),
        Actor::Person(person) => {
            app.authorise(principal, permission, Scope::Organisation, None).await?;
            Ok(Some(person))
        }
        _ => app.deny(principal, permission, Refused::NotAllowed(permission)).await,
    }
}

fn check(input: &NewToken<'_>) -> Result<(String, Vec<Permission>), Refused> {
    let mut wrong = Vec::new();
    let name = text("name", input.name, &mut wrong);
    if !(1..=MAX_DAYS).contains(&input.days) {
        wrong.push(FieldError { field: "days", code: "not_1_to_365" });
    }
    let mut permissions = input.permissions.clone();
    permissions.sort_unstable();
    permissions.dedup();
    if permissions.is_empty() {
        wrong.push(FieldError { field: "permissions", code: "required" });
    }
    if wrong.is_empty() { Ok((name, permissions)) } else { Err(Refused::Invalid(wrong)) }
}
