//! The simulated platform: the real use cases, reconcilers and sequencer on SQLite in memory, and the real gateway
//! sessions, with the caller as the only thread.
//!
//! The store outlives a restart; everything else of the process does not. Futures that wait for a bank are kept and
//! polled when something has happened; nothing else here ever waits.

mod witnesses;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bailee_domain::id::BankId;
use bailee_domain::time::{MonoTime, WallTime};
use bailee_ledger::disk::MemoryDisk;
use bailee_server::app::install::{self, Names, Outside};
use bailee_server::app::link::{self, Desk};
use bailee_server::app::{App, Clock};
use bailee_server::gateway::session::{Input, Output, Session};
use bailee_server::gateway::{Commands as _, Moment, News, Ports};
use bailee_server::jobs::{self, JobError, Jobs, Outbound};
use bailee_server::ledger::{LedgerError, LogReader, Stage, Tripwire};
use bailee_server::notify;
use bailee_server::store::{Db, DbConfig, SqlitePlace, Threads};
use bailee_vault::Secret;
use bailee_vault::kek::MemoryKek;
use bailee_vault::stretch::Cost;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::bank::{START, true_time};
use super::dice::Dice;
pub use super::did::{Did, StoreFault};
use super::post::{FakeGateway, Post};

/// As `app::link` waits for an answer after its deadline, in milliseconds.
const GRACE_MS: i64 = 2_000;

/// The run's time for the platform.
#[derive(Debug, Default)]
struct SimClock(AtomicI64);

impl Clock for SimClock {
    fn now(&self) -> WallTime {
        START.plus_ms(self.0.load(Ordering::SeqCst))
    }
}

/// The process's clock by the run's time.
struct ClockOf(Arc<SimClock>);

impl Clock for ClockOf {
    fn now(&self) -> WallTime {
        self.0.now()
    }
}

/// A piece of work that waits for a bank now and then.
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Lane {
    session: Session,
    connection: Option<u64>,
}

/// What ends with the process.
struct Process {
    app: App,
    desk: Arc<Desk>,
    ports: Ports,
    jobs: Jobs,
    lanes: BTreeMap<BankId, Lane>,
    rosters: Option<Task>,
    codes: Option<Task>,
    witnesses: Option<Task>,
    others: Vec<Task>,
    nudged: Arc<Mutex<Vec<BankId>>>,
    commits: watch::Receiver<u64>,
}

/// The platform.
pub struct Platform {
    runtime: Runtime,
    clock: Arc<SimClock>,
    db: Db,
    kek: MemoryKek,
    /// The folder of the custody log, which outlives the process.
    ledger: MemoryDisk,
    tripped: Arc<AtomicUsize>,
    process: Option<Process>,
    did: Vec<Did>,
    /// What became of messages.
    pub post: Arc<Mutex<Post>>,
    /// What the store does next, and how often.
    pub store_fault: Option<(StoreFault, u32)>,
}

impl Platform {
    /// A platform at its first start.
    pub fn new(dice: &mut Dice) -> Self {
        // One thread reads the log, so that what was asked first is answered first: see `witnesses`.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .enable_time()
            .build()
            .expect("a runtime");
        let config = DbConfig::Sqlite { place: SqlitePlace::Memory, threads: Threads::Callers };
        let db = runtime.block_on(Db::open(&config)).expect("memory is there");
        let kek = MemoryKek::from_key(&Secret::new(dice.bytes()));
        let mut platform = Self {
            runtime,
            clock: Arc::default(),
            db,
            kek,
            ledger: MemoryDisk::default(),
            tripped: Arc::default(),
            process: None,
            did: Vec::new(),
            post: Arc::new(Mutex::new(Post::new(dice.generator()))),
            store_fault: None,
        };
        platform.start(0, dice);
        platform
    }

