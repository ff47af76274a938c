//! What the bytes of a bus travel on: a serial port of this computer, or a gateway on the network with the port.
//!
//! A line never blocks: what can't be read or written now is said so. Start with [`LineAddress`].

mod serial;
mod tcp;

use std::{
    fmt,
    os::fd::{AsFd, BorrowedFd},
    path::{Path, PathBuf},
    str::FromStr,
};

use serial::SerialLine;
use tcp::TcpLine;

/// Where a line is: `/dev/ttyUSB0`, or `tcp://gateway.example:5000`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineAddress {
    /// A tty of this computer.
    Serial(PathBuf),
    /// A serial gateway that passes bytes on as they are.
    Tcp(Gateway),
}

/// A serial gateway on the network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gateway {
    /// A name or an address; IPv6 in brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl LineAddress {
    /// Whether there is a network in between, with its delays.
    #[must_use]
    pub fn is_network(&self) -> bool {
        matches!(self, Self::Tcp(_))
    }
}

impl From<&Path> for LineAddress {
    fn from(path: &Path) -> Self {
        Self::Serial(path.to_owned())
    }
}

impl FromStr for LineAddress {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        let wrong = || LineError::Address(text.chars().take(100).collect());
        if let Some(rest) = text.strip_prefix("tcp://") {
            let (host, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
            let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
            let is_bracketed = host.starts_with('[') && host.ends_with(']');
            let is_name = !host.is_empty() && host.len() <= 253 && !host.contains(['/', '@', ' ']);
            if !is_name || host.contains(':') && !is_bracketed {
                return Err(wrong());
            }
            return Ok(Self::Tcp(Gateway { host: host.to_owned(), port }));
        }
        if !text.starts_with('/') {
            return Err(wrong());
        }
        Ok(Self::Serial(PathBuf::from(text)))
    }
}

impl fmt::Display for LineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(path) => path.display().fmt(f),
            Self::Tcp(gateway) => write!(f, "tcp://{gateway}"),
        }
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Why a line can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Neither an absolute path nor a gateway.
    #[error("{0:?} is no line: give an absolute path such as /dev/ttyUSB0, or tcp://host:port")]
    Address(String),
    /// The device can't be opened or set up.
    #[error("cannot open the serial line {}", path.display())]
    Open {
        /// The device.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The gateway can't be reached.
    #[error("cannot connect to the gateway {gateway}")]
    Connect {
        /// The gateway.
        gateway: Gateway,
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
    #[error("the line is gone")]
    Gone(#[source] std::io::Error),
}

/// How much of a frame went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    All,
    Part,
    Nothing,
}

impl Written {
    fn of(result: std::io::Result<usize>, wanted: usize) -> Result<Self, LineError> {
        match result {
            Ok(count) if count == wanted => Ok(Self::All),
            Ok(0) => Ok(Self::Nothing),
            Ok(_) => Ok(Self::Part),
            Err(error) if is_nothing(&error) => Ok(Self::Nothing),
            Err(error) => Err(LineError::Gone(error)),
        }
    }
}

fn is_nothing(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// An open line.
#[derive(Debug)]
pub enum Line {
    /// A serial port.
    Serial(SerialLine),
    /// A connection to a gateway.
    Tcp(TcpLine),
}

impl Line {
    /// Opens a tty (a serial port or a pseudo terminal), raw, 8 data bits, no parity, one stop bit.
    ///
    /// # Errors
    /// [`LineError`] when it can't be opened, is somebody else's, or can't have that speed.
    pub fn open(path: &Path, baud: u32) -> Result<Self, LineError> {
        SerialLine::open(path, baud).map(Self::Serial)
    }

    /// Opens a line. A serial port is opened at once; a connection may take two seconds.
    ///
    /// # Errors
    /// As [`Line::open`], or when the gateway can't be reached.
    pub fn reach(address: &LineAddress, baud: u32) -> Result<Self, LineError> {
        match address {
            LineAddress::Serial(path) => Self::open(path, baud),
            LineAddress::Tcp(gateway) => TcpLine::connect(gateway).map(Self::Tcp),
        }
    }

    /// What came, without waiting; no bytes means nothing came.
    pub(crate) fn read<'a>(&mut self, buffer: &'a mut [u8]) -> Result<&'a [u8], LineError> {
        use std::io::ErrorKind;
        let result = match self {
            Self::Serial(line) => line.read(buffer),
            Self::Tcp(line) => line.read(buffer),
        };
        match result {
            // With VMIN 1 an idle line says "would block"; an end of file is a hang-up.
            Ok(0) => Err(LineError::Gone(ErrorKind::UnexpectedEof.into())),
            Ok(count) => Ok(&buffer[..count]),
            Err(error) if is_nothing(&error) => Ok(&[]),
            Err(error) => Err(LineError::Gone(error)),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<Written, LineError> {
        let result = match self {
            Self::Serial(line) => line.write(bytes),
            Self::Tcp(line) => line.write(bytes),
        };
        Written::of(result, bytes.len())
    }

    /// Throws away what has come and was not read.
    pub(crate) fn discard_heard(&mut self) {
        match self {
            Self::Serial(line) => line.discard_heard(),
            Self::Tcp(line) => line.discard_heard(),
        }
    }

    /// Throws away what the kernel holds, so that nothing old is read and nothing stuck leaves late.
    pub(crate) fn discard(&mut self) {
        match self {
            Self::Serial(line) => line.discard(),
            // What was sent can only be thrown away by closing.
            Self::Tcp(line) => line.discard_heard(),
        }
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Serial(line) => line.as_fd(),
            Self::Tcp(line) => line.as_fd(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_absolute_path_or_a_gateway() {
        let read = |text: &str| text.parse::<LineAddress>().map(|line| line.to_string()).ok();
        for good in ["/dev/ttyUSB0", "tcp://10.0.0.7:5000", "tcp://gate.example:26", "tcp://[::1]:5000"] {
            assert_eq!(read(good).as_deref(), Some(good));
        }
        for bad in [
            "",
            "ttyUSB0",
            "tcp://",
            "tcp://host",
            "tcp://:1",
            "tcp://h:0",
            "tcp://h:65536",
            "tcp://::1:5",
            "tcp://a/b:5",
            "udp://h:1",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
