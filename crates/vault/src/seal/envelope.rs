//! [`Sealer`]: the data keys of one purpose, the newest of which seals.

use std::collections::BTreeMap;

use rand_core::Rng;

use super::{Aad, KeyId, MAX_PLAINTEXT_LEN, SEALED_OVERHEAD, SealError};
use crate::aead::Aead;
use crate::hash::length;
use crate::secret::Secret;

const VERSION: u8 = 1;
pub(super) const HEADER_LEN: usize = 1 + 8;

/// The data keys of one purpose: all of them open, the newest one seals.
pub struct Sealer {
    newest: KeyId,
    keys: BTreeMap<KeyId, Aead>,
}

impl Sealer {
    /// A sealer of one key, for callers that keep their keys themselves.
    pub fn new(id: KeyId, key: &Secret<[u8; 32]>) -> Self {
        Self { newest: id, keys: BTreeMap::from([(id, Aead::new(key))]) }
    }

    pub(super) fn add_newest(&mut self, id: KeyId, key: &Secret<[u8; 32]>) {
        self.keys.insert(id, Aead::new(key));
        self.newest = id;
    }

    pub(super) fn holds(&self, id: KeyId) -> bool {
        self.keys.contains_key(&id)
    }

    /// Seals `plaintext` for one place, with the newest key.
    ///
    /// # Errors
    /// [`SealError::TooLong`].
    pub fn seal(&self, place: &Aad<'_>, plaintext: &[u8], rng: &mut impl Rng) -> Result<Vec<u8>, SealError> {
        if plaintext.len() > MAX_PLAINTEXT_LEN {
            return Err(SealError::TooLong { length: plaintext.len() });
        }
        let header = header(self.newest);
        let key = self.keys.get(&self.newest).expect("the newest key is one of the keys");
        Ok(key.seal(&header, &associated_data(header, place), plaintext, rng))
    }

    /// Opens a value sealed for the same place.
    ///
    /// # Errors
    /// [`SealError::Malformed`], [`SealError::TooLong`], [`SealError::UnknownKey`] or
    /// [`SealError::NotAuthentic`].
    pub fn open(&self, place: &Aad<'_>, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        let id = key_id(sealed)?;
        let key = self.keys.get(&id).ok_or(SealError::UnknownKey(id))?;
        key.open(&associated_data(header(id), place), &sealed[HEADER_LEN..])
            .map_err(|_| SealError::NotAuthentic)
    }

    /// Whether the value was sealed with the newest key; rotation re-seals those that were not.
    ///
    /// # Errors
    /// [`SealError::Malformed`] or [`SealError::TooLong`].
    pub fn is_current(&self, sealed: &[u8]) -> Result<bool, SealError> {
        Ok(key_id(sealed)? == self.newest)
    }
}

fn key_id(sealed: &[u8]) -> Result<KeyId, SealError> {
    if sealed.len() < SEALED_OVERHEAD || sealed[0] != VERSION {
        return Err(SealError::Malformed);
    }
    if sealed.len() > SEALED_OVERHEAD + MAX_PLAINTEXT_LEN {
        return Err(SealError::TooLong { length: sealed.len() - SEALED_OVERHEAD });
    }
    Ok(KeyId(sealed[1..HEADER_LEN].try_into().expect("eight bytes after the version")))
}

fn header(id: KeyId) -> [u8; HEADER_LEN] {
    let mut header = [VERSION; HEADER_LEN];
    header[1..].copy_from_slice(&id.0);
    header
}

/// `"bailee/sealed/v1" ‖ header ‖ table ‖ column ‖ row`, the last three each after its 64-bit length.
fn associated_data(header: [u8; HEADER_LEN], place: &Aad<'_>) -> Vec<u8> {
    let (table, column) = (place.table.as_bytes(), place.column.as_bytes());
    let mut aad = b"bailee/sealed/v1".to_vec();
    aad.extend_from_slice(&header);
    for part in [table, column, place.row] {
        aad.extend_from_slice(&length(part));
        aad.extend_from_slice(part);
    }
    aad
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_rng::seeded;

    const PLACE: Aad<'static> = Aad { table: "person", column: "email", row: b"prs_1" };

    fn sealer() -> Sealer {
        Sealer::new(KeyId(*b"key-0001"), &Secret::new([9; 32]))
    }

    #[test]
    fn a_value_opens_only_where_it_was_sealed() {
        let sealed = sealer().seal(&PLACE, b"ann@example.org", &mut seeded(1)).unwrap();
        assert_eq!(sealer().open(&PLACE, &sealed).unwrap().expose(), b"ann@example.org");
        let elsewhere = [
            Aad { table: "courier", ..PLACE },
            Aad { column: "phone", ..PLACE },
            Aad { row: b"prs_2", ..PLACE },
            Aad { table: "personemail", column: "", ..PLACE },
            Aad { table: "perso", column: "nemail", ..PLACE },
        ];
        for place in elsewhere {
            assert!(matches!(sealer().open(&place, &sealed), Err(SealError::NotAuthentic)), "{place:?}");
        }
    }

    #[test]
    fn every_changed_missing_or_added_byte_is_noticed() {
        let sealed = sealer().seal(&PLACE, b"+15550100", &mut seeded(1)).unwrap();
        for index in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[index] ^= 1 << bit;
                assert!(sealer().open(&PLACE, &changed).is_err(), "byte {index}, bit {bit}");
            }
            assert!(sealer().open(&PLACE, &sealed[..index]).is_err(), "cut to {index}");
        }
        let longer = [sealed.as_slice(), &[0]].concat();
        assert!(sealer().open(&PLACE, &longer).is_err());
    }

    #[test]
    fn sizes_are_bounded_both_ways() {
        let big = vec![0; MAX_PLAINTEXT_LEN + 1];
        let refused = sealer().seal(&PLACE, &big, &mut seeded(1)).unwrap_err();
        assert!(refused.to_string().contains("16777216"), "{refused}");
        let mut flood = vec![0; SEALED_OVERHEAD + MAX_PLAINTEXT_LEN + 1];
        flood[0] = VERSION;
        assert!(matches!(sealer().open(&PLACE, &flood), Err(SealError::TooLong { .. })));
    }

    #[test]
    fn equal_values_look_different() {
        let mut rng = seeded(1);
        let (a, b) = (sealer().seal(&PLACE, b"x", &mut rng), sealer().seal(&PLACE, b"x", &mut rng));
        assert_ne!(a.unwrap(), b.unwrap());
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens(plain in proptest::collection::vec(any::<u8>(), 0..300), seed: u64,
                                    table in ".{0,12}", column in ".{0,12}", row: Vec<u8>) {
            let place = Aad { table: &table, column: &column, row: &row };
            let sealed = sealer().seal(&place, &plain, &mut seeded(seed)).unwrap();
            prop_assert_eq!(sealed.len(), plain.len() + SEALED_OVERHEAD);
            let opened = sealer().open(&place, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), &plain);
        }

        #[test]
        fn arbitrary_bytes_never_open(bytes: Vec<u8>) {
            prop_assert!(sealer().open(&PLACE, &bytes).is_err());
        }
    }
}
