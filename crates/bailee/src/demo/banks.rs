//! The demonstration's two banks: cabinets of spring latches on pseudo terminals, driven by real controllers.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use bailee_edge::config::{
    BoardConfig, BoardKind, BusConfig, ClosedWhen, CompartmentConfig, EdgeConfig, KioskConfig,
};
use bailee_edge::{enrolment, start};
use bailee_sim::cabinet::{BoardPlan, Cabinet, DoorPlace, Pacing, PtyCabinet};

/// A cabinet's columns, each a list of sizes from the top down; a size letter may be followed by `l` for low reach.
struct Plan {
    name: &'static str,
    columns: &'static [&'static [(char, bool)]],
    locks_per_board: u8,
}

const LOBBY: Plan = Plan {
    name: "Lobby",
    columns: &[
        &[('S', false), ('S', false), ('S', false), ('M', true), ('L', true)],
        &[('S', false), ('S', false), ('M', true), ('X', true)],
        &[('M', false), ('M', true), ('X', true)],
    ],
    locks_per_board: 12,
};

const GARAGE: Plan = Plan {
    name: "Garage",
    columns: &[
        &[('S', false), ('S', false), ('S', false), ('S', true), ('M', true), ('M', true)],
        &[('S', false), ('S', false), ('S', false), ('S', true), ('M', true), ('M', true)],
        &[('S', false), ('S', false), ('S', false), ('S', true), ('S', true), ('L', true)],
        &[('S', false), ('S', false), ('S', false), ('S', true), ('S', true), ('L', true)],
    ],
    locks_per_board: 12,
};

/// The names of the banks, in order.
pub const NAMES: [&str; 2] = [LOBBY.name, GARAGE.name];

/// One running bank of the demonstration.
pub struct DemoBank {
    /// What it is called.
    pub name: &'static str,
    /// Its controller.
    pub controller: start::Running,
    /// Its doors, as a person before them has them.
    pub cabinet: PtyCabinet,
    /// How it is built.
    pub config: EdgeConfig,
}

const fn height(size: char) -> u16 {
    match size {
        'S' => 1,
        'M' => 2,
        'L' => 3,
        _ => 4,
    }
}

impl Plan {
    fn compartments(&self) -> Vec<CompartmentConfig> {
        let mut compartments = Vec::new();
        for (column, sizes) in (0_u16..).zip(self.columns) {
            let mut row = 0;
            for (size, low_reach) in *sizes {
                let index = u8::try_from(compartments.len()).expect("a demonstration bank is small");
                compartments.push(CompartmentConfig {
                    number: u16::from(index) + 1,
                    size: *size,
                    low_reach: *low_reach,
                    board: index / self.locks_per_board + 1,
                    channel: index % self.locks_per_board + 1,
                    column,
                    row,
                    height: height(*size),
                    features: Vec::new(),
                });
                row += height(*size);
            }
        }
        compartments
    }

    fn boards(&self) -> u8 {
        let doors: usize = self.columns.iter().map(|column| column.len()).sum();
        u8::try_from(doors.div_ceil(usize::from(self.locks_per_board)))
            .expect("a demonstration bank is small")
    }
}

impl DemoBank {
    /// Builds cabinet number `index`, enrols it with `token` unless it was before, and starts its controller.
    pub async fn start(
        index: usize,
        dir: &Path,
        listen: SocketAddr,
        token: Option<&str>,
    ) -> anyhow::Result<Self> {
        let plan = [&LOBBY, &GARAGE][index];
        let numbers = 1..=plan.boards();
        let plans: Vec<BoardPlan> =
            numbers.clone().map(|n| BoardPlan::usual(n, plan.locks_per_board)).collect();
        let clock = bailee_edge::clock::Clocks::start();
        let cabinet = PtyCabinet::start(Cabinet::new(&plans, Pacing::Baud(9_600)), move || clock.elapsed())?;
        let boards = numbers.map(|number| BoardConfig {
            number,
            kind: BoardKind::Xor8a80,
            address: number,
            channels: plan.locks_per_board,
            closed_when: ClosedWhen::BitSet,
            pulse_ms: None,
        });
        let bus = BusConfig { line: cabinet.path().into(), baud: None, boards: boards.collect() };
        let config = EdgeConfig {
            kiosk: KioskConfig { listen, ..KioskConfig::default() },
            ..EdgeConfig::plain(dir.to_owned(), vec![bus], plan.compartments())
        };
        config.check()?;
        if let Some(token) = token {
            enrolment::run(&config, token).await.with_context(|| format!("enrolling bank {}", plan.name))?;
        }
        let controller = start::run(&config).await.with_context(|| format!("starting bank {}", plan.name))?;
        Ok(Self { name: plan.name, controller, cabinet, config })
    }

    /// The door with this number.
    pub fn door(&self, number: u16) -> Option<DoorPlace> {
        let compartment = self.config.compartments.iter().find(|c| c.number == number)?;
        Some(DoorPlace { board: compartment.board, lock: compartment.channel })
    }

    /// Every door with its number and whether it stands open.
    pub fn doors(&self) -> Vec<(u16, bool)> {
        self.cabinet.look(|cabinet| self.doors_of(cabinet))
    }

    /// Waits until some door is not as in `seen` any more, at most so long; whether one is.
    pub fn wait_for_change(&self, seen: &[(u16, bool)], within: Duration) -> bool {
        self.cabinet.wait_until(within, |cabinet| self.doors_of(cabinet) != seen)
    }

    fn doors_of(&self, cabinet: &Cabinet) -> Vec<(u16, bool)> {
        let doors = self.config.compartments.iter();
        doors.map(|c| (c.number, cabinet.is_open(DoorPlace { board: c.board, lock: c.channel }))).collect()
    }
}
