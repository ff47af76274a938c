//! [`PersonKey`]: one data key per person, so that erasing a person is destroying one key.

use rand_core::Rng;

use super::{Aad, KeyId, SealError, Sealer};
use crate::secret::Secret;

/// The data key of one person.
///
/// It is stored wrapped by a [`Sealer`]. Deleting the wrapped bytes, in the store and in every backup that
/// outlives the erasure, makes everything sealed with it unreadable for good.
pub struct PersonKey(Sealer);

impl PersonKey {
    /// Makes the key of a new person; returns it with the wrapped bytes to store.
    ///
    /// # Errors
    /// Does not fail for a working sealer; the type is [`SealError`] as for every sealing.
    pub fn create(
        wrapping: &Sealer,
        person: &[u8; 16],
        rng: &mut impl Rng,
    ) -> Result<(Self, Vec<u8>), SealError> {
        let id = KeyId::random(rng);
        let key = Secret::random(rng);
        let wrapped = wrapping.seal(&place(person), joined(id, &key).expose(), rng)?;
        Ok((Self(Sealer::new(id, &key)), wrapped))
    }

    /// Takes the key of `person` out of its wrapped bytes.
    ///
    /// # Errors
    /// As [`Sealer::open`]; another person's wrapped bytes are [`SealError::NotAuthentic`].
    pub fn open(wrapping: &Sealer, person: &[u8; 16], wrapped: &[u8]) -> Result<Self, SealError> {
        let opened = wrapping.open(&place(person), wrapped)?;
        let (id, key) = opened.expose().split_first_chunk().ok_or(SealError::Malformed)?;
        let key = Secret::from_slice(key).ok_or(SealError::Malformed)?;
        Ok(Self(Sealer::new(KeyId(*id), &key)))
    }

    /// The same key under the newest wrapping key; nothing sealed with it has to change.
    ///
    /// # Errors
    /// As [`PersonKey::open`].
    pub fn rewrap(
        wrapping: &Sealer,
        person: &[u8; 16],
        wrapped: &[u8],
        rng: &mut impl Rng,
    ) -> Result<Vec<u8>, SealError> {
        let opened = wrapping.open(&place(person), wrapped)?;
        wrapping.seal(&place(person), opened.expose(), rng)
    }

    /// Seals one of this person's values for its place.
    ///
    /// # Errors
    /// [`SealError::TooLong`].
    pub fn seal(&self, place: &Aad<'_>, plaintext: &[u8], rng: &mut impl Rng) -> Result<Vec<u8>, SealError> {
        self.0.seal(place, plaintext, rng)
    }

    /// Opens one of this person's values.
    ///
    /// # Errors
    /// As [`Sealer::open`]; another person's value is [`SealError::UnknownKey`].
    pub fn open_value(&self, place: &Aad<'_>, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        self.0.open(place, sealed)
    }
}

fn place(person: &[u8; 16]) -> Aad<'_> {
    Aad { table: "person_key", column: "wrapped", row: person }
}

fn joined(id: KeyId, key: &Secret<[u8; 32]>) -> Secret<[u8; 40]> {
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&id.0);
    bytes[8..].copy_from_slice(key.expose());
    let joined = Secret::new(bytes);
    zeroize::Zeroize::zeroize(&mut bytes);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rng::seeded;

    const NAME: Aad<'static> = Aad { table: "person", column: "name", row: b"prs_1" };

    #[test]
    fn a_person_key_opens_what_it_sealed_and_nothing_of_others() {
        let mut rng = seeded(1);
        let wrapping = Sealer::new(KeyId([1; 8]), &Secret::random(&mut rng));
        let (ann, ann_wrapped) = PersonKey::create(&wrapping, &[1; 16], &mut rng).unwrap();
        let (bob, _) = PersonKey::create(&wrapping, &[2; 16], &mut rng).unwrap();
        let sealed = ann.seal(&NAME, b"Ann", &mut rng).unwrap();

        let again = PersonKey::open(&wrapping, &[1; 16], &ann_wrapped).unwrap();
        assert_eq!(again.open_value(&NAME, &sealed).unwrap().expose(), b"Ann");
        assert!(bob.open_value(&NAME, &sealed).is_err());
        assert!(PersonKey::open(&wrapping, &[2; 16], &ann_wrapped).is_err());
    }

    #[test]
    fn without_its_key_a_persons_data_is_gone() {
        let mut rng = seeded(1);
        let wrapping = Sealer::new(KeyId([1; 8]), &Secret::random(&mut rng));
        let (ann, ann_wrapped) = PersonKey::create(&wrapping, &[1; 16], &mut rng).unwrap();
        let sealed = ann.seal(&NAME, b"Ann", &mut rng).unwrap();
        drop((ann, ann_wrapped));
        // All that is left of the keys: the wrapping key, and a new key for the same person.
        let (replacement, _) = PersonKey::create(&wrapping, &[1; 16], &mut rng).unwrap();
        assert!(wrapping.open(&NAME, &sealed).is_err());
        assert!(replacement.open_value(&NAME, &sealed).is_err());
    }

    #[test]
    fn rewrapping_moves_to_the_newest_key() {
        let mut rng = seeded(1);
        let mut wrapping = Sealer::new(KeyId([1; 8]), &Secret::random(&mut rng));
        let (ann, old) = PersonKey::create(&wrapping, &[1; 16], &mut rng).unwrap();
        let sealed = ann.seal(&NAME, b"Ann", &mut rng).unwrap();
        wrapping.add_newest(KeyId([2; 8]), &Secret::random(&mut rng));
        let new = PersonKey::rewrap(&wrapping, &[1; 16], &old, &mut rng).unwrap();
        assert!(!wrapping.is_current(&old).unwrap());
        assert!(wrapping.is_current(&new).unwrap());
        let ann = PersonKey::open(&wrapping, &[1; 16], &new).unwrap();
        assert_eq!(ann.open_value(&NAME, &sealed).unwrap().expose(), b"Ann");
    }
}
