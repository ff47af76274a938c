//! Signals the thresholds were not set on: a plate's modes from its size, forces of other shapes, tools at other speeds
//! that change under load, coloured noise, and a coarser chip with its own clock error, mounted at any angle.

use std::f32::consts::TAU;

use rand_core::Rng;

use super::{Chance, Chip, LEAD_S, RATE, Scene, led};

/// Seconds of a scene after the quiet lead, 800 samples each by a clock that may be wrong by 4 %, in g, at a cabinet of its
/// own.
pub fn signal<R: Rng>(scene: Scene, seconds: f32, rng: &mut R) -> Vec<[f32; 3]> {
    let mut cabinet = Cabinet::new(rng);
    cabinet.plays(scene, seconds, LEAD_S, rng)
}

/// One cabinet with its chip, for scenes that follow each other.
pub struct Cabinet {
    chip: Chip,
    rate: f32,
    /// Degrees it has been turned for good.
    turned_deg: f32,
}

impl Cabinet {
    /// A cabinet somewhere.
    pub fn new<R: Rng>(rng: &mut R) -> Self {
        let mut chance = Chance(rng);
        Self { rate: RATE * chance.between(0.96, 1.04), chip: chip(&mut chance), turned_deg: 0.0 }
    }

    /// Seconds of a scene after `lead_s` quiet ones.
    pub fn plays<R: Rng>(&mut self, scene: Scene, seconds: f32, lead_s: f32, rng: &mut R) -> Vec<[f32; 3]> {
        let mut chance = Chance(rng);
        let (count, lead) = ((seconds * RATE) as usize, (lead_s * RATE) as usize);
        let (force, direct) = (vec![0.0; count], vec![0.0; count]);
        let mut room = Room { rate: self.rate, force, direct, turn_deg: 0.0, seconds };
        room.play(scene, &mut chance);
        (room.force, room.direct) = (led(room.force, lead), led(room.direct, lead));
        let plate = room.plate(&mut chance);
        let drift = coloured(&mut chance, count + lead, 0.995, 0.001);
        let from = self.turned_deg;
        self.turned_deg += room.turn_deg;
        (0..count + lead)
            .map(|n| {
                let since = n.saturating_sub(lead) as f32 / count as f32;
                let angle = (from + room.turn_deg * since * since).to_radians();
                let [x, y, z] = self.chip.down;
                let down = [x * angle.cos() - z * angle.sin(), y, x * angle.sin() + z * angle.cos()];
                self.chip.reads(&mut chance, plate[n] + room.direct[n] + drift[n], down)
            })
            .collect()
    }
}

fn unit<R: Rng>(chance: &mut Chance<'_, R>) -> [f32; 3] {
    let v: [f32; 3] = std::array::from_fn(|_| chance.normal());
    let size = v.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-3);
    v.map(|x| x / size)
}

fn chip<R: Rng>(chance: &mut Chance<'_, R>) -> Chip {
    Chip {
        axes: unit(chance),
        down: unit(chance),
        noise_g: chance.between(0.004, 0.009),
        range_g: 16.0,
        step_g: 0.012,
    }
}

/// First-order noise: white at `pole` 0, a slow wander near 1.
fn coloured<R: Rng>(chance: &mut Chance<'_, R>, count: usize, pole: f32, size: f32) -> Vec<f32> {
    let mut state = 0.0;
    let mut step = || {
        state = pole * state + (1.0 - pole * pole).sqrt() * chance.normal();
        size * state
    };
    (0..count).map(|_| step()).collect()
}

struct Room {
    rate: f32,
    force: Vec<f32>,
    direct: Vec<f32>,
    turn_deg: f32,
    seconds: f32,
}

impl Room {
    fn play<R: Rng>(&mut self, scene: Scene, chance: &mut Chance<'_, R>) {
        match scene {
            Scene::Ambient => {}
            Scene::Truck => self.truck(chance),
            Scene::Hum => self.hum(chance),
            Scene::Parcel => {
                let at = chance.between(0.2, 0.7) * self.seconds;
                self.thud(at, chance.between(0.010, 0.030), chance.between(0.2, 0.9));
            }
            Scene::Slam => {
                let (at, peak) = (chance.between(0.2, 0.7) * self.seconds, chance.between(0.8, 4.5));
                self.thud(at, chance.between(0.002, 0.010), peak);
                self.thud(at + chance.between(0.05, 0.11), 0.006, peak * chance.between(0.1, 0.4));
            }
            Scene::Blows => self.blows(chance),
            Scene::Pry => self.pry(chance),
            Scene::Drill => self.tool(chance, (9.0, 26.0), (0.06, 0.6), 0.5),
            Scene::HandSaw => self.hand_saw(chance),
            Scene::PowerSaw => self.tool(chance, (36.0, 65.0), (0.15, 1.2), 0.8),
        }
    }

    /// A raised cosine, which has less above its own pitch than half a sine.
    fn thud(&mut self, at_s: f32, length_s: f32, peak: f32) {
        let (from, length) = ((at_s * self.rate) as usize, (length_s * self.rate).max(2.0));
        for n in 0..length as usize {
            if let Some(x) = self.force.get_mut(from + n) {
                *x += peak * 0.5 * (1.0 - (TAU * (n as f32 + 0.5) / length).cos());
            }
        }
    }

