//! The enrolment token: one line of text an administrator carries from the platform to a new bank.
//!
//! `bailee-enrol-1.` and base64url of deterministic CBOR `{1: address, 2: [pins], 3: bank, 4: secret, 5: expires}`
//! followed by the first four bytes of the SHA-256 of all before it. It already holds the platform's public-key
//! pins, so there is nothing to trust on first use; its secret works once. Whoever holds an unused token can become
//! that bank: it is shown once and never logged, and `Debug` does not print the secret.

use core::fmt;

use aws_lc_rs::digest;
use bailee_domain::id::BankId;
use bailee_domain::time::WallTime;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::{Decoder, Encoder};

/// What every enrolment token starts with.
pub const PREFIX: &str = "bailee-enrol-1.";
/// No enrolment token is longer than this, in characters.
pub const MAX_CHARS: usize = 800;
const MAX_ADDRESS_BYTES: usize = 260;
const MAX_PINS: usize = 4;
const CHECK_BYTES: usize = 4;

/// What a new bank needs to reach the platform and to be let in once.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Where the platform listens for banks, `host:port`.
    pub address: String,
    /// SHA-256 of the public keys (SPKI) the platform may show: the one in use, then a backup. One to four.
    pub pins: Vec<[u8; 32]>,
    /// The bank this token makes.
    pub bank: BankId,
    /// Accepted once by the platform.
    pub secret: [u8; 32],
    /// Not accepted at or after this time.
    pub expires: WallTime,
}

impl fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Enrolment({} at {})", self.bank, self.address)
    }
}

/// Why a text is not an enrolment token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrolError {
    /// Another kind of text.
    #[error("an enrolment token starts with {PREFIX}")]
    Prefix,
    /// Cut off, or a character was changed on the way.
    #[error("the enrolment token is incomplete or has a typing mistake")]
    Checksum,
    /// Undamaged, yet not something this program understands.
    #[error("the enrolment token is not of a form this program reads")]
    Malformed,
    /// The platform's address is missing, too long, or not `host:port`.
    #[error("the platform's address must be host:port")]
    Address,
    /// Fewer than one or more than four pins.
    #[error("an enrolment token holds one to four pins")]
    Pins,
}

