//! What a reader's reply says, once it is known to be from that reader.
//!
//! Codes and layouts: SIA OSDP 2.2, annex B.

/// What a device says it is; believed only inside the secure channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity(pub [u8; 12]);

impl std::fmt::Display for Identity {
    /// Vendor, model and serial number, as printed on type plates.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [v0, v1, v2, model, _, s0, s1, s2, s3, ..] = self.0;
        let serial = u32::from_le_bytes([s0, s1, s2, s3]);
        write!(f, "{v0:02X}{v1:02X}{v2:02X} model {model} serial {serial}")
    }
}

/// The bits of a badge as the reader sent them. It has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct RawBadge {
    /// How many bits count.
    pub bits: usize,
    /// The bits, left-justified.
    pub data: Vec<u8>,
}

/// The most bits a badge may have.
pub const MOST_BITS: usize = 256;
/// The most keys in one reply.
const MOST_KEYS: usize = 32;

/// A reply.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Said {
    Done,
    Refused,
    Identity(Identity),
    Capabilities { secure: bool },
    Local { tamper: bool, power: bool },
    Badge(RawBadge),
    Keys(Vec<u8>),
    Cryptogram(Vec<u8>),
    FirstMac(Vec<u8>),
    Other,
    Malformed,
}

impl Said {
    /// Whether such a reply tells of a badge or of keys pressed.
    pub(super) const fn is_about_badges(code: u8) -> bool {
        matches!(code, 0x50 | 0x51 | 0x53)
    }

    pub(super) fn of(code: u8, data: Vec<u8>) -> Self {
        let read = match code {
            0x40 => Some(Self::Done),
            0x41 => Some(Self::Refused),
            0x45 => data.try_into().ok().map(|bytes| Self::Identity(Identity(bytes))),
            0x46 => capabilities(&data),
            0x48 => local(&data),
            0x50 => badge(&data),
            0x53 => keys(&data),
            0x76 => Some(Self::Cryptogram(data)),
            0x78 => Some(Self::FirstMac(data)),
            _ => Some(Self::Other),
        };
        read.unwrap_or(Self::Malformed)
    }
}

/// Triples of function, level and number; function 9 is communication security, bit 0 of its level AES-128.
fn capabilities(data: &[u8]) -> Option<Said> {
    let (triples, rest) = data.as_chunks::<3>();
    let secure = triples.iter().any(|[function, level, _]| *function == 9 && level & 1 == 1);
    rest.is_empty().then_some(Said::Capabilities { secure })
}

fn local(data: &[u8]) -> Option<Said> {
    let [tamper, power] = data else { return None };
    Some(Said::Local { tamper: *tamper != 0, power: *power != 0 })
}

fn badge(data: &[u8]) -> Option<Said> {
    let ([_reader, _format, low, high], bits) = data.split_first_chunk::<4>()?;
    let count = usize::from(u16::from_le_bytes([*low, *high]));
    let fits = (1..=MOST_BITS).contains(&count) && bits.len() == count.div_ceil(8);
    fits.then(|| Said::Badge(RawBadge { bits: count, data: bits.to_vec() }))
}

fn keys(data: &[u8]) -> Option<Said> {
    let ([_reader, count], keys) = data.split_first_chunk::<2>()?;
    (keys.len() == usize::from(*count) && keys.len() <= MOST_KEYS).then(|| Said::Keys(keys.to_vec()))
}
