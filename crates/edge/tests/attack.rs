//! What somebody who wishes a bank ill tries at its controller, one attempt a test.

#![expect(clippy::unwrap_used, reason = "helpers of a test may fail it")]

use bailee_domain::bank::io::{Action, Answer, Candidate, Input, Request, Subject, UnlockResult, Verdict};
use bailee_domain::code::Code;
use bailee_domain::compartment::{Compartment, CompartmentNo, Layout, Reach, Sensed, Size, Wiring};
use bailee_domain::event::EventKind;
use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, CarrierId, CommandId, GrantId, PersonId};
use bailee_domain::roster::{CourierPass, Recipient, Roster};
use bailee_domain::time::{MonoTime, Now, TimeQuality, WallTime};
use bailee_edge::backlog::Identity;
use bailee_edge::codes::CodeChecker;
use bailee_edge::controller::{Controller, Effect};
use bailee_edge::journal::{Journal, JournalId, MemoryDisk, SealKey};
use bailee_edge::uplink::EventSource;
use bailee_vault::Secret;
use bailee_vault::code::{BankCodeKey, CodeSecret, verifier};
use bailee_vault::sign::SigningKey;
use bailee_vault::stretch::Cost;
use bailee_wire::event::{Leaf, decode};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

const BANK: BankId = BankId::from_bytes([1; 16]);
const PERSON: PersonId = PersonId::from_bytes([2; 16]);
const COURIER: PersonId = PersonId::from_bytes([3; 16]);
const DOOR: CompartmentNo = CompartmentNo(1);

