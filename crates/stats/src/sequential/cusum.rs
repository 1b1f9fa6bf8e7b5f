//! Has a success probability changed along a series?
//!
//! Page's cumulative sum for Bernoulli items. Source: Page 1954 (Biometrika 41, 100–115).

use super::sprt::log_ratio;
use crate::undefined::Undefined;

/// The cumulative sum along a series.
#[derive(Debug, Clone, PartialEq)]
pub struct CusumPath {
    /// Value after each item, never negative.
    pub sums: Vec<f64>,
    /// Number of items at the first alarm, if there was one.
    pub alarm: Option<usize>,
}

/// Accumulates evidence of a change from `p0` to `p1`; the alarm is the first value of at least `threshold`.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless both probabilities lie strictly between 0 and 1 and the threshold is
/// positive.
pub fn cusum(items: &[bool], p0: f64, p1: f64, threshold: f64) -> Result<CusumPath, Undefined> {
    if ![p0, p1].iter().all(|&p| p > 0.0 && p < 1.0) || threshold.is_nan() || threshold <= 0.0 {
        return Err(Undefined::OutOfDomain);
    }
    let mut sum: f64 = 0.0;
    let sums: Vec<f64> = items
        .iter()
        .map(|&success| {
            sum = (sum + log_ratio(p0, p1, success)).max(0.0);
            sum
        })
        .collect();
    let alarm = sums.iter().position(|&sum| sum >= threshold).map(|index| index + 1);
    Ok(CusumPath { sums, alarm })
}
