//! What an accelerometer on a cabinet would give: drills, saws, crowbars, blows, and everything that is none of these.
//!
//! Two builders of signals that share nothing but the sensor. [`workshop`] is the one the thresholds were set on;
//! [`elsewhere`] has other panels, other tools, other noise and another chip, and was not looked at while setting them.
//! Figures from it say how the classifier carries over to a cabinet it has not met. Both are simulations: they prove the
//! code and the ordering of classes, not how a real cabinet behaves.

pub mod elsewhere;
pub mod workshop;

use rand_core::Rng;

/// Samples a second.
pub const RATE: f32 = 800.0;

/// Seconds in which nothing happens before a scene begins: a sensor has always known its cabinet for a while.
pub const LEAD_S: f32 = 8.0;

/// Puts the quiet lead before what happens.
pub(crate) fn led(mut samples: Vec<f32>, lead: usize) -> Vec<f32> {
    samples.splice(0..0, std::iter::repeat_n(0.0, lead));
    samples
}

/// What goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scene {
    /// Nothing but the building.
    Ambient,
    /// Trucks pass.
    Truck,
    /// A machine hums at one pitch.
    Hum,
    /// A parcel is thrown in.
    Parcel,
    /// A door slams.
    Slam,
    /// Blows with a hammer or a boot.
    Blows,
    /// A crowbar works.
    Pry,
    /// A drill.
    Drill,
    /// A hand saw.
    HandSaw,
    /// A power saw or an angle grinder.
    PowerSaw,
}

impl Scene {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Ambient,
        Self::Truck,
        Self::Hum,
        Self::Parcel,
        Self::Slam,
        Self::Blows,
        Self::Pry,
        Self::Drill,
        Self::HandSaw,
        Self::PowerSaw,
    ];
}

/// Dice that give numbers instead of bits.
pub(crate) struct Chance<'a, R>(pub &'a mut R);

impl<R: Rng> Chance<'_, R> {
    /// Evenly between 0 and 1.
    pub(crate) fn share(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1_u32 << 24) as f32
    }

    /// Evenly between two numbers.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.share()
    }

    /// Normal with mean 0 and deviation 1 (Box and Muller).
    pub(crate) fn normal(&mut self) -> f32 {
        let radius = (-2.0 * self.share().max(1e-7).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.share()).cos()
    }
}

/// What the chip makes of it: direction of gravity, own noise, range and steps.
pub(crate) struct Chip {
    pub axes: [f32; 3],
    pub down: [f32; 3],
    pub noise_g: f32,
    pub range_g: f32,
    pub step_g: f32,
}

impl Chip {
    pub(crate) fn reads<R: Rng>(&self, chance: &mut Chance<'_, R>, felt: f32, down: [f32; 3]) -> [f32; 3] {
        std::array::from_fn(|axis| {
            let g = down[axis] + felt * self.axes[axis] + self.noise_g * chance.normal();
            ((g / self.step_g).round() * self.step_g).clamp(-self.range_g, self.range_g)
        })
    }
}
