//! The controller: the bank engine and its journal as one thing that cannot open a door it has not written down.
//!
//! [`Controller::handle`] lets the engine decide, makes every record durable before it passes on what follows it,
//! and keeps the events the platform has not confirmed. When the journal fails, everything the engine had decided
//! but not written is dropped with the engine itself: doors stay shut, the kiosk says so, and the controller
//! starts again from what is durable as soon as the disk allows. It reads no clock and knows no thread; the
//! deterministic simulation runs it as it is. `runtime` gives it boards, a kiosk and a link. Reading a journal back
//! is in `replay`, keeping it short in `compaction`.

mod commission;
mod compaction;
mod guard;
mod replay;
mod seen;
mod shown;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailee_domain::bank::io::{Answer, BoardHealth, Candidate, Input, Output, Record, Request, Siren};
use bailee_domain::bank::{Bank, Lasting};
use bailee_domain::code::Code;
use bailee_domain::compartment::{CompartmentNo, Layout, Sensed, Wiring};
use bailee_domain::event::Severity;
use bailee_domain::id::CommandId;
use bailee_domain::signer::{PersonKey, Proof, Statement};
use bailee_domain::time::{MonoTime, Now, WallTime};
use bailee_wire::event::{NO_EVENT, chain_hash};
use bailee_wire::record::{self, Place, RecordError};
use rand_core::{CryptoRng, Rng};

pub use self::commission::CommissionRefused;
pub use self::compaction::CompactAfter;
use self::compaction::Written;
use self::guard::Guard;
use self::replay::Replay;
use self::seen::Seen;
use crate::backlog::{Backlog, Identity};
use crate::journal::{Disk, Journal, JournalError};
use crate::rollback::TagStore;

/// How long a controller without a journal waits before it tries the disk again.
const REVIVE_EVERY_MS: u64 = 2_000;

/// What the surroundings must do, in order. Everything it rests on is durable already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Stretch the code, compare it with every candidate, answer with [`Input::Verified`].
    Verify {
        /// The number of the guess.
        guess: u64,
        /// What was typed.
        code: Code,
        /// All it could be.
        candidates: Vec<Candidate>,
    },
    /// Drive one lock; answer with [`Input::Unlocked`].
    Unlock {
        /// Comes back in the answer.
        ticket: u64,
        /// The door, for the log of the controller.
        compartment: CompartmentNo,
        /// The lock.
        wiring: Wiring,
        /// Not later than this.
        deadline: MonoTime,
    },
    /// Turn the siren on or off.
    Siren(Siren),
    /// Check every signature, answer with [`Input::SignaturesChecked`].
    CheckSignatures {
        /// Comes back in the answer.
        check: u64,
        /// What is said to be signed.
        statement: Statement,
        /// By which keys, and what proves it.
        signatures: Vec<(PersonKey, Proof)>,
    },
    /// Tell the platform what became of its request.
    Reply {
        /// Which request.
        command: CommandId,
        /// What became of it.
        answer: Answer,
    },
    /// A new event waits for the platform.
    Written {
        /// Its sequence number.
        seq: u64,
        /// Alarms overtake.
        severity: Severity,
    },
}

/// Why a controller cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An entry of the journal is intact but not something this program understands.
    #[error("entry {index} of the journal is not of a form this program reads")]
    Unreadable {
        /// Its place in the journal.
        index: u64,
        /// What is wrong with it.
        #[source]
        source: RecordError,
    },
    /// An event or a snapshot of another bank, or one that does not follow the event before it.
    #[error("entry {index} of the journal does not belong there")]
    OutOfPlace {
        /// Its place in the journal.
        index: u64,
    },
    /// The entries kept for the platform could not be read.
    #[error("older entries of the journal cannot be read")]
    Journal(#[from] JournalError),
}

/// The engine with its journal.
pub struct Controller<D, R> {
    journal: Journal<D, R>,
    rng: Box<dyn Rng + Send>,
    /// Gone while the journal cannot be written.
    bank: Option<Bank>,
    layout: Layout,
    /// The bank and the hash of the last event encoded.
    place: Place,
    backlog: Arc<Mutex<Backlog>>,
    /// The world as last seen, to be told to an engine that starts again.
    doors: BTreeMap<CompartmentNo, Sensed>,
    boards: BTreeMap<u8, BoardHealth>,
    /// Doors seen open since the last moment when everything was written down: to be told even if shut again.
    seen_open: BTreeSet<CompartmentNo>,
    seen: Seen,
    revive_at: MonoTime,
    compact_after: CompactAfter,
    written: Written,
    compact_at: MonoTime,
    guard: Guard,
    /// What the bank is called and whom to call, for a screen without an engine.
    named: (String, String),
}

/// A controller whose journal has been read, one step before its engine starts.
pub struct Starting<D, R> {
    controller: Controller<D, R>,
    lasting: Lasting,
}

impl<D: Disk, R: CryptoRng> Starting<D, R> {
    /// The latest time in the journal, which the clock must not start before.
    pub const fn high_water(&self) -> Option<WallTime> {
        self.lasting.high_water
    }