impl Enrolment {
    /// The token's text.
    ///
    /// # Errors
    /// [`EnrolError::Address`] or [`EnrolError::Pins`] when those break the bounds.
    pub fn text(&self) -> Result<String, EnrolError> {
        self.check()?;
        let mut bytes = self.cbor();
        let check = checksum(&bytes);
        bytes.extend_from_slice(&check);
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a token's text; blanks around it are ignored.
    ///
    /// # Errors
    /// The [`EnrolError`] that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, EnrolError> {
        let text = text.trim();
        let body = text.strip_prefix(PREFIX).ok_or(EnrolError::Prefix)?;
        if text.len() > MAX_CHARS {
            return Err(EnrolError::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| EnrolError::Checksum)?;
        let (cbor, check) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(EnrolError::Checksum)?;
        if *check != checksum(cbor) {
            return Err(EnrolError::Checksum);
        }
        let enrolment = read(cbor).ok_or(EnrolError::Malformed)?;
        enrolment.check()?;
        if enrolment.cbor() == cbor { Ok(enrolment) } else { Err(EnrolError::Malformed) }
    }

    fn check(&self) -> Result<(), EnrolError> {
        let (host, port) = self.address.rsplit_once(':').ok_or(EnrolError::Address)?;
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        if host.is_empty()
            || self.address.len() > MAX_ADDRESS_BYTES
            || !host.chars().all(sound)
            || port.parse::<u16>().is_err()
        {
            return Err(EnrolError::Address);
        }
        if (1..=MAX_PINS).contains(&self.pins.len()) { Ok(()) } else { Err(EnrolError::Pins) }
    }

    fn cbor(&self) -> Vec<u8> {
        let mut e = Encoder::new(Vec::new());
        self.write(&mut e).expect("writing to memory cannot fail");
        e.into_writer()
    }

    fn write(
        &self,
        e: &mut Encoder<Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<core::convert::Infallible>> {
        e.map(5)?.u8(1)?.str(&self.address)?.u8(2)?.array(self.pins.len() as u64)?;
        for pin in &self.pins {
            e.bytes(pin)?;
        }
        e.u8(3)?
            .bytes(&self.bank.to_bytes())?
            .u8(4)?
            .bytes(&self.secret)?
            .u8(5)?
            .i64(self.expires.unix_ms())?;
        Ok(())
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&digest::digest(&digest::SHA256, bytes).as_ref()[..CHECK_BYTES]);
    check
}

fn read(cbor: &[u8]) -> Option<Enrolment> {
    let mut d = Decoder::new(cbor);
    let key = |d: &mut Decoder<'_>, key| (d.u8().ok()? == key).then_some(());
    (d.map().ok()? == Some(5)).then_some(())?;
    key(&mut d, 1)?;
    let address = d.str().ok()?.to_owned();
    key(&mut d, 2)?;
    let count = usize::try_from(d.array().ok()??).ok().filter(|n| *n <= MAX_PINS)?;
    let mut pins = Vec::with_capacity(count);
    for _ in 0..count {
        pins.push(d.bytes().ok()?.try_into().ok()?);
    }
    key(&mut d, 3)?;
    let bank = BankId::from_bytes(d.bytes().ok()?.try_into().ok()?);
    key(&mut d, 4)?;
    let secret = d.bytes().ok()?.try_into().ok()?;
    key(&mut d, 5)?;
    let expires = WallTime::from_unix_ms(d.i64().ok()?);
    Some(Enrolment { address, pins, bank, secret, expires })
}

/// The exact bytes a new bank's device key signs to prove that it is held by whoever shows this secret over a TLS
/// connection with this client certificate pin.
pub fn possession_statement(
    bank: BankId,
    secret: &[u8; 32],
    pin: &[u8; 32],
    device_key: &[u8; 32],
) -> Vec<u8> {
    let secret_hash = crate::event::chain_hash(secret);
    let hex = crate::event::hex;
    format!("bailee-possession/v1\n{bank}\n{}\n{}\n{}\n", hex(&secret_hash), hex(pin), hex(device_key))
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Enrolment {
        Enrolment {
            address: "platform.example:8443".into(),
            pins: vec![[1; 32], [2; 32]],
            bank: BankId::from_bytes([3; 16]),
            secret: [4; 32],
            expires: WallTime::from_unix_ms(1_800_000_000_000),
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            host in "[a-z0-9.-]{1,60}", port: u16, pins in prop::collection::vec(any::<[u8; 32]>(), 1..=4),
            bank: [u8; 16], secret: [u8; 32], expires: i64,
        ) {
            let token = Enrolment {
                address: format!("{host}:{port}"), pins, bank: BankId::from_bytes(bank), secret,
                expires: WallTime::from_unix_ms(expires),
            };
            prop_assert_eq!(Enrolment::parse(&token.text().unwrap()), Ok(token));
        }

        #[test]
        fn a_changed_character_is_noticed(at in PREFIX.len().., c in "[A-Za-z0-9_-]") {
            let text = sample().text().unwrap();
            let at = PREFIX.len() + at % (text.len() - PREFIX.len());
            let mut other = text.clone();
            other.replace_range(at..=at, &c);
            prop_assert_eq!(other == text, Enrolment::parse(&other).is_ok());
        }

        #[test]
        fn any_text_is_refused_without_a_panic(text in "(bailee-enrol-1\\.)?.{0,900}") {
            prop_assert!(Enrolment::parse(&text).is_err());
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let text = sample().text().unwrap();
        assert_eq!(Enrolment::parse("hello"), Err(EnrolError::Prefix));
        assert_eq!(Enrolment::parse(&text[..text.len() - 1]), Err(EnrolError::Checksum));
        assert_eq!(Enrolment::parse(&format!(" {text}\n")), Ok(sample()));
        assert_eq!(Enrolment { address: "nowhere".into(), ..sample() }.text(), Err(EnrolError::Address));
        assert_eq!(Enrolment { address: "a b:1".into(), ..sample() }.text(), Err(EnrolError::Address));
        assert_eq!(Enrolment { pins: vec![], ..sample() }.text(), Err(EnrolError::Pins));
        assert!(text.len() <= MAX_CHARS);
        assert!(!format!("{:?}", sample()).contains("04"), "the secret stays out of logs");
    }
}
