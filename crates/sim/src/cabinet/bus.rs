//! The boards of one cabinet on one half-duplex line, as a pure state machine: bytes and people in, bytes and a
//! log of what really happened out.

use std::{collections::VecDeque, time::Duration};

use super::{
    DoorPlace,
    board::{BoardPlan, Fault, SimBoard},
};

const SPLIT_PAUSE: Duration = Duration::from_millis(15);
const GARBAGE_EVERY: Duration = Duration::from_millis(4);
/// A board looks at its inputs and answers.
const THINKING: Duration = Duration::from_millis(1);

/// How fast bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// At once.
    Instant,
    /// At so many bits a second, ten a byte.
    Baud(u32),
}

impl Pacing {
    fn wire_time(self, bytes: usize) -> Duration {
        match self {
            Self::Instant => Duration::ZERO,
            Self::Baud(baud) => Duration::from_nanos(bytes as u64 * 10_000_000_000 / u64::from(baud.max(1))),
        }
    }
}

/// Why a door moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its latch was pulsed.
    Latch,
    /// A person closed it.
    Person,
    /// Somebody forced it.
    Force,
}

/// Something that really happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A coil was energised.
    CoilOn(DoorPlace),
    /// A door opened.
    Opened(DoorPlace, Cause),
    /// A door closed.
    Closed(DoorPlace, Cause),
    /// A coil was energised while another one was: the supply may not bear it.
    TwoCoils(DoorPlace),
    /// Somebody spoke while an answer was due.
    Collision,
    /// Somebody sent the frame that opens every door of a board.
    UnlockAll(u8),
}

/// A line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CabinetEvent {
    /// When, in the caller's time.
    pub at: Duration,
    /// What.
    pub what: Happening,
}

/// A cabinet: boards on one line.
#[derive(Clone, Debug)]
pub struct Cabinet {
    boards: Vec<SimBoard>,
    pacing: Pacing,
    heard: Vec<u8>,
    /// Bytes to say, in order of their time.
    saying: VecDeque<(Duration, Vec<u8>)>,
    answer_due_until: Duration,
    coil_until: Duration,
    next_garbage: Duration,
    noise: u32,
    log: Vec<CabinetEvent>,
}

impl Cabinet {
    /// A cabinet with all doors closed.
    #[must_use]
    pub fn new(plans: &[BoardPlan], pacing: Pacing) -> Self {
        Self {
            boards: plans.iter().copied().map(SimBoard::new).collect(),
            pacing,
            heard: Vec::new(),
            saying: VecDeque::new(),
            answer_due_until: Duration::ZERO,
            coil_until: Duration::ZERO,
            next_garbage: Duration::ZERO,
            noise: 0x2545_F491,
            log: Vec::new(),
        }
    }

    /// Bytes arrive from the controller.
    pub fn hear(&mut self, now: Duration, bytes: &[u8]) {
        if self.has(Fault::Echo) {
            self.say(now, bytes.to_vec());
        }
        self.heard.extend_from_slice(bytes);
        while let Some(frame) = self.next_frame() {
            let at = now + self.pacing.wire_time(frame.len());
            if at < self.answer_due_until {
                self.happens(now, Happening::Collision);
            }
            self.obey(at, frame);
        }
    }

