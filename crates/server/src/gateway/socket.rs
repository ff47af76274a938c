//! A bank's WebSocket with the limits of the link.

use std::time::Duration;

use bailee_wire::link::{FromPlatform, MAX_FRAME_BYTES, RefusedReason};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message};

const WRITE_WITHIN: Duration = Duration::from_secs(20);
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// What a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Link,
    Enrol,
}

/// Why nothing more comes.
#[derive(Debug)]
pub(super) enum Ended {
    /// The bank closed, or the network did.
    Gone,
    /// The bank sent what no frame of the link is.
    Broke(&'static str),
}

pub(super) struct Socket<S>(WebSocketStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket<S> {
    /// Answers the WebSocket handshake on `/link` or `/enrol`; anything else is not found.
    pub(super) async fn accept(stream: S) -> Result<(Self, Path), Box<Error>> {
        let mut path = None;
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let choose = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            path = match request.uri().path() {
                "/link" => Some(Path::Link),
                "/enrol" => Some(Path::Enrol),
                _ => None,
            };
            if path.is_some() {
                return Ok(response);
            }
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = StatusCode::NOT_FOUND;
            Err(refusal)
        };
        let socket = tokio_tungstenite::accept_hdr_async_with_config(stream, choose, Some(config())).await?;
        Ok((Self(socket), path.expect("without a path the handshake fails")))
    }

    pub(super) async fn send(&mut self, frame: Vec<u8>) -> Result<(), Ended> {
        match timeout(WRITE_WITHIN, self.0.send(Message::binary(frame))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Ended::Gone),
        }
    }

    /// The next frame. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, Ended> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Binary(frame))) => return Ok(frame.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Text(_))) => return Err(Ended::Broke("a text frame has no place here")),
                Some(Err(Error::Capacity(_))) => {
                    return Err(Ended::Broke("the message is longer than 1 MiB"));
                }
                Some(Err(Error::Protocol(_))) => return Err(Ended::Broke("not a WebSocket frame")),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Ended::Gone),
            }
        }
    }

    /// Says why, then closes.
    pub(super) async fn refuse(mut self, reason: RefusedReason, why: &str) {
        let _ = self.send(FromPlatform::refused(reason, why).encode()).await;
        self.close(why).await;
    }

    /// Closes; does not insist on an answer.
    pub(super) async fn close(mut self, why: &str) {
        let frame = CloseFrame { code: CloseCode::Policy, reason: why.to_owned().into() };
        let goodbye = async {
            self.0.close(Some(frame)).await?;
            // What was sent before the bank heard of it is read and dropped, so that it gets the refusal, not a reset.
            while self.0.next().await.is_some_and(|message| message.is_ok()) {}
            Ok::<_, Error>(())
        };
        let _ = timeout(CLOSE_WITHIN, goodbye).await;
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
