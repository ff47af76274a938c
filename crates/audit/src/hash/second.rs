//! The same hashes by another implementation (`sha2`), for whoever checks: what built a tree doesn't vouch for itself.
//!
//! All blocks of a short message are given at once, which is also faster than a message at a time.

use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};

use super::{HASH_LEN, Hash, LEAF_PREFIX, NODE_PREFIX};

const BLOCK: usize = 64;
/// FIPS 180-4 §5.1.1: a bit, and the length of the message in eight bytes.
const PADDING: usize = 1 + 8;
/// FIPS 180-4 §5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// [`super::leaf_hash`] once more.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    // Most events take two blocks.
    match (1 + entry.len() + PADDING).div_ceil(BLOCK) {
        ..=2 => short_leaf_hash::<2>(entry),
        3..=5 => short_leaf_hash::<5>(entry),
        _ => Hash(Sha256::new().chain_update([LEAF_PREFIX]).chain_update(entry).finalize().into()),
    }
}

fn short_leaf_hash<const MOST: usize>(entry: &[u8]) -> Hash {
    let mut blocks = [[0; BLOCK]; MOST];
    let len = 1 + entry.len();
    let bytes = blocks.as_flattened_mut();
    bytes[0] = LEAF_PREFIX;
    bytes[1..len].copy_from_slice(entry);
    padded(&mut blocks[..(len + PADDING).div_ceil(BLOCK)], len)
}

/// [`super::node_hash`] once more.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    const LEN: usize = 1 + 2 * HASH_LEN;
    let mut blocks = [[0; BLOCK]; (LEN + PADDING).div_ceil(BLOCK)];
    let bytes = blocks.as_flattened_mut();
    bytes[0] = NODE_PREFIX;
    bytes[1..=HASH_LEN].copy_from_slice(&left.0);
    bytes[1 + HASH_LEN..LEN].copy_from_slice(&right.0);
    padded(&mut blocks, LEN)
}

/// SHA-256 of the first `len` bytes of blocks that are zero behind them and long enough for the padding.
fn padded(blocks: &mut [[u8; BLOCK]], len: usize) -> Hash {
    let bytes = blocks.as_flattened_mut();
    bytes[len] = 0x80;
    let end = bytes.len();
    bytes[end - 8..].copy_from_slice(&(8 * len as u64).to_be_bytes());
    let mut state = INITIAL;
    compress256(&mut state, blocks);
    let mut hash = [0; HASH_LEN];
    for (bytes, word) in hash.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    Hash(hash)
}

#[cfg(test)]
mod tests {
    use super::super::{leaf_hash, node_hash};

    #[test]
    fn entries_of_every_length_hash_as_by_the_other_implementation() {
        let bytes: Vec<u8> = (0..=u16::MAX).map(|place| (place % 251) as u8).collect();
        for len in (0..1_100).chain([65_534, 65_535]) {
            assert_eq!(super::leaf_hash(&bytes[..len]), leaf_hash(&bytes[..len]), "{len} bytes");
        }
    }

    #[test]
    fn nodes_hash_as_by_the_other_implementation() {
        for byte in 0..=255 {
            let (left, right) = (leaf_hash(&[byte]), leaf_hash(&[byte, byte]));
            assert_eq!(super::node_hash(&left, &right), node_hash(&left, &right));
        }
    }
}
