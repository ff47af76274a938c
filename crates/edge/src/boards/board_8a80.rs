//! The "8A/80" XOR board: generic RS485 lock control boards of 8 to 50 channels, 9600 8N1.
//!
//! Source: the vendors' protocol text and frames captured from hardware; bytes in docs/reference/boards.md. Every
//! frame ends with the XOR of the bytes before it, which is weak, so header, address, lock and the 00/11 set are
//! checked too. Lock 0 and the vendors' "open all" opcodes cannot be expressed here.

use std::time::Duration;

use super::{
    BadFrame, Board, BoardAddress, Burst, Capabilities, Channel, Coil, Door, DoorState, Feature, ItemSense,
    NotSent, Polarity, Reading, Reply, Request,
};

const UNLOCK: u8 = 0x8A;
const QUERY: u8 = 0x80;
const PUSH: u8 = 0x82;
const DO_UNLOCK: u8 = 0x11;
const DO_QUERY: u8 = 0x33;
const SHORT_FRAME: usize = 5;
/// Longest known query answer: 50 locks, and boards that send a group or two too many.
const LONGEST_ANSWER: usize = 4 + 9;
/// So many answers in a row of a new length are believed.
const SURE_OF_LENGTH: u8 = 3;
const HIGHEST_ADDRESS: u8 = 99;
const MOST_CHANNELS: u8 = 50;

/// One board of this kind as it is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board8a80Settings {
    /// Set by the switch on the board, 1 to 99.
    pub address: u8,
    /// Locks on the board, 1 to 50.
    pub channels: u8,
    /// How the feedback is wired.
    pub polarity: Polarity,
}

/// The driver of one 8A/80 board.
#[derive(Clone, Debug)]
pub struct Board8a80 {
    settings: Board8a80Settings,
    /// Length of this board's query answers, so that the next one need not wait for a quiet line, and so that two
    /// answers that ran into each other are not taken for one: their XOR may fit.
    usual_answer: Option<usize>,
    /// Another length, and how often in a row.
    other_length: (usize, u8),
}

impl Board8a80 {
    /// A driver, or nothing if the address or the number of channels does not exist on these boards.
    #[must_use]
    pub fn new(settings: Board8a80Settings) -> Option<Self> {
        let sound = (1..=HIGHEST_ADDRESS).contains(&settings.address)
            && (1..=MOST_CHANNELS).contains(&settings.channels);
        sound.then_some(Self { settings, usual_answer: None, other_length: (0, 0) })
    }

    fn frame(&self, header: u8, lock: u8, verb: u8) -> Vec<u8> {
        let mut bytes = vec![header, self.settings.address, lock, verb];
        bytes.push(check_byte(&bytes));
        bytes
    }

    /// Reads `header A L S x` for one lock.
    fn read_lock(&self, header: u8, channel: Channel, frame: &[u8]) -> Result<DoorState, BadFrame> {
        let &[got_header, address, lock, state, check] = frame else { return Err(BadFrame::Short) };
        if got_header != header {
            Err(BadFrame::Header)
        } else if check != check_byte(&frame[..4]) {
            Err(BadFrame::Check)
        } else if address != self.settings.address {
            Err(BadFrame::Address)
        } else if lock != channel.number() {
            Err(BadFrame::Lock)
        } else {
            self.state_of(state)
        }
    }

    fn state_of(&self, state: u8) -> Result<DoorState, BadFrame> {
        match state {
            0x11 => Ok(self.settings.polarity.state(true)),
            0x00 => Ok(self.settings.polarity.state(false)),
            _ => Err(BadFrame::State),
        }
    }

