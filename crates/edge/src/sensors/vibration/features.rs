//! What the last seconds were like, in numbers.

use std::collections::VecDeque;

use super::filter::{Biquad, Percentile};
use super::onset::{Ear, Onset};
use super::spectrum::{Shape, Spectrum};
use super::{READINGS_A_SECOND, Sample, Thresholds};

/// Seconds a decision looks back.
pub(super) const WINDOW_S: f32 = 6.0;
/// Seconds in which a tool must be active half the time.
const ACTIVITY_S: f32 = 3.0;
/// Seconds before the first reading: the filters must have settled.
const SETTLE_S: f32 = 2.0;
/// Points a second of the envelope in which strokes are looked for.
const STROKES_HZ: f32 = 50.0;
/// How far the autocorrelation must rise from a valley to a peak.
const VALLEY: f32 = 0.4;
/// How fast the noise floor follows, in g a second: at first, to find it, and later.
const NOISE_FIRST_G_S: f32 = 0.020;
const NOISE_G_S: f32 = 0.000_5;
/// Seconds in which it is looked for.
const NOISE_FIRST_S: f32 = 5.0;
/// The noise floor is never taken for more than this many g.
const NOISE_MOST_G: f32 = 0.020;

/// The strongest blow of a hop that begins a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blow {
    /// When, in seconds since the first sample.
    pub at_s: f32,
    /// How hard, in g.
    pub peak: f32,
}

/// What the last seconds were like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Features {
    /// Seconds since the first sample.
    pub now_s: f32,
    /// Seconds since the reading before.
    pub hop_s: f32,
    /// The greatest acceleration beside gravity in the window, in g.
    pub peak: f32,
    /// The same since the last reading.
    pub peak_now: f32,
    /// Fourth moment over squared variance of what was active: 3 for noise, more for blows.
    pub kurtosis: f32,
    /// Share of the best three seconds that was active.
    pub active: f32,
    /// Share since the last reading that was active.
    pub active_now: f32,
    /// Blows in the window.
    pub onsets: u16,
    /// Blows since the last reading.
    pub onsets_now: u16,
    /// Groups of blows in the window that were strong.
    pub strong: u16,
    /// The strong blow since the last reading that began a group.
    pub blow: Option<Blow>,
    /// How far the cabinet was turned in the window, in degrees.
    pub tilt_deg: f32,
    /// How regular the envelope's strokes are, 0 to 1.
    pub strokes: f32,
    /// The spectrum where it was loudest.
    pub shape: Shape,
}

/// What one hop, half a second, was like.
#[derive(Clone, Copy, Debug, Default)]
struct Hop {
    samples: u32,
    active: u32,
    peak: f32,
    /// Sums of the second and fourth power of the active samples of each axis.
    second: [f32; 3],
    fourth: [f32; 3],
    shape: Shape,
    energy: f32,
    rms: f32,
}

/// Turns samples into features.
pub(super) struct Listener {
    rate: f32,
    count: u64,
    hop_length: u32,
    active_g: f32,
    strong_g: f32,
    high: [Biquad; 3],
    still: [Vec<f32>; 3],
    smooth: Biquad,
    noise: Percentile,
    ear: Ear,
    hop: Hop,
    hops: VecDeque<Hop>,
    onsets: VecDeque<Onset>,
    heard: u16,
    axes: [VecDeque<f32>; 3],
    strokes: VecDeque<f32>,
    down: VecDeque<Sample>,
    short: Spectrum,
    long: Spectrum,
}

impl Listener {
    pub(super) fn new(rate: f32, rules: &Thresholds) -> Self {
        let long = ((1.28 * rate) as usize).next_power_of_two();
        let high = || Biquad::high_pass(5.0, rate);
        Self {
            rate,
            count: 0,
            hop_length: (rate / f32::from(READINGS_A_SECOND)) as u32,
            active_g: rules.active_g,
            strong_g: rules.strong_g,
            high: [high(), high(), high()],
            still: Default::default(),
            smooth: Biquad::low_pass(25.0, rate),
            noise: Percentile::new(0.2, NOISE_FIRST_G_S / rate, NOISE_MOST_G),
            ear: Ear::new(rate, rules.onset_g),
            hop: Hop::default(),
            hops: VecDeque::new(),
            onsets: VecDeque::new(),
            heard: 0,
            axes: Default::default(),
            strokes: VecDeque::new(),
            down: VecDeque::new(),
            short: Spectrum::new((0.64 * rate) as usize & !1, rate),
            long: Spectrum::new(long, rate),
        }
    }

    /// Seconds since the first sample.
    pub(super) fn now(&self) -> f32 {
        (self.count as f64 / f64::from(self.rate)) as f32
    }

