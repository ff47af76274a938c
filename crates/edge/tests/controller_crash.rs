//! One parcel's day, with the power failing at every write: whatever was lost, no door opened without a durable
//! intent, no code opened twice, no guess was given back, and the chain of events goes on without a gap. The same
//! with a journal that is shortened whenever the bank is at rest.

#![expect(clippy::unwrap_used, reason = "helpers of a test may fail it")]

use std::collections::{BTreeMap, VecDeque};

use bailee_domain::bank::io::{Action, Input, Request, UnlockResult, Verdict};
use bailee_domain::bank::screen::{Notice, Screen};
use bailee_domain::code::Code;
use bailee_domain::compartment::{Compartment, CompartmentNo, Layout, Reach, Sensed, Size, Wiring};
use bailee_domain::event::EventKind;
use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, CarrierId, CommandId, PersonId};
use bailee_domain::lockdown::{Area, Exercise, Grade, Keeper, Security};
use bailee_domain::roster::{CourierPass, Recipient, Roster};
use bailee_domain::tamper::{Source, SwitchState};
use bailee_domain::time::{MonoTime, Now, TimeQuality, WallTime};
use bailee_edge::backlog::Identity;
use bailee_edge::controller::{CompactAfter, Controller, Effect};
use bailee_edge::journal::{Journal, JournalId, MemoryDisk, SealKey, Trouble, Unsynced};
use bailee_edge::uplink::EventSource;
use bailee_vault::Secret;
use bailee_vault::sign::SigningKey;
use bailee_wire::event::{Leaf, NO_EVENT, chain_hash, decode};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

const BANK: BankId = BankId::from_bytes([1; 16]);
const PERSON: PersonId = PersonId::from_bytes([2; 16]);
const COURIER: PersonId = PersonId::from_bytes([3; 16]);
const COURIER_CODE: &str = "11112222";
const PICKUP_CODE: &str = "33334444";
const LAST: CompartmentNo = CompartmentNo(3);

fn verifier(code: &str) -> Verifier {
    let mut mac = [0; 32];
    mac[..8].copy_from_slice(code.as_bytes());
    Verifier { salt: [0; 16], mac }
}

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

fn roster() -> Roster {
    Roster {
        revision: 1,
        recipients: vec![Recipient {
            person: PERSON,
            unit: "4B".into(),
            name: "Mara Roth".into(),
            reach: Reach::Standard,
        }],
        couriers: vec![CourierPass {
            person: COURIER,
            carrier: CarrierId::from_bytes([4; 16]),
            carrier_name: "Swift".into(),
            verifier: verifier(COURIER_CODE),
        }],
        security: Security {
            keepers: vec![Keeper { person: PERSON, verifier: None }],
            ..Security::default()
        },
        ..Roster::default()
    }
}

/// Whether the platform hears of the day while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Away,
    There,
}

/// How often the journal is shortened, and what the platform holds then.
type Setting = (CompactAfter, Link);

const NEVER: CompactAfter = CompactAfter::STANDARD;

const fn after(entries: u64) -> CompactAfter {
    CompactAfter { entries, bytes: u64::MAX }
}

struct Bench {
    disk: MemoryDisk,
    setting: Setting,
    /// The leaves the platform holds.
    held: Vec<Vec<u8>>,
    controller: Controller<MemoryDisk, ChaCha12Rng>,
    now: Now,
    open: BTreeMap<CompartmentNo, bool>,
    /// Doors moved by a lock, in order.
    moved: Vec<CompartmentNo>,
    compared: usize,
}

fn start(
    disk: &MemoryDisk,
    limit: CompactAfter,
    now: Now,
) -> Option<(Controller<MemoryDisk, ChaCha12Rng>, Vec<Effect>)> {
    let rng = || ChaCha12Rng::seed_from_u64(disk.steps());
    let (journal, recovered) =
        Journal::open(disk.clone(), SealKey::new([9; 32]), JournalId(BANK.to_bytes()), rng()).ok()?;
    let identity =
        Identity { bank: BANK, device: SigningKey::from_seed(&Secret::new([8; 32])), layout: layout() };
    let entries = recovered.entries.iter().map(|entry| (entry.index, entry.payload.as_slice()));
    let starting = Controller::recover(identity, journal, entries, Box::new(rng())).unwrap();
    Some(starting.compact_after(limit).begin(now))
}

