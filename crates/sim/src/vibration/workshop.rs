//! The signals the thresholds were set on: a steel panel as a sum of damped modes, driven by short forces and noise.

use std::f32::consts::{PI, TAU};

use rand_core::Rng;

use super::{Chance, Chip, LEAD_S, RATE, Scene, led};

const MODES_HZ: [f32; 9] = [23.0, 41.0, 67.0, 96.0, 133.0, 178.0, 232.0, 291.0, 347.0];

/// Seconds of a scene after the quiet lead, 800 samples each, in g.
pub fn signal<R: Rng>(scene: Scene, seconds: f32, rng: &mut R) -> Vec<[f32; 3]> {
    let mut chance = Chance(rng);
    let count = (seconds * RATE) as usize;
    let panel = Panel::new(&mut chance);
    let mut force = vec![0.0_f32; count];
    let mut direct = vec![0.0_f32; count];
    let mut tilt_deg = 0.0;
    match scene {
        Scene::Ambient => {}
        Scene::Truck => truck(&mut chance, &mut direct),
        Scene::Hum => hum(&mut chance, &mut direct),
        Scene::Parcel => {
            let at = chance.between(0.25, 0.6) * seconds;
            let peak = chance.between(0.25, 1.1);
            pulse(&mut force, at, chance.between(0.008, 0.020), peak);
            rebounds(&mut chance, &mut force, at, peak, 0.015);
        }
        Scene::Slam => {
            let at = chance.between(0.25, 0.6) * seconds;
            let peak = chance.between(1.2, 3.6);
            pulse(&mut force, at, chance.between(0.003, 0.008), peak);
            rebounds(&mut chance, &mut force, at, peak, 0.005);
        }
        Scene::Blows => blows(&mut chance, &mut force),
        Scene::Pry => {
            tilt_deg = chance.between(0.4, 3.0);
            pry(&mut chance, &mut force, &mut direct);
        }
        Scene::Drill => drill(&mut chance, &mut direct),
        Scene::HandSaw => hand_saw(&mut chance, &mut direct),
        Scene::PowerSaw => power_saw(&mut chance, &mut direct),
    }
    let lead = (LEAD_S * RATE) as usize;
    let (force, direct) = (led(force, lead), led(direct, lead));
    let ringing = panel.rings(&force);
    let chip = Chip {
        axes: [0.25, 0.35, 0.9],
        down: [0.0, -1.0, 0.05],
        noise_g: chance.between(0.0025, 0.006),
        range_g: 16.0,
        step_g: 0.0039,
    };
    let felt = ringing.iter().zip(&direct).map(|(a, b)| a + b);
    felt.enumerate()
        .map(|(n, felt)| {
            let since = n.saturating_sub(lead) as f32;
            let angle = (tilt_deg * since / count as f32).to_radians();
            let [x, y, z] = chip.down;
            let down = [x, y * angle.cos() - z * angle.sin(), y * angle.sin() + z * angle.cos()];
            chip.reads(&mut chance, felt, down)
        })
        .collect()
}

struct Panel(Vec<(f32, f32, f32)>);

impl Panel {
    fn new<R: Rng>(chance: &mut Chance<'_, R>) -> Self {
        let mode = |hz: f32, chance: &mut Chance<'_, R>| {
            (hz * chance.between(0.96, 1.04), chance.between(15.0, 45.0), chance.between(0.3, 1.0))
        };
        Self(MODES_HZ.iter().map(|hz| mode(*hz, chance)).collect())
    }

    /// The panel's answer to a force, scaled so that the peak is about the force's.
    fn rings(&self, force: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; force.len()];
        for (hz, quality, share) in &self.0 {
            let decay = (-PI * hz / quality / RATE).exp();
            let turn = 2.0 * decay * (TAU * hz / RATE).cos();
            let (mut before, mut last) = (0.0, 0.0);
            for (out, force) in out.iter_mut().zip(force) {
                let now = turn * last - decay * decay * before + force * share * (TAU * hz / RATE).sin();
                (before, last) = (last, now);
                *out += now;
            }
        }
        let peak = |it: &[f32]| it.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let scale = if peak(&out) > 0.0 { peak(force) / peak(&out) } else { 0.0 };
        out.iter().map(|x| x * scale).collect()
    }
}

fn pulse(force: &mut [f32], at_s: f32, length_s: f32, peak: f32) {
    let (from, length) = ((at_s * RATE) as usize, (length_s * RATE).max(1.0));
    for n in 0..=length as usize {
        if let Some(x) = force.get_mut(from + n) {
            *x += peak * (PI * (n as f32 + 0.5) / (length + 1.0)).sin();
        }
    }
}

fn rebounds<R: Rng>(chance: &mut Chance<'_, R>, force: &mut [f32], at: f32, peak: f32, length: f32) {
    let (mut at, mut peak) = (at, peak);
    for _ in 0..1 + (chance.share() * 3.0) as usize {
        at += chance.between(0.040, 0.140);
        peak *= chance.between(0.25, 0.5);
        pulse(force, at, length, peak);
    }
}

