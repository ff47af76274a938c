//! The limits of everything read from the link, and how breaking one is said.

use bailee_domain::compartment::{CompartmentNo, OutOfService};

/// No frame is longer than this, in bytes.
pub const MAX_FRAME_BYTES: usize = 1 << 20;
/// No text is longer than this, in bytes.
pub const MAX_TEXT_BYTES: usize = 200;

/// Why a message is refused; the connection is closed after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Longer than [`MAX_FRAME_BYTES`].
    #[error("the message is longer than 1 MiB")]
    FrameTooLong,
    /// Not protobuf, or not of this schema.
    #[error("the message is not readable")]
    Unreadable,
    /// Of a version this program does not speak.
    #[error("the message has version {0}, this program speaks version 1")]
    UnknownVersion(u32),
    /// A body this program does not know, or none.
    #[error("the message has no body this program knows")]
    UnknownBody,
    /// A text or a list that is too long; names the field.
    #[error("{0} is too long")]
    TooLong(&'static str),
    /// A value out of its range, of a wrong length or missing; names the field.
    #[error("{0} is not valid")]
    Invalid(&'static str),
}

pub(super) fn fixed<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], LinkError> {
    bytes.try_into().map_err(|_| LinkError::Invalid(what))
}

pub(super) fn text(text: String, what: &'static str) -> Result<String, LinkError> {
    if text.len() > MAX_TEXT_BYTES { Err(LinkError::TooLong(what)) } else { Ok(text) }
}

pub(super) fn count<T>(list: &[T], max: usize, what: &'static str) -> Result<(), LinkError> {
    if list.len() > max { Err(LinkError::TooLong(what)) } else { Ok(()) }
}

pub(super) fn small<T: TryFrom<u32>>(n: u32, what: &'static str) -> Result<T, LinkError> {
    T::try_from(n).map_err(|_| LinkError::Invalid(what))
}

pub(super) fn compartment(n: u32) -> Result<CompartmentNo, LinkError> {
    small(n, "compartment").map(CompartmentNo)
}

/// An enumeration written as a number: both directions from one table.
macro_rules! coded {
    ($(#[$doc:meta])* $to:ident, $from:ident: $ty:ty = $what:literal { $($number:literal $value:path,)* }) => {
        $(#[$doc])*
        pub(super) const fn $to(value: $ty) -> u32 {
            match value { $($value => $number,)* }
        }

        pub(super) const fn $from(number: u32) -> Result<$ty, LinkError> {
            match number { $($number => Ok($value),)* _ => Err(LinkError::Invalid($what)) }
        }
    };
}
pub(super) use coded;

coded! {
    outage_number, outage: Option<OutOfService> = "out of service" {
        0 None,
        1 SOME_DID_NOT_OPEN,
        2 SOME_NEEDS_CHECK,
        3 SOME_FORCED,
        4 SOME_BY_HAND,
    }
}

const SOME_DID_NOT_OPEN: Option<OutOfService> = Some(OutOfService::DidNotOpen);
const SOME_NEEDS_CHECK: Option<OutOfService> = Some(OutOfService::NeedsCheck);
const SOME_FORCED: Option<OutOfService> = Some(OutOfService::Forced);
const SOME_BY_HAND: Option<OutOfService> = Some(OutOfService::ByHand);
