//! What the platform's end of the link does for one bank, as a state machine without I/O. It outlives connections:
//! it holds the bank's commands until they are answered, and it notices when a bank falls silent.
//!
//! It must never acknowledge what is not stored, never pass on an event that does not continue the bank's chain, and
//! never send a command after its deadline.

use std::collections::{BTreeMap, VecDeque};

use bailee_domain::event::Severity;
use bailee_domain::id::BankId;
use bailee_domain::time::{MonoTime, WallTime};
use bailee_wire::event::{self, Hash, Leaf};
use bailee_wire::link::{self, Cosign, FromBank, FromPlatform, Hello, MAX_EVENTS_IN_FLIGHT, RefusedReason};

use super::chain::{Breach, Chain};
pub use super::io::{Command, Input, Moment, NotQueued, Output};

/// A bank not heard for this long is offline, in milliseconds.
pub const OFFLINE_AFTER_MS: u64 = 60_000;
/// Most commands waiting for one bank.
pub const MAX_COMMANDS: usize = 64;
const GREET_WITHIN_MS: u64 = 15_000;
/// How long after its deadline the answer to a command that was sent is still waited for.
const ANSWER_GRACE_MS: i64 = 30_000;
const MAX_PREVIEWS: usize = 64;
/// An alarm may be this many events ahead of what the bank said it has written.
const FURTHEST_PREVIEW: u64 = 1_000;
/// No bank writes more events than this while nobody hears it.
const LONGEST_BACKLOG: u64 = 1 << 32;
/// Most alarms heard ahead of their turn in one minute; those beyond are told in their turn.
pub const PREVIEWS_A_MINUTE: u32 = 60;
const MINUTE_MS: u64 = 60_000;

#[derive(Debug)]
struct Waiting {
    command: Command,
    sent: bool,
    sent_here: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Unknown,
    Online,
    Offline,
}

#[derive(Debug)]
struct Connection {
    since: MonoTime,
    greeted: bool,
    chain: Chain,
    stored: u64,
    /// The last event the bank said it has written.
    announced: u64,
    /// Whether the bank said that it is a witness.
    is_witness: bool,
}

/// The platform's end of one bank's link.
#[derive(Debug)]
pub struct Session {
    bank: BankId,
    device_key: [u8; 32],
    presence: Presence,
    heard: MonoTime,
    connection: Option<Connection>,
    commands: VecDeque<Waiting>,
    previews: BTreeMap<u64, Hash>,
    /// Since when alarms ahead of their turn are counted, and how many they are.
    minute: (MonoTime, u32),
    outputs: VecDeque<Output>,
}

impl Session {
    /// The session of an enrolled bank, whose heads are signed with `device_key`.
    pub const fn new(now: MonoTime, bank: BankId, device_key: [u8; 32]) -> Self {
        Self {
            bank,
            device_key,
            presence: Presence::Unknown,
            heard: now,
            connection: None,
            commands: VecDeque::new(),
            previews: BTreeMap::new(),
            minute: (now, 0),
            outputs: VecDeque::new(),
        }
    }

    /// Takes an input; then drain [`Session::poll_output`].
    pub fn handle(&mut self, now: Moment, input: Input) {
        match input {
            Input::Tick => {}
            Input::Connected(stored) => {
                let chain = Chain::new(self.bank, self.device_key, stored);
                let (since, stored) = (now.mono, stored.seq);
                self.connection = Some(Connection {
                    since,
                    greeted: false,
                    chain,
                    stored,
                    announced: stored,
                    is_witness: false,
                });
                for waiting in &mut self.commands {
                    waiting.sent_here = false;
                }
            }
            Input::Frame(frame) => self.frame(now, &frame),
            Input::Stored { up_to } => {
                if let Some(connection) = &mut self.connection {
                    connection.stored = connection.stored.max(up_to);
                    self.previews.retain(|seq, _| *seq > up_to);
                    self.say(&FromPlatform::Ack { up_to });
                }
            }
            Input::StoreFailed => {
                self.refuse(RefusedReason::Unavailable, "the platform cannot store events now");
            }
            Input::Disconnected => self.connection = None,
        }
        self.tick(now);
    }

