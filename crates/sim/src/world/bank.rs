//! One simulated bank: its disk, its clocks, its doors, and the real controller while the power is on.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use bailee_domain::bank::io::{BoardHealth, DoorStatus};
use bailee_domain::bank::screen::{LockdownShown, View};
use bailee_domain::budget::Keypad;
use bailee_domain::compartment::{Compartment, CompartmentNo, Layout, Reach, Sensed, Size, Wiring};
use bailee_domain::id::BankId;
use bailee_domain::time::{MonoTime, Now, TrustedClock, WallTime};
use bailee_domain::truth::Truth;
use bailee_edge::backlog::Identity;
use bailee_edge::codes::CodeChecker;
use bailee_edge::controller::{Controller, Effect};
use bailee_edge::journal::{Journal, JournalError, JournalId, MemoryDisk, SealKey};
use bailee_edge::uplink::Session;
use bailee_vault::Secret;
use bailee_vault::code::BankCodeKey;
use bailee_vault::sign::SigningKey;
use bailee_vault::stretch::Cost;
use bailee_wire::link::{BankStatus, BoardStatus};
use rand_chacha::ChaCha12Rng;

use super::dice::Dice;
use super::visitor::Visitor;
use super::witness::SimWitness;

/// True time at the beginning of a run.
pub const START: WallTime = WallTime::from_unix_ms(1_800_000_000_000);
/// The monotonic clock does not start at 0.
const BOOTED_AT: MonoTime = MonoTime::from_ms(1_000);
/// Locks on one board.
const CHANNELS: u16 = 12;

/// What a bank was given when it was enrolled.
pub struct Installed {
    /// Its organisation.
    pub org: [u8; 16],
    /// `K_bank`.
    pub code_key: [u8; 32],
    /// Its salt.
    pub code_salt: [u8; 16],
    /// Its number.
    pub code_epoch: u32,
}

/// A lock and its hinge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// It opens when pulsed.
    Works,
    /// It never opens.
    Jammed,
    /// Its board refuses orders for it.
    Refused,
    /// It opens so many milliseconds after a pulse.
    LetsGoLate(u64),
}

/// A door sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensor {
    /// It says what is so.
    True,
    /// It always says this.
    Says(Sensed),
}

/// A compartment in the real world.
#[derive(Clone, Debug)]
pub struct Door {
    /// Whether it stands open.
    pub open: bool,
    /// The thing inside, if there is one.
    pub item: Option<u64>,
    /// Its lock.
    pub lock: Lock,
    /// Its sensor.
    pub sensor: Sensor,
    /// Its sensor has lied since it was last looked at, so what the bank believes of it may be wrong.
    pub doubtful: bool,
}

/// The four states of every compartment and the lockdowns, as the link was told last.
type Guarded = (Vec<Truth>, Vec<LockdownShown>);

/// The network between a bank and the platform.
#[derive(Clone, Debug, Default)]
pub struct Net {
    /// Since when nothing passes.
    pub down_since: Option<u64>,
    /// Not before then does anything pass again.
    pub cut_until: u64,
    /// When the last frame up arrives: none overtakes another.
    pub up_until: u64,
    /// When the last frame down arrives.
    pub down_until: u64,
}

/// What runs while the power is on.
pub struct Running {
    /// The real controller on the simulated disk.
    pub controller: Controller<MemoryDisk, ChaCha12Rng>,
    /// The real link.
    pub link: Session<ChaCha12Rng>,
    /// The connection the link has or is making.
    pub connection: Option<u64>,
    /// Compares codes.
    pub checker: CodeChecker,
    /// The controller's clock.
    pub clock: TrustedClock,
    /// What is known of each board.
    pub health: BTreeMap<u8, BoardHealth>,
    booted_ms: u64,
    told: Option<Told>,
    status_version: u64,
}

/// What the link was told last: doors, boards, keypad, and whether the bank is in order.
type Told = (Vec<DoorStatus>, BTreeMap<u8, BoardHealth>, Keypad, bool, Guarded);

