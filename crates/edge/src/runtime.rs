//! The engine loop: one thread that owns the controller, and everything that talks to it.
//!
//! Boards, the kiosk, the code checker and the link send [`Message`]s into one bounded queue; the loop lets the
//! controller decide and passes its effects on. Nothing else calls the controller, so there is one order of
//! events and one lock at a time. The loop never waits for the network, a browser or a slow hash.

mod cabinet;
mod status;
mod vitals;
mod wires;

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bailee_domain::bank::io::{Action, BoardHealth, Candidate, Checked, Input, Request, Verdict};
use bailee_domain::bank::screen::{View, Vouching};
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, Layout};
use bailee_domain::event::Severity;
use bailee_domain::health::Health;
use bailee_domain::health::standing::Standing;
use bailee_domain::id::{BankId, CommandId};
use bailee_domain::time::{Now, TrustedClock, WallTime};
use bailee_domain::truth::ItemSensed;
use bailee_wire::link::BankStatus;
use bailee_wire::response::{self, Response};
use rand_core::CryptoRng;
use tokio::sync::{oneshot, watch};

use crate::boards::{Bus, BusEvent};
use crate::clock::Clocks;
use crate::codes::CodeChecker;
use crate::controller::{Controller, Effect};
use crate::health::Checkup;
use crate::journal::Disk;
use crate::kiosk::{Away, Heard, Kiosk};
use crate::sensors::watch::Signals;
use crate::signatures::{self, Job};
use crate::siren::SirenLine;
use crate::tokens;
use status::Told;
use vitals::Vitals;
pub use wires::Wires;

/// Messages that may wait; more come only from something that has gone mad, and are refused.
const QUEUE: usize = 1_024;

/// What the loop is told.
pub enum Message {
    /// A bus has news.
    Bus(usize, BusEvent),
    /// Somebody touched the kiosk.
    Act(Action, oneshot::Sender<()>),
    /// A QR code was seen or typed.
    Token(String, oneshot::Sender<Heard>),
    /// A code has been compared.
    Verified(u64, Verdict),
    /// The platform asks for something.
    Request(CommandId, WallTime, Request),
    /// The platform holds the events up to here.
    Acknowledged(u64),
    /// Signatures have been checked.
    SignaturesChecked(u64, Checked),
    /// A sensor, a switch, a reader or the bank's witness says something.
    Sensed(Input),
    /// The platform's authenticated time.
    TrustTime(WallTime),
    /// Whether the bank's witness holds something against the platform's log.
    Vouching(Vouching),
    /// Answer, to show that the loop goes round.
    Alive(oneshot::Sender<()>),
    /// What the controller measures of itself.
    Measured(Box<Health>),
    /// End the loop.
    Stop,
}

/// What the loop tells the link.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An event became durable.
    Appended(u64, Severity),
    /// How the bank is now.
    Status(Box<BankStatus>),
    /// The engine answered a request.
    Replied(CommandId, bailee_domain::bank::io::Answer),
}

/// Where news for the link goes; it must not block.
pub type NewsSink = Box<dyn FnMut(News) + Send>;

/// What the loop works with.
pub struct Parts<D, R> {
    /// The engine with its journal.
    pub controller: Controller<D, R>,
    /// What came out of starting it.
    pub first: Vec<Effect>,
    /// The serial lines.
    pub buses: Vec<Bus>,
    /// Which lock hangs where.
    pub wires: Wires,
    /// The compartments.
    pub layout: Layout,
    /// The bank.
    pub bank: BankId,
    /// Compares codes.
    pub checker: CodeChecker,
    /// Wall time that cannot be turned back.
    pub trusted: TrustedClock,
    /// The clocks under it.
    pub clocks: Clocks,
    /// Where news for the link goes.
    pub news: NewsSink,
    /// What makes a noise.
    pub siren: SirenLine,
    /// Tells the accelerometers' watches of closing doors.
    pub sensors: Signals,
}

/// The way into the loop; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    queue: SyncSender<Message>,
    view: watch::Receiver<Arc<View>>,
    now: Arc<Mutex<Now>>,
    clocks: Clocks,
    checkup: watch::Receiver<Option<Arc<Checkup>>>,
}

/// The running loop. Dropping it without [`Loop::stop`] leaves the thread to end with its queue.
pub struct Loop {
    /// The way in.
    pub handle: Handle,
    thread: JoinHandle<()>,
}

/// The queue into the loop, made before the loop so that buses can be opened onto it.
pub fn queue() -> (SyncSender<Message>, Receiver<Message>) {
    mpsc::sync_channel(QUEUE)
}

