//! A journal that does not grow with the years: shortened behind what the platform has confirmed, read back from
//! its snapshot, and large enough for the largest roster.

#![expect(clippy::unwrap_used, reason = "helpers of a test may fail it")]

use std::io;

use bailee_domain::bank::Lasting;
use bailee_domain::bank::io::{Answer, BoardHealth, Input, Request};
use bailee_domain::compartment::{
    Compartment, CompartmentNo, Layout, OutOfService, Reach, Service, Size, Wiring,
};
use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, CarrierId, CommandId, PersonId};
use bailee_domain::roster::{CourierPass, MAX_COURIERS, MAX_RECIPIENTS, Recipient, Roster};
use bailee_domain::time::{MonoTime, Now, TimeQuality, WallTime};
use bailee_edge::backlog::Identity;
use bailee_edge::controller::{CompactAfter, Controller, Effect, StartError, Starting};
use bailee_edge::journal::{Disk, Entry, EntryKind, FolderDisk, Journal, JournalId, MemoryDisk, SealKey};
use bailee_edge::uplink::EventSource;
use bailee_vault::Secret;
use bailee_vault::sign::SigningKey;
use bailee_wire::event::{Leaf, chain_hash, decode};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

const BANK: BankId = BankId::from_bytes([1; 16]);
const STAFF: PersonId = PersonId::from_bytes([2; 16]);

fn layout() -> Layout {
    let compartments = (1..=3).map(|n| Compartment {
        number: CompartmentNo(n),
        size: Size::Small,
        reach: Reach::Standard,
        wiring: Wiring { board: 1, channel: u8::try_from(n).unwrap() },
        column: n,
        row: 0,
        height: 1,
    });
    Layout::new(compartments.collect()).unwrap()
}

fn now() -> Now {
    Now {
        mono: MonoTime::from_ms(1_000),
        wall: WallTime::from_unix_ms(1_800_000_000_000),
        quality: TimeQuality::Trusted,
    }
}

type Opened<D> = (Result<Starting<D, ChaCha12Rng>, StartError>, Vec<Entry>);

/// Opens a journal as `bank`, and what it recovered.
fn open<D: Disk>(disk: D, bank: BankId, seed: u64) -> Opened<D> {
    let rng = || ChaCha12Rng::seed_from_u64(seed);
    let (journal, recovered) =
        Journal::open(disk, SealKey::new([9; 32]), JournalId(BANK.to_bytes()), rng()).unwrap();
    let identity = Identity { bank, device: SigningKey::from_seed(&Secret::new([8; 32])), layout: layout() };
    let entries = recovered.entries.iter().map(|entry| (entry.index, entry.payload.as_slice()));
    (Controller::recover(identity, journal, entries, Box::new(rng())), recovered.entries)
}

struct Bench<D> {
    controller: Controller<D, ChaCha12Rng>,
    now: Now,
}

impl<D: Disk> Bench<D> {
    fn start(disk: D, seed: u64, limit: CompactAfter) -> Self {
        let starting = open(disk, BANK, seed).0.unwrap();
        Self { controller: starting.compact_after(limit).begin(now()).0, now: now() }
    }

    fn ask(&mut self, request: Request) -> Option<Answer> {
        let (command, deadline) = (CommandId::from_bytes([5; 16]), self.now.wall.plus_ms(60_000));
        let effects = self.controller.handle(Input::Platform { command, deadline, request }, self.now);
        effects.into_iter().find_map(|effect| match effect {
            Effect::Reply { answer, .. } => Some(answer),
            _ => None,
        })
    }

    /// One event.
    fn event(&mut self, out: bool) {
        let service = if out { Service::Out(OutOfService::ByHand) } else { Service::In };
        let request = Request::SetService { compartment: CompartmentNo(1), service, by: STAFF };
        assert_eq!(self.ask(request), Some(Answer::Done));
    }

    fn confirm(&mut self) {
        let up_to = self.lasting().seq;
        self.controller.handle(Input::Acknowledged { up_to }, self.now);
    }

    fn lasting(&self) -> Lasting {
        self.controller.lasting().unwrap().clone()
    }

    fn waiting(&self) -> Vec<(u64, Vec<u8>)> {
        let backlog = self.controller.backlog();
        let mut backlog = backlog.lock().unwrap();
        let first = backlog.hello().last_seq + 1 - backlog.len() as u64;
        backlog.events_from(first, usize::MAX)
    }
}

/// Real files, without waiting for the disk under them.
struct Hasty(FolderDisk);

