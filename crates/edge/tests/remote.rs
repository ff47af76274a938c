//! A stolen platform before a real controller: real signatures, a real journal, every key a server has, and the clock.
//! What it opens is counted, over restarts and with the power failing at every write.

#![expect(clippy::unwrap_used, reason = "helpers of a test may fail it")]

use std::collections::VecDeque;

use bailee_domain::bank::io::{Action, Answer, Input, Request, UnlockResult};
use bailee_domain::bank::screen::Screen;
use bailee_domain::compartment::{Compartment, CompartmentNo, Layout, Reach, Sensed, Size, Wiring};
use bailee_domain::event::EventKind;
use bailee_domain::id::{BankId, CommandId, PersonId};
use bailee_domain::roster::Roster;
use bailee_domain::signer::{
    Act, KeyForm, KeyUse, PersonKey, Proof, PublicKey, RelyingParty, Signature, Signed, Signers, Statement,
};
use bailee_domain::time::{MonoTime, Now, TimeQuality, WallTime};
use bailee_edge::backlog::Identity;
use bailee_edge::controller::{CompactAfter, Controller, Effect};
use bailee_edge::journal::{Journal, JournalId, MemoryDisk, SealKey, Trouble, Unsynced};
use bailee_edge::signatures::{self, Job};
use bailee_edge::uplink::EventSource;
use bailee_vault::Secret;
use bailee_vault::assertion::PasskeyPublic;
use bailee_vault::assertion::test_passkey::TestPasskey;
use bailee_vault::sign::SigningKey;
use bailee_wire::event::{Leaf, decode};
use bailee_wire::link::{Assembler, split};
use bailee_wire::statement;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

const BANK: BankId = BankId::from_bytes([1; 16]);
const ANN: PersonId = PersonId::from_bytes([0xa1; 16]);
const BEN: PersonId = PersonId::from_bytes([0xb2; 16]);
const EVE: PersonId = PersonId::from_bytes([0xee; 16]);
const OLA: PersonId = PersonId::from_bytes([0xd8; 16]);
const UWE: PersonId = PersonId::from_bytes([0xd9; 16]);
const HOUR_MS: u64 = 3_600_000;
const RP: &str = "parcels.example.org";
const ORIGIN: &str = "https://parcels.example.org";

