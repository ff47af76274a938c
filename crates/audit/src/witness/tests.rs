use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::cosignature::CosignerKey;
use crate::hash::leaf_hash;
use crate::key::{Ed25519Signer, KeyName};
use crate::proof::prove_consistency;
use crate::tile::TileId;
use crate::tree::{Edge, root_from_leaves};

const ORIGIN: &str = "locker.example/log/1";
const NOW: u64 = 1_800_000_000;

fn signer(seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::new(ORIGIN).expect("valid"), &[seed; 32]).expect("a seed")
}

fn cosigner() -> Cosigner {
    Cosigner::from_seed(KeyName::new("bank.example").expect("valid"), &[9; 32]).expect("a seed")
}

/// A log whose entries from `differs_from` on are another history's.
struct Log {
    leaves: Vec<Hash>,
    tiles: BTreeMap<TileId, Vec<u8>>,
}

impl Log {
    fn of(size: u64, history: u8, differs_from: u64) -> Self {
        let leaf = |index: u64| match index < differs_from {
            true => leaf_hash(&index.to_be_bytes()),
            false => leaf_hash(&[&index.to_be_bytes()[..], &[history]].concat()),
        };
        let leaves: Vec<Hash> = (0..size).map(leaf).collect();
        let (_, growth) = Edge::empty().append(leaves.iter().copied());
        Self { leaves, tiles: growth.tiles.into_iter().collect() }
    }

    fn head(&self, size: u64) -> TreeHead {
        TreeHead { size, root: root_from_leaves(&Edge::empty(), &self.leaves[..size as usize]) }
    }

    fn request(&self, old_size: u64, size: u64) -> AddCheckpoint {
        let proof = match old_size <= size {
            true => prove_consistency(old_size, size, &mut |id| Ok::<_, Infallible>(self.tiles[&id].clone()))
                .expect("in range"),
            false => Vec::new(),
        };
        let note = Checkpoint::new(ORIGIN, self.head(size)).sign(&[&signer(1)]).expect("signs");
        AddCheckpoint { old_size, proof, note }
    }
}

/// A memory in which a write can fail, before or after it is durable.
#[derive(Default)]
struct Disk {
    durable: BTreeMap<String, Seen>,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    Lost,
    WrittenButFailed,
    Unreadable,
}

impl Memory for Disk {
    type Error = &'static str;

    fn last(&mut self, origin: &str) -> Result<Option<Seen>, Self::Error> {
        match self.fault {
            Fault::Unreadable => Err("unreadable"),
            _ => Ok(self.durable.get(origin).cloned()),
        }
    }

    fn remember(&mut self, origin: &str, seen: &Seen) -> Result<(), Self::Error> {
        if self.fault != Fault::Lost {
            self.durable.insert(origin.to_owned(), seen.clone());
        }
        match self.fault {
            Fault::None => Ok(()),
            _ => Err("the disk is gone"),
        }
    }

    fn succeed(&mut self, _: &VerifyingKey, _: &VerifyingKey) -> Result<(), Self::Error> {
        if self.fault == Fault::None { Ok(()) } else { Err("the disk is gone") }
    }
}

fn witness() -> Witness<Disk> {
    let mut witness = Witness::new(cosigner(), Disk::default());
    witness.watch(signer(1).verifying_key().clone());
    witness
}

fn refused(witness: &mut Witness<Disk>, request: &AddCheckpoint) -> (Refusal, Option<Misconduct>) {
    match witness.add_checkpoint(request, NOW).expect("the memory works") {
        Answer::Refused { refusal, misconduct, .. } => (refusal, misconduct),
        Answer::Cosigned { .. } => panic!("cosigned"),
    }
}