impl Bench {
    fn new(disk: MemoryDisk, setting: Setting) -> Option<Self> {
        let now = Now {
            mono: MonoTime::from_ms(1_000),
            wall: WallTime::from_unix_ms(1_800_000_000_000),
            quality: TimeQuality::Trusted,
        };
        let (controller, effects) = start(&disk, setting.0, now)?;
        let open = layout().iter().map(|c| (c.number, false)).collect();
        let (held, moved) = (Vec::new(), Vec::new());
        let mut bench = Self { disk, setting, held, controller, now, open, moved, compared: 0 };
        bench.carry_out(effects);
        bench.read_doors();
        Some(bench)
    }

    fn restart(&mut self) {
        self.now.mono = MonoTime::from_ms(1_000);
        let (controller, effects) =
            start(&self.disk, self.setting.0, self.now).expect("the journal opens after a power cut");
        self.controller = controller;
        self.carry_out(effects);
        self.read_doors();
    }

    fn input(&mut self, input: Input) {
        let effects = self.controller.handle(input, self.now);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            let answer = match effect {
                Effect::Verify { guess, code, candidates } => {
                    self.compared += 1;
                    let found = candidates.iter().find(|c| c.verifier.mac[..8] == code.digits()[..]);
                    let outcome = found.map_or(Verdict::Miss, |found| Verdict::Match(found.subject));
                    Input::Verified { guess, outcome }
                }
                Effect::Unlock { ticket, compartment, .. } => {
                    self.open.insert(compartment, true);
                    self.moved.push(compartment);
                    let result = UnlockResult::Pulsed;
                    effects.extend(self.controller.handle(Input::Unlocked { ticket, result }, self.now));
                    Input::Door { compartment, sensed: Sensed::Open }
                }
                Effect::Reply { .. }
                | Effect::Written { .. }
                | Effect::Siren(_)
                | Effect::CheckSignatures { .. } => continue,
            };
            effects.extend(self.controller.handle(answer, self.now));
        }
    }

    fn read_doors(&mut self) {
        for (compartment, open) in self.open.clone() {
            let sensed = if open { Sensed::Open } else { Sensed::Closed };
            self.input(Input::Door { compartment, sensed });
        }
    }

    fn ask(&mut self, request: Request) {
        let command = CommandId::from_bytes([5; 16]);
        let deadline = self.now.wall.plus_ms(60_000);
        self.input(Input::Platform { command, deadline, request });
    }

    fn act(&mut self, action: Action) {
        self.input(Input::Kiosk(action));
    }

    fn enter(&mut self, code: &str) {
        self.act(Action::EnterCode(Code::parse(code).unwrap()));
    }

    fn close_all(&mut self) {
        self.open.values_mut().for_each(|open| *open = false);
        self.read_doors();
    }

    fn arm(&mut self) {
        let grants = self.controller.lasting().map(|lasting| lasting.grants.clone()).unwrap_or_default();
        let expires = self.now.wall.plus_ms(86_400_000);
        for id in grants.keys() {
            self.ask(Request::Arm { grant: *id, generation: 1, verifier: verifier(PICKUP_CODE), expires });
        }
    }

    /// The platform takes what it has not got and says so.
    fn upload(&mut self) {
        if self.setting.1 == Link::There {
            self.held.extend(self.waiting().into_iter().map(|(_, leaf)| leaf));
            self.input(Input::Acknowledged { up_to: self.held.len() as u64 });
        }
    }

    /// What the platform has not got, with its sequence numbers.
    fn waiting(&self) -> Vec<(u64, Vec<u8>)> {
        let next = self.held.len() as u64 + 1;
        self.controller.backlog().lock().unwrap().events_from(next, usize::MAX)
    }

    /// The whole day; once the power is off, nothing more comes of it.
    fn day(&mut self) {
        self.ask(Request::TakeRoster(roster()));
        self.upload();
        self.lock_down_last_door();
        self.enter(COURIER_CODE);
        self.act(Action::Pick(PERSON));
        self.act(Action::ConfirmRecipient);
        self.act(Action::PickSize(Size::Small));
        self.close_all();
        self.act(Action::Finish);
        self.upload();
        self.arm();
        self.enter("99999999");
        self.upload();
        self.unlock_last_door();
        self.enter(PICKUP_CODE);
        self.close_all();
    }

    fn lock_down_last_door(&mut self) {
        let (area, grade, exercise) = (Area::Door(LAST), Grade::HoldZone, Exercise::Real);
        self.ask(Request::LockDown { area, grade, exercise, lasts_s: 3_600, by: PERSON });
        self.input(Input::Switch { source: Source::PrySwitch(1), state: SwitchState::AtRest });
    }

    fn unlock_last_door(&mut self) {
        let lockdowns =
            self.controller.lasting().map(|lasting| lasting.lockdowns.clone()).unwrap_or_default();
        for lockdown in lockdowns.into_keys() {
            self.ask(Request::Release { lockdown, by: PERSON });
        }
    }

    /// Lockdowns that began, less those that have ended, as the journal tells it.
    fn lockdowns_written(&self) -> usize {
        let events = self.events();
        let began = events.iter().filter(|kind| matches!(kind, EventKind::LockdownBegan { .. })).count();
        let ended = events.iter().filter(|kind| {
            matches!(kind, EventKind::LockdownReleased { .. } | EventKind::LockdownExpired { .. })
        });
        began - ended.count()
    }

    fn events(&self) -> Vec<EventKind> {
        let waiting = self.waiting();
        let last = self.controller.backlog().lock().unwrap().hello().last_seq;
        assert_eq!(
            (self.held.len() + waiting.len()) as u64,
            last,
            "all that the platform has not got is there"
        );
        let held = self.held.iter().cloned();
        let leaves: Vec<_> = (1..).zip(held).chain(waiting).collect();
        let mut prev = NO_EVENT;
        let check = |(seq, leaf): (u64, Vec<u8>)| match decode(&leaf).unwrap() {
            Leaf::Bank { bank, prev: claimed, event } => {
                assert_eq!((bank, event.seq, claimed), (BANK, seq, prev), "every event names the one before");
                prev = chain_hash(&leaf);
                event.kind
            }
            Leaf::Platform { .. } => panic!("a bank writes its own events only"),
        };
        let kinds = leaves.into_iter().map(check).collect();
        assert_eq!(
            self.controller.backlog().lock().unwrap().head(),
            prev,
            "the next event will follow the last"
        );
        kinds
    }

    fn intents(&self, compartment: CompartmentNo) -> usize {
        let is = |kind: &&EventKind| matches!(kind, EventKind::OpeningIntended { compartment: c, .. } if *c == compartment);
        self.events().iter().filter(is).count()
    }
}

