//! Blows in a stream: where a new one begins, how hard it was, and which belong together.

/// Peaks are held this long before they are compared.
const HOLD_S: f32 = 0.010;
/// After a blow the ear is deaf to anything weaker, and less so with this time constant.
const MASK_S: f32 = 0.120;
const ABOVE_MASK: f32 = 1.7;
const DEAF_S: f32 = 0.150;
/// Blows closer than this are bounces of one.
const CLUSTER_S: f32 = 0.300;

/// A blow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Onset {
    /// Which sample it began at.
    pub at: u64,
    /// Its peak in g.
    pub peak: f32,
    /// Whether it begins a new group rather than bouncing after another.
    pub leads: bool,
}

/// Listens for blows.
#[derive(Clone, Debug)]
pub(super) struct Ear {
    rate: f32,
    floor: f32,
    hold: f32,
    held_for: f32,
    mask: f32,
    current: Option<Onset>,
    last: Option<u64>,
}

impl Ear {
    /// Hears blows from `floor` g upwards.
    pub(super) fn new(rate: f32, floor: f32) -> Self {
        Self { rate, floor, hold: 0.0, held_for: 0.0, mask: 0.0, current: None, last: None }
    }

    /// Takes the magnitude of sample `at`; gives a blow once its peak is known.
    pub(super) fn step(&mut self, at: u64, magnitude: f32) -> Option<Onset> {
        let dt = 1.0 / self.rate;
        self.held_for += dt;
        if magnitude >= self.hold || self.held_for > HOLD_S {
            (self.hold, self.held_for) = (magnitude, 0.0);
        }
        self.mask *= (-dt / MASK_S).exp();
        let since = |from: u64| (at - from) as f32 * dt;
        let mut done = None;
        if let Some(onset) = &mut self.current {
            onset.peak = onset.peak.max(magnitude);
            if since(onset.at) >= DEAF_S {
                done = self.current.take();
            }
        } else if self.hold > self.floor && self.hold > ABOVE_MASK * self.mask {
            let leads = self.last.is_none_or(|last| since(last) > CLUSTER_S);
            self.last = Some(at);
            self.current = Some(Onset { at, peak: magnitude, leads });
        }
        self.mask = self.mask.max(self.hold);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blows at these seconds, each ringing for a tenth of a second.
    fn heard(blows: &[(f32, f32)]) -> Vec<Onset> {
        let mut ear = Ear::new(800.0, 0.06);
        let force = |t: f32| {
            let ring = |(at, peak): &(f32, f32)| if t >= *at { peak * (-(t - at) / 0.03).exp() } else { 0.0 };
            blows.iter().map(ring).sum::<f32>()
        };
        (0..4_000_u16).filter_map(|n| ear.step(n.into(), force(f32::from(n) / 800.0))).collect()
    }

    #[test]
    fn separate_blows_lead_and_bounces_follow() {
        let leads: Vec<bool> =
            heard(&[(0.5, 2.0), (0.75, 0.8), (2.0, 3.0)]).iter().map(|it| it.leads).collect();
        assert_eq!(leads, [true, false, true]);
    }

    #[test]
    fn ringing_and_whispers_are_no_blows() {
        assert_eq!(heard(&[(0.5, 2.0), (0.58, 0.3)]).len(), 1);
        assert!(heard(&[(0.5, 0.05)]).is_empty());
    }

    #[test]
    fn the_peak_is_that_of_the_blow() {
        assert!((heard(&[(1.0, 2.5)])[0].peak - 2.5).abs() < 0.1);
    }
}
