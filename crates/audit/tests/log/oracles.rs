//! Two other implementations of the same specifications must agree with ours on every root, tile, proof,
//! path and note.

use std::collections::BTreeMap;
use std::convert::Infallible;

use crate::files::{ORIGIN, entry, leaves, signer};
use bailee_audit::proof::{prove_consistency, prove_inclusion, verify_consistency, verify_inclusion};
use bailee_audit::{
    Checkpoint, Edge, Hash, Note, TileId, TilePath, TlogProof, TreeHead, VerifyingKey, leaf_hash,
};
use proptest::prelude::*;
use sha2::Sha256;

/// `tlog_tiles` keeps all hashes of a tree in one row.
#[derive(Default)]
struct Theirs {
    hashes: Vec<tlog_tiles::Hash>,
    size: u64,
}

impl tlog_tiles::HashReader for Theirs {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|&index| self.hashes[index as usize]).collect())
    }
}

impl Theirs {
    fn push(&mut self, entry: &[u8]) {
        let added = tlog_tiles::stored_hashes(self.size, entry, self).expect("in memory");
        self.hashes.extend(added);
        self.size += 1;
    }

    fn of(size: u64) -> Self {
        let mut theirs = Self::default();
        (0..size).for_each(|index| theirs.push(&entry(index)));
        theirs
    }

    fn root(&self, size: u64) -> Hash {
        ours(tlog_tiles::tree_hash(size, self).expect("in memory"))
    }
}

fn ours(hash: tlog_tiles::Hash) -> Hash {
    Hash(hash.0)
}

fn theirs(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.0)
}

struct Ours {
    head: TreeHead,
    tiles: BTreeMap<TileId, Vec<u8>>,
}

impl Ours {
    fn of(size: u64) -> Self {
        let (_, growth) = Edge::empty().append(leaves(size));
        Self { head: growth.head, tiles: growth.tiles.into_iter().collect() }
    }

    fn head(&self, size: u64) -> TreeHead {
        Edge::load(size, &mut |id| self.tile(id)).expect("stored").head()
    }

    fn tile(&self, id: TileId) -> Result<Vec<u8>, Infallible> {
        Ok(self.tiles[&id].clone())
    }

    fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
        prove_inclusion(index, size, &mut |id| self.tile(id)).expect("in range")
    }

    fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        prove_consistency(old, new, &mut |id| self.tile(id)).expect("in range")
    }
}

#[test]
fn roots_agree_at_every_size_to_600() {
    let mut edge = Edge::empty();
    let mut tiles = Theirs::default();
    let mut memory = ct_merkle::mem_backed_tree::MemoryBackedTree::<Sha256, Vec<u8>>::new();
    assert_eq!(edge.root(), Hash::EMPTY_TREE);
    for size in 1..=600 {
        let added = entry(size - 1);
        edge = edge.append([leaf_hash(&added)]).0;
        tiles.push(&added);
        memory.push(added);
        assert_eq!(edge.root(), tiles.root(size), "tlog_tiles at {size}");
        assert_eq!(edge.root().0[..], memory.root().as_bytes()[..], "ct-merkle at {size}");
    }
}

#[test]
fn roots_agree_at_sizes_around_each_tile_boundary_to_70_000() {
    let (log, other) = (Ours::of(70_000), Theirs::of(70_000));
    let sizes = (1..=273).flat_map(|tile| [256 * tile - 1, 256 * tile, 256 * tile + 1]);
    for size in sizes.chain([65_535, 65_536, 65_537, 65_792, 69_999, 70_000]) {
        assert_eq!(log.head(size).root, other.root(size), "{size}");
    }
    assert_eq!(log.head, log.head(70_000));
}