#[test]
fn a_log_that_only_grows_is_cosigned_again_and_again() {
    let (log, mut witness) = (Log::of(600, 0, 600), witness());
    let key: CosignerKey = witness.cosigner().key().clone();
    let mut old = 0;
    for size in [0, 1, 7, 7, 256, 257, 600] {
        let answer = witness.add_checkpoint(&log.request(old, size), NOW + size).expect("the memory works");
        let Answer::Cosigned { seen, line } = answer else { panic!("refused at {size}") };
        assert_eq!(seen.head(), log.head(size));
        assert_eq!(key.time_of(seen.note().text(), &line), Ok(NOW + size));
        assert_eq!(key.cosigned(seen.note()), Ok(Some(NOW + size)), "what is remembered is cosigned");
        assert!(seen.note().verify(signer(1).verifying_key()).is_ok());
        old = size;
    }
}

#[test]
fn every_refusal_has_its_status_and_says_what_it_means() {
    let (log, other) = (Log::of(20, 0, 20), Log::of(20, 1, 5));
    let mut witness = witness();
    assert!(matches!(witness.add_checkpoint(&log.request(0, 10), NOW), Ok(Answer::Cosigned { .. })));

    let (fork, shrink, gap) = (Some(Misconduct::Fork), Some(Misconduct::Shrink), Some(Misconduct::Gap));
    let changed_root = |request: AddCheckpoint| AddCheckpoint { proof: vec![Hash::EMPTY_TREE; 3], ..request };
    for (request, expected, status) in [
        (log.request(0, 12), (Refusal::WrongOldSize { have: 10 }, None), 409),
        (log.request(12, 15), (Refusal::WrongOldSize { have: 10 }, None), 409),
        (log.request(5, 7), (Refusal::WrongOldSize { have: 10 }, shrink), 409),
        (log.request(10, 7), (Refusal::OldAboveNew, shrink), 400),
        (other.request(10, 10), (Refusal::Fork { have: 10 }, fork), 409),
        (other.request(3, 10), (Refusal::WrongOldSize { have: 10 }, fork), 409),
        (other.request(10, 15), (Refusal::WrongProof, gap), 422),
        (changed_root(log.request(10, 15)), (Refusal::WrongProof, gap), 422),
        (changed_root(log.request(10, 10)), (Refusal::WrongProof, gap), 422),
    ] {
        let found = refused(&mut witness, &request);
        assert_eq!((found, found.0.http_status()), (expected, status));
    }
    assert!(matches!(witness.add_checkpoint(&log.request(10, 20), NOW), Ok(Answer::Cosigned { .. })));
}

#[test]
fn only_the_keys_it_was_told_count() {
    let (log, mut witness) = (Log::of(5, 0, 5), witness());
    let of = |signers: &[&dyn crate::key::Signer], origin: &str| AddCheckpoint {
        old_size: 0,
        proof: Vec::new(),
        note: Checkpoint::new(origin, log.head(5)).sign(signers).expect("signs"),
    };
    assert_eq!(refused(&mut witness, &of(&[&signer(2)], ORIGIN)).0, Refusal::NotSigned);
    assert_eq!(refused(&mut witness, &of(&[&signer(1)], "other.example")).0, Refusal::UnknownOrigin);
    assert_eq!(Refusal::UnknownOrigin.http_status(), 404);
    assert_eq!(Refusal::NotSigned.http_status(), 403);
    let mut spoilt = of(&[&signer(1)], ORIGIN);
    let mut line = spoilt.note.signatures()[0].clone();
    line.signature[5] ^= 1;
    spoilt.note.add(line).expect("room");
    assert_eq!(refused(&mut witness, &spoilt).0, Refusal::NotSigned, "one wrong line spoils the note");
    let nonsense = AddCheckpoint { note: note_of(&format!("{ORIGIN}\nx\n")), ..of(&[&signer(1)], ORIGIN) };
    assert_eq!(refused(&mut witness, &nonsense).0, Refusal::Malformed);

    let both = of(&[&signer(2), &signer(1)], ORIGIN);
    let Ok(Answer::Cosigned { seen, .. }) = witness.add_checkpoint(&both, NOW) else { panic!("refused") };
    assert_eq!(seen.note().signatures().len(), 2, "the stranger's line is not kept");
}