impl Loop {
    /// Starts the loop and the thread that compares codes.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start<D, R>(
        parts: Parts<D, R>,
        (queue, inbox): (SyncSender<Message>, Receiver<Message>),
    ) -> std::io::Result<Self>
    where
        D: Disk + 'static,
        R: CryptoRng + Send + 'static,
    {
        let Parts {
            controller,
            first,
            buses,
            wires,
            layout,
            bank,
            checker,
            mut trusted,
            clocks,
            news,
            siren,
            sensors,
        } = parts;
        let now = trusted.now(clocks.rtc(), clocks.mono());
        let (view, shown) = watch::channel(Arc::new(controller.view(now)));
        let shared = Arc::new(Mutex::new(now));
        let jobs = start_checker(checker, queue.clone())?;
        let checked = queue.clone();
        let signatures = signatures::start(bank, move |check, outcome| {
            checked.send(Message::SignaturesChecked(check, outcome)).is_ok()
        })?;
        let (checkup, checked_up) = watch::channel(None);
        let handle = Handle { queue, view: shown, now: shared.clone(), clocks, checkup: checked_up };
        let mut engine = Engine {
            controller,
            buses,
            wires,
            layout,
            bank,
            trusted,
            clocks,
            news,
            jobs,
            signatures,
            view,
            now: shared,
            health: BTreeMap::new(),
            items: BTreeMap::new(),
            siren,
            sensors,
            vouching: Vouching::Vouches,
            told: None,
            status_version: 0,
            vitals: Vitals { checkup, standing: Standing::default(), told: None, offset_ms: None },
        };
        let thread =
            std::thread::Builder::new().name("engine".into()).spawn(move || engine.run(first, &inbox))?;
        Ok(Self { handle, thread })
    }

    /// Ends the loop; what it has decided is durable at any moment, so there is nothing to save.
    pub fn stop(self) {
        // A full queue drains, and a loop that has ended needs no telling.
        let _ = self.handle.queue.send(Message::Stop);
        if self.thread.join().is_err() {
            tracing::error!("the engine loop had panicked");
        }
    }
}

impl Handle {
    /// Hands a message to the loop.
    ///
    /// # Errors
    /// [`Away`] when the loop has ended or is hopelessly behind.
    pub fn tell(&self, message: Message) -> Result<(), Away> {
        self.queue.try_send(message).map_err(|_| Away)
    }

    /// Whether the loop goes round; waits for its answer as long as that takes.
    pub async fn is_alive(&self) -> bool {
        let (done, waits) = oneshot::channel();
        self.tell(Message::Alive(done)).is_ok() && waits.await.is_ok()
    }
}

impl Kiosk for Handle {
    fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    fn checkup(&self) -> Option<Arc<Checkup>> {
        self.checkup.borrow().clone()
    }

    fn now(&self) -> WallTime {
        let now = *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let since = self.clocks.mono().since_ms(now.mono);
        now.wall.plus_ms(i64::try_from(since).unwrap_or(0))
    }

    async fn act(&self, action: Action) -> Result<(), Away> {
        let (done, waits) = oneshot::channel();
        self.tell(Message::Act(action, done))?;
        waits.await.map_err(|_| Away)
    }

    async fn token(&self, text: String) -> Result<Heard, Away> {
        let (done, waits) = oneshot::channel();
        self.tell(Message::Token(text, done))?;
        waits.await.map_err(|_| Away)
    }
}

type CodeJob = (u64, Code, Vec<Candidate>);

fn start_checker(
    mut checker: CodeChecker,
    queue: SyncSender<Message>,
) -> std::io::Result<SyncSender<CodeJob>> {
    let (jobs, inbox) = mpsc::sync_channel::<CodeJob>(4);
    std::thread::Builder::new().name("codes".into()).spawn(move || {
        for (guess, code, candidates) in inbox {
            let verdict = checker.check(&code, &candidates);
            if queue.send(Message::Verified(guess, verdict)).is_err() {
                return;
            }
        }
    })?;
    Ok(jobs)
}

struct Engine<D, R> {
    controller: Controller<D, R>,
    buses: Vec<Bus>,
    wires: Wires,
    layout: Layout,
    bank: BankId,
    trusted: TrustedClock,
    clocks: Clocks,
    news: NewsSink,
    jobs: SyncSender<CodeJob>,
    signatures: SyncSender<Job>,
    view: watch::Sender<Arc<View>>,
    now: Arc<Mutex<Now>>,
    health: BTreeMap<u8, BoardHealth>,
    items: BTreeMap<CompartmentNo, ItemSensed>,
    siren: SirenLine,
    sensors: Signals,
    vouching: Vouching,
    told: Option<Told>,
    status_version: u64,
    vitals: Vitals,
}

