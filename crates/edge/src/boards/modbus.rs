//! Modbus-RTU relay boards with inputs: the board times the pulse ("flash on"), the inputs are the door switches.
//!
//! Source: Modbus Application Protocol 1.1b3, Modbus over Serial Line 1.02, and the relay makers' flash extension;
//! bytes in docs/reference/boards.md. A relay is never switched on and off by two frames: a stop between them would
//! leave a coil burning. The one coil address that means "every relay" appears only with the value "off".

use std::time::Duration;

use super::{
    BadFrame, Board, BoardAddress, Burst, Capabilities, Channel, Coil, Door, DoorState, Feature, ItemSense,
    NotSent, Polarity, Reading, Reply, Request,
    shape::{Proof, bit, read},
};

const READ_INPUTS: u8 = 0x02;
const WRITE_COIL: u8 = 0x05;
const EXCEPTION: u8 = 0x80;
/// The high byte of the coil address of a timed pulse.
const FLASH_ON: u8 = 0x02;
/// `A 05 hi lo value value crc crc`, and the answer repeats it.
const WRITE_LEN: usize = 8;
/// `A 80|function code crc crc`.
const EXCEPTION_LEN: usize = 5;
const HIGHEST_ADDRESS: u8 = 247;
const MOST_CHANNELS: u8 = 32;
const PULSE_STEP_MS: u16 = 100;
const LONGEST_PULSE_MS: u16 = 2_000;

/// One board of this kind as it is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModbusRelaySettings {
    /// The board's Modbus address, 1 to 247.
    pub address: u8,
    /// Relays on the board, each with the input of the same number; 1 to 32.
    pub channels: u8,
    /// How the inputs are wired; a set bit is a closed contact.
    pub polarity: Polarity,
    /// How long a coil is energised: 100 to 2000 ms in steps of 100 ms.
    pub pulse_ms: u16,
}

/// The driver of one relay board.
#[derive(Clone, Debug)]
pub struct ModbusRelay {
    settings: ModbusRelaySettings,
}

/// What a coil can be told; there is no "on".
#[derive(Clone, Copy)]
enum CoilOrder {
    /// One relay, from 0, for so many tenths of a second.
    Flash { relay: u8, tenths: u8 },
    /// Every relay off.
    AllOff,
}

impl ModbusRelay {
    /// A driver, or nothing if address, channels or pulse do not exist on these boards.
    #[must_use]
    pub fn new(settings: ModbusRelaySettings) -> Option<Self> {
        let ModbusRelaySettings { address, channels, pulse_ms, .. } = settings;
        let sound = (1..=HIGHEST_ADDRESS).contains(&address)
            && (1..=MOST_CHANNELS).contains(&channels)
            && (PULSE_STEP_MS..=LONGEST_PULSE_MS).contains(&pulse_ms)
            && pulse_ms.is_multiple_of(PULSE_STEP_MS);
        sound.then_some(Self { settings })
    }

    fn coil(&self, order: CoilOrder) -> Vec<u8> {
        let (coil, value) = match order {
            CoilOrder::Flash { relay, tenths } => ([FLASH_ON, relay], [0, tenths]),
            CoilOrder::AllOff => ([0x00, 0xFF], [0, 0]),
        };
        finish(vec![self.settings.address, WRITE_COIL, coil[0], coil[1], value[0], value[1]])
    }

    fn flash(&self, channel: Channel) -> Option<Vec<u8>> {
        let relay = channel.number() - 1;
        let tenths = u8::try_from(self.settings.pulse_ms / PULSE_STEP_MS).ok()?;
        (relay < self.settings.channels).then(|| self.coil(CoilOrder::Flash { relay, tenths }))
    }

    fn status_bytes(&self) -> u8 {
        self.settings.channels.div_ceil(8)
    }

