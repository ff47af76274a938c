//! The link as the controller uses it: engine news up, platform requests down, and a switch to cut it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bailee_domain::bank::io::Input as Said;
use bailee_vault::OsRandom;
use bailee_vault::tls::client_config;
use bailee_wire::event::Hash;
use bailee_wire::link::{Cosign, Hello};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::backlog::Backlog;
use crate::clock::Clocks;
use crate::installation::Installation;
use crate::kiosk::Kiosk as _;
use crate::runtime::{Handle, Message, News, NewsSink};
use crate::start::RunError;
use crate::uplink::session::Input;
use crate::uplink::{Delivery, Dial, EventSource, TcpDial, Uplink, run};
use crate::witness::{Accusation, BankWitness};

/// News that may wait for the link; what does not fit is found again by the link itself.
const NEWS: usize = 1_024;

/// Bytes under way between the link and its socket.
const CABLE_BYTES: usize = 16 << 10;

/// Cuts the network between bank and platform, as a pulled cable would, and joins it again.
#[derive(Clone, Default)]
pub struct LinkSwitch {
    cut: Arc<AtomicBool>,
    changed: Arc<watch::Sender<()>>,
}

impl LinkSwitch {
    /// Whether the network is cut.
    pub fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    /// Pulls the cable.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.changed.send_replace(());
    }

    /// Plugs it in again.
    pub fn join(&self) {
        self.cut.store(false, Ordering::SeqCst);
        self.changed.send_replace(());
    }
}

/// Where the engine loop puts its news, and where the link takes it.
pub fn channel() -> (NewsSink, mpsc::Sender<Input>, mpsc::Receiver<Input>) {
    let (sender, receiver) = mpsc::channel(NEWS);
    let answers = sender.clone();
    let sink = move |news| {
        let input = match news {
            News::Appended(seq, severity) => Input::Appended { seq, severity },
            News::Status(status) => Input::Status(*status),
            News::Replied(command, answer) => Input::Replied { command, answer },
        };
        // What does not fit is found by the link's next tick; see `uplink::client::run`.
        let _ = sender.try_send(input);
    };
    (Box::new(sink), answers, receiver)
}

/// Starts the link's task. The bank does not wait for it.
///
/// # Errors
/// [`RunError::Installation`] when the pins cannot be read.
pub fn start(
    installation: &Installation,
    backlog: Arc<Mutex<Backlog>>,
    (answers, news): (mpsc::Sender<Input>, mpsc::Receiver<Input>),
    (engine, witness): (Handle, Option<BankWitness>),
    clocks: Clocks,
    mut stopped: watch::Receiver<bool>,
) -> Result<(LinkSwitch, JoinHandle<()>), RunError> {
    let switch = LinkSwitch::default();
    let tls = Arc::new(client_config(Some(&installation.link()), installation.pins()?));
    let dial = Cable { switch: switch.clone() };
    let uplink = Uplink { dial, tls, address: installation.address.clone() };
    let (deliveries, mut delivered) = mpsc::channel(256);
    let witness = witness.map(|mut witness| {
        tell_vouching(&mut witness, &engine);
        Arc::new(Mutex::new(witness))
    });
    let task = tokio::spawn(async move {
        let link = run(uplink, Shared(backlog), move || clocks.mono(), OsRandom, news, deliveries);
        let deliver = async move {
            while let Some(delivery) = delivered.recv().await {
                match delivery {
                    Delivery::Cosign(asked) => cosign(witness.clone(), asked, &engine, &answers),
                    delivery => hand_over(delivery, &engine),
                }
            }
        };
        tokio::select! {
            () = link => {}
            () = deliver => {}
            // The sender lives as long as the controller.
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    });
    Ok((switch, task))
}

fn hand_over(delivery: Delivery, engine: &Handle) {
    let message = match delivery {
        Delivery::Request { command, deadline, request } => Message::Request(command, deadline, request),
        Delivery::Acknowledged { up_to } => Message::Acknowledged(up_to),
        Delivery::TrustTime(time) => Message::TrustTime(time),
        Delivery::Cosign(_) => return,
        Delivery::Reached(reached) => return tracing::info!(reached, "link"),
        Delivery::Fault(fault) => return tracing::warn!(%fault, "link"),
    };
    if engine.tell(message).is_err() {
        // The platform asks again; an acknowledgement comes with the next batch.
        tracing::warn!("the engine loop is behind: a message of the platform was dropped");
    }
}

/// Asks the witness on a thread that may wait for the disk; nothing else waits for it.
fn cosign(
    witness: Option<Arc<Mutex<BankWitness>>>,
    asked: Cosign,
    engine: &Handle,
    answers: &mpsc::Sender<Input>,
) {
    let Some(witness) = witness else { return };
    let (engine, answers) = (engine.clone(), answers.clone());
    tokio::task::spawn_blocking(move || {
        let alarm = |Accusation { misconduct, size, evidence }| {
            let refused = Said::LedgerRefused { misconduct, size, evidence };
            if engine.tell(Message::Sensed(refused)).is_err() {
                tracing::error!("the engine loop is behind: an alarm of the witness was dropped");
            }
        };
        let mut witness = witness.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = witness.answer(&asked, engine.now(), alarm);
        tell_vouching(&mut witness, &engine);
        // What does not fit is asked for again.
        let _ = answers.try_send(Input::Witnessed(answer));
    });
}

/// What the kiosk says about the platform's log; told again with the next answer if the loop is behind.
fn tell_vouching(witness: &mut BankWitness, engine: &Handle) {
    let _ = engine.tell(Message::Vouching(witness.vouching()));
}

/// The backlog as the uplink reads it, under its lock for one copy at a time.
struct Shared(Arc<Mutex<Backlog>>);

impl Shared {
    fn with<T>(&self, read: impl FnOnce(&mut Backlog) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl EventSource for Shared {
    fn hello(&mut self) -> Hello {
        self.with(Backlog::hello)
    }

    fn head(&mut self) -> u64 {
        self.with(EventSource::head)
    }

    fn events_from(&mut self, seq: u64, max_bytes: usize) -> Vec<(u64, Vec<u8>)> {
        self.with(|backlog| backlog.events_from(seq, max_bytes))
    }

    fn sign_head(&mut self, seq: u64, head: &Hash) -> [u8; 64] {
        self.with(|backlog| backlog.sign_head(seq, head))
    }
}

/// A TCP connection that a pulled cable ends.
struct Cable {
    switch: LinkSwitch,
}

impl Dial for Cable {
    type Stream = DuplexStream;

    async fn dial(&self, address: &str) -> io::Result<DuplexStream> {
        if self.switch.is_cut() {
            return Err(io::ErrorKind::NetworkUnreachable.into());
        }
        let mut stream = TcpDial.dial(address).await?;
        let (near, mut far) = tokio::io::duplex(CABLE_BYTES);
        let switch = self.switch.clone();
        tokio::spawn(async move {
            let mut changed = switch.changed.subscribe();
            tokio::select! {
                // Either end closing ends the other; why is told by the end that noticed.
                _ = tokio::io::copy_bidirectional(&mut stream, &mut far) => {}
                _ = changed.wait_for(|()| switch.is_cut()) => {}
            }
        });
        Ok(near)
    }
}