    /// Starts the process on the store as it is.
    pub fn start(&mut self, now_ms: u64, dice: &mut Dice) {
        self.set_time(now_ms);
        let outside = Outside {
            clock: Box::new(ClockOf(self.clock.clone())),
            rng: Box::new(dice.generator()),
            cost: Cost::SIMULATION,
            ledger: install::LedgerDisk::Own(Box::new(self.ledger.clone())),
        };
        let names = Names { org: "Oak Court".into(), site: "Oak Court".into() };
        let opening = install::open_or_create(self.db.clone(), &self.kek, outside, &names);
        let app = self.runtime.block_on(opening).expect("the platform opens its own store");
        let sequencer = install::sequencer(&app);
        let desk = Desk::new(&app);
        let nudged = Arc::new(Mutex::new(Vec::new()));
        let nudges = nudged.clone();
        desk.on_command(move |bank| nudges.lock().unwrap_or_else(PoisonError::into_inner).push(bank));
        let clock = self.clock.clone();
        let moment = move || Moment {
            mono: MonoTime::from_ms(u64::try_from(clock.0.load(Ordering::SeqCst)).unwrap_or(0)),
            wall: clock.now(),
        };
        let ports = link::ports(&app, &desk, Arc::new(moment));
        let outbound = Outbound {
            email: Some(Arc::new(FakeGateway::new(notify::Channel::Email, &self.post))),
            sms: Some(Arc::new(FakeGateway::new(notify::Channel::Sms, &self.post))),
        };
        let sequencer = sequencer.with_tripwire(self.tripwire());
        let jobs =
            Jobs { app: app.clone(), ask: desk.clone(), outbound, sequencer, started: true_time(now_ms) };
        let known = self.runtime.block_on(link::known_banks(&app)).expect("the store answers");
        let start = MonoTime::from_ms(now_ms);
        let lane = |known: &bailee_server::gateway::KnownBank| Lane {
            session: Session::new(start, known.bank, known.device_key),
            connection: None,
        };
        let lanes = known.iter().map(|known| (known.bank, lane(known))).collect();
        let commits = self.db.commits();
        self.process = Some(Process {
            app,
            desk,
            ports,
            jobs,
            lanes,
            nudged,
            commits,
            rosters: None,
            codes: None,
            witnesses: None,
            others: Vec::new(),
        });
    }

    /// Ends the process; every connection is gone.
    pub fn stop(&mut self) {
        self.process = None;
        self.did.clear();
    }

    /// Whether the process runs.
    pub const fn is_up(&self) -> bool {
        self.process.is_some()
    }

    /// The use cases, while the process runs.
    pub fn app(&self) -> Option<App> {
        self.process.as_ref().map(|process| process.app.clone())
    }

    /// Where banks are asked, while the process runs.
    pub fn desk(&self) -> Option<Arc<Desk>> {
        self.process.as_ref().map(|process| process.desk.clone())
    }

    /// The ports of the gateway, while the process runs.
    pub fn ports(&self) -> Option<Ports> {
        self.process.as_ref().map(|process| process.ports.clone())
    }

    /// The log as everybody sees it.
    pub fn log(&self) -> Option<LogReader> {
        let app = self.app()?;
        Some(app.ledger().reader())
    }

