//! What breaks, and how it ends.

use bailee_domain::bank::io::BoardHealth;
use bailee_domain::compartment::{CompartmentNo, Sensed};
use bailee_edge::journal::Trouble;

use super::bank::{Lock, Sensor};
use super::platform::StoreFault;
use super::record::Sometimes;
use super::{Fault, Happening, World};

const YEAR_MS: i64 = 365 * 86_400_000;
const DAY: u64 = 86_400_000;

impl World {
    fn some_door(&mut self, bank: usize) -> CompartmentNo {
        let doors: Vec<CompartmentNo> = self.banks[bank].doors.keys().copied().collect();
        self.dice.pick(&doors)
    }

    fn for_a_while(&mut self, bank: usize, fault: Fault, from_ms: u64, to_ms: u64) {
        let after = self.dice.between(from_ms, to_ms);
        self.agenda.after(after, Happening::Ends { bank, fault });
    }

    /// A thief breaks a door open and takes what is inside.
    pub(super) fn theft(&mut self, bank: usize) {
        let compartment = self.some_door(bank);
        let doubtful = self.dice.percent(60);
        let door = self.banks[bank].doors.get_mut(&compartment).expect("of this bank");
        if door.open {
            return;
        }
        door.open = true;
        if doubtful {
            door.item = None;
        }
        self.note(format_args!("bank {bank} door {compartment} is forced"));
        self.agenda.after(40, Happening::Reading { bank, compartment });
        let after = self.dice.between(5_000, 600_000);
        self.agenda.after(after, Happening::Close { bank, compartment });
        self.wake(bank);
    }

    pub(super) fn sensor_fault(&mut self, bank: usize) {
        let compartment = self.some_door(bank);
        let door = self.banks[bank].doors.get_mut(&compartment).expect("of this bank");
        door.doubtful = true;
        if self.dice.percent(50) {
            self.note(format_args!("bank {bank} sensor {compartment} bounces"));
            self.saw(Sometimes::SensorBounced);
            let open = self.banks[bank].doors[&compartment].open;
            let says = if open { Sensed::Closed } else { Sensed::Open };
            self.banks[bank].doors.get_mut(&compartment).expect("of this bank").sensor = Sensor::Says(says);
            self.for_a_while(bank, Fault::Sensor(compartment), 60, 900);
        } else {
            let says = self.dice.pick(&[Sensed::Open, Sensed::Closed, Sensed::Unknown]);
            self.note(format_args!("bank {bank} sensor {compartment} says {says:?} whatever happens"));
            self.saw(Sometimes::SensorLied);
            self.banks[bank].doors.get_mut(&compartment).expect("of this bank").sensor = Sensor::Says(says);
            self.for_a_while(bank, Fault::Sensor(compartment), 20_000, 1_800_000);
        }
        self.agenda.after(40, Happening::Reading { bank, compartment });
        self.wake(bank);
    }

    pub(super) fn lock_fault(&mut self, bank: usize) {
        let late = Lock::LetsGoLate(self.dice.between(1_500, 12_000));
        let lock = self.dice.pick(&[Lock::Jammed, Lock::Refused, late, late]);
        for _ in 0..3 {
            let compartment = self.some_door(bank);
            self.banks[bank].doors.get_mut(&compartment).expect("of this bank").lock = lock;
            self.for_a_while(bank, Fault::Lock(compartment), 300_000, 3_600_000);
        }
        self.note(format_args!("bank {bank} locks: {lock:?}"));
    }

    pub(super) fn board_fault(&mut self, bank: usize) {
        let boards: Vec<u8> = self.banks[bank].silent.keys().copied().collect();
        let board = self.dice.pick(&boards);
        self.note(format_args!("bank {bank} board {board} is silent"));
        self.board(bank, board, BoardHealth::Silent);
        self.for_a_while(bank, Fault::Board(board), 2_000, 600_000);
    }

    /// Trouble at one of the next writes.
    pub(super) fn disk_fault(&mut self, bank: usize) {
        let written = usize::try_from(self.dice.below(200)).expect("small");
        let trouble = self.dice.pick(&[
            Trouble::PowerCut { written },
            Trouble::PowerCut { written: 0 },
            Trouble::PowerCutZeroFilled { written },
            Trouble::PowerCutAfter,
            Trouble::PowerCutAfter,
            Trouble::Fails,
        ]);
        if trouble == Trouble::Fails {
            self.saw(Sometimes::WriteFailed);
        }
        let step = self.banks[bank].disk.steps() + self.dice.below(24);
        self.note(format_args!("bank {bank} disk: {trouble:?} at step {step}"));
        self.banks[bank].disk.plan(step, trouble);
    }

