//! Everything of a bank that is no door: switches, accelerometers, readers, camera, clock, keys, TPM, supply.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use bailee_domain::commissioning::{Part, PartState};
use bailee_domain::tamper::FeltClass;
use bailee_domain::time::Now;

use super::technician::{Left, Technician, Word};
use crate::clock::Clocks;
use crate::config::{EdgeConfig, SwitchKind, VibrationConfig};
use crate::installation::Installation;
use crate::kek::Home;
use crate::readers::{Condition, Fact, Probe, Standing};
use crate::rollback::TagStore;
use crate::sensors::Accelerometer;
use crate::sensors::iio::Iio;
use crate::sensors::vibration::Classifier;

/// How long somebody has to present a badge, or to knock.
const PRESENTS_WITHIN: Duration = Duration::from_secs(30);
/// How long an accelerometer is listened to.
const LISTENS: Duration = Duration::from_secs(10);

/// What was found of one part.
pub type Found = (Part, PartState, String);

/// Switches: at rest, and away from it when somebody opens what they watch.
///
/// # Errors
/// [`Left`].
pub fn switches(config: &EdgeConfig, technician: &mut dyn Technician) -> Result<Vec<Found>, Left> {
    let mut found = Vec::new();
    for switch in &config.switches {
        let part = match switch.kind {
            SwitchKind::Enclosure => Part::Enclosure(switch.number),
            SwitchKind::Pry => Part::PrySwitch(switch.number),
        };
        let read = || std::fs::read_to_string(&switch.file).ok().and_then(|text| text.chars().next());
        let name = super::sheet::part_name(part);
        let (state, says) = match read() {
            None => (PartState::Faulty, format!("{} cannot be read", switch.file.display())),
            Some(said) if said != switch.at_rest => (
                PartState::Faulty,
                format!("reads {said:?}, at rest would be {:?}: open, or cut", switch.at_rest),
            ),
            Some(_) => match technician.word(&name, "open what it watches, then answer; did you open it?")? {
                Word::Later => (PartState::Skipped, "at rest; not seen to trip".into()),
                Word::Broken => (PartState::Faulty, "the technician says that it does not work".into()),
                Word::Works if read() == Some(switch.at_rest) => (
                    PartState::Faulty,
                    "opened, and it still reads at rest: bridged, or the wrong line".into(),
                ),
                Word::Works => (PartState::Sound, "at rest, and trips".into()),
            },
        };
        found.push((part, state, says));
    }
    Ok(found)
}

/// Accelerometers: how quiet the cabinet is, and whether a knock is felt.
///
/// # Errors
/// [`Left`].
pub fn accelerometers(
    config: &EdgeConfig,
    clocks: Clocks,
    technician: &mut dyn Technician,
) -> Result<Vec<Found>, Left> {
    let mut found = Vec::new();
    for sensor in &config.vibration {
        let part = Part::Vibration(sensor.number);
        let name = super::sheet::part_name(part);
        let word =
            technician.word(&name, "knock on the cabinet twice within the next ten seconds; ready?")?;
        let (state, says) = match word {
            Word::Later => (PartState::Skipped, "not listened to".to_owned()),
            Word::Broken => (PartState::Faulty, "the technician says that it does not work".to_owned()),
            Word::Works => knocked(sensor, clocks),
        };
        found.push((part, state, says));
    }
    Ok(found)
}