/// One bank.
pub struct SimBank {
    /// Its id.
    pub id: BankId,
    /// How it is built.
    pub layout: Layout,
    /// Its disk.
    pub disk: MemoryDisk,
    /// How far its real-time clock is from the true time.
    pub rtc_off_ms: i64,
    /// Its compartments.
    pub doors: BTreeMap<CompartmentNo, Door>,
    /// Boards that do not answer.
    pub silent: BTreeMap<u8, bool>,
    /// Its network.
    pub net: Net,
    /// The controller, while the power is on.
    pub running: Option<Running>,
    /// Counts starts; what was planned in an earlier one does not happen.
    pub boot: u64,
    /// Since when the power is off.
    pub off_since: Option<u64>,
    /// Who stands at the kiosk.
    pub visitor: Option<Visitor>,
    /// The planned tick of the controller; any earlier plan is void.
    pub bank_tick: u64,
    /// The planned tick of the link, in the same way.
    pub link_tick: u64,
    /// Counts visitors.
    pub visits: u64,
    /// Its witness of the platform's log.
    pub witness: SimWitness,
    installed: Installed,
    device_seed: [u8; 32],
    journal_key: [u8; 32],
}

/// A layout of so many doors.
pub fn layout(doors: u16, dice: &mut Dice) -> Layout {
    let sizes = [Size::Small, Size::Small, Size::Medium, Size::Large];
    let compartments = (1..=doors).map(|number| Compartment {
        number: CompartmentNo(number),
        size: dice.pick(&sizes),
        reach: dice.pick(&[Reach::Low, Reach::Standard]),
        wiring: Wiring {
            board: u8::try_from((number - 1) / CHANNELS + 1).expect("few boards"),
            channel: u8::try_from((number - 1) % CHANNELS + 1).expect("few channels"),
        },
        column: number,
        row: 0,
        height: 1,
    });
    Layout::new(compartments.collect()).expect("numbers, locks and places are unique")
}

impl SimBank {
    /// A bank that has never been started.
    pub fn new(
        id: BankId,
        layout: Layout,
        device_seed: [u8; 32],
        installed: Installed,
        dice: &mut Dice,
    ) -> Self {
        let closed =
            Door { open: false, item: None, lock: Lock::Works, sensor: Sensor::True, doubtful: false };
        let doors = layout.iter().map(|c| (c.number, closed.clone())).collect();
        let silent = layout.iter().map(|c| (c.wiring.board, false)).collect();
        Self {
            id,
            layout,
            disk: MemoryDisk::default(),
            rtc_off_ms: 0,
            doors,
            silent,
            net: Net::default(),
            running: None,
            boot: 0,
            off_since: Some(0),
            visitor: None,
            bank_tick: 0,
            link_tick: 0,
            visits: 0,
            installed,
            device_seed,
            journal_key: dice.bytes(),
            witness: SimWitness::new(id, dice.bytes()),
        }
    }

    /// Its real-time clock.
    fn rtc(&self, now_ms: u64) -> WallTime {
        true_time(now_ms).plus_ms(self.rtc_off_ms)
    }

    /// The seal of its journal.
    pub fn seal_key(&self) -> SealKey {
        SealKey::new(self.journal_key)
    }

    /// The name of its journal.
    pub fn journal_id(&self) -> JournalId {
        JournalId(self.id.to_bytes())
    }

    /// Switches the power on: the journal is read and the engine starts. Returns the journal's payloads as they were
    /// found, and the first effects.
    ///
    /// # Errors
    /// [`JournalError`] when the power failed again while the journal was opened, or the journal is damaged.
    pub fn start(
        &mut self,
        now_ms: u64,
        dice: &mut Dice,
    ) -> Result<(Vec<Vec<u8>>, Vec<Effect>), JournalError> {
        let opened = Journal::open(self.disk.clone(), self.seal_key(), self.journal_id(), dice.generator());
        let (journal, recovered) = opened?;
        self.boot += 1;
        let device = SigningKey::from_seed(&Secret::new(self.device_seed));
        let identity = Identity { bank: self.id, device, layout: self.layout.clone() };
        let entries = recovered.entries.iter().map(|entry| (entry.index, entry.payload.as_slice()));
        let starting = Controller::recover(identity, journal, entries, Box::new(dice.generator()))
            .expect("a journal that opens is understood");
        let mut clock = TrustedClock::start(starting.high_water(), self.rtc(now_ms), BOOTED_AT);
        let (controller, effects) = starting.begin(clock.now(self.rtc(now_ms), BOOTED_AT));
        self.witness.restart();
        let backlog = controller.backlog();
        backlog.lock().unwrap_or_else(PoisonError::into_inner).witnesses_with(self.witness.key());
        self.running = Some(Running {
            controller,
            link: Session::new(BOOTED_AT, dice.generator()),
            connection: None,
            checker: CodeChecker::new(self.code_key()),
            clock,
            health: BTreeMap::new(),
            booted_ms: now_ms,
            told: None,
            status_version: 0,
        });
        self.off_since = None;
        Ok((recovered.entries.into_iter().map(|entry| entry.payload).collect(), effects))
    }

