//! Model check: power cuts between any two outputs of the real engine, disks copied and exchanged while the power is
//! off, resynchronisation by a platform that arms whatever it is asked to, and one recipient who keeps trying.
//!
//! The transitions are [`Bank::start`] and [`Bank::handle`] themselves; the model adds a disk (the fold of what became
//! durable), a store of boot tags, one door and its lock. It proves within its bounds that no grant's door is sensed
//! to be opened twice, and that power cuts alone never leave the bank shut.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod rig;

use std::hash::{Hash, Hasher};

use bailee_domain::bank::io::Record;
use bailee_domain::bank::io::{Input, Output, Request, TokenClaims, UnlockResult};
use bailee_domain::bank::{Bank, Lasting};
use bailee_domain::boot_tag::{BootTag, Freshness, TagRead};
use bailee_domain::compartment::{CompartmentNo, Sensed, Size};
use bailee_domain::event::EventKind;
use bailee_domain::id::{CommandId, GrantId};
use bailee_domain::time::{MonoTime, Now, TimeQuality, WallTime};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rig::{MARA, NOOR, Rig};
use stateright::{Checker, Model, Property};

const BEFORE: WallTime = WallTime::from_unix_ms(0);
const LATER: WallTime = WallTime::from_unix_ms(4_000_000_000_000);

/// Whether the controller has a store for boot tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    None,
    Tpm,
}

/// How often each thing may happen.
#[derive(Clone, Copy, Debug)]
struct Most {
    boots: u8,
    copies: u8,
    swaps: u8,
    shown: u8,
    resyncs: u8,
    silences: u8,
}

struct Cabinet {
    store: Store,
    most: Most,
    first: Lasting,
    grant: GrantId,
    door: CompartmentNo,
}

/// An engine, as what it started from and what it was told: both together are its state.
#[derive(Clone, Debug, PartialEq)]
struct Running {
    from: Lasting,
    told: Vec<(Input, u8)>,
    pending: Vec<Input>,
    shown: u8,
}

#[derive(Clone, Debug, PartialEq)]
struct World {
    disk: Lasting,
    /// A second disk in the attacker's hands.
    copy: Option<Lasting>,
    held: Option<BootTag>,
    on: Option<Running>,
    /// What the engine says, kept because asking it is dear.
    freshness: Option<Freshness>,
    open: bool,
    /// The lock moved the door, and no durable record says so yet.
    unseen: bool,
    /// Times the door was sensed to be opened by its lock.
    sensed: u8,
    boots: u8,
    copies: u8,
    swaps: u8,
    shown: u8,
    resyncs: u8,
    armed: u8,
    looked: bool,
    silences: u8,
}

#[derive(Clone, Debug, PartialEq)]
enum Act {
    /// The power comes, with the store in or out of reach; it may fail again after so many outputs.
    Boot(Reach, Option<usize>),
    Deliver(Option<usize>),
    Cut,
    Copy,
    Swap,
    Show(u8),
    Close,
    Resynchronise,
    Look,
    Arm,
    ReadAgain,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reach {
    Answers,
    Silent,
}

impl Hash for World {
    fn hash<H: Hasher>(&self, to: &mut H) {
        let brief = |l: &Lasting| {
            format!(
                "{:?}{:?}{:?}{:?}",
                (l.seq, l.boot, l.boot_tags),
                l.grants,
                l.openings,
                (&l.contents, &l.doubts)
            )
        };
        brief(&self.disk).hash(to);
        self.copy.as_ref().map(brief).hash(to);
        let on =
            self.on.as_ref().map(|on| (brief(&on.from), format!("{:?}{:?}", on.told, on.pending), on.shown));
        (self.held, on, self.open, self.unseen, self.sensed).hash(to);
        (
            self.boots,
            self.copies,
            self.swaps,
            self.shown,
            self.resyncs,
            self.armed,
            self.looked,
            self.silences,
        )
            .hash(to);
    }
}

fn now(shown: u8) -> Now {
    let ms = 1_000 + 120_000 * u64::from(shown);
    let wall = WallTime::from_unix_ms(1_800_000_000_000).plus_ms(ms.cast_signed());
    Now { mono: MonoTime::from_ms(ms), wall, quality: TimeQuality::Trusted }
}

/// The same is asked of the state after it.
fn under_way(world: &World) -> bool {
    world.on.as_ref().is_some_and(|on| !on.pending.is_empty())
}

fn ask(request: Request) -> Input {
    Input::Platform { command: CommandId::from_bytes([1; 16]), deadline: LATER, request }
}

impl Cabinet {
    /// A bank that holds one parcel whose code is out.
    fn new(store: Store, most: Most) -> Self {
        let mut rig = Rig::new();
        let (door, grant) = rig.drop_off(NOOR, Size::Small);
        rig.arm(grant, 1, "12345678");
        Self { store, most, first: rig.bank.lasting().clone(), grant, door }
    }

