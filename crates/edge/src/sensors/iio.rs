//! Accelerometers of Linux' Industrial I/O: `/sys/bus/iio/devices/iio:device*` and `/dev/iio:device*`, as the kernel's
//! `Documentation/ABI/testing/sysfs-bus-iio` describes them. The buffer is read as the kernel writes it; no library.
//!
//! Everything the files say is checked before it is believed: a broken driver gives an error, never a wrong acceleration.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Accelerometer;
use super::vibration::Sample;

const AXES: [&str; 3] = ["in_accel_x", "in_accel_y", "in_accel_z"];
/// Metres a second squared in one g (ISO 80000-3).
const G: f32 = 9.806_65;
/// A read waits this long, in milliseconds.
const WAIT_MS: u16 = 100;
/// Samples the kernel may keep for us.
const BUFFER: u32 = 512;

/// Where the kernel shows a device.
#[derive(Clone, Debug)]
pub struct Place {
    /// Such as `/sys/bus/iio/devices/iio:device0`.
    pub sysfs: PathBuf,
    /// Such as `/dev/iio:device0`.
    pub device: PathBuf,
}

impl Place {
    /// The places of the device of that name, such as `iio:device0`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { sysfs: Path::new("/sys/bus/iio/devices").join(name), device: Path::new("/dev").join(name) }
    }
}

/// How one channel lies in a frame: `[be|le]:[s|u]bits/storagebits>>shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanType {
    big_endian: bool,
    signed: bool,
    bits: u32,
    bytes: usize,
    shift: u32,
}

