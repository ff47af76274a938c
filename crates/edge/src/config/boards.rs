//! The lines, their boards, and what compartment is wired to what: everything about them that can be wrong on paper.
//!
//! What only the cabinet itself can tell (polarity, crossed cables) is proved when the bank is commissioned.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::{CompartmentConfig, ConfigError};
use crate::boards::{
    Board, Board8a80, Board8a80Settings, Channel, Cu16Settings, Cu48Settings, KerongCu16, KerongCu48,
    LineAddress, ModbusRelay, ModbusRelaySettings, Polarity,
};

/// A pulse that a latch and its coil survive, in milliseconds.
const PULSES_MS: std::ops::RangeInclusive<u16> = 50..=2_000;
const USUAL_FLASH_MS: u16 = 500;
const BAUDS: [u32; 5] = [9_600, 19_200, 38_400, 57_600, 115_200];
/// Lines of one bank.
const MOST_BUSES: usize = 8;

/// One line with its boards.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusConfig {
    /// The tty, such as `/dev/ttyUSB0`, or a serial gateway, such as `tcp://10.0.0.7:5000`.
    #[serde(alias = "path", deserialize_with = "line")]
    pub line: LineAddress,
    /// Bits a second; without it, what boards of this kind have when delivered. Meaningless behind a gateway, which
    /// has a setting of its own, except for the pauses between frames.
    #[serde(default)]
    pub baud: Option<u32>,
    /// The boards on it, all of kinds that speak alike.
    #[serde(default, rename = "board")]
    pub boards: Vec<BoardConfig>,
}

fn line<'de, D: Deserializer<'de>>(from: D) -> Result<LineAddress, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

/// One lock board.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardConfig {
    /// The number compartments refer to, unique in the bank.
    pub number: u8,
    /// What kind of board it is.
    #[serde(default)]
    pub kind: BoardKind,
    /// The address set on it.
    pub address: u8,
    /// How many locks it has.
    pub channels: u8,
    /// What its feedback says when a door is closed; proved when the bank is commissioned.
    #[serde(default)]
    pub closed_when: ClosedWhen,
    /// How long it energises a coil, in milliseconds. A Modbus board is told with every unlock (default 500); a KERONG
    /// board keeps what was set on it (default 550); an `8A/80` board can't be told and says when it is done.
    #[serde(default)]
    pub pulse_ms: Option<u16>,
}

/// Kinds of board the controller can drive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum BoardKind {
    /// The generic board with XOR check byte.
    #[default]
    #[serde(rename = "8A/80")]
    Xor8a80,
    /// KERONG KR-CU12.
    #[serde(rename = "CU12")]
    Cu12,
    /// KERONG KR-CU16.
    #[serde(rename = "CU16")]
    Cu16,
    /// KERONG KR-CU48.
    #[serde(rename = "CU48")]
    Cu48,
    /// A Modbus-RTU relay board with inputs that times pulses itself.
    #[serde(rename = "modbus-relay")]
    ModbusRelay,
}

impl BoardKind {
    /// As it is written in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xor8a80 => "8A/80",
            Self::Cu12 => "CU12",
            Self::Cu16 => "CU16",
            Self::Cu48 => "CU48",
            Self::ModbusRelay => "modbus-relay",
        }
    }

    /// Bits a second as delivered.
    #[must_use]
    pub const fn usual_baud(self) -> u32 {
        match self {
            Self::Xor8a80 | Self::ModbusRelay => 9_600,
            Self::Cu12 | Self::Cu16 | Self::Cu48 => 19_200,
        }
    }

    /// What exists of this kind: addresses, and the most channels.
    pub(crate) const fn bounds(self) -> (std::ops::RangeInclusive<u8>, u8) {
        match self {
            Self::Xor8a80 => (1..=99, 50),
            Self::Cu12 => (0..=14, 12),
            Self::Cu16 => (0..=14, 16),
            Self::Cu48 => (0..=9, 48),
            Self::ModbusRelay => (1..=247, 32),
        }
    }

    /// Boards of one speech may share a line: their frames can't be taken for one another's.
    pub(crate) const fn speech(self) -> u8 {
        match self {
            Self::Xor8a80 => 0,
            Self::Cu12 | Self::Cu16 => 1,
            Self::Cu48 => 2,
            Self::ModbusRelay => 3,
        }
    }
}

