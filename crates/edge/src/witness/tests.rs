use std::collections::BTreeMap;
use std::convert::Infallible;

use bailee_audit::key::{Ed25519Signer, Signer};
use bailee_audit::proof::prove_consistency;
use bailee_audit::tile::TileId;
use bailee_audit::{
    Checkpoint, CosignerKey, Edge, HandOver, Hash as Root, Note, TreeHead, leaf_hash, root_from_leaves,
};
use bailee_vault::kek::FileKek;

use super::*;

const BANK: BankId = BankId::from_bytes([3; 16]);
const NOW: WallTime = WallTime::from_unix_ms(1_800_000_000_000);

/// A platform's log, of one of two histories.
struct Log {
    signer: Ed25519Signer,
    leaves: Vec<Root>,
    tiles: BTreeMap<TileId, Vec<u8>>,
}

impl Log {
    fn of(history: &str) -> Self {
        let name = KeyName::new("bailee/org_1").expect("valid");
        let leaf = |index: u64| match index < 10 {
            true => leaf_hash(&index.to_be_bytes()),
            false => leaf_hash(format!("{history} {index}").as_bytes()),
        };
        let leaves: Vec<Root> = (0..300).map(leaf).collect();
        let (_, growth) = Edge::empty().append(leaves.iter().copied());
        let signer = Ed25519Signer::from_seed(name, &[1; 32]).expect("a seed");
        Self { signer, leaves, tiles: growth.tiles.into_iter().collect() }
    }

    fn key(&self) -> String {
        self.signer.verifying_key().to_string()
    }

    fn asks(&self, old: u64, size: u64) -> Cosign {
        let root = root_from_leaves(&Edge::empty(), &self.leaves[..size as usize]);
        let note =
            Checkpoint::new(self.signer.name().as_str(), TreeHead { size, root }).sign(&[&self.signer]);
        let proof = match old <= size {
            true => prove_consistency(old, size, &mut |id| Ok::<_, Infallible>(self.tiles[&id].clone())),
            false => Ok(Vec::new()),
        };
        let request =
            AddCheckpoint { old_size: old, proof: proof.expect("in range"), note: note.expect("signs") };
        Cosign { size, log_key: self.key(), request: request.to_string().into_bytes() }
    }
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    FileKek::create(&dir.path().join("kek"), &mut OsRandom).expect("a key");
    dir
}

fn ask(witness: &mut BankWitness, asked: &Cosign) -> (Witnessed, Option<Accusation>) {
    let mut alarm = None;
    let answer = witness.answer(asked, NOW, |accusation| alarm = Some(accusation));
    (answer, alarm)
}

fn cosigned(witness: &mut BankWitness, asked: &Cosign) -> CosignerKey {
    let (answer, alarm) = ask(witness, asked);
    assert_eq!((answer.status, alarm), (200, None));
    let key: CosignerKey = witness.key().parse().expect("a key");
    let request = AddCheckpoint::parse(&asked.request).expect("a request");
    let whole = format!("{}{}", request.note, String::from_utf8(answer.body).expect("text"));
    let note = Note::parse(whole.as_bytes()).expect("a note");
    assert_eq!(key.cosigned(&note), Ok(Some(1_800_000_000)));
    key
}

#[test]
fn a_bank_remembers_across_restarts_and_its_key_with_it() {
    let (dir, log) = (folder(), Log::of("true"));
    let mut witness = BankWitness::open(dir.path(), BANK).expect("opens");
    let key = cosigned(&mut witness, &log.asks(0, 20));
    let mut witness = BankWitness::open(dir.path(), BANK).expect("opens again");
    assert_eq!(witness.key(), key.to_string());
    let (answer, alarm) = ask(&mut witness, &log.asks(0, 30));
    assert_eq!((answer.status, answer.body, alarm), (409, b"20\n".to_vec(), None));
    cosigned(&mut witness, &log.asks(20, 30));
    let text = std::fs::read_to_string(dir.path().join("witness")).expect("there");
    assert!(!text.contains("bailee-witness"), "it is sealed");
}

