//! What the controller measures of itself and its cabinet: one thread that looks every few seconds and tells the engine loop.
//!
//! It reads the system's files and the buses' numbers, keeps the doors' openings over the days, and decides nothing: the loop
//! adds what it knows (clock, guard, backlog, silent parts) and [`bailee_domain::health::judge`] says what is wrong. A failing
//! measurement is left out and never stops anything. Start with [`start`].

mod book;
mod machine;
mod tally;

use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use bailee_domain::compartment::{CompartmentNo, Layout, Wiring};
use bailee_domain::health::standing::Stands;
use bailee_domain::health::{DoorFigures, Health, LinkKeys, Part, PartKind};
use bailee_domain::tamper::{Source, Tamper};
use bailee_domain::time::WallTime;

pub use book::{Book, BookError};
pub use machine::Machine;
pub use tally::Tally;

use crate::boards::{BoardAddress, Gauge};
use crate::clock::Clocks;
use crate::config::EdgeConfig;
use crate::kiosk::Kiosk as _;
use crate::runtime::{Handle, Message, Wires};

/// Between two looks: long enough to cost nothing, short enough to see each opening of a door.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// What is kept of the doors is written so often; a power cut loses this much of it, and nothing else.
const KEEP_EVERY: Duration = Duration::from_secs(600);

/// A report with what stands, for whoever asks at the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkup {
    /// The numbers.
    pub health: Health,
    /// What is not as it should be, worst first.
    pub stands: Vec<Stands>,
}

/// Everything a look needs.
pub struct Looker {
    machine: Machine,
    gauges: Vec<Gauge>,
    wires: Wires,
    layout: Layout,
    book: Book,
    tally: Tally,
    /// The report's constant part.
    plain: Health,
}

impl Looker {
    /// A looker at a configured bank with these buses.
    /// `system` is where the kernel shows the machine, `/sys` but for tests.
    pub fn new(
        config: &EdgeConfig,
        layout: Layout,
        pins: u8,
        (gauges, wires): (Vec<Gauge>, Wires),
        system: &Path,
    ) -> Self {
        let part = |kind, number| Part { kind, number, answers: true };
        let accelerometers = config.vibration.iter().map(|v| part(PartKind::Accelerometer, v.number));
        let switches = config.switches.iter().map(|switch| part(PartKind::Switch, switch.number));
        let plain = Health {
            software: concat!("bailee ", env!("CARGO_PKG_VERSION")).to_owned(),
            link: LinkKeys { pins },
            readers: config.readers.numbers().iter().map(|n| part(PartKind::Reader, n.0)).collect(),
            sensors: accelerometers.chain(switches).collect(),
            ..Health::default()
        };
        let (book, tally) = (Book::open(&config.data_dir), Tally::default());
        let machine = Machine::at(system.to_owned(), config.data_dir.clone());
        Self { machine, gauges, wires, layout, book, tally, plain }
    }

    /// Looks, `up` after the start and at this time of the bank.
    pub fn look(&mut self, up: Duration, wall: WallTime) -> Health {
        for (bus, gauge) in self.gauges.iter().enumerate() {
            let numbers = gauge.health();
            let (wires, layout) = (&self.wires, &self.layout);
            let place = |board: BoardAddress, channel| {
                let wiring = Wiring { board: wires.number(bus, board)?, channel };
                Some(layout.at(wiring)?.number)
            };
            self.book.take(bus, day_of(wall), &numbers, place);
            self.tally.take(bus, up, &numbers);
        }
        let number = |bus, board| self.wires.number(bus, board);
        Health {
            at: wall,
            up_s: up.as_secs(),
            disk: self.machine.disk(),
            power: self.machine.power(),
            temperatures: self.machine.temperatures(),
            boards: self.tally.boards(number),
            lines: self.tally.lines(),
            doors: self.doors(),
            ..self.plain.clone()
        }
    }

    fn doors(&self) -> Vec<DoorFigures> {
        self.book.doors().map(|(door, record)| DoorFigures::of(door, record)).collect()
    }

    fn keep(&mut self) {
        if let Err(error) = self.book.keep() {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, cause, "the doors' openings are not kept");
        }
    }
}

fn day_of(wall: WallTime) -> u32 {
    u32::try_from(wall.unix_ms() / 86_400_000).unwrap_or(0)
}

/// The thread that looks; it ends when this is dropped, and has then written what it keeps.
pub struct Watch {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by the panic hook; there is nothing to add to it here.
            let _ = thread.join();
        }
    }
}

/// Starts looking.
///
/// # Errors
/// When the system gives no thread.
pub fn start(mut looker: Looker, engine: Handle, clocks: Clocks) -> std::io::Result<Watch> {
    let (stop, stopped) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("health".into()).spawn(move || {
        watch(&mut looker, &engine, clocks, &stopped);
        looker.keep();
    })?;
    Ok(Watch { stop: Some(stop), thread: Some(thread) })
}

fn watch(looker: &mut Looker, engine: &Handle, clocks: Clocks, stopped: &Receiver<()>) {
    let mut keep_at = clocks.elapsed() + KEEP_EVERY;
    loop {
        let up = clocks.elapsed();
        let health = looker.look(up, engine.now());
        // A loop that is behind takes the next one.
        let _ = engine.tell(Message::Measured(Box::new(health)));
        if up >= keep_at {
            keep_at = up + KEEP_EVERY;
            looker.keep();
        }
        match stopped.recv_timeout(LOOK_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Marks the parts that a standing sign says give no answer.
pub(crate) fn mark_silent<'a>(health: &mut Health, signs: impl Iterator<Item = &'a (Source, Tamper)>) {
    for (source, tamper) in signs {
        if !matches!(tamper, Tamper::Silent | Tamper::Lost) {
            continue;
        }
        let (kind, number) = match source {
            Source::Reader(number) => (PartKind::Reader, *number),
            Source::Vibration(number) => (PartKind::Accelerometer, *number),
            Source::Enclosure(number) | Source::PrySwitch(number) => (PartKind::Switch, *number),
            Source::Board(_) | Source::Bus(_) | Source::Door(_) => continue,
        };
        let parts = health.readers.iter_mut().chain(&mut health.sensors);
        parts.filter(|part| (part.kind, part.number) == (kind, number)).for_each(|part| part.answers = false);
    }
}

/// Which compartment a lock is, if any.
type Place<'a> = &'a dyn Fn(BoardAddress, u8) -> Option<CompartmentNo>;
