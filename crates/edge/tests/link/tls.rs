//! The link over real TLS and TCP on loopback.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::event::Severity;
use bailee_domain::id::{BankId, CommandId, GrantId, OrgId};
use bailee_domain::roster::Roster;
use bailee_domain::time::{MonoTime, WallTime};
use bailee_edge::uplink::{self, Delivery, EnrolmentFailed, Fault, Input, NewBank, TcpDial, Uplink};
use bailee_vault::Secret;
use bailee_vault::tls::{ClientAuth, Identity, Pin, PinSet, client_config, server_config};
use bailee_wire::enrol::Enrolment as Token;
use bailee_wire::event::chain_hash;
use bailee_wire::link::{Enrolled, FromPlatform, MAX_FRAME_BYTES, RefusedReason};
use futures_util::{SinkExt, StreamExt};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::gateway::{
    BankRegistry, Batch, Command, Commands, Enrolment, Gateway, Ingest, KnownBank, Moment, News, NotAccepted,
    Pending, Ports, Position, Redeem, Unavailable,
};
use crate::journal::{BANK, Journal, device, layout};

const ORG: OrgId = OrgId::from_bytes([1; 16]);
const SECRET: [u8; 32] = [9; 32];
const PATIENCE: Duration = Duration::from_secs(20);

fn identity(seed: u8) -> Identity {
    Identity::from_seed(&Secret::new([seed; 32]))
}

#[derive(Default)]
struct State {
    known: BTreeMap<[u8; 32], KnownBank>,
    secrets: BTreeSet<[u8; 32]>,
    stored: Vec<Vec<u8>>,
    news: Vec<String>,
    commands: Vec<Command>,
    answers: Vec<(CommandId, Answer)>,
}

/// The rest of the platform, in memory; `changed` tells who waits for something.
struct Fake {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

impl Fake {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state.lock().unwrap());
        self.changed.send_modify(|n| *n += 1);
        result
    }

    async fn wait_for(&self, what: &str, met: impl Fn(&State) -> bool) {
        let mut changes = self.changed.subscribe();
        let wait = changes.wait_for(|_| met(&self.state.lock().unwrap()));
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("in vain: {what}")).unwrap();
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> Pending<'a, T> {
    Box::pin(std::future::ready(value))
}

impl BankRegistry for Fake {
    fn by_pin(&self, pin: Pin) -> Pending<'_, Result<Option<KnownBank>, Unavailable>> {
        ready(Ok(self.state.lock().unwrap().known.get(&pin.0).copied()))
    }
}

impl Ingest for Fake {
    fn position(&self, _bank: BankId) -> Pending<'_, Result<Position, Unavailable>> {
        let state = self.state.lock().unwrap();
        let head = state.stored.last().map_or([0; 32], |leaf| chain_hash(leaf));
        ready(Ok(Position { seq: state.stored.len() as u64, head }))
    }

    fn store(&self, batch: Batch) -> Pending<'_, Result<(), Unavailable>> {
        self.change(|state| {
            assert_eq!(batch.events[0].event.seq, state.stored.len() as u64 + 1);
            assert!(batch.head.is_some(), "every batch is signed for");
            state.stored.extend(batch.events.into_iter().map(|e| e.leaf));
        });
        ready(Ok(()))
    }

    fn news(&self, _bank: BankId, news: News) -> Pending<'_, ()> {
        self.change(|state| state.news.push(format!("{news:?}")));
        ready(())
    }
}

impl Commands for Fake {
    fn pending(&self, _bank: BankId, limit: usize) -> Pending<'_, Result<Vec<Command>, Unavailable>> {
        ready(Ok(self.state.lock().unwrap().commands.iter().take(limit).cloned().collect()))
    }

    fn answered(&self, _bank: BankId, command: CommandId, answer: Answer) -> Pending<'_, ()> {
        self.change(|state| {
            state.commands.retain(|c| c.id != command);
            state.answers.push((command, answer));
        });
        ready(())
    }

    fn expired(&self, _bank: BankId, command: CommandId, _sent: bool) -> Pending<'_, ()> {
        self.change(|state| state.commands.retain(|c| c.id != command));
        ready(())
    }
}