fn layout() -> Layout {
    let compartments = (1..=12).map(|n| Compartment {
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

/// A person with a passkey or a plain key.
struct Person {
    id: PersonId,
    used_for: KeyUse,
    secret: Private,
}

enum Private {
    Passkey(TestPasskey),
    Plain(SigningKey),
}

impl Person {
    fn with_passkey(id: PersonId) -> Self {
        let secret = Private::Passkey(TestPasskey::ed25519(seed(id)));
        Self { id, used_for: KeyUse::Administrator, secret }
    }

    fn officer(id: PersonId) -> Self {
        let secret = Private::Plain(SigningKey::from_seed(&Secret::new(seed(id))));
        Self { id, used_for: KeyUse::Officer, secret }
    }

    fn key(&self) -> PersonKey {
        let (form, public) = match &self.secret {
            Private::Plain(key) => (KeyForm::Plain, PublicKey::Ed25519(key.public().0)),
            Private::Passkey(key) => match key.public() {
                PasskeyPublic::Ed25519(public) => (KeyForm::Passkey, PublicKey::Ed25519(public)),
                PasskeyPublic::P256(public) => (KeyForm::Passkey, PublicKey::P256(public)),
            },
        };
        PersonKey { person: self.id, used_for: self.used_for, form, public }
    }

    fn sign(&self, statement: &Statement) -> Signature {
        let bytes = statement::bytes(BANK, statement);
        let proof = match &self.secret {
            Private::Plain(key) => Proof::Plain(key.sign(&bytes)),
            Private::Passkey(key) => {
                let made = key.sign(RP, ORIGIN, &statement::digest(&bytes), 0);
                Proof::Passkey {
                    authenticator_data: made.authenticator_data,
                    client_data: made.client_data,
                    signature: made.signature,
                }
            }
        };
        Signature { person: self.id, public: self.key().public, proof }
    }
}

fn seed(id: PersonId) -> [u8; 32] {
    [id.to_bytes()[0]; 32]
}

fn roster(revision: u64, people: &[&Person]) -> Roster {
    let signers = Signers {
        keys: people.iter().map(|person| person.key()).collect(),
        relying_party: RelyingParty { id: RP.into(), origin: ORIGIN.into() },
        quorum: 2,
    };
    Roster { revision, signers, ..Roster::default() }
}

struct Bench {
    disk: MemoryDisk,
    controller: Controller<MemoryDisk, ChaCha12Rng>,
    now: Now,
    opened: Vec<(CompartmentNo, MonoTime)>,
    replies: Vec<Answer>,
    /// Milliseconds of running before this start.
    ran_ms: u64,
}

fn start(disk: &MemoryDisk, now: Now) -> Option<(Controller<MemoryDisk, ChaCha12Rng>, Vec<Effect>)> {
    let rng = || ChaCha12Rng::seed_from_u64(disk.steps());
    let key = SealKey::new([9; 32]);
    let (journal, recovered) = Journal::open(disk.clone(), key, JournalId(BANK.to_bytes()), rng()).ok()?;
    let device = SigningKey::from_seed(&Secret::new([8; 32]));
    let identity = Identity { bank: BANK, device, layout: layout() };
    let entries = recovered.entries.iter().map(|entry| (entry.index, entry.payload.as_slice()));
    let starting = Controller::recover(identity, journal, entries, Box::new(rng())).unwrap();
    Some(starting.compact_after(CompactAfter { entries: 30, bytes: u64::MAX }).begin(now))
}

impl Bench {
    fn new(disk: MemoryDisk, first: Roster) -> Option<Self> {
        let now = Now {
            mono: MonoTime::from_ms(1_000),
            wall: WallTime::from_unix_ms(1_800_000_000_000),
            quality: TimeQuality::Trusted,
        };
        let (controller, effects) = start(&disk, now)?;
        let (opened, replies) = (Vec::new(), Vec::new());
        let mut bench = Self { disk, controller, now, opened, replies, ran_ms: 0 };
        bench.carry_out(effects);
        bench.read_doors();
        bench.ask(Request::TakeRoster(first));
        Some(bench)
    }

    fn restart(&mut self) {
        self.ran_ms += self.now.mono.ms();
        self.now.mono = MonoTime::from_ms(1_000);
        let (controller, effects) = start(&self.disk, self.now).expect("the journal opens after a power cut");
        self.controller = controller;
        self.carry_out(effects);
        self.read_doors();
    }

    fn read_doors(&mut self) {
        for compartment in layout().iter().map(|c| c.number) {
            self.input(Input::Door { compartment, sensed: Sensed::Closed });
        }
    }

    fn input(&mut self, input: Input) {
        let effects = self.controller.handle(input, self.now);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::CheckSignatures { check, statement, signatures } => {
                    let roster = self.controller.lasting().map(|lasting| lasting.roster.clone());
                    let party = roster.unwrap_or_default().signers.relying_party;
                    let job = Job { check, statement, signatures, party };
                    let checked = signatures::check(BANK, &job);
                    effects.extend(
                        self.controller.handle(Input::SignaturesChecked { check, checked }, self.now),
                    );
                }
                Effect::Unlock { ticket, compartment, .. } => {
                    let ran = MonoTime::from_ms(self.ran_ms + self.now.mono.ms());
                    self.opened.push((compartment, ran));
                    let result = UnlockResult::Pulsed;
                    for sensed in [Sensed::Open, Sensed::Closed] {
                        effects.extend(self.controller.handle(Input::Door { compartment, sensed }, self.now));
                    }
                    effects.extend(self.controller.handle(Input::Unlocked { ticket, result }, self.now));
                }
                Effect::Reply { answer, .. } => self.replies.push(answer),
                Effect::Verify { .. } | Effect::Written { .. } | Effect::Siren(_) => {}
            }
        }
    }

    /// Over the wire, as a platform would.
    #[expect(clippy::needless_pass_by_value, reason = "requests are made where they are asked")]
    fn ask(&mut self, request: Request) -> Option<Answer> {
        let before = self.replies.len();
        let deadline = self.now.wall.plus_ms(60_000);
        let mut assembler = Assembler::default();
        for part in split(CommandId::from_bytes([5; 16]), deadline, &request).unwrap() {
            if let Some((command, deadline, request)) = assembler.add(part).unwrap() {
                self.input(Input::Platform { command, deadline, request });
            }
        }
        self.replies.get(before).copied()
    }

    fn wait_ms(&mut self, mut ms: u64) {
        while ms > 0 {
            let by = ms.min(20_000);
            ms -= by;
            self.now.mono = self.now.mono.plus_ms(by);
            self.now.wall = self.now.wall.plus_ms(i64::try_from(by).unwrap());
            self.input(Input::Tick);
        }
    }

    /// What somebody who stands at the bank and wants this door would have signed.
    fn inspect(&self, door: u16) -> Statement {
        let act = Act::Inspect { compartment: CompartmentNo(door), reason: [7; 32] };
        let presence = self.controller.view(self.now).remote.presence;
        Statement { act, presence, expires: self.now.wall.plus_ms(55_000) }
    }

    fn signed(&mut self, statement: Statement, people: &[&Person]) -> Option<Answer> {
        let signatures = people.iter().map(|person| person.sign(&statement)).collect();
        self.ask(Request::Signed(Signed { statement, signatures }))
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

fn assert_breaker(opened: &[(CompartmentNo, MonoTime)]) {
    for window in opened.windows(4) {
        assert!(window[3].1.since_ms(window[0].1) >= HOUR_MS, "four doors within an hour: {window:?}");
    }
}

/// Everything a stolen platform has: the link, the clock, the roster, and what passed through it before.
#[test]
fn a_stolen_platform_opens_at_most_3_doors_an_hour_for_a_day_and_none_without_presence() {
    let (ann, ben, eve) = (Person::with_passkey(ANN), Person::with_passkey(BEN), Person::with_passkey(EVE));
    let mut bench = Bench::new(MemoryDisk::default(), roster(1, &[&ann, &ben])).unwrap();
    bench.input(Input::Tick);
    let mut captured = Vec::new();
    let mut revision = 1;
    // A day: Ann, deceived, signs whatever she is shown, twenty times an hour, and stands at the bank.
    for turn in 0..480_u16 {
        let statement = bench.inspect(1 + turn % 12);
        let signed = Signed { statement, signatures: vec![ann.sign(&statement)] };
        if bench.ask(Request::Signed(signed.clone())) == Some(Answer::Done) {
            captured.push(signed);
        }
        bench.wait_ms(40_000);
        // Meanwhile the platform brings keys of its own, moves the clock, and plays back what it has seen.
        if turn % 37 == 0 {
            revision += 1;
            bench.ask(Request::TakeRoster(roster(revision, &[&ann, &ben, &eve])));
            let forged = bench.inspect(2);
            assert_eq!(bench.signed(forged, &[&eve]), Some(Answer::NotAuthorised));
        }
        if turn % 53 == 0 {
            bench.now.wall = bench.now.wall.plus_ms(25 * 3_600_000);
            bench.input(Input::ClockStepped { by_ms: 25 * 3_600_000 });
        }
        if turn % 61 == 0 {
            bench.restart();
        }
        let before = bench.opened.len();
        for old in captured.iter().rev().take(5) {
            assert_ne!(bench.ask(Request::Signed(old.clone())), Some(Answer::Done), "played back");
        }
        assert_eq!(bench.opened.len(), before);
        bench.wait_ms(140_000);
    }
    assert_breaker(&bench.opened);
    let hours = (bench.ran_ms + bench.now.mono.ms()) / HOUR_MS;
    let most = usize::try_from((hours + 1) * 3).unwrap();
    assert!((20..=most).contains(&bench.opened.len()), "{} doors in {hours} hours", bench.opened.len());

    // Nobody there: the same Ann, signing for codes the platform makes up. And without her, nothing at all.
    bench.wait_ms(2 * HOUR_MS);
    let before = bench.opened.len();
    for turn in 0..100_u32 {
        let presence = bailee_domain::code::Code::parse(&format!("{:08}", turn * 7_919)).ok();
        let statement = Statement { presence, ..bench.inspect(3) };
        bench.signed(statement, &[&ann]);
        bench.signed(Statement { presence: None, ..statement }, &[&ann]);
        bench.signed(statement, &[&eve]);
        bench.ask(Request::Signed(Signed { statement, signatures: Vec::new() }));
        bench.wait_ms(60_000);
    }
    assert_eq!(bench.opened.len(), before, "nobody stood there");
}

/// The bank's own keys are not the platform's, and one bank's statements are not another's.
#[test]
fn a_statement_for_another_bank_page_or_door_opens_nothing() {
    let (ann, ben) = (Person::with_passkey(ANN), Person::with_passkey(BEN));
    let mut bench = Bench::new(MemoryDisk::default(), roster(1, &[&ann, &ben])).unwrap();
    bench.input(Input::Tick);
    let statement = bench.inspect(1);
    let Private::Passkey(passkey) = &ann.secret else { panic!() };
    let other_bank = statement::digest(&statement::bytes(BankId::from_bytes([2; 16]), &statement));
    let right = statement::digest(&statement::bytes(BANK, &statement));
    let other_door = statement::digest(&statement::bytes(BANK, &bench.inspect(2)));
    for (rp, origin, challenge) in [
        (RP, ORIGIN, other_bank),
        (RP, ORIGIN, other_door),
        ("evil.example", "https://evil.example", right),
        (RP, "https://evil.example", right),
    ] {
        let made = passkey.sign(rp, origin, &challenge, 0);
        let proof = Proof::Passkey {
            authenticator_data: made.authenticator_data,
            client_data: made.client_data,
            signature: made.signature,
        };
        let signature = Signature { person: ANN, public: ann.key().public, proof };
        let signed = Signed { statement, signatures: vec![signature] };
        assert_eq!(bench.ask(Request::Signed(signed)), Some(Answer::NotAuthorised));
    }
    assert!(bench.opened.is_empty());
    assert_eq!(bench.signed(statement, &[&ann]), Some(Answer::Done));
}

/// Two officers, a controller with no network, and answers as texts from a QR code or a keyboard.
#[test]
fn officers_open_a_door_with_typed_answers() {
    let (ola, uwe) = (Person::officer(OLA), Person::officer(UWE));
    let mut bench = Bench::new(MemoryDisk::default(), roster(1, &[&ola, &uwe])).unwrap();
    bench.input(Input::Kiosk(Action::Emergency));
    bench.input(Input::Kiosk(Action::ChooseDoor(CompartmentNo(4))));
    for officer in [&ola, &uwe] {
        let Screen::Challenge { compartment, challenge, .. } = bench.controller.view(bench.now).screen else {
            panic!()
        };
        let act = Act::Override { compartment, challenge };
        let statement = Statement { act, presence: None, expires: WallTime::default() };
        let Private::Plain(key) = &officer.secret else { panic!() };
        let (mut tag, signature) = ([0; 8], key.sign(&statement::bytes(BANK, &statement)));
        tag.copy_from_slice(&key.public().0[..8]);
        let text = bailee_wire::response::text(&bailee_wire::response::Response { key: tag, signature });
        let typed = bailee_wire::response::parse(&text.to_lowercase()).unwrap();
        bench.input(Input::Response { key: typed.key, signature: typed.signature });
    }
    assert_eq!(bench.opened.iter().map(|(door, _)| *door).collect::<Vec<_>>(), [CompartmentNo(4)]);
}

/// Three openings by Ann, a fourth refused; then a quorum's.
fn busy_hour(bench: &mut Bench, ann: &Person, ben: &Person) {
    bench.input(Input::Tick);
    for door in 1..=4 {
        let statement = bench.inspect(door);
        bench.signed(statement, &[ann]);
        bench.wait_ms(20_000);
    }
    let statement = Statement { presence: None, ..bench.inspect(5) };
    bench.signed(statement, &[ann, ben]);
    bench.wait_ms(20_000);
}

#[test]
fn the_power_may_fail_at_any_write_of_openings_from_afar() {
    let (ann, ben) = (Person::with_passkey(ANN), Person::with_passkey(BEN));
    let first = || roster(1, &[&ann, &ben]);
    let disk = MemoryDisk::default();
    let mut whole = Bench::new(disk.clone(), first()).unwrap();
    busy_hour(&mut whole, &ann, &ben);
    assert_eq!(whole.opened.len(), 4);
    for step in 0..disk.steps() {
        for trouble in
            [Trouble::PowerCut { written: 0 }, Trouble::PowerCut { written: 40 }, Trouble::PowerCutAfter]
        {
            for unsynced in [Unsynced::Kept, Unsynced::Lost] {
                let case = format!("step {step}, {trouble:?}, {unsynced:?}");
                let disk = MemoryDisk::default();
                disk.plan(step, trouble);
                let Some(mut bench) = Bench::new(disk.clone(), first()) else {
                    disk.power_on(unsynced);
                    continue;
                };
                busy_hour(&mut bench, &ann, &ben);
                disk.power_on(unsynced);
                bench.restart();
                bench.wait_ms(1_000);
                let intents = |bench: &Bench| {
                    let is = |kind: &&EventKind| matches!(kind, EventKind::OpeningIntended { .. });
                    bench.events().iter().filter(is).count()
                };
                assert!(
                    bench.opened.len() <= intents(&bench),
                    "{case}: a lock moved without a durable intent"
                );
                // The roster may have been lost with its write.
                bench.ask(Request::TakeRoster(first()));
                let before = bench.opened.len();
                for door in 6..=12 {
                    let statement = bench.inspect(door);
                    bench.signed(statement, &[&ann]);
                    bench.wait_ms(20_000);
                }
                let by_ann = bench.opened.iter().filter(|(door, _)| door.0 != 5).count();
                assert!(by_ann <= 3, "{case}: {by_ann} doors within the hour, {before} before the cut");
            }
        }
    }
}
