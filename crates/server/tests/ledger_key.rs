//! Handing the log over to a new key: who knew the old one goes on, nobody else's key is believed, and a stop at any
//! write leaves one key that signs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use bailee_audit::key::{Ed25519Signer, KeyName};
use bailee_audit::verify::DirSource;
use bailee_audit::witness::{AddCheckpoint, Answer, MemoryFileError, Remembered, Slot, Witness};
use bailee_audit::{Checkpoint, Cosigner, Note, Report, TlogProof, VerifyingKey, leaf_hash, verify_log};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::time::WallTime;
use bailee_ledger::disk::{MemoryDisk, Trouble, Unsynced};
use bailee_server::app::install::{self, InstallError, LedgerDisk, Names, Outside};
use bailee_server::app::{App, AppError, Change, Refused, TestClock, ledger_key, receipts, witnesses};
use bailee_server::ledger::check::check;
use bailee_server::params;
use bailee_server::store::{Db, DbConfig};
use bailee_vault::Secret;
use bailee_vault::kek::MemoryKek;
use bailee_vault::stretch::Cost;
use bailee_wire::event::{Leaf, decode};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

const START: WallTime = WallTime::from_unix_ms(1_800_000_000_000);

/// What outlives a process: store, key file and disk.
struct House {
    db: Db,
    kek: MemoryKek,
    disk: MemoryDisk,
    starts: u64,
}

impl House {
    async fn new() -> (Self, App) {
        let db = Db::open(&DbConfig::memory()).await.unwrap();
        let kek = MemoryKek::from_key(&Secret::new([7; 32]));
        let mut house = Self { db, kek, disk: MemoryDisk::default(), starts: 0 };
        let app = house.open().await.unwrap();
        say(&app, 5).await;
        (house, app)
    }

    async fn open(&mut self) -> Result<App, InstallError> {
        self.starts += 1;
        let outside = Outside {
            clock: Box::new(Arc::new(TestClock::at(START))),
            rng: Box::new(ChaCha20Rng::seed_from_u64(self.starts)),
            cost: Cost::SIMULATION,
            ledger: LedgerDisk::Own(Box::new(self.disk.clone())),
        };
        let names = Names { org: "Oak Court".into(), site: "Oak Court".into() };
        install::open_or_create(self.db.clone(), &self.kek, outside, &names).await
    }

    async fn roll(&mut self, app: App) -> (App, VerifyingKey, VerifyingKey) {
        let (old, new) = ledger_key::begin(&app, &self.kek, "as every year").await.unwrap();
        drop(app);
        (self.open().await.unwrap(), old, new)
    }

    /// Everything the platform stores agrees, whichever key signs by now.
    async fn is_sound(&self) {
        let known = install::look(&self.db, &self.kek).await.unwrap().unwrap();
        let keys: Vec<_> = std::iter::once(known.key.verifying).chain(known.key.earlier).collect();
        let disk = Box::new(self.disk.image());
        let report = check(&self.db, (&known.log, &known.org), &keys, disk, &[], &mut |_, _| ()).await;
        assert_eq!(report.unwrap().findings.told, []);
    }

    async fn seeds(&self) -> u64 {
        let sql = "SELECT COUNT(*) AS many FROM stored_key WHERE purpose = 'log'";
        let row = self.db.read(async move |tx| tx.query_one(sql, params![]).await).await.unwrap();
        row.get("many").unwrap()
    }
}

/// Events, as leaves of the log.
async fn say(app: &App, events: u32) {
    let said = app.change(Actor::Platform, async move |change: &Change| {
        for _ in 0..events {
            change.event(PlatformEventKind::SignInRefused).await?;
        }
        Ok::<_, AppError>(())
    });
    said.await.unwrap();
    install::sequencer(app).run_once(START.unix_ms()).await.unwrap();
}

