//! A bank on a bench: the engine, a cabinet of spring latches, a journal, and people.
#![allow(dead_code, reason = "each test binary uses its part of the bench")]
#![allow(clippy::unwrap_used, reason = "a bench may fail its test where it stands")]

use std::collections::{BTreeMap, VecDeque};

use bailee_domain::bank::io::{
    Action, Answer, Candidate, Checked, Input, Output, Record, Request, Siren, Subject, UnlockResult, Verdict,
};
use bailee_domain::bank::screen::{Screen, View};
use bailee_domain::bank::{Bank, Lasting};
use bailee_domain::boot_tag::BootTag;
use bailee_domain::code::Code;
use bailee_domain::compartment::{Compartment, CompartmentNo, Layout, Reach, Sensed, Size, Wiring};
use bailee_domain::event::EventKind;
use bailee_domain::grant::Verifier;
use bailee_domain::id::{CarrierId, CommandId, GrantId, PersonId};
use bailee_domain::lockdown::{Keeper, Security};
use bailee_domain::roster::{CourierPass, Recipient, Roster};
use bailee_domain::signer::{PersonKey, Proof, Statement};
use bailee_domain::time::{MonoTime, Now, TimeQuality, WallTime};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub const COURIER_CODE: &str = "11112222";
pub const COURIER: PersonId = PersonId::from_bytes([0xc0; 16]);
pub const MARA: PersonId = PersonId::from_bytes([0xa1; 16]);
pub const NOOR: PersonId = PersonId::from_bytes([0xa2; 16]);
/// Staff who may end lockdowns.
pub const KEEPER: PersonId = PersonId::from_bytes([0xd1; 16]);
pub const SECOND_KEEPER: PersonId = PersonId::from_bytes([0xd2; 16]);
pub const KEEPER_CODE: &str = "55556666";
pub const SECOND_KEEPER_CODE: &str = "77778888";
pub const DAY_MS: i64 = 86_400_000;

/// A verifier that is the code itself: what the vault does is not under test here.
pub fn verifier(code: &str) -> Verifier {
    let mut mac = [0; 32];
    mac[..8].copy_from_slice(Code::parse(code).unwrap().digits());
    Verifier { salt: [0; 16], mac }
}

pub fn layout() -> Layout {
    let sizes = [Size::Small, Size::Small, Size::Small, Size::Medium, Size::Medium, Size::Large];
    let compartments = (1..=6u16).map(|n| Compartment {
        number: CompartmentNo(n),
        size: sizes[usize::from(n - 1)],
        reach: if n % 3 == 0 { Reach::Low } else { Reach::Standard },
        wiring: Wiring { board: if n <= 3 { 1 } else { 2 }, channel: u8::try_from(n).unwrap() },
        column: n,
        row: 0,
        height: 1,
    });
    Layout::new(compartments.collect()).unwrap()
}

pub fn security() -> Security {
    let keeper = |person, code| Keeper { person, verifier: Some(verifier(code)) };
    let keepers = vec![keeper(KEEPER, KEEPER_CODE), keeper(SECOND_KEEPER, SECOND_KEEPER_CODE)];
    Security { keepers, ..Security::default() }
}

pub fn roster(revision: u64) -> Roster {
    Roster {
        revision,
        bank_name: "Lobby".into(),
        help: "Ask at the desk".into(),
        recipients: vec![
            Recipient { person: MARA, unit: "4B".into(), name: "Mara Roth".into(), reach: Reach::Standard },
            Recipient { person: NOOR, unit: "12".into(), name: "Noor Haddad".into(), reach: Reach::Low },
        ],
        couriers: vec![CourierPass {
            person: COURIER,
            carrier: CarrierId::from_bytes([7; 16]),
            carrier_name: "Swift".into(),
            verifier: verifier(COURIER_CODE),
        }],
        security: security(),
        ..Roster::default()
    }
}

/// What a lock does when it is pulsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latch {
    Works,
    Stuck,
    /// The command vanishes and nothing answers.
    Mute,
}

pub type Checker = fn(&Statement, &[(PersonKey, Proof)]) -> Checked;

