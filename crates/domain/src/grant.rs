//! Grants: who may open which compartment, until when, and what has become of that right.

use crate::compartment::CompartmentNo;
use crate::id::{GrantId, ParcelId, PersonId};
use crate::time::WallTime;

/// A keyed hash that proves a code without containing it (facts: keyed MAC over a password hash).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verifier {
    /// Random, fresh for every verifier.
    pub salt: [u8; 16],
    /// The MAC over the stretched code, the subject's id and the salt.
    pub mac: [u8; 32],
}

/// How often one grant may be tried when the door does not open.
pub const MAX_ATTEMPTS: u8 = 3;

/// One person's right to open one compartment once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The parcel it is for.
    pub parcel: ParcelId,
    /// Whose it is.
    pub recipient: PersonId,
    /// The door it opens.
    pub compartment: CompartmentNo,
    /// When it ends.
    pub expires: WallTime,
    /// What has become of it.
    pub state: GrantState,
    /// Which code is live: each new code has a higher generation, and older QR tokens die with theirs.
    pub generation: u8,
    /// Openings tried so far whose door was not seen to open.
    pub attempts: u8,
}

/// The life of a grant. Only `Live` opens a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    /// The parcel lies in the compartment; nobody has been given a code yet.
    Unarmed,
    /// A code is out.
    Live(Verifier),
    /// The door was seen open: used for ever.
    Burnt,
    /// Its time ended with the parcel still inside.
    Expired,
    /// Somebody with the right to do so ended it.
    Revoked,
}

impl Grant {
    /// Whether this grant opens its door at `now`.
    pub fn opens(&self, now: WallTime) -> bool {
        matches!(self.state, GrantState::Live(_)) && now < self.expires
    }
}
