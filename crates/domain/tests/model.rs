//! Random days at a bank against a small model of the physical truth: what lies where, and which codes are live.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod rig;

use std::collections::BTreeMap;

use bailee_domain::bank::io::{Action, Answer, BoardHealth, Input, Record, Request};
use bailee_domain::bank::screen::Screen;
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, Sensed, Service, Size};
use bailee_domain::event::{EventKind, Purpose, Severity};
use bailee_domain::grant::GrantState;
use bailee_domain::id::GrantId;
use bailee_domain::lockdown::{Area, Exercise, Grade};
use bailee_domain::tamper::{Felt, FeltClass};
use bailee_domain::time::WallTime;
use bailee_domain::truth::Seen;
use proptest::prelude::*;
use rig::{COURIER_CODE, Latch, MARA, NOOR, Rig};

#[derive(Clone, Debug)]
enum Step {
    Courier,
    Code(usize),
    Wrong(u8),
    Pick(bool),
    Confirm,
    Size(usize),
    Bigger,
    Cancel,
    Next,
    Finish,
    Close(u16),
    CloseShown,
    Force(u16),
    Wait(u64),
    Cut(usize),
    Arm(usize),
    Revoke(usize),
    Repair(u16),
    Break(u16, bool),
    Board(u8, bool),
    LockDown(usize, Area, u64),
    Release(usize),
    Seen(Seen),
    Round(u16, Seen),
    Felt(FeltClass, u16),
    Jump(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let door = 1..=6u16;
    prop_oneof![
        8 => Just(Step::Courier),
        8 => (0..6usize).prop_map(Step::Code),
        1 => (0..30u8).prop_map(Step::Wrong),
        8 => any::<bool>().prop_map(Step::Pick),
        8 => Just(Step::Confirm),
        8 => (0..3usize).prop_map(Step::Size),
        2 => Just(Step::Bigger),
        1 => Just(Step::Cancel),
        3 => Just(Step::Next),
        3 => Just(Step::Finish),
        2 => door.clone().prop_map(Step::Close),
        16 => Just(Step::CloseShown),
        1 => door.clone().prop_map(Step::Force),
        3 => prop_oneof![Just(600u64), Just(5_000), Just(95_000), Just(86_400_000)].prop_map(Step::Wait),
        2 => (0..6usize).prop_map(Step::Cut),
        8 => (0..6usize).prop_map(Step::Arm),
        1 => (0..6usize).prop_map(Step::Revoke),
        3 => door.clone().prop_map(Step::Repair),
        1 => (door, any::<bool>()).prop_map(|(n, mute)| Step::Break(n, mute)),
        1 => (1..=2u8, any::<bool>()).prop_map(|(b, silent)| Step::Board(b, silent)),
        1 => (0..4usize, area(), 60..7_200u64).prop_map(|(g, area, s)| Step::LockDown(g, area, s)),
        3 => (0..3usize).prop_map(Step::Release),
        3 => seen().prop_map(Step::Seen),
        2 => (1..=6u16, seen()).prop_map(|(n, seen)| Step::Round(n, seen)),
        1 => (felt(), 0..600u16).prop_map(|(class, score)| Step::Felt(class, score)),
        1 => (-400_000_000..400_000_000i64).prop_map(Step::Jump),
    ]
}

fn area() -> impl Strategy<Value = Area> {
    prop_oneof![
        Just(Area::Bank),
        (1..=6u16).prop_map(|n| Area::Door(CompartmentNo(n))),
        (1..=6u16).prop_map(Area::Zone),
    ]
}

fn seen() -> impl Strategy<Value = Seen> {
    prop_oneof![Just(Seen::Empty), Just(Seen::Full), Just(Seen::CannotTell)]
}

fn felt() -> impl Strategy<Value = FeltClass> {
    prop_oneof![
        Just(FeltClass::Knock),
        Just(FeltClass::Impact),
        Just(FeltClass::Drill),
        Just(FeltClass::Quiet)
    ]
}

/// The truth, kept apart from the engine.
struct Model {
    rig: Rig,
    /// Grants in order of their deposits, with what is known of them outside the bank.
    grants: Vec<Known>,
    seen_records: usize,
    seen_pulses: usize,
    intents: BTreeMap<CompartmentNo, Purpose>,
    cut_after: Option<usize>,
    generation: u8,
}

struct Known {
    id: GrantId,
    code: Option<String>,
    expires: WallTime,
    opened: u32,
    compartment: CompartmentNo,
}

impl Model {
    fn new() -> Self {
        Self {
            rig: Rig::new(),
            grants: Vec::new(),
            seen_records: 0,
            seen_pulses: 0,
            intents: BTreeMap::new(),
            cut_after: None,
            generation: 0,
        }
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Courier => self.act(Action::EnterCode(Code::parse(COURIER_CODE).unwrap())),
            Step::Code(n) => {
                let code = self.grants.get(n).and_then(|grant| grant.code.clone());
                code.into_iter().for_each(|code| self.act(Action::EnterCode(Code::parse(&code).unwrap())));
            }
            Step::Wrong(n) => self.act(Action::EnterCode(Code::parse(&format!("990000{n:02}")).unwrap())),
            Step::Pick(mara) => self.act(Action::Pick(if mara { MARA } else { NOOR })),
            Step::Confirm => self.act(Action::ConfirmRecipient),
            Step::Size(n) => self.act(Action::PickSize(Size::ALL[n])),
            Step::Bigger => self.act(Action::Bigger),
            Step::Cancel => self.act(Action::Cancel),
            Step::Next => self.act(Action::NextParcel),
            Step::Finish => self.act(Action::Finish),
            Step::Close(n) => self.close(CompartmentNo(n)),
            Step::CloseShown => match self.rig.screen() {
                Screen::PlaceParcel { compartment, .. }
                | Screen::TakeParcel { compartment }
                | Screen::CloseFirst { compartment, .. } => self.close(compartment),
                _ => {}
            },
            Step::Force(n) => self.force(CompartmentNo(n)),
            Step::Wait(ms) => self.rig.wait_ms(ms),
            Step::Cut(after) => self.cut_after = Some(after),
            Step::Arm(n) => self.arm(n),
            Step::Revoke(n) => self.revoke(n),
            Step::Repair(n) => {
                let compartment = CompartmentNo(n);
                self.rig.latches.insert(compartment, Latch::Works);
                self.rig.ask(Request::SetService { compartment, service: Service::In, by: MARA });
            }
            Step::Break(n, mute) => {
                let latch = if mute { Latch::Mute } else { Latch::Stuck };
                self.rig.latches.insert(CompartmentNo(n), latch);
            }
            Step::Board(board, silent) => {
                let health = if silent { BoardHealth::Silent } else { BoardHealth::Answering };
                self.rig.input(Input::Board { board, health });
            }
            Step::LockDown(grade, area, lasts_s) => {
                let (grade, exercise) = (Grade::ALL[grade], Exercise::Real);
                self.rig.ask(Request::LockDown { area, grade, exercise, lasts_s, by: MARA });
            }
            Step::Release(n) => {
                let lockdown = self.rig.bank.lasting().lockdowns.keys().nth(n).copied();
                let release = lockdown.map(|lockdown| Request::Release { lockdown, by: rig::KEEPER });
                release.map(|request| self.rig.ask(request));
            }
            Step::Seen(seen) => self.act(Action::Seen(seen)),
            Step::Round(n, seen) => {
                let seen = vec![(CompartmentNo(n), seen)];
                self.rig.ask(Request::TellSeen { by: MARA, seen });
            }
            Step::Felt(class, score) => {
                let area = Area::Zone(2);
                self.rig.input(Input::Vibration { sensor: 1, area, felt: Felt { class, score } });
            }
            Step::Jump(by_ms) => self.rig.now.wall = self.rig.now.wall.plus_ms(by_ms.max(0)),
        }
        self.check();
    }