/// How a board's door feedback is wired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedWhen {
    /// A set bit means closed.
    #[default]
    BitSet,
    /// A clear bit means closed.
    BitClear,
}

impl BusConfig {
    /// Bits a second.
    #[must_use]
    pub fn baud(&self) -> u32 {
        self.baud.unwrap_or_else(|| self.boards.first().map_or(9_600, |board| board.kind.usual_baud()))
    }

    fn check(&self) -> Result<(), ConfigError> {
        let line = &self.line;
        if !BAUDS.contains(&self.baud()) {
            return Err(wrong(format!(
                "bus {line}: baud must be 9600, 19200, 38400, 57600 or 115200, not {}",
                self.baud()
            )));
        }
        let Some(first) = self.boards.first() else {
            return Err(wrong(format!("bus {line} has no board")));
        };
        if let Some(other) = self.boards.iter().find(|board| board.kind.speech() != first.kind.speech()) {
            let (first_kind, other_kind) = (first.kind.name(), other.kind.name());
            return Err(wrong(format!(
                "bus {line}: boards {} ({first_kind}) and {} ({other_kind}) don't speak alike; give them lines of their own",
                first.number, other.number
            )));
        }
        let mut addresses = BTreeMap::new();
        for board in &self.boards {
            board.driver()?;
            if let Some(twin) = addresses.insert(board.address, board.number) {
                return Err(wrong(format!(
                    "bus {line}: boards {twin} and {} both have address {}",
                    board.number, board.address
                )));
            }
        }
        Ok(())
    }
}

impl BoardConfig {
    /// The driver for this board.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] when such a board does not exist.
    pub fn driver(&self) -> Result<Box<dyn Board>, ConfigError> {
        self.check()?;
        let Self { address, channels, .. } = *self;
        let polarity = match self.closed_when {
            ClosedWhen::BitSet => Polarity::ClosedWhenBitSet,
            ClosedWhen::BitClear => Polarity::ClosedWhenBitClear,
        };
        let pulse = self.pulse_ms.map(|ms| Duration::from_millis(ms.into()));
        let boxed: Option<Box<dyn Board>> = match self.kind {
            BoardKind::Xor8a80 => {
                Board8a80::new(Board8a80Settings { address, channels, polarity }).map(|b| Box::new(b) as _)
            }
            BoardKind::Cu12 | BoardKind::Cu16 => {
                KerongCu16::new(Cu16Settings { address, channels, polarity, pulse }).map(|b| Box::new(b) as _)
            }
            BoardKind::Cu48 => {
                KerongCu48::new(Cu48Settings { address, channels, polarity, pulse }).map(|b| Box::new(b) as _)
            }
            BoardKind::ModbusRelay => {
                let pulse_ms = self.pulse_ms.unwrap_or(USUAL_FLASH_MS);
                ModbusRelay::new(ModbusRelaySettings { address, channels, polarity, pulse_ms })
                    .map(|b| Box::new(b) as _)
            }
        };
        boxed.ok_or_else(|| wrong(format!("board {}: there is no such board", self.number)))
    }

