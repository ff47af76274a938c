//! The boards of one cabinet on one half-duplex line, as a pure state machine: bytes and people in, bytes and a
//! log of what really happened out.

use std::{collections::VecDeque, time::Duration};

use super::{
    CabinetEvent, Cause, DoorPlace, Fault, Happening, Pacing,
    board::{BoardPlan, SimBoard},
    speech::{self, AnswerAt, Ask, Asked, Family, To},
};

const SPLIT_PAUSE: Duration = Duration::from_millis(15);
const GARBAGE_EVERY: Duration = Duration::from_millis(4);
/// A board that speaks without being asked does so this often.
const UNASKED_EVERY: Duration = Duration::from_millis(310);
/// A board looks at its inputs and answers.
const THINKING: Duration = Duration::from_millis(1);

/// A cabinet: boards of one family on one line.
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
    next_unasked: Duration,
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
            next_unasked: Duration::ZERO,
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
        let family = self.boards.first().map_or(Family::Xor8a80, |board| board.plan.family);
        while let Some(asked) = speech::next_request(family, &mut self.heard) {
            let at = now + self.pacing.wire_time(asked.frame.len());
            if at < self.answer_due_until {
                self.happens(now, Happening::Collision);
            }
            let called = |board: &&SimBoard| asked.to == To::Every || asked.to == To::One(board.plan.address);
            let called: Vec<u8> = self.boards.iter().filter(called).map(|b| b.plan.address).collect();
            called.into_iter().for_each(|address| self.obey(at, address, &asked));
        }
    }

    /// When there is something to say next.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        let garbage = self.has(Fault::Garbage).then_some(self.next_garbage);
        let unasked = self.has(Fault::Unasked).then_some(self.next_unasked);
        self.saying.front().map(|(at, _)| *at).into_iter().chain(garbage).chain(unasked).min()
    }

    /// The bytes said by now.
    pub fn speak(&mut self, now: Duration) -> Vec<u8> {
        self.speak_unasked(now);
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

    fn speak_unasked(&mut self, now: Duration) {
        if !self.has(Fault::Unasked) || now < self.next_unasked {
            return;
        }
        self.next_unasked = now + UNASKED_EVERY;
        let speaks = self.boards.iter().find(|board| board.has(Fault::Unasked));
        if let Some(frame) = speaks.map(speech::all_doors) {
            self.say(now, frame);
        }
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

    /// Puts something behind a door; a person does that with the door open.
    pub fn put_item(&mut self, door: DoorPlace) {
        if let Some(board) = self.board_mut(door.board) {
            board.place_item(door.lock, true);
        }
    }

    /// Takes out what is behind a door.
    pub fn take_item(&mut self, door: DoorPlace) {
        if let Some(board) = self.board_mut(door.board) {
            board.place_item(door.lock, false);
        }
    }

    /// Gives a board a fault; [`Fault::Echo`] and [`Fault::Garbage`] are the whole line's.
    pub fn set_fault(&mut self, board: u8, fault: Fault) {
        if let Some(board) = self.board_mut(board) {
            board.faults.insert(fault);
        }
    }

    /// Takes all faults and jams of one board away.
    pub fn mend(&mut self, board: u8) {
        if let Some(board) = self.board_mut(board) {
            board.mend();
        }
    }

    /// Takes all faults and jams away.
    pub fn heal(&mut self) {
        self.boards.iter_mut().for_each(SimBoard::mend);
    }

    /// The faults of a board.
    #[must_use]
    pub fn faults(&self, board: u8) -> Vec<Fault> {
        self.board(board).map(|board| board.faults.iter().copied().collect()).unwrap_or_default()
    }

    /// Whether a door is open.
    #[must_use]
    pub fn is_open(&self, door: DoorPlace) -> bool {
        self.board(door.board).is_some_and(|board| board.is_open(door.lock))
    }

    /// Whether something is behind a door.
    #[must_use]
    pub fn has_item(&self, door: DoorPlace) -> bool {
        self.board(door.board).is_some_and(|board| board.has_item(door.lock))
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

    /// Every board as it is built.
    #[must_use]
    pub fn plans(&self) -> Vec<BoardPlan> {
        self.boards.iter().map(|board| board.plan).collect()
    }

    /// Every door of the cabinet.
    #[must_use]
    pub fn doors(&self) -> Vec<DoorPlace> {
        let of = |plan: BoardPlan| (1..=plan.locks).map(move |lock| DoorPlace { board: plan.address, lock });
        self.plans().into_iter().flat_map(of).collect()
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

    fn obey(&mut self, at: Duration, address: u8, asked: &Asked) {
        let Some(board) = self.board(address).filter(|board| !board.is_deaf()) else { return };
        match asked.ask {
            Ask::TellAll => self.answer(address, at + THINKING, speech::all_doors(board)),
            Ask::TellOne(lock) => {
                if let Some(frame) = speech::one_door(board, lock).filter(|_| board.has_lock(lock)) {
                    self.answer(address, at + THINKING, frame);
                }
            }
            Ask::Unlock(lock, _) if !board.has_lock(lock) || board.has(Fault::Refuses) => {
                if let Some(frame) = speech::refusal(board, asked) {
                    self.answer(address, at + THINKING, frame);
                }
            }
            Ask::Unlock(lock, pulse) => self.unlock(at, DoorPlace { board: address, lock }, pulse, asked),
            Ask::UnlockAll => self.open_all(at, address),
            Ask::HoldOpen(lock) => {
                let door = DoorPlace { board: address, lock };
                self.happens(at, Happening::CoilHeld(door));
                self.energise(at, door, Duration::ZERO);
            }
            Ask::Rest => {
                self.happens(at, Happening::AtRest(address));
                self.coil_until = at.min(self.coil_until);
                self.answer_done(at, address, asked, Duration::ZERO);
            }
        }
    }

    fn unlock(&mut self, at: Duration, door: DoorPlace, pulse: Option<Duration>, asked: &Asked) {
        let Some(board) = self.board(door.board) else { return };
        let pulse = pulse.unwrap_or(board.plan.pulse);
        let plugged_into = board.fault(|fault| match fault {
            Fault::CablesSwapped(other) => Some(*other),
            _ => None,
        });
        let lock = if board.has(Fault::SameLock(door.lock)) { door.lock - 1 } else { door.lock };
        self.energise(at, DoorPlace { board: plugged_into.unwrap_or(door.board), lock }, pulse);
        self.answer_done(at, door.board, asked, pulse);
        if let Some(board) = self.board_mut(door.board) {
            board.is_hung = board.has(Fault::BusyStuck);
        }
    }

    fn answer_done(&mut self, at: Duration, address: u8, asked: &Asked, pulse: Duration) {
        let Some((frame, when)) = self.board(address).and_then(|board| speech::done(board, asked)) else {
            return;
        };
        let after = if when == AnswerAt::AfterPulse { pulse } else { THINKING };
        self.answer(address, at + after, frame);
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
        let pushes = self.board(door.board).filter(|board| board.has(Fault::Pushes));
        if let Some(frame) = pushes.and_then(|board| speech::push(board, door.lock)) {
            self.say(at + THINKING, frame);
        }
    }

    fn answer(&mut self, address: u8, at: Duration, mut frame: Vec<u8>) {
        let Some(board) = self.board(address).filter(|board| !board.has(Fault::Mute)) else { return };
        let late = board.fault(|fault| match fault {
            Fault::Late(by) => Some(*by),
            _ => None,
        });
        let is_split = board.has(Fault::SplitAnswers);
        if board.has(Fault::ShortAnswers) {
            frame.pop();
        }
        if board.has(Fault::LongAnswers) {
            frame.push(0x00);
        }
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
