//! Public keys as passkeys give them: `COSE_Key` (RFC 9052, RFC 9053), the two kinds a bank can check.
//!
//! Web Authentication gives a credential's public key in this form (Level 3, §6.5.1.1). Only the parameters that make the key
//! are read: kind, algorithm, curve and coordinates, in whatever order; anything else makes it no key of ours.

use bailee_domain::signer::PublicKey;
use minicbor::Decoder;
use minicbor::data::Type;

/// The longest `COSE_Key` that is looked at, in bytes.
pub const MAX_BYTES: usize = 256;

const EDDSA: i64 = -8;
const ES256: i64 = -7;

/// Reads a `COSE_Key`: Ed25519 with `EdDSA`, or P-256 with ES256.
pub fn parse(bytes: &[u8]) -> Option<PublicKey> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let mut from = Decoder::new(bytes);
    let (mut kind, mut algorithm, mut curve, mut x, mut y) = (None, None, None, None, None);
    for _ in 0..from.map().ok()?? {
        match from.i64().ok()? {
            1 => once(&mut kind, from.i64().ok()?)?,
            3 => once(&mut algorithm, from.i64().ok()?)?,
            -1 => once(&mut curve, from.i64().ok()?)?,
            -2 => once(&mut x, coordinate(&mut from)?)?,
            -3 => once(&mut y, coordinate(&mut from)?)?,
            _ => return None,
        }
    }
    if from.position() != bytes.len() {
        return None;
    }
    match (kind?, algorithm?, curve?, x?, y) {
        (1, EDDSA, 6, x, None) => Some(PublicKey::Ed25519(x)),
        (2, ES256, 1, x, Some(y)) => {
            let mut point = [4; 65];
            point[1..33].copy_from_slice(&x);
            point[33..].copy_from_slice(&y);
            Some(PublicKey::P256(point))
        }
        _ => None,
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    if place.is_some() {
        return None;
    }
    *place = Some(value);
    Some(())
}

fn coordinate(from: &mut Decoder<'_>) -> Option<[u8; 32]> {
    (from.datatype().ok()? == Type::Bytes).then_some(())?;
    from.bytes().ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use minicbor::Encoder;
    use proptest::prelude::*;

    use super::*;

    fn ed25519(x: [u8; 32]) -> Vec<u8> {
        let mut to = Encoder::new(Vec::new());
        to.map(4).unwrap().i64(1).unwrap().i64(1).unwrap().i64(3).unwrap().i64(EDDSA).unwrap();
        to.i64(-1).unwrap().i64(6).unwrap().i64(-2).unwrap().bytes(&x).unwrap();
        to.into_writer()
    }

    fn p256(x: [u8; 32], y: [u8; 32]) -> Vec<u8> {
        let mut to = Encoder::new(Vec::new());
        to.map(5).unwrap().i64(1).unwrap().i64(2).unwrap().i64(3).unwrap().i64(ES256).unwrap();
        to.i64(-1).unwrap().i64(1).unwrap().i64(-2).unwrap().bytes(&x).unwrap();
        to.i64(-3).unwrap().bytes(&y).unwrap();
        to.into_writer()
    }

    #[test]
    fn both_kinds_are_read() {
        assert_eq!(parse(&ed25519([7; 32])), Some(PublicKey::Ed25519([7; 32])));
        let Some(PublicKey::P256(point)) = parse(&p256([1; 32], [2; 32])) else { panic!() };
        assert_eq!((point[0], point[1], point[33]), (4, 1, 2));
    }

    #[test]
    fn a_key_of_another_kind_or_with_more_in_it_is_none() {
        let good = ed25519([7; 32]);
        assert_eq!(parse(&[good.as_slice(), &[0]].concat()), None, "more behind it");
        for at in 0..good.len() {
            assert_eq!(parse(&good[..at]), None, "cut");
        }
        let mut rsa = good.clone();
        rsa[2] = 3;
        assert_eq!(parse(&rsa), None);
        let mut twice = Encoder::new(Vec::new());
        twice.map(2).unwrap().i64(1).unwrap().i64(1).unwrap().i64(1).unwrap().i64(1).unwrap();
        assert_eq!(parse(&twice.into_writer()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }
    }
}
