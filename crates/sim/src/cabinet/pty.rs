//! A [`Cabinet`] behind a pseudo terminal, for controllers that want a serial port.

use std::{
    fs::File,
    io::{Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::JoinHandle,
    time::Duration,
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    pty::openpty,
    sys::termios::{self, SetArg},
};

use super::{Cabinet, DoorPlace, Fault};

/// Why there is no pseudo terminal.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a pseudo terminal")]
pub struct PtyError(#[source] std::io::Error);

impl From<nix::Error> for PtyError {
    fn from(errno: nix::Error) -> Self {
        Self(errno.into())
    }
}

impl From<std::io::Error> for PtyError {
    fn from(error: std::io::Error) -> Self {
        Self(error)
    }
}

type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

struct Shared {
    cabinet: Mutex<Cabinet>,
    changed: Condvar,
    clock: Clock,
}

impl Shared {
    fn cabinet(&self) -> MutexGuard<'_, Cabinet> {
        self.cabinet.lock().expect("no holder of the cabinet panics")
    }
}

/// A cabinet that can be opened as a serial port; dropping it hangs up.
pub struct PtyCabinet {
    path: PathBuf,
    shared: Arc<Shared>,
    waker: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl PtyCabinet {
    /// Puts a cabinet behind a new pseudo terminal. The clock is monotonic and passes as real time does.
    ///
    /// # Errors
    /// [`PtyError`] when the system gives no pseudo terminal or thread.
    pub fn start(
        cabinet: Cabinet,
        clock: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Result<Self, PtyError> {
        let pair = openpty(None, None)?;
        let path = nix::unistd::ttyname(&pair.slave)?;
        let mut raw = termios::tcgetattr(&pair.slave)?;
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(&pair.slave, SetArg::TCSANOW, &raw)?;
        fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let (waker, woken) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            cabinet: Mutex::new(cabinet),
            changed: Condvar::new(),
            clock: Arc::new(clock),
        });
        let hardware = Hardware {
            line: File::from(pair.master),
            // Held so that the line survives a controller that closes and opens it again.
            _slave: pair.slave,
            woken,
            shared: shared.clone(),
        };
        let thread = std::thread::Builder::new().name("cabinet".into()).spawn(move || hardware.run())?;
        Ok(Self { path, shared, waker: Some(waker), thread: Some(thread) })
    }

    /// The device to open.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A person closes a door.
    pub fn close(&self, door: DoorPlace) {
        self.change(|cabinet, now| cabinet.close(now, door));
    }

    /// Somebody forces a door.
    pub fn force_open(&self, door: DoorPlace) {
        self.change(|cabinet, now| cabinet.force_open(now, door));
    }

    /// Gives a board a fault.
    pub fn set_fault(&self, board: u8, fault: Fault) {
        self.change(|cabinet, _| cabinet.set_fault(board, fault));
    }

    /// Changes the cabinet; the closure gets the time.
    pub fn change<T>(&self, change: impl FnOnce(&mut Cabinet, Duration) -> T) -> T {
        let now = (self.shared.clock)();
        let result = change(&mut self.shared.cabinet(), now);
        self.shared.changed.notify_all();
        if let Some(waker) = &self.waker {
            // A full pipe wakes as well.
            let _ = (&*waker).write(&[1]);
        }
        result
    }

    /// Looks at the cabinet.
    pub fn look<T>(&self, look: impl FnOnce(&Cabinet) -> T) -> T {
        look(&self.shared.cabinet())
    }

    /// Waits until something is so; false if it is not so in time.
    #[must_use]
    pub fn wait_until(&self, within: Duration, so: impl Fn(&Cabinet) -> bool) -> bool {
        let waited =
            self.shared.changed.wait_timeout_while(self.shared.cabinet(), within, |cabinet| !so(cabinet));
        waited.is_ok_and(|(_, result)| !result.timed_out())
    }
}

impl Drop for PtyCabinet {
    fn drop(&mut self) {
        // The closed pipe is the order to stop.
        self.waker = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by the panic hook.
            let _ = thread.join();
        }
    }
}

struct Hardware {
    line: File,
    _slave: OwnedFd,
    woken: UnixStream,
    shared: Arc<Shared>,
}

impl Hardware {
    fn run(mut self) {
        loop {
            self.speak();
            let now = (self.shared.clock)();
            let due = self.shared.cabinet().next_due();
            let timeout = due.map_or(PollTimeout::NONE, |at| milliseconds(at.saturating_sub(now)));
            let mut watched = [
                PollFd::new(self.line.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.woken.as_fd(), PollFlags::POLLIN),
            ];
            // An interrupted wait is a short wait.
            let _ = poll(&mut watched, timeout);
            if self.is_stopped() {
                return;
            }
            self.listen();
        }
    }

    fn is_stopped(&mut self) -> bool {
        matches!(self.woken.read(&mut [0; 64]), Ok(0))
    }

    fn listen(&mut self) {
        let mut buffer = [0; 256];
        if let Ok(count) = self.line.read(&mut buffer)
            && count > 0
        {
            let now = (self.shared.clock)();
            self.shared.cabinet().hear(now, &buffer[..count]);
            self.shared.changed.notify_all();
        }
    }

    fn speak(&mut self) {
        let said = self.shared.cabinet().speak((self.shared.clock)());
        if !said.is_empty() {
            // A controller that doesn't listen loses bytes, as on a wire.
            let _ = self.line.write(&said);
        }
    }
}

fn milliseconds(wait: Duration) -> PollTimeout {
    let whole = wait.as_micros().div_ceil(1000);
    PollTimeout::try_from(i32::try_from(whole).unwrap_or(i32::MAX)).unwrap_or(PollTimeout::MAX)
}