fn check_after_cut(setting: Setting, step: u64, trouble: Trouble, unsynced: Unsynced) {
    let case = format!("{setting:?}, step {step}, {trouble:?}, {unsynced:?}");
    let disk = MemoryDisk::default();
    disk.plan(step, trouble);
    let before = Bench::new(disk.clone(), setting).map(|mut bench| {
        bench.day();
        bench
    });
    disk.power_on(unsynced);
    let Some(mut bench) = before else {
        assert!(Bench::new(disk, setting).is_some(), "{case}: an empty journal begins again");
        return;
    };
    bench.restart();
    assert!(bench.controller.in_order(), "{case}");
    for compartment in layout().iter().map(|c| c.number) {
        let moved = bench.moved.iter().filter(|moved| **moved == compartment).count();
        assert!(moved <= bench.intents(compartment), "{case}: a lock moved without a durable intent");
    }
    let in_force = bench.controller.lasting().unwrap().lockdowns.len();
    assert_eq!(
        in_force,
        bench.lockdowns_written(),
        "{case}: a lockdown is in force if and only if it was written"
    );
    // Guesses that were compared are counted: all but the courier's and the recipient's own are misses.
    let lasting = bench.controller.lasting().unwrap();
    let refunded = bench.compared.saturating_sub(lasting.budget.misses().count());
    assert!(refunded <= 2, "{case}: a wrong guess was given back");

    let held = !lasting.contents.is_empty();
    bench.close_all();
    bench.arm();
    let moved_before = bench.moved.len();
    bench.enter(PICKUP_CODE);
    bench.close_all();
    bench.enter(PICKUP_CODE);
    let opened = bench.moved.len() - moved_before;
    assert!(opened <= 1, "{case}: a code opened twice");
    if held && opened == 0 {
        // The pickup's door had been seen open before the cut, so the parcel is gone.
        let known = bench.events().iter().any(|kind| {
            matches!(kind, EventKind::ParcelCollected { .. } | EventKind::OccupancyDoubted { .. })
        });
        assert!(known, "{case}: the parcel is neither inside nor collected nor in doubt");
    }
}

const CUTS: [Trouble; 3] =
    [Trouble::PowerCut { written: 0 }, Trouble::PowerCut { written: 70 }, Trouble::PowerCutAfter];

