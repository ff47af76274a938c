//! What an accelerometer on the cabinet feels, named: quiet, a knock, blows, prying, drilling, sawing, or a broken sensor.
//!
//! Samples come in one by one; twice a second a [`Reading`] comes out. It holds the class of the last seconds and a score
//! that adds up signs of attack and forgets them within half a minute. The method is that of seismic detectors: amplitude,
//! spectrum, duration and rhythm decide together, and an integrator decides when it is enough. A session never makes it
//! deaf to tools, prying or repeated blows; only a single knock beside a closing door counts for nothing.
//!
//! Must never open a device, read a clock or decide what an alarm is: that is `domain::bank::tamper`. Start at
//! [`Classifier`]; the thresholds are in [`Thresholds`], the rules in `rules`.

mod features;
mod filter;
mod health;
mod onset;
mod rules;
mod score;
mod spectrum;

use bailee_domain::tamper::{Felt, FeltClass};

pub use features::Features;
pub use rules::Thresholds;
pub use spectrum::Shape;

use features::Listener;
use health::Health;
use score::Score;

/// How often a reading comes out, in readings a second.
pub const READINGS_A_SECOND: u8 = 2;

/// One sample: acceleration along three axes in g, gravity included.
pub type Sample = [f32; 3];

/// What was felt, and why the classifier thinks so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The class and the score.
    pub felt: Felt,
    /// What it was decided on; zeros for a sensor fault.
    pub features: Features,
}

/// Names what one accelerometer feels.
pub struct Classifier {
    thresholds: Thresholds,
    listener: Listener,
    health: Health,
    score: Score,
}

impl Classifier {
    /// For a sensor that gives `rate_hz` samples a second (200 to 3,200; 800 is meant).
    #[must_use]
    pub fn new(rate_hz: f32, thresholds: Thresholds) -> Self {
        let rate_hz = rate_hz.clamp(200.0, 3_200.0);
        Self {
            listener: Listener::new(rate_hz, &thresholds),
            health: Health::new(rate_hz),
            score: Score::default(),
            thresholds,
        }
    }

    /// Takes a sample; gives a reading twice a second.
    pub fn push(&mut self, sample: Sample) -> Option<Reading> {
        self.health.step(sample);
        let features = self.listener.step(sample)?;
        if self.health.is_broken() {
            return Some(self.broken());
        }
        let class = self.thresholds.class(&features);
        if class == FeltClass::Quiet {
            self.listener.learn_hum();
        }
        let score = self.score.step(class, &features, &self.thresholds);
        Some(Reading { felt: Felt { class, score }, features })
    }

    /// Notes that a door of this cabinet has just closed: one knock beside it is its slam.
    pub fn door_closed(&mut self) {
        self.score.door_closed(self.listener.now());
    }

    /// Notes that the device gives no samples any more.
    pub fn lost(&mut self) -> Reading {
        self.health.lose();
        self.broken()
    }

    fn broken(&self) -> Reading {
        let felt = Felt { class: FeltClass::SensorFault, score: self.score.hundredths() };
        Reading { felt, features: Features::default() }
    }
}
