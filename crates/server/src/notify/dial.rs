//! Connections to peers: what may go in clear, and how much a peer may say.
//!
//! Whom TLS trusts is [`crate::tls`]'s. In clear only to this machine, checked on the address that was really connected to, not only on
//! the name. A peer's bytes are counted, and handed up one line at a time, so that nothing that was sent before a
//! `STARTTLS` can be taken for an answer inside it (the attack of CVE-2011-0411).

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::{fmt, io};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The most bytes a peer may send over one connection, headers and handshake included.
pub(super) const REPLY_BYTES: usize = 64 * 1024;

/// A connection couldn't be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialFailure {
    #[error("the host name has no address")]
    Name(#[source] io::Error),
    #[error("nothing but this machine may be reached without TLS")]
    NotLoopback,
    #[error("no connection")]
    Connect(#[source] io::Error),
    #[error("the name is not one a certificate can be for")]
    ServerName,
    /// The certificate is not trusted, too old, or the peer doesn't speak TLS 1.3.
    #[error("no trusted TLS connection")]
    Tls(#[source] io::Error),
}

/// Where a peer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub host: String,
    pub port: u16,
}

/// Connects in clear, for a conversation that stays on this machine or turns to TLS by itself.
pub(super) async fn connect(endpoint: &Endpoint, reach: Reach) -> Result<Bounded<TcpStream>, DialFailure> {
    let host = endpoint.host.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((host, endpoint.port)).await.map_err(DialFailure::Name)?;
    let mut failure = DialFailure::Name(io::ErrorKind::NotFound.into());
    for address in found {
        if reach == Reach::ThisMachine && !address.ip().is_loopback() {
            failure = DialFailure::NotLoopback;
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(Bounded::new(stream, address)),
            Err(source) => failure = DialFailure::Connect(source),
        }
    }
    Err(failure)
}

/// How far a connection may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Loopback addresses only.
    ThisMachine,
    /// Anywhere; TLS follows.
    Anywhere,
}

/// Connects and makes the TLS handshake at once.
pub(super) async fn connect_tls(
    endpoint: &Endpoint,
    config: Arc<ClientConfig>,
) -> Result<Bounded<Encrypted>, DialFailure> {
    let bare = endpoint.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare).map_err(|_| DialFailure::ServerName)?;
    let plain = connect(endpoint, Reach::Anywhere).await?;
    let address = plain.address;
    let stream = TlsConnector::from(config).connect(name, plain).await.map_err(DialFailure::Tls)?;
    Ok(Bounded::new(stream, address))
}

/// A TLS connection over a counted one.
pub(super) type Encrypted = tokio_rustls::client::TlsStream<Bounded<TcpStream>>;

/// A connection whose peer may send [`REPLY_BYTES`] and is heard one line at a time.
pub(super) struct Bounded<S> {
    inner: S,
    address: SocketAddr,
    left: usize,
    waiting: Box<[u8; 2048]>,
    from: usize,
    to: usize,
}

impl<S> Bounded<S> {
    fn new(inner: S, address: SocketAddr) -> Self {
        Self { inner, address, left: REPLY_BYTES, waiting: Box::new([0; 2048]), from: 0, to: 0 }
    }
}

impl<S: AsyncRead + Unpin> Bounded<S> {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut buffer = ReadBuf::new(&mut self.waiting[..]);
        ready!(Pin::new(&mut self.inner).poll_read(context, &mut buffer))?;
        let count = buffer.filled().len();
        (self.from, self.to) = (0, count);
        match self.left.checked_sub(count) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Err(io::Error::other("the peer said more than 64 KiB"))),
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.from == this.to {
            ready!(this.poll_fill(context))?;
        }
        let waiting = &this.waiting[this.from..this.to];
        let line = waiting.iter().position(|b| *b == b'\n').map_or(waiting.len(), |at| at + 1);
        let count = line.min(out.remaining());
        out.put_slice(&waiting[..count]);
        this.from += count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

impl<S> fmt::Debug for Bounded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded")
            .field("address", &self.address)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl<S> lettre::transport::smtp::client::AsyncTokioStream for Bounded<S>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    fn bounded(bytes: &[u8]) -> Bounded<&[u8]> {
        Bounded::new(bytes, SocketAddr::from(([127, 0, 0, 1], 25)))
    }

    #[tokio::test]
    async fn a_read_ends_with_its_line_even_when_more_arrived() {
        let mut stream = bounded(b"220 go ahead\r\n250 forged\r\n");
        let mut buffer = [0; 100];
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 14);
        assert_eq!(&buffer[..14], b"220 go ahead\r\n");
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 12);
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_peer_that_never_stops_is_cut_off() {
        let endless = vec![b'x'; REPLY_BYTES + 1];
        let mut sink = Vec::new();
        let failure = bounded(&endless).read_to_end(&mut sink).await.unwrap_err();
        assert!(failure.to_string().contains("64 KiB"));
        assert!(sink.len() <= REPLY_BYTES);
    }
}
