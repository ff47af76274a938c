//! Accelerometers in the configuration file.

use std::path::PathBuf;

use bailee_domain::lockdown::Area;
use serde::Deserialize;

use crate::sensors::iio::Place;
use crate::sensors::vibration::Thresholds;

/// An accelerometer on the cabinet, as Linux' Industrial I/O shows it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VibrationConfig {
    /// Its number, unique among accelerometers.
    pub number: u8,
    /// The device, such as `iio:device0`.
    pub device: String,
    /// Samples a second; 800 is meant, the driver may round it.
    #[serde(default = "default_rate")]
    pub rate_hz: u32,
    /// The column of the cabinet it sits on, from 0; without it, it speaks for the whole bank.
    #[serde(default)]
    pub column: Option<u16>,
    /// Where one class ends and the next begins, when this site differs.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// Where the kernel shows devices, when that is not `/sys/bus/iio/devices` and `/dev`.
    #[serde(default)]
    pub root: Option<PathBuf>,
}

const fn default_rate() -> u32 {
    800
}

impl VibrationConfig {
    /// Where its files are.
    pub fn place(&self) -> Place {
        match &self.root {
            Some(root) => {
                Place { sysfs: root.join(&self.device), device: root.join("dev").join(&self.device) }
            }
            None => Place::named(&self.device),
        }
    }

    /// What it speaks for.
    pub const fn area(&self) -> Area {
        match self.column {
            Some(column) => Area::Zone(column),
            None => Area::Bank,
        }
    }

    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if !(200..=3_200).contains(&self.rate_hz) {
            return Some("vibration.rate_hz must be between 200 and 3200");
        }
        let named = self.device.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b':');
        (self.device.is_empty() || !named).then_some("vibration.device is a name such as iio:device0")
    }
}
