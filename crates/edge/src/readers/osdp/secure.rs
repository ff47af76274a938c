//! The secure channel of OSDP: AES-128 session keys, cryptograms, chained MACs, encrypted data.
//!
//! SIA OSDP 2.2, annex D. The controller's eight random bytes decide the session keys alone, so they must be fresh:
//! whoever makes the controller repeat them can replay a recorded session, badge included. They are a parameter
//! here. Message MACs are cut to four bytes on the line, so one wrong MAC ends the session.

use aws_lc_rs::cipher::{
    AES_128, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::iv::FixedLength;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::frame::MAC_BYTES;

type Bytes16 = [u8; 16];

/// The key of one reader (SCBK), set when it was commissioned.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ReaderKey(Bytes16);

impl ReaderKey {
    /// A key of 16 secret bytes; `None` for the default key, which everybody knows.
    pub fn new(bytes: [u8; 16]) -> Option<Self> {
        (bytes != Self::known_to_everybody().0).then_some(Self(bytes))
    }

    /// The default key (SCBK-D), for the minute of commissioning only.
    pub(super) fn known_to_everybody() -> Self {
        Self(std::array::from_fn(|index| 0x30 + u8::try_from(index).unwrap_or(0)))
    }

    /// The bytes, to be sealed or sent to the reader through a secure channel.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl std::fmt::Debug for ReaderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReaderKey")
    }
}

/// The keys of one session.
#[derive(Zeroize, ZeroizeOnDrop)]
struct SessionKeys {
    enc: Bytes16,
    mac1: Bytes16,
    mac2: Bytes16,
}

impl SessionKeys {
    fn derive(key: &ReaderKey, ours: [u8; 8]) -> Self {
        let one = |kind: [u8; 2]| {
            let mut block = [0; 16];
            block[..2].copy_from_slice(&kind);
            block[2..8].copy_from_slice(&ours[..6]);
            ecb(&key.0, block)
        };
        Self { enc: one([1, 0x82]), mac1: one([1, 1]), mac2: one([1, 2]) }
    }
}

/// A handshake under way: our random bytes are out, the reader's answer is due.
pub struct Handshake {
    keys: SessionKeys,
    ours: [u8; 8],
}

/// The reader has proven the key; ours is the next word.
pub struct Proven {
    keys: SessionKeys,
    /// What proves the key to the reader.
    pub cryptogram: Bytes16,
    first_mac: Bytes16,
}

/// A secure channel that stands.
pub struct Session {
    keys: SessionKeys,
    last_command: Bytes16,
    last_reply: Bytes16,
}

/// The peer does not hold the key, or something was changed on the way.
#[derive(Debug, PartialEq, Eq)]
pub struct NotAuthentic;

impl Handshake {
    /// Begins with eight fresh random bytes, never used before.
    pub fn begin(key: &ReaderKey, ours: [u8; 8]) -> Self {
        Self { keys: SessionKeys::derive(key, ours), ours }
    }

    /// Judges the reader's answer: its own identifier (8 bytes, not secret), random bytes (8) and cryptogram (16).
    ///
    /// # Errors
    /// [`NotAuthentic`] when the reader holds another key, or the answer is malformed.
    pub fn answer(self, answer: &[u8]) -> Result<Proven, NotAuthentic> {
        let answer: &[u8; 32] = answer.try_into().map_err(|_| NotAuthentic)?;
        let theirs: [u8; 8] = answer[8..16].try_into().expect("eight bytes");
        let expected = ecb(&self.keys.enc, join(self.ours, theirs));
        verify_slices_are_equal(&expected, &answer[16..]).map_err(|_| NotAuthentic)?;
        let cryptogram = ecb(&self.keys.enc, join(theirs, self.ours));
        let first_mac = ecb(&self.keys.mac2, ecb(&self.keys.mac1, cryptogram));
        Ok(Proven { keys: self.keys, cryptogram, first_mac })
    }
}

