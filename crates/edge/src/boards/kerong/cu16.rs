//! The CU16 and its smaller sister CU12: up to sixteen locks, each with an infrared "item present" bit.

use std::time::Duration;

use super::{STX, USUAL_PULSE, finish, prove, unanswered};
use crate::boards::{
    Board, BoardAddress, Burst, Capabilities, Channel, Door, DoorState, Feature, ItemSense, NotSent,
    Polarity, Reading, Request,
    shape::{bit, read},
};

const STATUS: u8 = 0x30;
const UNLOCK_ONE: u8 = 0x31;
const IS_STATUS: u8 = 0x35;
/// `02 ADDR 35 L1 L2 I1 I2 03 SUM`.
const STATUS_LEN: usize = 9;
/// The address's high half is the board; F would be "every board".
const HIGHEST_ADDRESS: u8 = 14;
const MOST_CHANNELS: u8 = 16;

/// One board of this kind as it is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cu16Settings {
    /// Set by the switch on the board, 0 to 14.
    pub address: u8,
    /// Locks on the board, 1 to 16 (a CU12 has 12).
    pub channels: u8,
    /// How the feedback is wired; as delivered, a set bit means closed.
    pub polarity: Polarity,
    /// How long the board energises a coil; nothing for 550 ms.
    pub pulse: Option<Duration>,
}

/// The driver of one CU16 or CU12.
#[derive(Clone, Debug)]
pub struct KerongCu16 {
    settings: Cu16Settings,
}

/// The low half of an address: one lock of one board, from 0.
#[derive(Clone, Copy)]
struct LockNibble(u8);

impl KerongCu16 {
    /// A driver, or nothing if the address or the number of channels does not exist on these boards.
    #[must_use]
    pub fn new(settings: Cu16Settings) -> Option<Self> {
        let sound = settings.address <= HIGHEST_ADDRESS && (1..=MOST_CHANNELS).contains(&settings.channels);
        sound.then_some(Self { settings })
    }

    fn lock(&self, channel: Channel) -> Option<LockNibble> {
        (channel.number() <= self.settings.channels).then(|| LockNibble(channel.number() - 1))
    }

    fn status(&self, heard: &[u8], burst: Burst) -> Reading<Vec<Door>> {
        let is_ours = heard.get(1).is_some_and(|address| address >> 4 == self.settings.address);
        let prove = |frame: &[u8]| prove(frame, (2, IS_STATUS), is_ours);
        read(heard, burst, STATUS_LEN, prove, |frame| self.doors(&frame[3..5], &frame[5..7]))
    }

    fn doors(&self, hooks: &[u8], items: &[u8]) -> Vec<Door> {
        let door = |channel: Channel| {
            let lock = usize::from(channel.number() - 1);
            let state = bit(hooks, lock).map_or(DoorState::Unknown, |set| self.settings.polarity.state(set));
            let item = match bit(items, lock) {
                Some(true) => ItemSense::Present,
                Some(false) => ItemSense::Absent,
                None => ItemSense::Unknown,
            };
            Door { channel, state, item }
        };
        (1..=self.settings.channels).filter_map(Channel::new).map(door).collect()
    }
}