fn blows<R: Rng>(chance: &mut Chance<'_, R>, force: &mut [f32]) {
    let (rate, peak) = (chance.between(0.9, 2.6), chance.between(3.0, 12.0));
    let mut at = 0.2;
    while at * RATE < force.len() as f32 {
        let hard = peak * chance.between(0.7, 1.0);
        pulse(force, at, chance.between(0.0008, 0.005), hard);
        at += (1.0 + 0.12 * chance.normal()) / rate;
    }
}

fn pry<R: Rng>(chance: &mut Chance<'_, R>, force: &mut [f32], direct: &mut [f32]) {
    let rate = chance.between(3.0, 9.0);
    let mut at = 0.1;
    while at * RATE < force.len() as f32 {
        let peak = 0.16 * (0.5 * chance.normal()).exp();
        pulse(force, at, chance.between(0.003, 0.012), peak);
        at += -chance.share().max(1e-4).ln() / rate;
    }
    let (push, hz) = (chance.between(0.015, 0.060), chance.between(0.5, 4.0));
    for (n, x) in direct.iter_mut().enumerate() {
        *x += push * (TAU * hz * n as f32 / RATE).sin();
    }
}

/// Noise between two cuts, at deviation 1.
fn band<R: Rng>(chance: &mut Chance<'_, R>, count: usize, low_hz: f32, high_hz: f32) -> Vec<f32> {
    let pole = |hz: f32| (-TAU * hz.min(0.49 * RATE) / RATE).exp();
    let (low, high) = (pole(low_hz), pole(high_hz));
    let (mut fast, mut slow) = ([0.0; 2], [0.0; 2]);
    let mut out: Vec<f32> = (0..count)
        .map(|_| {
            let mut x = chance.normal();
            for state in &mut fast {
                *state = high * *state + (1.0 - high) * x;
                x = *state;
            }
            for state in &mut slow {
                *state = low * *state + (1.0 - low) * x;
                x -= *state;
            }
            x
        })
        .collect();
    let rms = (out.iter().map(|x| x * x).sum::<f32>() / count.max(1) as f32).sqrt().max(1e-9);
    out.iter_mut().for_each(|x| *x /= rms);
    out
}

fn harmonics<R: Rng>(chance: &mut Chance<'_, R>, direct: &mut [f32], hz: f32, count: u8, rms: f32) {
    for harmonic in 1..=count {
        let (phase, size) = (chance.between(0.0, TAU), rms / f32::from(harmonic).sqrt());
        for (n, x) in direct.iter_mut().enumerate() {
            *x += size * (TAU * hz * f32::from(harmonic) * n as f32 / RATE + phase).sin();
        }
    }
}

fn drill<R: Rng>(chance: &mut Chance<'_, R>, direct: &mut [f32]) {
    let rms = 0.05 * 10.0_f32.powf(chance.share());
    let chatter = band(chance, direct.len(), 60.0, 380.0);
    for (x, chatter) in direct.iter_mut().zip(chatter) {
        *x += rms * chatter;
    }
    let hz = chance.between(12.0, 28.0);
    harmonics(chance, direct, hz, 7, 0.35 * rms);
}

fn hand_saw<R: Rng>(chance: &mut Chance<'_, R>, direct: &mut [f32]) {
    let (rms, strokes) = (chance.between(0.08, 0.35), chance.between(0.9, 2.2));
    let teeth = band(chance, direct.len(), 90.0, 380.0);
    for (n, (x, teeth)) in direct.iter_mut().zip(teeth).enumerate() {
        let stroke = (TAU * strokes * n as f32 / RATE).sin();
        *x += rms * teeth * (0.08 + stroke.max(0.0)).min(1.0);
    }
}

fn power_saw<R: Rng>(chance: &mut Chance<'_, R>, direct: &mut [f32]) {
    let rms = chance.between(0.2, 0.8);
    let chatter = band(chance, direct.len(), 40.0, 380.0);
    for (x, chatter) in direct.iter_mut().zip(chatter) {
        *x += 0.8 * rms * chatter;
    }
    let hz = chance.between(33.0, 52.0);
    harmonics(chance, direct, hz, 7, 0.45 * rms);
}

fn truck<R: Rng>(chance: &mut Chance<'_, R>, direct: &mut [f32]) {
    let (hz, peak, middle) =
        (chance.between(8.0, 28.0), chance.between(0.015, 0.05), chance.between(2.0, 4.0));
    let rumble = band(chance, direct.len(), 0.7 * hz, 1.4 * hz);
    for (n, (x, rumble)) in direct.iter_mut().zip(rumble).enumerate() {
        let t = n as f32 / RATE - middle;
        *x += 0.5 * peak * rumble * (-t * t / 1.5).exp();
    }
}

fn hum<R: Rng>(chance: &mut Chance<'_, R>, direct: &mut [f32]) {
    let hz = [25.0, 50.0, 100.0][(chance.share() * 2.99) as usize];
    let peak = chance.between(0.02, 0.05);
    for (n, x) in direct.iter_mut().enumerate() {
        *x += peak * (TAU * hz * n as f32 / RATE).sin();
    }
}