    /// An exception that answers `function`, whole and of this board.
    fn is_exception(&self, function: u8, heard: &[u8]) -> bool {
        let Some(frame) = heard.get(..EXCEPTION_LEN) else { return false };
        frame[..2] == [self.settings.address, function | EXCEPTION] && is_sealed(frame)
    }

    fn inputs(&self, heard: &[u8], burst: Burst) -> Reading<Vec<Door>> {
        if self.is_exception(READ_INPUTS, heard) {
            return Reading::Declined(EXCEPTION_LEN);
        }
        let bytes = self.status_bytes();
        let prove = |frame: &[u8]| {
            if !is_sealed(frame) {
                Proof::Bad(BadFrame::Check)
            } else if frame[1] != READ_INPUTS || frame[2] != bytes {
                Proof::Bad(BadFrame::Header)
            } else if frame[0] != self.settings.address {
                Proof::Foreign(BadFrame::Address)
            } else {
                Proof::Sound
            }
        };
        let len = 3 + usize::from(bytes) + 2;
        read(heard, burst, len, prove, |frame| self.doors(&frame[3..len - 2]))
    }

    fn doors(&self, inputs: &[u8]) -> Vec<Door> {
        let door = |channel: Channel| {
            let set = bit(inputs, usize::from(channel.number() - 1));
            let state = set.map_or(DoorState::Unknown, |set| self.settings.polarity.state(set));
            Door { channel, state, item: ItemSense::Unknown }
        };
        (1..=self.settings.channels).filter_map(Channel::new).map(door).collect()
    }
}

impl Board for ModbusRelay {
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
        Ok(Request {
            bytes: self.flash(channel).ok_or(NotSent::NoSuchDoor)?,
            // The answer repeats the request, value and all.
            reply: Reply::MayEqual,
            coil: Coil::For(Duration::from_millis(self.settings.pulse_ms.into())),
            not_before: Duration::ZERO,
            within: Duration::from_millis(300),
        })
    }

    fn rest(&self) -> Option<Request> {
        let bytes = self.coil(CoilOrder::AllOff);
        Some(Request { reply: Reply::MayEqual, ..Request::question(bytes) })
    }

    fn query_all(&self) -> Request {
        let count = self.settings.channels;
        Request::question(finish(vec![self.settings.address, READ_INPUTS, 0, 0, 0, count]))
    }

    fn read_unlock(&self, channel: Channel, heard: &[u8], burst: Burst) -> Reading<DoorState> {
        if self.is_exception(WRITE_COIL, heard) {
            return Reading::Declined(EXCEPTION_LEN);
        }
        let wanted = self.flash(channel).unwrap_or_default();
        let prove = |frame: &[u8]| {
            if frame == wanted {
                Proof::Sound
            } else if !is_sealed(frame) {
                Proof::Bad(BadFrame::Check)
            } else if frame[0] != self.settings.address {
                Proof::Foreign(BadFrame::Address)
            } else if frame[1..3] != [WRITE_COIL, FLASH_ON] {
                Proof::Bad(BadFrame::Header)
            } else if frame[3] != wanted.get(3).copied().unwrap_or_default() {
                Proof::Foreign(BadFrame::Lock)
            } else {
                Proof::Bad(BadFrame::State)
            }
        };
        read(heard, burst, WRITE_LEN, prove, |_| DoorState::Unknown)
    }

    fn read_query(&mut self, heard: &[u8], burst: Burst) -> Reading<Vec<Door>> {
        self.inputs(heard, burst)
    }

    fn read_probe(&self, heard: &[u8], burst: Burst) -> Reading<()> {
        self.inputs(heard, burst).map(|_| ())
    }
}

/// CRC-16/MODBUS: polynomial A001 reflected, from FFFF; sent with its low byte first.
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 })
    })
}

fn finish(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend(crc16(&bytes).to_le_bytes());
    bytes
}

