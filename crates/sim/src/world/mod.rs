//! The whole system under one seed: banks, platform, network, disks, clocks and people, in virtual time.
//!
//! What runs is the real thing: the bank engine in its controller on a disk in memory, both ends of the link
//! exchanging encoded frames, the platform's use cases, reconcilers and sequencer on SQLite. What is simulated is
//! the world around it. One thread takes one happening after the other from one [`agenda`]; nothing else decides an
//! order, so the same seed is the same run, which [`Outcome::trace`] proves.
//!
//! Start at [`run`]. The invariants are in [`watch`] and `ending`; docs/development/simulation.md says how to replay
//! a seed, docs/decisions/0005-simulation.md why there is no simulated socket here.

pub mod agenda;
pub mod bank;
pub mod dice;
pub mod did;
pub mod platform;
pub mod post;
pub mod record;
pub mod visitor;
pub mod watch;

mod activity;
mod admin;
mod drive;
mod ending;
mod faults;
mod network;
mod power;
mod setting;
mod street;
mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bailee_audit::TreeHead;
use bailee_domain::bank::io::{Candidate, UnlockResult};
use bailee_domain::code::Code;
use bailee_domain::compartment::CompartmentNo;
use bailee_domain::id::{CarrierId, CommandId, GrantId, ParcelId, PersonId, SiteId};
use bailee_server::app::Principal;

use self::agenda::Agenda;
use self::bank::SimBank;
use self::dice::Dice;
use self::platform::Platform;
use self::record::{Sometimes, Tally, Trace};
use self::watch::Watch;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The hash over everything that happened.
    pub trace: [u8; 32],
    /// How many lines it covers.
    pub lines: u64,
    /// Which rare things happened, and how often.
    pub tally: Tally,
    /// Entries of the custody log at the end.
    pub entries: u64,
    /// How long it took in the run's own time, in milliseconds.
    pub lasted_ms: u64,
}

/// How much of the trace is kept for people to read when an invariant breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing but the hash.
    Hash,
    /// Every line is printed as it happens.
    Printed,
}

/// Runs one seed to its end.
///
/// # Panics
/// When an invariant is broken, naming it.
pub fn run(seed: u64, detail: Detail) -> Outcome {
    let mut world = World::new(seed, detail);
    world.set_up();
    world.live();
    world.heal();
    world.end();
    Outcome {
        seed,
        trace: world.trace.hash(),
        lines: world.trace.lines(),
        tally: world.tally,
        entries: world.heads.last().map_or(0, |head| head.size),
        lasted_ms: world.agenda.now_ms(),
    }
}

/// Something that will happen.
#[derive(Clone, Debug)]
enum Happening {
    /// A controller's time passes.
    BankTick { bank: usize, number: u64 },
    /// A link's time passes.
    LinkTick { bank: usize, number: u64 },
    /// A code has been compared.
    Compared { bank: usize, boot: u64, guess: u64, code: Code, candidates: Vec<Candidate> },
    /// An order reaches its board.
    Order { bank: usize, boot: u64, ticket: u64, compartment: CompartmentNo, not_after_ms: u64 },
    /// A board answers.
    BoardSays { bank: usize, boot: u64, ticket: u64, result: UnlockResult },
    /// A door is read.
    Reading { bank: usize, compartment: CompartmentNo },
    /// A lock lets its door go.
    LetsGo { bank: usize, compartment: CompartmentNo },
    /// Somebody closes a door.
    Close { bank: usize, compartment: CompartmentNo },
    /// Somebody at a kiosk looks at the screen.
    Look { bank: usize, visit: u64 },
    /// The power returns.
    PowerReturns { bank: usize },
    /// A fault ends by itself.
    Ends { bank: usize, fault: Fault },
    /// A call reaches the platform.
    CallArrives { bank: usize, connection: u64 },
    /// A call was answered.
    CallAnswered { bank: usize, connection: u64 },
    /// A call failed.
    CallFailed { bank: usize, connection: u64 },
    /// A frame reaches the platform.
    Up { bank: usize, connection: u64, frame: Vec<u8> },
    /// A frame reaches a bank.
    Down { bank: usize, connection: u64, frame: Vec<u8> },
    /// The platform hears that a connection is over.
    LostUp { bank: usize, connection: u64 },
    /// A bank hears that a connection is over.
    LostDown { bank: usize, connection: u64 },
    /// The platform's time passes.
    PlatformTick,
    /// The reconcilers run.
    Jobs { timer: bool },
    /// The platform's process comes back.
    PlatformReturns,
    /// The next thing somebody does, or something breaks.
    Activity,
}