impl Enrolment for Fake {
    fn redeem(&self, request: Redeem) -> Pending<'_, Result<Enrolled, NotAccepted>> {
        ready(self.change(|state| {
            if !state.secrets.remove(&request.secret) {
                return Err(NotAccepted::Token);
            }
            let known = KnownBank { bank: request.bank, org: ORG, device_key: request.device_key };
            state.known.insert(request.pin.0, known);
            let roster = Roster { revision: 1, bank_name: "Lobby".into(), ..Roster::default() };
            Ok(Enrolled {
                bank: request.bank,
                org: ORG,
                roster,
                code_key: [5; 32],
                code_salt: [6; 16],
                code_epoch: 1,
                log_key: None,
            })
        }))
    }
}

struct Platform {
    fake: Arc<Fake>,
    gateway: Arc<Gateway>,
    address: SocketAddr,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
    _tasks: JoinSet<()>,
}

fn clock() -> impl Fn() -> MonoTime + Clone {
    let start = Instant::now();
    move || MonoTime::from_ms(u64::try_from(start.elapsed().as_millis()).unwrap())
}

impl Platform {
    async fn start() -> Self {
        let fake = Arc::new(Fake { state: Mutex::default(), changed: watch::channel(0).0 });
        fake.state.lock().unwrap().secrets.insert(SECRET);
        let mono = clock();
        let ports = Ports {
            registry: fake.clone(),
            ingest: fake.clone(),
            commands: fake.clone(),
            enrolment: fake.clone(),
            clock: Arc::new(move || Moment {
                mono: mono(),
                wall: WallTime::from_unix_ms(1_800_000_000_000).plus_ms(mono().ms().cast_signed()),
            }),
        };
        let gateway = Gateway::new(Arc::new(server_config(&identity(1), ClientAuth::Required)), ports);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        let (accepting, accepted) = (Arc::clone(&gateway), Arc::clone(&connections));
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let gateway = Arc::clone(&accepting);
                let task = tokio::spawn(async move { gateway.connection(stream).await });
                accepted.lock().unwrap().push(task.abort_handle());
            }
        });
        Self { fake, gateway, address, connections, _tasks: tasks }
    }

    fn token(&self) -> Token {
        Token {
            address: self.address.to_string(),
            pins: vec![identity(1).pin().0],
            bank: BANK,
            secret: SECRET,
            expires: WallTime::from_unix_ms(i64::MAX),
        }
    }

    /// Tears every connection down without a goodbye.
    fn cut(&self) {
        self.connections.lock().unwrap().drain(..).for_each(|task| task.abort());
    }

    /// A bank with the key of `seed`, as if it had been enrolled.
    fn know(&self, seed: u8) {
        let known = KnownBank { bank: BANK, org: ORG, device_key: device().public().0 };
        self.fake.change(|state| state.known.insert(identity(seed).pin().0, known));
    }

    /// A connection of a bank of the attacker's making.
    async fn raw(&self, seed: u8, path: &str) -> tungstenite::Result<WebSocketStream<TlsStream<TcpStream>>> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let tls = Arc::new(client_config(Some(&identity(seed)), PinSet::new(identity(1).pin())));
        let name = rustls::pki_types::ServerName::try_from("platform.invalid").unwrap();
        let stream = TlsConnector::from(tls).connect(name, stream).await.unwrap();
        let url = format!("wss://platform.invalid{path}");
        tokio_tungstenite::client_async(url, stream).await.map(|(socket, _)| socket)
    }
}

async fn enrol(token: &Token, seed: u8) -> Result<Enrolled, EnrolmentFailed> {
    let (identity, device) = (identity(seed), device());
    let new =
        NewBank { token, identity: &identity, device: &device, layout: layout(), software: "test".into() };
    uplink::enrol(&TcpDial, new).await
}

struct Bank {
    journal: Arc<Mutex<Journal>>,
    inputs: mpsc::Sender<Input>,
    deliveries: mpsc::Receiver<Delivery>,
    _task: JoinSet<()>,
}

