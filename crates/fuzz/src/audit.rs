//! The formats of the transparency log as strangers send them: notes, checkpoints, keys, policies, proofs, bundles.

use std::collections::BTreeSet;

use bailee_audit::bundle::{self, MAX_ENTRY_LEN};
use bailee_audit::cosignature::CosignerKey;
use bailee_audit::note::MAX_SIGNATURES;
use bailee_audit::policy::Policy;
use bailee_audit::proof::{consistency_subtrees, inclusion_subtrees, verify_consistency, verify_inclusion};
use bailee_audit::witness::{AddCheckpoint, Answer, MAX_PROOF_LEN, MemoryFile, Remembered, Slot, Witness};
use bailee_audit::{Checkpoint, Hash, Note, TilePath, TlogProof, TreeHead, VerifyingKey, leaf_hash};

use crate::cut::Cut;
use crate::log::{self, NOW, ORIGIN, cosigned, cosigner, key, leaves, root, signer};
use crate::{Target, says, target};

/// The targets of this module.
pub const TARGETS: &[Target] = &[
    target("note", note, note_seeds),
    target("vkey", vkey, vkey_seeds),
    target("policy", policy, policy_seeds),
    target("cosigned", endorsed, script_seeds),
    target("tlog_proof", tlog_proof, tlog_proof_seeds),
    target("tile_path", tile_path, tile_path_seeds),
    target("entry_bundle", entry_bundle, entry_bundle_seeds),
    target("tree_proof", tree_proof, script_seeds),
    target("add_checkpoint", add_checkpoint, add_checkpoint_seeds),
    target("witness", witness, script_seeds),
    target("witness_memory", witness_memory, witness_memory_seeds),
];

/// Signed notes and the checkpoints in them: what is accepted is written back byte for byte.
pub fn note(data: &[u8]) {
    let note = match Note::parse(data) {
        Ok(note) => note,
        Err(error) => return says(&error),
    };
    assert!((1..=MAX_SIGNATURES).contains(&note.signatures().len()));
    assert_eq!(note.to_string().as_bytes(), data, "a note has one spelling");
    if let Ok(checkpoint) = Checkpoint::from_text(note.text()) {
        assert_eq!(checkpoint.to_string(), note.text(), "a checkpoint has one spelling");
    }
    match Checkpoint::open(data, &key()) {
        Ok(opened) => assert_eq!(opened.checkpoint.to_string(), log::checkpoint().to_string()),
        Err(error) => says(&error),
    }
}

fn note_seeds() -> Vec<Vec<u8>> {
    let text = cosigned();
    let (body, lines) = text.split_once("\n\n").expect("a note has a blank line");
    let line = lines.lines().next().expect("a note has a signature");
    let many = |count: usize| format!("{body}\n\n{}", format!("{line}\n").repeat(count)).into_bytes();
    let foreign = text.replace(ORIGIN, "somebody.example/else").into_bytes();
    vec![
        text.clone().into_bytes(),
        many(1),
        many(100),
        many(101),
        foreign,
        b"a\n\n\xe2\x80\x94 a AAAAAAA=\n".to_vec(),
    ]
}

/// Keys of logs and witnesses in their `vkey` spelling.
pub fn vkey(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.parse::<VerifyingKey>() {
        Ok(key) => assert_eq!(key.to_string(), text),
        Err(error) => says(&error),
    }
    match text.parse::<CosignerKey>() {
        Ok(key) => assert_eq!(key.to_string(), text),
        Err(error) => says(&error),
    }
}

fn vkey_seeds() -> Vec<Vec<u8>> {
    vec![
        key().to_string().into_bytes(),
        cosigner(1).key().to_string().into_bytes(),
        b"a+00000000+AQ==".to_vec(),
    ]
}

