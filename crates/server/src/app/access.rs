//! Who asks, and whether they may.

use bailee_domain::access::{Assignment, Permission, Scope, permits};
use bailee_domain::id::SiteId;
use bailee_domain::platform::Actor;

use super::Refused;

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