    fn read(&self, world: &World, reach: Reach) -> TagRead {
        match (self.store, reach) {
            (Store::None, _) => TagRead::NoStore,
            (Store::Tpm, Reach::Silent) => TagRead::Silent,
            (Store::Tpm, Reach::Answers) => TagRead::Holds(world.held),
        }
    }

    /// The engine as it is now, by telling it everything again.
    fn engine(&self, world: &World) -> Option<(Bank, ChaCha8Rng)> {
        let on = world.on.as_ref()?;
        let mut rng = ChaCha8Rng::seed_from_u64(u64::from(world.boots));
        let (mut bank, _) = Bank::start(rig::layout(), on.from.clone(), now(0), &mut rng);
        for (input, shown) in &on.told {
            bank.handle(input.clone(), now(*shown), &mut rng);
        }
        Some((bank, rng))
    }

    /// Carries outputs out until the power fails; whether it did.
    fn carry_out(&self, world: &mut World, outputs: Vec<Output>, cut: Option<usize>) -> bool {
        let count = outputs.len();
        for output in outputs.into_iter().take(cut.unwrap_or(usize::MAX)) {
            let on = world.on.as_mut().unwrap();
            match output {
                Output::Record(record) => {
                    world.disk.apply(&record);
                    let opened = matches!(&record, Record::Event(event)
                        if matches!(event.kind, EventKind::CompartmentOpened { compartment, .. } if compartment == self.door));
                    if opened && std::mem::take(&mut world.unseen) {
                        world.sensed += 1;
                    }
                }
                Output::Unlock { ticket, compartment, .. } => {
                    assert_eq!(compartment, self.door);
                    if !std::mem::replace(&mut world.open, true) {
                        world.unseen = true;
                    }
                    on.pending.push(Input::Unlocked { ticket, result: UnlockResult::Pulsed });
                    on.pending.push(Input::Door { compartment, sensed: Sensed::Open });
                }
                Output::StoreTag(tag) => {
                    world.held = Some(tag);
                    on.pending.push(Input::TagStored(tag));
                }
                _ => {}
            }
        }
        let failed = cut.is_some_and(|cut| cut < count);
        if failed {
            (world.on, world.freshness) = (None, None);
        }
        failed
    }

    fn tell(&self, world: &mut World, input: Input, cut: Option<usize>) {
        let (mut bank, mut rng) = self.engine(world).unwrap();
        let on = world.on.as_mut().unwrap();
        let shown = on.shown;
        on.told.push((input.clone(), shown));
        let outputs = bank.handle(input, now(shown), &mut rng);
        if !self.carry_out(world, outputs, cut) {
            world.freshness = Some(bank.freshness());
            assert_eq!(*bank.lasting(), world.disk, "state is the fold of the journal");
        }
    }