/// Policy files: a refusal names a line of the file, and no policy believes a checkpoint that nobody signed.
pub fn policy(data: &[u8]) {
    let policy = match Policy::parse(data) {
        Ok(policy) => policy,
        Err(error) => {
            let lines = data.split(|byte| *byte == b'\n').count();
            assert!((1..=lines + 1).contains(&error.line), "line {} of {lines}", error.line);
            return says(&error);
        }
    };
    match policy.check(cosigned().as_bytes(), NOW) {
        Ok(endorsed) => assert_eq!(endorsed.checkpoint, log::checkpoint()),
        Err(error) => says(&error),
    }
    let forged = cosigned().replacen("\n600\n", "\n601\n", 1);
    assert!(policy.check(forged.as_bytes(), NOW).is_err(), "nobody signed that");
}

/// A policy that believes the log when two of three witnesses cosigned.
fn two_of_three() -> String {
    let witness = |n: u8| format!("witness w{n} {} https://w{n}.example/\n", cosigner(n).key());
    let witnesses: String = (1..=3).map(witness).collect();
    format!("# ours\nlog {} https://{ORIGIN}\n{witnesses}group g 2 w1 w2 w3\nquorum g\n", key())
}

fn policy_seeds() -> Vec<Vec<u8>> {
    let none = format!("log {}\nquorum none\n", key());
    let nested = two_of_three().replace("quorum g", "witness w4 x\ngroup h any g w4\nquorum h");
    [two_of_three(), none, nested, two_of_three().replace(" 2 ", " all ")].map(String::into_bytes).to_vec()
}

/// A genuine cosigned checkpoint with bytes changed: if a policy still believes it, it says what was signed.
pub fn endorsed(data: &[u8]) {
    let mut cut = Cut(data);
    let policy = Policy::parse(two_of_three().as_bytes()).expect("the policy is sound");
    let since = cut.long() % (2 * NOW);
    let mut bytes = cosigned().into_bytes();
    while !cut.is_empty() {
        cut.edit(&mut bytes);
    }
    match policy.check_since(&bytes, &key(), since..=NOW) {
        Ok(endorsed) => {
            assert_eq!(endorsed.checkpoint, log::checkpoint());
            let names: BTreeSet<&[u8]> = endorsed.cosigned.iter().map(|one| one.witness.as_bytes()).collect();
            assert!(names.len() >= 2, "two witnesses, not one twice");
            assert!(endorsed.cosigned.iter().all(|one| one.time >= since));
        }
        Err(error) => says(&error),
    }
}

fn script_seeds() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        vec![0; 9],
        [&[0; 8][..], &[0, 0, 40, 6, 1, 0, 0, 3]].concat(),
        (0..200).map(|n: u8| n.wrapping_mul(37)).collect(),
    ]
}

/// Proofs as files: one spelling, and no other entry is proven by them.
pub fn tlog_proof(data: &[u8]) {
    let proof = match TlogProof::parse(data) {
        Ok(proof) => proof,
        Err(error) => return says(&error),
    };
    assert_eq!(proof.to_string().as_bytes(), data, "a proof has one spelling");
    for index in [0, 255, 599] {
        let leaf = leaf_hash(&log::entry(index));
        match proof.verify(leaf, &key()) {
            Ok(opened) => assert_eq!((proof.index, opened.checkpoint), (index, log::checkpoint())),
            Err(error) => says(&error),
        }
    }
    if let Err(error) = proof.claimed() {
        says(&error);
    }
}

fn tlog_proof_seeds() -> Vec<Vec<u8>> {
    let checkpoint = Note::parse(cosigned().as_bytes()).expect("a note");
    let proof = |index, extra: Option<&[u8]>| {
        let (path, extra) = (log::path(index), extra.map(<[u8]>::to_vec));
        TlogProof { extra, index, path, checkpoint: checkpoint.clone() }.to_string().into_bytes()
    };
    let mut short = proof(599, None);
    short.truncate(200);
    vec![proof(0, Some(b"what it is made of")), proof(255, Some(b"")), proof(599, None), short]
}

/// Paths of tiles: only the canonical spelling.
pub fn tile_path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.parse::<TilePath>() {
        Ok(path) => {
            assert_eq!(path.to_string(), text);
            assert!((1..=256).contains(&path.width().hashes()));
            assert!(!path.is_within(0), "an empty log has no tiles");
        }
        Err(error) => says(&error),
    }
}

