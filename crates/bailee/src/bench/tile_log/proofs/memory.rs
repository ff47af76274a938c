//! Peers that hold a whole tree in memory and keep nothing on a disk: a bound for proofs, not for logs.

#[cfg(feature = "bench-peers")]
pub use peers::Trees;

#[cfg(feature = "bench-peers")]
mod peers {
    use bailee_audit::hash::leaf_hash;
    use bailee_edge::clock::Clocks;
    use bailee_ledger::{PAGE, Reader};
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use rs_merkle::MerkleTree;
    use rs_merkle::algorithms::Sha256 as RsSha256;
    use sha2::Sha256;

    use super::super::Times;
    use crate::bench::limit::timed;

    /// Proofs of `rs_merkle` in a slice: each goes through the whole tree.
    const FEW: usize = 2;

    /// The log's entries as each peer holds them.
    pub struct Trees {
        ct: MemoryBackedTree<Sha256, Vec<u8>>,
        rs: MerkleTree<RsSha256>,
    }

    impl Trees {
        pub fn new(reader: &Reader, most: u64) -> anyhow::Result<Option<Self>> {
            let size = reader.head().size;
            if size > most {
                return Ok(None);
            }
            let (mut ct, mut leaves) = (MemoryBackedTree::new(), Vec::new());
            let mut next = 0;
            while next < size {
                for (_, entry) in reader.range(next, next + PAGE)? {
                    leaves.push(leaf_hash(&entry).0);
                    ct.push(entry);
                    next += 1;
                }
            }
            Ok(Some(Self { ct, rs: MerkleTree::from_leaves(&leaves) }))
        }

        pub fn slice(&self, indexes: &[u64], clock: Clocks, times: &mut Times) {
            let each = |ms: f64, count: usize| ms * 1e3 / count as f64;
            let ct = || {
                indexes.iter().map(|&index| self.ct.prove_inclusion(index as usize).as_bytes().len()).max()
            };
            let (longest, ms) = timed(clock, ct);
            std::hint::black_box(longest);
            times.ct_inclusion.push(each(ms, indexes.len()));
            let added = |old: u64| (self.ct.len() - old.max(1)) as usize;
            let ct =
                || indexes.iter().map(|&old| self.ct.prove_consistency(added(old)).as_bytes().len()).max();
            let (longest, ms) = timed(clock, ct);
            std::hint::black_box(longest);
            times.ct_consistency.push(each(ms, indexes.len()));
            let few = &indexes[..FEW];
            let rs = || few.iter().map(|&index| self.rs.proof(&[index as usize]).proof_hashes().len()).max();
            let (longest, ms) = timed(clock, rs);
            std::hint::black_box(longest);
            times.rs_inclusion.push(each(ms, FEW));
        }
    }
}

#[cfg(not(feature = "bench-peers"))]
pub use nobody::Trees;

#[cfg(not(feature = "bench-peers"))]
mod nobody {
    use bailee_edge::clock::Clocks;
    use bailee_ledger::Reader;

    use super::super::Times;

    /// Nobody.
    pub struct Trees;

    #[expect(clippy::unnecessary_wraps, reason = "the peers that are there can fail")]
    impl Trees {
        pub fn new(_reader: &Reader, _most: u64) -> anyhow::Result<Option<Self>> {
            Ok(None)
        }

        pub fn slice(&self, _indexes: &[u64], _clock: Clocks, _times: &mut Times) {}
    }
}