    fn check(&self) -> Result<(), ConfigError> {
        let (number, kind) = (self.number, self.kind.name());
        let (addresses, most) = self.kind.bounds();
        if !addresses.contains(&self.address) {
            let (low, high) = (addresses.start(), addresses.end());
            return Err(wrong(format!(
                "board {number}: kind {kind} has addresses {low} to {high}, not {}",
                self.address
            )));
        }
        if !(1..=most).contains(&self.channels) {
            return Err(wrong(format!(
                "board {number}: kind {kind} has 1 to {most} channels, not {}",
                self.channels
            )));
        }
        match (self.kind, self.pulse_ms) {
            (_, None) => Ok(()),
            (BoardKind::Xor8a80, Some(_)) => {
                Err(wrong(format!("board {number}: pulse_ms can't be set on kind {kind}")))
            }
            (BoardKind::ModbusRelay, Some(ms)) if !ms.is_multiple_of(100) || !(100..=2_000).contains(&ms) => {
                Err(wrong(format!(
                    "board {number}: pulse_ms of kind {kind} goes from 100 to 2000 in steps of 100, not {ms}"
                )))
            }
            (_, Some(ms)) if !PULSES_MS.contains(&ms) => {
                Err(wrong(format!("board {number}: pulse_ms must be from 50 to 2000, not {ms}")))
            }
            _ => Ok(()),
        }
    }
}

/// Checks lines, boards and the wiring of the compartments against each other.
pub(super) fn check(buses: &[BusConfig], compartments: &[CompartmentConfig]) -> Result<(), ConfigError> {
    if buses.len() > MOST_BUSES {
        return Err(wrong(format!("a bank has at most {MOST_BUSES} buses, not {}", buses.len())));
    }
    let mut lines = BTreeMap::new();
    let mut boards = BTreeMap::new();
    for bus in buses {
        bus.check()?;
        if lines.insert(&bus.line, ()).is_some() {
            return Err(wrong(format!("the line {} is used by two buses", bus.line)));
        }
        for board in &bus.boards {
            if boards.insert(board.number, board).is_some() {
                return Err(wrong(format!("board number {} is used twice", board.number)));
            }
        }
    }
    compartments.iter().try_for_each(|compartment| check_wiring(&boards, compartment))
}

/// That two compartments share no lock is the layout's own rule.
fn check_wiring(boards: &BTreeMap<u8, &BoardConfig>, wired: &CompartmentConfig) -> Result<(), ConfigError> {
    let CompartmentConfig { number, board, channel, .. } = wired;
    let Some(found) = boards.get(board) else {
        return Err(wrong(format!("compartment {number}: there is no board {board}")));
    };
    if Channel::new(*channel).is_none_or(|channel| channel.number() > found.channels) {
        let last = found.channels;
        return Err(wrong(format!(
            "compartment {number}: board {board} has channels 1 to {last}, not {channel}"
        )));
    }
    Ok(())
}

fn wrong(text: String) -> ConfigError {
    ConfigError::Invalid(text)
}

#[cfg(test)]
mod tests {
    use super::super::EdgeConfig;

    /// What `bailee config check` says about these buses with one compartment at board 1, channel 8.
    fn said(buses: &str) -> String {
        let text = format!(
            "data_dir = '/var/lib/bailee'\n{buses}\n[[compartment]]\nnumber = 1\nsize = 'S'\nboard = 1\nchannel = 8\ncolumn = 0\nrow = 0\n"
        );
        match toml::from_str::<EdgeConfig>(&text) {
            Ok(config) => config.check().map_or_else(|error| error.to_string(), |()| "sound".to_owned()),
            Err(error) => error.message().to_owned(),
        }
    }

    fn bus(line: &str, boards: &[(u8, &str, u8, u8, &str)]) -> String {
        let board = |(number, kind, address, channels, more): &(u8, &str, u8, u8, &str)| {
            format!(
                "[[bus.board]]\nnumber = {number}\nkind = '{kind}'\naddress = {address}\nchannels = {channels}\n{more}\n"
            )
        };
        format!("[[bus]]\nline = '{line}'\n{}", boards.iter().map(board).collect::<String>())
    }