fn tile_path_seeds() -> Vec<Vec<u8>> {
    let paths = [
        "tile/0/000",
        "tile/1/x001/234.p/7",
        "tile/entries/x018/x446/x744/x073/x709/x551/615",
        "tile/0/x000/000",
    ];
    paths.map(|path| path.as_bytes().to_vec()).to_vec()
}

/// Entry bundles: read whole and written back, or cut off at a named entry.
pub fn entry_bundle(data: &[u8]) {
    let mut back = Vec::new();
    for (place, entry) in bundle::entries(data).enumerate() {
        match entry {
            Ok(entry) => {
                assert!(entry.len() <= MAX_ENTRY_LEN);
                bundle::push(&mut back, entry).expect("it came out of a bundle");
            }
            Err(error) => {
                assert_eq!(error.entry, place, "the first broken entry is named");
                return says(&error);
            }
        }
    }
    assert_eq!(back, data);
}

fn entry_bundle_seeds() -> Vec<Vec<u8>> {
    let mut bundle = Vec::new();
    (0..7).for_each(|index| bundle::push(&mut bundle, &log::entry(index)).expect("short"));
    let mut longest = Vec::new();
    bundle::push(&mut longest, &[7; 300]).expect("short");
    let cut = bundle[..bundle.len() - 3].to_vec();
    vec![bundle, longest, cut, vec![0xFF, 0xFF, 1]]
}

/// Inclusion and consistency proofs: exactly one proof is right for each question.
pub fn tree_proof(data: &[u8]) {
    let mut cut = Cut(data);
    let (old, new, index) = (cut.below(34) as u64, cut.below(34) as u64, cut.below(36) as u64);
    let head = |size: u64| TreeHead { size, root: root(&leaves()[..size as usize]) };
    let included: Option<Vec<Hash>> = inclusion_subtrees(index, new).map(|parts| roots(leaves(), &parts));
    let consistent: Option<Vec<Hash>> = consistency_subtrees(old, new).map(|parts| roots(leaves(), &parts));
    let mut told = bytes_of(included.as_deref().unwrap_or_default());
    let mut grown = bytes_of(consistent.as_deref().unwrap_or_default());
    while !cut.is_empty() {
        cut.edit(&mut told);
        cut.edit(&mut grown);
    }
    let (told, grown) = (hashes_of(&told), hashes_of(&grown));
    let leaf = leaves().get(index as usize).copied().unwrap_or(Hash::EMPTY_TREE);
    let holds = verify_inclusion(leaf, index, &head(new), &told).is_ok();
    assert_eq!(holds, included.is_some_and(|right| right == told), "one inclusion proof is right");
    let holds = verify_consistency(&head(old), &head(new), &grown).is_ok();
    assert_eq!(holds, consistent.is_some_and(|right| right == grown), "one consistency proof is right");
    // Sizes and places nobody has: no panic, no yes.
    let huge = TreeHead { size: cut.long() | 1 << 40, root: head(new).root };
    assert!(verify_inclusion(leaf, index, &huge, &told).is_err());
    assert!(verify_consistency(&head(new), &huge, &grown).is_err() || new == 0);
}

/// The roots of subtrees, as first entry and number of entries.
fn roots(leaves: &[Hash], parts: &[(u64, u64)]) -> Vec<Hash> {
    parts.iter().map(|(start, len)| root(&leaves[*start as usize..(start + len) as usize])).collect()
}

fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

fn hashes_of(bytes: &[u8]) -> Vec<Hash> {
    bytes.chunks_exact(32).map(|hash| Hash(hash.try_into().expect("32 bytes"))).collect()
}

/// Requests to a witness: one spelling, bounded.
pub fn add_checkpoint(data: &[u8]) {
    match AddCheckpoint::parse(data) {
        Ok(request) => {
            assert!(request.proof.len() <= MAX_PROOF_LEN);
            assert_eq!(request.to_string().as_bytes(), data, "a request has one spelling");
        }
        Err(error) => says(&error),
    }
}