impl Disk for Hasty {
    fn segments(&self) -> io::Result<Vec<u64>> {
        self.0.segments()
    }

    fn create(&mut self, segment: u64) -> io::Result<()> {
        self.0.create(segment)
    }

    fn append(&mut self, segment: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.append(segment, bytes)
    }

    fn sync(&mut self, _segment: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, segment: u64) -> io::Result<Vec<u8>> {
        self.0.read(segment)
    }

    fn truncate(&mut self, segment: u64, length: u64) -> io::Result<()> {
        self.0.truncate(segment, length)
    }

    fn remove(&mut self, segment: u64) -> io::Result<()> {
        self.0.remove(segment)
    }
}

#[test]
fn a_folder_stays_small_over_fifty_thousand_records() {
    let folder = tempfile::tempdir().unwrap();
    let disk = || Hasty(FolderDisk::open(folder.path()).unwrap());
    let mut bench = Bench::start(disk(), 1, CompactAfter::STANDARD);
    assert_eq!(bench.ask(Request::TakeRoster(roster(200, 20, 12))), Some(Answer::Done));
    for n in 0..25_000 {
        bench.event(n % 2 == 0);
        bench.confirm();
    }
    bench.event(true);
    let (known, waiting) = (bench.lasting(), bench.waiting());
    assert_eq!((known.seq, waiting.len()), (25_003, 1));
    drop(bench);

    let files = std::fs::read_dir(folder.path()).unwrap();
    let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 6 << 20, "the folder holds {bytes} bytes");
    let (starting, entries) = open(disk(), BANK, 2);
    assert_eq!(entries[0].kind, EntryKind::Snapshot);
    assert!(entries.len() <= 20_002, "{} entries are read", entries.len());
    let starting = starting.unwrap();
    assert_eq!(*starting.lasting(), known, "the same state");
    let bench = Bench { controller: starting.begin(now()).0, now: now() };
    assert_eq!(bench.waiting()[0], waiting[0], "and the same event waits");
}

fn roster(recipients: usize, couriers: usize, text: usize) -> Roster {
    let name = "n".repeat(text);
    let (person, unit) = (PersonId::from_bytes([3; 16]), name.clone());
    let recipient = Recipient { person, unit, name: name.clone(), reach: Reach::Standard };
    let courier = CourierPass {
        person,
        carrier: CarrierId::from_bytes([4; 16]),
        carrier_name: name,
        verifier: Verifier { salt: [0; 16], mac: [0; 32] },
    };
    Roster {
        revision: 1,
        recipients: vec![recipient; recipients],
        couriers: vec![courier; couriers],
        ..Roster::default()
    }
}

#[test]
fn the_largest_roster_is_taken_and_is_there_after_a_start_and_in_a_snapshot() {
    let disk = MemoryDisk::default();
    let mut bench = Bench::start(disk.clone(), 1, CompactAfter::STANDARD);
    let roster = roster(MAX_RECIPIENTS, MAX_COURIERS, 200);
    assert_eq!(bench.ask(Request::TakeRoster(roster.clone())), Some(Answer::Done));
    assert_eq!(bench.lasting().roster, roster);

    // Longer than 8 MiB, so the start shortens the journal, and only once.
    for seed in 2..4 {
        let (starting, entries) = open(disk.clone(), BANK, seed);
        assert_eq!(starting.unwrap().lasting().roster, roster);
        assert_eq!(entries.len() > 1, seed > 2);
        bench = Bench::start(disk.clone(), seed + 10, CompactAfter::STANDARD);
        assert!(bench.controller.in_order());
    }
    let newer = Roster { revision: 2, ..roster };
    assert_eq!(bench.ask(Request::TakeRoster(newer.clone())), Some(Answer::Done));
    assert_eq!(*open(disk, BANK, 9).0.unwrap().lasting(), bench.lasting());
    assert_eq!(bench.lasting().roster, newer);
}

#[test]
fn what_nobody_has_confirmed_is_kept_through_many_snapshots_and_let_go_once_it_is() {
    let limit = CompactAfter { entries: 50, bytes: u64::MAX };
    let disk = MemoryDisk::default();
    let mut bench = Bench::start(disk.clone(), 1, limit);
    bench.confirm();
    for n in 0..500 {
        bench.event(n % 2 == 0);
    }
    assert!(disk.segments().unwrap().len() > 8, "one segment for each snapshot");
    bench = Bench::start(disk.clone(), 2, limit);
    let waiting = bench.waiting();
    assert_eq!((waiting.len(), waiting[0].0), (501, 2), "500 events and a start, behind the first start");
    for pair in waiting.windows(2) {
        let Leaf::Bank { prev, .. } = decode(&pair[1].1).unwrap() else { panic!("a bank's own event") };
        assert_eq!(prev, chain_hash(&pair[0].1));
    }

    bench.confirm();
    assert!(bench.waiting().is_empty());
    assert_eq!(disk.segments().unwrap().len(), 1, "nothing of it is needed any more");
    let known = bench.lasting();
    assert_eq!(*open(disk, BANK, 3).0.unwrap().lasting(), known);
}

