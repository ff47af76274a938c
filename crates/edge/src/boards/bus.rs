//! The thread that owns one serial line and everything said on it.
//!
//! All decisions are [`BusMachine`]'s; this file only waits, reads and writes. The thread waits for bytes, for
//! orders and for the machine's next deadline at once, so an order never waits for a timer. It never blocks on
//! its receiver: what the [`EventSink`] does not take is kept (door reports give way, outcomes never).

use std::{
    collections::VecDeque,
    io::{Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        mpsc::{self, SyncSender},
    },
    thread::JoinHandle,
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{
    Action, Board, BoardAddress, BusEvent, BusMachine, BusTiming, Line, LineError, NotSent, UnlockOrder,
    line::Written,
    machine::{MOST_ORDERS, Sent},
};

const REOPEN_EVERY: Duration = Duration::from_secs(1);
/// Events kept for a receiver that is slow; beyond it door and bad-frame reports are dropped, oldest first.
const MOST_KEPT_EVENTS: usize = 256;

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
    /// The tty.
    pub path: PathBuf,
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

#[derive(Debug)]
enum Command {
    Unlock(UnlockOrder),
    CancelWaiting,
}

#[derive(Debug, Default)]
struct Inbox {
    commands: VecDeque<Command>,
    stopping: bool,
}

/// The owner of one bus; dropping it stops the thread after giving every order its outcome.
#[derive(Debug)]
pub struct Bus {
    inbox: Arc<Mutex<Inbox>>,
    waker: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Bus {
    /// Opens the line and starts polling its boards. A line that breaks later is reopened by the thread.
    ///
    /// # Errors
    /// [`BusError`] when the line can't be opened now or two boards share an address.
    pub fn open(
        settings: BusSettings,
        boards: Vec<Box<dyn Board>>,
        clock: Clock,
        events: Box<dyn EventSink>,
    ) -> Result<Self, BusError> {
        refuse_twins(&boards)?;
        let line = Line::open(&settings.path, settings.timing.baud).map_err(BusError::Line)?;
        let (waker, woken) = UnixStream::pair().map_err(BusError::Start)?;
        waker.set_nonblocking(true).map_err(BusError::Start)?;
        woken.set_nonblocking(true).map_err(BusError::Start)?;
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let mut owner = Owner {
            machine: BusMachine::new(boards, settings.timing),
            settings,
            line: Some(line),
            reopen_at: Duration::ZERO,
            clock,
            inbox: inbox.clone(),
            woken,
            outbox: Outbox { events, kept: VecDeque::new(), dropped: 0 },
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

    fn command(&self, command: Command) -> Result<(), NotSent> {
        let mut inbox = self.inbox.lock().expect("no holder of the inbox panics");
        if inbox.stopping {
            return Err(NotSent::Closed);
        }
        // A lockdown must get through a full inbox: it also empties it of what it would cancel.
        if inbox.commands.len() >= MOST_ORDERS && !matches!(command, Command::CancelWaiting) {
            return Err(NotSent::QueueFull);
        }
        if inbox.commands.len() < 2 * MOST_ORDERS {
            inbox.commands.push_back(command);
        }
        drop(inbox);
        self.wake();
        Ok(())
    }

    fn wake(&self) {
        // A full pipe wakes as well.
        let _ = (&self.waker).write(&[1]);
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.inbox.lock().expect("no holder of the inbox panics").stopping = true;
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

struct Owner {
    settings: BusSettings,
    machine: BusMachine,
    line: Option<Line>,
    reopen_at: Duration,
    clock: Clock,
    inbox: Arc<Mutex<Inbox>>,
    woken: UnixStream,
    outbox: Outbox,
}

impl Owner {
    fn run(&mut self) {
        self.machine.line_back((self.clock)());
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
            self.wait();
            self.listen();
        }
    }

    fn take_commands(&mut self) -> bool {
        let mut inbox = self.inbox.lock().expect("no holder of the inbox panics");
        let commands = std::mem::take(&mut inbox.commands);
        let stopping = inbox.stopping;
        drop(inbox);
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
                Action::Send(bytes) => line.write(&bytes),
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
        let next = match &self.line {
            Some(_) => self.machine.wakes_at(),
            None => Some(self.reopen_at),
        };
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
            Ok(bytes) => self.machine.received(now, bytes),
            Err(error) => self.lose(now, &error),
        }
    }

    fn lose(&mut self, now: Duration, error: &LineError) {
        tracing::warn!(path = %self.settings.path.display(), %error, "serial line lost");
        self.line = None;
        self.reopen_at = now + REOPEN_EVERY;
        self.machine.line_lost(now);
    }

    fn reopen(&mut self, now: Duration) {
        if self.line.is_some() || now < self.reopen_at {
            return;
        }
        self.reopen_at = now + REOPEN_EVERY;
        if let Ok(line) = Line::open(&self.settings.path, self.settings.timing.baud) {
            self.line = Some(line);
            self.machine.line_back(now);
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

struct Outbox {
    events: Box<dyn EventSink>,
    kept: VecDeque<BusEvent>,
    dropped: u64,
}

impl Outbox {
    fn deliver(&mut self, machine: &mut BusMachine) {
        while let Some(event) = machine.next_event() {
            self.keep(event);
        }
        while let Some(event) = self.kept.pop_front() {
            if let Err(event) = self.events.offer(event) {
                self.kept.push_front(event);
                return;
            }
        }
        if self.dropped > 0 {
            let report = BusEvent::ReportsDropped { count: self.dropped };
            if self.events.offer(report).is_ok() {
                self.dropped = 0;
            }
        }
    }

    /// Outcomes are bounded by the orders, trouble by its own rate; only door reports must give way.
    fn keep(&mut self, event: BusEvent) {
        if self.kept.len() >= MOST_KEPT_EVENTS
            && let Some(oldest) = self.kept.iter().position(BusEvent::may_be_dropped)
        {
            self.kept.remove(oldest);
            self.dropped += 1;
        }
        self.kept.push_back(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::{Channel, DoorAddress, Ticket};

    struct Nobody;

    impl EventSink for Nobody {
        fn offer(&mut self, event: BusEvent) -> Result<(), BusEvent> {
            Err(event)
        }
    }

    #[test]
    fn a_slow_receiver_loses_door_reports_but_no_outcome() {
        let mut outbox = Outbox { events: Box::new(Nobody), kept: VecDeque::new(), dropped: 0 };
        let board = BoardAddress(1);
        let door = DoorAddress { board, channel: Channel::new(1).unwrap() };
        for n in 0..1000 {
            let at = Duration::from_millis(n);
            outbox.keep(BusEvent::Doors { board, at, doors: Vec::new() });
            if n % 10 == 0 {
                let outcome = Err(crate::boards::UnlockError::Refused);
                outbox.keep(BusEvent::Unlock { ticket: Ticket(n), door, at, outcome });
            }
        }
        assert_eq!(outbox.kept.len(), MOST_KEPT_EVENTS);
        let (sender, receiver) = mpsc::sync_channel(2000);
        outbox.events = Box::new(sender);
        outbox.deliver(&mut BusMachine::new(Vec::new(), BusTiming::at_baud(9600)));
        let events: Vec<_> = receiver.try_iter().collect();
        let outcomes = events.iter().filter(|event| matches!(event, BusEvent::Unlock { .. })).count();
        assert_eq!(outcomes, 100);
        assert_eq!(events.last(), Some(&BusEvent::ReportsDropped { count: 1100 - 256 }));
    }
}
