//! A key-encryption key held in memory, and [`MemoryKek`], which is nothing more than that.

use rand_core::Rng;

use super::{KekError, KekId, KeyProvider, WrappedKey};
use crate::aead::Aead;
use crate::hash::hmac_sha256;
use crate::secret::Secret;

/// A key-encryption key that lives and dies with the process: simulation and tests only.
pub struct MemoryKek {
    id: KekId,
    aead: Aead,
}

impl MemoryKek {
    /// Makes a new random key.
    pub fn random(rng: &mut impl Rng) -> Self {
        Self::from_key(&Secret::random(rng))
    }

    /// Uses the given key.
    pub fn from_key(key: &Secret<[u8; 32]>) -> Self {
        let name = hmac_sha256(key.expose(), &[b"bailee/kek-id/v1"]);
        let id = name.first_chunk().expect("eight of 32 bytes");
        Self { id: KekId(*id), aead: Aead::new(key) }
    }
}

impl KeyProvider for MemoryKek {
    fn id(&self) -> KekId {
        self.id
    }

    fn wrap(
        &self,
        context: &[u8],
        key: &Secret<[u8; 32]>,
        rng: &mut dyn Rng,
    ) -> Result<WrappedKey, KekError> {
        let body = self.aead.seal(&[], &associated_data(self.id, context), key.expose(), rng);
        Ok(WrappedKey::new(self.id, &body))
    }

    fn unwrap(&self, context: &[u8], wrapped: &WrappedKey) -> Result<Secret<[u8; 32]>, KekError> {
        if wrapped.kek_id() != self.id {
            return Err(KekError::OtherKek { wrapped_by: wrapped.kek_id(), held: self.id });
        }
        let opened = self
            .aead
            .open(&associated_data(self.id, context), wrapped.body())
            .map_err(|_| KekError::NotAuthentic)?;
        Secret::from_slice(opened.expose()).ok_or(KekError::Malformed)
    }
}

fn associated_data(id: KekId, context: &[u8]) -> Vec<u8> {
    [b"bailee/wrapped-key/v1".as_slice(), &id.0, context].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rng::seeded;

    fn wrapped() -> (MemoryKek, Secret<[u8; 32]>, WrappedKey) {
        let mut rng = seeded(1);
        let kek = MemoryKek::random(&mut rng);
        let key = Secret::random(&mut rng);
        let wrapped = kek.wrap(b"people", &key, &mut rng).unwrap();
        (kek, key, wrapped)
    }

    #[test]
    fn a_key_comes_back_through_storage() {
        let (kek, key, wrapped) = wrapped();
        let stored = WrappedKey::from_bytes(wrapped.as_bytes()).unwrap();
        assert_eq!(kek.unwrap(b"people", &stored).unwrap().expose(), key.expose());
        assert_eq!(stored.kek_id(), kek.id());
    }

    #[test]
    fn another_context_or_another_kek_is_refused() {
        let (kek, _, wrapped) = wrapped();
        assert!(matches!(kek.unwrap(b"journal", &wrapped), Err(KekError::NotAuthentic)));
        let other = MemoryKek::random(&mut seeded(2));
        let refused = other.unwrap(b"people", &wrapped).unwrap_err();
        assert!(refused.to_string().contains(&kek.id().to_string()), "{refused}");
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let (kek, _, wrapped) = wrapped();
        for index in 0..wrapped.as_bytes().len() {
            let mut bytes = wrapped.as_bytes().to_vec();
            bytes[index] ^= 1;
            let outcome = WrappedKey::from_bytes(&bytes).and_then(|key| kek.unwrap(b"people", &key));
            assert!(outcome.is_err(), "byte {index}");
        }
        for length in 0..wrapped.as_bytes().len() {
            let cut = WrappedKey::from_bytes(&wrapped.as_bytes()[..length]);
            assert!(cut.and_then(|key| kek.unwrap(b"people", &key)).is_err(), "length {length}");
        }
        let mut flood = wrapped.as_bytes().to_vec();
        flood.resize(super::super::MAX_WRAPPED_LEN + 1, 0);
        assert!(matches!(WrappedKey::from_bytes(&flood), Err(KekError::Malformed)));
    }
}
