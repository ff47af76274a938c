//! The controller's configuration file: which boards hang on which bus, and which compartment is wired to what.
//!
//! TOML, unknown keys refused, parsed once into types that are valid. Secrets are not in it: what enrolment gave
//! the bank lies sealed in the data folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bailee_domain::compartment::{Compartment, CompartmentNo, Layout, LayoutError, Reach, Size, Wiring};
use bailee_ui::i18n::Locale;
use serde::{Deserialize, Serialize};

use crate::readers::config::ReadersConfig;

mod boards;
mod vibration;

pub use boards::{BoardConfig, BoardKind, BusConfig, ClosedWhen};
pub use vibration::VibrationConfig;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeConfig {
    /// Folder for keys, journal and what enrolment gave; only the controller's user may read it.
    pub data_dir: PathBuf,
    /// The kiosk's own web server.
    #[serde(default)]
    pub kiosk: KioskConfig,
    /// The lines, each with its boards.
    #[serde(default, rename = "bus")]
    pub buses: Vec<BusConfig>,
    /// Badge readers and scanners.
    #[serde(default)]
    pub readers: ReadersConfig,
    /// The compartments.
    #[serde(default, rename = "compartment")]
    pub compartments: Vec<CompartmentConfig>,
    /// A file that holds `1` while the siren sounds, such as `/sys/class/leds/siren/brightness`.
    #[serde(default)]
    pub siren: Option<PathBuf>,
    /// The TPM that tells this disk from a copy, as a TCTI names it, such as `device:/dev/tpmrm0`.
    #[serde(default)]
    pub tpm: Option<String>,
    /// SHA-256 PCRs of that TPM, at most eight, that must be as they were when the bank's keys were sealed, such as `[7]` for
    /// secure boot. Firmware that changes them makes the bank's keys unreadable: it is then enrolled anew.
    #[serde(default)]
    pub tpm_pcrs: Vec<u8>,
    /// Tamper switches.
    #[serde(default, rename = "switch")]
    pub switches: Vec<SwitchConfig>,
    /// Accelerometers.
    #[serde(default)]
    pub vibration: Vec<VibrationConfig>,
}

/// A normally closed tamper switch, as the system shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchConfig {
    /// What it watches.
    pub kind: SwitchKind,
    /// Its number, unique among its kind.
    pub number: u8,
    /// A file whose first character tells its state, such as `/sys/class/gpio/gpio17/value`.
    pub file: PathBuf,
    /// That character while the loop is closed: the switch at rest and its wire whole.
    #[serde(default = "one")]
    pub at_rest: char,
}

const fn one() -> char {
    '1'
}

/// What a tamper switch watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchKind {
    /// The enclosure of the controller or the cabinet's back.
    Enclosure,
    /// A pry plate.
    Pry,
}

/// The kiosk's own web server and screen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KioskConfig {
    /// Where it listens; loopback only, because anybody who reaches it stands before the bank.
    pub listen: SocketAddr,
    /// CSS pixels in a millimetre of the screen, so that keys are 20 mm wide.
    pub px_per_mm: f32,
    /// The language it starts in: `en` or `ar`.
    pub language: String,
    /// Millimetres of one column of the cabinet's front, to draw it to scale.
    pub column_mm: u16,
    /// Millimetres of one row of the cabinet's front, to draw it to scale.
    pub row_mm: u16,
}

impl Default for KioskConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            px_per_mm: 5.56,
            language: "en".to_owned(),
            column_mm: 400,
            row_mm: 150,
        }
    }
}

/// One compartment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompartmentConfig {
    /// The number on its door.
    pub number: u16,
    /// `S`, `M`, `L` or `X`.
    pub size: char,
    /// Whether it can be reached from a wheelchair.
    #[serde(default)]
    pub low_reach: bool,
    /// The board's number.
    pub board: u8,
    /// The lock on that board, from 1.
    pub channel: u8,
    /// Column in the front, from 0.
    pub column: u16,
    /// Topmost row in the front, from 0.
    pub row: u16,
    /// Height in rows.
    #[serde(default = "default_height")]
    pub height: u16,
    /// What else it has; the engine makes no use of it yet.
    #[serde(default)]
    pub features: Vec<Feature>,
}

