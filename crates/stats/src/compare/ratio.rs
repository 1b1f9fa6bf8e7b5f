//! The ratio of two means over the same groups.
//!
//! Unclamped: cutting ratios off at 1 biases them downwards.

use super::Pair;
use crate::estimate::{Estimate, Method};
use crate::level::{Interval, Level};
use crate::moments;
use crate::undefined::Undefined;

/// The ratio mean(first) / mean(second) with its linearised interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioOfMeans {
    /// The ratio with its linearised Student interval over groups.
    pub estimate: Estimate,
    /// Fieller's interval, or why there is none: then the denominator cannot be told from 0.
    pub fieller: Result<Interval, Undefined>,
}

/// Estimates the ratio of the means over groups of finite values, paired by group.
///
/// Linearised standard error: s(first − r·second)/(√T · mean(second)). Source of the other interval: Fieller
/// 1954 (JRSS B 16, 175–185).
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::NotFinite`], [`Undefined::NotPositive`] unless the mean of the second
/// is positive.
pub fn ratio_of_means(pairs: &[Pair<f64>], level: Level) -> Result<RatioOfMeans, Undefined> {
    let top: Vec<f64> = pairs.iter().map(|pair| pair.first).collect();
    let bottom: Vec<f64> = pairs.iter().map(|pair| pair.second).collect();
    let (mean_top, mean_bottom) = (moments::mean(&top)?, moments::mean(&bottom)?);
    if mean_bottom <= 0.0 {
        return Err(Undefined::NotPositive);
    }
    let (point, n) = (mean_top / mean_bottom, pairs.len());
    let residuals: Vec<f64> = pairs.iter().map(|pair| pair.first - point * pair.second).collect();
    let error = match moments::variance(&residuals) {
        Ok(variance) => Ok((variance / n as f64).sqrt() / mean_bottom),
        Err(Undefined::TooFewItems { have, need }) => Err(Undefined::TooFewGroups { have, need }),
        Err(reason) => Err(reason),
    };
    let quantile = level.t(n as f64 - 1.0);
    let interval = error.and_then(|error| Ok(Interval::around(point, quantile? * error)));
    let method = Method::LinearisedRatio;
    let estimate = Estimate { point, interval, level, method, n, standard_error: error.ok() };
    let fieller = error.and_then(|_| fieller(&top, &bottom, quantile?));
    Ok(RatioOfMeans { estimate, fieller })
}

fn fieller(top: &[f64], bottom: &[f64], quantile: f64) -> Result<Interval, Undefined> {
    let (a, b) = (moments::mean(top)?, moments::mean(bottom)?);
    let scale = quantile * quantile / top.len() as f64;
    let square = b * b - scale * moments::variance(bottom)?;
    let middle = a * b - scale * moments::covariance(top, bottom)?;
    let constant = a * a - scale * moments::variance(top)?;
    let discriminant = middle * middle - square * constant;
    if square <= 0.0 || discriminant <= -1e-15 {
        return Err(Undefined::DenominatorNearZero);
    }
    let root = discriminant.max(0.0).sqrt();
    Ok(Interval::ordered((middle - root) / square, (middle + root) / square).hull(a / b))
}

/// Returns the largest fall of any condition: the maximum over pairs of second − first. Negative where all
/// rise.
///
/// # Errors
///
/// [`Undefined::Empty`].
pub fn largest_fall(pairs: &[Pair<f64>]) -> Result<f64, Undefined> {
    pairs.iter().map(|pair| pair.second - pair.first).max_by(f64::total_cmp).ok_or(Undefined::Empty)
}