    fn code_key(&self) -> BankCodeKey {
        BankCodeKey {
            tenant: self.installed.org,
            bank: self.id.to_bytes(),
            epoch: self.installed.code_epoch,
            key: Secret::new(self.installed.code_key),
            salt: self.installed.code_salt,
            cost: Cost::SIMULATION,
        }
    }

    /// The time as the controller sees it, while the power is on.
    pub fn now(&mut self, now_ms: u64) -> Option<Now> {
        let rtc = self.rtc(now_ms);
        let running = self.running.as_mut()?;
        Some(running.clock.now(rtc, mono(running.booted_ms, now_ms)))
    }

    /// The controller's monotonic time, while the power is on.
    pub fn mono(&self, now_ms: u64) -> Option<MonoTime> {
        self.running.as_ref().map(|running| mono(running.booted_ms, now_ms))
    }

    /// When, in the run's time, the controller's clock will show this.
    pub fn ms_of(&self, at: MonoTime) -> u64 {
        self.running.as_ref().map_or(u64::MAX, |running| running.booted_ms + at.since_ms(BOOTED_AT))
    }

    /// What the kiosk shows; nothing without power.
    pub fn view(&mut self, now_ms: u64) -> Option<View> {
        let now = self.now(now_ms)?;
        self.running.as_ref().map(|running| running.controller.view(now))
    }

    /// What the sensor of a door says now; nothing when its board is silent.
    pub fn reading(&self, compartment: CompartmentNo) -> Option<Sensed> {
        let board = self.layout.find(compartment)?.wiring.board;
        let door = &self.doors[&compartment];
        let said = match door.sensor {
            Sensor::True if door.open => Sensed::Open,
            Sensor::True => Sensed::Closed,
            Sensor::Says(sensed) => sensed,
        };
        (!self.silent[&board]).then_some(said)
    }

    /// Whether the disk has lost its power.
    pub fn is_dark(&self) -> bool {
        use bailee_edge::journal::Disk as _;
        self.disk.segments().is_err()
    }

    /// Whether nothing passes between it and the platform.
    pub const fn is_cut_off(&self) -> bool {
        self.net.down_since.is_some()
    }
}

impl Running {
    /// The status for the platform's map, if it has changed; as the controller's own loop makes it.
    pub fn status(&mut self, now: Now, boards: impl Iterator<Item = u8>) -> Option<BankStatus> {
        let keypad =
            self.controller.lasting().map_or(Keypad::ClosedUntilReset, |l| l.budget.keypad(now.wall));
        let guarded = (self.controller.truth(), self.controller.lockdowns(now));
        let in_order = self.controller.in_order();
        let status = (self.controller.doors(), self.health.clone(), keypad, in_order, guarded);
        if self.told.as_ref() == Some(&status) {
            return None;
        }
        self.status_version += 1;
        let health = |number: u8| self.health.get(&number).copied().unwrap_or(BoardHealth::Answering);
        let boards = boards.map(|number| BoardStatus { number, health: health(number) }).collect();
        let (doors, (truth, lockdowns)) = (status.0.clone(), status.4.clone());
        let tampers =
            self.controller.lasting().map(|l| l.tampers.keys().copied().collect()).unwrap_or_default();
        self.told = Some(status);
        let (version, warnings) = (self.status_version, Vec::new());
        Some(BankStatus { version, doors, boards, keypad, warnings, lockdowns, truth, tampers, health: None })
    }
}

/// The true time at a moment of the run.
pub fn true_time(now_ms: u64) -> WallTime {
    START.plus_ms(i64::try_from(now_ms).unwrap_or(i64::MAX))
}

const fn mono(booted_ms: u64, now_ms: u64) -> MonoTime {
    BOOTED_AT.plus_ms(now_ms.saturating_sub(booted_ms))
}