    pub(super) fn disk_full(&mut self, bank: usize) {
        self.note(format_args!("bank {bank} disk is full"));
        self.saw(Sometimes::DiskFull);
        self.banks[bank].disk.limit(Some(0));
        self.for_a_while(bank, Fault::Disk, 20_000, 900_000);
    }

    pub(super) fn clock_fault(&mut self, bank: usize) {
        let ahead = self.dice.percent(50);
        self.saw(if ahead { Sometimes::ClockAhead } else { Sometimes::ClockBehind });
        self.note(format_args!("bank {bank} clock is set a year {}", if ahead { "ahead" } else { "back" }));
        self.banks[bank].rtc_off_ms = if ahead { YEAR_MS } else { -YEAR_MS };
        if self.dice.percent(50) && self.banks[bank].running.is_some() {
            self.saw(Sometimes::PowerCut);
            self.power_lost(bank);
        }
    }

    /// Nothing passes between a bank and the platform for a while.
    pub(super) fn partition(&mut self, bank: usize, for_ms: u64) {
        let until = self.now_ms() + for_ms;
        if self.banks[bank].net.cut_until >= until {
            return;
        }
        self.banks[bank].net.cut_until = until;
        self.note(format_args!("bank {bank} is cut off"));
        self.saw(if for_ms > 14 * DAY { Sometimes::LongPartition } else { Sometimes::Partitioned });
        let since = self.banks[bank].net.down_since.unwrap_or(self.now_ms());
        self.banks[bank].net.down_since = Some(since);
        self.agenda.after(for_ms, Happening::Ends { bank, fault: Fault::Partition });
    }

    pub(super) fn platform_fault(&mut self) {
        if !self.platform.is_up() {
            return;
        }
        match self.dice.below(3) {
            0 => {
                self.note(format_args!("platform stops"));
                self.saw(Sometimes::PlatformRestarted);
                self.platform.stop();
                self.posted.clear();
                let after = self.dice.between(500, 120_000);
                self.agenda.after(after, Happening::PlatformReturns);
                // The machine is still there: its peers hear at once, or the first thing they send is refused.
                for bank in 0..self.banks.len() {
                    self.break_connection(bank);
                }
            }
            1 => {
                let fault = self.dice.pick(&[StoreFault::Refuses, StoreFault::TakesUnsaid]);
                self.platform.store_fault =
                    Some((fault, u32::try_from(self.dice.between(1, 3)).expect("small")));
            }
            _ => {
                let stage = self.dice.index(8);
                self.platform.trip(stage);
            }
        }
    }

    pub(super) fn platform_returns(&mut self) {
        let now = self.now_ms();
        if self.platform.is_up() {
            return;
        }
        self.platform.start(now, &mut self.dice);
        self.note(format_args!("platform starts"));
        self.check_held();
    }

    /// A fault ends.
    pub(super) fn ends(&mut self, bank: usize, fault: Fault) {
        match fault {
            Fault::Partition
                if self.banks[bank].is_cut_off() && self.now_ms() >= self.banks[bank].net.cut_until =>
            {
                self.note(format_args!("bank {bank} can be reached again"));
                self.banks[bank].net.down_since = None;
                self.break_connection(bank);
                self.plan_link_tick(bank);
            }
            Fault::Partition => {}
            Fault::Board(board) if self.banks[bank].silent[&board] => {
                self.board(bank, board, BoardHealth::Answering);
            }
            Fault::Board(_) => {}
            Fault::Sensor(compartment) => {
                let door = self.banks[bank].doors.get_mut(&compartment).expect("of this bank");
                door.sensor = Sensor::True;
                self.reading(bank, compartment);
            }
            Fault::Lock(compartment) => {
                self.banks[bank].doors.get_mut(&compartment).expect("of this bank").lock = Lock::Works;
            }
            Fault::Disk => self.banks[bank].disk.limit(None),
        }
    }
}
