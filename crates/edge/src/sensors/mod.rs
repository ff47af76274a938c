//! Sensors of the cabinet beside its doors: what they give, named. Today that is vibration.
//!
//! A device is behind [`Accelerometer`]: [`iio`] is the kernel's, tests and demonstrations bring their own. [`watch`] is one
//! thread for each device, which never waits long and tells what it felt. Nothing here decides what an alarm is.

pub mod iio;
pub mod vibration;
pub mod watch;

use std::io;
use std::sync::mpsc::{SyncSender, TrySendError};

use bailee_domain::bank::io::Input;

use crate::config::VibrationConfig;
use crate::runtime::Message;
use iio::Iio;
use vibration::Sample;
use watch::Signals;

/// A stream of samples.
pub trait Accelerometer: Send {
    /// Samples a second, as the device says.
    fn rate_hz(&self) -> f32;

    /// Waits a tenth of a second at most and adds what has come, in order; nothing is an answer too.
    ///
    /// # Errors
    /// What the system says; the device is then opened anew.
    fn read(&mut self, out: &mut Vec<Sample>) -> io::Result<()>;
}

/// Starts a watch for each accelerometer; they end with the engine's queue or when told to stop.
///
/// # Errors
/// When the system gives no thread.
pub fn start(devices: &[VibrationConfig], signals: &Signals, queue: &SyncSender<Message>) -> io::Result<()> {
    for device in devices {
        let (place, rate_hz) = (device.place(), device.rate_hz);
        let open =
            move || Iio::open(&place, rate_hz).map(|device| Box::new(device) as Box<dyn Accelerometer>);
        let (sensor, area, queue) = (device.number, device.area(), queue.clone());
        let tell = move |felt| {
            let told = queue.try_send(Message::Sensed(Input::Vibration { sensor, area, felt }));
            // A queue that is full drains, and half a second later there is another reading.
            !matches!(told, Err(TrySendError::Disconnected(_)))
        };
        watch::start(Box::new(open), device.thresholds.clone(), signals.clone(), Box::new(tell))?;
    }
    Ok(())
}
