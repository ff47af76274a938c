//! Who may come to an address at all: each route names one of these, and nothing is routed without.
//!
//! This is the outer gate; the use case behind decides again, with the exact bank or person in hand.

use bailee_domain::access::{Permission, allows};

use crate::app::Principal;

/// Who may come to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Whoever is signed in, or carries a token.
    Known,
    /// Whoever holds this permission anywhere.
    Needs(Permission),
}

impl Access {
    /// Whether somebody known may come in.
    #[must_use]
    pub fn admits(self, principal: &Principal) -> bool {
        match self {
            Self::Public | Self::Known => true,
            Self::Needs(permission) => {
                let carried = principal.limited_to.as_ref().is_none_or(|only| only.contains(&permission));
                carried && principal.roles.iter().any(|held| allows(held.role, permission))
            }
        }
    }

    /// Its name in the reviewed table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Known => "signed in",
            Self::Needs(permission) => permission.name(),
        }
    }
}

/// One address as the reviewed table shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Who may come.
    pub access: Access,
}
