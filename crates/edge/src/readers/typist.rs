//! The thread behind one scanner: bytes of a serial line or events of a keyboard, collected into texts.
//!
//! A keyboard is taken away from the rest of the system before a byte of it is read, so that nothing it types reaches
//! the kiosk's browser; if that is not granted, the reader is *gone*. A device that was unplugged is tried again every
//! second.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::desk::Desk;
use super::fact::{Condition, Standing};
use super::osdp::bus::milliseconds;
use super::scan::{Framing, Scan, Scanner};
use super::wedge::Keys;
use crate::boards::{Line, LineError};
use crate::clock::Clocks;

const REOPEN_EVERY: Duration = Duration::from_secs(1);
/// While a condition stands or a text is unfinished, the thread looks this often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Where a scanner's bytes come from.
pub trait Source: Send {
    /// Opens the device for this process alone.
    ///
    /// # Errors
    /// Whatever the system says.
    fn open(&mut self) -> io::Result<Box<dyn Stream>>;
}

/// An open device that never blocks.
pub trait Stream: Send {
    /// What to wait for.
    fn fd(&self) -> BorrowedFd<'_>;

    /// The characters that came; none means nothing came.
    ///
    /// # Errors
    /// When the device is gone.
    fn read(&mut self) -> io::Result<Vec<u8>>;
}

/// A scanner on a serial line.
pub struct Serial {
    /// The tty.
    pub path: PathBuf,
    /// Bits a second.
    pub baud: u32,
}

impl Source for Serial {
    fn open(&mut self) -> io::Result<Box<dyn Stream>> {
        let line = Line::open(&self.path, self.baud).map_err(io::Error::other)?;
        Ok(Box::new(SerialStream(line)))
    }
}

struct SerialStream(Line);

impl Stream for SerialStream {
    fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = [0; 512];
        self.0.read(&mut buffer).map(<[u8]>::to_vec).map_err(|error: LineError| io::Error::other(error))
    }
}

/// A reader that pretends to be a keyboard.
pub struct Keyboard {
    /// Its input device.
    pub path: PathBuf,
}

impl Source for Keyboard {
    fn open(&mut self) -> io::Result<Box<dyn Stream>> {
        let flags = OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let device = OpenOptions::new().read(true).custom_flags(flags.bits()).open(&self.path)?;
        grab::take_away(device.as_fd())?;
        Ok(Box::new(Events::new(device)))
    }
}

/// A stream of Linux input events.
pub struct Events {
    device: File,
    keys: Keys,
}

impl Events {
    /// Events of a device that is open, non-blocking and nobody else's.
    pub fn new(device: File) -> Self {
        Self { device, keys: Keys::default() }
    }
}

impl Stream for Events {
    fn fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = [0; 24 * 64];
        match self.device.read(&mut buffer) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => Ok(self.keys.hear(&buffer[..count])),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }
}

#[expect(unsafe_code, reason = "EVIOCGRAB has no safe wrapper; its argument is a plain number")]
mod grab {
    use std::os::fd::{AsRawFd, BorrowedFd};

    nix::ioctl_write_int!(eviocgrab, b'E', 0x90);

    pub(super) fn take_away(device: BorrowedFd<'_>) -> nix::Result<()> {
        // SAFETY: the descriptor is open for the length of the borrow, and the argument is no pointer.
        unsafe { eviocgrab(device.as_raw_fd(), 1) }.map(|_| ())
    }
}

/// The thread behind one scanner; dropping it stops it.
pub struct Typist {
    waker: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Typist {
    /// Starts listening.
    ///
    /// # Errors
    /// When the system gives no thread or pipe.
    pub fn start(source: Box<dyn Source>, framing: Framing, desk: Desk, clocks: Clocks) -> io::Result<Self> {
        let (waker, woken) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let scanner = Scanner::new(framing);
        let (stream, reopen_at) = (None, Duration::ZERO);
        let owner = Owner { source, stream, reopen_at, scanner, desk, clocks, woken };
        let thread = std::thread::Builder::new().name("scanner".into()).spawn(move || owner.run())?;
        Ok(Self { waker: Some(waker), thread: Some(thread) })
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        // The closed pipe is the order to stop.
        self.waker = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by the panic hook.
            let _ = thread.join();
        }
    }
}

struct Owner {
    source: Box<dyn Source>,
    stream: Option<Box<dyn Stream>>,
    reopen_at: Duration,
    scanner: Scanner,
    desk: Desk,
    clocks: Clocks,
    woken: UnixStream,
}

impl Owner {
    fn run(mut self) {
        while !matches!(self.woken.read(&mut [0; 8]), Ok(0)) {
            self.reopen();
            self.wait();
            self.listen();
        }
    }

    fn reopen(&mut self) {
        let now = self.clocks.elapsed();
        if self.stream.is_some() || now < self.reopen_at {
            return;
        }
        self.reopen_at = now + REOPEN_EVERY;
        match self.source.open() {
            Ok(stream) => {
                self.stream = Some(stream);
                self.desk.condition(Condition::Gone, Standing::Cleared);
            }
            Err(_) => self.desk.condition(Condition::Gone, Standing::Raised),
        }
    }

    fn wait(&mut self) {
        let timeout: PollTimeout = milliseconds(LOOK_EVERY);
        let mut watched = vec![PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
        if let Some(stream) = &self.stream {
            watched.push(PollFd::new(stream.fd(), PollFlags::POLLIN));
        }
        // An interrupted wait is a short wait.
        let _ = poll(&mut watched, timeout);
    }

    fn listen(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        let read = stream.read();
        let now = self.clocks.elapsed();
        self.desk.tick(now);
        match read {
            Ok(bytes) if bytes.is_empty() => self.forgive(now),
            Ok(bytes) => self.typed(&bytes, now),
            Err(_) => {
                self.stream = None;
                self.reopen_at = now + REOPEN_EVERY;
                self.desk.condition(Condition::Gone, Standing::Raised);
            }
        }
    }

    fn typed(&mut self, bytes: &[u8], now: Duration) {
        self.forgive(now);
        for scan in self.scanner.hear(bytes, now) {
            match scan {
                Scan::Text(text) => self.desk.text(text, now),
                Scan::Cut => self.desk.condition(Condition::Commanding, Standing::Raised),
                Scan::Dropped => self.desk.unreadable(now),
            }
        }
    }

    fn forgive(&mut self, now: Duration) {
        if !self.scanner.is_cut(now) {
            self.desk.condition(Condition::Commanding, Standing::Cleared);
        }
    }
}
