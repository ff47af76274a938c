//! A WebSocket to the platform over TLS, with the limits of the link.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bailee_wire::link::MAX_FRAME_BYTES;
use futures_util::{SinkExt, StreamExt};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message, protocol::WebSocketConfig};

const CALL_WITHIN: Duration = Duration::from_secs(10);
const WRITE_WITHIN: Duration = Duration::from_secs(20);
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// How a connection to the platform's address is made; TCP, or a simulation's network.
pub trait Dial {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Connects to `address`, `host:port`.
    ///
    /// # Errors
    /// Whatever the network says.
    fn dial(&self, address: &str) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// TCP without Nagle's delay.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpDial;

impl Dial for TcpDial {
    type Stream = TcpStream;

    async fn dial(&self, address: &str) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Why the platform was not reached, or is lost.
#[derive(Debug, thiserror::Error)]
pub enum LinkFailed {
    /// No connection.
    #[error("the platform cannot be reached")]
    Network(#[source] io::Error),
    /// The platform did not prove its pinned key, or does not speak TLS 1.3.
    #[error("the secure connection to the platform failed")]
    Tls(#[source] io::Error),
    /// What answers does not speak the link's protocol.
    #[error("what answers at the platform's address is not a platform")]
    WebSocket(#[source] Box<Error>),
    /// It took too long.
    #[error("the platform did not answer in time")]
    TimedOut,
    /// The platform closed the connection.
    #[error("the platform closed the connection")]
    Closed,
}

/// An open link.
pub(super) struct Socket<S>(WebSocketStream<TlsStream<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Socket<S> {
    /// Calls the platform and opens `path`, all within ten seconds.
    pub(super) async fn open<D: Dial<Stream = S>>(
        dial: &D,
        tls: Arc<ClientConfig>,
        address: &str,
        path: &str,
    ) -> Result<Self, LinkFailed> {
        let call = async {
            let stream = dial.dial(address).await.map_err(LinkFailed::Network)?;
            let stream = TlsConnector::from(tls)
                .connect(server_name(address), stream)
                .await
                .map_err(LinkFailed::Tls)?;
            let url = format!("wss://{address}{path}");
            let (socket, _) = tokio_tungstenite::client_async_with_config(url, stream, Some(config()))
                .await
                .map_err(|e| LinkFailed::WebSocket(Box::new(e)))?;
            Ok(Self(socket))
        };
        timeout(CALL_WITHIN, call).await.unwrap_or(Err(LinkFailed::TimedOut))
    }

    pub(super) async fn send(&mut self, frame: Vec<u8>) -> Result<(), LinkFailed> {
        let sent = timeout(WRITE_WITHIN, self.0.send(Message::binary(frame))).await;
        sent.map_err(|_| LinkFailed::TimedOut)?.map_err(|e| LinkFailed::WebSocket(Box::new(e)))
    }

    /// The next frame. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, LinkFailed> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Binary(frame))) => return Ok(frame.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Text(_) | Message::Close(_))) | None => return Err(LinkFailed::Closed),
                Some(Err(error)) => return Err(LinkFailed::WebSocket(Box::new(error))),
            }
        }
    }

    /// Says goodbye, but does not insist.
    pub(super) async fn close(mut self) {
        let _ = timeout(CLOSE_WITHIN, self.0.close(None)).await;
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * MAX_FRAME_BYTES)
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES))
}

/// The name sent in the handshake; it decides nothing, the pin does.
fn server_name(address: &str) -> ServerName<'static> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned())
        .unwrap_or_else(|_| ServerName::try_from("platform.invalid").expect("a valid name"))
}
