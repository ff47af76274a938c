//! Openings from afar: what people have signed, passed on to a bank.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A statement with its signatures, for one bank; `docs/reference/statements.md` says what is signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningNew {
    /// The number on the door.
    pub compartment: u16,
    /// `grt_…`: the signer's own parcel is collected. Either this or `reason`.
    pub grant: Option<String>,
    /// 64 hexadecimal digits, a commitment to why an administrator opens the door. Either this or `grant`.
    pub reason: Option<String>,
    /// The eight digits on the bank's screen; a quorum of administrators leaves them out.
    pub presence: Option<String>,
    /// When the statement ends, in Unix milliseconds, as it was signed.
    pub until: i64,
    /// One for each person, five at most.
    pub signatures: Vec<OpeningSignature>,
}

/// One person's signature; bytes are base64url without padding, as browsers give them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningSignature {
    /// `per_…`
    pub person: String,
    /// The public key: 32 bytes Ed25519 or 65 bytes P-256.
    pub public_key: String,
    /// The signature.
    pub signature: String,
    /// `authenticatorData`, for a passkey.
    pub authenticator_data: Option<String>,
    /// `clientDataJSON`, for a passkey.
    pub client_data: Option<String>,
}

/// The bank opens the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Opened {
    /// The number on the door.
    pub compartment: u16,
}