/// A fault that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Partition,
    Board(u8),
    Sensor(CompartmentNo),
    Lock(CompartmentNo),
    Disk,
}

struct Resident {
    person: PersonId,
    unit: String,
}

struct Courier {
    person: PersonId,
    code: Option<Code>,
}

/// A letter with a code that a recipient has.
#[derive(Clone, Debug)]
struct Letter {
    bank: usize,
    parcel: ParcelId,
    grant: GrantId,
    generation: u8,
    code: Code,
    qr: Option<String>,
}

/// A message in the outbox, opened before it was sent.
enum Posted {
    Pickup { parcel: ParcelId, code: String, qr: Option<String> },
    CourierCode { person: PersonId, code: String },
    Other,
}

/// What somebody at the platform wanted of a bank, and what it said.
#[derive(Clone, Copy, Debug)]
enum Answered {
    PutBack,
    KeypadReset,
    Revoked,
}

struct World {
    dice: Dice,
    agenda: Agenda<Happening>,
    banks: Vec<SimBank>,
    watches: Vec<Watch>,
    platform: Platform,
    admin: Principal,
    site: SiteId,
    carrier: CarrierId,
    residents: Vec<Resident>,
    couriers: Vec<Courier>,
    letters: Vec<Letter>,
    posted: BTreeMap<String, Posted>,
    commands: BTreeSet<(usize, CommandId)>,
    answers: Arc<Mutex<Vec<Answered>>>,
    heads: Vec<TreeHead>,
    connections: u64,
    items: u64,
    activities: u32,
    next_activity_ms: u64,
    jobs_planned: bool,
    healing: bool,
    detail: Detail,
    trace: Trace,
    tally: Tally,
}

impl World {
    fn now_ms(&self) -> u64 {
        self.agenda.now_ms()
    }

    fn saw(&mut self, what: Sometimes) {
        self.tally.saw(what);
    }

    fn note(&mut self, what: std::fmt::Arguments<'_>) {
        let now = self.now_ms();
        if self.detail == Detail::Printed {
            println!("{:>10}.{:03} {what}", now / 1_000, now % 1_000);
        }
        self.trace.line(now, what);
    }

    /// Lets things happen until there is nothing left for people and faults to do.
    fn live(&mut self) {
        self.agenda.after(5_000, Happening::Activity);
        while self.activities > 0 {
            self.step();
        }
    }

    /// Lets things happen for so many milliseconds.
    fn pass(&mut self, ms: u64) {
        let until = self.now_ms() + ms;
        while self.agenda.next_ms().is_some_and(|at| at <= until) {
            self.step();
        }
    }

    fn step(&mut self) {
        let Some(happening) = self.agenda.take_next() else { return };
        self.platform.set_time(self.now_ms());
        self.happen(happening);
        self.platform_did();
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::BankTick { bank, number } => self.bank_tick(bank, number),
            Happening::LinkTick { bank, number } => self.link_tick(bank, number),
            Happening::Compared { bank, boot, guess, code, candidates } => {
                self.compared(bank, boot, guess, code, &candidates);
            }
            Happening::Order { bank, boot, ticket, compartment, not_after_ms } => {
                self.order(bank, boot, ticket, compartment, not_after_ms);
            }
            Happening::BoardSays { bank, boot, ticket, result } => {
                self.board_says(bank, boot, ticket, result);
            }
            Happening::Reading { bank, compartment } => self.reading(bank, compartment),
            Happening::LetsGo { bank, compartment } => self.lets_go(bank, compartment),
            Happening::Close { bank, compartment } => self.close(bank, compartment),
            Happening::Look { bank, visit } => self.look(bank, visit),
            Happening::PowerReturns { bank } => self.power_returns(bank),
            Happening::Ends { bank, fault } => self.ends(bank, fault),
            Happening::CallArrives { bank, connection } => self.call_arrives(bank, connection),
            Happening::CallAnswered { bank, connection } => self.call_answered(bank, connection),
            Happening::CallFailed { bank, connection } | Happening::LostDown { bank, connection } => {
                self.lost_down(bank, connection);
            }
            Happening::Up { bank, connection, frame } => self.arrives_up(bank, connection, frame),
            Happening::Down { bank, connection, frame } => self.arrives_down(bank, connection, frame),
            Happening::LostUp { bank, connection } => {
                let id = self.banks[bank].id;
                self.platform.disconnected(id, connection);
            }
            Happening::PlatformTick => self.platform_tick(),
            Happening::Jobs { timer } => self.jobs(timer),
            Happening::PlatformReturns => self.platform_returns(),
            Happening::Activity => self.activity(),
        }
    }
}