impl<D: Disk, R: CryptoRng> Engine<D, R> {
    fn run(&mut self, first: Vec<Effect>, inbox: &Receiver<Message>) {
        self.carry_out(first);
        loop {
            self.publish();
            let now = self.clocks.mono();
            let wait = self.controller.next_timeout(now).since_ms(now).max(1);
            match inbox.recv_timeout(Duration::from_millis(wait)) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(message) => self.hear(message),
                Err(RecvTimeoutError::Timeout) => self.handle(Input::Tick),
            }
        }
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Bus(bus, event) => self.bus_event(bus, event),
            Message::Act(action, done) => {
                self.handle(Input::Kiosk(action));
                self.publish();
                // The browser may have gone.
                let _ = done.send(());
            }
            Message::Token(text, done) => {
                let heard = self.token(&text);
                self.publish();
                let _ = done.send(heard);
            }
            Message::Verified(guess, outcome) => self.handle(Input::Verified { guess, outcome }),
            Message::Request(command, deadline, request) => {
                self.handle(Input::Platform { command, deadline, request });
            }
            Message::Sensed(input) => self.handle(input),
            Message::SignaturesChecked(check, checked) => {
                self.handle(Input::SignaturesChecked { check, checked });
            }
            Message::Acknowledged(up_to) => self.handle(Input::Acknowledged { up_to }),
            Message::TrustTime(time) => {
                self.vitals.offset_ms = Some(self.clocks.rtc().since_ms(time));
                let by_ms = self.trusted.trust(time, self.clocks.mono());
                if by_ms > 60_000 {
                    self.handle(Input::ClockStepped { by_ms });
                }
            }
            Message::Vouching(vouching) => self.vouching = vouching,
            Message::Alive(done) => {
                // Who asked may have gone.
                let _ = done.send(());
            }
            Message::Measured(health) => self.measured(*health),
            Message::Stop => {}
        }
    }

    fn time(&mut self) -> Now {
        let now = self.trusted.now(self.clocks.rtc(), self.clocks.mono());
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = now;
        now
    }

    fn handle(&mut self, input: Input) {
        let now = self.time();
        let effects = self.controller.handle(input, now);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Verify { guess, code, candidates } => {
                    // One guess at a time is under way, so there is room; if not, the guess stays a miss.
                    if self.jobs.try_send((guess, code, candidates)).is_err() {
                        tracing::error!("the code checker has stopped");
                    }
                }
                Effect::Unlock { ticket, wiring, deadline, .. } => self.unlock(ticket, wiring, deadline),
                Effect::Siren(siren) => self.siren.set(siren),
                Effect::CheckSignatures { check, statement, signatures } => {
                    let party = self.controller.lasting().map(|l| l.roster.signers.relying_party.clone());
                    let party = party.unwrap_or_default();
                    // Few are ever under way; if there is no room, the engine gives the check up in its time.
                    if self.signatures.try_send(Job { check, statement, signatures, party }).is_err() {
                        tracing::error!("the checker of signatures has stopped");
                    }
                }
                Effect::Reply { command, answer } => (self.news)(News::Replied(command, answer)),
                Effect::Written { seq, severity } => (self.news)(News::Appended(seq, severity)),
            }
        }
    }

    fn token(&mut self, text: &str) -> Heard {
        if let Ok(Response { key, signature }) = response::parse(text) {
            self.handle(Input::Response { key, signature });
            return Heard::Ours;
        }
        let issuers =
            self.controller.lasting().map(|lasting| lasting.roster.issuers.clone()).unwrap_or_default();
        match tokens::read(text, self.bank, &issuers) {
            Ok(token) => {
                self.handle(Input::Token(token));
                Heard::Ours
            }
            Err(_) => Heard::NotOurs,
        }
    }

    /// Shows what has changed at the kiosk and tells the link.
    fn publish(&mut self) {
        let now = self.time();
        let mut view = self.controller.view(now);
        self.view.send_if_modified(|shown| {
            view.version = shown.version;
            view.ledger = self.vouching;
            if view == **shown {
                return false;
            }
            view.version += 1;
            *shown = Arc::new(view);
            true
        });
        self.tell_status(now);
    }
}
