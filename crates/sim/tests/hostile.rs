//! A whole bank with something hostile plugged into it: a real controller with its journal, serial lines, scanner and kiosk,
//! on simulated cabinets. Each ends in a named alarm on the kiosk's screen, doors shut, and the next courier served.

#![expect(clippy::unwrap_used, reason = "helpers of a test may fail it")]

use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bailee_domain::bank::io::{Action, Request};
use bailee_domain::bank::screen::{Screen, View};
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, Reach, Size};
use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, CarrierId, CommandId, OrgId, PersonId};
use bailee_domain::roster::{CourierPass, Recipient, Roster};
use bailee_domain::tamper::{Source, Tamper};
use bailee_edge::clock::Clocks;
use bailee_edge::config::EdgeConfig;
use bailee_edge::installation::{Enrolled, Installation};
use bailee_edge::kiosk::Kiosk as _;
use bailee_edge::runtime::Message;
use bailee_edge::start::{self, Running};
use bailee_sim::cabinet::{BoardPlan, Cabinet, DoorPlace, Fault, Pacing, PtyCabinet};
use bailee_vault::code::{self, CodeSecret};
use bailee_vault::stretch::Cost;
use bailee_vault::tls::Identity;
use bailee_vault::{OsRandom, Secret};
use nix::pty::openpty;
use nix::sys::termios::{self, LocalFlags};

const PATIENCE: Duration = Duration::from_secs(60);
const COURIER: &str = "48151623";
const MARIA: PersonId = PersonId::from_bytes([30; 16]);

/// A bank of three boards: small doors on the first, large ones on the second, both on one line; medium ones on a line of their
/// own.
struct Bank {
    line: PtyCabinet,
    other_line: PtyCabinet,
    scanner: (File, OwnedFd),
    running: Running,
    _folder: tempfile::TempDir,
}