    /// The status bytes of a query answer, highest group first, once everything around them is right.
    fn status_bytes<'a>(&self, frame: &'a [u8]) -> Result<&'a [u8], BadFrame> {
        let (check, body) = frame.split_last().ok_or(BadFrame::Short)?;
        if frame.len() < SHORT_FRAME {
            return Err(BadFrame::Short);
        }
        if frame.len() > LONGEST_ANSWER {
            return Err(BadFrame::Flood);
        }
        if body[0] != QUERY {
            Err(BadFrame::Header)
        } else if *check != check_byte(body) {
            Err(BadFrame::Check)
        } else if body[1] != self.settings.address {
            Err(BadFrame::Address)
        } else if body[body.len() - 1] != DO_QUERY {
            Err(BadFrame::State)
        } else {
            Ok(&body[2..body.len() - 1])
        }
    }

    /// Whether this board's answers have this length; a new one is believed when it comes three times in a row.
    fn is_usual(&mut self, length: usize) -> bool {
        if self.usual_answer.is_some_and(|usual| usual != length) {
            let (other, times) = self.other_length;
            self.other_length = (length, if other == length { times + 1 } else { 1 });
            if self.other_length.1 < SURE_OF_LENGTH {
                return false;
            }
        }
        self.usual_answer = Some(length);
        self.other_length = (0, 0);
        true
    }

    /// Boards send more or fewer groups than they have locks: extra groups are ignored, missing ones unknown.
    fn doors(&self, status: &[u8]) -> Vec<Door> {
        let channels = (1..=self.settings.channels).filter_map(Channel::new);
        let door = |channel: Channel| {
            let lock = usize::from(channel.number() - 1);
            let group = status.iter().rev().nth(lock / 8);
            let state = group
                .map_or(DoorState::Unknown, |bits| self.settings.polarity.state(bits >> (lock % 8) & 1 == 1));
            Door { channel, state, item: ItemSense::Unknown }
        };
        channels.map(door).collect()
    }

    /// A late answer to an earlier unlock at the head of what should answer a query.
    fn is_stale_unlock(heard: &[u8]) -> bool {
        heard.len() >= SHORT_FRAME && heard[0] == UNLOCK && check_byte(&heard[..4]) == heard[4]
    }
}

impl Board for Board8a80 {
    fn address(&self) -> BoardAddress {
        BoardAddress(self.settings.address)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            channels: self.settings.channels,
            push: Feature::Present,
            item_sensor: Feature::Absent,
            native_pulse: Feature::Present,
        }
    }

    fn unlock(&self, channel: Channel) -> Result<Request, NotSent> {
        if channel.number() > self.settings.channels {
            return Err(NotSent::NoSuchDoor);
        }
        Ok(Request {
            bytes: self.frame(UNLOCK, channel.number(), DO_UNLOCK),
            reply: Reply::MayEqual,
            coil: Coil::UntilAnswer,
            // The answer follows the pulse, about 500 ms. The "still closed" answer is the request's own bytes:
            // only time tells it from an echo.
            not_before: Duration::from_millis(100),
            within: Duration::from_millis(1500),
        })
    }

    fn query_all(&self) -> Request {
        // Lock 0 of the *query* opcode means every lock; the unlock opcode never gets a 0.
        let bytes = self.frame(QUERY, 0, DO_QUERY);
        Request { reply: Reply::MayEqual, ..Request::question(bytes) }
    }

    fn echo_probe(&self) -> Request {
        // The answer's fourth byte is 00 or 11, the request's is 33.
        Request::question(self.frame(QUERY, 1, DO_QUERY))
    }

    fn read_unlock(&self, channel: Channel, heard: &[u8], burst: Burst) -> Reading<DoorState> {
        match (self.read_lock(UNLOCK, channel, &heard[..heard.len().min(SHORT_FRAME)]), burst) {
            (Ok(state), _) => Reading::Whole(state, SHORT_FRAME),
            (Err(_), Burst::Flowing) => Reading::More,
            (Err(bad), Burst::Ended) => Reading::Bad(bad),
        }
    }

    fn read_query(&mut self, heard: &[u8], burst: Burst) -> Reading<Vec<Door>> {
        if Self::is_stale_unlock(heard) {
            return Reading::Stray(SHORT_FRAME, BadFrame::Unasked);
        }
        if burst == Burst::Flowing && self.usual_answer != Some(heard.len()) {
            return Reading::More;
        }
        match (self.status_bytes(heard), burst) {
            (Ok(status), _) => {
                let doors = self.doors(status);
                if self.is_usual(heard.len()) {
                    Reading::Whole(doors, heard.len())
                } else {
                    Reading::Bad(BadFrame::Length)
                }
            }
            (Err(_), Burst::Flowing) => Reading::More,
            (Err(bad), Burst::Ended) => Reading::Bad(bad),
        }
    }

    fn read_probe(&self, heard: &[u8], burst: Burst) -> Reading<()> {
        let first = Channel::new(1).expect("one is not zero");
        match (self.read_lock(QUERY, first, &heard[..heard.len().min(SHORT_FRAME)]), burst) {
            (Ok(_), _) => Reading::Whole((), SHORT_FRAME),
            (Err(_), Burst::Flowing) => Reading::More,
            (Err(bad), Burst::Ended) => Reading::Bad(bad),
        }
    }

    fn read_push(&self, heard: &[u8]) -> Option<(Door, usize)> {
        let frame = heard.get(..SHORT_FRAME)?;
        let channel = Channel::new(frame[2]).filter(|c| c.number() <= self.settings.channels)?;
        let state = self.read_lock(PUSH, channel, frame).ok()?;
        Some((Door { channel, state, item: ItemSense::Unknown }, SHORT_FRAME))
    }
}