fn is_sealed(frame: &[u8]) -> bool {
    frame.len() >= 4 && crc16(&frame[..frame.len() - 2]).to_le_bytes() == frame[frame.len() - 2..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn board(channels: u8, pulse_ms: u16) -> ModbusRelay {
        let polarity = Polarity::ClosedWhenBitSet;
        ModbusRelay::new(ModbusRelaySettings { address: 1, channels, polarity, pulse_ms }).unwrap()
    }

    fn lock(number: u8) -> Channel {
        Channel::new(number).unwrap()
    }

    #[test]
    fn requests_are_the_published_bytes() {
        let unlock = |pulse_ms| board(8, pulse_ms).unlock(lock(1)).unwrap().bytes;
        assert_eq!(unlock(700), [0x01, 0x05, 0x02, 0x00, 0x00, 0x07, 0x8D, 0xB0]);
        assert_eq!(unlock(200), [0x01, 0x05, 0x02, 0x00, 0x00, 0x02, 0x4D, 0xB3]);
        assert_eq!(board(8, 500).query_all().bytes, [0x01, 0x02, 0x00, 0x00, 0x00, 0x08, 0x79, 0xCC]);
        let rest = board(8, 500).rest().unwrap().bytes;
        assert_eq!(rest, [0x01, 0x05, 0x00, 0xFF, 0x00, 0x00, 0xFD, 0xFA]);
    }

    #[test]
    fn the_published_answer_reads() {
        let reading = board(8, 500).read_query(&[0x01, 0x02, 0x01, 0xFE, 0x20, 0x08], Burst::Flowing);
        let Reading::Whole(doors, 6) = reading else { panic!("{reading:?}") };
        assert_eq!(doors[0].state, DoorState::Open);
        assert!(doors[1..].iter().all(|door| door.state == DoorState::Closed));
    }

    #[test]
    fn only_the_same_frame_with_its_value_answers_an_unlock() {
        let driver = board(8, 700);
        let sent = driver.unlock(lock(1)).unwrap().bytes;
        assert_eq!(driver.read_unlock(lock(1), &sent, Burst::Flowing), Reading::Whole(DoorState::Unknown, 8));
        let plain = finish(vec![1, 5, 2, 0, 0xFF, 0]);
        assert_eq!(driver.read_unlock(lock(1), &plain, Burst::Ended), Reading::Bad(BadFrame::State));
        let other = driver.unlock(lock(2)).unwrap().bytes;
        assert_eq!(driver.read_unlock(lock(1), &other, Burst::Ended), Reading::Stray(8, BadFrame::Lock));
        let exception = finish(vec![1, 0x85, 0x02]);
        assert_eq!(driver.read_unlock(lock(1), &exception, Burst::Flowing), Reading::Declined(5));
    }

    #[test]
    fn pulses_the_board_cannot_give_do_not_exist() {
        let of = |pulse_ms| {
            let polarity = Polarity::ClosedWhenBitSet;
            ModbusRelay::new(ModbusRelaySettings { address: 1, channels: 8, polarity, pulse_ms })
        };
        assert!(of(0).is_none() && of(150).is_none() && of(2_100).is_none() && of(65_500).is_none());
        assert!(of(100).is_some() && of(2_000).is_some());
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
            channels in 1u8..=32,
        ) {
            let mut driver = board(channels, 500);
            for burst in [Burst::Flowing, Burst::Ended] {
                let _ = driver.read_unlock(lock(1), &bytes, burst);
                let _ = driver.read_probe(&bytes, burst);
                if let Reading::Whole(doors, _) = driver.read_query(&bytes, burst) {
                    prop_assert_eq!(doors.len(), usize::from(channels));
                }
            }
        }

        #[test]
        fn one_flipped_bit_is_never_read_as_an_answer(at in 0usize..56) {
            let mut frame = finish(vec![1, 2, 2, 0xA5, 0x5A]);
            frame[at / 8] ^= 1 << (at % 8);
            prop_assert!(!matches!(board(16, 500).read_query(&frame, Burst::Ended), Reading::Whole(..)));
        }
    }
}
