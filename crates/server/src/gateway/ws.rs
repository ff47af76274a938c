//! Accepts banks' connections and serves each one's session.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailee_domain::id::BankId;
use bailee_vault::tls::{Pin, peer_pin};
use bailee_wire::link::RefusedReason;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::enrol;
use super::lane::Lane;
use super::ports::{KnownBank, Ports};
use super::session::{Input, MAX_COMMANDS, Output, Session};
use super::socket::{Ended, Path, Socket};

const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
const MAX_CONNECTIONS: usize = 20_000;
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Serves every bank of this platform.
pub struct Gateway {
    tls: TlsAcceptor,
    ports: Ports,
    lanes: Mutex<BTreeMap<BankId, Arc<Lane>>>,
    places: Arc<Semaphore>,
}

enum Served {
    Over,
    Refuse(RefusedReason, &'static str),
    Close(&'static str),
}

const REPLACED: Served = Served::Refuse(RefusedReason::Replaced, "another connection of this bank took over");

impl Gateway {
    /// A gateway that proves itself and its callers by `tls`, from `vault::tls::server_config`.
    pub fn new(tls: Arc<ServerConfig>, ports: Ports) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Arc::new(Self { tls: TlsAcceptor::from(tls), ports, lanes: Mutex::new(BTreeMap::new()), places })
    }

    /// Expects this bank: if it is not heard within 60 seconds it is reported offline. Call for every enrolled bank
    /// when the platform starts.
    pub fn expect(&self, known: KnownBank) {
        let _ = self.lane(known);
    }

    /// There may be commands for this bank.
    pub fn nudge(&self, bank: BankId) {
        if let Some(lane) = self.find(bank) {
            lane.wake.notify_one();
        }
    }

    /// Ends this bank's connection, if there is one; its key is looked up again when it comes back.
    pub fn hang_up(&self, bank: BankId) {
        if let Some(lane) = self.find(bank) {
            lane.take_over();
        }
    }

    /// Forgets a bank that was removed, and ends its connection.
    pub fn forget(&self, bank: BankId) {
        self.hang_up(bank);
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).remove(&bank);
    }

