//! The controller's side of a simulated line: a pseudo terminal, or a socket that one controller at a time may use.

use std::{
    fs::File,
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    pty::openpty,
    sys::termios::{self, SetArg},
};

/// What the hardware speaks into.
pub(super) enum Port {
    Pty {
        line: File,
        /// Held so that the line survives a controller that closes and opens it again.
        _slave: OwnedFd,
    },
    Tcp {
        listener: TcpListener,
        client: Option<TcpStream>,
    },
}

impl Port {
    /// A new pseudo terminal and the device to open.
    pub(super) fn pty() -> std::io::Result<(Self, PathBuf)> {
        let pair = openpty(None, None)?;
        let path = nix::unistd::ttyname(&pair.slave)?;
        let mut raw = termios::tcgetattr(&pair.slave)?;
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(&pair.slave, SetArg::TCSANOW, &raw)?;
        fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok((Self::Pty { line: File::from(pair.master), _slave: pair.slave }, path))
    }

    /// A socket on the loopback; port 0 lets the system choose.
    pub(super) fn tcp(port: u16) -> std::io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((Self::Tcp { listener, client: None }, address))
    }

    /// What to wait for.
    pub(super) fn watched(&self) -> Vec<BorrowedFd<'_>> {
        match self {
            Self::Pty { line, .. } => vec![line.as_fd()],
            Self::Tcp { listener, client } => {
                std::iter::once(listener.as_fd()).chain(client.as_ref().map(AsFd::as_fd)).collect()
            }
        }
    }

    /// What came, without waiting.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> usize {
        match self {
            Self::Pty { line, .. } => line.read(buffer).unwrap_or(0),
            Self::Tcp { listener, client } => {
                if let Ok((next, _)) = listener.accept() {
                    // As real gateways do: the latest controller has the line. What can't be set up says nothing.
                    let ready = next.set_nonblocking(true).and_then(|()| next.set_nodelay(true));
                    *client = ready.is_ok().then_some(next);
                }
                let Some(stream) = client else { return 0 };
                match stream.read(buffer) {
                    Ok(count @ 1..) => count,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                    _ => {
                        *client = None;
                        0
                    }
                }
            }
        }
    }

    /// A controller that doesn't listen loses bytes, as on a wire.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _ = match self {
            Self::Pty { line, .. } => line.write(bytes),
            Self::Tcp { client: Some(stream), .. } => stream.write(bytes),
            Self::Tcp { client: None, .. } => Ok(0),
        };
    }

    /// Drops whoever is connected, as a gateway does that is restarted.
    pub(super) fn hang_up(&mut self) {
        if let Self::Tcp { client, .. } = self {
            *client = None;
        }
    }
}
