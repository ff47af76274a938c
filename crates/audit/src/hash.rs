//! SHA-256 leaf and node hashes of RFC 6962 §2.1, and the pair (size, root) that names a tree.

pub mod second;

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{self, SHA256, SHA256_OUTPUT_LEN};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of one hash.
pub const HASH_LEN: usize = SHA256_OUTPUT_LEN;

const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;

/// A SHA-256 value: a leaf, a node or a root.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; HASH_LEN]);

/// Text that isn't the standard base64 of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the base64 of a 32-byte hash")]
pub struct NotAHash;

/// A tree of the log at one moment: what a checkpoint signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    /// Number of entries.
    pub size: u64,
    /// Root over exactly those entries.
    pub root: Hash,
}

/// Hash of one entry: SHA-256(0x00 ‖ entry).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    // Events are a few hundred bytes: one pass over a stack buffer beats a streaming context.
    const SMALL: usize = 512;
    if entry.len() < SMALL {
        let mut buffer = [LEAF_PREFIX; SMALL];
        buffer[1..=entry.len()].copy_from_slice(entry);
        return sha256(&buffer[..=entry.len()]);
    }
    let mut context = digest::Context::new(&SHA256);
    context.update(&[LEAF_PREFIX]);
    context.update(entry);
    Hash::from_slice(context.finish().as_ref())
}

/// Hash of two subtrees: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut buffer = [NODE_PREFIX; 1 + 2 * HASH_LEN];
    buffer[1..=HASH_LEN].copy_from_slice(&left.0);
    buffer[1 + HASH_LEN..].copy_from_slice(&right.0);
    sha256(&buffer)
}

pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    Hash::from_slice(digest::digest(&SHA256, bytes).as_ref())
}

impl Hash {
    /// Root of the tree without entries: SHA-256 of nothing.
    pub const EMPTY_TREE: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
        0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// Copies exactly [`HASH_LEN`] bytes; the callers cut them from tiles and digests of known width.
    pub(crate) fn from_slice(bytes: &[u8]) -> Self {
        Self(bytes.try_into().expect("callers pass exactly 32 bytes"))
    }
}

/// The hashes in the bytes of a tile, left to right.
pub(crate) fn hashes(bytes: &[u8]) -> impl ExactSizeIterator<Item = Hash> + '_ {
    bytes.chunks_exact(HASH_LEN).map(Hash::from_slice)
}

/// Root of a complete subtree whose `2^k` bottom hashes, at most 256, are the bytes given.
pub(crate) fn complete_root(bytes: &[u8]) -> Hash {
    let mut row = [Hash::EMPTY_TREE; 128];
    let mut width = 0;
    if bytes.len() == HASH_LEN {
        return Hash::from_slice(bytes);
    }
    for pair in bytes.chunks_exact(2 * HASH_LEN) {
        let (left, right) = pair.split_at(HASH_LEN);
        row[width] = second::node_hash(&Hash::from_slice(left), &Hash::from_slice(right));
        width += 1;
    }
    debug_assert!(width.is_power_of_two(), "only complete subtrees have one root");
    while width > 1 {
        width /= 2;
        for i in 0..width {
            row[i] = second::node_hash(&row[2 * i], &row[2 * i + 1]);
        }
    }
    row[0]
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let bytes = STANDARD.decode(text).map_err(|_| NotAHash)?;
        Ok(Self(bytes.try_into().map_err(|_| NotAHash)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(hash: Hash) -> String {
        hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn leaf_and_node_hashes_are_those_of_rfc_6962() {
        assert_eq!(hex(leaf_hash(b"")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(
            hex(leaf_hash(b"L123456")),
            "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
        );
        let hash = |byte: &[u8]| sha256(byte);
        assert_eq!(
            node_hash(&hash(b"a"), &hash(b"b")),
            sha256(&[&[1][..], &hash(b"a").0, &hash(b"b").0].concat())
        );
    }

    #[test]
    fn a_long_entry_hashes_like_a_short_one() {
        for len in [0, 1, 510, 511, 512, 513, 65_535] {
            let entry = vec![7; len];
            assert_eq!(leaf_hash(&entry), sha256(&[&[0][..], &entry].concat()), "{len} bytes");
        }
    }

    #[test]
    fn the_empty_tree_is_the_hash_of_nothing() {
        assert_eq!(Hash::EMPTY_TREE, sha256(b""));
    }

    #[test]
    fn text_is_standard_base64_and_nothing_else() {
        let hash = leaf_hash(b"x");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        let unpadded = hash.to_string().trim_end_matches('=').to_owned();
        for bad in ["", "AAAA", &unpadded, &format!("{hash} "), &hash.to_string().replace('=', "B")] {
            assert_eq!(bad.parse::<Hash>(), Err(NotAHash), "{bad}");
        }
    }
}
