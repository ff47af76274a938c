//! The thread that owns one line and everything said on it.
//!
//! All decisions are [`BusMachine`]'s; this file only waits, reads and writes. The thread waits for bytes, for
//! orders and for the machine's next deadline at once, so an order never waits for a timer. It never blocks on
//! its receiver: what the [`EventSink`] does not take is kept (door reports give way, outcomes never). A line that is
//! lost, or not there when the bus is opened, is tried again and again by [`Dial`].

use std::{
    io::{Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    sync::{
        Arc,
        mpsc::{self, SyncSender},
    },
    thread::JoinHandle,
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{
    Action, Board, BoardAddress, BusEvent, BusHealth, BusMachine, BusTiming, Line, LineAddress, LineError,
    NotSent, UnlockOrder,
    dial::Dial,
    inbox::{Command, Inbox},
    line::Written,
    machine::Sent,
    outbox::Outbox,
};

/// A gateway whose boards all say nothing for so long is connected to anew.
const DEAF_AFTER: Duration = Duration::from_secs(10);
/// How old the numbers of [`Bus::health`] may be.
const HEALTH_EVERY: Duration = Duration::from_millis(250);

/// Monotonic time since any fixed moment; it must pass at the speed of real time.
pub type Clock = Box<dyn Fn() -> Duration + Send>;

/// Where events go. It must not block.
pub trait EventSink: Send {
    /// Takes an event or gives it back because there is no room now.
    ///
    /// # Errors
    /// The event itself; it is offered again later.
    fn offer(&mut self, event: BusEvent) -> Result<(), BusEvent>;
}

impl EventSink for SyncSender<BusEvent> {
    fn offer(&mut self, event: BusEvent) -> Result<(), BusEvent> {
        match self.try_send(event) {
            // Nobody is left to hear it.
            Ok(()) | Err(mpsc::TrySendError::Disconnected(_)) => Ok(()),
            Err(mpsc::TrySendError::Full(event)) => Err(event),
        }
    }
}

impl EventSink for tokio::sync::mpsc::Sender<BusEvent> {
    fn offer(&mut self, event: BusEvent) -> Result<(), BusEvent> {
        match self.try_send(event) {
            Ok(()) | Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(tokio::sync::mpsc::error::TrySendError::Full(event)) => Err(event),
        }
    }
}

/// One bus as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusSettings {
    /// The tty, or the gateway.
    pub line: LineAddress,
    /// Line speed and times.
    pub timing: BusTiming,
}

/// Why a bus can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The line can't be opened.
    #[error("the bus has no line")]
    Line(#[source] LineError),
    /// Two boards have one address.
    #[error("{0} is configured twice on one bus")]
    AddressTwice(BoardAddress),
    /// The system gave no thread or pipe.
    #[error("the bus cannot start")]
    Start(#[source] std::io::Error),
}

/// The owner of one bus; dropping it stops the thread after giving every order its outcome.
#[derive(Debug)]
pub struct Bus {
    inbox: Arc<Inbox>,
    waker: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Bus {
    /// Opens the line and starts polling its boards. A line that is not there yet, or breaks later, is tried again by
    /// the thread; its boards are silent meanwhile.
    ///
    /// # Errors
    /// [`BusError`] when the line is somebody else's or can't have its speed, or two boards share an address.
    pub fn open(
        settings: BusSettings,
        boards: Vec<Box<dyn Board>>,
        clock: Clock,
        events: Box<dyn EventSink>,
    ) -> Result<Self, BusError> {
        refuse_twins(&boards)?;
        let line = first_line(&settings)?;
        let (waker, woken) = UnixStream::pair().map_err(BusError::Start)?;
        waker.set_nonblocking(true).map_err(BusError::Start)?;
        woken.set_nonblocking(true).map_err(BusError::Start)?;
        let wakes_us = waker.try_clone().map_err(BusError::Start)?;
        let inbox = Arc::new(Inbox::default());
        let mut owner = Owner {
            machine: BusMachine::new(boards, timing_of(&settings)),
            dial: Dial::new(settings.line.clone(), settings.timing.baud, wakes_us),
            settings,
            line,
            heard_at: Duration::ZERO,
            told_at: Duration::ZERO,
            clock,
            inbox: inbox.clone(),
            woken,
            outbox: Outbox::to(events),
        };
        let thread = std::thread::Builder::new().name("bus".into()).spawn(move || owner.run());
        Ok(Self { inbox, waker, thread: Some(thread.map_err(BusError::Start)?) })
    }

    /// Hands an order to the bus; its outcome comes as [`BusEvent::Unlock`].
    ///
    /// # Errors
    /// [`NotSent`] when too many orders wait or the bus has stopped; then no event follows.
    pub fn unlock(&self, order: UnlockOrder) -> Result<(), NotSent> {
        self.command(Command::Unlock(order))
    }

    /// Cancels every order that has not been sent.
    ///
    /// # Errors
    /// [`NotSent`] when the bus takes no more commands.
    pub fn cancel_waiting(&self) -> Result<(), NotSent> {
        self.command(Command::CancelWaiting)
    }

    /// What was counted on this bus so far; at most a quarter of a second old.
    #[must_use]
    pub fn health(&self) -> BusHealth {
        self.inbox.health()
    }

    /// A view of what this bus counts, for another thread.
    #[must_use]
    pub fn gauge(&self) -> Gauge {
        Gauge(self.inbox.clone())
    }

    fn command(&self, command: Command) -> Result<(), NotSent> {
        self.inbox.put(command)?;
        self.wake();
        Ok(())
    }

    fn wake(&self) {
        // A full pipe wakes as well.
        let _ = (&self.waker).write(&[1]);
    }
}

/// What one bus counts, to be asked from any thread; it outlives the bus with its last numbers.
#[derive(Clone, Debug)]
pub struct Gauge(Arc<Inbox>);

impl Gauge {
    /// As [`Bus::health`].
    #[must_use]
    pub fn health(&self) -> BusHealth {
        self.0.health()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.inbox.stop();
        self.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by the panic hook; there is nothing to add to it here.
            let _ = thread.join();
        }
    }
}

fn refuse_twins(boards: &[Box<dyn Board>]) -> Result<(), BusError> {
    let mut seen = std::collections::BTreeSet::new();
    match boards.iter().map(|board| board.address()).find(|&address| !seen.insert(address)) {
        Some(twin) => Err(BusError::AddressTwice(twin)),
        None => Ok(()),
    }
}

/// A gateway is never waited for here; a port is opened at once, so that a mistake is told to whoever started this.
fn first_line(settings: &BusSettings) -> Result<Option<Line>, BusError> {
    if settings.line.is_network() {
        return Ok(None);
    }
    match Line::reach(&settings.line, settings.timing.baud) {
        Ok(line) => Ok(Some(line)),
        Err(error @ LineError::Open { .. }) => {
            tracing::warn!(line = %settings.line, error = &error as &dyn std::error::Error, "no serial line yet");
            Ok(None)
        }
        Err(error) => Err(BusError::Line(error)),
    }
}

fn timing_of(settings: &BusSettings) -> BusTiming {
    if settings.line.is_network() { settings.timing.over_network() } else { settings.timing }
}

struct Owner {
    settings: BusSettings,
    machine: BusMachine,
    line: Option<Line>,
    dial: Dial,
    heard_at: Duration,
    told_at: Duration,
    clock: Clock,
    inbox: Arc<Inbox>,
    woken: UnixStream,
    outbox: Outbox,
}

impl Owner {
    fn run(&mut self) {
        if self.line.is_some() {
            self.machine.line_back((self.clock)());
        }
        loop {
            let stopping = self.take_commands();
            let now = (self.clock)();
            if stopping {
                self.machine.close(now);
                self.outbox.deliver(&mut self.machine);
                return;
            }
            self.reopen(now);
            self.machine.advance(now);
            self.act();
            self.outbox.deliver(&mut self.machine);
            self.tell_health(now);
            self.wait();
            self.listen();
        }
    }

    fn take_commands(&mut self) -> bool {
        let (commands, stopping) = self.inbox.take();
        for command in commands {
            let now = (self.clock)();
            match command {
                Command::Unlock(order) => self.machine.order(now, order),
                Command::CancelWaiting => self.machine.cancel_waiting(now),
            }
        }
        stopping
    }

    fn act(&mut self) {
        while let Some(action) = self.machine.next_action() {
            let Some(line) = &mut self.line else { return };
            let written = match action {
                Action::Discard => {
                    line.discard();
                    continue;
                }
                Action::Abandon if self.settings.line.is_network() => {
                    Err(LineError::Gone(std::io::ErrorKind::TimedOut.into()))
                }
                Action::Abandon => {
                    line.discard();
                    continue;
                }
                Action::Send(bytes) => {
                    // What came since we last looked belongs to nothing.
                    line.discard_heard();
                    line.write(&bytes)
                }
            };
            let now = (self.clock)();
            match written {
                Ok(Written::All) => {}
                Ok(Written::Part) => self.machine.send_failed(now, Sent::Part),
                Ok(Written::Nothing) => self.machine.send_failed(now, Sent::Nothing),
                Err(error) => self.lose(now, &error),
            }
        }
    }

    fn wait(&mut self) {
        let now = (self.clock)();
        let redial = if self.line.is_none() { self.dial.next_at() } else { None };
        let next = [self.machine.wakes_at(), redial].into_iter().flatten().min();
        let timeout = next.map_or(PollTimeout::NONE, |at| milliseconds(at.saturating_sub(now)));
        let mut watched = vec![PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
        watched.extend(self.line.as_ref().map(|line| PollFd::new(line.as_fd(), PollFlags::POLLIN)));
        // An interrupted wait is a short wait.
        let _ = poll(&mut watched, timeout);
    }

    fn listen(&mut self) {
        let mut wakes = [0; 64];
        while matches!(self.woken.read(&mut wakes), Ok(count) if count == wakes.len()) {}
        let Some(line) = &mut self.line else { return };
        if !is_ready(line) {
            return;
        }
        let mut buffer = [0; 256];
        let heard = line.read(&mut buffer);
        let now = (self.clock)();
        match heard {
            Ok([]) => {}
            Ok(bytes) => {
                self.heard_at = now;
                self.machine.received(now, bytes);
            }
            Err(error) => self.lose(now, &error),
        }
    }

    fn lose(&mut self, now: Duration, error: &LineError) {
        tracing::warn!(line = %self.settings.line, error = error as &dyn std::error::Error, "line lost");
        self.line = None;
        self.told_at = Duration::ZERO;
        self.dial.lost(now);
        self.machine.line_lost(now);
    }

    fn reopen(&mut self, now: Duration) {
        if self.line.is_some() {
            if self.settings.line.is_network() && now > self.heard_at + DEAF_AFTER {
                self.lose(now, &LineError::Gone(std::io::ErrorKind::TimedOut.into()));
            }
            return;
        }
        match self.dial.turn(now) {
            Ok(Some(line)) => {
                self.line = Some(line);
                self.heard_at = now;
                self.machine.line_back(now);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(line = %self.settings.line, error = &error as &dyn std::error::Error, "no line");
            }
        }
    }

    fn tell_health(&mut self, now: Duration) {
        if now >= self.told_at + HEALTH_EVERY {
            self.told_at = now;
            self.inbox.tell(self.machine.health());
        }
    }
}

fn is_ready(line: &Line) -> bool {
    let mut watched = [PollFd::new(line.as_fd(), PollFlags::POLLIN)];
    poll(&mut watched, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Rounded up, so that a wait never ends just before its time.
fn milliseconds(wait: Duration) -> PollTimeout {
    let whole = wait.as_micros().div_ceil(1000);
    PollTimeout::try_from(i32::try_from(whole).unwrap_or(i32::MAX)).unwrap_or(PollTimeout::MAX)
}
