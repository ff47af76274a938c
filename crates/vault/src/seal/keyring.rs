//! [`StoredKey`], a data key as the store keeps it, and [`Keyring`], the data keys in memory.

use std::collections::BTreeMap;

use rand_core::Rng;

use super::{KeyId, Purpose, SealError, Sealer};
use crate::kek::{KeyProvider, WrappedKey};
use crate::secret::Secret;

/// One stored data key: a row of the key table.
///
/// Not only sealing keys: any 32-byte secret with a purpose (signing seed, code key, blind-index key) is kept
/// like this and taken out with [`StoredKey::unwrap`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredKey {
    /// Names the key in sealed values.
    pub id: KeyId,
    /// What it is for; bound into the wrapping.
    pub purpose: Purpose,
    /// The key, wrapped by the key-encryption key.
    pub wrapped: WrappedKey,
}

impl StoredKey {
    /// Makes a new random key for a purpose.
    ///
    /// # Errors
    /// [`SealError::Kek`] when the provider fails.
    pub fn create(
        provider: &dyn KeyProvider,
        purpose: Purpose,
        rng: &mut impl Rng,
    ) -> Result<Self, SealError> {
        let key = Secret::random(rng);
        Self::wrap(provider, purpose, &key, rng)
    }

    /// Wraps a secret that came from elsewhere (a bank receiving its keys at enrolment).
    ///
    /// # Errors
    /// [`SealError::Kek`] when the provider fails.
    pub fn wrap(
        provider: &dyn KeyProvider,
        purpose: Purpose,
        key: &Secret<[u8; 32]>,
        rng: &mut impl Rng,
    ) -> Result<Self, SealError> {
        let id = KeyId::random(rng);
        let wrapped = provider.wrap(&context(id, &purpose), key, rng)?;
        Ok(Self { id, purpose, wrapped })
    }

    /// Gives the key back.
    ///
    /// # Errors
    /// [`SealError::Kek`] when it was changed, renamed, given another purpose, or wrapped by another key.
    pub fn unwrap(&self, provider: &dyn KeyProvider) -> Result<Secret<[u8; 32]>, SealError> {
        Ok(provider.unwrap(&context(self.id, &self.purpose), &self.wrapped)?)
    }

    /// The same key under a new key-encryption key; nothing sealed with it has to change.
    ///
    /// # Errors
    /// [`SealError::Kek`] when either provider fails.
    pub fn rewrap(
        &self,
        old: &dyn KeyProvider,
        new: &dyn KeyProvider,
        rng: &mut impl Rng,
    ) -> Result<Self, SealError> {
        let key = self.unwrap(old)?;
        let wrapped = new.wrap(&context(self.id, &self.purpose), &key, rng)?;
        Ok(Self { wrapped, ..self.clone() })
    }
}

/// `"bailee/stored-key/v1" ‖ id[8] ‖ purpose`.
fn context(id: KeyId, purpose: &Purpose) -> Vec<u8> {
    [b"bailee/stored-key/v1".as_slice(), &id.0, purpose.as_str().as_bytes()].concat()
}

/// The data keys in memory, by purpose.
#[derive(Default)]
pub struct Keyring {
    sealers: BTreeMap<Purpose, Sealer>,
}

