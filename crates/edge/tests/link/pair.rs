//! Both sessions with a network between them that loses, repeats and reorders, under virtual time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bailee_domain::bank::io::{Answer, Request};
use bailee_domain::id::{CommandId, GrantId};
use bailee_domain::time::{MonoTime, WallTime};
use bailee_edge::uplink::{self, EventSource, Fault};
use bailee_wire::event::chain_hash;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::gateway::session::{self as platform, Moment};
use crate::gateway::{Breach, Command, Position};
use crate::journal::{BANK, Journal, device};

pub struct Pair {
    pub now_ms: u64,
    pub journal: Journal,
    pub bank: uplink::Session<ChaCha8Rng>,
    pub platform: platform::Session,
    pub up: VecDeque<Vec<u8>>,
    pub down: VecDeque<Vec<u8>>,
    pub network: bool,
    pub connected: bool,
    /// What the platform's store holds.
    pub stored: Vec<Vec<u8>>,
    pub store_fails: bool,
    pub acknowledged: u64,
    /// Alarms seen ahead, with how much was stored then.
    pub previews: Vec<(u64, usize)>,
    pub breaches: Vec<Breach>,
    pub faults: Vec<Fault>,
    pub presence: Vec<&'static str>,
    pub reached: Vec<bool>,
    /// How often the engine was asked each command.
    pub asked: BTreeMap<CommandId, u32>,
    pub answered: BTreeMap<CommandId, u32>,
    pub expired: Vec<CommandId>,
    issued: BTreeSet<u8>,
    /// Longest queue of frames seen.
    pub most_in_flight: usize,
}

impl Pair {
    pub fn new(seed: u64) -> Self {
        let start = MonoTime::default();
        Self {
            now_ms: 0,
            journal: Journal::new(),
            bank: uplink::Session::new(start, ChaCha8Rng::seed_from_u64(seed)),
            platform: platform::Session::new(start, BANK, device().public().0),
            up: VecDeque::new(),
            down: VecDeque::new(),
            network: true,
            connected: false,
            stored: Vec::new(),
            store_fails: false,
            acknowledged: 0,
            previews: Vec::new(),
            breaches: Vec::new(),
            faults: Vec::new(),
            presence: Vec::new(),
            reached: Vec::new(),
            asked: BTreeMap::new(),
            answered: BTreeMap::new(),
            expired: Vec::new(),
            issued: BTreeSet::new(),
            most_in_flight: 0,
        }
    }

    fn moment(&self) -> Moment {
        let wall = WallTime::from_unix_ms(1_800_000_000_000).plus_ms(self.now_ms.cast_signed());
        Moment { mono: MonoTime::from_ms(self.now_ms), wall }
    }

    pub fn bank(&mut self, input: uplink::Input) {
        let now = MonoTime::from_ms(self.now_ms);
        self.bank.handle(now, input, &mut self.journal);
        while let Some(output) = self.bank.poll_output() {
            self.bank_output(output);
        }
    }

    fn bank_output(&mut self, output: uplink::Output) {
        match output {
            uplink::Output::Connect => {
                if self.network {
                    self.connect();
                } else {
                    self.bank.handle(
                        MonoTime::from_ms(self.now_ms),
                        uplink::Input::Disconnected,
                        &mut self.journal,
                    );
                }
            }
            uplink::Output::Send(frame) => {
                if self.connected {
                    self.up.push_back(frame);
                    self.most_in_flight = self.most_in_flight.max(self.up.len());
                }
            }
            uplink::Output::Disconnect => self.cut_platform(),
            uplink::Output::Request { command, .. } => {
                *self.asked.entry(command).or_default() += 1;
                let now = MonoTime::from_ms(self.now_ms);
                self.bank.handle(
                    now,
                    uplink::Input::Replied { command, answer: Answer::Done },
                    &mut self.journal,
                );
            }
            uplink::Output::Acknowledged { up_to } => {
                assert!(
                    up_to as usize <= self.stored.len(),
                    "acknowledged {up_to}, stored {}",
                    self.stored.len()
                );
                assert!(up_to > self.acknowledged, "an acknowledgement went back");
                self.acknowledged = up_to;
            }
            uplink::Output::TrustTime(_) | uplink::Output::Cosign(_) => {}
            uplink::Output::Reached(reached) => self.reached.push(reached),
            uplink::Output::Fault(fault) => self.faults.push(fault),
        }
    }