/// The whole log checked with nothing but that key, and the places of its hand-overs.
async fn verified(app: &App, key: &VerifyingKey) -> (Report, Vec<u64>) {
    let dir = tempfile::tempdir().unwrap();
    app.ledger().reader().export(dir.path()).await.unwrap();
    let mut rolled = Vec::new();
    let mut visitor = |index: u64, entry: &[u8]| {
        let Ok(Leaf::Platform { event, .. }) = decode(entry) else { return Err("no event".to_owned()) };
        if let PlatformEventKind::LedgerKeyRolled { hand_over, .. } = &event.kind {
            assert!(ledger_key::hand_over(key.name(), hand_over).is_sound());
            assert!(hand_over.size <= index, "it names a tree before its own entry");
            rolled.push(index);
        }
        Ok(())
    };
    let report = verify_log(&mut DirSource::new(dir.path()), key, &mut visitor).unwrap();
    (report, rolled)
}

#[tokio::test]
async fn who_knows_the_old_key_follows_it_and_nobody_follows_another() {
    let (mut house, app) = House::new().await;
    let receipt = receipts::proof_of_event(&app, 1).await.unwrap().unwrap();
    let (app, old, new) = house.roll(app).await;
    assert_ne!(old, new);
    assert_eq!(install::log_key(&app).unwrap().verifying, new);
    assert_eq!(house.seeds().await, 1, "the old key is gone");
    let (report, rolled) = verified(&app, &old).await;
    assert_eq!((report.handed_over.len(), rolled.len(), report.signatures), (1, 1, 1));
    assert_eq!((report.handed_over[0].new.clone(), report.handed_over[0].time), (new.clone(), 1_800_000_000));
    assert_eq!(verified(&app, &new).await.0.handed_over, []);
    house.is_sound().await;

    let note = app.ledger().reader().checkpoint().await.unwrap();
    let bare: String = note.lines().take(5).map(|line| format!("{line}\n")).collect();
    assert!(Checkpoint::open(bare.as_bytes(), &new).is_ok(), "{bare}");
    assert!(Checkpoint::open(bare.as_bytes(), &old).is_err(), "without the hand-over it is a stranger's");

    let proof = TlogProof::parse(receipt.as_bytes()).unwrap();
    let leaf = leaf_hash(proof.extra.as_deref().unwrap());
    assert!(proof.verify(leaf, &old).is_ok(), "a receipt from before");
    say(&app, 3).await;
    let receipt = receipts::proof_of_event(&app, 2).await.unwrap().unwrap();
    let proof = TlogProof::parse(receipt.as_bytes()).unwrap();
    let leaf = leaf_hash(proof.extra.as_deref().unwrap());
    assert_eq!(proof.verify(leaf, &old).unwrap().handed_over.len(), 1, "a receipt from after");
}

#[tokio::test]
async fn a_log_is_handed_over_again_and_again() {
    let (mut house, mut app) = House::new().await;
    let first = install::log_key(&app).unwrap().verifying;
    for times in 1..=3 {
        (app, _, _) = house.roll(app).await;
        say(&app, 2).await;
        let (report, rolled) = verified(&app, &first).await;
        assert_eq!((report.handed_over.len(), rolled.len()), (times, times));
        house.is_sound().await;
    }
    drop(app);
    let app = house.open().await.unwrap();
    assert_eq!(verified(&app, &first).await.0.handed_over.len(), 3, "a start changes nothing");
}

#[tokio::test]
async fn a_hand_over_has_a_reason() {
    let (house, app) = House::new().await;
    let refused = ledger_key::begin(&app, &house.kek, "  ").await;
    assert!(matches!(refused, Err(AppError::Refused(Refused::Invalid(_)))));
    assert_eq!(house.seeds().await, 1);
}