fn layout() -> Layout {
    let compartments = (1..=2).map(|n| Compartment {
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

const UNUSED: Verifier = Verifier { salt: [0; 16], mac: [0; 32] };

fn roster(revision: u64) -> Roster {
    let (carrier, carrier_name) = (CarrierId::from_bytes([4; 16]), "Swift".into());
    Roster {
        revision,
        recipients: vec![Recipient {
            person: PERSON,
            unit: "4B".into(),
            name: "Mara Roth".into(),
            reach: Reach::Standard,
        }],
        couriers: vec![CourierPass { person: COURIER, carrier, carrier_name, verifier: UNUSED }],
        ..Roster::default()
    }
}

/// A controller whose codes always prove what the test says.
struct Bench {
    disk: MemoryDisk,
    controller: Controller<MemoryDisk, ChaCha12Rng>,
    now: Now,
    unlocked: Vec<CompartmentNo>,
    replies: Vec<Answer>,
}

impl Bench {
    fn new(disk: MemoryDisk) -> Self {
        let now = Now {
            mono: MonoTime::from_ms(1_000),
            wall: WallTime::from_unix_ms(1_800_000_000_000),
            quality: TimeQuality::Trusted,
        };
        let rng = || ChaCha12Rng::seed_from_u64(1);
        let key = SealKey::new([9; 32]);
        let (journal, _) = Journal::open(disk.clone(), key, JournalId(BANK.to_bytes()), rng()).unwrap();
        let device = SigningKey::from_seed(&Secret::new([8; 32]));
        let identity = Identity { bank: BANK, device, layout: layout() };
        let nothing: [(u64, Vec<u8>); 0] = [];
        let starting = Controller::recover(identity, journal, nothing, Box::new(rng())).unwrap();
        let (controller, _) = starting.begin(now);
        Self { disk, controller, now, unlocked: Vec::new(), replies: Vec::new() }
    }

    /// A bank with one parcel behind [`DOOR`], its grant live.
    fn with_parcel() -> (Self, GrantId) {
        let mut bench = Self::new(MemoryDisk::default());
        bench.ask(Request::TakeRoster(roster(1)));
        layout().iter().for_each(|c| bench.door(c.number, Sensed::Closed));
        bench.prove(Subject::Courier(COURIER));
        bench.act(Action::Pick(PERSON));
        bench.act(Action::ConfirmRecipient);
        bench.act(Action::PickSize(Size::Small));
        bench.door(DOOR, Sensed::Open);
        bench.door(DOOR, Sensed::Closed);
        bench.act(Action::Finish);
        let grant = *bench.controller.lasting().unwrap().grants.keys().next().unwrap();
        let expires = bench.now.wall.plus_ms(86_400_000);
        bench.ask(Request::Arm { grant, generation: 1, verifier: UNUSED, expires });
        bench.unlocked.clear();
        (bench, grant)
    }

    fn input(&mut self, input: Input) {
        for effect in self.controller.handle(input, self.now) {
            match effect {
                Effect::Unlock { ticket, compartment, .. } => {
                    self.unlocked.push(compartment);
                    let result = UnlockResult::Pulsed;
                    self.input(Input::Unlocked { ticket, result });
                }
                Effect::Reply { answer, .. } => self.replies.push(answer),
                Effect::Verify { .. }
                | Effect::Written { .. }
                | Effect::Siren(_)
                | Effect::CheckSignatures { .. } => {}
            }
        }
    }

    fn act(&mut self, action: Action) {
        self.input(Input::Kiosk(action));
    }

    fn door(&mut self, compartment: CompartmentNo, sensed: Sensed) {
        self.input(Input::Door { compartment, sensed });
    }

    fn ask(&mut self, request: Request) {
        let deadline = self.now.wall.plus_ms(60_000);
        self.input(Input::Platform { command: CommandId::from_bytes([5; 16]), deadline, request });
    }

    fn prove(&mut self, subject: Subject) {
        let Some(guess) = self.controller.lasting().map(|lasting| lasting.budget.next()) else { return };
        self.act(Action::EnterCode(Code::parse("12345678").unwrap()));
        self.input(Input::Verified { guess, outcome: Verdict::Match(subject) });
    }

    /// The disk has room again and time passes.
    fn room(&mut self) {
        self.disk.limit(None);
        self.now.mono = self.now.mono.plus_ms(5_000);
        self.now.wall = self.now.wall.plus_ms(5_000);
        self.input(Input::Tick);
        assert!(self.controller.in_order());
    }

    fn events(&self) -> Vec<EventKind> {
        let leaves = self.controller.backlog().lock().unwrap().events_from(1, usize::MAX);
        let kind = |(_, leaf): (u64, Vec<u8>)| match decode(&leaf).unwrap() {
            Leaf::Bank { event, .. } => event.kind,
            Leaf::Platform { .. } => panic!("a bank writes its own events only"),
        };
        leaves.into_iter().map(kind).collect()
    }
}

#[test]
fn a_door_forced_and_shut_again_while_the_disk_is_full_is_told_of() {
    let (mut bench, _) = Bench::with_parcel();
    bench.disk.limit(Some(0));
    bench.door(DOOR, Sensed::Open);
    bench.door(DOOR, Sensed::Closed);
    bench.door(CompartmentNo(2), Sensed::Open);
    bench.door(CompartmentNo(2), Sensed::Closed);
    bench.room();
    for door in [DOOR, CompartmentNo(2)] {
        let told = |kind: &EventKind| matches!(kind, EventKind::CompartmentForced { compartment } | EventKind::CompartmentFoundOpen { compartment } if *compartment == door);
        assert!(bench.events().iter().any(told), "{door}");
    }
}

#[test]
fn a_grant_used_while_the_disk_is_full_does_not_open_again() {
    let (mut bench, grant) = Bench::with_parcel();
    bench.prove(Subject::Grant(grant));
    assert_eq!(bench.unlocked, [DOOR]);
    bench.disk.limit(Some(0));
    bench.door(DOOR, Sensed::Open);
    bench.door(DOOR, Sensed::Closed);
    bench.room();
    bench.prove(Subject::Grant(grant));
    assert_eq!(bench.unlocked, [DOOR], "its door had been seen open");
    assert!(bench.events().iter().any(|kind| matches!(kind, EventKind::OccupancyDoubted { .. })));
}

#[test]
fn a_roster_that_would_not_be_read_back_is_refused_and_the_bank_works_on() {
    let (mut bench, _) = Bench::with_parcel();
    let mut huge = roster(2);
    huge.recipients = vec![Recipient { name: "x".repeat(201), ..huge.recipients[0].clone() }; 20_000];
    bench.ask(Request::TakeRoster(huge));
    assert!(bench.controller.in_order());
    assert_eq!(bench.replies.last(), Some(&Answer::Invalid));
}

#[test]
fn a_bank_that_starts_with_a_full_disk_can_still_greet() {
    let disk = MemoryDisk::default();
    disk.limit(Some(0));
    let mut bench = Bench::new(disk);
    assert!(!bench.controller.in_order());
    assert_eq!(bench.controller.backlog().lock().unwrap().hello().last_seq, 0);
    bench.room();
}

fn code_key() -> BankCodeKey {
    BankCodeKey {
        tenant: [0; 16],
        bank: BANK.to_bytes(),
        epoch: 1,
        key: Secret::new([7; 32]),
        salt: [6; 16],
        cost: Cost::SIMULATION,
    }
}

fn proves(code: &str, subject: Subject) -> Candidate {
    let id = match subject {
        Subject::Grant(grant) => grant.to_bytes(),
        Subject::Courier(person)
        | Subject::Keeper(person)
        | Subject::Pin(person)
        | Subject::Enrolment(person) => person.to_bytes(),
        Subject::WorkOrder(order) => order.to_bytes(),
    };
    let (tag, salt) = (code_key().stretch(&CodeSecret::parse(code).unwrap()), [5; 16]);
    Candidate { subject, verifier: Verifier { salt, mac: verifier(&tag, &id, &salt) } }
}

#[test]
fn a_courier_named_like_a_grant_is_no_key_to_it() {
    let (grant, courier) = (GrantId::from_bytes([3; 16]), PersonId::from_bytes([3; 16]));
    let all = [proves("11112222", Subject::Grant(grant)), proves("33334444", Subject::Courier(courier))];
    let mut checker = CodeChecker::new(code_key());
    let mut check = |code| checker.check(&Code::parse(code).unwrap(), &all);
    assert_eq!(check("11112222"), Verdict::Match(Subject::Grant(grant)));
    assert_eq!(check("33334444"), Verdict::Match(Subject::Courier(courier)));
}

#[test]
fn the_same_wrong_code_is_forgiven_a_few_times_not_for_ever() {
    let mut checker = CodeChecker::new(code_key());
    let wrong = Code::parse("99999999").unwrap();
    let misses = (0..100).filter(|_| checker.check(&wrong, &[]) == Verdict::Miss).count();
    assert!(misses >= 20, "{misses} misses of 100: the journal grows with every guess");
    let mut checker = CodeChecker::new(code_key());
    assert_eq!(checker.check(&wrong, &[]), Verdict::Miss);
    assert_eq!(checker.check(&wrong, &[]), Verdict::RepeatedMiss);
}
