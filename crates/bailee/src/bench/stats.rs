//! Quantiles, and which rounds say anything.

use serde::Serialize;

/// The most by which the limit may move within a round that counts.
pub const STEADY: f64 = 1.5;
/// Operations without which a p99.9 is only the slowest one by another name.
const ENOUGH_FOR_P999: usize = 1_000;

/// Where half, 99 % and 99.9 % of the operations were done, in the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// Half.
    pub p50: f64,
    /// 99 %.
    pub p99: f64,
    /// 99.9 %; nothing for fewer than 1,000 operations.
    pub p999: Option<f64>,
}

impl Quantiles {
    /// Of values in any order.
    ///
    /// # Panics
    /// Without values.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let p999 = (sorted.len() >= ENOUGH_FOR_P999).then(|| at(&sorted, 0.999));
        Self { p50: at(&sorted, 0.5), p99: at(&sorted, 0.99), p999 }
    }
}

/// The smallest value that at least this share of all values does not exceed.
fn at(sorted: &[f64], share: f64) -> f64 {
    assert!(!sorted.is_empty(), "a quantile is of something");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a length"
    )]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// The middle of the values.
pub fn median(values: &[f64]) -> f64 {
    Quantiles::of(values).p50
}

/// Whether a limit stood still while the work beside it was done: its first and last third have about one median.
pub fn is_steady(limit: &[f64]) -> bool {
    let third = limit.len().div_ceil(3);
    let (first, last) = (median(&limit[..third]), median(&limit[limit.len() - third..]));
    first.max(last) <= STEADY * first.min(last)
}

/// Ratios of the rounds that count, or nothing when fewer than three do (all of them, when fewer were asked for).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// The middle one.
    pub median: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// How many rounds counted.
    pub rounds: usize,
}

impl Ratio {
    /// Of the kept rounds out of `asked`.
    pub fn of(kept: &[f64], asked: usize) -> Option<Self> {
        if kept.is_empty() || kept.len() < asked.min(3) {
            return None;
        }
        let fold = |pick: fn(f64, f64) -> f64| kept.iter().copied().reduce(pick).expect("it is not empty");
        Some(Self { median: median(kept), min: fold(f64::min), max: fold(f64::max), rounds: kept.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=1000).rev().map(f64::from).collect();
        assert_eq!(Quantiles::of(&values), Quantiles { p50: 500.0, p99: 990.0, p999: Some(999.0) });
        assert_eq!(Quantiles::of(&[7.0]), Quantiles { p50: 7.0, p99: 7.0, p999: None });
    }

    #[test]
    fn a_limit_that_moves_is_not_steady() {
        assert!(is_steady(&[1.0, 9.0, 1.2]));
        assert!(!is_steady(&[1.0, 1.0, 1.6]));
        assert!(is_steady(&[3.0]));
    }

    #[test]
    fn too_few_rounds_are_no_result() {
        assert_eq!(Ratio::of(&[1.0, 1.1], 5), None);
        assert_eq!(Ratio::of(&[], 1), None);
        assert_eq!(Ratio::of(&[1.1], 1).map(|ratio| ratio.median), Some(1.1));
        let ratio = Ratio::of(&[1.3, 1.0, 1.1], 5).expect("three are enough");
        assert_eq!((ratio.min, ratio.median, ratio.max, ratio.rounds), (1.0, 1.1, 1.3, 3));
    }
}
