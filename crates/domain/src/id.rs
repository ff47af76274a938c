//! Typed, time-ordered identifiers with a readable prefix, such as `prc_01hx2…`.
//!
//! An id is 48 bits of Unix milliseconds followed by 80 random bits (the layout of ULID), written in lower-case
//! Crockford base32. It is a name, never a secret: nothing may be granted to whoever knows an id.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use rand_core::Rng;

use crate::time::WallTime;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LEN: usize = 26;

/// Why a text is not an id of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// The prefix names another kind of thing, or is missing.
    WrongPrefix,
    /// The part after the prefix is not 26 characters of Crockford base32 within 128 bits.
    Malformed,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongPrefix => "the id names another kind of thing",
            Self::Malformed => "the id is not 26 base32 characters",
        })
    }
}

impl core::error::Error for IdError {}

fn draw(at: WallTime, rng: &mut impl Rng) -> [u8; 16] {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    let ms = u64::try_from(at.unix_ms()).unwrap_or(0).to_be_bytes();
    bytes[..6].copy_from_slice(&ms[2..]);
    bytes
}

fn write_base32(bytes: [u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let n = u128::from_be_bytes(bytes);
    for i in (0..TEXT_LEN).rev() {
        let digit = usize::try_from((n >> (5 * i)) & 31).expect("five bits fit");
        write!(f, "{}", char::from(ALPHABET[digit]))?;
    }
    Ok(())
}

fn read_base32(text: &str) -> Result<[u8; 16], IdError> {
    if text.len() != TEXT_LEN || text.as_bytes()[0] > b'7' {
        return Err(IdError::Malformed);
    }
    let mut n: u128 = 0;
    for c in text.bytes() {
        let digit = ALPHABET.iter().position(|a| *a == c).ok_or(IdError::Malformed)?;
        n = (n << 5) | u128::try_from(digit).expect("a position below 32 fits");
    }
    Ok(n.to_be_bytes())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What every id of this kind starts with, underscore included.
            pub const PREFIX: &'static str = concat!($prefix, "_");

            /// A fresh id, ordered by `at`.
            pub fn new(at: WallTime, rng: &mut impl Rng) -> Self {
                Self(draw(at, rng))
            }

            /// The id with exactly these bytes, as read from a store or a message.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes of the id, big-endian.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Self::PREFIX)?;
                write_base32(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let rest = text.strip_prefix(Self::PREFIX).ok_or(IdError::WrongPrefix)?;
                read_base32(rest).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                alloc::format!("{id}")
            }
        }
    )*};
}

ids! {
    /// An organisation: the tenant everything else belongs to.
    OrgId = "org";
    /// A site: a building with banks.
    SiteId = "sit";
    /// A bank: one cabinet with its controller.
    BankId = "bnk";
    /// A person, opaque: the only way people appear in the custody log.
    PersonId = "per";
    /// A carrier whose couriers drop off parcels.
    CarrierId = "car";
    /// A parcel.
    ParcelId = "prc";
    /// A grant: one person, one compartment, a time window, once.
    GrantId = "grt";
    /// A request of the platform to a bank.
    CommandId = "cmd";
    /// A notification to a person.
    MessageId = "msg";
    /// An API token.
    TokenId = "tok";
    /// A portal session.
    SessionId = "ses";
    /// An alert: something that needs somebody's attention.
    AlertId = "alr";
    /// An export of evidence.
    EvidenceId = "evd";
    /// A legal hold: what must not be erased for now.
    HoldId = "hld";
    /// A file attached to a parcel, a compartment, an alert or a bank.
    FileId = "fil";
    /// A work order: a technician, some doors, a time.
    WorkOrderId = "wko";
    /// A person's public key, as the platform keeps it.
    KeyId = "key";
    /// A mechanical or override key in sealed custody.
    CustodyId = "cst";
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn text_round_trips_and_refuses_other_kinds() {
        let id = ParcelId::from_bytes([0xff; 16]);
        let text = format!("{id}");
        assert_eq!(text, "prc_7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(text.parse::<GrantId>(), Err(IdError::WrongPrefix));
        assert_eq!("prc_8zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<ParcelId>(), Err(IdError::Malformed));
        assert_eq!("prc_".parse::<ParcelId>(), Err(IdError::Malformed));
    }
}
