//! A connection to a serial gateway that passes bytes on as they are (a KERONG KR-BU, or any "raw TCP" device server).
//!
//! The network must not turn into a way to open late: bytes that the gateway has not confirmed within
//! [`UNCONFIRMED_WITHIN`] break the connection, and closing it throws away what was not delivered. Nothing here is
//! encrypted or authenticated, as on the bus itself: the gateway belongs into the cabinet or on a network of its own.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use nix::sys::socket::{
    setsockopt,
    sockopt::{KeepAlive, Linger, TcpKeepCount, TcpKeepIdle, TcpKeepInterval, TcpUserTimeout},
};

use super::{Gateway, LineError};

/// A connection that takes longer is given up.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// Bytes a gateway has not confirmed by then break the connection.
const UNCONFIRMED_WITHIN: Duration = Duration::from_millis(1500);
/// An idle connection is tried after so many seconds, then as often again, three times.
const KEEP_ALIVE_S: u32 = 5;

/// An open connection.
#[derive(Debug)]
pub struct TcpLine {
    stream: TcpStream,
}

impl TcpLine {
    /// Connects within [`CONNECT_WITHIN`] per address of the gateway's name.
    pub(super) fn connect(gateway: &Gateway) -> Result<Self, LineError> {
        let failed = |source| LineError::Connect { gateway: gateway.clone(), source };
        let addresses = gateway.to_string().to_socket_addrs().map_err(failed)?;
        let mut last = io::Error::from(ErrorKind::NotFound);
        for address in addresses.take(4) {
            match TcpStream::connect_timeout(&address, CONNECT_WITHIN) {
                Ok(stream) => {
                    set_up(&stream).map_err(failed)?;
                    return Ok(Self { stream });
                }
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    pub(super) fn discard_heard(&mut self) {
        let mut waste = [0; 256];
        // Bounded: a gateway that floods is judged by what is read next.
        for _ in 0..16 {
            if !matches!(self.stream.read(&mut waste), Ok(count) if count == waste.len()) {
                return;
            }
        }
    }
}

impl AsFd for TcpLine {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn set_up(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    setsockopt(stream, KeepAlive, &true)?;
    setsockopt(stream, TcpKeepIdle, &KEEP_ALIVE_S)?;
    setsockopt(stream, TcpKeepInterval, &KEEP_ALIVE_S)?;
    setsockopt(stream, TcpKeepCount, &3)?;
    let unconfirmed_ms = u32::try_from(UNCONFIRMED_WITHIN.as_millis()).expect("a second or two");
    setsockopt(stream, TcpUserTimeout, &unconfirmed_ms)?;
    // Closing resets: bytes still waiting in the kernel are never delivered.
    setsockopt(stream, Linger, &nix::libc::linger { l_onoff: 1, l_linger: 0 })?;
    Ok(())
}