#[test]
fn tiles_hold_the_same_bytes() {
    let (log, other) = (Ours::of(70_000), Theirs::of(70_000));
    for size in [1, 255, 256, 257, 700, 65_536, 70_000] {
        let mut count = 0;
        for tile in tlog_tiles::Tile::new_tiles(8, 0, size) {
            let id = TileId { level: tile.level(), index: tile.level_index() };
            let width = id.width_at(size).expect("both have it");
            assert_eq!(width.hashes(), tile.width() as usize);
            assert_eq!(log.tiles[&id][..width.hash_bytes()], tile.read_data(&other).expect("in memory")[..]);
            // Their path names the height, ours doesn't.
            assert_eq!(tile.path(), id.path(width).to_string().replacen("tile/", "tile/8/", 1));
            count += 1;
        }
        assert_eq!(count, TilePath::all(size).filter(|path| matches!(path, TilePath::Hashes { .. })).count());
    }
}

#[test]
fn inclusion_proofs_are_the_same_and_accepted_by_all() {
    let (log, other) = (Ours::of(600), Theirs::of(600));
    let mut memory = ct_merkle::mem_backed_tree::MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 1..=600 {
        memory.push(entry(size - 1));
        if size > 20 && size % 29 != 0 && ![255, 256, 257, 511, 512, 513].contains(&size) {
            continue;
        }
        let (head, root) = (log.head(size), memory.root());
        for index in 0..size {
            let proof = log.inclusion(index, size);
            let same: Vec<Hash> = tlog_tiles::prove_record(size, index, &other)
                .expect("in range")
                .into_iter()
                .map(ours)
                .collect();
            assert_eq!(proof, same, "tlog_tiles, {index} of {size}");
            assert_eq!(
                proof.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>(),
                memory.prove_inclusion(index as usize).as_bytes()
            );
            let leaf = leaf_hash(&entry(index));
            let given = same.iter().copied().map(theirs).collect();
            assert!(verify_inclusion(leaf, index, &head, &same).is_ok());
            assert!(tlog_tiles::check_record(&given, size, theirs(head.root), index, theirs(leaf)).is_ok());
            let given = ct_merkle::InclusionProof::<Sha256>::from_bytes(
                proof.iter().flat_map(|hash| hash.0).collect(),
            );
            assert!(root.verify_inclusion(&entry(index), index, &given).is_ok());
        }
    }
}

#[test]
fn consistency_proofs_are_the_same_and_accepted_by_all() {
    let (log, other) = (Ours::of(600), Theirs::of(600));
    for new in [1, 2, 3, 7, 8, 255, 256, 257, 300, 511, 512, 513, 600] {
        let mut memory = ct_merkle::mem_backed_tree::MemoryBackedTree::<Sha256, Vec<u8>>::new();
        (0..new).for_each(|index| memory.push(entry(index)));
        for old in 1..=new {
            let (before, after) = (log.head(old), log.head(new));
            let proof = log.consistency(old, new);
            let same: Vec<Hash> =
                tlog_tiles::prove_tree(new, old, &other).expect("in range").into_iter().map(ours).collect();
            assert_eq!(proof, same, "tlog_tiles, {old} to {new}");
            let bytes: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
            assert_eq!(
                bytes,
                memory.prove_consistency((new - old) as usize).as_bytes(),
                "ct-merkle, {old} to {new}"
            );
            assert!(verify_consistency(&before, &after, &same).is_ok());
            let given = proof.iter().copied().map(theirs).collect();
            assert!(
                tlog_tiles::check_tree(&given, new, theirs(after.root), old, theirs(before.root)).is_ok()
            );
        }
    }
}

#[test]
fn known_roots_of_rfc_6962_test_trees() {
    let inputs: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    for size in 1..=8 {
        let root = Edge::empty().append(inputs[..size].iter().map(|input| leaf_hash(input))).1.head.root;
        assert_eq!(root.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), roots[size - 1]);
    }
}