/// What a compartment has besides its size and its reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// A socket.
    Power,
    /// It is cooled.
    Cooled,
}

const fn default_height() -> u16 {
    1
}

/// Why a configuration cannot be used. The text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML of the expected form; the source names line and column.
    #[error("{path} is not a valid configuration")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The compartments do not make a bank.
    #[error("the compartments do not make a bank")]
    Layout(#[from] LayoutError),
    /// Something else does not fit together.
    #[error("{0}")]
    Invalid(String),
}

impl EdgeConfig {
    /// These lines and doors, and the default of everything else.
    #[must_use]
    pub fn plain(data_dir: PathBuf, buses: Vec<BusConfig>, compartments: Vec<CompartmentConfig>) -> Self {
        Self {
            data_dir,
            kiosk: KioskConfig::default(),
            readers: ReadersConfig::default(),
            buses,
            compartments,
            siren: None,
            tpm: None,
            tpm_pcrs: Vec::new(),
            switches: Vec::new(),
            vibration: Vec::new(),
        }
    }

    /// Reads a file whose doors may not be known yet: what enrolment and commissioning begin with.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] or [`ConfigError::Malformed`].
    pub fn read_unfinished(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source: Box::new(source) })
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let config = Self::read_unfinished(path)?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn check(&self) -> Result<(), ConfigError> {
        self.layout()?;
        if !self.kiosk.listen.ip().is_loopback() {
            return Err(invalid(
                "kiosk.listen must be a loopback address: whoever reaches the kiosk stands before the bank",
            ));
        }
        if !(1.0..=50.0).contains(&self.kiosk.px_per_mm) {
            return Err(invalid("kiosk.px_per_mm must be between 1 and 50"));
        }
        if Locale::from_tag(&self.kiosk.language).is_none() {
            return Err(invalid("kiosk.language must be en or ar"));
        }
        if let Some(fault) = self.vibration.iter().find_map(VibrationConfig::fault) {
            return Err(invalid(fault));
        }
        let too_high = self.tpm_pcrs.iter().any(|pcr| *pcr > 23);
        if too_high || self.tpm_pcrs.len() > 8 || (self.tpm.is_none() && !self.tpm_pcrs.is_empty()) {
            return Err(invalid("tpm_pcrs names at most eight PCRs from 0 to 23 of the TPM named by tpm"));
        }
        self.readers.check().map_err(ConfigError::Invalid)?;
        boards::check(&self.buses, &self.compartments)
    }

    /// The compartments known so far; a bank that has not been commissioned may have none.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn layout_so_far(&self) -> Result<Layout, ConfigError> {
        if self.compartments.is_empty() { Ok(Layout::default()) } else { self.layout() }
    }

    /// The compartments as the engine knows them.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn layout(&self) -> Result<Layout, ConfigError> {
        let compartments: Result<Vec<_>, _> =
            self.compartments.iter().map(CompartmentConfig::compartment).collect();
        Ok(Layout::new(compartments?)?)
    }
}

impl CompartmentConfig {
    fn compartment(&self) -> Result<Compartment, ConfigError> {
        let size = Size::from_code(self.size).ok_or_else(|| {
            ConfigError::Invalid(format!("compartment {}: size must be S, M, L or X", self.number))
        })?;
        Ok(Compartment {
            number: CompartmentNo(self.number),
            size,
            reach: if self.low_reach { Reach::Low } else { Reach::Standard },
            wiring: Wiring { board: self.board, channel: self.channel },
            column: self.column,
            row: self.row,
            height: self.height,
        })
    }
}

fn invalid(text: &str) -> ConfigError {
    ConfigError::Invalid(text.to_owned())
}