    fn blows<R: Rng>(&mut self, chance: &mut Chance<'_, R>) {
        let (pause, peak) = (chance.between(0.45, 1.4), chance.between(1.5, 14.0));
        let mut at = chance.between(0.1, 0.5);
        while at < self.seconds {
            self.thud(at, chance.between(0.002, 0.012), peak * chance.between(0.5, 1.0));
            at += pause * chance.between(0.7, 1.3);
        }
    }

    /// Stick and slip: the load builds up and lets go; the longer it held, the harder it lets go.
    fn pry<R: Rng>(&mut self, chance: &mut Chance<'_, R>) {
        self.turn_deg = chance.between(0.3, 4.0);
        let mut at = chance.between(0.1, 0.4);
        let strength = chance.between(0.4, 1.2);
        while at < self.seconds {
            let held = chance.between(0.08, 0.45);
            at += held;
            self.thud(at, chance.between(0.002, 0.008), strength * held * chance.between(0.5, 1.5));
        }
        let sway = coloured(chance, self.direct.len(), 0.99, 0.02);
        self.direct.iter_mut().zip(sway).for_each(|(x, sway)| *x += sway);
    }

    /// A turning tool: its speed sags under load, its chatter follows the load.
    fn tool<R: Rng>(&mut self, chance: &mut Chance<'_, R>, hz: (f32, f32), rms: (f32, f32), comb: f32) {
        let (hz, rms) = (chance.between(hz.0, hz.1), chance.between(rms.0, rms.1));
        let pole = chance.between(-0.3, 0.35);
        let chatter = coloured(chance, self.direct.len(), pole, rms);
        let sag = coloured(chance, self.direct.len(), 0.9995, 0.03);
        let shape: [f32; 6] = std::array::from_fn(|n| chance.between(0.3, 1.0) / (n + 1) as f32);
        let mut phase = 0.0;
        for (n, x) in self.direct.iter_mut().enumerate() {
            phase += TAU * hz * (1.0 + sag[n]) / self.rate;
            let teeth: f32 =
                shape.iter().zip(1_u8..).map(|(size, k)| size * (phase * f32::from(k)).sin()).sum();
            *x += chatter[n] * (1.0 + sag[n] * 5.0) + comb * rms * teeth;
        }
    }

    fn hand_saw<R: Rng>(&mut self, chance: &mut Chance<'_, R>) {
        let (strokes, rms) = (chance.between(0.7, 1.8), chance.between(0.06, 0.5));
        let pole = chance.between(-0.6, -0.1);
        let teeth = coloured(chance, self.direct.len(), pole, rms);
        let back = chance.between(0.05, 0.5);
        for (n, x) in self.direct.iter_mut().enumerate() {
            let way = (TAU * strokes * n as f32 / self.rate).cos();
            *x += teeth[n] * if way > 0.0 { way.sqrt() } else { back * way.abs() };
        }
    }

    fn truck<R: Rng>(&mut self, chance: &mut Chance<'_, R>) {
        let (middle, peak, wide) =
            (chance.between(1.0, 5.0), chance.between(0.01, 0.05), chance.between(0.5, 3.0));
        let pole = chance.between(0.8, 0.95);
        let rumble = coloured(chance, self.direct.len(), pole, peak * 0.6);
        for (n, x) in self.direct.iter_mut().enumerate() {
            let t = (n as f32 / self.rate - middle) / wide;
            *x += rumble[n] / (1.0 + t * t * t * t);
        }
    }

    fn hum<R: Rng>(&mut self, chance: &mut Chance<'_, R>) {
        let (hz, peak) = (chance.between(16.0, 120.0), chance.between(0.015, 0.06));
        for (n, x) in self.direct.iter_mut().enumerate() {
            let t = n as f32 / self.rate;
            *x += peak
                * ((TAU * hz * t).sin() + 0.4 * (TAU * 2.0 * hz * t).sin())
                * (1.0 + 0.1 * (TAU * 0.3 * t).sin());
        }
    }

    /// The modes of a clamped plate of this size, rung by the forces.
    fn plate<R: Rng>(&self, chance: &mut Chance<'_, R>) -> Vec<f32> {
        let (wide, high, stiff) =
            (chance.between(0.3, 0.6), chance.between(0.4, 1.2), chance.between(2.5, 5.0));
        let mut out = vec![0.0; self.force.len()];
        for (m, n) in (1..=3_u8).flat_map(|m| (1..=4_u8).map(move |n| (f32::from(m), f32::from(n)))) {
            let hz = stiff * ((m / wide).powi(2) + (n / high).powi(2));
            if hz > 0.45 * self.rate {
                continue;
            }
            let (damping, share) = (hz * chance.between(0.008, 0.05), chance.between(0.1, 1.0) / (m * n));
            let decay = (-TAU * damping / self.rate).exp();
            let turn = TAU * hz / self.rate;
            let (mut before, mut last) = (0.0, 0.0);
            for (out, force) in out.iter_mut().zip(&self.force) {
                let now =
                    2.0 * decay * turn.cos() * last - decay * decay * before + force * share * turn.sin();
                (before, last) = (last, now);
                *out += now;
            }
        }
        let peak = |it: &[f32]| it.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let scale = peak(&self.force) / peak(&out).max(1e-9);
        out.iter().map(|x| x * scale).collect()
    }
}
