//! The link's task: gives the [`Session`] a socket, a clock and the controller.

use std::sync::Arc;
use std::time::Duration;

use bailee_domain::bank::io::Request;
use bailee_domain::id::CommandId;
use bailee_domain::time::{MonoTime, WallTime};
use bailee_wire::link::Cosign;
use rand_core::Rng;
use rustls::ClientConfig;
use tokio::sync::mpsc;

use super::io::{EventSource, Fault, Input, Output};
use super::session::Session;
use super::socket::Socket;
pub use super::socket::{Dial, LinkFailed, TcpDial};

/// Where the platform is and how to prove who calls.
pub struct Uplink<D> {
    /// How to connect.
    pub dial: D,
    /// From `vault::tls::client_config`, with the bank's identity and the platform's pins.
    pub tls: Arc<ClientConfig>,
    /// `host:port`.
    pub address: String,
}

/// What the link has for the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "few exist at a time, and a roster is the usual one")]
pub enum Delivery {
    /// The platform asks for something; answer with [`Input::Replied`].
    Request {
        /// Which.
        command: CommandId,
        /// Not to be obeyed after this time.
        deadline: WallTime,
        /// What.
        request: Request,
    },
    /// The platform holds the events up to here.
    Acknowledged {
        /// The last of them.
        up_to: u64,
    },
    /// The platform's authenticated time.
    TrustTime(WallTime),
    /// The platform is reached, or is not any more.
    Reached(bool),
    /// The bank's witness is asked; answer with [`Input::Witnessed`].
    Cosign(Cosign),
    /// Something a person should know.
    Fault(Fault),
}

/// Keeps the bank linked until `inputs` is closed or `deliveries` is dropped.
///
/// `clock` is the controller's monotonic time. The controller must put into `inputs` only what fits at once
/// (`try_send`) and never wait for the link: an event or a status that did not fit is found by the next tick, a reply
/// that did not fit is asked for again.
pub async fn run<D: Dial, R: Rng>(
    uplink: Uplink<D>,
    mut source: impl EventSource,
    clock: impl Fn() -> MonoTime,
    rng: R,
    mut inputs: mpsc::Receiver<Input>,
    deliveries: mpsc::Sender<Delivery>,
) {
    let mut session = Session::new(clock(), rng);
    let mut socket = None;
    session.handle(clock(), Input::Tick, &mut source);
    loop {
        while let Some(output) = session.poll_output() {
            match perform(output, &uplink, &mut socket, &deliveries).await {
                Ok(None) => {}
                Ok(Some(input)) => session.handle(clock(), input, &mut source),
                Err(ControllerGone) => return,
            }
        }
        let wait = Duration::from_millis(session.next_timeout().since_ms(clock()));
        let input = tokio::select! {
            input = inputs.recv() => match input {
                Some(input) => input,
                None => return,
            },
            input = receive(&mut socket) => input,
            () = tokio::time::sleep(wait) => Input::Tick,
        };
        session.handle(clock(), input, &mut source);
    }
}

struct ControllerGone;

async fn perform<D: Dial>(
    output: Output,
    uplink: &Uplink<D>,
    socket: &mut Option<Socket<D::Stream>>,
    deliveries: &mpsc::Sender<Delivery>,
) -> Result<Option<Input>, ControllerGone> {
    let delivery = match output {
        Output::Connect => return Ok(Some(connect(uplink, socket).await)),
        Output::Send(frame) => return Ok(send(socket, frame).await),
        Output::Disconnect => {
            if let Some(socket) = socket.take() {
                socket.close().await;
            }
            return Ok(None);
        }
        Output::Request { command, deadline, request } => Delivery::Request { command, deadline, request },
        Output::Acknowledged { up_to } => Delivery::Acknowledged { up_to },
        Output::TrustTime(time) => Delivery::TrustTime(time),
        Output::Cosign(cosign) => Delivery::Cosign(cosign),
        Output::Reached(reached) => Delivery::Reached(reached),
        Output::Fault(fault) => {
            tracing::warn!(%fault, "link");
            Delivery::Fault(fault)
        }
    };
    deliveries.send(delivery).await.map_err(|_| ControllerGone)?;
    Ok(None)
}

async fn connect<D: Dial>(uplink: &Uplink<D>, socket: &mut Option<Socket<D::Stream>>) -> Input {
    match Socket::open(&uplink.dial, Arc::clone(&uplink.tls), &uplink.address, "/link").await {
        Ok(open) => {
            *socket = Some(open);
            Input::Connected
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::info!(%error, cause, "the platform is not reached");
            Input::Disconnected
        }
    }
}

async fn send<S>(socket: &mut Option<Socket<S>>, frame: Vec<u8>) -> Option<Input>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    // A frame for a connection that has just failed is nobody's.
    let open = socket.as_mut()?;
    match open.send(frame).await {
        Ok(()) => None,
        Err(error) => {
            tracing::info!(%error, "the link is lost");
            *socket = None;
            Some(Input::Disconnected)
        }
    }
}

async fn receive<S>(socket: &mut Option<Socket<S>>) -> Input
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let Some(open) = socket.as_mut() else { return std::future::pending().await };
    match open.next().await {
        Ok(frame) => Input::Frame(frame),
        Err(error) => {
            tracing::info!(%error, "the link is lost");
            *socket = None;
            Input::Disconnected
        }
    }
}
