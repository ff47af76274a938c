//! A tty opened raw, 8N1, for this process alone, never blocking.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::Path,
};

use nix::{
    fcntl::OFlag,
    sys::termios::{self, BaudRate, ControlFlags, FlushArg, SetArg, SpecialCharacterIndices},
};

use super::LineError;

/// Device numbers of Unix 98 pseudo terminals begin here (Linux allocated devices list: 136 to 143).
const PTY_MAJORS: std::ops::RangeInclusive<u64> = 136..=143;

/// An open serial port.
#[derive(Debug)]
pub struct SerialLine {
    port: File,
}

impl SerialLine {
    /// Opens a tty (a serial port or a pseudo terminal), raw, 8 data bits, no parity, one stop bit.
    pub(super) fn open(path: &Path, baud: u32) -> Result<Self, LineError> {
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

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.port.read(buffer)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.port.write(bytes)
    }

    pub(super) fn discard_heard(&mut self) {
        // As below.
        let _ = termios::tcflush(&self.port, FlushArg::TCIFLUSH);
    }

    pub(super) fn discard(&mut self) {
        // A line that can't be flushed is broken; the next read or write says so.
        let _ = termios::tcflush(&self.port, FlushArg::TCIOFLUSH);
    }
}

impl AsFd for SerialLine {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.port.as_fd()
    }
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
    termios::tcflush(port, FlushArg::TCOFLUSH)?;
    // What came before is dropped together with the change: what comes once the line is raw is heard.
    termios::tcsetattr(port, SetArg::TCSAFLUSH, &settings)
}

/// Keeps programs that know nothing of file locks away. A pseudo terminal would keep the mark after its opener
/// was killed (its other end holds it open), so only real ports get it.
fn claim(port: &File) -> io::Result<()> {
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