    fn act(&mut self, action: Action) {
        match self.cut_after.take() {
            None => self.rig.act(action),
            Some(after) => {
                if self.rig.input_until(Input::Kiosk(action), after) {
                    self.rig.restart();
                }
            }
        }
    }

    fn close(&mut self, compartment: CompartmentNo) {
        if self.rig.open[&compartment] {
            self.rig.close(compartment);
        }
    }

    fn force(&mut self, compartment: CompartmentNo) {
        if self.rig.open[&compartment] {
            return;
        }
        let silent = |rig: &Rig| {
            rig.bank.doors().iter().all(|d| d.compartment != compartment || d.sensed == Sensed::Unknown)
        };
        if silent(&self.rig) {
            return;
        }
        let before = self.rig.records.len();
        self.rig.force(compartment);
        let told = self.rig.records[before..].iter().any(|record| {
            matches!(record, Record::Event(event)
            if event.kind.severity() == Severity::Alarm
                || matches!(event.kind, EventKind::CompartmentOpened { .. }))
        });
        assert!(told, "a door that moved without leave is told of at once");
        if let Some(known) = self.grants.iter_mut().find(|g| g.compartment == compartment) {
            known.opened += u32::from(matches!(self.rig.last_event(), EventKind::CompartmentOpened { .. }));
        }
    }