    /// Runs something that waits for nothing but the store.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Moves the process's clock.
    pub fn set_time(&self, now_ms: u64) {
        self.clock.0.store(i64::try_from(now_ms).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// What it did since it was last asked.
    pub fn take_did(&mut self) -> Vec<Did> {
        std::mem::take(&mut self.did)
    }

    /// The next run of the sequencer ends at this stage.
    pub fn trip(&self, stage: usize) {
        self.tripped.store(stage % Stage::ALL.len() + 1, Ordering::SeqCst);
    }

    fn tripwire(&self) -> Tripwire {
        let tripped = self.tripped.clone();
        Arc::new(move |stage| match tripped.load(Ordering::SeqCst) {
            0 => Ok(()),
            n if Stage::ALL[n - 1] == stage => {
                tripped.store(0, Ordering::SeqCst);
                Err(LedgerError::Stopped(stage))
            }
            _ => Ok(()),
        })
    }

    /// A bank connects; any connection it had is over.
    pub fn connected(&mut self, bank: BankId, connection: u64) {
        let Some(process) = self.process.as_mut() else { return };
        let ports = process.ports.clone();
        if !process.lanes.contains_key(&bank) {
            let known = self.runtime.block_on(link::known_banks(&process.app)).expect("the store answers");
            let known = known.iter().find(|known| known.bank == bank).expect("only enrolled banks connect");
            let session = Session::new((ports.clock)().mono, bank, known.device_key);
            process.lanes.insert(bank, Lane { session, connection: None });
        }
        let position = self.runtime.block_on(ports.ingest.position(bank)).expect("the store answers");
        let lane = process.lanes.get_mut(&bank).expect("made above");
        let now = (ports.clock)();
        if let Some(before) = lane.connection.replace(connection) {
            lane.session.handle(now, Input::Disconnected);
            self.did.push(Did::Closed(bank, before));
        }
        lane.session.handle(now, Input::Connected(position));
        self.pull(bank);
        self.perform(bank);
    }

    /// A frame arrives.
    pub fn frame(&mut self, bank: BankId, connection: u64, frame: Vec<u8>) {
        self.input(bank, connection, Input::Frame(frame));
    }

    /// A connection is over.
    pub fn disconnected(&mut self, bank: BankId, connection: u64) {
        self.input(bank, connection, Input::Disconnected);
        if let Some(lane) = self.lane(bank).filter(|lane| lane.connection == Some(connection)) {
            lane.connection = None;
        }
    }

    fn lane(&mut self, bank: BankId) -> Option<&mut Lane> {
        self.process.as_mut().and_then(|process| process.lanes.get_mut(&bank))
    }

    fn input(&mut self, bank: BankId, connection: u64, input: Input) {
        let Some(process) = self.process.as_mut() else { return };
        let now = (process.ports.clock)();
        let Some(lane) = process.lanes.get_mut(&bank).filter(|lane| lane.connection == Some(connection))
        else {
            return;
        };
        lane.session.handle(now, input);
        self.perform(bank);
        self.poll();
    }

    /// Time passed.
    pub fn tick(&mut self) {
        let Some(process) = self.process.as_mut() else { return };
        let banks: Vec<BankId> = process.lanes.keys().copied().collect();
        let now = (process.ports.clock)();
        for bank in banks {
            if let Some(lane) = self.lane(bank) {
                lane.session.handle(now, Input::Tick);
            }
            self.perform(bank);
            self.give_up(bank, now.wall);
        }
        self.poll();
    }

    /// Requests no bank took in time; a timer of the process does this outside simulation.
    fn give_up(&mut self, bank: BankId, now: WallTime) {
        let Some(process) = self.process.as_ref() else { return };
        let waiting = self.runtime.block_on(process.desk.pending(bank, usize::MAX)).unwrap_or_default();
        for command in waiting.iter().filter(|c| now >= c.deadline.plus_ms(GRACE_MS)) {
            self.runtime.block_on(process.desk.expired(bank, command.id, false));
            self.did.push(Did::Expired(bank));
        }
    }

    fn pull(&mut self, bank: BankId) {
        let Some(process) = self.process.as_mut() else { return };
        let now = (process.ports.clock)();
        let limit = bailee_server::gateway::session::MAX_COMMANDS;
        let commands = self.runtime.block_on(process.ports.commands.pending(bank, limit)).unwrap_or_default();
        let cosign = process.ports.commands.cosign(bank);
        let Some(lane) = process.lanes.get_mut(&bank) else { return };
        if let Some(cosign) = cosign {
            lane.session.cosign(cosign);
        }
        for command in commands {
            // No room: it is pulled again by the next nudge.
            let _ = lane.session.enqueue(now, command);
        }
    }

    /// Does what a session says, as `gateway::lane` does.
    fn perform(&mut self, bank: BankId) {
        while let Some(output) = self.lane(bank).and_then(|lane| lane.session.poll_output()) {
            let connection = self.lane(bank).and_then(|lane| lane.connection);
            let Some(ports) = self.ports() else { return };
            let news = match output {
                Output::Send(frame) => {
                    self.did.extend(connection.map(|connection| Did::Sent(bank, connection, frame)));
                    continue;
                }
                Output::Close(_) => {
                    self.did.extend(connection.map(|connection| Did::Closed(bank, connection)));
                    if let Some(lane) = self.lane(bank) {
                        lane.connection = None;
                    }
                    continue;
                }
                Output::Store(batch) => {
                    let up_to = batch.events.last().map_or(0, |checked| checked.event.seq);
                    let input = self.store(bank, batch, up_to);
                    if let Some(lane) = self.lane(bank) {
                        lane.session.handle((ports.clock)(), input);
                    }
                    continue;
                }
                Output::Replied { command, answer } => {
                    self.runtime.block_on(ports.commands.answered(bank, command, answer));
                    continue;
                }
                Output::Expired { command, sent } => {
                    self.did.push(Did::Expired(bank));
                    self.runtime.block_on(ports.commands.expired(bank, command, sent));
                    continue;
                }
                Output::AlarmPreview { event, leaf } => {
                    self.did.push(Did::HeardAhead(bank));
                    News::Alarm { event, leaf }
                }
                Output::Greeted(hello) => News::Greeted(hello),
                Output::Status(status) => News::Status(status),
                Output::Witnessed(witnessed) => News::Witnessed(witnessed),
                Output::Online => News::Online,
                Output::Offline => {
                    self.did.push(Did::NoticedSilence(bank));
                    News::Offline
                }
                Output::ChainBroken(breach) => {
                    self.did.push(Did::ChainBroken(bank, breach.to_string()));
                    News::ChainBroken(breach)
                }
            };
            self.runtime.block_on(ports.ingest.news(bank, news));
        }
    }

    fn store(&mut self, bank: BankId, batch: bailee_server::gateway::Batch, up_to: u64) -> Input {
        let fault = self.store_fault.take().filter(|(_, left)| *left > 0);
        self.store_fault = fault.map(|(fault, left)| (fault, left - 1));
        let ports = self.ports().expect("only a running process stores");
        if let Some((StoreFault::Refuses, _)) = fault {
            self.did.push(Did::StoreFailed(StoreFault::Refuses));
            return Input::StoreFailed;
        }
        match self.runtime.block_on(ports.ingest.store(batch)) {
            Ok(()) => {
                self.did.push(Did::Holds(bank, up_to));
                if fault.is_some() {
                    self.did.push(Did::StoreFailed(StoreFault::TakesUnsaid));
                    return Input::StoreFailed;
                }
                Input::Stored { up_to }
            }
            Err(_) => Input::StoreFailed,
        }
    }

    /// Whether something was committed since the jobs last ran.
    pub fn has_news(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.commits.has_changed().unwrap_or(false))
    }

    /// Whether nothing waits for a bank.
    pub fn is_idle(&self) -> bool {
        let idle = |p: &Process| p.rosters.is_none() && p.codes.is_none() && p.others.is_empty();
        self.process.as_ref().is_some_and(idle)
    }

    /// Runs every reconciler once; those that ask banks go on as the banks answer.
    pub fn run_jobs(&mut self) {
        let Some(process) = self.process.as_mut() else { return };
        process.commits.borrow_and_update();
        let jobs = process.jobs.clone();
        if process.rosters.is_none() {
            let jobs = jobs.clone();
            process.rosters = Some(Box::pin(async move {
                jobs::rosters::run_once(&jobs.app, &*jobs.ask).await.map(drop).unwrap_or_default();
            }));
        }
        let outcome = self.runtime.block_on(run_alone(&jobs));
        if let Err(error) = outcome {
            self.did.push(Did::JobFailed(error.to_string()));
        }
        let Some(process) = self.process.as_mut() else { return };
        if process.codes.is_none() {
            process.codes = Some(Box::pin(async move {
                jobs::codes::hand_over(&jobs.app, &*jobs.ask).await.map(drop).unwrap_or_default();
            }));
        }
        self.poll();
        // What a run committed is no news to it; what it leaves, the timer finds.
        if let Some(process) = self.process.as_mut() {
            process.commits.borrow_and_update();
        }
    }

    /// Does something that waits for a bank.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(process) = self.process.as_mut() {
            process.others.push(Box::pin(task));
        }
        self.poll();
    }

    /// Carries on what waits for banks, and hands banks what is new for them.
    fn poll(&mut self) {
        loop {
            self.carry_on_witnesses();
            let Some(process) = self.process.as_mut() else { return };
            let _inside = self.runtime.enter();
            let pending = |task: &mut Task| {
                task.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending
            };
            process.rosters = process.rosters.take().filter_map_pending(pending);
            process.codes = process.codes.take().filter_map_pending(pending);
            process.others.retain_mut(pending);
            let nudged = std::mem::take(&mut *process.nudged.lock().unwrap_or_else(PoisonError::into_inner));
            drop(_inside);
            if nudged.is_empty() {
                return;
            }
            for bank in nudged {
                if self.lane(bank).is_some_and(|lane| lane.connection.is_some()) {
                    self.pull(bank);
                    self.perform(bank);
                }
            }
        }
    }
}

trait KeepPending {
    fn filter_map_pending(self, pending: impl FnOnce(&mut Task) -> bool) -> Self;
}

impl KeepPending for Option<Task> {
    fn filter_map_pending(self, pending: impl FnOnce(&mut Task) -> bool) -> Self {
        let mut task = self?;
        pending(&mut task).then_some(task)
    }
}

/// The reconcilers that wait for nobody.
async fn run_alone(jobs: &Jobs) -> Result<(), JobError> {
    let app = &jobs.app;
    jobs::liveness::run_once(app, jobs.started).await?;
    jobs::codes::make(app).await?;
    jobs::overdue::run_once(app).await?;
    jobs::messages::run_once(app, &jobs.outbound).await?;
    jobs::sequencer::run_once(app, &jobs.sequencer).await.map(drop)
}
