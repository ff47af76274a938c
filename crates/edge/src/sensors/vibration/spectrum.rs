//! The spectrum of a window: how its energy lies, without what machinery in the building hums all day.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

/// How the energy of a window lies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shape {
    /// Root mean square of the window in g, without the building's hum.
    pub rms: f32,
    /// Share of the energy above 5 Hz that lies above 100 Hz.
    pub above_100: f32,
    /// Spectral flatness above 20 Hz: 0 is a tone, noise is about 0.5.
    pub flat: f32,
    /// The pitch in Hz whose multiples hold most of the energy between 8 and 75 Hz pitch; 0 without one.
    pub pitch: f32,
}

/// Computes shapes of windows of one length.
pub(super) struct Spectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    bin_hz: f32,
    /// What hums: the slow floor of every bin, learnt while nothing happens.
    hum: Vec<f32>,
}

/// Less than this share of the energy beside the hum is still the hum.
const MOSTLY_HUM: f32 = 0.36;
/// How fast a hum is learnt, as a share each time: about a minute.
const LEARNT: f32 = 0.02;

impl Spectrum {
    /// For windows of `length` samples.
    pub(super) fn new(length: usize, rate: f32) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(length);
        let turn = |n: usize| (std::f32::consts::TAU * n as f32 / length as f32).cos();
        let window = (0..length).map(|n| 0.5 - 0.5 * turn(n)).collect();
        Self { fft, window, bin_hz: rate / length as f32, hum: vec![0.0; length / 2 + 1] }
    }

    pub(super) fn length(&self) -> usize {
        self.window.len()
    }

    /// The power of each bin.
    fn power(&self, samples: &[f32]) -> Vec<f32> {
        let mut input: Vec<f32> = samples.iter().zip(&self.window).map(|(x, w)| x * w).collect();
        let mut output = self.fft.make_output_vec();
        self.fft.process(&mut input, &mut output).expect("the buffers are as long as the plan says");
        output.iter().map(|bin| bin.norm_sqr()).collect()
    }

    /// Learns what the building hums from a window in which nothing happened.
    pub(super) fn learn(&mut self, samples: &[f32]) {
        let power = self.power(samples);
        for (hum, power) in self.hum.iter_mut().zip(power) {
            *hum += LEARNT * (power - *hum);
        }
    }

    /// The shape of a window.
    pub(super) fn shape(&self, samples: &[f32]) -> Shape {
        let mut power = self.power(samples);
        let from = |hz: f32| ((hz / self.bin_hz).ceil() as usize).min(self.hum.len());
        let sum = |bins: &[f32]| bins.iter().sum::<f32>();
        let with_hum = sum(&power[from(5.0)..]);
        for (bin, hum) in power.iter_mut().zip(&self.hum) {
            *bin = (*bin - 2.0 * hum).max(0.0);
        }
        let all = sum(&power[from(5.0)..]).max(1e-12);
        let weight: f32 = self.window.iter().map(|w| w * w).sum();
        Shape {
            // What is left of a hum that wavers says nothing.
            rms: if all < MOSTLY_HUM * with_hum {
                0.0
            } else {
                (2.0 * all / (weight * self.window.len() as f32)).sqrt()
            },
            above_100: sum(&power[from(100.0)..]) / all,
            flat: flatness(&power[from(20.0)..]),
            pitch: self.pitch(&power),
        }
    }

    /// The lowest pitch whose comb stands out nearly as much as the best one's.
    fn pitch(&self, power: &[f32]) -> f32 {
        let all: f32 = power[((6.0 / self.bin_hz) as usize).min(power.len())..].iter().sum();
        if all <= 1e-9 {
            return 0.0;
        }
        let bin = |hz: f32| (hz / self.bin_hz).round() as usize;
        let peak = |from: usize, to: usize| {
            (from..=to).filter_map(|at| power.get(at)).fold(0.0_f32, |most, it| most.max(*it))
        };
        // Each tooth against the middle of the gaps beside it, in decades, so that one loud line does not speak for all.
        let comb = |f0: f32| {
            let tooth = |n: f32| {
                let (at, gap) = (bin(f0 * n), (bin(f0 * (n - 0.5)), bin(f0 * (n + 0.5))));
                let between = 0.5 * (peak(gap.0 - 1, gap.0 + 1) + peak(gap.1 - 1, gap.1 + 1));
                ((peak(at - 1, at + 1) + 1e-9) / (between + 1e-9)).log10().clamp(-0.5, 2.0)
            };
            (1..=5_u8).map(|n| tooth(n.into())).sum::<f32>()
        };
        let steps = (8..=150_u16).map(|half| f32::from(half) / 2.0).filter(|hz| *hz >= 8.0);
        let scored: Vec<(f32, f32)> = steps.map(|hz| (hz, comb(hz))).collect();
        let best = scored.iter().fold(0.0_f32, |most, (_, score)| most.max(*score));
        if best < 2.0 {
            return 0.0;
        }
        scored.iter().find(|(_, score)| *score >= 0.95 * best).map_or(0.0, |(hz, _)| *hz)
    }
}

fn flatness(power: &[f32]) -> f32 {
    let mean = power.iter().sum::<f32>() / power.len().max(1) as f32;
    if mean <= 1e-12 {
        return 0.0;
    }
    let logs = power.iter().map(|bin| (bin / mean).max(1e-6).ln()).sum::<f32>() / power.len() as f32;
    logs.exp()
}
