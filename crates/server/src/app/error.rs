//! The two kinds of no a use case can end in: a refusal, which has a stable code and is somebody's to read, and a
//! failure, which is ours to repair.

use bailee_domain::access::Permission;

use crate::store::StoreError;

/// Why a use case did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The platform said no.
    #[error("refused: {0}")]
    Refused(#[from] Refused),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// A stored value is damaged or sealed under a key we do not have.
    #[error("a stored value cannot be read: {what}")]
    Damaged {
        /// Table and column.
        what: &'static str,
    },
}

/// Why the platform said no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody is signed in, or the session or token has ended.
    #[error("not signed in")]
    NotSignedIn,
    /// The caller may not do this here.
    #[error("not allowed: {}", .0.name())]
    NotAllowed(Permission),
    /// There is no such thing, or the caller may not know of it.
    #[error("not found")]
    NotFound,
    /// Somebody else changed it in the meantime.
    #[error("changed by somebody else")]
    Conflict {
        /// The version now stored.
        current: i64,
    },
    /// The same e-mail address or name is in use already.
    #[error("already in use")]
    AlreadyInUse {
        /// The field.
        field: &'static str,
    },
    /// Some fields cannot be accepted.
    #[error("invalid input")]
    Invalid(Vec<FieldError>),
    /// The link, token or code was used, has expired, or never existed.
    #[error("no longer valid")]
    NoLongerValid,
    /// The e-mail address or password is wrong; which of them is not said.
    #[error("wrong credentials")]
    WrongCredentials,
    /// Too many tries; wait.
    #[error("too many tries")]
    TooManyTries {
        /// For this long.
        wait_s: u32,
    },
    /// What was asked for makes no sense in the present state, such as sending a code for a collected parcel.
    #[error("not possible now")]
    NotPossibleNow {
        /// A stable code saying why.
        why: &'static str,
    },
}

impl Refused {
    /// The stable code used in the API and the documentation.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "not_signed_in",
            Self::NotAllowed(_) => "not_allowed",
            Self::NotFound => "not_found",
            Self::Conflict { .. } => "conflict",
            Self::AlreadyInUse { .. } => "already_in_use",
            Self::Invalid(_) => "invalid",
            Self::NoLongerValid => "no_longer_valid",
            Self::WrongCredentials => "wrong_credentials",
            Self::TooManyTries { .. } => "too_many_tries",
            Self::NotPossibleNow { .. } => "not_possible_now",
        }
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name in forms and in the API.
    pub field: &'static str,
    /// A stable code, which is also the key of the text shown: `required`, `too_long`, `not_an_email`, …
    pub code: &'static str,
}
