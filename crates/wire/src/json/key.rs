//! People's public keys, and what they sign for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A public key of a person, to be registered. Registering it gives it no power: each bank judges when it counts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonKeyNew {
    /// `resident`, `administrator` or `officer`.
    pub r#use: String,
    /// `plain` (Ed25519 over the statement) or `passkey` (a WebAuthn assertion).
    pub form: String,
    /// Hexadecimal or base64url: 32 bytes of Ed25519, 65 of P-256, or a passkey's `COSE_Key`.
    pub public_key: String,
}

/// A public key of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonKey {
    /// `key_…`
    pub id: String,
    /// `resident`, `administrator` or `officer`.
    pub r#use: String,
    /// `plain` or `passkey`.
    pub form: String,
    /// The key in hexadecimal: 32 bytes of Ed25519, 65 of P-256.
    pub public_key: String,
    /// What events call it, in hexadecimal.
    pub fingerprint: String,
    /// When it was registered (RFC 3339).
    pub added_at: String,
    /// When it was withdrawn.
    pub removed_at: Option<String>,
    /// How each bank holds it, by what was last heard.
    pub banks: Vec<KeyAtBank>,
}

/// A key at a bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeyAtBank {
    /// `bnk_…`
    pub bank: String,
    /// `on-its-way`, `waits` (for a time of running), `needs-signatures`, `counts`, `being-removed` or `removed`.
    pub state: String,
    /// With `waits`: when it counts at the earliest (RFC 3339).
    pub until: Option<String>,
}

/// A reason for opening a door, to be signed by an administrator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectionNew {
    /// The number on the door.
    pub compartment: u16,
    /// Why, in words. They stay here, sealed; what is signed commits to them.
    pub reason: String,
    /// The eight digits on the bank's screen; a quorum of administrators leaves them out.
    pub presence: Option<String>,
}

/// What is to be signed, away from the platform: `bailee person sign`, or a program of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unsigned {
    /// Five lines of text; `docs/reference/statements.md` says what they mean.
    pub statement: String,
}

/// A statement with the signatures under it, as `bailee person sign` writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementNew {
    /// Five lines, then one for each signature.
    pub statement: String,
}

/// The bank has done what was signed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Obeyed {
    /// `collect`, `inspect` or `admit`.
    pub done: String,
    /// The number on the door, if one was opened.
    pub compartment: Option<u16>,
}

/// A bank to be taken back into service although its disk was found restored or copied.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResynchroniseNew {
    /// The bank's name, so that nobody does it by a slip.
    pub confirm: String,
}