#[test]
fn notes_and_checkpoints_are_understood_by_the_others() {
    use signed_note::Verifier as _;

    let checkpoint = Checkpoint::new(ORIGIN, Ours::of(700).head);
    let note = checkpoint.sign(&[&signer()]).expect("signs");
    let vkey = signer().verifying_key().to_string();
    let verifier = signed_note::StandardVerifier::new(&vkey).expect("their reading of our key");
    assert_eq!(verifier.key_id().to_be_bytes(), signer().verifying_key().key_id().0);

    let theirs =
        signed_note::Note::from_bytes(note.to_string().as_bytes()).expect("their reading of our note");
    let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
    assert_eq!(theirs.verify(&known).expect("their check of our signature").0.len(), 1);
    assert_eq!(theirs.text(), note.text().as_bytes());

    let read = tlog_tiles::Checkpoint::from_bytes(theirs.text()).expect("their reading of our checkpoint");
    assert_eq!((read.origin(), read.size(), ours(*read.hash())), (ORIGIN, 700, checkpoint.root));
    assert!(
        Note::parse(&theirs.to_bytes())
            .expect("their note")
            .verify(&vkey.parse::<VerifyingKey>().expect("ours"))
            .is_ok()
    );
}

/// A proof file read by its lines alone and checked by the others: signature, checkpoint, leaf hash, path.
#[test]
fn receipts_are_accepted_by_the_others_and_refused_when_changed() {
    let log = Ours::of(700);
    let note = Checkpoint::new(ORIGIN, log.head).sign(&[&signer()]).expect("signs");
    for index in [0, 1, 255, 256, 640, 699] {
        let (extra, path) = (Some(entry(index)), log.inclusion(index, 700));
        let file = TlogProof { extra, index, path, checkpoint: note.clone() }.to_string();
        assert!(others_accept(&file), "{file}");
        assert!(!others_accept(&file.replace(&format!("index {index}\n"), "index 300\n")), "another place");
        assert!(!others_accept(&file.replace("\n700\n", "\n701\n")), "another size");
    }
}

fn others_accept(file: &str) -> bool {
    use base64::Engine as _;
    let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    let (head, note) = file.split_once("\n\n").expect("a blank line");
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
    let entry = decode(lines.next().and_then(|line| line.strip_prefix("extra ")).expect("the entry"));
    let index = lines.next().and_then(|line| line.strip_prefix("index ")).expect("an index");
    let path = lines.map(|line| tlog_tiles::Hash::parse_hash(line).expect("a hash")).collect();

    let vkey = signer().verifying_key().to_string();
    let verifier = signed_note::StandardVerifier::new(&vkey).expect("their reading of our key");
    let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
    let note = signed_note::Note::from_bytes(note.as_bytes()).expect("their reading of our note");
    if note.verify(&known).is_err() {
        return false;
    }
    let read = tlog_tiles::Checkpoint::from_bytes(note.text()).expect("their reading of our checkpoint");
    let (leaf, index) = (tlog_tiles::record_hash(&entry), index.parse().expect("a number"));
    tlog_tiles::check_record(&path, read.size(), *read.hash(), index, leaf).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn random_trees_to_70_000_agree(size in 1..70_000_u64, picks in proptest::collection::vec(any::<proptest::sample::Index>(), 8)) {
        let (log, other) = (Ours::of(size), Theirs::of(size));
        prop_assert_eq!(log.head.root, other.root(size));
        for pick in picks {
            let index = pick.index(size as usize) as u64;
            let proof: Vec<Hash> = tlog_tiles::prove_record(size, index, &other).expect("in range").into_iter().map(ours).collect();
            prop_assert_eq!(log.inclusion(index, size), proof);
            let proof: Vec<Hash> = tlog_tiles::prove_tree(size, index + 1, &other).expect("in range").into_iter().map(ours).collect();
            prop_assert_eq!(&log.consistency(index + 1, size), &proof);
            prop_assert!(verify_consistency(&log.head(index + 1), &log.head, &proof).is_ok());
        }
    }
}
