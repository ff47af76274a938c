//! A bank without any platform: a simulated cabinet, a real controller, and a roster handed to it directly.

use std::path::PathBuf;
use std::time::Duration;

use bailee_domain::bank::io::Request;
use bailee_domain::compartment::Reach;
use bailee_domain::grant::Verifier;
use bailee_domain::id::{BankId, CarrierId, CommandId, OrgId, PersonId};
use bailee_domain::roster::{CourierPass, Recipient, Roster};
use bailee_edge::clock::Clocks;
use bailee_edge::config::{
    BoardConfig, BoardKind, BusConfig, ClosedWhen, CompartmentConfig, EdgeConfig, KioskConfig,
};
use bailee_edge::installation::{Enrolled, Installation};
use bailee_edge::runtime::Message;
use bailee_edge::start::{self, Running};
use bailee_sim::cabinet::{BoardPlan, Cabinet, DoorPlace, Pacing, PtyCabinet};
use bailee_vault::code::{self, CodeSecret};
use bailee_vault::stretch::Cost;
use bailee_vault::tls::Identity;
use bailee_vault::{OsRandom, Secret};

/// The courier's personal code.
pub const COURIER: &str = "48151623";
const DOORS: [char; 8] = ['S', 'S', 'S', 'M', 'M', 'L', 'X', 'S'];

/// The bank; dropping it stops its controller.
pub struct Bank {
    pub cabinet: PtyCabinet,
    pub kiosk: String,
    running: Option<Running>,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Bank {
    /// A bank that knows three recipients and one courier, and whose platform cannot be reached.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clocks::start();
        let plan = [BoardPlan::usual(1, 8)];
        let cabinet =
            PtyCabinet::start(Cabinet::new(&plan, Pacing::Baud(9_600)), move || clock.elapsed()).unwrap();
        let installation = Installation::create(folder.path(), &enrolled(), &mut OsRandom).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let config = config(folder.path().to_owned(), cabinet.path().to_owned());
        let running = runtime.block_on(start::run(&config)).unwrap();
        let request = Request::TakeRoster(roster(&installation));
        let deadline = clock.rtc().plus_ms(60_000);
        let command = CommandId::from_bytes([9; 16]);
        running.handle().tell(Message::Request(command, deadline, request)).unwrap();
        let kiosk = format!("http://{}", running.kiosk);
        Self { cabinet, kiosk, running: Some(running), runtime, _folder: folder }
    }

    /// Waits until a door stands open, as somebody before it would.
    pub fn opens(&self, number: u8) {
        let open = self.cabinet.wait_until(Duration::from_secs(10), |cabinet| cabinet.is_open(door(number)));
        assert!(open, "compartment {number} did not open");
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

/// The lock of a compartment.
pub fn door(number: u8) -> DoorPlace {
    DoorPlace { board: 1, lock: number }
}

fn enrolled() -> Enrolled {
    let nobody = Identity::from_seed(&Secret::new([3; 32]));
    Enrolled {
        bank: BankId::from_bytes([1; 16]),
        org: OrgId::from_bytes([2; 16]),
        // Port 9 discards: nothing of ours listens there.
        address: "127.0.0.1:9".to_owned(),
        pins: vec![nobody.pin().0],
        link_seed: [4; 32],
        device_seed: [5; 32],
        code_key: [6; 32],
        code_salt: [7; 16],
        code_epoch: 1,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "both are made for it")]
fn config(data_dir: PathBuf, tty: PathBuf) -> EdgeConfig {
    let board = BoardConfig {
        number: 1,
        kind: BoardKind::Xor8a80,
        address: 1,
        channels: 8,
        closed_when: ClosedWhen::BitSet,
        pulse_ms: None,
    };
    let compartments = (0_u8..).zip(DOORS).map(|(index, size)| CompartmentConfig {
        number: u16::from(index) + 1,
        size,
        low_reach: index >= 5,
        board: 1,
        channel: index + 1,
        column: u16::from(index / 4),
        row: u16::from(index % 4) * 2,
        height: 2,
        features: Vec::new(),
    });
    let bus = BusConfig { line: tty.as_path().into(), baud: None, boards: vec![board] };
    EdgeConfig {
        kiosk: KioskConfig { listen: ([127, 0, 0, 1], 0).into(), ..KioskConfig::default() },
        ..EdgeConfig::plain(data_dir, vec![bus], compartments.collect())
    }
}

fn roster(installation: &Installation) -> Roster {
    let courier = PersonId::from_bytes([40; 16]);
    let salt = [8; 16];
    let tag = installation.code_key(Cost::STANDARD).unwrap().stretch(&CodeSecret::parse(COURIER).unwrap());
    let mac = code::verifier(&tag, &courier.to_bytes(), &salt);
    let recipient = |id: u8, unit: &str, name: &str| Recipient {
        person: PersonId::from_bytes([id; 16]),
        unit: unit.to_owned(),
        name: name.to_owned(),
        reach: Reach::Standard,
    };
    Roster {
        revision: 1,
        bank_name: "Lobby".to_owned(),
        help: "+49 30 555 0134".to_owned(),
        recipients: vec![
            recipient(30, "4B", "Maria Reyes"),
            recipient(31, "41", "Anna Berg"),
            recipient(32, "12", "ليلى حداد"),
        ],
        couriers: vec![CourierPass {
            person: courier,
            carrier: CarrierId::from_bytes([50; 16]),
            carrier_name: "Northwind Parcels".to_owned(),
            verifier: Verifier { salt, mac },
        }],
        ..Roster::default()
    }
}
