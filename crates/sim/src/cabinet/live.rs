//! A [`Cabinet`] in real time, behind a pseudo terminal or a socket, for controllers that want a line.

use std::{
    io::{Read, Write},
    net::SocketAddr,
    ops::Deref,
    os::{fd::AsFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Cabinet, DoorPlace, Fault, port::Port};

/// Why there is no pseudo terminal or socket.
#[derive(Debug, thiserror::Error)]
#[error("cannot put a cabinet on a line")]
pub struct PtyError(#[source] std::io::Error);

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
    hang_up: AtomicBool,
}

impl Shared {
    fn cabinet(&self) -> MutexGuard<'_, Cabinet> {
        self.cabinet.lock().expect("no holder of the cabinet panics")
    }
}

/// A cabinet that can be opened as a serial port; dropping it hangs up.
pub struct PtyCabinet {
    path: PathBuf,
    live: LiveCabinet,
}

/// A cabinet behind a serial gateway on the loopback; dropping it hangs up.
pub struct TcpCabinet {
    address: SocketAddr,
    live: LiveCabinet,
}

/// A cabinet in real time, whatever the line.
pub struct LiveCabinet {
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
        let (port, path) = Port::pty()?;
        Ok(Self { path, live: LiveCabinet::start(cabinet, Arc::new(clock), port)? })
    }

    /// The device to open.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Deref for PtyCabinet {
    type Target = LiveCabinet;

    fn deref(&self) -> &LiveCabinet {
        &self.live
    }
}

impl TcpCabinet {
    /// Puts a cabinet behind a socket on the loopback; port 0 lets the system choose.
    ///
    /// # Errors
    /// [`PtyError`] when the port is taken or the system gives no thread.
    pub fn start(
        cabinet: Cabinet,
        port: u16,
        clock: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Result<Self, PtyError> {
        let (port, address) = Port::tcp(port)?;
        Ok(Self { address, live: LiveCabinet::start(cabinet, Arc::new(clock), port)? })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Drops the controller's connection.
    pub fn hang_up(&self) {
        self.live.shared.hang_up.store(true, Ordering::Release);
        self.live.wake();
    }
}

impl Deref for TcpCabinet {
    type Target = LiveCabinet;

    fn deref(&self) -> &LiveCabinet {
        &self.live
    }
}

impl LiveCabinet {
    fn start(cabinet: Cabinet, clock: Clock, port: Port) -> Result<Self, PtyError> {
        let (waker, woken) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            cabinet: Mutex::new(cabinet),
            changed: Condvar::new(),
            clock,
            hang_up: AtomicBool::new(false),
        });
        let hardware = Hardware { port, woken, shared: shared.clone() };
        let thread = std::thread::Builder::new().name("cabinet".into()).spawn(move || hardware.run())?;
        Ok(Self { shared, waker: Some(waker), thread: Some(thread) })
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
        self.wake();
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

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            // A full pipe wakes as well.
            let _ = (&*waker).write(&[1]);
        }
    }
}

impl Drop for LiveCabinet {
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
    port: Port,
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
            let mut watched = vec![PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
            watched.extend(self.port.watched().into_iter().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
            // An interrupted wait is a short wait.
            let _ = poll(&mut watched, timeout);
            if self.is_stopped() {
                return;
            }
            if self.shared.hang_up.swap(false, Ordering::AcqRel) {
                self.port.hang_up();
            }
            self.listen();
        }
    }

    fn is_stopped(&mut self) -> bool {
        matches!(self.woken.read(&mut [0; 64]), Ok(0))
    }

    fn listen(&mut self) {
        let mut buffer = [0; 256];
        let count = self.port.read(&mut buffer);
        if count > 0 {
            let now = (self.shared.clock)();
            self.shared.cabinet().hear(now, &buffer[..count]);
            self.shared.changed.notify_all();
        }
    }

    fn speak(&mut self) {
        let said = self.shared.cabinet().speak((self.shared.clock)());
        if !said.is_empty() {
            self.port.write(&said);
        }
    }
}

fn milliseconds(wait: Duration) -> PollTimeout {
    let whole = wait.as_micros().div_ceil(1000);
    PollTimeout::try_from(i32::try_from(whole).unwrap_or(i32::MAX)).unwrap_or(PollTimeout::MAX)
}