fn note_of(text: &str) -> Note {
    let mut note = Note::new(text.to_owned()).expect("plain");
    note.sign(&signer(1)).expect("signs");
    note
}

#[test]
fn an_empty_log_has_the_empty_root() {
    let mut witness = witness();
    let note = Checkpoint::new(ORIGIN, TreeHead { size: 0, root: leaf_hash(b"x") }).sign(&[&signer(1)]);
    let request = AddCheckpoint { old_size: 0, proof: Vec::new(), note: note.expect("signs") };
    assert_eq!(refused(&mut witness, &request), (Refusal::WrongProof, None));
}

#[test]
fn a_memory_that_fails_cosigns_nothing() {
    let log = Log::of(20, 0, 20);
    for fault in [Fault::Lost, Fault::WrittenButFailed, Fault::Unreadable] {
        let mut witness = witness();
        assert!(witness.add_checkpoint(&log.request(0, 5), NOW).is_ok());
        witness.memory().fault = fault;
        assert!(witness.add_checkpoint(&log.request(5, 9), NOW).is_err(), "{fault:?}");
        witness.memory().fault = Fault::None;
        // Whatever became durable, the log is told where to go on from, and goes on.
        let have = match witness.add_checkpoint(&log.request(5, 12), NOW).expect("works again") {
            Answer::Cosigned { seen, .. } => seen.head().size,
            Answer::Refused { refusal: Refusal::WrongOldSize { have }, misconduct: None, .. } => have,
            Answer::Refused { refusal, .. } => panic!("{refusal}"),
        };
        let answer = witness.add_checkpoint(&log.request(have, 20), NOW);
        assert!(matches!(answer, Ok(Answer::Cosigned { .. })), "{fault:?}");
    }
}

#[derive(Clone, Debug)]
struct Step {
    history: u8,
    old: Option<u64>,
    size: u64,
    fault: u8,
    restart: bool,
}

fn step() -> impl Strategy<Value = Step> {
    (0..3_u8, proptest::option::of(0..40_u64), 0..40_u64, 0..6_u8, any::<bool>())
        .prop_map(|(history, old, size, fault, restart)| Step { history, old, size, fault, restart })
}

proptest! {
    /// Whatever logs ask and disks do, all that a witness ever cosigned is one history.
    #[test]
    fn a_witness_never_cosigns_two_histories(steps in proptest::collection::vec(step(), 1..30)) {
        let logs = [Log::of(40, 0, 40), Log::of(40, 1, 11), Log::of(40, 2, 0)];
        let mut witness = witness();
        let mut cosigned: BTreeMap<u64, Hash> = BTreeMap::new();
        for Step { history, old, size, fault, restart } in steps {
            let log = &logs[usize::from(history)];
            let last = witness.memory().durable.get(ORIGIN).map_or(0, |seen| seen.head().size);
            witness.memory().fault = match fault {
                0 => Fault::Lost,
                1 => Fault::WrittenButFailed,
                2 => Fault::Unreadable,
                _ => Fault::None,
            };
            let request = log.request(old.unwrap_or(last), size);
            if let Ok(Answer::Cosigned { seen, .. }) = witness.add_checkpoint(&request, NOW) {
                let head = seen.head();
                prop_assert_eq!(head.root, log.head(size).root);
                prop_assert!(cosigned.insert(head.size, head.root).is_none_or(|root| root == head.root));
                prop_assert!(cosigned.keys().next_back() == Some(&head.size), "never back");
                for (size, root) in &cosigned {
                    prop_assert_eq!(*root, log.head(*size).root, "all of it is this history");
                }
            }
            if restart {
                let durable = std::mem::take(&mut witness.memory().durable);
                witness = Witness::new(cosigner(), Disk { durable, fault: Fault::None });
                witness.watch(signer(1).verifying_key().clone());
            }
        }
    }
}
