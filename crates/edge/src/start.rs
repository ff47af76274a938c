//! Putting a controller together from its configuration and its installation: `bailee edge run`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use bailee_domain::compartment::Layout;
use bailee_domain::id::BankId;
use bailee_domain::time::TrustedClock;
use bailee_ui::i18n::Locale;
use bailee_vault::OsRandom;
use bailee_vault::stretch::Cost;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::backlog::{Backlog, Identity};
use crate::boards::{Board, BoardAddress, Bus, BusError, BusEvent, BusSettings, BusTiming, EventSink};
use crate::clock::Clocks;
use crate::codes::CodeChecker;
use crate::config::{ConfigError, EdgeConfig};
use crate::controller::{Controller, StartError};
use crate::health::{self, Looker};
use crate::installation::{Installation, InstallationError};
use crate::journal::{FolderDisk, Journal, JournalError};
use crate::kek::Home;
use crate::kiosk::{self, Kiosk};
use crate::link::{self, LinkSwitch};
use crate::readers::feed::{Fed, FeedError};
use crate::rollback::TagStore;
use crate::runtime::{Handle, Loop, Message, Parts, Wires, queue};
use crate::sensors::watch::Signals;
use crate::siren::SirenLine;
use crate::switches;
use crate::witness::BankWitness;

