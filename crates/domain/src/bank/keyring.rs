//! Which people's keys a bank believes, and from when.
//!
//! The platform brings keys with the roster. If that were enough, whoever has the platform would bring a key of their
//! own and open at once. So:
//! - keys that come with the first roster count at once: whoever enrols a bank stands before it;
//! - a resident's later key counts after [`RESIDENT_WAIT_MS`] of powered time;
//! - a later key of staff counts once staff whose keys count already have signed for it; only a bank that never held
//!   one believes its first after [`STAFF_WAIT_MS`], shown on its screen and written to the log all the while;
//! - a key that leaves the roster is gone at once, and counts as new if it comes back.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::breaker::PoweredMs;
use crate::id::PersonId;
use crate::signer::{KeyUse, PersonKey, PublicKey, Signers};

/// How long a resident's key waits, in milliseconds of powered time.
pub const RESIDENT_WAIT_MS: PoweredMs = 24 * 3_600_000;
/// How long the first keys of staff wait, in milliseconds of powered time.
pub const STAFF_WAIT_MS: PoweredMs = 72 * 3_600_000;
/// No quorum is smaller.
pub const SMALLEST_QUORUM: u8 = 2;
/// No quorum is larger, so that a roster cannot make it unreachable.
pub const LARGEST_QUORUM: u8 = 5;

/// The keys a bank holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    keys: BTreeMap<PersonKey, Held>,
    /// Whether a key of staff was ever held; from then on only signatures admit another.
    anchored: bool,
    quorum: u8,
}

/// How a key is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// From when it counts.
    pub standing: Standing,
    /// The highest signature count its authenticator has given; 0 while it gives none.
    pub count: u32,
}

/// From when a key counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Now.
    Admitted,
    /// From this powered time on.
    After(PoweredMs),
    /// Once staff have signed for it.
    NeedsSignatures,
}

impl Default for Keyring {
    fn default() -> Self {
        Self { keys: BTreeMap::new(), anchored: false, quorum: SMALLEST_QUORUM }
    }
}

impl Keyring {
    /// A keyring with these keys, as a snapshot holds it.
    pub fn restored(keys: BTreeMap<PersonKey, Held>, anchored: bool, quorum: u8) -> Option<Self> {
        let sound = (SMALLEST_QUORUM..=LARGEST_QUORUM).contains(&quorum);
        sound.then_some(Self { keys, anchored, quorum })
    }

    /// Every key with how it is held.
    pub fn held(&self) -> impl ExactSizeIterator<Item = (&PersonKey, &Held)> {
        self.keys.iter()
    }

    /// Whether a key of staff was ever held.
    pub const fn anchored(&self) -> bool {
        self.anchored
    }

    /// How many administrators make a quorum.
    pub const fn quorum(&self) -> u8 {
        self.quorum
    }

    /// Takes over a roster's keys. `first` is the first roster of this bank's life.
    pub(super) fn take(&mut self, signers: &Signers, now: PoweredMs, first: bool) {
        let named: BTreeSet<&PersonKey> = signers.keys.iter().collect();
        self.keys.retain(|key, _| named.contains(key));
        // What one roster brings is judged alike, whatever its order.
        let anchored = self.anchored;
        for key in named {
            let standing = match key.used_for {
                _ if first => Standing::Admitted,
                KeyUse::Resident => Standing::After(now.saturating_add(RESIDENT_WAIT_MS)),
                _ if anchored => Standing::NeedsSignatures,
                _ => Standing::After(now.saturating_add(STAFF_WAIT_MS)),
            };
            self.keys.entry(*key).or_insert(Held { standing, count: 0 });
            self.anchored |= key.used_for.is_staff();
        }
        self.quorum = self.quorum.max(signers.quorum.min(LARGEST_QUORUM));
    }

    pub(super) fn admit(&mut self, key: &PersonKey) {
        if let Some(held) = self.keys.get_mut(key) {
            held.standing = Standing::Admitted;
        }
    }

    pub(super) fn counted(&mut self, key: &PersonKey, count: u32) {
        if let Some(held) = self.keys.get_mut(key) {
            held.count = held.count.max(count);
        }
    }

    /// How this key is held.
    pub fn find(&self, key: &PersonKey) -> Option<&Held> {
        self.keys.get(key)
    }

    /// This person's key for this use, if it counts.
    pub fn believed(
        &self,
        person: PersonId,
        public: PublicKey,
        used_for: KeyUse,
        now: PoweredMs,
    ) -> Option<PersonKey> {
        self.believable(now)
            .find(|key| (key.person, key.public, key.used_for) == (person, public, used_for))
            .copied()
    }

    /// Every key that counts.
    pub fn believable(&self, now: PoweredMs) -> impl Iterator<Item = &PersonKey> {
        self.keys.iter().filter(move |(_, held)| held.counts(now)).map(|(key, _)| key)
    }