    /// Takes a sample; gives features at the end of every hop once the filters have settled.
    pub(super) fn step(&mut self, sample: Sample) -> Option<Features> {
        if self.count == 0 {
            for (axis, level) in sample.into_iter().enumerate() {
                self.high[axis].settle(level);
            }
        }
        self.count += 1;
        let mut moved = [0.0; 3];
        for axis in 0..3 {
            moved[axis] = self.high[axis].step(sample[axis]);
            self.still[axis].push(sample[axis]);
        }
        self.feel(moved);
        (self.hop.samples == self.hop_length).then(|| self.end_hop()).flatten()
    }

    fn feel(&mut self, moved: Sample) {
        let power = moved.iter().map(|axis| axis * axis).sum::<f32>();
        let magnitude = power.sqrt();
        let envelope = self.smooth.step(power).max(0.0).sqrt();
        self.noise.step(envelope);
        let active = envelope > self.active_g.max(4.0 * self.noise.value());
        let hop = &mut self.hop;
        hop.samples += 1;
        hop.peak = hop.peak.max(magnitude);
        hop.rms += power;
        for (axis, y) in moved.into_iter().enumerate() {
            let square = y * y;
            if active {
                hop.second[axis] += square;
                hop.fourth[axis] += square * square;
            }
            let ring = &mut self.axes[axis];
            ring.push_back(y);
            if ring.len() > self.long.length() {
                ring.pop_front();
            }
        }
        hop.active += u32::from(active);
        if self.count.is_multiple_of(((self.rate / STROKES_HZ) as u64).max(1)) {
            self.strokes.push_back(envelope);
            if self.strokes.len() > (STROKES_HZ * WINDOW_S) as usize {
                self.strokes.pop_front();
            }
        }
        if let Some(onset) = self.ear.step(self.count, magnitude) {
            self.heard += 1;
            self.onsets.push_back(onset);
        }
    }

    fn end_hop(&mut self) -> Option<Features> {
        // A blow is not a turn, so gravity is the median.
        let down = self.still.each_mut().map(|samples| {
            let middle = samples.len() / 2;
            let median = *samples.select_nth_unstable_by(middle, f32::total_cmp).1;
            samples.clear();
            median
        });
        let mut hop = std::mem::take(&mut self.hop);
        hop.rms = (hop.rms / hop.samples.max(1) as f32).sqrt();
        if self.axes[0].len() >= self.short.length() {
            let loudest = self.loudest_axis(self.short.length());
            hop.energy = loudest.iter().map(|y| y * y).sum();
            hop.shape = self.short.shape(&loudest);
        }
        self.hops.push_back(hop);
        self.down.push_back(down);
        let kept = (WINDOW_S * f32::from(READINGS_A_SECOND)) as usize;
        while self.hops.len() > kept {
            self.hops.pop_front();
            self.down.pop_front();
        }
        let since = self.count.saturating_sub((WINDOW_S * self.rate) as u64);
        self.onsets.retain(|onset| onset.at >= since);
        let heard = std::mem::take(&mut self.heard);
        if self.now() >= NOISE_FIRST_S {
            self.noise.at_pace(NOISE_G_S / self.rate);
        }
        (self.now() >= SETTLE_S).then(|| self.features(hop, heard))
    }

    fn features(&self, hop: Hop, heard: u16) -> Features {
        let fresh = self.onsets.iter().rev().take(heard.into());
        let blow = fresh
            .filter(|onset| onset.leads && onset.peak >= self.strong_g)
            .max_by(|a, b| a.peak.total_cmp(&b.peak))
            .map(|onset| Blow { at_s: (onset.at as f64 / f64::from(self.rate)) as f32, peak: onset.peak });
        let strong = self.onsets.iter().filter(|onset| onset.leads && onset.peak >= self.strong_g);
        let active = self.active();
        let mut shape = self.loudest_shape();
        if active >= 0.3 && self.axes[0].len() == self.long.length() {
            shape.pitch = self.long.shape(&self.loudest_axis(self.long.length())).pitch;
        }
        Features {
            now_s: self.now(),
            hop_s: hop.samples as f32 / self.rate,
            peak: self.hops.iter().map(|hop| hop.peak).fold(0.0, f32::max),
            peak_now: hop.peak,
            kurtosis: self.kurtosis(),
            active,
            active_now: hop.active as f32 / hop.samples.max(1) as f32,
            onsets: u16::try_from(self.onsets.len()).unwrap_or(u16::MAX),
            onsets_now: heard,
            strong: u16::try_from(strong.count()).unwrap_or(u16::MAX),
            blow,
            tilt_deg: self.tilt(),
            strokes: self.rhythm(),
            shape,
        }
    }