/// Why a controller did not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration.
    #[error("the configuration cannot be used")]
    Config(#[from] ConfigError),
    /// What enrolment gave.
    #[error("the installation cannot be used")]
    Installation(#[from] InstallationError),
    /// The journal.
    #[error("the journal cannot be opened")]
    Journal(#[from] JournalError),
    /// What is in the journal.
    #[error("the journal cannot be understood")]
    Start(#[from] StartError),
    /// A serial line.
    #[error("bus {line} cannot be opened")]
    Bus {
        /// The tty or gateway.
        line: String,
        /// Why.
        #[source]
        source: BusError,
    },
    /// The readers.
    #[error("the readers cannot be used")]
    Readers(#[from] FeedError),
    /// The configuration names a TPM.
    #[error("the configuration names a TPM, and this program was built without the feature `tpm`")]
    NoTpmSupport,
    /// A socket, a file or a thread.
    #[error("{what}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

/// Where the kernel shows the machine.
const SYSTEM: &str = "/sys";

/// A running controller.
pub struct Running {
    /// Where its kiosk listens.
    pub kiosk: SocketAddr,
    /// Cuts the link and joins it again, for demonstrations and drills.
    pub switch: LinkSwitch,
    engine: Loop,
    backlog: Arc<Mutex<Backlog>>,
    sensors: Signals,
    health: health::Watch,
    stop: watch::Sender<bool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Running {
    /// Stops the kiosk, the link and the engine loop.
    pub async fn stop(self) {
        // Tasks that have ended need no telling.
        let _ = self.stop.send(true);
        self.sensors.stop();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the controller had panicked");
            }
        }
        let (engine, health) = (self.engine, self.health);
        if tokio::task::spawn_blocking(move || {
            drop(health);
            engine.stop();
        })
        .await
        .is_err()
        {
            tracing::error!("the engine loop could not be joined");
        }
    }

    /// The way into the engine loop.
    pub fn handle(&self) -> Handle {
        self.engine.handle.clone()
    }

    /// Events the platform has not confirmed, shared with the link; hold its lock only briefly, the engine waits for it.
    pub fn backlog(&self) -> Arc<Mutex<Backlog>> {
        self.backlog.clone()
    }
}

/// Starts a controller. It serves its kiosk whether or not the platform can be reached.
///
/// # Errors
/// [`RunError`], saying what to look at.
pub async fn run(config: &EdgeConfig) -> Result<Running, RunError> {
    let home = Home::of(config);
    let installation = Installation::open(&home)?;
    let layout = config.layout()?;
    let clocks = Clocks::start();
    let disk = FolderDisk::open(&config.data_dir.join("journal"))
        .map_err(|source| RunError::Io { what: "the journal's folder cannot be opened", source })?;
    let (journal, recovered) =
        Journal::open(disk, installation.journal_key(), installation.journal_id()?, OsRandom)?;
    let identity =
        Identity { bank: installation.bank()?, device: installation.device(), layout: layout.clone() };
    let entries = recovered.entries.into_iter().map(|entry| (entry.index, entry.payload));
    let starting = Controller::recover(identity, journal, entries, Box::new(OsRandom))?;
    let starting = match tag_store(config, &installation)? {
        Some(store) => starting.guarded_by(store),
        None => starting,
    };
    let mut trusted = TrustedClock::start(starting.high_water(), clocks.rtc(), clocks.mono());
    let (controller, first) = starting.begin(trusted.now(clocks.rtc(), clocks.mono()));

    let (sender, inbox) = queue();
    let (buses, wires) = open_buses(config, clocks, &sender)?;
    let gauges = buses.iter().map(Bus::gauge).collect();
    let pins = installation.pin_count();
    let looker = Looker::new(config, layout.clone(), pins, (gauges, wires.clone()), Path::new(SYSTEM));
    let (stop, stopped) = watch::channel(false);
    let backlog = controller.backlog();
    let witness = open_witness(&home, installation.bank()?);
    if let Some(witness) = &witness {
        backlog.lock().unwrap_or_else(PoisonError::into_inner).witnesses_with(witness.key());
    }
    let (news, answers, link) = link::channel();
    let sensors = Signals::default();
    let parts = Parts {
        controller,
        first,
        buses,
        wires,
        layout: layout.clone(),
        bank: installation.bank()?,
        checker: CodeChecker::new(installation.code_key(Cost::STANDARD)?),
        trusted,
        clocks,
        news,
        siren: SirenLine::at(config.siren.clone()),
        sensors: sensors.clone(),
    };
    let (switch_queue, sensor_queue) = (sender.clone(), sender.clone());
    let readers = Fed::start((config, &home), &installation, clocks, sender.clone())?;
    let engine = Loop::start(parts, (sender, inbox))
        .map_err(|source| RunError::Io { what: "the engine loop cannot start", source })?;
    let health = health::start(looker, engine.handle.clone(), clocks)
        .map_err(|source| RunError::Io { what: "the controller's health cannot be watched", source })?;
    switches::watch(&config.switches, switch_queue)
        .map_err(|source| RunError::Io { what: "the switches cannot be watched", source })?;
    crate::sensors::start(&config.vibration, &sensors, &sensor_queue)
        .map_err(|source| RunError::Io { what: "the accelerometers cannot be watched", source })?;
    let readers_task = tokio::spawn(readers.attend(engine.handle.view(), stopped.clone()));
    let setup = kiosk_setup(config, layout);
    let (kiosk, kiosk_task) = serve_kiosk(config, setup, engine.handle.clone(), stopped.clone()).await?;
    let (switch, link_task) = link::start(
        &installation,
        backlog.clone(),
        (answers, link),
        (engine.handle.clone(), witness),
        clocks,
        stopped,
    )?;
    Ok(Running {
        kiosk,
        switch,
        engine,
        backlog,
        sensors,
        health,
        stop,
        tasks: vec![kiosk_task, link_task, readers_task],
    })
}

/// The store of boot tags that the configuration names.
#[cfg(feature = "tpm")]
pub(crate) fn tag_store(
    config: &EdgeConfig,
    installation: &Installation,
) -> Result<Option<Box<dyn TagStore>>, RunError> {
    let open = |device: &String| -> Box<dyn TagStore> {
        Box::new(crate::tpm::TpmTags::open(device, installation.tag_key()))
    };
    Ok(config.tpm.as_ref().map(open))
}

/// A bank that is to have a guard must not start without it unnoticed.
#[cfg(not(feature = "tpm"))]
pub(crate) fn tag_store(
    config: &EdgeConfig,
    _: &Installation,
) -> Result<Option<Box<dyn TagStore>>, RunError> {
    if config.tpm.is_some() { Err(RunError::NoTpmSupport) } else { Ok(None) }
}

/// A bank whose witness can't work serves all the same; the platform shows that it doesn't cosign.
fn open_witness(home: &Home, bank: BankId) -> Option<BankWitness> {
    match BankWitness::open(home, bank) {
        Ok(witness) => Some(witness),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "this bank is no witness of the platform's log");
            None
        }
    }
}

fn kiosk_setup(config: &EdgeConfig, layout: Layout) -> kiosk::Setup {
    kiosk::Setup {
        px_per_mm: config.kiosk.px_per_mm,
        locale: Locale::from_tag(&config.kiosk.language).unwrap_or_default(),
        unit_width_mm: config.kiosk.column_mm,
        unit_height_mm: config.kiosk.row_mm,
        layout,
    }
}

async fn serve_kiosk(
    config: &EdgeConfig,
    setup: kiosk::Setup,
    handle: Handle,
    mut stopped: watch::Receiver<bool>,
) -> Result<(SocketAddr, tokio::task::JoinHandle<()>), RunError> {
    let listener = TcpListener::bind(config.kiosk.listen)
        .await
        .map_err(|source| RunError::Io { what: "the kiosk's address cannot be listened on", source })?;
    let address = listener
        .local_addr()
        .map_err(|source| RunError::Io { what: "the kiosk's address cannot be told", source })?;
    let router = kiosk::http::router(Arc::new(handle), setup, kiosk::http::BEAT);
    let task = tokio::spawn(async move {
        let until = async move {
            // The sender lives as long as the controller.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        tokio::select! {
            result = axum::serve(listener, router).into_future() => {
                if let Err(error) = result {
                    tracing::error!(%error, "the kiosk's server has ended");
                }
            }
            () = until => {}
        }
    });
    Ok((address, task))
}

/// Hands a bus's news to the engine loop.
struct ToLoop {
    bus: usize,
    queue: SyncSender<Message>,
}

impl EventSink for ToLoop {
    fn offer(&mut self, event: BusEvent) -> Result<(), BusEvent> {
        use std::sync::mpsc::TrySendError;
        match self.queue.try_send(Message::Bus(self.bus, event)) {
            Err(TrySendError::Full(Message::Bus(_, event))) => Err(event),
            _ => Ok(()),
        }
    }
}

fn open_buses(
    config: &EdgeConfig,
    clocks: Clocks,
    queue: &SyncSender<Message>,
) -> Result<(Vec<Bus>, Wires), RunError> {
    let mut wires = Wires::default();
    let mut buses = Vec::new();
    for (index, bus) in config.buses.iter().enumerate() {
        let mut boards: Vec<Box<dyn Board>> = Vec::new();
        for board in &bus.boards {
            wires.board(board.number, index, BoardAddress(board.address));
            boards.push(board.driver()?);
        }
        let settings = BusSettings { line: bus.line.clone(), timing: BusTiming::at_baud(bus.baud()) };
        let sink = ToLoop { bus: index, queue: queue.clone() };
        let opened = Bus::open(settings, boards, Box::new(move || clocks.elapsed()), Box::new(sink));
        buses.push(opened.map_err(|source| RunError::Bus { line: bus.line.to_string(), source })?);
    }
    Ok((buses, wires))
}
