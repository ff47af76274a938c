//! The filters in front of every decision: second-order sections and the envelope, one sample at a time.

use std::f32::consts::{PI, SQRT_2};

/// A second-order Butterworth filter (direct form II transposed; coefficients by the bilinear transform).
#[derive(Clone, Debug)]
pub(super) struct Biquad {
    b: [f32; 3],
    a: [f32; 2],
    z: [f32; 2],
}

impl Biquad {
    pub(super) fn low_pass(cut_hz: f32, rate_hz: f32) -> Self {
        let k = (PI * cut_hz / rate_hz).tan();
        let norm = 1.0 / (1.0 + SQRT_2 * k + k * k);
        let b = k * k * norm;
        Self::of([b, 2.0 * b, b], k, norm)
    }

    pub(super) fn high_pass(cut_hz: f32, rate_hz: f32) -> Self {
        let k = (PI * cut_hz / rate_hz).tan();
        let norm = 1.0 / (1.0 + SQRT_2 * k + k * k);
        Self::of([norm, -2.0 * norm, norm], k, norm)
    }

    fn of(b: [f32; 3], k: f32, norm: f32) -> Self {
        let a = [2.0 * (k * k - 1.0) * norm, (1.0 - SQRT_2 * k + k * k) * norm];
        Self { b, a, z: [0.0; 2] }
    }

    /// Starts as if `level` had been there for ever.
    pub(super) fn settle(&mut self, level: f32) {
        let gain = (self.b[0] + self.b[1] + self.b[2]) / (1.0 + self.a[0] + self.a[1]);
        let out = gain * level;
        self.z = [out - self.b[0] * level, self.b[2] * level - self.a[1] * out];
    }

    pub(super) fn step(&mut self, x: f32) -> f32 {
        let y = self.b[0] * x + self.z[0];
        self.z[0] = self.b[1] * x - self.a[0] * y + self.z[1];
        self.z[1] = self.b[2] * x - self.a[1] * y;
        y
    }
}

/// Follows a low percentile of a signal by small steps: up a little, down more.
#[derive(Clone, Debug)]
pub(super) struct Percentile {
    share: f32,
    step: f32,
    most: f32,
    value: f32,
}

impl Percentile {
    /// `share` of the samples lie below the value, which moves by at most `step` a sample and stays below `most`.
    pub(super) fn new(share: f32, step: f32, most: f32) -> Self {
        Self { share, step, most, value: 0.0 }
    }

    pub(super) fn step(&mut self, x: f32) {
        let below = if x < self.value { 1.0 } else { 0.0 };
        self.value = (self.value + self.step * (self.share - below)).clamp(0.0, self.most);
    }

    /// Moves faster or slower from now on.
    pub(super) fn at_pace(&mut self, step: f32) {
        self.step = step;
    }

    pub(super) fn value(&self) -> f32 {
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(mut filter: Biquad, hz: f32) -> f32 {
        let wave = |n: u16| (2.0 * PI * hz * f32::from(n) / 800.0).sin();
        let out: Vec<f32> = (0..4_000).map(|n| filter.step(wave(n))).collect();
        out[2_000..].iter().fold(0.0_f32, |most, y| most.max(y.abs()))
    }

    #[test]
    fn a_filter_passes_its_band_halves_power_at_the_cut_and_stops_the_rest() {
        let low = || Biquad::low_pass(25.0, 800.0);
        let high = || Biquad::high_pass(5.0, 800.0);
        for (filter, passed, stopped, cut) in [(low(), 2.0, 250.0, 25.0), (high(), 100.0, 0.5, 5.0)] {
            assert!((gain(filter.clone(), passed) - 1.0).abs() < 0.02);
            assert!(gain(filter.clone(), stopped) < 0.02);
            assert!((gain(filter, cut) - 0.707).abs() < 0.02);
        }
    }

    #[test]
    fn a_settled_filter_does_not_jump() {
        let mut low = Biquad::low_pass(25.0, 800.0);
        low.settle(0.98);
        assert!((low.step(0.98) - 0.98).abs() < 1e-3);
        let mut high = Biquad::high_pass(5.0, 800.0);
        high.settle(0.98);
        assert!(high.step(0.98).abs() < 1e-4);
    }

    #[test]
    fn a_percentile_is_found_and_bounded() {
        let mut floor = Percentile::new(0.2, 1e-5, 0.02);
        for n in 0..200_000_u32 {
            floor.step(0.001 * (n % 10) as f32);
        }
        assert!((floor.value() - 0.0015).abs() < 0.001, "{}", floor.value());
        for _ in 0..100_000 {
            floor.step(1.0);
        }
        assert!((floor.value() - 0.02).abs() < 1e-6);
    }
}