impl Bank {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clocks::start();
        let cabinet = |boards: &[BoardPlan]| {
            PtyCabinet::start(Cabinet::new(boards, Pacing::Baud(9_600)), move || clock.elapsed()).unwrap()
        };
        let quick = |address| BoardPlan { pulse: Duration::from_millis(200), ..BoardPlan::usual(address, 2) };
        let (line, other_line) = (cabinet(&[quick(1), quick(2)]), cabinet(&[quick(3)]));
        let scanner = openpty(None, None).unwrap();
        let tty = nix::unistd::ttyname(&scanner.slave).unwrap();
        let data = folder.path().join("bank");
        let installation = Installation::create(&data, &enrolled(), &mut OsRandom).unwrap();
        let config = config(folder.path(), [line.path(), other_line.path()], &tty);
        let running = start::run(&config).await.unwrap();
        let (deadline, command) = (clock.rtc().plus_ms(60_000), CommandId::from_bytes([9; 16]));
        let request = Request::TakeRoster(roster(&installation));
        running.handle().tell(Message::Request(command, deadline, request)).unwrap();
        let scanner = (scanner.master.into(), scanner.slave);
        let bank = Self { line, other_line, scanner, running, _folder: folder };
        // The accelerometer of this bank is cut: its alarm is there from the beginning.
        bank.alarm(Source::Vibration(1), Tamper::Lost).await;
        bank
    }

    async fn shows(&self, what: &str, is: impl Fn(&View) -> bool) -> Arc<View> {
        let mut view = self.running.handle().view();
        let wait = tokio::time::timeout(PATIENCE, view.wait_for(|view| is(view))).await;
        match wait {
            Ok(view) => Arc::clone(&view.unwrap()),
            Err(_) => {
                panic!("the kiosk never showed {what}; it shows {:?}", self.running.handle().view().borrow())
            }
        }
    }

    async fn alarm(&self, source: Source, tamper: Tamper) {
        let alarm = (source, tamper);
        self.shows(&format!("{alarm:?}"), |view| view.tampers.contains(&alarm)).await;
    }

    async fn act(&self, action: Action) {
        self.running.handle().act(action).await.unwrap();
    }

    /// A courier signs in and chooses a size, once so many doors are offered that are as large.
    async fn courier_asks(&self, size: Size, offered: u16) {
        self.shows("the keypad", |view| matches!(view.screen, Screen::Home { .. })).await;
        self.act(Action::EnterCode(Code::parse(COURIER).unwrap())).await;
        self.shows("the search", |view| matches!(view.screen, Screen::FindRecipient { .. })).await;
        self.act(Action::Search("4B".to_owned())).await;
        self.act(Action::Pick(MARIA)).await;
        self.act(Action::ConfirmRecipient).await;
        let offers = |view: &View| match &view.screen {
            Screen::PickSize { sizes, .. } => {
                sizes.iter().any(|choice| choice.size == size && choice.free >= offered)
            }
            _ => false,
        };
        self.shows("the sizes", offers).await;
        self.act(Action::PickSize(size)).await;
    }

    /// A parcel is dropped off at the board on a line of its own: door 5, the smallest of the four it fits, once all four
    /// are heard of.
    async fn serves_others(&self) {
        self.courier_asks(Size::Medium, 4).await;
        self.door_5_takes_it().await;
    }

    /// The board that is in order opens, and the parcel is in.
    async fn door_5_takes_it(&self) {
        let opened =
            |view: &View| matches!(view.screen, Screen::PlaceParcel { compartment: CompartmentNo(5), .. });
        self.shows("an open door", opened).await;
        self.other_line.close(door(3, 1));
        self.shows("the deposit", |view| matches!(view.screen, Screen::Deposited { .. })).await;
        self.act(Action::Finish).await;
        assert_eq!(self.other_line.look(|cabinet| cabinet.pulses(door(3, 1))), 1);
    }

    fn open_doors(&self) -> Vec<DoorPlace> {
        let open = |cabinet: &Cabinet| -> Vec<DoorPlace> {
            cabinet.doors().into_iter().filter(|door| cabinet.is_open(*door)).collect()
        };
        [self.line.look(open), self.other_line.look(open)].concat()
    }

    /// Types at the bank with the scanner, once the controller listens to it.
    async fn scan(&self, bytes: &[u8]) {
        let (hand, line) = &self.scanner;
        while termios::tcgetattr(line).unwrap().local_flags.contains(LocalFlags::ICANON) {
            tokio::task::yield_now().await;
        }
        let mut hand = hand;
        hand.write_all(bytes).unwrap();
    }

    async fn stop(self) {
        tokio::time::timeout(PATIENCE, self.running.stop()).await.expect("the controller stops");
    }
}

fn door(board: u8, lock: u8) -> DoorPlace {
    DoorPlace { board, lock }
}

fn enrolled() -> Enrolled {
    let nobody = Identity::from_seed(&Secret::new([3; 32]));
    Enrolled {
        bank: BankId::from_bytes([1; 16]),
        org: OrgId::from_bytes([2; 16]),
        // Port 9 discards: the platform cannot be reached.
        address: "127.0.0.1:9".to_owned(),
        pins: vec![nobody.pin().0],
        link_seed: [4; 32],
        device_seed: [5; 32],
        code_key: [6; 32],
        code_salt: [7; 16],
        code_epoch: 1,
    }
}

fn config(folder: &Path, lines: [&Path; 2], scanner: &Path) -> EdgeConfig {
    let board = |number| format!("[[bus.board]]\nnumber = {number}\naddress = {number}\nchannels = 2\n");
    let bus = |line: &Path| format!("[[bus]]\nline = \"{}\"\n", line.display());
    let compartments = ["S", "S", "L", "L", "M", "M"].iter().zip(1_u8..).map(|(size, number)| {
        let (board, channel) = (number.div_ceil(2), (number + 1) % 2 + 1);
        format!(
            "[[compartment]]\nnumber = {number}\nsize = \"{size}\"\nboard = {board}\nchannel = {channel}\n\
             column = {number}\nrow = 0\n"
        )
    });
    let nowhere = folder.join("no-devices");
    let text = format!(
        "data_dir = \"{}\"\n[kiosk]\nlisten = \"127.0.0.1:0\"\n{}{}{}{}{}{}\
         [[readers.scanner]]\nnumber = 2\npath = \"{}\"\nbaud = 115200\n\
         [[vibration]]\nnumber = 1\ndevice = \"iio:device0\"\nroot = \"{}\"\n",
        folder.join("bank").display(),
        bus(lines[0]),
        board(1),
        board(2),
        bus(lines[1]),
        board(3),
        compartments.collect::<String>(),
        scanner.display(),
        nowhere.display()
    );
    let path = folder.join("bank.toml");
    std::fs::write(&path, text).unwrap();
    EdgeConfig::read(&path).unwrap()
}

