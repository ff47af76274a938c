//! A bank for benches: the real controller with its journal on the disk that is measured, a cabinet on a pseudo
//! terminal paced at its line speed, and no platform: what a platform would send is handed to the engine directly.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use bailee_domain::bank::io::{Action, Request};
use bailee_domain::bank::screen::Screen;
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, Reach, Service, Size};
use bailee_domain::event::EventKind;
use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, CarrierId, CommandId, GrantId, OrgId, PersonId};
use bailee_domain::roster::{CourierPass, Recipient, Roster};
use bailee_edge::clock::Clocks;
use bailee_edge::config::{
    BoardConfig, BoardKind, BusConfig, ClosedWhen, CompartmentConfig, EdgeConfig, KioskConfig,
};
use bailee_edge::installation::{Enrolled, Installation};
use bailee_edge::kiosk::Kiosk;
use bailee_edge::runtime::Message;
use bailee_edge::start::{self, Running};
use bailee_edge::uplink::EventSource;
use bailee_sim::cabinet::{
    BoardPlan, Cabinet, CabinetEvent, DoorPlace, Family, Happening, Pacing, PtyCabinet,
};
use bailee_vault::OsRandom;
use bailee_vault::code::{CodeSecret, CodeTag, verifier};
use bailee_vault::stretch::Cost;
use bailee_wire::event::{Leaf, decode};

/// What hangs on the line of a bench's bank.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Kind of the boards.
    pub family: Family,
    /// How many.
    pub boards: u8,
    /// Locks on each.
    pub locks: u8,
}

/// The smallest bank.
pub const ONE_BOARD: Shape = Shape { family: Family::Xor8a80, boards: 1, locks: 12 };
/// Three boards that share a line.
pub const THREE_BOARDS: Shape = Shape { family: Family::Xor8a80, boards: 3, locks: 12 };
/// A middling bank.
pub const DOORS_48: Shape = Shape { family: Family::Xor8a80, boards: 2, locks: 24 };
/// A big bank.
pub const DOORS_96: Shape = Shape { family: Family::Cu48, boards: 2, locks: 48 };

impl Shape {
    /// The line's speed.
    pub const fn baud(self) -> u32 {
        self.family.baud()
    }

    /// The doors, numbered from 1.
    pub fn doors(self) -> u16 {
        u16::from(self.boards) * u16::from(self.locks)
    }

    const fn address(self, board: u8) -> u8 {
        self.family.first_address() + board
    }

    const fn kind(self) -> BoardKind {
        match self.family {
            Family::Xor8a80 => BoardKind::Xor8a80,
            Family::Cu12 => BoardKind::Cu12,
            Family::Cu16 => BoardKind::Cu16,
            Family::Cu48 => BoardKind::Cu48,
            Family::ModbusRelay => BoardKind::ModbusRelay,
        }
    }

    /// Where a compartment is wired: its board from 0, and the lock.
    fn wiring(self, number: u16) -> (u8, u8) {
        let (board, lock) = ((number - 1) / u16::from(self.locks), (number - 1) % u16::from(self.locks));
        (
            u8::try_from(board).expect("as many as there are"),
            u8::try_from(lock + 1).expect("as many as there are"),
        )
    }

    /// The door of a compartment.
    pub fn door(self, compartment: CompartmentNo) -> DoorPlace {
        let (board, lock) = self.wiring(compartment.0);
        DoorPlace { board: self.address(board), lock }
    }
}

/// Shorter than a real latch's pulse, so that a bench takes minutes instead of hours; it follows what is measured.
const PULSE: Duration = Duration::from_millis(150);
/// Whatever has not happened by then will not.
const PATIENCE: Duration = Duration::from_secs(10);
const DAY_MS: i64 = 86_400_000;
/// Columns of a bench's bank.
const COLUMNS: u16 = 12;

