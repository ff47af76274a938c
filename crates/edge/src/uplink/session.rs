//! What the bank's end of the link does, as a state machine without I/O: feed it what happened and the time, do what
//! it says. The real client and the simulation drive the same code.
//!
//! Rules: events go up in order, within a window of credits, starting after what the platform says it holds; an
//! alarm that would have to wait is sent ahead as a copy; commands come down with a deadline and are delivered once;
//! silence of 45 seconds ends a connection; the next call waits a growing, random time. Nothing here grows without
//! bound: events stay in the journal until there is room, of the status only the latest is kept.

use std::collections::{BTreeSet, VecDeque};

use bailee_domain::bank::io::Answer;
use bailee_domain::event::Severity;
use bailee_domain::id::CommandId;
use bailee_domain::time::{MonoTime, WallTime};
use bailee_wire::event::{MAX_LEAF_BYTES, chain_hash};
use bailee_wire::link::{Assembler, BankStatus, Events, FromBank, FromPlatform, Part, RefusedReason};
use rand_core::Rng;

use super::backoff::Backoff;
pub use super::io::{EventSource, Fault, Input, Output};
use super::window::Window;

const CONNECT_WITHIN_MS: u64 = 15_000;
const GREET_WITHIN_MS: u64 = 15_000;
const PING_EVERY_MS: u64 = 20_000;
const DEAD_AFTER_MS: u64 = 45_000;
/// Events not acknowledged for this long are sent again, over a new connection.
const STALLED_AFTER_MS: u64 = 60_000;
const STATUS_EVERY_MS: u64 = 200;
/// A connection this old was worth having: the next failure starts the pauses anew.
const WORTHWHILE_MS: u64 = 10_000;
/// A time that took longer than this to come is not the time any more.
const TIME_WORTH_MS: u64 = 10_000;
const BATCH_BYTES: usize = 64 << 10;
const MAX_ALARMS: usize = 64;
const MAX_COMMANDS: usize = 256;

#[derive(Debug)]
enum State {
    Waiting { until: MonoTime },
    Connecting { until: MonoTime },
    Greeting { since: MonoTime },
    Open(Box<Open>),
}

#[derive(Debug)]
struct Open {
    since: MonoTime,
    heard: MonoTime,
    ping_at: MonoTime,
    ping: Option<(u64, MonoTime)>,
    window: Window,
    assembler: Assembler,
    status_at: MonoTime,
}

/// The bank's end of the link.
#[derive(Debug)]
pub struct Session<R> {
    rng: R,
    state: State,
    backoff: Backoff,
    outputs: VecDeque<Output>,
    /// Alarms the platform does not hold yet.
    alarms: BTreeSet<u64>,
    /// The status, while it waits to be sent.
    status: Option<BankStatus>,
    /// The last status, for the next connection.
    last_status: Option<BankStatus>,
    /// Commands delivered, with their answers; oldest first.
    commands: VecDeque<(CommandId, Option<Answer>)>,
    nonce: u64,
    /// The furthest acknowledgement passed on.
    acknowledged: u64,
}

impl<R: Rng> Session<R> {
    /// A session that calls the platform at once.
    pub const fn new(now: MonoTime, rng: R) -> Self {
        Self {
            rng,
            state: State::Waiting { until: now },
            backoff: Backoff::new(),
            outputs: VecDeque::new(),
            alarms: BTreeSet::new(),
            status: None,
            last_status: None,
            commands: VecDeque::new(),
            nonce: 0,
            acknowledged: 0,
        }
    }