impl Board for KerongCu16 {
    fn address(&self) -> BoardAddress {
        BoardAddress(self.settings.address)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            channels: self.settings.channels,
            push: Feature::Absent,
            item_sensor: Feature::Present,
            native_pulse: Feature::Present,
        }
    }

    fn unlock(&self, channel: Channel) -> Result<Request, NotSent> {
        let LockNibble(lock) = self.lock(channel).ok_or(NotSent::NoSuchDoor)?;
        let bytes = finish(vec![STX, self.settings.address << 4 | lock, UNLOCK_ONE]);
        Ok(unanswered(bytes, self.settings.pulse.unwrap_or(USUAL_PULSE)))
    }

    fn query_all(&self) -> Request {
        Request::question(finish(vec![STX, self.settings.address << 4, STATUS]))
    }

    fn read_unlock(&self, _: Channel, _: &[u8], _: Burst) -> Reading<DoorState> {
        Reading::More
    }

    fn read_query(&mut self, heard: &[u8], burst: Burst) -> Reading<Vec<Door>> {
        self.status(heard, burst)
    }

    fn read_probe(&self, heard: &[u8], burst: Burst) -> Reading<()> {
        self.status(heard, burst).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::boards::BadFrame;

    fn board(address: u8, channels: u8) -> KerongCu16 {
        let polarity = Polarity::ClosedWhenBitSet;
        KerongCu16::new(Cu16Settings { address, channels, polarity, pulse: None }).unwrap()
    }

    fn unlock(address: u8, lock: u8) -> Vec<u8> {
        board(address, 16).unlock(Channel::new(lock).unwrap()).unwrap().bytes
    }

    #[test]
    fn requests_are_the_published_bytes() {
        assert_eq!(unlock(0, 1), [0x02, 0x00, 0x31, 0x03, 0x36]);
        assert_eq!(unlock(0, 16), [0x02, 0x0F, 0x31, 0x03, 0x45]);
        assert_eq!(unlock(1, 1), [0x02, 0x10, 0x31, 0x03, 0x46]);
        assert_eq!(board(0, 16).query_all().bytes, [0x02, 0x00, 0x30, 0x03, 0x35]);
    }

    #[test]
    fn the_address_of_every_board_and_locks_beyond_the_board_do_not_exist() {
        let settings = |address, channels| Cu16Settings {
            address,
            channels,
            polarity: Polarity::ClosedWhenBitSet,
            pulse: None,
        };
        assert!(KerongCu16::new(settings(15, 16)).is_none());
        assert!(KerongCu16::new(settings(0, 17)).is_none());
        assert_eq!(board(0, 12).unlock(Channel::new(13).unwrap()), Err(NotSent::NoSuchDoor));
    }

    #[test]
    fn published_answers_read_with_their_item_bits() {
        let mut driver = board(0, 16);
        let closed = [0x02, 0x00, 0x35, 0xFF, 0xFF, 0x00, 0x00, 0x03, 0x38];
        let Reading::Whole(doors, 9) = driver.read_query(&closed, Burst::Flowing) else { panic!() };
        assert!(doors.iter().all(|d| d.state == DoorState::Closed && d.item == ItemSense::Absent));
        let open = [0x02, 0x00, 0x35, 0xFE, 0xFF, 0x00, 0x00, 0x03, 0x37];
        let Reading::Whole(doors, _) = driver.read_query(&open, Burst::Flowing) else { panic!() };
        assert_eq!((doors[0].state, doors[1].state), (DoorState::Open, DoorState::Closed));
        let mut item = vec![0x02, 0x00, 0x35, 0xFF, 0xFF, 0x02, 0x80, 0x03];
        item.push(super::super::sum_byte(&item));
        let Reading::Whole(doors, _) = driver.read_query(&item, Burst::Flowing) else { panic!() };
        let present: Vec<_> =
            doors.iter().filter(|d| d.item == ItemSense::Present).map(|d| d.channel.number()).collect();
        assert_eq!(present, [2, 16]);
    }

    #[test]
    fn data_that_looks_like_an_end_does_not_end_a_frame() {
        let mut frame = vec![0x02, 0x00, 0x35, 0x03, 0x02, 0x03, 0x03, 0x03];
        frame.push(super::super::sum_byte(&frame));
        for length in 0..frame.len() {
            assert_eq!(board(0, 16).read_query(&frame[..length], Burst::Flowing), Reading::More);
        }
        assert!(matches!(board(0, 16).read_query(&frame, Burst::Flowing), Reading::Whole(_, 9)));
        // Another board's answer is dropped, and read on behind.
        assert_eq!(board(1, 16).read_query(&frame, Burst::Flowing), Reading::Stray(9, BadFrame::Address));
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            for burst in [Burst::Flowing, Burst::Ended] {
                let _ = board(3, 12).read_probe(&bytes, burst);
                if let Reading::Whole(doors, used) = board(3, 12).read_query(&bytes, burst) {
                    prop_assert_eq!((doors.len(), used), (12, 9));
                }
            }
        }

        #[test]
        fn one_flipped_bit_is_never_read_as_an_answer(at in 0usize..72) {
            let mut frame = [0x02, 0x30, 0x35, 0xA5, 0x5A, 0x00, 0xC3, 0x03, 0];
            frame[8] = super::super::sum_byte(&frame[..8]);
            frame[at / 8] ^= 1 << (at % 8);
            prop_assert!(!matches!(board(3, 16).read_query(&frame, Burst::Ended), Reading::Whole(..)));
        }
    }
}