    /// The state as the journal tells it.
    pub const fn lasting(&self) -> &Lasting {
        &self.lasting
    }

    /// Sets how much is written before the journal is shortened.
    #[must_use]
    pub const fn compact_after(mut self, limit: CompactAfter) -> Self {
        self.controller.compact_after = limit;
        self
    }

    /// Gives the bank a store of boot tags, which tells its newest disk from a copy.
    #[must_use]
    pub fn guarded_by(mut self, store: Box<dyn TagStore>) -> Self {
        self.controller.guard = Guard::from(store);
        self
    }

    /// Starts the engine. A disk that is full is no error: the controller then starts out of order and recovers.
    pub fn begin(mut self, now: Now) -> (Controller<D, R>, Vec<Effect>) {
        self.controller.revive_at = now.mono;
        // Also with a full disk the link can say where the bank stands.
        lock(&self.controller.backlog).stands(self.lasting.boot, self.lasting.roster.revision, now);
        let effects = self.controller.begin(self.lasting, now);
        (self.controller, effects)
    }
}

impl<D: Disk, R: CryptoRng> Controller<D, R> {
    /// Reads an opened journal's recovered entries, by index and payload; owned ones are dropped one by one.
    ///
    /// # Errors
    /// [`StartError::Unreadable`] for an entry of another form; a damaged journal was refused when it was opened.
    pub fn recover<P: AsRef<[u8]>>(
        identity: Identity,
        journal: Journal<D, R>,
        entries: impl IntoIterator<Item = (u64, P)>,
        rng: Box<dyn Rng + Send>,
    ) -> Result<Starting<D, R>, StartError> {
        let mut controller = Self {
            journal,
            rng,
            bank: None,
            layout: identity.layout.clone(),
            place: Place { bank: identity.bank, prev: NO_EVENT },
            backlog: Arc::new(Mutex::new(Backlog::new(identity))),
            doors: BTreeMap::new(),
            boards: BTreeMap::new(),
            seen_open: BTreeSet::new(),
            seen: Seen::default(),
            revive_at: MonoTime::default(),
            compact_after: CompactAfter::STANDARD,
            written: Written::default(),
            compact_at: MonoTime::default(),
            guard: Guard::default(),
            named: Default::default(),
        };
        let mut replay = Replay::new(&controller.journal, controller.place.bank, lock(&controller.backlog));
        for (index, payload) in entries {
            replay.take(index, payload.as_ref())?;
        }
        let (lasting, place, written) = replay.done();
        (controller.place, controller.written) = (place, written);
        Ok(Starting { controller, lasting })
    }

    fn begin(&mut self, lasting: Lasting, now: Now) -> Vec<Effect> {
        let seen_open = std::mem::take(&mut self.seen_open);
        let (bank, outputs) = Bank::start(self.layout.clone(), lasting, now, &mut *self.rng);
        self.bank = Some(bank);
        let mut effects = self.carry_out(outputs, now);
        if self.bank.is_some() {
            effects.extend(self.read_tag(now));
        }
        let boards: Vec<_> = self.boards.iter().map(|(board, health)| (*board, *health)).collect();
        for (board, health) in boards {
            effects.extend(self.handle(Input::Board { board, health }, now));
        }
        for input in self.seen.inputs() {
            effects.extend(self.handle(input, now));
        }
        let doors: Vec<_> = self.doors.iter().map(|(number, sensed)| (*number, *sensed)).collect();
        let opened = seen_open.iter().map(|number| (*number, Sensed::Open));
        for (compartment, sensed) in opened.chain(doors) {
            effects.extend(self.handle(Input::Door { compartment, sensed }, now));
        }
        if self.bank.is_none() {
            self.seen_open.extend(seen_open);
        }
        self.compact_if_due(now);
        effects
    }

    /// Lets the engine decide about one input and makes the decision durable.
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Effect> {
        self.see(&input);
        let Some(bank) = self.bank.as_mut() else { return self.revive(now) };
        if let Some(refused) = refuse_unreadable(&input, self.place) {
            return vec![refused];
        }
        let outputs = bank.handle(input, now, &mut *self.rng);
        let mut effects = self.carry_out(outputs, now);
        effects.extend(self.guard_if_due(now));
        self.compact_if_due(now);
        effects
    }

    /// Keeps the world as last seen.
    fn see(&mut self, input: &Input) {
        match input {
            Input::Door { compartment, sensed } => {
                self.doors.insert(*compartment, *sensed);
                if *sensed == Sensed::Open {
                    self.seen_open.insert(*compartment);
                }
            }
            Input::Board { board, health } => {
                self.boards.insert(*board, *health);
                if *health == BoardHealth::Silent {
                    let wired = self.layout.iter().filter(|c| c.wiring.board == *board);
                    self.doors.extend(wired.map(|c| (c.number, Sensed::Unknown)));
                }
            }
            _ => self.seen.take(input),
        }
    }

