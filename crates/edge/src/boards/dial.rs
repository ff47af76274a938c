//! Getting a lost line back: a serial port at once, a gateway in a thread of its own, because a connection takes
//! time and the owner of the bus must answer orders meanwhile.

use std::{
    io::Write,
    os::unix::net::UnixStream,
    sync::mpsc::{self, Receiver, TryRecvError},
    time::Duration,
};

use super::{Line, LineAddress, LineError};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A gateway that is away for long is tried this often.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Tries again and again, one try at a time.
#[derive(Debug)]
pub(super) struct Dial {
    address: LineAddress,
    baud: u32,
    next_at: Duration,
    pause: Duration,
    trying: Option<Receiver<Result<Line, LineError>>>,
    /// Wakes the owner when a connection is there.
    waker: UnixStream,
}

impl Dial {
    pub(super) fn new(address: LineAddress, baud: u32, waker: UnixStream) -> Self {
        Self { address, baud, next_at: Duration::ZERO, pause: FIRST_PAUSE, trying: None, waker }
    }

    /// When to ask again; a try that is under way wakes by itself.
    pub(super) fn next_at(&self) -> Option<Duration> {
        self.trying.is_none().then_some(self.next_at)
    }

    /// The line has just been lost: a gateway is tried at once, a port that was pulled in a moment.
    pub(super) fn lost(&mut self, now: Duration) {
        self.pause = FIRST_PAUSE;
        self.next_at = if self.address.is_network() { now } else { now + FIRST_PAUSE };
    }

    /// The line, if it is there.
    ///
    /// # Errors
    /// Why a try failed; the next one follows by itself.
    pub(super) fn turn(&mut self, now: Duration) -> Result<Option<Line>, LineError> {
        if let Some(trying) = &self.trying {
            let result = match trying.try_recv() {
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Disconnected) => return self.failed(now, None),
                Ok(result) => result,
            };
            return self.tried(now, result);
        }
        if now < self.next_at {
            return Ok(None);
        }
        if !self.address.is_network() {
            let result = Line::reach(&self.address, self.baud);
            return self.tried(now, result);
        }
        self.try_gateway(now)
    }

    fn try_gateway(&mut self, now: Duration) -> Result<Option<Line>, LineError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let (address, baud) = (self.address.clone(), self.baud);
        let Ok(waker) = self.waker.try_clone() else { return self.failed(now, None) };
        let started = std::thread::Builder::new().name("gateway".into()).spawn(move || {
            // The bus may have been closed meanwhile.
            let _ = sender.send(Line::reach(&address, baud));
            let _ = (&waker).write(&[1]);
        });
        if started.is_err() {
            return self.failed(now, None);
        }
        self.trying = Some(receiver);
        Ok(None)
    }

    fn tried(&mut self, now: Duration, result: Result<Line, LineError>) -> Result<Option<Line>, LineError> {
        match result {
            Ok(line) => {
                self.trying = None;
                Ok(Some(line))
            }
            Err(error) => self.failed(now, Some(error)),
        }
    }

    fn failed(&mut self, now: Duration, error: Option<LineError>) -> Result<Option<Line>, LineError> {
        self.trying = None;
        self.next_at = now + self.pause;
        if self.address.is_network() {
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        error.map_or(Ok(None), Err)
    }
}