#[test]
fn a_rewritten_log_is_refused_alarmed_once_and_its_evidence_kept() {
    let (dir, log, rewritten) = (folder(), Log::of("true"), Log::of("rewritten"));
    let mut witness = BankWitness::open(dir.path(), BANK).expect("opens");
    cosigned(&mut witness, &log.asks(0, 20));

    let (answer, alarm) = ask(&mut witness, &rewritten.asks(20, 25));
    assert_eq!((answer.status, answer.misconduct), (422, Some(Misconduct::Gap)));
    let accusation = alarm.expect("an alarm");
    assert_eq!((accusation.misconduct, accusation.size), (Misconduct::Gap, 25));
    assert_eq!(witness.vouching(), Vouching::Refuses);
    let (again, alarm) = ask(&mut witness, &rewritten.asks(20, 20));
    assert_eq!((again.misconduct, alarm), (Some(Misconduct::Fork), None), "one alarm is enough");
    let mut witness = BankWitness::open(dir.path(), BANK).expect("opens again");
    assert_eq!(witness.vouching(), Vouching::Refuses, "also after a restart");
    let (older, alarm) = ask(&mut witness, &log.asks(12, 12));
    assert_eq!((older.misconduct, alarm), (Some(Misconduct::Shrink), None), "also after a restart");

    let mut files: Vec<String> = std::fs::read_dir(dir.path().join(EVIDENCE))
        .expect("there")
        .map(|file| file.expect("readable").file_name().into_string().expect("text"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 6);
    assert!(files[0].starts_with("fork-20-") && files[0].ends_with(".kept.note"), "{files:?}");
    let read = |name: &str| std::fs::read(dir.path().join(EVIDENCE).join(name)).expect("there");
    for note in files.iter().map(|name| read(name)) {
        assert!(Checkpoint::open(&note, log.signer.verifying_key()).is_ok(), "signed by the log itself");
    }
    assert_eq!(answer.kept, read(&files[0]), "what it had cosigned goes up too");

    cosigned(&mut witness, &log.asks(20, 40));
    assert_eq!(witness.vouching(), Vouching::Vouches);
    let (_, alarm) = ask(&mut witness, &rewritten.asks(40, 40));
    assert!(alarm.is_some(), "once it was put right, a new one counts");
}

#[test]
fn the_first_key_of_the_log_stays() {
    let (dir, log) = (folder(), Log::of("true"));
    let mut witness = BankWitness::open(dir.path(), BANK).expect("opens");
    witness.pin(&log.key()).expect("a key");
    let stranger = Ed25519Signer::from_seed(log.signer.name().clone(), &[2; 32]).expect("a seed");
    let mut other = Log::of("true");
    other.signer = stranger;
    let (answer, alarm) = ask(&mut witness, &other.asks(0, 20));
    assert_eq!((answer.status, alarm), (403, None));
    cosigned(&mut witness, &log.asks(0, 20));
}

#[test]
fn nonsense_and_a_folder_that_fails_are_answered_without_a_cosignature() {
    let (dir, log) = (folder(), Log::of("true"));
    let mut witness = BankWitness::open(dir.path(), BANK).expect("opens");
    cosigned(&mut witness, &log.asks(0, 20));
    let nonsense = Cosign { request: b"old x\n".to_vec(), ..log.asks(0, 20) };
    assert_eq!(ask(&mut witness, &nonsense).0.status, 400);
    let no_key = Cosign { log_key: "x".to_owned(), ..log.asks(20, 30) };
    assert_eq!(ask(&mut witness, &no_key).0.status, 500);

    // A folder in the place of the file that is written beside.
    std::fs::create_dir(dir.path().join("witness.new")).expect("made");
    assert_eq!(ask(&mut witness, &log.asks(20, 30)).0.status, 500);
    std::fs::remove_dir(dir.path().join("witness.new")).expect("removed");
    cosigned(&mut witness, &log.asks(20, 30));
    std::fs::write(dir.path().join("witness"), b"{}").expect("written");
    assert!(BankWitness::open(dir.path(), BANK).is_err(), "damage is no new beginning");
}

#[test]
fn evidence_is_bounded() {
    let (dir, log, rewritten) = (folder(), Log::of("true"), Log::of("rewritten"));
    let mut witness = BankWitness::open(dir.path(), BANK).expect("opens");
    cosigned(&mut witness, &log.asks(0, 20));
    for size in 21..80 {
        assert_eq!(ask(&mut witness, &rewritten.asks(20, size)).0.status, 422);
    }
    assert_eq!(std::fs::read_dir(dir.path().join(EVIDENCE)).expect("there").count(), MAX_EVIDENCE);
}

#[test]
fn a_new_key_is_learnt_from_the_old_ones_word_alone() {
    let (dir, mut log) = (folder(), Log::of("true"));
    let mut witness = BankWitness::open(dir.path(), BANK).expect("opens");
    cosigned(&mut witness, &log.asks(0, 20));
    let old = std::mem::replace(
        &mut log.signer,
        Ed25519Signer::from_seed(KeyName::new("bailee/org_1").expect("valid"), &[2; 32]).expect("a seed"),
    );
    let stranger = log.asks(20, 25);
    assert_eq!(ask(&mut witness, &stranger).0.status, 403, "the platform's word is not enough");
    let root = root_from_leaves(&Edge::empty(), &log.leaves[..20]);
    let (new, head) = (&log.signer, TreeHead { size: 20, root });
    let both = ((&old as &dyn Signer, old.verifying_key()), (new as &dyn Signer, new.verifying_key()));
    let line = HandOver::sign(both.0, both.1, head, 1_800_000_000).expect("signs").line();
    let mut named = log.asks(20, 25);
    named.request.extend(format!("{line}\n").into_bytes());
    cosigned(&mut witness, &named);
    let mut witness = BankWitness::open(dir.path(), BANK).expect("opens again");
    cosigned(&mut witness, &log.asks(25, 30));
    log.signer = old;
    assert_eq!(ask(&mut witness, &log.asks(30, 35)).0.status, 403, "the old key is believed no more");
}