const BANK: BankId = BankId::from_bytes([1; 16]);
const ORG: OrgId = OrgId::from_bytes([2; 16]);
const RECIPIENT: PersonId = PersonId::from_bytes([3; 16]);
const COURIER: PersonId = PersonId::from_bytes([4; 16]);
const COURIER_CODE: &str = "11112222";
const PICKUP_CODE: &str = "33334444";

/// A running bank with a cabinet.
pub struct BenchBank {
    clock: Clocks,
    shape: Shape,
    cabinet: PtyCabinet,
    controller: Running,
    journal: PathBuf,
    /// What the pickup code is stretched to, so that arming a grant costs nothing.
    pickup: CodeTag,
    /// Events up to here were looked at.
    looked_at: u64,
    platform: Platform,
}

/// Whether somebody takes the bank's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Everything is confirmed at once.
    There,
    /// Nothing is confirmed, after so many events that were not either.
    Away {
        /// How many.
        backlog: u32,
    },
}

/// One code typed and one door opened.
#[derive(Clone, Copy, Debug)]
pub struct Pickup {
    /// From handing in the code to the last byte of the unlock frame at the board, in milliseconds.
    pub took_ms: f64,
    /// What the journal grew by in that time, in bytes.
    pub journal_bytes: u64,
}

/// A cabinet with all doors closed, on its own pseudo terminal.
///
/// # Errors
/// When the system gives none.
pub fn cabinet(clock: Clocks, shape: Shape) -> anyhow::Result<PtyCabinet> {
    let plan =
        |board| BoardPlan { pulse: PULSE, ..BoardPlan::of(shape.family, shape.address(board), shape.locks) };
    let plans: Vec<BoardPlan> = (0..shape.boards).map(plan).collect();
    let cabinet = Cabinet::new(&plans, Pacing::Baud(shape.baud()));
    Ok(PtyCabinet::start(cabinet, move || clock.elapsed())?)
}

/// The configuration of a controller for such a cabinet, its kiosk on a port the system picks.
pub fn config(data_dir: &Path, tty: &Path, shape: Shape) -> EdgeConfig {
    let board = |board: u8| BoardConfig {
        number: board + 1,
        kind: shape.kind(),
        address: shape.address(board),
        channels: shape.locks,
        closed_when: ClosedWhen::BitSet,
        pulse_ms: None,
    };
    let compartment = |number: u16| {
        let (board, channel) = shape.wiring(number);
        let (column, row) = ((number - 1) % COLUMNS, (number - 1) / COLUMNS);
        CompartmentConfig {
            number,
            size: 'S',
            low_reach: false,
            board: board + 1,
            channel,
            column,
            row,
            height: 1,
            features: Vec::new(),
        }
    };
    let boards = (0..shape.boards).map(board).collect();
    let bus = BusConfig { line: tty.into(), baud: None, boards };
    let compartments = (1..=shape.doors()).map(compartment).collect();
    EdgeConfig {
        kiosk: KioskConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ..KioskConfig::default() },
        ..EdgeConfig::plain(data_dir.to_owned(), vec![bus], compartments)
    }
}

/// Enrols the bank in a folder, at a platform that nobody answers for.
///
/// # Errors
/// When the folder cannot be written.
pub fn enrol(data_dir: &Path) -> anyhow::Result<Installation> {
    // Bound for a moment to learn a port that is free, and so refuses connections.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.to_string();
    let enrolled = Enrolled {
        bank: BANK,
        org: ORG,
        address,
        pins: vec![[5; 32]],
        link_seed: [6; 32],
        device_seed: [7; 32],
        code_key: [8; 32],
        code_salt: [9; 16],
        code_epoch: 1,
    };
    Ok(Installation::create(data_dir, &enrolled, &mut OsRandom)?)
}