#[test]
fn a_bank_that_runs_out_of_disk_revives_from_its_snapshot() {
    let limit = CompactAfter { entries: 10, bytes: u64::MAX };
    let disk = MemoryDisk::default();
    let mut bench = Bench::start(disk.clone(), 1, limit);
    (0..12).for_each(|n| bench.event(n % 2 == 0));
    bench.confirm();
    (0..15).for_each(|n| bench.event(n % 2 == 1));
    let (known, waiting) = (bench.lasting(), bench.waiting());
    disk.limit(Some(0));
    bench.controller.handle(Input::Board { board: 1, health: BoardHealth::Silent }, bench.now);
    assert!(!bench.controller.in_order());
    disk.limit(None);
    bench.now.mono = bench.now.mono.plus_ms(5_000);
    bench.controller.handle(Input::Tick, bench.now);
    assert!(bench.controller.in_order());
    assert!(bench.waiting().starts_with(&waiting));
    let lasting = bench.lasting();
    assert_eq!((lasting.boot, &lasting.out_of_service), (known.boot + 1, &known.out_of_service));
    assert_eq!(*open(disk, BANK, 3).0.unwrap().lasting(), lasting);
}

#[test]
fn a_full_disk_keeps_the_journal_long_and_the_bank_working() {
    let disk = MemoryDisk::default();
    let mut bench = Bench::start(disk.clone(), 1, CompactAfter { entries: 0, bytes: u64::MAX });
    bench.event(true);
    let (segments, known) = (disk.segments().unwrap(), bench.lasting());
    // Room for one more group, not for a snapshot behind it.
    let used: usize = segments.iter().map(|segment| disk.read(*segment).unwrap().len()).sum();
    disk.limit(Some(used + 350));
    bench.event(false);
    assert!(bench.controller.in_order());
    assert_eq!(disk.segments().unwrap(), segments);
    assert_eq!(bench.lasting().seq, known.seq + 1);
    // It is tried again later.
    disk.limit(None);
    bench.now.mono = bench.now.mono.plus_ms(11 * 60_000);
    bench.controller.handle(Input::Tick, bench.now);
    assert_ne!(disk.segments().unwrap(), segments);
    assert_eq!(*open(disk, BANK, 3).0.unwrap().lasting(), bench.lasting());
}

#[test]
fn a_start_from_a_snapshot_knows_its_place_even_while_nothing_can_be_written() {
    let disk = MemoryDisk::default();
    let mut bench = Bench::start(disk.clone(), 1, CompactAfter { entries: 0, bytes: u64::MAX });
    bench.event(true);
    let last = bench.waiting().pop().unwrap();
    bench.confirm();
    assert!(bench.waiting().is_empty());
    disk.limit(Some(0));
    let mut bench = Bench::start(disk.clone(), 2, CompactAfter::STANDARD);
    assert!(!bench.controller.in_order());
    let backlog = bench.controller.backlog();
    let hello = backlog.lock().unwrap().hello();
    assert_eq!((hello.last_seq, hello.acked_seq, hello.boot), (last.0, last.0, 1));
    assert_eq!(backlog.lock().unwrap().head(), chain_hash(&last.1));
    disk.limit(None);
    bench.now.mono = bench.now.mono.plus_ms(5_000);
    bench.controller.handle(Input::Tick, bench.now);
    let started = bench.waiting();
    let Leaf::Bank { prev, event, .. } = decode(&started[0].1).unwrap() else { panic!("a bank's own event") };
    assert_eq!((event.seq, prev), (last.0 + 1, chain_hash(&last.1)));
}

#[test]
fn a_snapshot_of_another_bank_is_refused() {
    let disk = MemoryDisk::default();
    let mut bench = Bench::start(disk.clone(), 1, CompactAfter { entries: 0, bytes: u64::MAX });
    bench.event(true);
    let other = BankId::from_bytes([7; 16]);
    assert!(matches!(open(disk, other, 2).0, Err(StartError::OutOfPlace { .. })));
}