    fn boot(&self, world: &mut World, reach: Reach, cut: Option<usize>) {
        world.boots += 1;
        let (disk, sensed) = (world.disk.clone(), if world.open { Sensed::Open } else { Sensed::Closed });
        let pending =
            vec![Input::TagRead(self.read(world, reach)), Input::Door { compartment: self.door, sensed }];
        world.on = Some(Running { from: disk.clone(), told: Vec::new(), pending, shown: 0 });
        let mut rng = ChaCha8Rng::seed_from_u64(u64::from(world.boots));
        let (bank, outputs) = Bank::start(rig::layout(), disk, now(0), &mut rng);
        if !self.carry_out(world, outputs, cut) {
            world.freshness = Some(bank.freshness());
        }
    }

    /// How many outputs the next delivery has.
    fn outputs(&self, world: &World) -> usize {
        let input = world.on.as_ref().unwrap().pending[0].clone();
        let (mut bank, mut rng) = self.engine(world).unwrap();
        bank.handle(input, now(world.on.as_ref().unwrap().shown), &mut rng).len()
    }

    fn deliver(&self, world: &mut World, cut: Option<usize>) {
        let input = world.on.as_mut().unwrap().pending.remove(0);
        self.tell(world, input, cut);
    }

    /// Without further trouble from here.
    fn settled(&self, world: &World) -> World {
        let mut world = world.clone();
        if world.on.is_none() {
            self.boot(&mut world, Reach::Answers, None);
        }
        while !world.on.as_ref().unwrap().pending.is_empty() {
            self.deliver(&mut world, None);
        }
        if world.freshness == Some(Freshness::Silent) {
            let read = self.read(&world, Reach::Answers);
            world.on.as_mut().unwrap().pending.push(Input::TagRead(read));
            return self.settled(&world);
        }
        world
    }

    /// Whether the bank serves once the platform has resynchronised it, if it has to be.
    fn lifted(&self, world: &World) -> bool {
        let mut there = self.settled(world);
        if there.freshness == Some(Freshness::Restored) {
            self.tell(&mut there, ask(Request::Resynchronise { by: MARA }), None);
            there = self.settled(&there);
        }
        there.freshness == Some(Freshness::Fresh)
    }

    fn claims(&self, generation: u8) -> TokenClaims {
        TokenClaims { this_bank: true, grant: self.grant, generation, not_before: BEFORE, expires: LATER }
    }

