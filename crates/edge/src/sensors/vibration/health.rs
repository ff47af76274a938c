//! Whether the sensor itself can be believed.

use super::Sample;

/// The same sample for so long comes from a chip that has stopped.
const STUCK_S: f32 = 2.0;
/// Less movement than any chip's own noise for so long: somebody feeds it a recording of nothing.
const MUTE_S: f32 = 60.0;
const OWN_NOISE_G: f32 = 0.000_3;
/// Gravity outside this range, in g, averaged over some ten seconds, is no cabinet on this planet.
const GRAVITY: std::ops::RangeInclusive<f32> = 0.6..=1.5;
const GRAVITY_S: f32 = 10.0;

#[derive(Clone, Debug)]
pub(super) struct Health {
    dt: f32,
    last: Sample,
    same_for: f32,
    mute_for: f32,
    mean: Sample,
    seen_for: f32,
    lost: bool,
}

impl Health {
    pub(super) fn new(rate_hz: f32) -> Self {
        let dt = 1.0 / rate_hz;
        Self {
            dt,
            last: [f32::NAN; 3],
            same_for: 0.0,
            mute_for: 0.0,
            mean: [0.0; 3],
            seen_for: 0.0,
            lost: false,
        }
    }

    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    pub(super) fn step(&mut self, sample: Sample) {
        self.lost = sample.iter().any(|axis| !axis.is_finite());
        if self.lost {
            return;
        }
        let change = sample.iter().zip(self.last).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
        self.same_for = if change == 0.0 { self.same_for + self.dt } else { 0.0 };
        self.mute_for = if change < OWN_NOISE_G { self.mute_for + self.dt } else { 0.0 };
        let share = self.dt / (self.seen_for + self.dt).min(GRAVITY_S);
        for (mean, axis) in self.mean.iter_mut().zip(sample) {
            *mean += share * (axis - *mean);
        }
        self.seen_for += self.dt;
        self.last = sample;
    }

    pub(super) fn is_broken(&self) -> bool {
        let gravity = self.mean.iter().map(|axis| axis * axis).sum::<f32>().sqrt();
        let astray = self.seen_for >= GRAVITY_S && !GRAVITY.contains(&gravity);
        self.lost || self.same_for >= STUCK_S || self.mute_for >= MUTE_S || astray
    }
}