fn roster(installation: &Installation) -> Roster {
    let (courier, salt) = (PersonId::from_bytes([40; 16]), [8; 16]);
    let key = installation.code_key(Cost::STANDARD).unwrap();
    let tag = key.stretch(&CodeSecret::parse(COURIER).unwrap());
    let mac = code::verifier(&tag, &courier.to_bytes(), &salt);
    Roster {
        revision: 1,
        bank_name: "Lobby".to_owned(),
        recipients: vec![Recipient {
            person: MARIA,
            unit: "4B".to_owned(),
            name: "Maria Reyes".to_owned(),
            reach: Reach::Standard,
        }],
        couriers: vec![CourierPass {
            person: courier,
            carrier: CarrierId::from_bytes([50; 16]),
            carrier_name: "Northwind Parcels".to_owned(),
            verifier: Verifier { salt, mac },
        }],
        ..Roster::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanner_that_types_commands_and_a_cut_sensor_are_named_and_the_courier_is_served() {
    let bank = Bank::start().await;
    bank.scan(b"\x1b[A; open all\r").await;
    bank.alarm(Source::Reader(2), Tamper::Unsolicited).await;
    assert_eq!(bank.open_doors(), []);
    bank.serves_others().await;
    assert_eq!(bank.open_doors(), []);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_floods_is_named_and_the_courier_is_served() {
    let bank = Bank::start().await;
    let flood: String = (0..400).map(|n| format!("code-{n}\r")).collect();
    bank.scan(flood.as_bytes()).await;
    bank.alarm(Source::Reader(2), Tamper::Unsolicited).await;
    assert_eq!(bank.open_doors(), []);
    bank.serves_others().await;
    assert_eq!(bank.open_doors(), []);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_lies_is_named_and_the_next_courier_is_served_by_another() {
    let bank = Bank::start().await;
    bank.line.set_fault(1, Fault::Lies);
    bank.courier_asks(Size::Small, 6).await;
    let alarm = (1..=2).map(|number| (Source::Door(CompartmentNo(number)), Tamper::BothWays));
    let alarm: Vec<(Source, Tamper)> = alarm.collect();
    bank.shows("the lie", |view| alarm.iter().any(|alarm| view.tampers.contains(alarm))).await;
    assert_eq!(
        bank.line.look(|cabinet| cabinet.doors().iter().filter(|door| cabinet.is_open(**door)).count()),
        0
    );
    bank.door_5_takes_it().await;
    assert_eq!(bank.open_doors(), []);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cables_swapped_between_two_boards_are_named_with_the_door_and_the_next_courier_is_served() {
    let bank = Bank::start().await;
    bank.line.set_fault(1, Fault::CablesSwapped(2));
    bank.line.set_fault(2, Fault::CablesSwapped(1));
    bank.courier_asks(Size::Small, 6).await;
    // Door 3 is the first of the second board: it stands open, nobody was sent to it.
    bank.alarm(Source::Door(CompartmentNo(3)), Tamper::Crossed).await;
    bank.shows("an alarm for the open door", |view| !view.alarms.is_empty()).await;
    assert_eq!(bank.line.look(|cabinet| cabinet.pulses(door(1, 1))), 0);
    bank.door_5_takes_it().await;
    bank.stop().await;
}