impl Proven {
    /// Judges the reader's first MAC and opens the session.
    ///
    /// # Errors
    /// [`NotAuthentic`] when it isn't what the key makes of our cryptogram.
    pub fn confirm(self, first_mac: &[u8]) -> Result<Session, NotAuthentic> {
        verify_slices_are_equal(&self.first_mac, first_mac).map_err(|_| NotAuthentic)?;
        Ok(Session { keys: self.keys, last_command: [0; 16], last_reply: self.first_mac })
    }
}

impl Session {
    /// Encrypts the data of a command; nothing stays nothing.
    pub fn encrypt(&self, data: &[u8]) -> Vec<u8> {
        if data.is_empty() {
            return Vec::new();
        }
        let mut padded = data.to_vec();
        pad(&mut padded);
        cbc(&self.keys.enc, inverted(&self.last_reply), &mut padded);
        padded
    }

    /// The MAC of a command about to be sent, over everything before it.
    pub fn seal(&mut self, covered: &[u8]) -> [u8; MAC_BYTES] {
        self.last_command = self.mac(covered, self.last_reply);
        first(&self.last_command)
    }

    /// Judges the MAC of a reply.
    ///
    /// # Errors
    /// [`NotAuthentic`]; the session is over then.
    pub fn check(&mut self, covered: &[u8], tag: &[u8; MAC_BYTES]) -> Result<(), NotAuthentic> {
        let mac = self.mac(covered, self.last_command);
        verify_slices_are_equal(&mac[..MAC_BYTES], tag).map_err(|_| NotAuthentic)?;
        self.last_reply = mac;
        Ok(())
    }

    /// Opens the data of a reply whose MAC was right.
    ///
    /// # Errors
    /// [`NotAuthentic`] when it is no whole blocks or has no padding.
    pub fn decrypt(&self, data: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
        if data.is_empty() {
            return Ok(Vec::new());
        }
        let mut plain = data.to_vec();
        let key = UnboundCipherKey::new(&AES_128, &self.keys.enc).expect("16 bytes are a key of AES-128");
        let key = DecryptingKey::cbc(key).expect("AES-128 has this mode");
        let from = DecryptionContext::Iv128(FixedLength::from(inverted(&self.last_command)));
        key.decrypt(&mut plain, from).map_err(|_| NotAuthentic)?;
        let end = plain.iter().rposition(|byte| *byte != 0).ok_or(NotAuthentic)?;
        if plain[end] != 0x80 {
            return Err(NotAuthentic);
        }
        plain[end..].zeroize();
        plain.truncate(end);
        Ok(plain)
    }

    fn mac(&self, covered: &[u8], start: Bytes16) -> Bytes16 {
        let mut blocks = covered.to_vec();
        if !blocks.len().is_multiple_of(16) {
            pad(&mut blocks);
        }
        let end = blocks.len() - 16;
        let (body, last) = blocks.split_at_mut(end);
        let before = if body.is_empty() {
            start
        } else {
            cbc(&self.keys.mac1, start, body);
            body[body.len() - 16..].try_into().expect("sixteen bytes")
        };
        cbc(&self.keys.mac2, before, last);
        (&*last).try_into().expect("sixteen bytes")
    }
}

fn join(one: [u8; 8], two: [u8; 8]) -> Bytes16 {
    let mut both = [0; 16];
    both[..8].copy_from_slice(&one);
    both[8..].copy_from_slice(&two);
    both
}

fn inverted(block: &Bytes16) -> Bytes16 {
    block.map(|byte| !byte)
}

fn first(mac: &Bytes16) -> [u8; MAC_BYTES] {
    [mac[0], mac[1], mac[2], mac[3]]
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.push(0x80);
    bytes.resize(bytes.len().next_multiple_of(16), 0);
}

fn ecb(key: &Bytes16, mut block: Bytes16) -> Bytes16 {
    let key = UnboundCipherKey::new(&AES_128, key).expect("16 bytes are a key of AES-128");
    let key = EncryptingKey::ecb(key).expect("AES-128 has this mode");
    key.encrypt(&mut block).expect("one block is whole blocks");
    block
}