/// The XOR of all bytes, the last byte of every frame of this board.
#[must_use]
pub fn check_byte(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn board(channels: u8) -> Board8a80 {
        let settings = Board8a80Settings { address: 1, channels, polarity: Polarity::ClosedWhenBitSet };
        Board8a80::new(settings).unwrap()
    }

    fn lock(number: u8) -> Channel {
        Channel::new(number).unwrap()
    }

    fn states(reading: Reading<Vec<Door>>) -> Vec<DoorState> {
        match reading {
            Reading::Whole(doors, _) => doors.into_iter().map(|door| door.state).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn requests_are_the_published_bytes() {
        let at = |address| {
            Board8a80::new(Board8a80Settings { address, channels: 12, polarity: Polarity::ClosedWhenBitSet })
                .unwrap()
        };
        assert_eq!(at(1).unlock(lock(1)).unwrap().bytes, [0x8A, 1, 1, 0x11, 0x9B]);
        assert_eq!(at(1).unlock(lock(2)).unwrap().bytes, [0x8A, 1, 2, 0x11, 0x98]);
        assert_eq!(at(1).unlock(lock(12)).unwrap().bytes, [0x8A, 1, 12, 0x11, 0x96]);
        assert_eq!(at(2).unlock(lock(1)).unwrap().bytes, [0x8A, 2, 1, 0x11, 0x98]);
        assert_eq!(at(3).unlock(lock(12)).unwrap().bytes, [0x8A, 3, 12, 0x11, 0x94]);
        assert_eq!(at(1).query_all().bytes, [0x80, 1, 0, 0x33, 0xB2]);
        assert_eq!(at(1).echo_probe().bytes, [0x80, 1, 1, 0x33, 0xB3]);
    }

    #[test]
    fn lock_zero_and_locks_beyond_the_board_have_no_frame() {
        assert_eq!(Channel::new(0), None);
        assert_eq!(board(8).unlock(lock(9)), Err(NotSent::NoSuchDoor));
    }

    #[test]
    fn answer_after_the_pulse_tells_the_door() {
        let read = |bytes: &[u8]| board(8).read_unlock(lock(1), bytes, Burst::Ended);
        assert_eq!(read(&[0x8A, 1, 1, 0, 0x8A]), Reading::Whole(DoorState::Open, 5));
        assert_eq!(read(&[0x8A, 1, 1, 0x11, 0x9B]), Reading::Whole(DoorState::Closed, 5));
        assert_eq!(read(&[0x8A, 1, 1, 0, 0x8B]), Reading::Bad(BadFrame::Check));
        assert_eq!(read(&[0x8A, 1, 2, 0, 0x89]), Reading::Bad(BadFrame::Lock));
        assert_eq!(read(&[0x8A, 2, 1, 0, 0x89]), Reading::Bad(BadFrame::Address));
        assert_eq!(read(&[0x8A, 1, 1, 0x10, 0x9A]), Reading::Bad(BadFrame::State));
        // Two swapped bytes have the same XOR: the lock and address checks catch what the check byte can't.
        assert_eq!(read(&[0x8A, 0, 1, 1, 0x8A]), Reading::Bad(BadFrame::Address));
    }

    #[test]
    fn captured_answer_with_three_groups_for_eight_locks_reads() {
        let reading = board(8).read_query(&[0x80, 1, 0, 0, 0, 0x33, 0xB2], Burst::Ended);
        assert_eq!(states(reading), vec![DoorState::Open; 8]);
    }

    #[test]
    fn highest_group_comes_first_and_missing_groups_are_unknown() {
        let whole = states(board(24).read_query(&[0x80, 1, 0, 2, 5, 0x33, 0xB5], Burst::Ended));
        let closed: Vec<_> = (1..=24).filter(|n| whole[n - 1] == DoorState::Closed).collect();
        assert_eq!(closed, [1, 3, 10]);
        let short = states(board(24).read_query(&[0x80, 1, 0xFF, 0x33, 0x4D], Burst::Ended));
        assert_eq!(&short[..8], [DoorState::Closed; 8]);
        assert_eq!(&short[8..], [DoorState::Unknown; 16]);
    }

    #[test]
    fn an_answer_of_the_usual_length_need_not_wait_for_quiet() {
        let mut driver = board(8);
        let answer = [0x80, 1, 0xFF, 0x33, 0x4D];
        assert_eq!(driver.read_query(&answer, Burst::Flowing), Reading::More);
        assert!(matches!(driver.read_query(&answer, Burst::Ended), Reading::Whole(..)));
        assert!(matches!(driver.read_query(&answer, Burst::Flowing), Reading::Whole(..)));
    }

    #[test]
    fn a_new_length_is_believed_when_it_stays() {
        let mut driver = board(8);
        let (one, two) = ([0x80, 1, 0xFF, 0x33, 0x4D], [0x80, 1, 0, 0xFF, 0x33, 0x4D]);
        let mut is_whole =
            |frame: &[u8]| matches!(driver.read_query(frame, Burst::Ended), Reading::Whole(..));
        assert!(is_whole(&one) && !is_whole(&two) && is_whole(&one));
        assert!(!is_whole(&two) && !is_whole(&two) && is_whole(&two) && is_whole(&two));
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), channels in 1u8..=50) {
            let mut driver = board(channels);
            for burst in [Burst::Flowing, Burst::Ended] {
                let _ = driver.read_unlock(lock(1), &bytes, burst);
                let _ = driver.read_probe(&bytes, burst);
                let _ = driver.read_push(&bytes);
                if let Reading::Whole(doors, _) = driver.read_query(&bytes, burst) {
                    prop_assert_eq!(doors.len(), usize::from(channels));
                }
            }
        }

        #[test]
        fn one_flipped_bit_is_never_read_as_an_answer(bit in 0usize..56) {
            let mut frame = [0x80, 1, 0xA5, 0x5A, 0xC3, 0x33, 0];
            frame[6] = check_byte(&frame[..6]);
            frame[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(matches!(board(24).read_query(&frame, Burst::Ended), Reading::Bad(_) | Reading::Stray(..)));
        }
    }
}
