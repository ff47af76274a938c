//! No frame that opens more than one lock, or holds one open, can be made by anything public: not by any driver,
//! not by the owner of a bus.

use bailee_edge::boards::{
    Board, Board8a80, Board8a80Settings, Channel, Cu16Settings, Cu48Settings, KerongCu16, KerongCu48,
    ModbusRelay, ModbusRelaySettings, Polarity,
};
use bailee_sim::cabinet::{Family, opens_everything};
use proptest::prelude::*;

/// A driver with any settings, if there is such a board.
fn board(family: Family, address: u8, channels: u8, pulse_ms: u16) -> Option<Box<dyn Board>> {
    let polarity = Polarity::ClosedWhenBitSet;
    let pulse = Some(std::time::Duration::from_millis(pulse_ms.into()));
    match family {
        Family::Xor8a80 => {
            Board8a80::new(Board8a80Settings { address, channels, polarity }).map(|b| Box::new(b) as _)
        }
        Family::Cu12 | Family::Cu16 => {
            KerongCu16::new(Cu16Settings { address, channels, polarity, pulse }).map(|b| Box::new(b) as _)
        }
        Family::Cu48 => {
            KerongCu48::new(Cu48Settings { address, channels, polarity, pulse }).map(|b| Box::new(b) as _)
        }
        Family::ModbusRelay => {
            ModbusRelay::new(ModbusRelaySettings { address, channels, polarity, pulse_ms })
                .map(|b| Box::new(b) as _)
        }
    }
}

/// Every frame a driver can be made to give.
fn frames(board: &dyn Board) -> Vec<Vec<u8>> {
    let unlocks = (0..=255).filter_map(Channel::new).filter_map(|channel| board.unlock(channel).ok());
    let others = [board.query_all(), board.echo_probe()].into_iter().chain(board.rest());
    unlocks.chain(others).map(|request| request.bytes).collect()
}

const ALL: [Family; 5] = [Family::Xor8a80, Family::Cu12, Family::Cu16, Family::Cu48, Family::ModbusRelay];

#[test]
fn the_oracle_knows_the_frames_that_open_everything() {
    let known: [(Family, &[u8]); 8] = [
        (Family::Xor8a80, &[0x8A, 0x01, 0x00, 0x11, 0x9A]),
        (Family::Cu16, &[0x02, 0x00, 0x33, 0x03, 0x38]),
        (Family::Cu16, &[0x02, 0xF0, 0x31, 0x03, 0x26]),
        (Family::Cu48, &[0x02, 0x00, 0x30, 0x51, 0x03, 0x86]),
        (Family::Cu48, &[0x02, 0x0A, 0x30, 0x51, 0x03, 0x90]),
        (Family::ModbusRelay, &[0x01, 0x05, 0x00, 0xFF, 0xFF, 0x00, 0xBC, 0x0A]),
        (Family::ModbusRelay, &[0x01, 0x05, 0x00, 0x00, 0xFF, 0x00, 0x8C, 0x3A]),
        (Family::Cu48, &[0x02, 0x0A, 0x01, 0x51, 0x03, 0x61]),
    ];
    for (family, bytes) in known {
        assert!(opens_everything(family, bytes), "{family} {bytes:02X?}");
    }
    assert!(!opens_everything(Family::Xor8a80, &[0x8A, 0x01, 0x01, 0x11, 0x9B]));
    assert!(!opens_everything(Family::ModbusRelay, &[0x01, 0x05, 0x00, 0xFF, 0x00, 0x00, 0xFD, 0xFA]));
}

#[test]
fn every_frame_of_every_board_that_exists_opens_at_most_one_lock() {
    let mut checked = 0;
    for family in ALL {
        for address in 0..=255 {
            for channels in [1, 8, 12, 16, 17, 24, 32, 33, 48, 49, 50, 51, 255] {
                let Some(board) = board(family, address, channels, 500) else { continue };
                for frame in frames(&*board) {
                    checked += 1;
                    assert!(!opens_everything(family, &frame), "{family}: {frame:02X?}");
                }
            }
        }
    }
    assert!(checked > 10_000, "{checked}");
}

#[test]
fn no_board_exists_at_an_address_that_means_all() {
    let exists = |family, address| board(family, address, 1, 500).is_some();
    assert!(!exists(Family::Xor8a80, 0) && !exists(Family::ModbusRelay, 0));
    assert!((15..=255).all(|address| !exists(Family::Cu16, address)));
    assert!((10..=255).all(|address| !exists(Family::Cu48, address)));
}

proptest! {
    #[test]
    fn no_settings_and_no_lock_make_such_a_frame(
        family in prop::sample::select(&ALL[..]),
        address in any::<u8>(),
        channels in any::<u8>(),
        pulse_ms in any::<u16>(),
    ) {
        if let Some(board) = board(family, address, channels, pulse_ms) {
            // Whoever listens with another board's ears must not be told to open everything either.
            for frame in frames(&*board) {
                prop_assert!(!opens_everything(family, &frame), "{:02X?}", frame);
            }
        }
    }
}