    /// Queues a command; one with the same id is already on its way.
    ///
    /// # Errors
    /// [`NotQueued`].
    pub fn enqueue(&mut self, now: Moment, command: Command) -> Result<(), NotQueued> {
        if self.commands.iter().any(|w| w.command.id == command.id) {
            return Ok(());
        }
        if self.commands.len() >= MAX_COMMANDS {
            return Err(NotQueued::Full);
        }
        self.commands.push_back(Waiting { command, sent: false, sent_here: false });
        self.tick(now);
        Ok(())
    }

    /// Asks the bank's witness, if it is connected and has one; of what waits only the latest counts.
    pub fn cosign(&mut self, cosign: Cosign) {
        if self.connection.as_ref().is_some_and(|c| c.greeted && c.is_witness) {
            self.say(&FromPlatform::Cosign(cosign));
        }
    }

    /// How many more commands can be queued.
    pub fn room(&self) -> usize {
        MAX_COMMANDS - self.commands.len()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is due at the latest; `None` when nothing is waited for.
    pub fn next_timeout(&self, now: Moment) -> Option<MonoTime> {
        let silence = (self.presence != Presence::Offline || self.connection.is_some())
            .then(|| self.heard.plus_ms(OFFLINE_AFTER_MS));
        let greeting =
            self.connection.as_ref().filter(|c| !c.greeted).map(|c| c.since.plus_ms(GREET_WITHIN_MS));
        let expiry = self.commands.iter().map(Waiting::given_up_at).min().map(|at| {
            let ms = u64::try_from(at.since_ms(now.wall)).unwrap_or(0);
            now.mono.plus_ms(ms)
        });
        [silence, greeting, expiry].into_iter().flatten().min()
    }

    fn say(&mut self, message: &FromPlatform) {
        self.outputs.push_back(Output::Send(message.encode()));
    }

    fn refuse(&mut self, reason: RefusedReason, why: &'static str) {
        if self.connection.take().is_some() {
            self.say(&FromPlatform::refused(reason, why));
            self.outputs.push_back(Output::Close(why));
        }
    }

    fn broken(&mut self, breach: Breach) {
        self.outputs.push_back(Output::ChainBroken(breach));
        self.refuse(RefusedReason::ChainBroken, "the events do not continue what the platform holds");
    }

    fn tick(&mut self, now: Moment) {
        self.expire(now);
        let late = |c: &Connection| !c.greeted && now.mono >= c.since.plus_ms(GREET_WITHIN_MS);
        if self.connection.as_ref().is_some_and(late) {
            self.refuse(RefusedReason::Protocol, "no greeting within 15 seconds");
        }
        if now.mono >= self.heard.plus_ms(OFFLINE_AFTER_MS) {
            if self.presence != Presence::Offline {
                self.presence = Presence::Offline;
                self.outputs.push_back(Output::Offline);
            }
            if self.connection.as_ref().is_some_and(|c| c.greeted) {
                self.refuse(RefusedReason::Protocol, "nothing heard for 60 seconds");
            }
        }
        self.send_commands();
    }

    fn expire(&mut self, now: Moment) {
        let outputs = &mut self.outputs;
        self.commands.retain(|w| {
            let alive = now.wall < w.given_up_at();
            if !alive {
                outputs.push_back(Output::Expired { command: w.command.id, sent: w.sent });
            }
            alive
        });
    }

    fn send_commands(&mut self) {
        if !self.connection.as_ref().is_some_and(|c| c.greeted) {
            return;
        }
        for waiting in self.commands.iter_mut().filter(|w| !w.sent_here) {
            let Command { id, deadline, request } = &waiting.command;
            // A request too long for the link is never sent and expires.
            for part in link::split(*id, *deadline, request).unwrap_or_default() {
                self.outputs.push_back(Output::Send(FromPlatform::Command(part).encode()));
                waiting.sent = true;
            }
            waiting.sent_here = true;
        }
    }

    fn frame(&mut self, now: Moment, frame: &[u8]) {
        let Some(connection) = &mut self.connection else { return };
        let message = match FromBank::decode(frame) {
            Ok(message) => message,
            Err(_) => return self.refuse(RefusedReason::Protocol, "the message is not readable"),
        };
        match (message, connection.greeted) {
            (FromBank::Hello(hello), false) => self.hello(now, hello),
            (_, false) | (FromBank::Hello(_) | FromBank::Enrol(_), true) => {
                self.refuse(RefusedReason::Protocol, "a message that has no place here");
            }
            (message, true) => {
                self.heard(now);
                self.message(now, message);
            }
        }
    }

    fn heard(&mut self, now: Moment) {
        self.heard = now.mono;
        if self.presence != Presence::Online {
            self.presence = Presence::Online;
            self.outputs.push_back(Output::Online);
        }
    }

    fn hello(&mut self, now: Moment, hello: Box<Hello>) {
        let Some(connection) = &mut self.connection else { return };
        if hello.bank != self.bank {
            return self.refuse(RefusedReason::UnknownBank, "the key belongs to another bank");
        }
        let acked = connection.stored;
        if hello.last_seq < acked {
            return self.broken(Breach::RolledBack { stored: acked, claimed: hello.last_seq });
        }
        connection.greeted = true;
        connection.is_witness = hello.witness.is_some();
        connection.announced = hello.last_seq.min(acked.saturating_add(LONGEST_BACKLOG));
        self.heard(now);
        self.outputs.push_back(Output::Greeted(hello));
        self.say(&FromPlatform::Welcome { acked, time: now.wall });
    }

    fn message(&mut self, now: Moment, message: FromBank) {
        match message {
            FromBank::Events(events) => self.events(&events),
            FromBank::Alarm { seq, event } => self.preview(now, seq, event),
            FromBank::Status(status) => self.outputs.push_back(Output::Status(status)),
            FromBank::Reply { command, answer } => {
                // An answer to a command already answered or given up says nothing new.
                if let Some(at) = self.commands.iter().position(|w| w.command.id == command && w.sent) {
                    self.commands.remove(at);
                    self.outputs.push_back(Output::Replied { command, answer });
                }
            }
            FromBank::Witnessed(witnessed) => self.outputs.push_back(Output::Witnessed(witnessed)),
            FromBank::Ping { nonce } => self.say(&FromPlatform::Pong { nonce, time: now.wall }),
            FromBank::Hello(_) | FromBank::Enrol(_) => unreachable!("refused by the caller"),
        }
    }

    fn events(&mut self, events: &link::Events) {
        let Some(connection) = &mut self.connection else { return };
        match connection.chain.extend(events, &self.previews) {
            Err(breach) => self.broken(breach),
            Ok(None) => {
                // All of it is known: the acknowledgement got lost.
                let up_to = connection.stored;
                if up_to > 0 {
                    self.say(&FromPlatform::Ack { up_to });
                }
            }
            Ok(Some(batch)) => {
                if connection.chain.position().seq - connection.stored > MAX_EVENTS_IN_FLIGHT as u64 {
                    return self.refuse(RefusedReason::Protocol, "more events than the window allows");
                }
                self.outputs.push_back(Output::Store(batch));
            }
        }
    }

    /// Whether one more alarm may be heard ahead of its turn.
    fn has_room_for_preview(&mut self, now: MonoTime) -> bool {
        let (since, heard) = &mut self.minute;
        if now >= since.plus_ms(MINUTE_MS) {
            (*since, *heard) = (now, 0);
        }
        *heard = heard.saturating_add(1);
        *heard <= PREVIEWS_A_MINUTE
    }

    fn preview(&mut self, now: Moment, seq: u64, bytes: Vec<u8>) {
        let Some(connection) = &self.connection else { return };
        let event = match event::decode(&bytes) {
            Ok(Leaf::Bank { bank, event, .. }) if bank == self.bank && event.seq == seq => event,
            Ok(_) => return self.broken(Breach::OtherBank { seq }),
            Err(error) => return self.broken(Breach::Unreadable { seq, error }),
        };
        if event.kind.severity() != Severity::Alarm {
            return self.refuse(RefusedReason::Protocol, "only an alarm may overtake");
        }
        let end = connection.chain.position().seq;
        let furthest = connection.announced.max(end).saturating_add(FURTHEST_PREVIEW);
        if seq <= end || seq > furthest {
            return;
        }
        let hash = event::chain_hash(&bytes);
        match self.previews.get(&seq).copied() {
            Some(known) if known == hash => {}
            Some(_) => self.broken(Breach::PreviewDiffers { seq }),
            None if !self.has_room_for_preview(now.mono) => {}
            None => {
                self.previews.insert(seq, hash);
                if self.previews.len() > MAX_PREVIEWS {
                    self.previews.pop_first();
                }
                self.outputs.push_back(Output::AlarmPreview { event, leaf: bytes });
            }
        }
    }
}

impl Waiting {
    fn given_up_at(&self) -> WallTime {
        if self.sent { self.command.deadline.plus_ms(ANSWER_GRACE_MS) } else { self.command.deadline }
    }
}
