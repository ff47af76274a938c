//! One serial line: a tty opened raw, 8N1, for this process alone, never blocking.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use nix::{
    fcntl::OFlag,
    sys::termios::{self, BaudRate, ControlFlags, FlushArg, SetArg, SpecialCharacterIndices},
};

/// Device numbers of Unix 98 pseudo terminals begin here (Linux allocated devices list: 136 to 143).
const PTY_MAJORS: std::ops::RangeInclusive<u64> = 136..=143;

/// Why a line can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The device can't be opened or set up.
    #[error("cannot open the serial line {}", path.display())]
    Open {
        /// The device.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// Another process owns it.
    #[error("the serial line {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// Not one of the usual line speeds.
    #[error("{0} baud is not supported")]
    Baud(u32),
    /// It was open and broke.
    #[error("the serial line is gone")]
    Gone(#[source] std::io::Error),
}

/// How much of a frame went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    All,
    Part,
    Nothing,
}

/// An open serial line.
#[derive(Debug)]
pub struct Line {
    port: File,
}

impl Line {
    /// Opens a tty (a serial port or a pseudo terminal), raw, 8 data bits, no parity, one stop bit.
    ///
    /// # Errors
    /// [`LineError`] when it can't be opened, is somebody else's, or can't have that speed.
    pub fn open(path: &Path, baud: u32) -> Result<Self, LineError> {
        let speed = speed(baud).ok_or(LineError::Baud(baud))?;
        let failed = |source| LineError::Open { path: path.to_owned(), source };
        let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
        let port = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(flags.bits())
            .open(path)
            .map_err(failed)?;
        match port.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LineError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        set_raw(&port, speed).map_err(|errno| failed(errno.into()))?;
        claim(&port).map_err(failed)?;
        Ok(Self { port })
    }

    /// What came, without waiting; no bytes means nothing came.
    pub(crate) fn read<'a>(&mut self, buffer: &'a mut [u8]) -> Result<&'a [u8], LineError> {
        match self.port.read(buffer) {
            // With VMIN 1 an idle line says "would block"; an end of file is a hang-up.
            Ok(0) => Err(LineError::Gone(ErrorKind::UnexpectedEof.into())),
            Ok(count) => Ok(&buffer[..count]),
            Err(error) if is_nothing(&error) => Ok(&[]),
            Err(error) => Err(LineError::Gone(error)),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<Written, LineError> {
        match self.port.write(bytes) {
            Ok(count) if count == bytes.len() => Ok(Written::All),
            Ok(0) => Ok(Written::Nothing),
            Ok(_) => Ok(Written::Part),
            Err(error) if is_nothing(&error) => Ok(Written::Nothing),
            Err(error) => Err(LineError::Gone(error)),
        }
    }

    /// Throws away what the kernel holds, so that nothing old is read and nothing stuck leaves late.
    pub(crate) fn discard(&mut self) {
        // A line that can't be flushed is broken; the next read or write says so.
        let _ = termios::tcflush(&self.port, FlushArg::TCIOFLUSH);
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.port.as_fd()
    }
}

fn is_nothing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn speed(baud: u32) -> Option<BaudRate> {
    Some(match baud {
        9600 => BaudRate::B9600,
        19200 => BaudRate::B19200,
        38400 => BaudRate::B38400,
        57600 => BaudRate::B57600,
        115_200 => BaudRate::B115200,
        _ => return None,
    })
}

fn set_raw(port: &File, speed: BaudRate) -> nix::Result<()> {
    let mut settings = termios::tcgetattr(port)?;
    termios::cfmakeraw(&mut settings);
    let flags = &mut settings.control_flags;
    flags.remove(ControlFlags::CSTOPB | ControlFlags::PARENB | ControlFlags::CRTSCTS | ControlFlags::CSIZE);
    flags.insert(ControlFlags::CS8 | ControlFlags::CREAD | ControlFlags::CLOCAL);
    settings.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
    settings.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    termios::cfsetspeed(&mut settings, speed)?;
    termios::tcsetattr(port, SetArg::TCSANOW, &settings)?;
    termios::tcflush(port, FlushArg::TCIOFLUSH)
}

/// Keeps programs that know nothing of file locks away. A pseudo terminal would keep the mark after its opener
/// was killed (its other end holds it open), so only real ports get it.
fn claim(port: &File) -> std::io::Result<()> {
    let major = nix::sys::stat::major(port.metadata()?.rdev());
    if PTY_MAJORS.contains(&major) {
        return Ok(());
    }
    exclusive::claim(port.as_fd()).map_err(Into::into)
}

#[expect(unsafe_code, reason = "TIOCEXCL has no safe wrapper; it takes no argument and touches no memory")]
mod exclusive {
    use std::os::fd::{AsRawFd, BorrowedFd};

    nix::ioctl_none_bad!(tiocexcl, nix::libc::TIOCEXCL);

    pub(super) fn claim(port: BorrowedFd<'_>) -> nix::Result<()> {
        // SAFETY: the descriptor is open for the length of the borrow, and the request has no argument.
        unsafe { tiocexcl(port.as_raw_fd()) }.map(|_| ())
    }
}
