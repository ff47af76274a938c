//! [`Pin`] and [`PinSet`]: who the other side is.

use core::fmt;
use core::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::CommonState;
use rustls::server::ParsedCertificate;
use rustls_pki_types::CertificateDer;

use crate::hash::sha256;

/// SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7469 calls it the same); written `sha256/<base64>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pin(pub [u8; 32]);

/// Why a text or a list is not usable.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Not `sha256/` and 44 characters of base64.
    #[error("not a pin: expected sha256/ and 44 characters of base64")]
    Malformed,
    /// More pins than a roll-over needs.
    #[error("at most {} backup pins", PinSet::MAX_BACKUPS)]
    TooMany,
}

impl Pin {
    /// The pin of a certificate's public key; `None` when it is not an X.509 certificate.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = ParsedCertificate::try_from(certificate).ok()?;
        Some(Self(sha256(&[parsed.subject_public_key_info().as_ref()])))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256/{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let encoded = text.strip_prefix("sha256/").filter(|encoded| encoded.len() == 44);
        let bytes = STANDARD.decode(encoded.ok_or(PinError::Malformed)?).map_err(|_| PinError::Malformed)?;
        bytes.try_into().map(Self).map_err(|_| PinError::Malformed)
    }
}

/// The keys the platform may prove: the current one and backups for roll-over. Never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PinSet {
    current: Pin,
    backups: Vec<Pin>,
}

impl PinSet {
    /// Most backup pins kept.
    pub const MAX_BACKUPS: usize = 3;

    /// Pins one key.
    pub fn new(current: Pin) -> Self {
        Self { current, backups: Vec::new() }
    }

    /// Pins a current key and its backups.
    ///
    /// # Errors
    /// [`PinError::TooMany`].
    pub fn with_backups(current: Pin, backups: &[Pin]) -> Result<Self, PinError> {
        if backups.len() > Self::MAX_BACKUPS {
            return Err(PinError::TooMany);
        }
        Ok(Self { current, backups: backups.to_vec() })
    }

    /// Whether this key is pinned, as current or as backup.
    pub fn contains(&self, pin: &Pin) -> bool {
        self.current == *pin || self.backups.contains(pin)
    }

    /// The current pin first, then the backups.
    pub fn iter(&self) -> impl Iterator<Item = &Pin> {
        core::iter::once(&self.current).chain(&self.backups)
    }
}

/// The key the other side proved in this connection's handshake; `None` when it showed no certificate, or the
/// handshake is not over.
pub fn peer_pin(connection: &CommonState) -> Option<Pin> {
    // A server learns the client's certificate before the client has proven its key.
    if connection.is_handshaking() {
        return None;
    }
    connection.peer_certificates()?.first().and_then(Pin::of_certificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_survives_being_written_down() {
        let pin = Pin([200; 32]);
        assert_eq!(pin.to_string().parse(), Ok(pin));
        let long = format!("sha256/{}", "A".repeat(10_000));
        for bad in ["", "sha256/", "sha1/AAAA", &pin.to_string()[7..], &pin.to_string()[..50], &long] {
            assert_eq!(bad.parse::<Pin>(), Err(PinError::Malformed), "{bad}");
        }
    }

    #[test]
    fn backups_are_bounded() {
        let set = PinSet::with_backups(Pin([1; 32]), &[Pin([2; 32])]).unwrap();
        assert!(set.contains(&Pin([1; 32])) && set.contains(&Pin([2; 32])));
        assert!(!set.contains(&Pin([3; 32])));
        assert_eq!(PinSet::with_backups(Pin([1; 32]), &[Pin([2; 32]); 4]), Err(PinError::TooMany));
    }
}
