//! A driver on a simulated cabinet in real time, over a pseudo terminal or a socket.

use std::{
    collections::BTreeSet,
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use bailee_edge::boards::{
    BadFrame, Board, Board8a80, Board8a80Settings, BoardAddress, Bus, BusEvent, BusSettings, BusTiming,
    Channel, Cu16Settings, Cu48Settings, DoorAddress, DoorState, KerongCu16, KerongCu48, LineAddress,
    ModbusRelay, ModbusRelaySettings, Polarity, Pulsed, Ticket, UnknownOutcome, UnlockError, UnlockOrder,
};
use bailee_sim::cabinet::{
    BoardPlan, Cabinet, DoorPlace, Family, Fault, LiveCabinet, Pacing, PtyCabinet, TcpCabinet,
};

pub const PATIENCE: Duration = Duration::from_secs(20);
pub const SOON: Duration = Duration::from_secs(10);

#[expect(clippy::disallowed_methods, reason = "real devices pass real time")]
pub fn start_clock() -> impl Fn() -> Duration + Send + Sync + Copy {
    let start = Instant::now();
    move || start.elapsed() + Duration::from_secs(1)
}

pub fn quick(address: u8, locks: u8) -> BoardPlan {
    BoardPlan { pulse: Duration::from_millis(200), ..BoardPlan::usual(address, locks) }
}

/// The driver for a board as it is built, with its feedback read as told.
pub fn driver(plan: &BoardPlan, polarity: Polarity) -> Box<dyn Board> {
    let BoardPlan { address, locks: channels, .. } = *plan;
    let pulse = Some(plan.pulse);
    match plan.family {
        Family::Xor8a80 => {
            Box::new(Board8a80::new(Board8a80Settings { address, channels, polarity }).unwrap())
        }
        Family::Cu12 | Family::Cu16 => {
            Box::new(KerongCu16::new(Cu16Settings { address, channels, polarity, pulse }).unwrap())
        }
        Family::Cu48 => {
            Box::new(KerongCu48::new(Cu48Settings { address, channels, polarity, pulse }).unwrap())
        }
        Family::ModbusRelay => {
            let pulse_ms = u16::try_from(plan.pulse.as_millis()).unwrap();
            let settings = ModbusRelaySettings { address, channels, polarity, pulse_ms };
            Box::new(ModbusRelay::new(settings).unwrap())
        }
    }
}

pub fn door(board: u8, lock: u8) -> DoorPlace {
    DoorPlace { board, lock }
}

pub fn address_of(door: DoorPlace) -> DoorAddress {
    DoorAddress { board: BoardAddress(door.board), channel: Channel::new(door.lock).unwrap() }
}

/// What a rig drives.
enum Hardware {
    Pty(PtyCabinet),
    Tcp(TcpCabinet),
}

/// How a rig is connected.
#[derive(Clone, Copy)]
pub enum By {
    Pty,
    Tcp,
}

/// A driver on a simulated cabinet.
pub struct Rig {
    pub bus: Bus,
    pub events: Receiver<BusEvent>,
    cabinet: Option<Hardware>,
    pub now: Box<dyn Fn() -> Duration>,
    pub tickets: u64,
}

impl Rig {
    pub fn new(plans: &[BoardPlan], faults: &[Fault]) -> Self {
        Self::wired(plans, faults, Polarity::ClosedWhenBitSet)
    }

    pub fn wired(plans: &[BoardPlan], faults: &[Fault], polarity: Polarity) -> Self {
        Self::connected(By::Pty, plans, faults, polarity)
    }

    pub fn connected(by: By, plans: &[BoardPlan], faults: &[Fault], polarity: Polarity) -> Self {
        let baud = plans[0].family.baud();
        let mut cabinet = Cabinet::new(plans, Pacing::Baud(baud));
        faults.iter().for_each(|&fault| plans.iter().for_each(|plan| cabinet.set_fault(plan.address, fault)));
        let clock = start_clock();
        let (cabinet, line) = match by {
            By::Pty => {
                let cabinet = PtyCabinet::start(cabinet, clock).unwrap();
                let line = cabinet.path().into();
                (Hardware::Pty(cabinet), line)
            }
            By::Tcp => {
                let cabinet = TcpCabinet::start(cabinet, 0, clock).unwrap();
                let line = format!("tcp://{}", cabinet.address()).parse().unwrap();
                (Hardware::Tcp(cabinet), line)
            }
        };
        let settings = BusSettings { line, timing: BusTiming::at_baud(baud) };
        let boards = plans.iter().map(|plan| driver(plan, polarity)).collect();
        let (sender, events) = mpsc::sync_channel(1024);
        let bus = Bus::open(settings, boards, Box::new(clock), Box::new(sender)).unwrap();
        Self { bus, events, cabinet: Some(cabinet), now: Box::new(clock), tickets: 0 }
    }

    pub fn cabinet(&self) -> &LiveCabinet {
        match self.cabinet.as_ref().unwrap() {
            Hardware::Pty(cabinet) => cabinet,
            Hardware::Tcp(cabinet) => cabinet,
        }
    }

    /// The device, for others who want it.
    pub fn line(&self) -> LineAddress {
        match self.cabinet.as_ref().unwrap() {
            Hardware::Pty(cabinet) => cabinet.path().into(),
            Hardware::Tcp(cabinet) => format!("tcp://{}", cabinet.address()).parse().unwrap(),
        }
    }

    /// Pulls the plug.
    pub fn unplug(&mut self) {
        self.cabinet = None;
    }

    /// The gateway drops its connection.
    pub fn hang_up(&self) {
        if let Some(Hardware::Tcp(cabinet)) = &self.cabinet {
            cabinet.hang_up();
        }
    }

    pub fn order(&mut self, door: DoorPlace, within: Duration) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let not_after = (self.now)() + within;
        self.bus.unlock(UnlockOrder { ticket, door: address_of(door), not_after }).unwrap();
        ticket
    }

    pub fn unlock(&mut self, door: DoorPlace) -> Result<Pulsed, UnlockError> {
        let ticket = self.order(door, SOON);
        self.outcome(ticket)
    }

    pub fn outcome(&mut self, wanted: Ticket) -> Result<Pulsed, UnlockError> {
        self.wait(|event| match event {
            BusEvent::Unlock { ticket, outcome, .. } if *ticket == wanted => Some(*outcome),
            _ => None,
        })
    }

    /// Waits for an event that says something.
    pub fn wait<T>(&mut self, says: impl Fn(&BusEvent) -> Option<T>) -> T {
        let mut passed = BTreeSet::new();
        let until = (self.now)() + PATIENCE;
        while let Ok(event) = self.events.recv_timeout(until.saturating_sub((self.now)())) {
            if let Some(said) = says(&event) {
                return said;
            }
            passed.insert(format!("{event:?}").chars().take(100).collect::<String>());
        }
        panic!("not reported in time; reported: {passed:#?}");
    }

    pub fn wait_for_doors(&mut self, board: u8, are: impl Fn(&[DoorState]) -> bool) -> Vec<DoorState> {
        self.wait(|event| match event {
            BusEvent::Doors { board: from, doors, .. } if from.0 == board => {
                let states: Vec<_> = doors.iter().map(|door| door.state).collect();
                are(&states).then_some(states)
            }
            _ => None,
        })
    }

    pub fn wait_for_door(&mut self, place: DoorPlace, state: DoorState) {
        self.wait_for_doors(place.board, |doors| doors[usize::from(place.lock - 1)] == state);
    }

    pub fn wait_silent(&mut self, board: u8) {
        self.wait(|event| matches!(event, BusEvent::Silent { board: b, .. } if b.0 == board).then_some(()));
    }

    pub fn wait_back(&mut self, board: u8) {
        self.wait(|event| matches!(event, BusEvent::Back { board: b, .. } if b.0 == board).then_some(()));
    }

    pub fn wait_bad_frame(&mut self, of: impl Fn(BadFrame) -> bool) -> u64 {
        self.wait(|event| match event {
            BusEvent::BadFrames { latest, total, .. } if of(*latest) => Some(*total),
            _ => None,
        })
    }

    pub fn pulses(&self, door: DoorPlace) -> u32 {
        self.cabinet().look(|cabinet| cabinet.pulses(door))
    }

    pub fn heal(&self) {
        self.cabinet().change(|cabinet, _| cabinet.heal());
    }
}

pub const OPENED: Result<Pulsed, UnlockError> = Ok(Pulsed { door: DoorState::Open });
pub const STILL_CLOSED: Result<Pulsed, UnlockError> = Ok(Pulsed { door: DoorState::Closed });
pub const NO_ANSWER: Result<Pulsed, UnlockError> = Err(UnlockError::OutcomeUnknown(UnknownOutcome::Silence));

pub fn unusable(bad: BadFrame) -> Result<Pulsed, UnlockError> {
    Err(UnlockError::OutcomeUnknown(UnknownOutcome::BadFrame(bad)))
}
