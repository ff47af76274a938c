//! [`Identity`]: a private key and the certificate that carries its public key.

use core::fmt;
use std::sync::Arc;

use rand_core::Rng;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroize;

use super::{Pin, TlsError, provider};
use crate::secret::Secret;

/// What one side of a link proves itself with. Cloning shares the key.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    pin: Pin,
}

/// PKCS#8 (RFC 5958) wrapping of an Ed25519 seed (RFC 8410): what precedes the 32 bytes of the seed.
const ED25519_PKCS8: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// A new Ed25519 key as PKCS#8, to be stored sealed and given to [`Identity::from_pkcs8`].
pub fn generate_pkcs8(rng: &mut impl Rng) -> Secret<Vec<u8>> {
    let seed = Secret::<[u8; 32]>::random(rng);
    pkcs8_of_seed(&seed)
}

fn pkcs8_of_seed(seed: &Secret<[u8; 32]>) -> Secret<Vec<u8>> {
    let mut pkcs8 = Vec::with_capacity(ED25519_PKCS8.len() + 32);
    pkcs8.extend_from_slice(&ED25519_PKCS8);
    pkcs8.extend_from_slice(seed.expose());
    Secret::new(pkcs8)
}

impl Identity {
    /// The identity of a stored PKCS#8 key, with a certificate it signs itself.
    ///
    /// The certificate is made anew each time and is the same each time for an Ed25519 key; only the key
    /// counts, see [`Identity::pin`].
    ///
    /// # Errors
    /// [`TlsError::Key`].
    pub fn from_pkcs8(pkcs8: &Secret<Vec<u8>>) -> Result<Self, TlsError> {
        let der = PrivatePkcs8KeyDer::from(pkcs8.expose().as_slice());
        let certificate = self_signed(&der).map_err(|_| TlsError::Key)?;
        Self::new(vec![certificate], PrivateKeyDer::Pkcs8(der.clone_key()))
    }

    /// The identity of a 32-byte Ed25519 seed, for callers that store it as a
    /// [`crate::seal::StoredKey`].
    pub fn from_seed(seed: &Secret<[u8; 32]>) -> Self {
        Self::from_pkcs8(&pkcs8_of_seed(seed)).expect("any 32 bytes are an Ed25519 seed")
    }

    /// The identity in PEM certificate and key files (certificate first, then its chain).
    ///
    /// # Errors
    /// [`TlsError`], with the file that is at fault named.
    pub fn from_pem(cert_pem: &[u8], key_pem: &[u8]) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_slice_iter(cert_pem).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|_| TlsError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| TlsError::KeyFile)?;
        Self::new(chain, key)
    }

    /// The SHA-256 of the public key: what the other side knows this identity by.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    pub(super) fn certified_key(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }

    fn new(chain: Vec<CertificateDer<'static>>, mut key: PrivateKeyDer<'static>) -> Result<Self, TlsError> {
        let pin = chain.first().and_then(Pin::of_certificate).ok_or(TlsError::Certificate)?;
        let certified = CertifiedKey::from_der(chain, key.clone_key(), &provider());
        key.zeroize();
        let certified = certified.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
            _ => TlsError::Key,
        })?;
        Ok(Self { certified: Arc::new(certified), pin })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.pin)
    }
}

fn self_signed(key: &PrivatePkcs8KeyDer<'_>) -> Result<CertificateDer<'static>, rcgen::Error> {
    let pair = KeyPair::try_from(key)?;
    // A name nobody may rely on: the top-level domain is reserved for that (RFC 2606).
    let mut params = CertificateParams::new(vec!["bailee.invalid".into()])?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, "bailee link");
    Ok(params.self_signed(&pair)?.der().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rng::seeded;

    #[test]
    fn a_stored_key_keeps_its_pin() {
        let pkcs8 = generate_pkcs8(&mut seeded(1));
        let (first, second) = (Identity::from_pkcs8(&pkcs8).unwrap(), Identity::from_pkcs8(&pkcs8).unwrap());
        assert_eq!(first.pin(), second.pin());
        let other = Identity::from_pkcs8(&generate_pkcs8(&mut seeded(2))).unwrap();
        assert_ne!(first.pin(), other.pin());
        assert_eq!(format!("{first:?}"), format!("Identity({})", first.pin()));
    }

    #[test]
    fn other_algorithms_are_welcome_and_garbage_is_not() {
        let p256 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        assert!(Identity::from_pkcs8(&Secret::new(p256.serialize_der())).is_ok());
        for garbage in [vec![], vec![0; 48], ED25519_PKCS8.to_vec(), vec![0x30; 100_000]] {
            assert!(matches!(Identity::from_pkcs8(&Secret::new(garbage)), Err(TlsError::Key)));
        }
    }

    #[test]
    fn pem_files_must_belong_together() {
        let (a, b) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let certificate = CertificateParams::new(vec!["a.example".into()]).unwrap().self_signed(&a).unwrap();
        let (cert, key) = (certificate.pem(), a.serialize_pem());
        assert!(Identity::from_pem(cert.as_bytes(), key.as_bytes()).is_ok());
        let from = |cert: &str, key: &str| Identity::from_pem(cert.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(matches!(from(&cert, &b.serialize_pem()), TlsError::Mismatch));
        assert!(matches!(from("", &key), TlsError::Certificate));
        assert!(matches!(from(&key, &key), TlsError::Certificate));
        assert!(matches!(from(&cert, ""), TlsError::KeyFile));
        assert!(matches!(from(&cert, &cert), TlsError::KeyFile));
    }
}