    #[test]
    fn every_kind_can_be_configured_on_both_kinds_of_line() {
        for (kind, address, channels) in
            [("8A/80", 1, 24), ("CU12", 0, 12), ("CU16", 14, 16), ("CU48", 9, 48), ("modbus-relay", 247, 32)]
        {
            for line in ["/dev/ttyUSB0", "tcp://10.0.0.7:5000"] {
                assert_eq!(
                    said(&bus(line, &[(1, kind, address, channels, "")])),
                    "sound",
                    "{kind} on {line}"
                );
            }
        }
        assert_eq!(
            said("[[bus]]\npath = '/dev/ttyUSB0'\n[[bus.board]]\nnumber = 1\naddress = 1\nchannels = 8"),
            "sound"
        );
    }

    #[test]
    fn boards_of_one_speech_share_a_line_and_others_do_not() {
        let two = |second| bus("/dev/a", &[(1, "CU16", 0, 16, ""), (2, second, 1, 8, "")]);
        assert_eq!(said(&two("CU12")), "sound");
        assert_eq!(
            said(&two("CU48")),
            "bus /dev/a: boards 1 (CU16) and 2 (CU48) don't speak alike; give them lines of their own"
        );
    }

    #[test]
    fn each_mistake_is_named_with_what_would_be_right() {
        let one = |kind, address, channels, more| bus("/dev/a", &[(1, kind, address, channels, more)]);
        let cases = [
            (one("8A/80", 0, 8, ""), "board 1: kind 8A/80 has addresses 1 to 99, not 0"),
            (one("CU16", 15, 16, ""), "board 1: kind CU16 has addresses 0 to 14, not 15"),
            (one("CU48", 10, 48, ""), "board 1: kind CU48 has addresses 0 to 9, not 10"),
            (one("CU12", 0, 16, ""), "board 1: kind CU12 has 1 to 12 channels, not 16"),
            (one("modbus-relay", 0, 8, ""), "board 1: kind modbus-relay has addresses 1 to 247, not 0"),
            (
                one("modbus-relay", 1, 8, "pulse_ms = 250"),
                "board 1: pulse_ms of kind modbus-relay goes from 100 to 2000 in steps of 100, not 250",
            ),
            (one("8A/80", 1, 8, "pulse_ms = 500"), "board 1: pulse_ms can't be set on kind 8A/80"),
            (one("CU48", 0, 48, "pulse_ms = 5000"), "board 1: pulse_ms must be from 50 to 2000, not 5000"),
            (one("CU16", 0, 4, ""), "compartment 1: board 1 has channels 1 to 4, not 8"),
            (bus("/dev/a", &[(2, "CU16", 0, 16, "")]), "compartment 1: there is no board 1"),
            (
                bus("/dev/a", &[(1, "CU16", 3, 16, ""), (2, "CU16", 3, 16, "")]),
                "bus /dev/a: boards 1 and 2 both have address 3",
            ),
            (
                [one("CU16", 3, 16, ""), bus("/dev/b", &[(1, "CU16", 3, 16, "")])].concat(),
                "board number 1 is used twice",
            ),
            (
                [one("CU16", 3, 16, ""), bus("/dev/a", &[(2, "CU16", 4, 16, "")])].concat(),
                "the line /dev/a is used by two buses",
            ),
            (
                bus("ttyUSB0", &[(1, "CU16", 0, 16, "")]),
                "\"ttyUSB0\" is no line: give an absolute path such as /dev/ttyUSB0, or tcp://host:port",
            ),
        ];
        for (buses, complaint) in cases {
            assert_eq!(said(&buses), complaint);
        }
    }

    #[test]
    fn a_gateway_serves_one_bus() {
        let two = [bus("tcp://h:1", &[(1, "CU16", 3, 16, "")]), bus("tcp://h:2", &[(2, "CU16", 3, 16, "")])];
        assert_eq!(said(&two.concat()), "sound");
    }
}
