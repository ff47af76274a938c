//! The controller's machine as the kernel shows it: room on the disk, power supplies, temperatures.
//!
//! Everything read is bounded and may be missing: a board without sensors has a shorter report. Formats are those of the
//! kernel's sysfs: Documentation/ABI/testing/sysfs-class-power and sysfs-class-thermal.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bailee_domain::health::{Disk, MAX_SUPPLIES, MAX_TEMPERATURES, Supply, SupplyKind, Temperature};

/// No file of the kernel's with one value is longer.
const MAX_VALUE_BYTES: u64 = 256;
/// More folders than this are not looked at.
const MAX_ENTRIES: usize = 64;
/// Files of the journal that are counted.
const MAX_FILES: usize = 100_000;

/// Where to look.
#[derive(Clone, Debug)]
pub struct Machine {
    sys: PathBuf,
    data: PathBuf,
}

impl Machine {
    /// A machine whose kernel shows itself below `sys`, with the controller's data in `data`.
    pub const fn at(sys: PathBuf, data: PathBuf) -> Self {
        Self { sys, data }
    }

    /// Room on the disk of the data folder.
    pub fn disk(&self) -> Option<Disk> {
        let room = nix::sys::statvfs::statvfs(&self.data).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(room.fragment_size());
        Some(Disk {
            free: bytes(room.blocks_available()),
            total: bytes(room.blocks()),
            journal: size_of(&self.data.join("journal")),
        })
    }

    /// Power supplies; those of devices such as a mouse are none of ours.
    pub fn power(&self) -> Vec<Supply> {
        let all = entries(&self.sys.join("class/power_supply"));
        let ours = all.iter().filter(|path| value(path, "scope").as_deref() != Some("Device"));
        ours.filter_map(|path| supply(path)).take(MAX_SUPPLIES).collect()
    }

    /// Temperatures of the kernel's thermal zones.
    pub fn temperatures(&self) -> Vec<Temperature> {
        let zones = entries(&self.sys.join("class/thermal"));
        let zones = zones.iter().filter(|path| name(path).starts_with("thermal_zone"));
        zones.filter_map(|path| temperature(path)).take(MAX_TEMPERATURES).collect()
    }
}

fn supply(path: &Path) -> Option<Supply> {
    let kind = match value(path, "type")?.as_str() {
        "Battery" | "UPS" => SupplyKind::Battery,
        _ => SupplyKind::Mains,
    };
    // An empty place for a battery is no battery.
    if value(path, "present").as_deref() == Some("0") {
        return None;
    }
    let millivolts = |file| {
        let microvolts = number(path, file).filter(|microvolts| *microvolts > 0)?;
        u32::try_from(microvolts / 1_000).ok()
    };
    Some(Supply {
        name: name(path),
        kind,
        online: number(path, "online").map(|online| online != 0).filter(|_| kind == SupplyKind::Mains),
        millivolts: millivolts("voltage_now"),
        least_millivolts: millivolts("voltage_min_design"),
        charge: number(path, "capacity").and_then(|percent| u8::try_from(percent.clamp(0, 100)).ok()),
    })
}

fn temperature(path: &Path) -> Option<Temperature> {
    let millidegrees = number(path, "temp").and_then(|mc| i32::try_from(mc).ok())?;
    // A sensor that is not there says something impossible.
    if !(-100_000..=200_000).contains(&millidegrees) {
        return None;
    }
    Some(Temperature { name: value(path, "type").unwrap_or_else(|| name(path)), millidegrees })
}

fn size_of(folder: &Path) -> u64 {
    let Ok(files) = fs::read_dir(folder) else { return 0 };
    files.take(MAX_FILES).flatten().filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}

/// The folders of a class in the order of their names.
fn entries(class: &Path) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(class) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = found.take(MAX_ENTRIES).flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().chars().take(60).collect()).unwrap_or_default()
}

/// One value in a file, without its newline; nothing if it is not text or too long.
fn value(folder: &Path, file: &str) -> Option<String> {
    let mut text = String::new();
    let read = File::open(folder.join(file)).ok()?.take(MAX_VALUE_BYTES).read_to_string(&mut text).ok()?;
    let text = text.trim();
    (read < 200 && !text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
}

fn number(folder: &Path, file: &str) -> Option<i64> {
    value(folder, file)?.parse().ok()
}