    /// Takes an input; then drain [`Session::poll_output`].
    pub fn handle(&mut self, now: MonoTime, input: Input, source: &mut impl EventSource) {
        match input {
            Input::Tick => {}
            Input::Connected => self.connected(now, source),
            Input::Frame(frame) => self.frame(now, &frame, source),
            Input::Disconnected => self.disconnected(now),
            Input::Appended { seq, severity } => self.appended(now, seq, severity, source),
            Input::Status(status) => {
                self.last_status = Some(status.clone());
                self.status = Some(status);
            }
            Input::Replied { command, answer } => self.replied(command, answer),
            // Only the platform's latest question counts; it asks again by itself.
            Input::Witnessed(witnessed) if self.reached() => self.say(&FromBank::Witnessed(witnessed)),
            Input::Witnessed(_) => {}
        }
        self.tick(now, source);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is due at the latest.
    pub fn next_timeout(&self) -> MonoTime {
        match &self.state {
            State::Waiting { until } | State::Connecting { until } => *until,
            State::Greeting { since } => since.plus_ms(GREET_WITHIN_MS),
            State::Open(open) => {
                let mut at = open.ping_at.min(open.heard.plus_ms(DEAD_AFTER_MS));
                if self.status.is_some() {
                    at = at.min(open.status_at);
                }
                if let Some(since) = open.window.stalled_since() {
                    at = at.min(since.plus_ms(STALLED_AFTER_MS));
                }
                at
            }
        }
    }

    /// Whether the platform is reached now.
    pub const fn reached(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    fn say(&mut self, message: &FromBank) {
        self.outputs.push_back(Output::Send(message.encode()));
    }

    fn fail(&mut self, now: MonoTime, fault: Fault) {
        self.backoff.be_patient();
        self.outputs.push_back(Output::Fault(fault));
        self.hang_up(now);
    }

    fn hang_up(&mut self, now: MonoTime) {
        self.outputs.push_back(Output::Disconnect);
        self.disconnected(now);
    }

    fn disconnected(&mut self, now: MonoTime) {
        match &self.state {
            State::Waiting { .. } => return,
            State::Open(open) => {
                if now.since_ms(open.since) >= WORTHWHILE_MS {
                    self.backoff.reset();
                }
                self.outputs.push_back(Output::Reached(false));
            }
            State::Connecting { .. } | State::Greeting { .. } => {}
        }
        let pause = self.backoff.pause_ms(&mut self.rng);
        self.state = State::Waiting { until: now.plus_ms(pause) };
    }

    fn tick(&mut self, now: MonoTime, source: &mut impl EventSource) {
        match &mut self.state {
            State::Waiting { until } if now >= *until => {
                self.state = State::Connecting { until: now.plus_ms(CONNECT_WITHIN_MS) };
                self.outputs.push_back(Output::Connect);
            }
            State::Connecting { until } if now >= *until => self.hang_up(now),
            State::Greeting { since } if now >= since.plus_ms(GREET_WITHIN_MS) => self.hang_up(now),
            State::Open(open) if now >= open.heard.plus_ms(DEAD_AFTER_MS) => self.hang_up(now),
            State::Open(open)
                if open
                    .window
                    .stalled_since()
                    .is_some_and(|since| now >= since.plus_ms(STALLED_AFTER_MS)) =>
            {
                self.hang_up(now);
            }
            State::Open(_) => {
                self.pump(now, source);
                self.ping(now);
                self.send_status(now);
            }
            _ => {}
        }
    }

    fn ping(&mut self, now: MonoTime) {
        let State::Open(open) = &mut self.state else { return };
        if now < open.ping_at {
            return;
        }
        self.nonce += 1;
        open.ping = Some((self.nonce, now));
        open.ping_at = now.plus_ms(PING_EVERY_MS);
        let nonce = self.nonce;
        self.say(&FromBank::Ping { nonce });
    }

    fn send_status(&mut self, now: MonoTime) {
        let State::Open(open) = &mut self.state else { return };
        if now < open.status_at {
            return;
        }
        if let Some(status) = self.status.take() {
            open.status_at = now.plus_ms(STATUS_EVERY_MS);
            self.say(&FromBank::Status(status));
        }
    }

    fn connected(&mut self, now: MonoTime, source: &mut impl EventSource) {
        if matches!(self.state, State::Connecting { .. }) {
            self.state = State::Greeting { since: now };
            let hello = source.hello();
            self.say(&FromBank::Hello(Box::new(hello)));
        }
    }

    fn frame(&mut self, now: MonoTime, frame: &[u8], source: &mut impl EventSource) {
        if matches!(self.state, State::Waiting { .. } | State::Connecting { .. }) {
            return;
        }
        let message = match FromPlatform::decode(frame) {
            Ok(message) => message,
            Err(error) => return self.fail(now, Fault::Unreadable(error)),
        };
        if let State::Open(open) = &mut self.state {
            open.heard = now;
        }
        match (message, &mut self.state) {
            (FromPlatform::Refused { reason, message }, _) => self.refused(now, reason, message),
            (FromPlatform::Welcome { acked, time }, State::Greeting { since }) => {
                let since = *since;
                self.welcome(now, since, acked, time, source);
            }
            (_, State::Greeting { .. }) => self.fail(now, Fault::Protocol("not welcomed")),
            (FromPlatform::Ack { up_to }, State::Open(open)) => {
                if open.window.acknowledge(up_to, now) {
                    self.acknowledged(up_to);
                    self.pump(now, source);
                } else {
                    self.fail(now, Fault::Protocol("acknowledged what was not sent"));
                }
            }
            (FromPlatform::Command(part), _) => self.command(now, part),
            (FromPlatform::Cosign(cosign), State::Open(_)) => self.outputs.push_back(Output::Cosign(cosign)),
            (FromPlatform::Time { time }, _) => self.outputs.push_back(Output::TrustTime(time)),
            (FromPlatform::Pong { nonce, time }, State::Open(open)) => {
                let answered = open.ping.take_if(|(sent, _)| *sent == nonce);
                if answered.is_some_and(|(_, at)| now.since_ms(at) <= TIME_WORTH_MS) {
                    self.outputs.push_back(Output::TrustTime(time));
                }
            }
            _ => self.fail(now, Fault::Protocol("a message that has no place here")),
        }
    }

    fn refused(&mut self, now: MonoTime, reason: RefusedReason, message: String) {
        if matches!(reason, RefusedReason::Unavailable | RefusedReason::Replaced) {
            self.outputs.push_back(Output::Fault(Fault::Refused { reason, message }));
            self.hang_up(now);
        } else {
            self.fail(now, Fault::Refused { reason, message });
        }
    }

    fn welcome(
        &mut self,
        now: MonoTime,
        since: MonoTime,
        acked: u64,
        time: WallTime,
        source: &mut impl EventSource,
    ) {
        let ours = source.head();
        if acked > ours {
            return self.fail(now, Fault::PlatformAhead { platform: acked, ours });
        }
        self.state = State::Open(Box::new(Open {
            since: now,
            heard: now,
            ping_at: now.plus_ms(PING_EVERY_MS),
            ping: None,
            window: Window::after(acked, now),
            assembler: Assembler::default(),
            status_at: now,
        }));
        self.outputs.push_back(Output::Reached(true));
        if now.since_ms(since) <= TIME_WORTH_MS {
            self.outputs.push_back(Output::TrustTime(time));
        }
        for seq in source.alarms() {
            self.remember_alarm(seq);
        }
        self.acknowledged(acked);
        self.status.clone_from(&self.last_status);
        let alarms: Vec<_> = self.alarms.iter().copied().collect();
        for seq in alarms {
            self.preview(seq, source);
        }
        self.pump(now, source);
    }

    fn acknowledged(&mut self, up_to: u64) {
        self.alarms.retain(|seq| *seq > up_to);
        if up_to > self.acknowledged {
            self.acknowledged = up_to;
            self.outputs.push_back(Output::Acknowledged { up_to });
        }
    }

    /// Sends as many events as there are credits for.
    fn pump(&mut self, now: MonoTime, source: &mut impl EventSource) {
        while let State::Open(open) = &mut self.state {
            let first = open.window.next();
            let budget = open.window.bytes_left().min(BATCH_BYTES);
            if open.window.events_left() == 0 || budget < MAX_LEAF_BYTES || first > source.head() {
                return;
            }
            let mut batch = source.events_from(first, budget);
            batch.truncate(open.window.events_left());
            if batch.is_empty() || batch.iter().zip(first..).any(|((seq, _), expected)| *seq != expected) {
                return self.outputs.push_back(Output::Fault(open.window.closed(first)));
            }
            let bytes = batch.iter().map(|(_, event)| event.len()).sum();
            open.window.sent(batch.len() as u64, bytes, now);
            let (last, leaf) = batch.last().expect("not empty");
            let head_signature = Some(source.sign_head(*last, &chain_hash(leaf)));
            let events = batch.into_iter().map(|(_, event)| event).collect();
            self.say(&FromBank::Events(Events { first, events, head_signature }));
        }
    }

    fn appended(&mut self, now: MonoTime, seq: u64, severity: Severity, source: &mut impl EventSource) {
        if severity == Severity::Alarm {
            self.remember_alarm(seq);
        }
        self.pump(now, source);
        if let State::Open(open) = &self.state
            && severity == Severity::Alarm
            && open.window.next() <= seq
        {
            self.preview(seq, source);
        }
    }

    fn remember_alarm(&mut self, seq: u64) {
        self.alarms.insert(seq);
        if self.alarms.len() > MAX_ALARMS {
            self.alarms.pop_first();
        }
    }

    /// Sends a copy of an alarm whose turn has not come.
    fn preview(&mut self, seq: u64, source: &mut impl EventSource) {
        let found = source.events_from(seq, MAX_LEAF_BYTES).into_iter().find(|(found, _)| *found == seq);
        if let Some((seq, event)) = found {
            self.say(&FromBank::Alarm { seq, event });
        }
    }

    fn command(&mut self, now: MonoTime, part: Part) {
        let State::Open(open) = &mut self.state else { return };
        let (command, deadline, request) = match open.assembler.add(part) {
            Ok(Some(complete)) => complete,
            Ok(None) => return,
            Err(error) => return self.fail(now, Fault::Request(error)),
        };
        match self.commands.iter().find(|(known, _)| *known == command) {
            Some((_, Some(answer))) => {
                let answer = *answer;
                self.say(&FromBank::Reply { command, answer });
            }
            // The engine has it and will answer.
            Some((_, None)) => {}
            None => {
                if self.commands.len() == MAX_COMMANDS {
                    self.commands.pop_front();
                }
                self.commands.push_back((command, None));
                self.outputs.push_back(Output::Request { command, deadline, request });
            }
        }
    }

    fn replied(&mut self, command: CommandId, answer: Answer) {
        if let Some(entry) = self.commands.iter_mut().find(|(known, _)| *known == command) {
            entry.1 = Some(answer);
        }
        // Without a connection the platform asks again, and hears the answer kept above.
        if self.reached() {
            self.say(&FromBank::Reply { command, answer });
        }
    }
}