#[tokio::test]
async fn a_stop_at_any_write_leaves_one_key_that_signs() {
    for (unsynced, written) in [(Unsynced::Kept, 40), (Unsynced::Lost, 0), (Unsynced::Mixed(9), 600)] {
        for step in 0.. {
            let (mut house, app) = House::new().await;
            let (old, new) = ledger_key::begin(&app, &house.kek, "stolen").await.unwrap();
            drop(app);
            house.is_sound().await;
            house.disk.plan(house.disk.steps() + step, Trouble::PowerCut { written });
            let opened = house.open().await;
            house.disk.forget_plans();
            if opened.is_ok() {
                assert!(step > 5, "the log was written to under both keys: {step}");
                break;
            }
            house.disk.power_on(unsynced);
            house.is_sound().await;
            let app = house.open().await.unwrap();
            assert_eq!(install::log_key(&app).unwrap().verifying, new, "cut {step}");
            assert_eq!(house.seeds().await, 1, "cut {step}");
            let (report, rolled) = verified(&app, &old).await;
            assert_eq!((report.handed_over.len(), rolled.len()), (1, 1), "cut {step}");
            house.is_sound().await;
        }
    }
}

/// A witness's memory that lives as long as the test.
#[derive(Clone, Default)]
struct Place(Arc<std::sync::Mutex<Option<Vec<u8>>>>);

impl Slot for Place {
    type Error = MemoryFileError;

    fn read(&mut self) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        *self.0.lock().unwrap() = Some(bytes.to_vec());
        Ok(())
    }
}

fn witness(place: &Place, told: &VerifyingKey) -> Witness<Remembered<Place>> {
    let mut memory = Remembered::open(place.clone(), || [4; 32]).unwrap();
    let believed = memory.now().unwrap().newest(told);
    let name = KeyName::new("witness.example").unwrap();
    let mut witness = Witness::new(Cosigner::from_seed(name, &[4; 32]).unwrap(), memory);
    witness.watch(believed);
    witness
}

async fn asks(app: &App, witness: &mut Witness<Remembered<Place>>, old_size: u64) -> (Answer, u64) {
    let checkpoint = witnesses::published(app).await.unwrap();
    let size = app.ledger().reader().head().await.unwrap().size;
    let proof = app.ledger().reader().consistency_proof(old_size, size).await.unwrap();
    let note = Note::parse(checkpoint.as_bytes()).unwrap();
    (witness.add_checkpoint(&AddCheckpoint { old_size, proof, note }, 1_800_000_000).unwrap(), size)
}

#[tokio::test]
async fn a_witness_goes_on_across_a_hand_over_and_then_believes_the_new_key_alone() {
    let (mut house, app) = House::new().await;
    let old = install::log_key(&app).unwrap();
    let place = Place::default();
    let mut one = witness(&place, &old.verifying);
    let (answer, size) = asks(&app, &mut one, 0).await;
    assert!(matches!(answer, Answer::Cosigned { .. }));
    let (app, _, _) = house.roll(app).await;
    let (answer, size) = asks(&app, &mut one, size).await;
    assert!(matches!(answer, Answer::Cosigned { .. }), "{answer:?}");
    // Told the old key again at its next start, it knows better; the old key signs nothing for it any more.
    let mut again = witness(&place, &old.verifying);
    say(&app, 4).await;
    let head = app.ledger().reader().head().await.unwrap();
    let note = Checkpoint::new(old.verifying.name().as_str(), head).sign(&[old.signer.as_ref()]).unwrap();
    let proof = app.ledger().reader().consistency_proof(size, head.size).await.unwrap();
    let stolen = AddCheckpoint { old_size: size, proof, note };
    assert!(matches!(again.add_checkpoint(&stolen, 1_800_000_000).unwrap(), Answer::Refused { .. }));
    assert!(matches!(asks(&app, &mut again, size).await.0, Answer::Cosigned { .. }));
    let thief = Ed25519Signer::from_seed(old.verifying.name().clone(), &[66; 32]).unwrap();
    let note = Checkpoint::new(old.verifying.name().as_str(), head).sign(&[&thief]).unwrap();
    let proof = Vec::new();
    let unnamed = AddCheckpoint { old_size: head.size, proof, note };
    assert!(matches!(again.add_checkpoint(&unnamed, 1_800_000_000).unwrap(), Answer::Refused { .. }));
}
