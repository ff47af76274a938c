//! The integrator: signs of attack add up and are forgotten within half a minute, so that a persistent attacker is
//! noticed and a slammed door is not.

use std::collections::VecDeque;

use bailee_domain::tamper::FeltClass;

use super::features::{Blow, Features, WINDOW_S};
use super::rules::Thresholds;

/// What one hop is worth, in the score's units: 1 warns, 3 alarms.
const TOOL_A_SECOND: f32 = 1.5;
const STRONG_BLOW: f32 = 1.0;
const HARD_BLOW: f32 = 2.0;
const PRY_ONSET: f32 = 0.25;
const TILT: f32 = 1.5;
const ALARM: f32 = 3.0;
/// Forgotten with this time constant.
const FORGET_S: f32 = 30.0;
const MOST: f32 = 50.0;
/// A slam belongs to a door that closed at most this long before or after.
const SLAM_AFTER_S: f32 = 1.5;
const SLAM_BEFORE_S: f32 = 0.3;

#[derive(Clone, Debug, Default)]
pub(super) struct Score {
    value: f32,
    /// Strong blows not counted yet, and whether a closing door excuses them.
    waiting: VecDeque<(Blow, bool)>,
    closed: VecDeque<f32>,
    tilted: bool,
    prying: bool,
}

impl Score {
    pub(super) fn door_closed(&mut self, now_s: f32) {
        self.closed.push_back(now_s);
        if self.closed.len() > 16 {
            self.closed.pop_front();
        }
    }

    pub(super) fn hundredths(&self) -> u16 {
        (self.value.clamp(0.0, MOST) * 100.0) as u16
    }

    pub(super) fn step(&mut self, class: FeltClass, features: &Features, rules: &Thresholds) -> u16 {
        self.value *= (-features.hop_s / FORGET_S).exp();
        if matches!(class, FeltClass::Drill | FeltClass::Saw) && features.active_now >= rules.active {
            self.value += TOOL_A_SECOND * features.hop_s;
        }
        if class == FeltClass::Pry {
            let goes_on = std::mem::replace(&mut self.prying, true);
            self.value += PRY_ONSET * f32::from(if goes_on { features.onsets_now } else { features.onsets });
        } else {
            self.prying &= features.onsets > 0;
        }
        let tilted = rules.turned(features);
        if tilted && !self.tilted {
            self.value += TILT;
        }
        self.tilted = tilted;
        if let Some(blow) = features.blow {
            self.waiting.push_back((blow, false));
        }
        self.weigh_blows(class, features, rules);
        if features.peak_now >= rules.clip_g {
            self.value = self.value.max(ALARM);
        }
        self.value = self.value.min(MOST);
        self.hundredths()
    }

    /// A blow waits a moment for a door that reports late; blows that repeat wait for nobody.
    fn weigh_blows(&mut self, class: FeltClass, features: &Features, rules: &Thresholds) {
        let now = features.now_s;
        self.closed.retain(|at| now - at < WINDOW_S);
        let repeated = class == FeltClass::Impact;
        let slam = |blow: &Blow| {
            self.closed.iter().any(|at| (-SLAM_BEFORE_S..=SLAM_AFTER_S).contains(&(blow.at_s - at)))
        };
        let worth = |blow: &Blow| if blow.peak >= rules.hard_g { HARD_BLOW } else { STRONG_BLOW };
        let mut gained = 0.0;
        for (blow, excused) in &mut self.waiting {
            let ripe = now - blow.at_s >= 2.0 * SLAM_BEFORE_S;
            *excused |= ripe && slam(blow);
            if repeated || (ripe && !*excused) {
                gained += worth(blow);
                blow.at_s = f32::NEG_INFINITY;
            }
        }
        self.waiting.retain(|(blow, _)| now - blow.at_s < WINDOW_S);
        self.value += gained;
    }
}