    /// How many people hold a key for this use that counts.
    pub fn people(&self, used_for: KeyUse, now: PoweredMs) -> usize {
        let people: BTreeSet<PersonId> =
            self.believable(now).filter(|key| key.used_for == used_for).map(|key| key.person).collect();
        people.len()
    }

    /// Keys of staff that do not count yet.
    pub fn waiting_staff(&self, now: PoweredMs) -> Vec<PersonKey> {
        let waiting = self.keys.iter().filter(|(key, held)| key.used_for.is_staff() && !held.counts(now));
        waiting.map(|(key, _)| *key).collect()
    }

    /// Whether any key's time is still running.
    pub fn waits(&self, now: PoweredMs) -> bool {
        self.keys.values().any(|held| matches!(held.standing, Standing::After(at) if now < at))
    }
}

impl Held {
    /// Whether signatures of this key are believed.
    pub const fn counts(&self, now: PoweredMs) -> bool {
        match self.standing {
            Standing::Admitted => true,
            Standing::After(at) => now >= at,
            Standing::NeedsSignatures => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signer::KeyForm;

    fn key(person: u8, used_for: KeyUse) -> PersonKey {
        let (person, public) = (PersonId::from_bytes([person; 16]), PublicKey::Ed25519([person; 32]));
        PersonKey { person, used_for, form: KeyForm::Plain, public }
    }

    fn signers(keys: &[PersonKey]) -> Signers {
        Signers { keys: keys.to_vec(), ..Signers::default() }
    }

    fn counts(ring: &Keyring, key: PersonKey, now: PoweredMs) -> bool {
        ring.believed(key.person, key.public, key.used_for, now).is_some()
    }

    #[test]
    fn the_first_roster_is_believed_and_later_ones_wait() {
        let (ann, bob, eve) =
            (key(1, KeyUse::Administrator), key(2, KeyUse::Resident), key(3, KeyUse::Administrator));
        let mut ring = Keyring::default();
        ring.take(&signers(&[ann]), 0, true);
        assert!(counts(&ring, ann, 0));
        ring.take(&signers(&[ann, bob, eve]), 5, false);
        assert!(!counts(&ring, bob, RESIDENT_WAIT_MS + 4) && counts(&ring, bob, RESIDENT_WAIT_MS + 5));
        assert!(!counts(&ring, eve, PoweredMs::MAX), "only signatures admit her");
        ring.admit(&eve);
        assert!(counts(&ring, eve, 5));
        assert_eq!(ring.people(KeyUse::Administrator, 5), 2);
    }

    #[test]
    fn a_bank_without_staff_keys_waits_three_days_for_its_first() {
        let (ann, eve) = (key(1, KeyUse::Administrator), key(3, KeyUse::Officer));
        let mut ring = Keyring::default();
        ring.take(&signers(&[]), 0, true);
        ring.take(&signers(&[ann, eve]), 7, false);
        assert_eq!(ring.waiting_staff(7), [ann, eve]);
        assert!(counts(&ring, ann, STAFF_WAIT_MS + 7) && counts(&ring, eve, STAFF_WAIT_MS + 7));
        assert!(ring.waits(7) && !ring.waits(STAFF_WAIT_MS + 7));
    }

    #[test]
    fn taking_every_key_away_does_not_make_room_for_others() {
        let (ann, eve) = (key(1, KeyUse::Administrator), key(3, KeyUse::Administrator));
        let mut ring = Keyring::default();
        ring.take(&signers(&[ann]), 0, true);
        ring.take(&signers(&[]), 1, false);
        assert!(!counts(&ring, ann, 1));
        ring.take(&signers(&[ann, eve]), 2, false);
        assert!(!counts(&ring, ann, PoweredMs::MAX) && !counts(&ring, eve, PoweredMs::MAX));
    }

    #[test]
    fn a_key_given_to_somebody_else_or_to_another_use_is_another_key() {
        let bob = key(2, KeyUse::Resident);
        let mut ring = Keyring::default();
        ring.take(&signers(&[bob, key(1, KeyUse::Administrator)]), 0, true);
        let moved = PersonKey { person: PersonId::from_bytes([9; 16]), ..bob };
        let raised = PersonKey { used_for: KeyUse::Administrator, ..bob };
        ring.take(&signers(&[moved, raised]), 1, false);
        assert!(!counts(&ring, moved, 1) && !counts(&ring, raised, PoweredMs::MAX) && !counts(&ring, bob, 1));
    }

    #[test]
    fn a_quorum_only_grows() {
        let mut ring = Keyring::default();
        for (told, holds) in [(0, 2), (1, 2), (3, 3), (2, 3), (200, 5)] {
            ring.take(&Signers { quorum: told, ..Signers::default() }, 0, false);
            assert_eq!(ring.quorum(), holds);
        }
    }
}
