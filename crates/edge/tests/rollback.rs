//! The controller with a store of boot tags: the power fails at every write to the journal and every call of the
//! store, and older disks are put back.

#![expect(clippy::unwrap_used, reason = "helpers of a test may fail it")]

use bailee_domain::bank::io::Record;
use bailee_domain::bank::io::{Input, Request, TokenClaims};
use bailee_domain::bank::screen::Notice;
use bailee_domain::boot_tag::Freshness;
use bailee_domain::compartment::{Compartment, CompartmentNo, Layout, Reach, Sensed, Size, Wiring};
use bailee_domain::event::{Deposit, Event, EventKind};
use bailee_domain::grant::{GrantState, Verifier};
use bailee_domain::id::{BankId, CarrierId, CommandId, GrantId, ParcelId, PersonId};
use bailee_domain::time::{MonoTime, Now, TimeQuality, WallTime};
use bailee_edge::backlog::Identity;
use bailee_edge::controller::{Controller, Effect};
use bailee_edge::journal::{Journal, JournalId, MemoryDisk, SealKey, Trouble, Unsynced};
use bailee_edge::rollback::{MemoryTags, TagTrouble};
use bailee_vault::Secret;
use bailee_vault::sign::SigningKey;
use bailee_wire::event::NO_EVENT;
use bailee_wire::record::{Place, encode};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

const BANK: BankId = BankId::from_bytes([1; 16]);
const GRANT: GrantId = GrantId::from_bytes([6; 16]);
const PERSON: PersonId = PersonId::from_bytes([2; 16]);
const DOOR: CompartmentNo = CompartmentNo(1);
const LATER: WallTime = WallTime::from_unix_ms(1_800_500_000_000);

type Bank = Controller<MemoryDisk, ChaCha12Rng>;

fn at(ms: u64) -> Now {
    let wall = WallTime::from_unix_ms(1_800_000_000_000).plus_ms(ms.cast_signed());
    Now { mono: MonoTime::from_ms(ms), wall, quality: TimeQuality::Trusted }
}

fn layout() -> Layout {
    let wiring = Wiring { board: 1, channel: 1 };
    let (size, reach) = (Size::Small, Reach::Standard);
    Layout::new(vec![Compartment { number: DOOR, size, reach, wiring, column: 1, row: 0, height: 1 }])
        .unwrap()
}

type Entries = Vec<(u64, Vec<u8>)>;

fn journal(disk: &MemoryDisk) -> Option<(Journal<MemoryDisk, ChaCha12Rng>, Entries)> {
    let rng = ChaCha12Rng::seed_from_u64(disk.steps());
    let (journal, recovered) =
        Journal::open(disk.clone(), SealKey::new([9; 32]), JournalId(BANK.to_bytes()), rng).ok()?;
    Some((journal, recovered.entries.into_iter().map(|entry| (entry.index, entry.payload)).collect()))
}

/// A disk with a parcel in the one compartment, whose code is out.
fn loaded() -> MemoryDisk {
    let disk = MemoryDisk::default();
    let (mut journal, _) = journal(&disk).unwrap();
    let deposit = Deposit {
        parcel: ParcelId::from_bytes([5; 16]),
        grant: GRANT,
        compartment: DOOR,
        recipient: PERSON,
        courier: PersonId::from_bytes([3; 16]),
        carrier: CarrierId::from_bytes([4; 16]),
        size: Size::Small,
        expires: LATER,
    };
    let (quality, kind) = (TimeQuality::Trusted, EventKind::ParcelDeposited(deposit));
    let event = Record::Event(Event { seq: 1, at: at(0).wall, quality, kind });
    let verifier = Verifier { salt: [0; 16], mac: [7; 32] };
    let armed = Record::Armed { grant: GRANT, generation: 1, verifier, expires: LATER };
    let place = Place { bank: BANK, prev: NO_EVENT };
    journal.append(&[encode(&event, place), encode(&armed, place)]).unwrap();
    disk
}

fn start(disk: &MemoryDisk, tags: Option<&MemoryTags>) -> Option<Bank> {
    let (journal, entries) = journal(disk)?;
    let identity =
        Identity { bank: BANK, device: SigningKey::from_seed(&Secret::new([8; 32])), layout: layout() };
    let rng = Box::new(ChaCha12Rng::seed_from_u64(1_000 + disk.steps()));
    let mut starting = Controller::recover(identity, journal, entries, rng).unwrap();
    if let Some(tags) = tags {
        starting = starting.guarded_by(Box::new(tags.clone()));
    }
    let (mut bank, _) = starting.begin(at(1_000));
    bank.handle(Input::Door { compartment: DOOR, sensed: Sensed::Closed }, at(1_001));
    Some(bank)
}

/// Shows the code; whether the lock moved. The door is seen open and closed again.
fn collect(bank: &mut Bank, ms: u64) -> bool {
    let not_before = at(0).wall;
    let claims = TokenClaims { this_bank: true, grant: GRANT, generation: 1, not_before, expires: LATER };
    let effects = bank.handle(Input::Token(Ok(claims)), at(ms));
    let moved = effects.iter().any(|effect| matches!(effect, Effect::Unlock { .. }));
    if moved {
        bank.handle(Input::Door { compartment: DOOR, sensed: Sensed::Open }, at(ms + 10));
        bank.handle(Input::Door { compartment: DOOR, sensed: Sensed::Closed }, at(ms + 20));
    }
    moved
}

fn resynchronise(bank: &mut Bank, ms: u64) {
    let (command, deadline) = (CommandId::from_bytes([9; 16]), LATER);
    bank.handle(
        Input::Platform { command, deadline, request: Request::Resynchronise { by: PERSON } },
        at(ms),
    );
}