fn knocked(sensor: &VibrationConfig, clocks: Clocks) -> (PartState, String) {
    let mut device = match Iio::open(&sensor.place(), sensor.rate_hz) {
        Ok(device) => device,
        Err(error) => return (PartState::Faulty, format!("cannot be opened: {error}")),
    };
    let mut classifier = Classifier::new(device.rate_hz(), sensor.thresholds.clone());
    let (mut quiet, mut loud) = (0.0_f32, 0.0_f32);
    let ends = clocks.elapsed() + LISTENS;
    let mut samples = Vec::new();
    while clocks.elapsed() < ends {
        samples.clear();
        if let Err(error) = device.read(&mut samples) {
            return (PartState::Faulty, format!("gives no samples: {error}"));
        }
        for reading in samples.iter().filter_map(|sample| classifier.push(*sample)) {
            match reading.felt.class {
                FeltClass::SensorFault => {
                    return (PartState::Faulty, "its samples are those of no sensor".into());
                }
                FeltClass::Quiet => quiet = quiet.max(reading.features.peak_now),
                _ => loud = loud.max(reading.features.peak_now),
            }
        }
    }
    capture(quiet, loud, sensor.thresholds.knock_g)
}

/// What a capture says: a knock must stand out of what the building does by itself.
fn capture(quiet: f32, loud: f32, knock_g: f32) -> (PartState, String) {
    let figures = format!("quiet up to {quiet:.3} g, knocks of {loud:.2} g, threshold {knock_g:.2} g");
    if loud == 0.0 {
        return (PartState::Faulty, format!("no knock was felt; {figures}"));
    }
    if quiet * 2.0 > knock_g {
        let fit = ((quiet * 3.0 * 100.0).ceil() / 100.0).min(loud / 2.0);
        return (
            PartState::Faulty,
            format!("too near to the building's own noise: try knock_g = {fit:.2}; {figures}"),
        );
    }
    (PartState::Sound, figures)
}

/// Readers: a badge, a code or a key tag is read by each; an OSDP reader has a key of its own.
///
/// # Errors
/// [`Left`].
pub fn readers(
    config: &EdgeConfig,
    installation: &Installation,
    clocks: Clocks,
    technician: &mut dyn Technician,
) -> Result<Vec<Found>, Left> {
    let numbers: Vec<u8> = config.readers.numbers().iter().map(|number| number.0).collect();
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let (sender, inbox) = mpsc::sync_channel(64);
    let probe = match Probe::start((config, &Home::of(config)), installation, clocks, sender) {
        Ok(probe) => probe,
        Err(error) => {
            let fault = |number: &u8| (Part::Reader(*number), PartState::Faulty, error.to_string());
            return Ok(numbers.iter().map(fault).collect());
        }
    };
    let mut found = Vec::new();
    for number in numbers {
        let part = Part::Reader(number);
        let name = super::sheet::part_name(part);
        let word = technician.word(&name, "hold a badge to it after answering; ready?")?;
        let (state, says) = match word {
            Word::Later => (PartState::Skipped, "nothing was held to it".to_owned()),
            Word::Broken => (PartState::Faulty, "the technician says that it does not work".to_owned()),
            Word::Works => presented(number, &inbox, clocks),
        };
        found.push((part, state, says));
    }
    drop(probe);
    Ok(found)
}

fn presented(number: u8, inbox: &mpsc::Receiver<Fact>, clocks: Clocks) -> (PartState, String) {
    let ends = clocks.elapsed() + PRESENTS_WITHIN;
    let mut wrong = None;
    while let Ok(fact) = inbox.recv_timeout(ends.saturating_sub(clocks.elapsed())) {
        match fact {
            Fact::Badge(badge) if badge.reader == number => {
                return (PartState::Sound, "a badge was read".into());
            }
            Fact::Text(reader, _) if reader.0 == number => {
                return (PartState::Sound, "a code was read".into());
            }
            Fact::Unreadable(reader) if reader.0 == number => {
                return (PartState::Faulty, "something was read in a form this bank does not take".into());
            }
            Fact::Condition(reader, condition, Standing::Raised) if reader.0 == number => {
                if condition == Condition::Unkeyed {
                    return (PartState::Faulty, format!("has no key yet: bailee edge key-reader {number}"));
                }
                wrong = Some(condition.code());
            }
            _ => {}
        }
    }
    let says =
        wrong.map_or_else(|| "nothing was read".to_owned(), |code| format!("nothing was read: {code}"));
    (PartState::Faulty, says)
}