    /// When there is something to say next.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        let garbage = self.has(Fault::Garbage).then_some(self.next_garbage);
        self.saying.front().map(|(at, _)| *at).into_iter().chain(garbage).min()
    }

    /// The bytes said by now.
    pub fn speak(&mut self, now: Duration) -> Vec<u8> {
        let mut said = Vec::new();
        while let Some((_, bytes)) = self.saying.pop_front_if(|(at, _)| *at <= now) {
            said.extend(bytes);
        }
        if self.has(Fault::Garbage) && self.next_garbage <= now {
            self.next_garbage = now + GARBAGE_EVERY;
            said.extend((0..12).map(|_| self.noise_byte()));
        }
        said
    }

    /// A person closes a door.
    pub fn close(&mut self, now: Duration, door: DoorPlace) {
        if self.board_mut(door.board).is_some_and(|board| board.move_door(door.lock, false)) {
            self.moved(now, door, Happening::Closed(door, Cause::Person));
        }
    }

    /// Somebody forces a door.
    pub fn force_open(&mut self, now: Duration, door: DoorPlace) {
        if self.board_mut(door.board).is_some_and(|board| board.move_door(door.lock, true)) {
            self.moved(now, door, Happening::Opened(door, Cause::Force));
        }
    }

    /// Jams a door, so that its latch does nothing.
    pub fn jam(&mut self, door: DoorPlace) {
        if let Some(board) = self.board_mut(door.board) {
            board.stick(door.lock, true);
        }
    }

    /// Frees a jammed door.
    pub fn free(&mut self, door: DoorPlace) {
        if let Some(board) = self.board_mut(door.board) {
            board.stick(door.lock, false);
        }
    }

    /// Gives a board a fault; [`Fault::Echo`] and [`Fault::Garbage`] are the whole line's.
    pub fn set_fault(&mut self, board: u8, fault: Fault) {
        if let Some(board) = self.board_mut(board) {
            board.faults.insert(fault);
        }
    }

    /// Takes all faults and jams away.
    pub fn heal(&mut self) {
        for board in &mut self.boards {
            board.faults.clear();
            (1..=board.plan.locks).for_each(|lock| board.stick(lock, false));
        }
    }

    /// Whether a door is open.
    #[must_use]
    pub fn is_open(&self, door: DoorPlace) -> bool {
        self.board(door.board).is_some_and(|board| board.is_open(door.lock))
    }

    /// How often the coil of a door was energised.
    #[must_use]
    pub fn pulses(&self, door: DoorPlace) -> u32 {
        self.board(door.board).map_or(0, |board| board.pulses(door.lock))
    }

    /// Everything that happened.
    #[must_use]
    pub fn log(&self) -> &[CabinetEvent] {
        &self.log
    }

    /// Every door of the cabinet.
    #[must_use]
    pub fn doors(&self) -> Vec<DoorPlace> {
        let of = |board: &SimBoard| {
            let address = board.plan.address;
            (1..=board.plan.locks).map(move |lock| DoorPlace { board: address, lock })
        };
        self.boards.iter().flat_map(of).collect()
    }

    fn board(&self, address: u8) -> Option<&SimBoard> {
        self.boards.iter().find(|board| board.plan.address == address)
    }

    fn board_mut(&mut self, address: u8) -> Option<&mut SimBoard> {
        self.boards.iter_mut().find(|board| board.plan.address == address)
    }

    fn has(&self, fault: Fault) -> bool {
        self.boards.iter().any(|board| board.has(fault))
    }

    /// The next whole request; bytes that begin none are skipped.
    fn next_frame(&mut self) -> Option<[u8; 5]> {
        while self.heard.len() >= 5 {
            let mut frame = [0; 5];
            frame.copy_from_slice(&self.heard[..5]);
            if matches!(frame[0], 0x8A | 0x80) && xor(&frame) == 0 {
                self.heard.drain(..5);
                return Some(frame);
            }
            self.heard.remove(0);
        }
        None
    }

    fn obey(&mut self, at: Duration, [header, address, lock, verb, _]: [u8; 5]) {
        let Some(board) = self.board(address).filter(|board| !board.has(Fault::Silent)) else { return };
        let pulse = board.plan.pulse;
        match (header, verb) {
            (0x8A, 0x11) if lock == 0 => self.open_all(at, address),
            (0x8A, 0x11) if lock <= board.plan.locks => {
                self.energise(at, DoorPlace { board: address, lock }, pulse);
                let frame = self.board(address).map(|board| board.lock_frame(0x8A, lock));
                self.answer(address, at + pulse, frame.unwrap_or_default());
            }
            (0x80, 0x33) if lock == 0 => self.answer(address, at + THINKING, board.all_frame()),
            (0x80, 0x33) if lock <= board.plan.locks => {
                self.answer(address, at + THINKING, board.lock_frame(0x80, lock));
            }
            _ => {}
        }
    }

    fn open_all(&mut self, at: Duration, address: u8) {
        self.happens(at, Happening::UnlockAll(address));
        for door in self.doors().into_iter().filter(|door| door.board == address) {
            self.energise(at, door, Duration::ZERO);
        }
    }

    fn energise(&mut self, at: Duration, door: DoorPlace, pulse: Duration) {
        self.happens(at, Happening::CoilOn(door));
        if at < self.coil_until {
            self.happens(at, Happening::TwoCoils(door));
        }
        self.coil_until = at + pulse;
        if self.board_mut(door.board).is_some_and(|board| board.pulse(door.lock)) {
            self.moved(at, door, Happening::Opened(door, Cause::Latch));
        }
    }

    fn moved(&mut self, at: Duration, door: DoorPlace, what: Happening) {
        self.happens(at, what);
        let push = self
            .board(door.board)
            .filter(|board| board.has(Fault::Pushes))
            .map(|board| board.lock_frame(0x82, door.lock));
        if let Some(frame) = push {
            self.say(at + THINKING, frame);
        }
    }

    fn answer(&mut self, address: u8, at: Duration, frame: Vec<u8>) {
        let Some(board) = self.board(address).filter(|board| !board.has(Fault::Mute)) else { return };
        let late = board.faults.iter().find_map(|fault| match fault {
            Fault::Late(by) => Some(*by),
            _ => None,
        });
        let is_split = board.has(Fault::SplitAnswers);
        // A late answer is the fault of the board, not of who speaks after waiting long enough.
        self.answer_due_until = at + self.pacing.wire_time(frame.len());
        let at = at + late.unwrap_or_default();
        if is_split {
            let (first, second) = frame.split_at(frame.len() / 2);
            self.say(at, first.to_vec());
            self.say(at + SPLIT_PAUSE, second.to_vec());
        } else {
            self.say(at, frame);
        }
    }

    /// Puts bytes on the line from a moment on.
    fn say(&mut self, from: Duration, bytes: Vec<u8>) {
        let mut pieces = match self.pacing {
            Pacing::Instant => vec![(from, bytes)],
            Pacing::Baud(_) => {
                let piece = |(at, byte)| (from + self.pacing.wire_time(at + 1), vec![byte]);
                bytes.into_iter().enumerate().map(piece).collect()
            }
        };
        self.saying.extend(pieces.drain(..));
        self.saying.make_contiguous().sort_by_key(|(at, _)| *at);
    }

    fn happens(&mut self, at: Duration, what: Happening) {
        self.log.push(CabinetEvent { at, what });
    }

    /// Marsaglia's xorshift: noise that is the same in every run.
    fn noise_byte(&mut self) -> u8 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 17;
        self.noise ^= self.noise << 5;
        self.noise.to_le_bytes()[0]
    }
}

pub(super) fn xor(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}