pub struct Rig {
    pub bank: Bank,
    pub records: Vec<Record>,
    pub now: Now,
    pub rng: ChaCha8Rng,
    pub open: BTreeMap<CompartmentNo, bool>,
    pub latches: BTreeMap<CompartmentNo, Latch>,
    /// Physical closed→open movements caused by a pulse.
    pub pulses: Vec<CompartmentNo>,
    pub replies: Vec<Answer>,
    pub siren: Siren,
    /// Checks signatures; without one no check ever ends.
    pub checker: Option<Checker>,
    /// What a store of boot tags was told last.
    pub stored: Option<BootTag>,
    pending: VecDeque<Input>,
    last_misses: Vec<Code>,
    commands: u8,
}

impl Rig {
    pub fn new() -> Self {
        Self::with_roster(roster(1))
    }

    /// A bank whose first roster this is.
    pub fn with_roster(first: Roster) -> Self {
        let now = Now {
            mono: MonoTime::from_ms(1_000),
            wall: WallTime::from_unix_ms(1_800_000_000_000),
            quality: TimeQuality::Trusted,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (bank, out) = Bank::start(layout(), Lasting::default(), now, &mut rng);
        let mut rig = Self {
            bank,
            records: Vec::new(),
            now,
            rng,
            open: layout().iter().map(|c| (c.number, false)).collect(),
            latches: layout().iter().map(|c| (c.number, Latch::Works)).collect(),
            pulses: Vec::new(),
            replies: Vec::new(),
            siren: Siren::Off,
            checker: None,
            stored: None,
            pending: VecDeque::new(),
            last_misses: Vec::new(),
            commands: 0,
        };
        rig.execute(out, usize::MAX);
        rig.read_doors();
        rig.ask(Request::TakeRoster(first));
        rig
    }

    /// Cuts the power: the session is lost, the journal and the doors are not.
    pub fn restart(&mut self) {
        self.pending.clear();
        self.now.mono = MonoTime::from_ms(1_000);
        let lasting = Lasting::replay(&self.records);
        let (bank, out) = Bank::start(layout(), lasting, self.now, &mut self.rng);
        self.bank = bank;
        self.execute(out, usize::MAX);
        self.read_doors();
    }

    pub fn input(&mut self, input: Input) {
        self.input_until(input, usize::MAX);
    }

    /// Like `input`, but the power fails after `steps` outputs; returns whether it did.
    pub fn input_until(&mut self, input: Input, mut steps: usize) -> bool {
        self.pending.push_back(input);
        while let Some(input) = self.pending.pop_front() {
            let out = self.bank.handle(input, self.now, &mut self.rng);
            let count = out.len();
            self.execute(out, steps);
            if steps < count {
                return true;
            }
            steps -= count;
            assert_eq!(
                *self.bank.lasting(),
                Lasting::replay(&self.records),
                "state is the fold of the journal"
            );
        }
        false
    }

    fn execute(&mut self, outputs: Vec<Output>, steps: usize) {
        for output in outputs.into_iter().take(steps) {
            match output {
                Output::Record(record) => self.records.push(record),
                Output::Verify { guess, code, candidates } => {
                    let outcome = self.compare(code, &candidates);
                    self.pending.push_back(Input::Verified { guess, outcome });
                }
                Output::Unlock { ticket, compartment, .. } => {
                    self.assert_not_held(compartment);
                    self.assert_intended(compartment);
                    let result = self.pulse(compartment);
                    self.pending.extend(result.map(|result| Input::Unlocked { ticket, result }));
                    let sensed = self.sensed(compartment);
                    self.pending.push_back(Input::Door { compartment, sensed });
                }
                Output::Siren(siren) => self.siren = siren,
                Output::CheckSignatures { check, statement, signatures } => {
                    let checked = self.checker.map(|checker| checker(&statement, &signatures));
                    let answer = checked.map(|checked| Input::SignaturesChecked { check, checked });
                    self.pending.extend(answer);
                }
                Output::StoreTag(tag) => {
                    self.stored = Some(tag);
                    self.pending.push_back(Input::TagStored(tag));
                }
                Output::Reply { answer, .. } => self.replies.push(answer),
            }
        }
    }

    fn assert_intended(&self, compartment: CompartmentNo) {
        let intended = self.events().rev().find_map(|kind| match kind {
            EventKind::OpeningIntended { compartment: c, .. } if *c == compartment => Some(true),
            EventKind::CompartmentClosed { compartment: c } if *c == compartment => Some(false),
            _ => None,
        });
        assert_eq!(intended, Some(true), "a lock is driven only after its intent is durable");
    }

    fn assert_not_held(&self, compartment: CompartmentNo) {
        let purpose = self.bank.lasting().openings[&compartment].purpose;
        assert!(!self.bank.holds(compartment, purpose.way()), "under lockdown no lock is driven");
    }

    fn pulse(&mut self, compartment: CompartmentNo) -> Option<UnlockResult> {
        match self.latches[&compartment] {
            Latch::Works => {
                assert_eq!(self.open.insert(compartment, true), Some(false), "an open door is not pulsed");
                self.pulses.push(compartment);
                Some(UnlockResult::Pulsed)
            }
            Latch::Stuck => Some(UnlockResult::Pulsed),
            Latch::Mute => None,
        }
    }

    fn compare(&mut self, code: Code, candidates: &[Candidate]) -> Verdict {
        let found = candidates.iter().find(|c| c.verifier.mac[..8] == code.digits()[..]);
        if let Some(found) = found {
            return Verdict::Match(found.subject);
        }
        if self.last_misses.contains(&code) {
            return Verdict::RepeatedMiss;
        }
        self.last_misses.push(code);
        Verdict::Miss
    }

    fn sensed(&self, compartment: CompartmentNo) -> Sensed {
        if self.open[&compartment] { Sensed::Open } else { Sensed::Closed }
    }

    /// One poll sweep.
    pub fn read_doors(&mut self) {
        let doors: Vec<CompartmentNo> = self.open.keys().copied().collect();
        for compartment in doors {
            let sensed = self.sensed(compartment);
            self.input(Input::Door { compartment, sensed });
        }
    }

    /// Time passes, with a poll sweep and a tick every 500 ms (every hour for long waits).
    pub fn wait_ms(&mut self, ms: u64) {
        let step = if ms > 3_600_000 { 3_600_000 } else { 500 };
        let mut left = ms;
        while left > 0 {
            let by = left.min(step);
            left -= by;
            self.now.mono = self.now.mono.plus_ms(by);
            self.now.wall = self.now.wall.plus_ms(i64::try_from(by).unwrap());
            self.read_doors();
            self.input(Input::Tick);
        }
    }

    pub fn ask(&mut self, request: Request) -> Answer {
        self.commands = self.commands.wrapping_add(1);
        let command = CommandId::from_bytes([self.commands; 16]);
        let deadline = self.now.wall.plus_ms(60_000);
        self.input(Input::Platform { command, deadline, request });
        *self.replies.last().unwrap()
    }

    pub fn act(&mut self, action: Action) {
        self.input(Input::Kiosk(action));
    }

    pub fn enter(&mut self, code: &str) {
        self.act(Action::EnterCode(Code::parse(code).unwrap()));
    }

    pub fn close(&mut self, compartment: CompartmentNo) {
        self.open.insert(compartment, false);
        self.input(Input::Door { compartment, sensed: Sensed::Closed });
    }

    pub fn force(&mut self, compartment: CompartmentNo) {
        self.open.insert(compartment, true);
        self.input(Input::Door { compartment, sensed: Sensed::Open });
    }

    pub fn view(&self) -> View {
        self.bank.view(self.now)
    }

    pub fn screen(&self) -> Screen {
        self.view().screen
    }

    pub fn events(&self) -> impl DoubleEndedIterator<Item = &EventKind> {
        self.records.iter().filter_map(|record| match record {
            Record::Event(event) => Some(&event.kind),
            _ => None,
        })
    }

    pub fn last_event(&self) -> &EventKind {
        self.events().next_back().unwrap()
    }

    /// A whole drop-off by the one courier; returns the compartment and the grant.
    pub fn drop_off(&mut self, person: PersonId, size: Size) -> (CompartmentNo, GrantId) {
        self.enter(COURIER_CODE);
        self.act(Action::Pick(person));
        self.act(Action::ConfirmRecipient);
        self.act(Action::PickSize(size));
        let Screen::PlaceParcel { compartment, .. } = self.screen() else { panic!("{:?}", self.screen()) };
        self.close(compartment);
        self.act(Action::Finish);
        let grant = self.events().rev().find_map(|kind| match kind {
            EventKind::ParcelDeposited(deposit) => Some(deposit.grant),
            _ => None,
        });
        (compartment, grant.unwrap())
    }

    pub fn arm(&mut self, grant: GrantId, generation: u8, code: &str) -> Answer {
        let expires = self.now.wall.plus_ms(7 * DAY_MS);
        self.ask(Request::Arm { grant, generation, verifier: verifier(code), expires })
    }
}

/// For tests that name who is meant.
pub fn grant_subject(grant: GrantId) -> Subject {
    Subject::Grant(grant)
}