impl BenchBank {
    /// Starts a bank in a folder and tells it whom it serves.
    ///
    /// # Errors
    /// Whatever keeps a controller from starting.
    pub async fn start(
        data_dir: &Path,
        clock: Clocks,
        shape: Shape,
        platform: Platform,
    ) -> anyhow::Result<Self> {
        let code_key = enrol(data_dir)?.code_key(Cost::STANDARD)?;
        let tag = |code| CodeSecret::parse(code).map(|code| code_key.stretch(&code));
        let (courier, pickup) = (tag(COURIER_CODE)?, tag(PICKUP_CODE)?);
        let cabinet = cabinet(clock, shape)?;
        let config = config(data_dir, cabinet.path(), shape);
        let looked_at = match platform {
            Platform::There => 0,
            Platform::Away { backlog } => {
                bailee_sim::journal::fill(&config, backlog, clock).map_err(|error| anyhow!(error))?
            }
        };
        let controller = start::run(&config).await?;
        let journal = data_dir.join("journal");
        let bank = Self { clock, shape, cabinet, controller, journal, pickup, looked_at, platform };
        bank.ask(Request::TakeRoster(roster(&courier)))?;
        bank.controller.handle().act(Action::StillHere).await?;
        // Nothing is assigned before the board was asked once; it is asked every tenth of a second.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(bank)
    }

    /// Ends the bank.
    pub async fn stop(self) {
        self.controller.stop().await;
    }

    /// A parcel goes in, and its grant is armed with the pickup code; nothing of this is measured.
    ///
    /// # Errors
    /// When a step does not happen.
    pub async fn deposit(&mut self) -> anyhow::Result<()> {
        self.act(Action::EnterCode(code(COURIER_CODE))).await?;
        self.shown("the courier's page", |screen| matches!(screen, Screen::FindRecipient { .. })).await?;
        self.act(Action::Pick(RECIPIENT)).await?;
        self.act(Action::ConfirmRecipient).await?;
        self.act(Action::PickSize(Size::Small)).await?;
        let placing =
            self.shown("an open door", |screen| matches!(screen, Screen::PlaceParcel { .. })).await?;
        let Screen::PlaceParcel { compartment, .. } = placing else { unreachable!("waited for") };
        self.cabinet.close(self.shape.door(compartment));
        self.shown("the deposit", |screen| matches!(screen, Screen::Deposited { .. })).await?;
        self.act(Action::Finish).await?;
        let grant = self.confirm_events()?.context("the bank wrote no deposit")?;
        let salt = [0; 16];
        let verifier = Verifier { salt, mac: verifier(&self.pickup, &grant.to_bytes(), &salt) };
        let expires = self.controller.handle().now().plus_ms(DAY_MS);
        self.ask(Request::Arm { grant, generation: 1, verifier, expires })?;
        // Answered after what is above is done.
        self.act(Action::StillHere).await
    }

    /// Types the pickup code and waits until the door has opened and was closed again.
    ///
    /// # Errors
    /// When a step does not happen.
    pub async fn pick_up(&mut self) -> anyhow::Result<Pickup> {
        let (coils, before) = (self.coils(), self.journal_bytes()?);
        let from = self.clock.elapsed();
        self.act(Action::EnterCode(code(PICKUP_CODE))).await?;
        let opened = tokio::task::block_in_place(|| {
            self.cabinet.wait_until(PATIENCE, |cabinet| count_coils(cabinet.log()) > coils)
        });
        anyhow::ensure!(opened, "no latch was pulsed: {:?}", self.controller.handle().view().borrow().screen);
        // The latch is still pulsing and the line silent: nothing but the way to it has been written.
        let journal_bytes = self.journal_bytes()? - before;
        let at = self.cabinet.look(|cabinet| last_coil(cabinet.log())).context("a latch was pulsed")?;
        let taking =
            self.shown("the open door", |screen| matches!(screen, Screen::TakeParcel { .. })).await?;
        let Screen::TakeParcel { compartment } = taking else { unreachable!("waited for") };
        self.cabinet.close(self.shape.door(compartment));
        self.shown("the end", |screen| matches!(screen, Screen::Collected { .. })).await?;
        self.act(Action::Finish).await?;
        self.confirm_events()?;
        self.act(Action::StillHere).await?;
        Ok(Pickup { took_ms: (at.saturating_sub(from)).as_secs_f64() * 1e3, journal_bytes })
    }