    fn connect(&mut self) {
        self.up.clear();
        self.down.clear();
        self.connected = true;
        let head = self.stored.last().map_or([0; 32], |leaf| chain_hash(leaf));
        let position = Position { seq: self.stored.len() as u64, head };
        self.platform(platform::Input::Connected(position));
        self.bank.handle(MonoTime::from_ms(self.now_ms), uplink::Input::Connected, &mut self.journal);
    }

    pub fn platform(&mut self, input: platform::Input) {
        let now = self.moment();
        self.platform.handle(now, input);
        while let Some(output) = self.platform.poll_output() {
            self.platform_output(output);
        }
    }

    fn platform_output(&mut self, output: platform::Output) {
        match output {
            platform::Output::Send(frame) => {
                if self.connected {
                    self.down.push_back(frame);
                }
            }
            platform::Output::Store(batch) => self.store(&batch),
            platform::Output::AlarmPreview { event, .. } => {
                self.previews.push((event.seq, self.stored.len()));
            }
            platform::Output::Greeted(_) | platform::Output::Status(_) | platform::Output::Witnessed(_) => {}
            platform::Output::Replied { command, .. } => *self.answered.entry(command).or_default() += 1,
            platform::Output::Expired { command, .. } => self.expired.push(command),
            platform::Output::Online => self.presence.push("online"),
            platform::Output::Offline => self.presence.push("offline"),
            platform::Output::ChainBroken(breach) => self.breaches.push(breach),
            // What was said before is still delivered.
            platform::Output::Close(_) => {
                while let Some(frame) = self.down.pop_front() {
                    self.bank(uplink::Input::Frame(frame));
                }
                self.cut();
            }
        }
    }

    fn store(&mut self, batch: &crate::gateway::Batch) {
        if self.store_fails {
            return self.platform(platform::Input::StoreFailed);
        }
        for checked in &batch.events {
            assert_eq!(checked.event.seq, self.stored.len() as u64 + 1, "exactly once, in order");
            self.stored.push(checked.leaf.clone());
        }
        let up_to = self.stored.len() as u64;
        self.platform(platform::Input::Stored { up_to });
    }

    fn cut_platform(&mut self) {
        if self.connected {
            self.connected = false;
            self.up.clear();
            self.down.clear();
            self.platform(platform::Input::Disconnected);
        }
    }

    /// The connection breaks and both sides hear of it.
    pub fn cut(&mut self) {
        self.cut_platform();
        self.bank(uplink::Input::Disconnected);
    }

    pub fn append_routine(&mut self) {
        let seq = self.journal.routine();
        self.bank(uplink::Input::Appended { seq, severity: bailee_domain::event::Severity::Routine });
    }

    pub fn append_alarm(&mut self) {
        let (seq, severity) = self.journal.alarm();
        self.bank(uplink::Input::Appended { seq, severity });
    }

    pub fn command(&mut self, id: u8, lives_ms: i64) {
        if !self.issued.insert(id) {
            return;
        }
        let command = Command {
            id: CommandId::from_bytes([id; 16]),
            deadline: self.moment().wall.plus_ms(lives_ms),
            request: Request::Revoke { grant: GrantId::from_bytes([id; 16]) },
        };
        let now = self.moment();
        let _ = self.platform.enqueue(now, command);
        self.platform(platform::Input::Tick);
    }

    pub fn deliver_up(&mut self) -> bool {
        let frame = self.up.pop_front();
        let some = frame.is_some();
        if let Some(frame) = frame {
            self.platform(platform::Input::Frame(frame));
        }
        some
    }

    pub fn deliver_down(&mut self) -> bool {
        let frame = self.down.pop_front();
        let some = frame.is_some();
        if let Some(frame) = frame {
            self.bank(uplink::Input::Frame(frame));
        }
        some
    }

    pub fn settle(&mut self) {
        while self.deliver_up() || self.deliver_down() {}
    }

    pub fn advance(&mut self, ms: u64) {
        self.now_ms += ms;
        self.bank(uplink::Input::Tick);
        self.platform(platform::Input::Tick);
    }

    /// Time passes, second by second, on a healthy network.
    pub fn heal(&mut self, seconds: u64) {
        self.network = true;
        self.store_fails = false;
        for _ in 0..seconds {
            self.advance(1_000);
            self.settle();
        }
    }

    pub fn check_delivered(&mut self) {
        let (stored, written) = (self.stored.len(), self.journal.leaves.len());
        assert!(self.stored == self.journal.leaves, "{stored} of {written} events arrived as written");
        assert_eq!(self.acknowledged, self.journal.head());
    }
}
