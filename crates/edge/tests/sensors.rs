//! An accelerometer of Linux' Industrial I/O as a folder of files and a pipe, and the thread that watches it.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc;

use bailee_domain::tamper::{Felt, FeltClass};
use bailee_edge::sensors::Accelerometer;
use bailee_edge::sensors::iio::{Iio, Place, ScanType};
use bailee_edge::sensors::vibration::{Classifier, Sample, Thresholds};
use bailee_edge::sensors::watch::{self, Signals};
use nix::sys::stat::Mode;
use proptest::prelude::*;

/// What the kernel shows of an ST LIS3DH: twelve bits, left-justified, y before x to be sure that the index counts.
fn lis3dh(folder: &Path) -> Place {
    let sysfs = folder.join("iio:device0");
    for name in ["scan_elements", "buffer"] {
        fs::create_dir_all(sysfs.join(name)).unwrap();
    }
    for (axis, index) in [("x", "1"), ("y", "0"), ("z", "2")] {
        let scan = sysfs.join("scan_elements");
        fs::write(scan.join(format!("in_accel_{axis}_type")), "le:s12/16>>4\n").unwrap();
        fs::write(scan.join(format!("in_accel_{axis}_index")), index).unwrap();
        fs::write(scan.join(format!("in_accel_{axis}_en")), "0").unwrap();
        fs::write(sysfs.join(format!("in_accel_{axis}_scale")), "0.009806\n").unwrap();
    }
    fs::write(sysfs.join("scan_elements/in_timestamp_en"), "1").unwrap();
    fs::write(sysfs.join("sampling_frequency"), "100").unwrap();
    let device = folder.join("device");
    nix::unistd::mkfifo(&device, Mode::from_bits_truncate(0o600)).unwrap();
    Place { sysfs, device }
}

/// A frame as the chip gives it: y, x, z.
fn frame([x, y, z]: [i16; 3]) -> Vec<u8> {
    [y, x, z].iter().flat_map(|value| (value << 4).to_le_bytes()).collect()
}

/// Keeps the pipe open for reading and writing, so that an empty one is no end.
fn pipe(place: &Place) -> File {
    OpenOptions::new().read(true).write(true).open(&place.device).unwrap()
}

#[test]
fn the_device_is_set_up_and_its_frames_are_g_along_x_y_z() {
    let folder = tempfile::tempdir().unwrap();
    let place = lis3dh(folder.path());
    let mut chip = pipe(&place);
    let mut device = Iio::open(&place, 400).unwrap();
    assert!((device.rate_hz() - 400.0).abs() < f32::EPSILON);
    let said = |name: &str| fs::read_to_string(place.sysfs.join(name)).unwrap();
    assert_eq!((said("buffer/enable"), said("scan_elements/in_accel_x_en")), ("1".into(), "1".into()));
    assert_eq!(said("scan_elements/in_timestamp_en"), "0", "a time stamp would lengthen every frame");
    let two = [frame([1_000, -500, 0]), frame([-1_000, 0, 2_000])].concat();
    chip.write_all(&two[..9]).unwrap();
    let mut samples = Vec::new();
    device.read(&mut samples).unwrap();
    assert_eq!(samples.len(), 1, "half a frame waits for its other half");
    chip.write_all(&two[9..]).unwrap();
    device.read(&mut samples).unwrap();
    let near = |sample: Sample, wanted: Sample| sample.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 0.01);
    assert!(near(samples[0], [1.0, -0.5, 0.0]) && near(samples[1], [-1.0, 0.0, 2.0]), "{samples:?}");
}

#[test]
fn nothing_to_read_is_an_answer_and_an_end_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let place = lis3dh(folder.path());
    let chip = pipe(&place);
    let mut device = Iio::open(&place, 800).unwrap();
    let mut samples = Vec::new();
    device.read(&mut samples).unwrap();
    assert!(samples.is_empty());
    drop(chip);
    assert_eq!(device.read(&mut samples).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn what_the_kernel_says_is_checked() {
    for (file, text) in [
        ("scan_elements/in_accel_x_type", "le:s12/16>>9"),
        ("scan_elements/in_accel_x_type", "nonsense"),
        ("in_accel_y_scale", "inf"),
        ("scan_elements/in_accel_z_index", ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let place = lis3dh(folder.path());
        let _chip = pipe(&place);
        fs::write(place.sysfs.join(file), text).unwrap();
        let error = Iio::open(&place, 800).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{file} {text}");
    }
}

proptest! {
    #[test]
    fn no_type_text_and_no_bytes_upset_it(text in ".{0,24}", bytes in prop::collection::vec(any::<u8>(), 8)) {
        if let Some(kind) = ScanType::parse(&text) {
            let _ = kind.value(&bytes);
        }
    }

    #[test]
    fn a_value_survives_its_place_in_a_word(value in -2048_i64..2048, shift in 0_u32..=4) {
        let word = u16::try_from((value << shift) & 0xffff).unwrap();
        let little = ScanType::parse(&format!("le:s12/16>>{shift}")).unwrap();
        let big = ScanType::parse(&format!("be:s12/16>>{shift}")).unwrap();
        prop_assert_eq!(little.value(&word.to_le_bytes()), value);
        prop_assert_eq!(big.value(&word.to_be_bytes()), value);
    }

    #[test]
    fn no_samples_upset_the_classifier(samples in prop::collection::vec(prop::array::uniform3(any::<f32>()), 0..1200)) {
        let mut classifier = Classifier::new(800.0, Thresholds::default());
        for sample in samples {
            classifier.push(sample);
        }
    }
}

/// Gives what it was told to, a tenth of a second at a time, then fails.
struct Recording(Vec<Sample>);

impl Accelerometer for Recording {
    fn rate_hz(&self) -> f32 {
        800.0
    }

    fn read(&mut self, out: &mut Vec<Sample>) -> io::Result<()> {
        if self.0.is_empty() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let now = self.0.len().min(80);
        out.extend(self.0.drain(..now));
        Ok(())
    }
}

#[test]
fn a_cut_sensor_is_told_as_broken_and_quiet_is_told_once() {
    let (sender, told) = mpsc::channel::<Felt>();
    let still = |n: u32| [0.0, 0.003 * (n % 3) as f32, 1.0 + 0.004 * (n % 2) as f32];
    let mut recording = Some(Recording((0..8_000).map(still).collect()));
    let open = move || match recording.take() {
        Some(device) => Ok(Box::new(device) as Box<dyn Accelerometer>),
        None => Err(io::ErrorKind::NotFound.into()),
    };
    let tell = move |felt| sender.send(felt).is_ok();
    let signals = Signals::default();
    let thread =
        watch::start(Box::new(open), Thresholds::default(), signals.clone(), Box::new(tell)).unwrap();
    let classes: Vec<FeltClass> = told.iter().take(2).map(|felt| felt.class).collect();
    assert_eq!(classes, [FeltClass::Quiet, FeltClass::SensorFault]);
    signals.stop();
    thread.thread().unpark();
    thread.join().unwrap();
}
