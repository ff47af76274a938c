//! From features to a class. The order matters: a tool also knocks, prying also tilts.

use bailee_domain::tamper::FeltClass;
use serde::Deserialize;

use super::features::Features;

/// Where one class ends and the next begins; a site may set its own after a capture on commissioning.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// The envelope counts as active above this many g, or above four times the noise.
    pub active_g: f32,
    /// The share of three seconds that must be active for a tool.
    pub active: f32,
    /// A blow is heard from this many g.
    pub onset_g: f32,
    /// A single knock is one from this many g.
    pub knock_g: f32,
    /// A blow is strong from this many g.
    pub strong_g: f32,
    /// A single blow is suspicious by itself from this many g.
    pub hard_g: f32,
    /// A blow at the end of the sensor's range: an alarm at once.
    pub clip_g: f32,
    /// How many strong blows in six seconds are an attack.
    pub strong_blows: u16,
    /// A tool's least share of energy above 100 Hz.
    pub tool_above_100: f32,
    /// A tool's least spectral flatness.
    pub tool_flat: f32,
    /// A tool's greatest kurtosis: blows are peaky, tools are steady.
    pub tool_kurtosis: f32,
    /// Degrees the cabinet must have been moved.
    pub tilt_deg: f32,
    /// Blows with a tilt that are prying.
    pub pry_with_tilt: u16,
    /// Blows without a tilt that are prying.
    pub pry_onsets: u16,
    /// How regular strokes must be for a hand saw, 0 to 1.
    pub saw_strokes: f32,
    /// The pitch in Hz from which a steady tool is a saw rather than a drill.
    pub saw_pitch_hz: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            active_g: 0.020,
            active: 0.5,
            onset_g: 0.060,
            knock_g: 0.15,
            strong_g: 0.6,
            hard_g: 6.0,
            clip_g: 12.0,
            strong_blows: 3,
            tool_above_100: 0.40,
            tool_flat: 0.10,
            tool_kurtosis: 9.0,
            tilt_deg: 0.5,
            pry_with_tilt: 3,
            pry_onsets: 9,
            saw_strokes: 0.45,
            saw_pitch_hz: 30.0,
        }
    }
}

impl Thresholds {
    pub(super) fn class(&self, it: &Features) -> FeltClass {
        let strokes = it.strokes >= self.saw_strokes && it.active >= 0.6 * self.active;
        let steady = (it.active >= self.active || strokes) && it.kurtosis < self.tool_kurtosis;
        let loud = it.shape.rms >= self.active_g;
        if steady && loud && it.shape.above_100 >= self.tool_above_100 && it.shape.flat >= self.tool_flat {
            return self.tool(it);
        }
        if it.strong >= self.strong_blows {
            return FeltClass::Impact;
        }
        let moved = self.turned(it) && it.onsets >= self.pry_with_tilt;
        if moved || (it.onsets >= self.pry_onsets && it.active >= self.active) {
            return FeltClass::Pry;
        }
        match it.peak >= self.knock_g && it.onsets >= 1 {
            true => FeltClass::Knock,
            false => FeltClass::Quiet,
        }
    }

    /// Turned by force: rumble below the noise turns nothing.
    pub(super) fn turned(&self, it: &Features) -> bool {
        it.tilt_deg >= self.tilt_deg && it.active >= 0.05
    }

    fn tool(&self, it: &Features) -> FeltClass {
        let strokes = it.strokes >= self.saw_strokes;
        match strokes || it.shape.pitch >= self.saw_pitch_hz {
            true => FeltClass::Saw,
            false => FeltClass::Drill,
        }
    }
}