fn check_every_step(setting: Setting) -> u64 {
    let disk = MemoryDisk::default();
    let mut bench = Bench::new(disk.clone(), setting).unwrap();
    bench.day();
    assert!(matches!(bench.events().last(), Some(EventKind::ParcelCollected { .. })));
    let steps = disk.steps();
    for step in 0..steps {
        for trouble in CUTS {
            for unsynced in [Unsynced::Kept, Unsynced::Lost] {
                check_after_cut(setting, step, trouble, unsynced);
            }
        }
    }
    steps
}

#[test]
fn the_power_may_fail_at_any_write() {
    let steps = check_every_step((NEVER, Link::Away));
    assert!((20..50).contains(&steps), "the day writes {steps} times");
    check_every_step((NEVER, Link::There));
}

#[test]
fn the_power_may_fail_at_any_write_while_the_journal_is_shortened_all_the_time() {
    let steps = check_every_step((after(0), Link::There));
    assert!(steps > 70, "the day with its compactions writes {steps} times");
    check_every_step((after(4), Link::There));
}

#[test]
fn the_power_may_fail_at_any_write_while_the_journal_is_shortened_and_nobody_confirms_anything() {
    check_every_step((after(0), Link::Away));
    check_every_step((after(4), Link::Away));
}

/// The power fails while a start shortens a day's journal, and fails again at the same step of the next start.
#[test]
fn the_power_may_fail_while_a_start_shortens_the_journal() {
    for link in [Link::Away, Link::There] {
        let disk = MemoryDisk::default();
        let mut bench = Bench::new(disk.clone(), (NEVER, link)).unwrap();
        bench.day();
        let (known, day) = (bench.controller.lasting().unwrap().clone(), bench.events());
        let evening = disk.image();
        bench.setting.0 = after(0);
        bench.restart();
        let steps = disk.steps();
        disk.restore(&evening);
        let first = disk.steps();
        assert!(steps > first + 6, "the start writes and compacts");
        for offset in 0..steps - first {
            for (trouble, unsynced) in
                CUTS.into_iter().flat_map(|cut| [(cut, Unsynced::Kept), (cut, Unsynced::Lost)])
            {
                disk.restore(&evening);
                for _ in 0..2 {
                    disk.plan(disk.steps() + offset, trouble);
                    drop(start(&disk, after(0), bench.now));
                    disk.power_on(unsynced);
                }
                disk.forget_plans();
                bench.restart();
                let case = format!("{link:?}, step {offset}, {trouble:?}, {unsynced:?}");
                assert!(bench.controller.in_order(), "{case}");
                let lasting = bench.controller.lasting().unwrap();
                assert_eq!((&lasting.grants, &lasting.contents), (&known.grants, &known.contents), "{case}");
                assert_eq!((&lasting.roster, &lasting.budget), (&known.roster, &known.budget), "{case}");
                assert!(bench.events().starts_with(&day), "{case}");
            }
        }
    }
}

#[test]
fn a_full_disk_shuts_the_bank_and_room_opens_it_again() {
    let disk = MemoryDisk::default();
    let mut bench = Bench::new(disk.clone(), (NEVER, Link::Away)).unwrap();
    bench.day();
    bench.act(Action::Finish);
    let moved = bench.moved.len();
    disk.limit(Some(0));
    bench.enter("77777777");
    assert!(!bench.controller.in_order());
    assert_eq!(bench.controller.view(bench.now).notice, Some(Notice::OutOfOrder));
    bench.enter(COURIER_CODE);
    assert_eq!(bench.moved.len(), moved, "nothing opens that cannot be written down");
    disk.limit(None);
    bench.now.mono = bench.now.mono.plus_ms(5_000);
    bench.input(Input::Tick);
    assert!(bench.controller.in_order());
    bench.enter(COURIER_CODE);
    assert!(matches!(bench.controller.view(bench.now).screen, Screen::FindRecipient { .. }));
    // A door forced while nothing could be written is told of as soon as it can be.
    disk.limit(Some(0));
    bench.enter("55555555");
    bench.act(Action::Finish);
    bench.open.insert(CompartmentNo(3), true);
    bench.read_doors();
    disk.limit(None);
    bench.now.mono = bench.now.mono.plus_ms(5_000);
    bench.input(Input::Tick);
    let told = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::CompartmentForced { compartment: CompartmentNo(3) }
                | EventKind::CompartmentFoundOpen { compartment: CompartmentNo(3) }
        )
    };
    assert!(bench.events().iter().any(told));
}