    /// Accepts connections and serves them until dropped, and watches for banks that fall silent.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        let accept = async {
            let mut connections = JoinSet::new();
            loop {
                while connections.try_join_next().is_some() {}
                // No place: no accept, and the callers wait in the kernel's queue.
                let place = Arc::clone(&self.places).acquire_owned().await.expect("never closed");
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let _ = stream.set_nodelay(true);
                        let gateway = Arc::clone(&self);
                        connections.spawn(async move {
                            gateway.connection(stream).await;
                            drop(place);
                        });
                    }
                    Err(error) => {
                        tracing::error!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        };
        tokio::select! {
            () = accept => {},
            () = self.watch() => {},
        }
    }

    /// Notices banks that fall silent and commands that expire while no connection does; never returns.
    pub async fn watch(&self) {
        let mut every = tokio::time::interval(WATCH_EVERY);
        loop {
            every.tick().await;
            let lanes: Vec<_> =
                self.lanes.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
            for lane in lanes {
                let Ok(_turn) = lane.turn.try_lock() else { continue };
                lane.session().handle((self.ports.clock)(), Input::Tick);
                while let Some(output) = lane.poll_output() {
                    // Frames for a connection that is gone.
                    let _ = lane.perform(&self.ports, output).await;
                }
            }
        }
    }

    /// Serves one connection until it ends.
    pub async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send>(&self, stream: S) {
        let handshake = async {
            let stream = self.tls.accept(stream).await.map_err(|error| error.to_string())?;
            let pin = peer_pin(stream.get_ref().1).ok_or("no client certificate")?;
            let (socket, path) = Socket::accept(stream).await.map_err(|error| error.to_string())?;
            Ok::<_, String>((socket, path, pin))
        };
        match timeout(HANDSHAKE_WITHIN, handshake).await {
            Ok(Ok((socket, Path::Link, pin))) => self.link(socket, pin).await,
            Ok(Ok((socket, Path::Enrol, pin))) => enrol::serve(&self.ports, socket, pin).await,
            Ok(Err(why)) => tracing::info!(why, "handshake failed"),
            Err(_) => tracing::info!("no handshake within 10 seconds"),
        }
    }

    async fn link<S: AsyncRead + AsyncWrite + Unpin + Send>(&self, mut socket: Socket<S>, pin: Pin) {
        let known = match self.ports.registry.by_pin(pin).await {
            Ok(Some(known)) => known,
            Ok(None) => {
                tracing::warn!(?pin, "a caller with an unknown key");
                return socket
                    .refuse(RefusedReason::UnknownBank, "this key belongs to no enrolled bank")
                    .await;
            }
            Err(_) => {
                return socket
                    .refuse(RefusedReason::Unavailable, "the platform cannot look banks up now")
                    .await;
            }
        };
        let lane = self.lane(known);
        let number = lane.take_over();
        let turn = lane.turn.lock().await;
        let served = self.session(&lane, number, &mut socket).await;
        lane.session().handle((self.ports.clock)(), Input::Disconnected);
        drop(turn);
        match served {
            Served::Over => {}
            Served::Refuse(reason, why) => socket.refuse(reason, why).await,
            Served::Close(why) => socket.close(why).await,
        }
    }

    async fn session<S>(&self, lane: &Lane, number: u64, socket: &mut Socket<S>) -> Served
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let clock = &self.ports.clock;
        // A third connection may have come while this one waited for its turn; its call woke the first.
        if !lane.is_newest(number) {
            return REPLACED;
        }
        let Ok(position) = self.ports.ingest.position(lane.known.bank).await else {
            return Served::Refuse(RefusedReason::Unavailable, "the platform cannot read its store now");
        };
        lane.session().handle(clock(), Input::Connected(position));
        self.pull(lane).await;
        loop {
            while let Some(output) = lane.poll_output() {
                let sent = match lane.perform(&self.ports, output).await {
                    Err(Output::Send(frame)) => socket.send(frame).await,
                    Err(Output::Close(why)) => return Served::Close(why),
                    _ => Ok(()),
                };
                if sent.is_err() {
                    return Served::Over;
                }
            }
            let now = clock();
            let until = lane.session().next_timeout(now).map_or(3_600_000, |at| at.since_ms(now.mono));
            let input = tokio::select! {
                frame = socket.next() => match frame {
                    Ok(frame) => Input::Frame(frame),
                    Err(Ended::Gone) => return Served::Over,
                    Err(Ended::Broke(why)) => return Served::Refuse(RefusedReason::Protocol, why),
                },
                () = lane.wake.notified() => {
                    if !lane.is_newest(number) {
                        return REPLACED;
                    }
                    self.pull(lane).await;
                    Input::Tick
                },
                () = tokio::time::sleep(Duration::from_millis(until)) => Input::Tick,
            };
            lane.session().handle(clock(), input);
        }
    }

    /// Queues the bank's waiting commands.
    async fn pull(&self, lane: &Lane) {
        if let Some(cosign) = self.ports.commands.cosign(lane.known.bank) {
            lane.session().cosign(cosign);
        }
        let Ok(commands) = self.ports.commands.pending(lane.known.bank, MAX_COMMANDS).await else { return };
        for command in commands {
            let id = command.id;
            if let Err(why) = lane.session().enqueue((self.ports.clock)(), command) {
                tracing::warn!(bank = %lane.known.bank, %id, %why, "command not sent yet");
            }
        }
    }

    fn find(&self, bank: BankId) -> Option<Arc<Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).get(&bank).cloned()
    }

    fn lane(&self, known: KnownBank) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            let session = Session::new((self.ports.clock)().mono, known.bank, known.device_key);
            Arc::new(Lane::new(known, session))
        };
        let lane = lanes.entry(known.bank).or_insert_with(fresh);
        // Enrolled again with another key: what was known of the old controller is of no use.
        if lane.known != known {
            lane.take_over();
            *lane = fresh();
        }
        Arc::clone(lane)
    }
}
