//! The CU48: up to 48 locks, address and lock in bytes of their own.

use std::time::Duration;

use super::{STX, USUAL_PULSE, finish, prove, unanswered};
use crate::boards::{
    Board, BoardAddress, Burst, Capabilities, Channel, Door, DoorState, Feature, ItemSense, NotSent,
    Polarity, Reading, Request,
    shape::{bit, read},
};

const STATUS: u8 = 0x50;
const UNLOCK: u8 = 0x51;
const IS_STATUS: u8 = 0x65;
/// `02 ADDR LOCK 65 D1..D6 03 SUM`; LOCK means nothing in an answer.
const STATUS_LEN: usize = 12;
/// 0A would be "every board".
const HIGHEST_ADDRESS: u8 = 9;
/// Lock 30 (48 counted from 0) would be "every lock".
const MOST_CHANNELS: u8 = 48;

/// One board of this kind as it is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cu48Settings {
    /// Set by the switch on the board, 0 to 9.
    pub address: u8,
    /// Locks on the board, 1 to 48.
    pub channels: u8,
    /// How the feedback is wired; as delivered, a set bit means closed.
    pub polarity: Polarity,
    /// How long the board energises a coil; nothing for 550 ms.
    pub pulse: Option<Duration>,
}

/// The driver of one CU48.
#[derive(Clone, Debug)]
pub struct KerongCu48 {
    settings: Cu48Settings,
}

/// One lock of the board, from 0: never 48, which means all.
#[derive(Clone, Copy)]
struct LockByte(u8);

impl KerongCu48 {
    /// A driver, or nothing if the address or the number of channels does not exist on these boards.
    #[must_use]
    pub fn new(settings: Cu48Settings) -> Option<Self> {
        let sound = settings.address <= HIGHEST_ADDRESS && (1..=MOST_CHANNELS).contains(&settings.channels);
        sound.then_some(Self { settings })
    }

    fn lock(&self, channel: Channel) -> Option<LockByte> {
        (channel.number() <= self.settings.channels).then(|| LockByte(channel.number() - 1))
    }

    fn status(&self, heard: &[u8], burst: Burst) -> Reading<Vec<Door>> {
        let is_ours = heard.get(1) == Some(&self.settings.address);
        let prove = |frame: &[u8]| prove(frame, (3, IS_STATUS), is_ours);
        read(heard, burst, STATUS_LEN, prove, |frame| self.doors(&frame[4..10]))
    }

    fn doors(&self, locks: &[u8]) -> Vec<Door> {
        let door = |channel: Channel| {
            let set = bit(locks, usize::from(channel.number() - 1));
            let state = set.map_or(DoorState::Unknown, |set| self.settings.polarity.state(set));
            Door { channel, state, item: ItemSense::Unknown }
        };
        (1..=self.settings.channels).filter_map(Channel::new).map(door).collect()
    }
}

impl Board for KerongCu48 {
    fn address(&self) -> BoardAddress {
        BoardAddress(self.settings.address)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            channels: self.settings.channels,
            push: Feature::Absent,
            item_sensor: Feature::Absent,
            native_pulse: Feature::Present,
        }
    }

    fn unlock(&self, channel: Channel) -> Result<Request, NotSent> {
        let LockByte(lock) = self.lock(channel).ok_or(NotSent::NoSuchDoor)?;
        let bytes = finish(vec![STX, self.settings.address, lock, UNLOCK]);
        Ok(unanswered(bytes, self.settings.pulse.unwrap_or(USUAL_PULSE)))
    }

    fn query_all(&self) -> Request {
        Request::question(finish(vec![STX, self.settings.address, 0, STATUS]))
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

    fn board(address: u8, channels: u8) -> KerongCu48 {
        let polarity = Polarity::ClosedWhenBitSet;
        KerongCu48::new(Cu48Settings { address, channels, polarity, pulse: None }).unwrap()
    }

    fn closed(reading: Reading<Vec<Door>>) -> Vec<u8> {
        let Reading::Whole(doors, STATUS_LEN) = reading else { panic!("{reading:?}") };
        let closed = doors.iter().filter(|door| door.state == DoorState::Closed);
        closed.map(|door| door.channel.number()).collect()
    }

    #[test]
    fn requests_are_the_vendors_bytes() {
        let unlock = board(0, 48).unlock(Channel::new(1).unwrap()).unwrap();
        assert_eq!(unlock.bytes, [0x02, 0x00, 0x00, 0x51, 0x03, 0x56]);
        assert_eq!(board(0, 48).query_all().bytes, [0x02, 0x00, 0x00, 0x50, 0x03, 0x55]);
        let last = board(9, 48).unlock(Channel::new(48).unwrap()).unwrap();
        assert_eq!(last.bytes[..4], [0x02, 0x09, 0x2F, 0x51]);
    }

    #[test]
    fn the_vendors_answers_read() {
        let mut driver = board(0, 48);
        let answer = [0x02, 0x00, 0x00, 0x65, 0x07, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x03, 0x31];
        assert_eq!(closed(driver.read_query(&answer, Burst::Flowing)), [1, 2, 3, 47, 48]);
        let answer = [0x02, 0x01, 0x00, 0x65, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x03, 0xEB];
        assert_eq!(closed(board(1, 48).read_query(&answer, Burst::Flowing)), [24]);
    }

    #[test]
    fn the_values_for_all_do_not_exist() {
        let settings = |address, channels| Cu48Settings {
            address,
            channels,
            polarity: Polarity::ClosedWhenBitSet,
            pulse: None,
        };
        assert!(KerongCu48::new(settings(10, 48)).is_none());
        assert!(KerongCu48::new(settings(0, 49)).is_none());
        assert_eq!(board(0, 48).unlock(Channel::new(49).unwrap()), Err(NotSent::NoSuchDoor));
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            for burst in [Burst::Flowing, Burst::Ended] {
                let _ = board(3, 48).read_probe(&bytes, burst);
                if let Reading::Whole(doors, used) = board(3, 20).read_query(&bytes, burst) {
                    prop_assert_eq!((doors.len(), used), (20, 12));
                }
            }
        }

        #[test]
        fn one_flipped_bit_is_never_read_as_an_answer(at in 0usize..96) {
            // LOCK means nothing in an answer, but the sum covers it.
            let mut frame = [0x02, 3, 0, 0x65, 0xA5, 0x5A, 0, 1, 2, 0xC3, 0x03, 0];
            frame[11] = super::super::sum_byte(&frame[..11]);
            frame[at / 8] ^= 1 << (at % 8);
            prop_assert!(!matches!(board(3, 48).read_query(&frame, Burst::Ended), Reading::Whole(..)));
        }
    }
}