impl Keyring {
    /// Unwraps all rows, given oldest first: the last one of a purpose seals new values.
    ///
    /// # Errors
    /// [`SealError::Kek`] or [`SealError::DuplicateKey`]; nothing is loaded by halves.
    pub fn load<'a>(
        provider: &dyn KeyProvider,
        oldest_first: impl IntoIterator<Item = &'a StoredKey>,
    ) -> Result<Self, SealError> {
        let mut keyring = Self::default();
        for stored in oldest_first {
            keyring.add(provider, stored)?;
        }
        Ok(keyring)
    }

    /// Unwraps one more key, which from now on seals new values of its purpose.
    ///
    /// # Errors
    /// [`SealError::Kek`] or [`SealError::DuplicateKey`].
    pub fn add(&mut self, provider: &dyn KeyProvider, stored: &StoredKey) -> Result<(), SealError> {
        if self.sealers.get(&stored.purpose).is_some_and(|sealer| sealer.holds(stored.id)) {
            return Err(SealError::DuplicateKey(stored.id));
        }
        let key = stored.unwrap(provider)?;
        match self.sealers.get_mut(&stored.purpose) {
            Some(sealer) => sealer.add_newest(stored.id, &key),
            None => {
                self.sealers.insert(stored.purpose.clone(), Sealer::new(stored.id, &key));
            }
        }
        Ok(())
    }

    /// The keys of one purpose.
    ///
    /// # Errors
    /// [`SealError::NoKeyFor`] when none was loaded.
    pub fn sealer(&self, purpose: &Purpose) -> Result<&Sealer, SealError> {
        self.sealers.get(purpose).ok_or_else(|| SealError::NoKeyFor(purpose.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Aad;
    use super::*;
    use crate::kek::MemoryKek;
    use crate::test_rng::seeded;

    const PLACE: Aad<'static> = Aad { table: "person", column: "email", row: b"prs_1" };

    fn purpose(name: &str) -> Purpose {
        Purpose::new(name).unwrap()
    }

    #[test]
    fn a_second_key_seals_and_the_first_still_opens() {
        let mut rng = seeded(1);
        let kek = MemoryKek::random(&mut rng);
        let first = StoredKey::create(&kek, purpose("people"), &mut rng).unwrap();
        let mut keyring = Keyring::load(&kek, [&first]).unwrap();
        let old = keyring.sealer(&purpose("people")).unwrap().seal(&PLACE, b"ann", &mut rng).unwrap();

        let second = StoredKey::create(&kek, purpose("people"), &mut rng).unwrap();
        keyring.add(&kek, &second).unwrap();
        let sealer = keyring.sealer(&purpose("people")).unwrap();
        let new = sealer.seal(&PLACE, b"bob", &mut rng).unwrap();
        assert_eq!(sealer.open(&PLACE, &old).unwrap().expose(), b"ann");
        assert_eq!(sealer.open(&PLACE, &new).unwrap().expose(), b"bob");
        assert!(!sealer.is_current(&old).unwrap());
        assert!(sealer.is_current(&new).unwrap());

        let without_second = Keyring::load(&kek, [&first]).unwrap();
        let refused = without_second.sealer(&purpose("people")).unwrap().open(&PLACE, &new);
        assert!(matches!(refused, Err(SealError::UnknownKey(id)) if id == second.id));
    }

    #[test]
    fn a_new_kek_takes_over_without_resealing() {
        let mut rng = seeded(1);
        let (old, new) = (MemoryKek::random(&mut rng), MemoryKek::random(&mut rng));
        let stored = StoredKey::create(&old, purpose("people"), &mut rng).unwrap();
        let keyring = Keyring::load(&old, [&stored]).unwrap();
        let sealed = keyring.sealer(&purpose("people")).unwrap().seal(&PLACE, b"ann", &mut rng).unwrap();

        let rewrapped = stored.rewrap(&old, &new, &mut rng).unwrap();
        assert_eq!(rewrapped.id, stored.id);
        assert!(Keyring::load(&old, [&rewrapped]).is_err());
        let keyring = Keyring::load(&new, [&rewrapped]).unwrap();
        let opened = keyring.sealer(&purpose("people")).unwrap().open(&PLACE, &sealed).unwrap();
        assert_eq!(opened.expose(), b"ann");
    }

    #[test]
    fn a_stored_key_cannot_change_its_purpose_or_name() {
        let mut rng = seeded(1);
        let kek = MemoryKek::random(&mut rng);
        let stored = StoredKey::create(&kek, purpose("people"), &mut rng).unwrap();
        assert!(StoredKey { purpose: purpose("journal"), ..stored.clone() }.unwrap(&kek).is_err());
        assert!(StoredKey { id: KeyId([0; 8]), ..stored.clone() }.unwrap(&kek).is_err());
        assert!(matches!(Keyring::load(&kek, [&stored, &stored]), Err(SealError::DuplicateKey(_))));
        let empty = Keyring::default();
        assert!(matches!(empty.sealer(&purpose("people")), Err(SealError::NoKeyFor(_))));
    }

    #[test]
    fn odd_purposes_are_refused() {
        for bad in ["", "People", "a b", "é", &"x".repeat(65)] {
            assert!(Purpose::new(bad).is_err(), "{bad:?}");
        }
    }
}