#[test]
fn the_power_fails_at_every_write_of_a_start_and_the_next_start_serves() {
    let disk = loaded();
    let first = disk.steps();
    start(&disk, Some(&MemoryTags::default())).unwrap();
    let last = disk.steps();
    assert!(last > first + 4, "a start writes");
    for step in first..last {
        for trouble in
            [Trouble::PowerCut { written: 0 }, Trouble::PowerCut { written: 40 }, Trouble::PowerCutAfter]
        {
            for unsynced in [Unsynced::Kept, Unsynced::Lost] {
                let (disk, tags) = (loaded(), MemoryTags::default());
                disk.plan(step, trouble);
                drop(start(&disk, Some(&tags)));
                disk.power_on(unsynced);
                let mut bank = start(&disk, Some(&tags)).unwrap();
                assert_eq!(
                    bank.freshness(),
                    Some(Freshness::Fresh),
                    "step {step}, {trouble:?}, {unsynced:?}"
                );
                assert!(collect(&mut bank, 2_000), "step {step}, {trouble:?}, {unsynced:?}");
            }
        }
    }
}

#[test]
fn a_store_that_fails_once_is_tried_again_and_nothing_opens_until_then() {
    for call in 0..2 {
        for trouble in [TagTrouble::Silent, TagTrouble::SilentAfter] {
            let (disk, tags) = (loaded(), MemoryTags::default());
            tags.plan(call, trouble);
            let mut bank = start(&disk, Some(&tags)).unwrap();
            assert_ne!(bank.freshness(), Some(Freshness::Fresh), "call {call}, {trouble:?}");
            assert!(!collect(&mut bank, 2_000));
            assert_eq!(bank.view(at(2_001)).notice, Some(Notice::OutOfOrder));
            bank.handle(Input::Tick, at(6_100));
            assert_eq!(bank.freshness(), Some(Freshness::Fresh), "call {call}, {trouble:?}");
            assert!(collect(&mut bank, 20_000));
            drop(bank);
            let bank = start(&disk, Some(&tags)).unwrap();
            assert_eq!(bank.freshness(), Some(Freshness::Fresh), "and after another start");
        }
    }
}

#[test]
fn a_restored_disk_opens_nothing_until_the_platform_resynchronises_it() {
    let (disk, tags) = (loaded(), MemoryTags::default());
    drop(start(&disk, Some(&tags)).unwrap());
    let image = disk.image();
    let mut bank = start(&disk, Some(&tags)).unwrap();
    assert!(collect(&mut bank, 2_000));
    drop(bank);

    disk.restore(&image);
    for _ in 0..2 {
        let mut bank = start(&disk, Some(&tags)).unwrap();
        assert_eq!(bank.freshness(), Some(Freshness::Restored), "through every restart");
        assert!(!collect(&mut bank, 2_000), "the code was used already");
        assert_eq!(bank.view(at(2_001)).notice, Some(Notice::OutOfOrder), "the kiosk says so");
    }
    let mut bank = start(&disk, Some(&tags)).unwrap();
    resynchronise(&mut bank, 3_000);
    assert_eq!(bank.freshness(), Some(Freshness::Fresh));
    assert_eq!(bank.lasting().unwrap().grants[&GRANT].state, GrantState::Burnt);
    assert!(!collect(&mut bank, 20_000), "an old grant never opens again");
    drop(bank);
    let bank = start(&disk, Some(&tags)).unwrap();
    assert_eq!(bank.freshness(), Some(Freshness::Fresh), "the bank goes on with this disk");

    disk.restore(&image);
    let bank = start(&disk, Some(&tags)).unwrap();
    assert_eq!(bank.freshness(), Some(Freshness::Restored), "the same old disk once more");
}

#[test]
fn a_clone_is_shut_and_the_original_put_back_serves() {
    let (disk, tags) = (loaded(), MemoryTags::default());
    drop(start(&disk, Some(&tags)).unwrap());
    let clone = disk.image();
    drop(start(&disk, Some(&tags)).unwrap());
    let original = disk.image();
    disk.restore(&clone);
    assert_eq!(start(&disk, Some(&tags)).unwrap().freshness(), Some(Freshness::Restored));
    disk.restore(&original);
    let mut bank = start(&disk, Some(&tags)).unwrap();
    assert_eq!(bank.freshness(), Some(Freshness::Fresh));
    assert!(collect(&mut bank, 2_000));
}

#[test]
fn a_disk_moved_to_another_controller_is_shut_and_serves_at_home_again() {
    let (disk, tags) = (loaded(), MemoryTags::default());
    drop(start(&disk, Some(&tags)).unwrap());
    for elsewhere in [None, Some(&MemoryTags::default())] {
        let mut bank = start(&disk, elsewhere).unwrap();
        assert_eq!(bank.freshness(), Some(Freshness::Restored), "{elsewhere:?}");
        assert!(!collect(&mut bank, 2_000));
    }
    assert_eq!(start(&disk, Some(&tags)).unwrap().freshness(), Some(Freshness::Fresh));
}

#[test]
fn a_bank_that_loses_its_store_for_good_goes_on_without_one_when_resynchronised() {
    let (disk, tags) = (loaded(), MemoryTags::default());
    drop(start(&disk, Some(&tags)).unwrap());
    let mut bank = start(&disk, None).unwrap();
    resynchronise(&mut bank, 2_000);
    assert_eq!(bank.freshness(), Some(Freshness::Fresh));
    drop(bank);
    let bank = start(&disk, None).unwrap();
    assert_eq!((bank.freshness(), bank.has_tag_store()), (Some(Freshness::Fresh), false));
}
