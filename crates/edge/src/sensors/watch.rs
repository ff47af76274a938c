//! One thread for each accelerometer: reads, classifies, tells; opens the device anew when it has gone.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bailee_domain::tamper::{Felt, FeltClass};

use super::Accelerometer;
use super::vibration::{Classifier, Thresholds};

/// Reads without a sample, a tenth of a second each, until the sensor counts as lost.
const EMPTY_READS: u32 = 10;
/// Time between attempts to open a device that is not there.
const AGAIN: Duration = Duration::from_secs(2);

/// Opens the device; called again whenever it was lost.
pub type Open = Box<dyn FnMut() -> io::Result<Box<dyn Accelerometer>> + Send>;
/// Takes what was felt; `false` ends the thread.
pub type Tell = Box<dyn FnMut(Felt) -> bool + Send>;

/// What the other threads share with all watches.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    closed: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
}

impl Signals {
    /// A door has just closed.
    pub fn door_closed(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends the watches within a tenth of a second or, when a device is being waited for, two seconds.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Starts watching a device, and keeps at it until told to stop.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    mut open: Open,
    rules: Thresholds,
    signals: Signals,
    mut tell: Tell,
) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("vibration".into()).spawn(move || {
        while !signals.is_stopped() {
            let goes_on = match open() {
                Ok(device) => Watch::new(device, rules.clone(), &signals).run(&mut tell),
                Err(error) => {
                    tracing::warn!(%error, "an accelerometer cannot be opened");
                    tell(Felt { class: FeltClass::SensorFault, score: 0 })
                }
            };
            if !goes_on {
                return;
            }
            std::thread::park_timeout(AGAIN);
        }
    })
}

struct Watch<'a> {
    device: Box<dyn Accelerometer>,
    classifier: Classifier,
    signals: &'a Signals,
    closed: u32,
    calm: bool,
}

impl<'a> Watch<'a> {
    fn new(device: Box<dyn Accelerometer>, rules: Thresholds, signals: &'a Signals) -> Self {
        let classifier = Classifier::new(device.rate_hz(), rules);
        let closed = signals.closed.load(Ordering::Relaxed);
        Self { device, classifier, signals, closed, calm: false }
    }

    /// Runs until the device is lost (true: open it anew) or nobody listens (false).
    fn run(&mut self, tell: &mut Tell) -> bool {
        let mut samples = Vec::new();
        let mut empty = 0;
        while !self.signals.is_stopped() {
            samples.clear();
            let read = self.device.read(&mut samples);
            empty = if samples.is_empty() { empty + 1 } else { 0 };
            if read.is_err() || empty >= EMPTY_READS {
                return tell(self.classifier.lost().felt);
            }
            let closed = self.signals.closed.load(Ordering::Relaxed);
            if std::mem::replace(&mut self.closed, closed) != closed {
                self.classifier.door_closed();
            }
            if !self.classify(&samples, tell) {
                return false;
            }
        }
        false
    }

    fn classify(&mut self, samples: &[super::Sample], tell: &mut Tell) -> bool {
        for reading in samples.iter().filter_map(|sample| self.classifier.push(*sample)) {
            let felt = reading.felt;
            let calm = felt.class == FeltClass::Quiet;
            // Quiet is told once.
            if std::mem::replace(&mut self.calm, calm) && calm {
                continue;
            }
            if !tell(felt) {
                return false;
            }
        }
        true
    }
}