fn cbc(key: &Bytes16, start: Bytes16, blocks: &mut [u8]) {
    let key = UnboundCipherKey::new(&AES_128, key).expect("16 bytes are a key of AES-128");
    let key = EncryptingKey::cbc(key).expect("AES-128 has this mode");
    let start = EncryptionContext::Iv128(FixedLength::from(start));
    key.less_safe_encrypt(blocks, start).expect("whole blocks were passed");
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::hex;
    use super::super::frame::{Reading, read};
    use super::*;

    /// A session between libosdp's own two sides, recorded on a line and recomputed with another AES.
    const KEY: &str = "944b8eddcbaa2b5fe2b0148d1b2f95c9";
    const OURS: &str = "d764c8cce93255c4";
    const CCRYPT: &str = "00000000000000 00 478d7aa05d83f3ea cfd8a5ff085a4b952ea7e6de57d532c6";
    const SCRYPT: &str = "cc6710380b9450f974d23b9575684315";
    const RMAC_I: &str = "8a9edf6f8821 5c63e1a04ef8041e3cb4";

    fn key() -> ReaderKey {
        ReaderKey::new(hex(KEY).try_into().unwrap()).unwrap()
    }

    fn session() -> Session {
        let proven = Handshake::begin(&key(), hex(OURS).try_into().unwrap()).answer(&hex(CCRYPT)).unwrap();
        assert_eq!(proven.cryptogram[..], hex(SCRYPT)[..]);
        proven.confirm(&hex(RMAC_I)).unwrap()
    }

    fn frame(text: &str) -> super::super::frame::Frame {
        match read(&hex(text)) {
            Reading::Whole(frame, _) => *frame,
            _ => panic!("a frame"),
        }
    }

    #[test]
    fn a_recorded_session_is_followed_byte_for_byte() {
        let mut session = session();
        let poll = frame("53 05 0e 00 0d 02 15 60 7f 42 18 10 7c fd");
        let (tag, covered) = poll.mac.unwrap();
        assert_eq!(session.seal(&covered), tag);

        let card = frame(
            "53 85 1e 00 0d 02 18 50 7d c3 df 6c aa 38 b8 03 e3 38 76 4a 31 b7 b1 9c 42 9e 4e f6 84 8c",
        );
        let (tag, covered) = card.mac.clone().unwrap();
        session.check(&covered, &tag).unwrap();
        assert_eq!(session.decrypt(&card.data).unwrap(), hex("00 01 1a 00 bd 88 eb 80"));
        session.seal(b"another command");
        assert!(session.check(&covered, &tag).is_err(), "a reply answers one command only");
    }

    #[test]
    fn another_key_and_a_changed_answer_are_no_proof() {
        let other = ReaderKey::new([7; 16]).unwrap();
        let ours: [u8; 8] = hex(OURS).try_into().unwrap();
        assert!(Handshake::begin(&other, ours).answer(&hex(CCRYPT)).is_err());
        for byte in 8..32 {
            let mut changed = hex(CCRYPT);
            changed[byte] ^= 1;
            assert!(Handshake::begin(&key(), ours).answer(&changed).is_err());
        }
        let proven = Handshake::begin(&key(), ours).answer(&hex(CCRYPT)).unwrap();
        assert!(proven.confirm(&[0; 16]).is_err());
        assert!(Handshake::begin(&key(), ours).answer(&[0; 31]).is_err());
    }

    #[test]
    fn a_replay_needs_the_same_random_bytes() {
        let fresh = [9; 8];
        assert!(Handshake::begin(&key(), fresh).answer(&hex(CCRYPT)).is_err());
    }

    #[test]
    fn the_default_key_is_no_reader_key() {
        assert!(ReaderKey::new(*b"0123456789:;<=>?").is_none());
        assert_eq!(format!("{:?}", key()), "ReaderKey");
    }

    #[test]
    fn data_of_no_whole_blocks_or_without_padding_is_refused() {
        let session = session();
        for length in [1, 15, 17, 16, 32] {
            assert!(session.decrypt(&vec![0; length]).is_err(), "{length} bytes");
        }
    }
}