/// What a person sees at the kiosk: the camera's picture, and a test code read.
///
/// # Errors
/// [`Left`].
pub fn camera(technician: &mut dyn Technician) -> Result<Found, Left> {
    let question = "does the kiosk's camera show a picture and read a test code?";
    Ok(match technician.word("camera", question)? {
        Word::Works => {
            (Part::Camera, PartState::Sound, "shows a picture and reads, says the technician".into())
        }
        Word::Broken => (Part::Camera, PartState::Faulty, "does not work, says the technician".into()),
        Word::Later => (Part::Camera, PartState::Skipped, "the kiosk was not looked at".into()),
    })
}

/// The clock: not behind what the journal has seen.
pub fn clock(clocks: Clocks, now: Now) -> Found {
    let behind_ms = now.wall.since_ms(clocks.rtc());
    if behind_ms > 5_000 {
        let says = format!(
            "the machine's clock is {} s behind the journal: battery, or set back",
            behind_ms / 1_000
        );
        return (Part::Clock, PartState::Faulty, says);
    }
    (
        Part::Clock,
        PartState::Sound,
        "not behind the journal; the platform's time corrects it once linked".into(),
    )
}

/// The bank's keys, and the pins of its platform.
pub fn identity(installation: &Installation) -> Found {
    match (installation.bank(), installation.pins()) {
        (Ok(bank), Ok(_)) => {
            (Part::Identity, PartState::Sound, format!("{bank}, platform pinned at {}", installation.address))
        }
        _ => (Part::Identity, PartState::Faulty, "the installation's keys or pins cannot be read".into()),
    }
}

/// The TPM, where the configuration names one.
pub fn tpm(store: Option<&mut Box<dyn TagStore>>) -> Found {
    match store.map(|store| store.read()) {
        None => (Part::Tpm, PartState::Absent, "none: an old disk can't be told from the newest".into()),
        Some(Ok(_)) => (Part::Tpm, PartState::Sound, "answers".into()),
        Some(Err(error)) => (Part::Tpm, PartState::Faulty, error.to_string()),
    }
}

/// The supply, as far as the system tells.
pub fn supply(folder: &Path) -> Found {
    let read = |path: &Path| std::fs::read_to_string(path).map(|text| text.trim().to_owned()).ok();
    let supplies = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut batteries: Vec<(String, String)> = supplies
        .filter(|supply| read(&supply.path().join("type")).as_deref() == Some("Battery"))
        .filter_map(|supply| {
            Some((read(&supply.path().join("capacity"))?, read(&supply.path().join("status"))?))
        })
        .collect();
    batteries.sort();
    match batteries.first() {
        None => (Part::Supply, PartState::Absent, "the system knows of no battery".into()),
        Some((capacity, status)) => {
            let enough = capacity.parse::<u8>().is_ok_and(|percent| percent >= 50);
            let state = if enough { PartState::Sound } else { PartState::Faulty };
            (Part::Supply, state, format!("battery at {capacity} %, {}", status.to_lowercase()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_names_what_to_set() {
        assert_eq!(capture(0.02, 0.8, 0.15).0, PartState::Sound);
        assert_eq!(capture(0.02, 0.0, 0.15).0, PartState::Faulty);
        let (state, says) = capture(0.12, 0.9, 0.15);
        assert!(state == PartState::Faulty && says.contains("knock_g = 0.36"), "{says}");
    }

    #[test]
    fn a_battery_is_read_where_the_kernel_shows_it() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(supply(dir.path()).1, PartState::Absent);
        let battery = dir.path().join("BAT0");
        std::fs::create_dir(&battery).unwrap();
        for (file, text) in [("type", "Battery\n"), ("capacity", "41\n"), ("status", "Discharging\n")] {
            std::fs::write(battery.join(file), text).unwrap();
        }
        let (_, state, says) = supply(dir.path());
        assert!(state == PartState::Faulty && says == "battery at 41 %, discharging", "{says}");
    }
}
