//! Who asks, and whether they may.

use bailee_domain::access::{Assignment, Permission, Scope, permits};
use bailee_domain::id::SiteId;
use bailee_domain::platform::{Actor, PlatformEventKind};

use super::{App, AppError, Refused};

/// Somebody who asks for something, as established from their session or token, never from what they sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// As whom they appear in the log.
    pub actor: Actor,
    /// The roles held.
    pub roles: Vec<Assignment>,
    /// For an API token, the only permissions it carries.
    pub limited_to: Option<Vec<Permission>>,
}

impl Principal {
    /// The platform acting on its own.
    pub const PLATFORM: Self = Self { actor: Actor::Platform, roles: Vec::new(), limited_to: None };

    /// Their name in the store: the id of whoever it is.
    pub fn name(&self) -> String {
        match self.actor {
            Actor::Platform => "platform".into(),
            Actor::Person(person) => person.to_string(),
            Actor::Token(token) => token.to_string(),
            Actor::Bank(bank) => bank.to_string(),
            Actor::Anonymous => "anonymous".into(),
        }
    }

    /// Whether they may do this there. `site_of` is the site of a bank named by `target`.
    pub fn may(&self, permission: Permission, target: Scope, site_of: Option<SiteId>) -> bool {
        let carried = self.limited_to.as_ref().is_none_or(|only| only.contains(&permission));
        carried && permits(&self.roles, permission, target, site_of)
    }

    /// Refuses unless they may do this there.
    ///
    /// # Errors
    /// [`Refused::NotAllowed`].
    pub fn require(
        &self,
        permission: Permission,
        target: Scope,
        site_of: Option<SiteId>,
    ) -> Result<(), Refused> {
        if self.may(permission, target, site_of) { Ok(()) } else { Err(Refused::NotAllowed(permission)) }
    }
}

impl App {
    /// Refuses unless `principal` may do this there; a refusal of somebody signed in is written to the custody log.
    ///
    /// # Errors
    /// [`Refused::NotAllowed`], [`Refused::NotSignedIn`] for a caller who is nobody, or the store's.
    pub async fn authorise(
        &self,
        principal: &Principal,
        permission: Permission,
        target: Scope,
        site_of: Option<SiteId>,
    ) -> Result<(), AppError> {
        match principal.require(permission, target, site_of) {
            Ok(()) => Ok(()),
            Err(refused) => self.deny(principal, permission, refused).await,
        }
    }

    /// Writes to the custody log that somebody signed in was refused, and refuses.
    pub(super) async fn deny<T>(
        &self,
        principal: &Principal,
        permission: Permission,
        refused: Refused,
    ) -> Result<T, AppError> {
        let denied = PlatformEventKind::PermissionDenied { permission };
        match principal.actor {
            Actor::Anonymous => return Err(Refused::NotSignedIn.into()),
            Actor::Platform | Actor::Bank(_) => {}
            Actor::Person(_) | Actor::Token(_) => {
                self.change(principal.actor, async move |change| change.event(denied.clone()).await).await?;
            }
        }
        Err(refused.into())
    }
}