    /// Writes each run of records in one group with one sync before anything after it is passed on.
    fn carry_out(&mut self, outputs: Vec<Output>, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut group = Vec::new();
        let mut to_put = None;
        for output in outputs {
            if let Output::Record(record) = output {
                group.push(record);
                continue;
            }
            if !self.write(&mut group, &mut effects, now) {
                return effects;
            }
            if let Output::StoreTag(tag) = output {
                to_put = Some(tag);
                continue;
            }
            effects.push(match output {
                Output::Verify { guess, code, candidates } => Effect::Verify { guess, code, candidates },
                Output::Unlock { ticket, compartment, wiring, deadline } => {
                    Effect::Unlock { ticket, compartment, wiring, deadline }
                }
                Output::Siren(siren) => Effect::Siren(siren),
                Output::CheckSignatures { check, statement, signatures } => {
                    Effect::CheckSignatures { check, statement, signatures }
                }
                Output::Reply { command, answer } => Effect::Reply { command, answer },
                Output::Record(_) | Output::StoreTag(_) => unreachable!("taken above"),
            });
        }
        self.write(&mut group, &mut effects, now);
        if let Some(tag) = to_put.filter(|_| self.bank.is_some()) {
            // Only now, when all that was decided with it is durable as well, may the engine decide on.
            effects.extend(self.put_tag(tag, now));
        }
        if let Some(lasting) = self.lasting() {
            lock(&self.backlog).stands(lasting.boot, lasting.roster.revision, now);
            self.seen_open.clear();
        }
        effects
    }

    /// Appends a group. If that fails, the engine has decided things that never happened, so it goes.
    fn write(&mut self, group: &mut Vec<Record>, effects: &mut Vec<Effect>, now: Now) -> bool {
        if group.is_empty() {
            return true;
        }
        let prev = self.place.prev;
        let payloads: Vec<Vec<u8>> = group.iter().map(|record| self.encode(record)).collect();
        let first = match self.journal.append(&payloads) {
            Ok(indexes) => indexes.start,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the journal cannot be written: out of order"
                );
                if let Some(lasting) = self.bank.take().as_ref().map(Bank::lasting) {
                    self.named = (lasting.roster.bank_name.clone(), lasting.roster.help.clone());
                }
                self.place.prev = prev;
                self.revive_at = now.mono.plus_ms(REVIVE_EVERY_MS);
                return false;
            }
        };
        // A stop here loses nothing: the group is durable, and a restart finds it in the journal.
        let mut backlog = lock(&self.backlog);
        for (index, (record, payload)) in (first..).zip(group.drain(..).zip(payloads)) {
            self.written.add(&payload);
            match record {
                Record::Event(event) => {
                    let severity = event.kind.severity();
                    backlog.push(index, event.seq, severity, &payload);
                    effects.push(Effect::Written { seq: event.seq, severity });
                }
                Record::Acknowledged { up_to } => backlog.confirmed(up_to),
                _ => {}
            }
        }
        true
    }

    /// The bytes of a record that follows the last one encoded.
    fn encode(&mut self, record: &Record) -> Vec<u8> {
        let payload = record::encode(record, self.place);
        if let Some(leaf) = record::leaf(&payload) {
            self.place.prev = chain_hash(leaf);
        }
        payload
    }

    /// Starts a new engine from what is durable, if the journal can be written again.
    fn revive(&mut self, now: Now) -> Vec<Effect> {
        if now.mono < self.revive_at {
            return Vec::new();
        }
        self.revive_at = now.mono.plus_ms(REVIVE_EVERY_MS);
        match self.replay() {
            Ok(lasting) => self.begin(lasting, now),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the journal cannot be read back");
                Vec::new()
            }
        }
    }

    /// Reads the open journal from its newest snapshot on, a segment at a time.
    fn replay(&mut self) -> Result<Lasting, StartError> {
        let mut replay = Replay::new(&self.journal, self.place.bank, lock(&self.backlog));
        for entries in self.journal.segments_from(self.written.snapshot) {
            for entry in entries? {
                replay.take(entry.index, &entry.payload)?;
            }
        }
        let (lasting, place, written) = replay.done();
        (self.place, self.written) = (place, written);
        Ok(lasting)
    }

    /// Whether the bank works; otherwise it opens nothing and waits for its disk.
    pub const fn in_order(&self) -> bool {
        self.bank.is_some()
    }
}

/// A roster that would not be read back at the next start is refused before the engine decides on it. What came
/// over the link always is: the journal takes all that a request can hold, and asks no more of it than the link did.
fn refuse_unreadable(input: &Input, place: Place) -> Option<Effect> {
    let Input::Platform { command, request: Request::TakeRoster(roster), .. } = input else { return None };
    let read = record::decode(&record::encode(&Record::Roster(roster.clone()), place));
    read.is_err().then_some(Effect::Reply { command: *command, answer: Answer::Invalid })
}

fn lock(backlog: &Mutex<Backlog>) -> MutexGuard<'_, Backlog> {
    backlog.lock().unwrap_or_else(PoisonError::into_inner)
}