impl Bank {
    fn start(platform: &Platform, seed: u8, pins: PinSet) -> Self {
        let journal = Arc::new(Mutex::new(Journal::new()));
        let (inputs, inputs_here) = mpsc::channel(64);
        let (deliveries_there, deliveries) = mpsc::channel(64);
        let link = Uplink {
            dial: TcpDial,
            tls: Arc::new(client_config(Some(&identity(seed)), pins)),
            address: platform.address.to_string(),
        };
        let mut task = JoinSet::new();
        let rng = ChaCha8Rng::seed_from_u64(1);
        task.spawn(uplink::run(link, Arc::clone(&journal), clock(), rng, inputs_here, deliveries_there));
        Self { journal, inputs, deliveries, _task: task }
    }

    async fn append(&self, count: usize) {
        for _ in 0..count {
            let seq = self.journal.lock().unwrap().routine();
            self.inputs.send(Input::Appended { seq, severity: Severity::Routine }).await.unwrap();
        }
    }

    async fn until(&mut self, what: &str, met: impl Fn(&Delivery) -> bool) -> Delivery {
        let wait = async {
            loop {
                let delivery = self.deliveries.recv().await.expect("the link runs");
                if met(&delivery) {
                    return delivery;
                }
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("in vain: {what}"))
    }
}

fn pins() -> PinSet {
    PinSet::new(identity(1).pin())
}

#[tokio::test]
async fn enrol_connect_upload_obey_lose_the_connection_and_go_on() {
    let platform = Platform::start().await;
    let enrolled = enrol(&platform.token(), 2).await.unwrap();
    assert_eq!(
        (enrolled.bank, enrolled.roster.bank_name.as_str(), enrolled.code_key),
        (BANK, "Lobby", [5; 32])
    );

    let mut bank = Bank::start(&platform, 2, pins());
    bank.until("reached", |d| *d == Delivery::Reached(true)).await;
    let trusted = bank.until("time", |d| matches!(d, Delivery::TrustTime(_))).await;
    assert!(matches!(trusted, Delivery::TrustTime(t) if t >= WallTime::from_unix_ms(1_800_000_000_000)));
    bank.append(1_000).await;
    bank.until("upload", |d| *d == Delivery::Acknowledged { up_to: 1_000 }).await;

    let id = CommandId::from_bytes([4; 16]);
    let request = Request::Revoke { grant: GrantId::from_bytes([5; 16]) };
    let deadline = WallTime::from_unix_ms(1_800_000_060_000);
    platform.fake.change(|s| s.commands.push(Command { id, deadline, request: request.clone() }));
    platform.gateway.nudge(BANK);
    let asked = bank.until("command", |d| matches!(d, Delivery::Request { .. })).await;
    assert_eq!(asked, Delivery::Request { command: id, deadline, request });
    bank.inputs.send(Input::Replied { command: id, answer: Answer::Done }).await.unwrap();
    platform.fake.wait_for("answer", |s| s.answers == [(id, Answer::Done)]).await;

    platform.cut();
    bank.until("lost", |d| *d == Delivery::Reached(false)).await;
    bank.append(500).await;
    bank.until("resumed", |d| *d == Delivery::Acknowledged { up_to: 1_500 }).await;
    let (stored, written) =
        (&platform.fake.state.lock().unwrap().stored, &bank.journal.lock().unwrap().leaves);
    assert!(stored == written, "everything arrived once, in order");
}

#[tokio::test]
async fn a_removed_bank_is_cut_off_and_told_why() {
    let platform = Platform::start().await;
    platform.know(2);
    let mut bank = Bank::start(&platform, 2, pins());
    bank.until("reached", |d| *d == Delivery::Reached(true)).await;
    platform.fake.change(|s| s.known.clear());
    platform.gateway.forget(BANK);
    let unknown = |d: &Delivery| {
        matches!(d, Delivery::Fault(Fault::Refused { reason: RefusedReason::UnknownBank, .. }))
    };
    bank.until("refused", unknown).await;
}

#[tokio::test]
async fn a_newer_connection_of_the_same_bank_takes_over() {
    let platform = Platform::start().await;
    platform.know(2);
    let mut first = Bank::start(&platform, 2, pins());
    first.until("reached", |d| *d == Delivery::Reached(true)).await;
    let mut second = Bank::start(&platform, 2, pins());
    second.until("reached", |d| *d == Delivery::Reached(true)).await;
    let replaced =
        |d: &Delivery| matches!(d, Delivery::Fault(Fault::Refused { reason: RefusedReason::Replaced, .. }));
    first.until("replaced", replaced).await;
}

#[tokio::test]
async fn a_platform_with_another_key_is_not_spoken_to() {
    let platform = Platform::start().await;
    let token = Token { pins: vec![[0; 32]], ..platform.token() };
    let error = enrol(&token, 2).await.unwrap_err();
    assert_eq!(error.to_string(), "the secure connection to the platform failed");
    assert!(platform.fake.state.lock().unwrap().secrets.contains(&SECRET), "the secret never left the bank");
}

#[tokio::test]
async fn an_enrolment_token_works_once() {
    let platform = Platform::start().await;
    enrol(&platform.token(), 2).await.unwrap();
    let again = enrol(&platform.token(), 3).await.unwrap_err();
    assert!(matches!(&again, EnrolmentFailed::Refused { reason: RefusedReason::EnrolmentRefused, .. }));
    assert_eq!(again.to_string(), "the platform refuses: the enrolment token is unknown, used or expired");
    assert_eq!(platform.fake.state.lock().unwrap().known.len(), 1);
}

#[tokio::test]
async fn a_key_nobody_enrolled_is_refused_with_a_reason() {
    let platform = Platform::start().await;
    let mut bank = Bank::start(&platform, 8, pins());
    let fault = bank.until("fault", |d| matches!(d, Delivery::Fault(_))).await;
    let Delivery::Fault(Fault::Refused { reason, message }) = fault else { panic!("{fault:?}") };
    assert_eq!(
        (reason, message.as_str()),
        (RefusedReason::UnknownBank, "this key belongs to no enrolled bank")
    );
}

#[tokio::test]
async fn nonsense_is_answered_with_a_reason_and_the_end() {
    let platform = Platform::start().await;
    platform.know(2);
    let cases = [
        ("/link", Message::text("hello"), "a text frame has no place here"),
        ("/link", Message::binary(vec![0xff; 64]), "the message is not readable"),
        ("/link", Message::binary(vec![0; MAX_FRAME_BYTES + 1]), "the message is longer than 1 MiB"),
        ("/enrol", Message::binary(vec![0xff; 64]), "the message is not a request to enrol"),
        ("/enrol", Message::text("hello"), "a text frame has no place here"),
    ];
    for (path, message, expected) in cases {
        let mut socket = platform.raw(2, path).await.unwrap();
        socket.send(message).await.unwrap();
        let answer = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        let Ok(FromPlatform::Refused { reason, message }) = FromPlatform::decode(&answer.into_data()) else {
            panic!("{path}: no refusal")
        };
        assert_eq!((reason, message.as_str()), (RefusedReason::Protocol, expected));
        let end = timeout(PATIENCE, socket.next()).await.expect("closed in time");
        assert!(matches!(end, None | Some(Ok(Message::Close(_)) | Err(_))), "{path}: closed");
    }
}

#[tokio::test]
async fn other_paths_and_callers_without_a_key_get_nothing() {
    let platform = Platform::start().await;
    let Err(tungstenite::Error::Http(response)) = platform.raw(2, "/admin").await else {
        panic!("not refused")
    };
    assert_eq!(response.status(), 404);

    let stream = TcpStream::connect(platform.address).await.unwrap();
    let tls = Arc::new(client_config(None, pins()));
    let name = rustls::pki_types::ServerName::try_from("platform.invalid").unwrap();
    let refused: io::Result<()> = async {
        let stream = TlsConnector::from(tls).connect(name, stream).await?;
        tokio_tungstenite::client_async("wss://platform.invalid/link", stream)
            .await
            .map_err(io::Error::other)?;
        Ok(())
    }
    .await;
    assert!(refused.is_err());
}