impl ScanType {
    /// Reads the kernel's text; `None` when it is none, or of a kind no accelerometer has.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (endian, rest) = text.trim().split_once(':')?;
        let big_endian = match endian {
            "be" => true,
            "le" => false,
            _ => return None,
        };
        let signed = match rest.get(..1)? {
            "s" => true,
            "u" => false,
            _ => return None,
        };
        let (bits, rest) = rest[1..].split_once('/')?;
        let (storage, shift) = rest.split_once(">>")?;
        let number = |text: &str| text.parse::<u32>().ok();
        let (bits, storage, shift) = (number(bits)?, number(storage)?, number(shift)?);
        let fits =
            bits >= 1 && shift < storage && bits + shift <= storage && matches!(storage, 8 | 16 | 32 | 64);
        fits.then_some(Self { big_endian, signed, bits, bytes: storage as usize / 8, shift })
    }

    /// The value in the channel's bytes, which must be as many as the type says.
    #[must_use]
    pub fn value(self, bytes: &[u8]) -> i64 {
        let mut word = 0_u64;
        let mut take = |byte: &u8| word = word << 8 | u64::from(*byte);
        match self.big_endian {
            true => bytes.iter().for_each(&mut take),
            false => bytes.iter().rev().for_each(&mut take),
        }
        let unused = 64 - self.bits;
        let word = (word >> self.shift) << unused;
        match self.signed {
            true => word.cast_signed() >> unused,
            false => (word >> unused).cast_signed(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Channel {
    at: usize,
    kind: ScanType,
    offset: f32,
    /// g for one step.
    scale: f32,
}

/// How frames lie in the buffer.
#[derive(Clone, Debug)]
pub struct Frames {
    channels: [Channel; 3],
    length: usize,
}

impl Frames {
    /// The sample in one frame.
    fn sample(&self, frame: &[u8]) -> Sample {
        self.channels.map(|channel| {
            let raw = channel.kind.value(&frame[channel.at..channel.at + channel.kind.bytes]);
            (raw as f32 + channel.offset) * channel.scale
        })
    }

    /// Adds the samples of all whole frames and gives how many bytes they took.
    pub fn decode(&self, bytes: &[u8], out: &mut Vec<Sample>) -> usize {
        let frames = bytes.chunks_exact(self.length);
        let taken = bytes.len() - frames.remainder().len();
        out.extend(frames.map(|frame| self.sample(frame)));
        taken
    }
}

/// An open device with its buffer running.
pub struct Iio {
    file: File,
    frames: Frames,
    rate_hz: f32,
    rest: Vec<u8>,
}

impl Iio {
    /// Sets the rate, switches the three axes on and opens the buffer.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidData`] when the kernel's description makes no sense.
    pub fn open(place: &Place, rate_hz: u32) -> io::Result<Self> {
        let sys = &place.sysfs;
        // A buffer that runs cannot be changed; one that does not cannot be stopped, which is no matter.
        let _ = fs::write(sys.join("buffer/enable"), "0");
        fs::write(sys.join("sampling_frequency"), rate_hz.to_string())?;
        let rate_hz = number(&sys.join("sampling_frequency"))?;
        for entry in fs::read_dir(sys.join("scan_elements"))? {
            let name = entry?.file_name().into_string().unwrap_or_default();
            if let Some(channel) = name.strip_suffix("_en") {
                let on = if AXES.contains(&channel) { "1" } else { "0" };
                fs::write(sys.join("scan_elements").join(&name), on)?;
            }
        }
        let frames = frames(sys)?;
        fs::write(sys.join("buffer/length"), BUFFER.to_string())?;
        fs::write(sys.join("buffer/enable"), "1")?;
        let file =
            OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&place.device)?;
        Ok(Self { file, frames, rate_hz, rest: Vec::new() })
    }
}

impl Accelerometer for Iio {
    fn rate_hz(&self) -> f32 {
        self.rate_hz
    }

    fn read(&mut self, out: &mut Vec<Sample>) -> io::Result<()> {
        let mut ready = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        if poll(&mut ready, PollTimeout::from(WAIT_MS))? == 0 {
            return Ok(());
        }
        let mut bytes = [0; 4096];
        match self.file.read(&mut bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => self.rest.extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
        let taken = self.frames.decode(&self.rest, out);
        self.rest.drain(..taken);
        Ok(())
    }
}

/// The layout of a frame: channels by their index, each at a multiple of its own size.
fn frames(sys: &Path) -> io::Result<Frames> {
    let mut found = Vec::new();
    for (axis, name) in AXES.iter().enumerate() {
        let scan = sys.join("scan_elements");
        let kind = fs::read_to_string(scan.join(format!("{name}_type")))?;
        let kind = ScanType::parse(&kind).ok_or_else(|| senseless(&format!("{name}_type")))?;
        let scale = either(sys, name, "scale")?.ok_or_else(|| senseless(&format!("{name}_scale")))?;
        let offset = either(sys, name, "offset")?.unwrap_or(0.0);
        let index = number(&scan.join(format!("{name}_index")))?;
        found.push((index as u32, axis, Channel { at: 0, kind, offset, scale: scale / G }));
    }
    found.sort_by_key(|(index, ..)| *index);
    let (mut at, mut widest) = (0_usize, 1);
    for (_, _, channel) in &mut found {
        channel.at = at.next_multiple_of(channel.kind.bytes);
        at = channel.at + channel.kind.bytes;
        widest = widest.max(channel.kind.bytes);
    }
    found.sort_by_key(|(_, axis, _)| *axis);
    let channels: Vec<Channel> = found.into_iter().map(|(_, _, channel)| channel).collect();
    let channels = channels.try_into().expect("there is one channel for each of three axes");
    Ok(Frames { channels, length: at.next_multiple_of(widest) })
}

/// A number of one axis, or the one for all three.
fn either(sys: &Path, axis: &str, what: &str) -> io::Result<Option<f32>> {
    for name in [format!("{axis}_{what}"), format!("in_accel_{what}")] {
        match number(&sys.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found.map(Some),
        }
    }
    Ok(None)
}

fn number(path: &Path) -> io::Result<f32> {
    let text = fs::read_to_string(path)?;
    let number = text.trim().parse::<f32>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| senseless(&path.display().to_string()))
}

fn senseless(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} makes no sense"))
}