    /// The last samples of the axis that moves most.
    fn loudest_axis(&self, length: usize) -> Vec<f32> {
        let tail =
            |ring: &VecDeque<f32>| -> Vec<f32> { ring.range(ring.len() - length..).copied().collect() };
        let energy = |samples: &[f32]| samples.iter().map(|y| y * y).sum::<f32>();
        let axes = self.axes.iter().map(tail);
        axes.max_by(|a, b| energy(a).total_cmp(&energy(b))).expect("there are three axes")
    }

    fn active(&self) -> f32 {
        let few = (ACTIVITY_S * f32::from(READINGS_A_SECOND)) as usize;
        let hops: Vec<&Hop> = self.hops.iter().collect();
        let share = |run: &[&Hop]| {
            let sum = |of: fn(&Hop) -> u32| run.iter().map(|hop| of(hop)).sum::<u32>() as f32;
            sum(|hop| hop.active) / (few as f32 * self.hop_length as f32)
        };
        let best = hops.windows(few.min(hops.len()).max(1)).map(share).fold(0.0, f32::max);
        best.min(1.0)
    }

    fn kurtosis(&self) -> f32 {
        let sum =
            |of: fn(&Hop) -> [f32; 3], axis: usize| self.hops.iter().map(|hop| of(hop)[axis]).sum::<f32>();
        let axis = (0..3).max_by(|a, b| sum(|hop| hop.second, *a).total_cmp(&sum(|hop| hop.second, *b)));
        let axis = axis.expect("there are three axes");
        let count = self.hops.iter().map(|hop| hop.active).sum::<u32>() as f32;
        let second = sum(|hop| hop.second, axis);
        match count > 0.0 && second > 0.0 {
            true => sum(|hop| hop.fourth, axis) * count / (second * second),
            false => 0.0,
        }
    }

    fn loudest_shape(&self) -> Shape {
        let loudest = self.hops.iter().max_by(|a, b| a.energy.total_cmp(&b.energy));
        loudest.map(|hop| hop.shape).unwrap_or_default()
    }

    /// The angle between gravity at the window's ends, less what loud noise alone could make of it.
    fn tilt(&self) -> f32 {
        let count = self.down.len();
        if count < 4 {
            return 0.0;
        }
        let mean = |from: usize| {
            std::array::from_fn(|axis| 0.5 * (self.down[from][axis] + self.down[from + 1][axis]))
        };
        let (then, now): (Sample, Sample) = (mean(0), mean(count - 2));
        let dot: f32 = then.iter().zip(now).map(|(a, b)| a * b).sum();
        let size = |v: &Sample| v.iter().map(|axis| axis * axis).sum::<f32>().sqrt();
        let cosine = dot / (size(&then) * size(&now)).max(1e-6);
        let ends = self.hops.iter().take(2).chain(self.hops.iter().rev().take(2));
        let rms = ends.map(|hop| hop.rms).fold(0.0, f32::max);
        // About one deviation of such a difference of medians.
        let doubt = rms / (self.hop_length as f32).sqrt();
        (cosine.clamp(-1.0, 1.0).acos().to_degrees() - doubt.to_degrees()).max(0.0)
    }

    /// The highest peak of the envelope's autocorrelation for 0.6 to 6 strokes a second.
    fn rhythm(&self) -> f32 {
        let count = self.strokes.len();
        let mean = self.strokes.iter().sum::<f32>() / count.max(1) as f32;
        let wave: Vec<f32> = self.strokes.iter().map(|x| x - mean).collect();
        let all: f32 = wave.iter().map(|x| x * x).sum();
        if all <= 1e-9 {
            return 0.0;
        }
        let at = |lag: usize| {
            let pairs = wave[..count - lag].iter().zip(&wave[lag..]);
            pairs.map(|(a, b)| a * b).sum::<f32>() / all * (count as f32 / (count - lag) as f32)
        };
        let lags = (STROKES_HZ / 6.0) as usize..((STROKES_HZ / 0.6) as usize).min(count / 2);
        let values: Vec<f32> = lags.map(at).collect();
        // A stroke swings back: what merely begins or ends is similar to itself too, but has no valley before the peak.
        let mut valley = 1.0_f32;
        let mut best = 0.0_f32;
        for it in values.windows(3) {
            valley = valley.min(it[0]);
            if it[1] > it[0] && it[1] >= it[2] && it[1] - valley >= VALLEY {
                best = best.max(it[1]);
            }
        }
        best.min(1.0)
    }

    /// Takes the last window for what this building always sounds like.
    pub(super) fn learn_hum(&mut self) {
        if self.axes[0].len() >= self.short.length() {
            let samples = self.loudest_axis(self.short.length());
            self.short.learn(&samples);
        }
    }
}