    fn arm(&self, generation: u8) -> Request {
        let expires = now(0).wall.plus_ms(7 * rig::DAY_MS);
        Request::Arm { grant: self.grant, generation, verifier: rig::verifier("87654321"), expires }
    }
}

impl Model for Cabinet {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            disk: self.first.clone(),
            copy: None,
            held: None,
            on: None,
            freshness: None,
            open: false,
            unseen: false,
            sensed: 0,
            boots: 0,
            copies: 0,
            swaps: 0,
            shown: 0,
            resyncs: 0,
            armed: 1,
            looked: false,
            silences: 0,
        }]
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        let most = &self.most;
        if world.open {
            acts.push(Act::Close);
        }
        let Some(on) = &world.on else {
            if world.boots < most.boots {
                acts.extend([None, Some(0)].map(|cut| Act::Boot(Reach::Answers, cut)));
                if world.silences < most.silences {
                    acts.push(Act::Boot(Reach::Silent, None));
                }
            }
            if world.copies < most.copies {
                acts.push(Act::Copy);
            }
            if world.swaps < most.swaps && world.copy.as_ref().is_some_and(|copy| *copy != world.disk) {
                acts.push(Act::Swap);
            }
            return;
        };
        if !on.pending.is_empty() {
            acts.push(Act::Deliver(None));
            acts.extend((0..self.outputs(world)).map(|cut| Act::Deliver(Some(cut))));
            return;
        }
        acts.push(Act::Cut);
        if world.shown < most.shown {
            acts.extend((1..=world.armed).map(Act::Show));
        }
        match world.freshness {
            Some(Freshness::Silent) => acts.push(Act::ReadAgain),
            Some(Freshness::Restored) if world.resyncs < most.resyncs => acts.push(Act::Resynchronise),
            _ => {}
        }
        if world.resyncs > 0 && world.armed == 1 {
            acts.push(Act::Arm);
            if !world.looked {
                acts.push(Act::Look);
            }
        }
    }

    fn next_state(&self, last: &World, act: Act) -> Option<World> {
        let mut world = last.clone();
        match act {
            Act::Boot(reach, cut) => {
                world.silences += u8::from(reach == Reach::Silent);
                self.boot(&mut world, reach, cut);
            }
            Act::Deliver(cut) => self.deliver(&mut world, cut),
            Act::Cut => (world.on, world.freshness) = (None, None),
            Act::Copy => {
                world.copies += 1;
                world.copy = Some(world.disk.clone());
            }
            Act::Swap => {
                world.swaps += 1;
                std::mem::swap(&mut world.disk, world.copy.as_mut()?);
            }
            Act::Show(generation) => {
                world.shown += 1;
                world.on.as_mut()?.shown += 1;
                self.tell(&mut world, Input::Tick, None);
                world.on.as_mut()?.pending.push(Input::Token(Ok(self.claims(generation))));
            }
            Act::Close => {
                (world.open, world.unseen) = (false, false);
                if let Some(on) = world.on.as_mut() {
                    on.pending.push(Input::Door { compartment: self.door, sensed: Sensed::Closed });
                }
            }
            Act::Resynchronise => {
                world.resyncs += 1;
                world.on.as_mut()?.pending.push(ask(Request::Resynchronise { by: MARA }));
            }
            // The worst that a round can say: a parcel of somebody else lies there by now.
            Act::Look => {
                world.looked = true;
                let seen = vec![(self.door, bailee_domain::truth::Seen::Full)];
                self.tell(&mut world, ask(Request::TellSeen { by: MARA, seen }), None);
            }
            Act::Arm => {
                world.armed += 1;
                self.tell(&mut world, ask(self.arm(2)), None);
            }
            Act::ReadAgain => {
                let read = self.read(&world, Reach::Answers);
                world.on.as_mut()?.pending.push(Input::TagRead(read));
            }
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("a grant's door is sensed to be opened at most once", |_, w: &World| {
                w.sensed <= 1
            }),
            Property::always("power cuts alone never leave the bank shut", |model: &Self, w: &World| {
                w.swaps > 0 || under_way(w) || model.settled(w).freshness == Some(Freshness::Fresh)
            }),
            Property::always("what shuts it, the platform can lift", |model: &Self, w: &World| {
                w.swaps == 0 || under_way(w) || model.lifted(w)
            }),
            Property::sometimes("the recipient gets the parcel", |_, w: &World| w.sensed == 1),
            Property::sometimes("a restored disk is found", |_, w: &World| {
                w.swaps > 0 && w.freshness == Some(Freshness::Restored)
            }),
            Property::sometimes("a resynchronised bank serves", |_, w: &World| {
                w.resyncs > 0 && w.freshness == Some(Freshness::Fresh)
            }),
        ]
    }
}

#[test]
fn no_grant_opens_twice_and_no_power_cut_shuts_the_bank() {
    let most = Most { boots: 3, copies: 1, swaps: 1, shown: 2, resyncs: 1, silences: 0 };
    let checker = Cabinet::new(Store::Tpm, most).checker().spawn_bfs().join();
    println!("{} states, {} of them different", checker.state_count(), checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn without_a_store_a_restored_disk_opens_a_door_again() {
    let most = Most { boots: 2, copies: 1, swaps: 1, shown: 2, resyncs: 0, silences: 0 };
    let checker = Cabinet::new(Store::None, most).checker().spawn_bfs().join();
    assert!(checker.discovery("a grant's door is sensed to be opened at most once").is_some());
}