    fn arm(&mut self, n: usize) {
        let Some(known) = self.grants.get(n) else { return };
        self.generation = self.generation.wrapping_add(1).max(1);
        let code = format!("{:04}{:04}", 1_000 + n, 2_000 + u32::from(self.generation) * 7);
        let id = known.id;
        if self.rig.arm(id, self.generation, &code) == Answer::Done {
            let expires = self.rig.now.wall.plus_ms(7 * rig::DAY_MS);
            self.grants[n].code = Some(code);
            self.grants[n].expires = expires;
        }
    }

    fn revoke(&mut self, n: usize) {
        let Some(known) = self.grants.get(n) else { return };
        if self.rig.ask(Request::Revoke { grant: known.id }) == Answer::Done {
            self.grants[n].code = None;
        }
    }

    /// Looks at everything new in the journal and at every movement of a lock.
    fn check(&mut self) {
        let new: Vec<Record> = self.rig.records[self.seen_records..].to_vec();
        self.seen_records = self.rig.records.len();
        for record in &new {
            let Record::Event(event) = record else { continue };
            match &event.kind {
                EventKind::OpeningIntended { compartment, purpose, .. } => {
                    self.intents.insert(*compartment, *purpose);
                }
                EventKind::ParcelDeposited(deposit) => {
                    let held =
                        self.grants.iter().any(|g| g.compartment == deposit.compartment && g.opened == 0);
                    assert!(!held, "an occupied compartment was given away");
                    self.grants.push(Known {
                        id: deposit.grant,
                        code: None,
                        expires: deposit.expires,
                        opened: 0,
                        compartment: deposit.compartment,
                    });
                }
                EventKind::OccupancyTold { compartment, seen: Seen::Full, .. } => {
                    self.found_inside(*compartment);
                }
                _ => {}
            }
        }
        let pulses: Vec<CompartmentNo> = self.rig.pulses[self.seen_pulses..].to_vec();
        self.seen_pulses = self.rig.pulses.len();
        assert!(pulses.len() <= 1, "one door at a time");
        for compartment in pulses {
            self.check_pulse(compartment);
        }
        let seqs: Vec<u64> = self
            .rig
            .records
            .iter()
            .filter_map(|r| match r {
                Record::Event(event) => Some(event.seq),
                _ => None,
            })
            .collect();
        assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "no gaps, no repeats");
    }

    /// Somebody says that a parcel whose pickup was cut in two is still inside: its grant may be armed once more.
    fn found_inside(&mut self, compartment: CompartmentNo) {
        let lasting = self.rig.bank.lasting();
        let unarmed = |id: GrantId| {
            lasting
                .grants
                .get(&id)
                .is_some_and(|grant| grant.state == GrantState::Unarmed && grant.generation > 0)
        };
        let known = self.grants.iter_mut().find(|g| g.compartment == compartment && unarmed(g.id));
        known.into_iter().for_each(|known| (known.opened, known.code) = (0, None));
    }

    fn check_pulse(&mut self, compartment: CompartmentNo) {
        let now = self.rig.now.wall;
        match self.intents[&compartment] {
            Purpose::DropOff { .. } => {
                let held = self.grants.iter().any(|g| g.compartment == compartment && g.opened == 0);
                assert!(!held, "a courier was let into somebody's compartment");
            }
            Purpose::Pickup { grant, .. } => {
                let known = self.grants.iter_mut().find(|g| g.id == grant).expect("a known grant");
                assert_eq!(known.compartment, compartment, "the door opened is the grant's");
                assert!(known.code.is_some(), "a door opened without a live code");
                assert!(now < known.expires, "a door opened after its grant had ended");
                known.opened += 1;
                assert_eq!(known.opened, 1, "a one-time grant opened twice");
            }
            Purpose::Inspect { .. } => panic!("nobody asked for that"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_opens_that_should_not(steps in prop::collection::vec(step(), 1..120)) {
        let mut model = Model::new();
        for step in steps {
            model.apply(&step);
        }
    }
}