fn add_checkpoint_seeds() -> Vec<Vec<u8>> {
    let note = Note::parse(cosigned().as_bytes()).expect("a note");
    let request =
        |old_size, proof| AddCheckpoint { old_size, proof, note: note.clone() }.to_string().into_bytes();
    vec![request(0, Vec::new()), request(256, log::path(3)), request(1, vec![Hash([7; 32]); 63])]
}

/// A memory that is never lost.
#[derive(Default)]
struct Kept(Option<Vec<u8>>);

impl Slot for Kept {
    type Error = std::convert::Infallible;

    fn read(&mut self) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(self.0.clone())
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0 = Some(bytes.to_vec());
        Ok(())
    }
}

/// A log that signs whatever it likes never gets two histories cosigned.
pub fn witness(data: &[u8]) {
    let mut cut = Cut(data);
    let memory = Remembered::open(Kept::default(), || [5; 32]).expect("an empty memory opens");
    let mut witness = Witness::new(cosigner(1), memory);
    witness.watch(key());
    let mut honest = 0_u64;
    for time in 1..12 {
        let (old, size, how) = (cut.below(34) as u64, cut.below(34) as u64, cut.byte());
        let mut shown = leaves()[..size as usize].to_vec();
        if let (true, Some(last)) = (how & 1 == 1, shown.last_mut()) {
            *last = leaf_hash(b"another history");
        }
        let mut proof = roots(&shown, &consistency_subtrees(old, size).unwrap_or_default());
        if how & 2 == 2 {
            let mut bytes = bytes_of(&proof);
            cut.edit(&mut bytes);
            proof = hashes_of(&bytes);
        }
        let head = TreeHead { size, root: root(&shown) };
        let note = Checkpoint::new(ORIGIN, head).sign(&[&signer()]).expect("the key signs");
        let request = AddCheckpoint { old_size: old, proof, note };
        match witness.add_checkpoint(&request, time).expect("its memory is sound") {
            Answer::Cosigned { seen, line } => {
                assert_eq!(seen.head(), head);
                assert!(size >= honest, "a witness never goes back");
                let forked = how & 1 == 1 && size > 0;
                assert!(!forked || honest < size, "no second history of what was cosigned");
                assert!(cosigner(1).key().time_of(request.note.text(), &line).is_ok());
                honest = size;
                if forked {
                    // From here on the other history is the one vouched for; ours must be refused.
                    return only_that(&mut witness, head, time);
                }
            }
            Answer::Refused { refusal, .. } => says(&refusal),
        }
    }
}

/// Nothing of our history that covers what was cosigned of another is cosigned any more.
fn only_that(witness: &mut Witness<Remembered<Kept>>, other: TreeHead, time: u64) {
    for size in other.size..=33 {
        let proof = roots(leaves(), &consistency_subtrees(other.size, size).expect("it is not smaller"));
        let head = TreeHead { size, root: root(&leaves()[..size as usize]) };
        let note = Checkpoint::new(ORIGIN, head).sign(&[&signer()]).expect("the key signs");
        let answer = witness.add_checkpoint(&AddCheckpoint { old_size: other.size, proof, note }, time);
        assert!(matches!(answer, Ok(Answer::Refused { .. })), "two histories of one log");
    }
}

/// A witness's memory as a file: what is read is what is written again.
pub fn witness_memory(data: &[u8]) {
    match MemoryFile::from_bytes(data) {
        Ok(memory) => {
            let again = MemoryFile::from_bytes(&memory.to_bytes());
            assert_eq!(again.as_ref(), Ok(&memory), "nothing is forgotten by writing it");
        }
        Err(error) => says(&error),
    }
}

fn witness_memory_seeds() -> Vec<Vec<u8>> {
    let mut memory = MemoryFile::new([5; 32]);
    let bare = memory.to_bytes();
    memory.pinned.insert(ORIGIN.into(), key());
    let note = Note::parse(cosigned().as_bytes()).expect("a note");
    let seen = bailee_audit::witness::Seen::from_note(note).expect("a checkpoint");
    memory.seen.insert(ORIGIN.into(), seen);
    memory.accused.push(ORIGIN.into());
    vec![bare, memory.to_bytes()]
}