    /// Forces a door, waits until the kiosk shows the alarm, and puts everything right again.
    ///
    /// # Errors
    /// When no alarm is shown, or it does not end.
    pub async fn force(&mut self, compartment: CompartmentNo) -> anyhow::Result<Duration> {
        let mut view = self.controller.handle().view();
        let door = self.shape.door(compartment);
        let from = self.clock.elapsed();
        self.cabinet.force_open(door);
        let alarmed = view.wait_for(|view| view.alarms.iter().any(|alarm| alarm.compartment == compartment));
        tokio::time::timeout(PATIENCE, alarmed).await.context("no alarm for the forced door")??;
        let took = self.clock.elapsed().saturating_sub(from);
        self.cabinet.close(door);
        self.ask(Request::SetService { compartment, service: Service::In, by: COURIER })?;
        self.confirm_events()?;
        self.act(Action::StillHere).await?;
        Ok(took)
    }

    async fn act(&self, action: Action) -> anyhow::Result<()> {
        Ok(self.controller.handle().act(action).await?)
    }

    fn ask(&self, request: Request) -> anyhow::Result<()> {
        let handle = self.controller.handle();
        let command = CommandId::new(handle.now(), &mut OsRandom);
        Ok(handle.tell(Message::Request(command, handle.now().plus_ms(DAY_MS), request))?)
    }

    async fn shown(&self, what: &str, so: impl Fn(&Screen) -> bool) -> anyhow::Result<Screen> {
        let mut view = self.controller.handle().view();
        let until = async { view.wait_for(|view| so(&view.screen)).await.map(|view| view.screen.clone()) };
        match tokio::time::timeout(PATIENCE, until).await {
            Ok(screen) => Ok(screen?),
            Err(_) => Err(anyhow!("the kiosk never showed {what}: {:?}", view.borrow().screen)),
        }
    }

    /// Finds the latest deposit's grant, and plays the platform that has everything if there is one.
    fn confirm_events(&mut self) -> anyhow::Result<Option<GrantId>> {
        let backlog = self.controller.backlog();
        let events = backlog
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .events_from(self.looked_at + 1, usize::MAX);
        let mut deposited = None;
        for (seq, leaf) in events {
            self.looked_at = seq;
            if let Leaf::Bank { event, .. } = decode(&leaf)?
                && let EventKind::ParcelDeposited(deposit) = event.kind
            {
                deposited = Some(deposit.grant);
            }
        }
        if self.platform == Platform::There {
            self.controller.handle().tell(Message::Acknowledged(self.looked_at))?;
        }
        Ok(deposited)
    }

    fn coils(&self) -> usize {
        self.cabinet.look(|cabinet| count_coils(cabinet.log()))
    }

    fn journal_bytes(&self) -> std::io::Result<u64> {
        std::fs::read_dir(&self.journal)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
    }
}

fn roster(courier: &CodeTag) -> Roster {
    let salt = [0; 16];
    Roster {
        revision: 1,
        bank_name: "Bench".to_owned(),
        recipients: vec![Recipient {
            person: RECIPIENT,
            unit: "4B".to_owned(),
            name: "Mara Roth".to_owned(),
            reach: Reach::Standard,
        }],
        couriers: vec![CourierPass {
            person: COURIER,
            carrier: CarrierId::from_bytes([10; 16]),
            carrier_name: "Swift".to_owned(),
            verifier: Verifier { salt, mac: verifier(courier, &COURIER.to_bytes(), &salt) },
        }],
        ..Roster::default()
    }
}

fn code(digits: &str) -> Code {
    Code::parse(digits).expect("eight digits")
}

fn count_coils(log: &[CabinetEvent]) -> usize {
    log.iter().filter(|event| matches!(event.what, Happening::CoilOn(_))).count()
}

fn last_coil(log: &[CabinetEvent]) -> Option<Duration> {
    log.iter().rev().find(|event| matches!(event.what, Happening::CoilOn(_))).map(|event| event.at)
}
