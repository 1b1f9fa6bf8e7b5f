//! How much do positive amounts differ: one set of values, and several groups pooled.
//!
//! Amounts such as durations or costs. Measures that need a ratio or a logarithm are undefined where zeros or
//! negative values occur; nothing is added to avoid that.

use crate::estimate::{Estimate, Method};
use crate::level::{Interval, Level};
use crate::moments;
use crate::quantile::Sorted;
use crate::special;
use crate::undefined::Undefined;

/// Makes the median absolute deviation of normal values estimate their standard deviation, 1/Φ⁻¹(3/4).
const NORMAL_MAD: f64 = 1.482_602_218_505_601_8;

/// Returns the coefficient of variation: standard deviation (n − 1) / mean.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] below two values, [`Undefined::NotPositive`] unless the mean is positive,
/// [`Undefined::NotFinite`].
pub fn coefficient_of_variation(values: &[f64]) -> Result<f64, Undefined> {
    let deviation = moments::variance(values)?.sqrt();
    let mean = moments::mean(values)?;
    if mean > 0.0 { Ok(deviation / mean) } else { Err(Undefined::NotPositive) }
}

/// Returns the coefficient of variation times 1 + 1/(4n), its small-sample correction for normal values.
///
/// # Errors
///
/// As [`coefficient_of_variation`].
pub fn coefficient_of_variation_corrected(values: &[f64]) -> Result<f64, Undefined> {
    Ok(coefficient_of_variation(values)? * (1.0 + 1.0 / (4.0 * values.len() as f64)))
}

/// Returns exp(−CV), a consistency in (0, 1]; only for compatibility with others.
///
/// # Errors
///
/// As [`coefficient_of_variation`].
pub fn exponential_consistency(values: &[f64]) -> Result<f64, Undefined> {
    Ok((-coefficient_of_variation(values)?).exp())
}

/// Returns the robust coefficient of variation, 1.4826 · median absolute deviation / median.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] below two values, [`Undefined::NotPositive`] unless the median is positive.
pub fn robust_coefficient_of_variation(sorted: &Sorted) -> Result<f64, Undefined> {
    at_least_two(sorted.values())?;
    positive_ratio(NORMAL_MAD * sorted.median_absolute_deviation(), sorted.median())
}

/// Returns the quartile coefficient of dispersion, (q75 − q25)/(q75 + q25).
///
/// # Errors
///
/// [`Undefined::TooFewItems`] below two values, [`Undefined::NotPositive`] if a value is negative or both
/// quartiles are 0.
pub fn quartile_coefficient(sorted: &Sorted) -> Result<f64, Undefined> {
    at_least_two(sorted.values())?;
    if sorted.min() < 0.0 {
        return Err(Undefined::NotPositive);
    }
    let (low, high) = (sorted.quantile(0.25), sorted.quantile(0.75));
    positive_ratio(high - low, high + low)
}

/// Returns the ratio of the 95 % quantile to the median; below 20 values the quantile is little but the
/// maximum.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] below two values, [`Undefined::NotPositive`] unless the median is positive.
pub fn tail_ratio(sorted: &Sorted) -> Result<f64, Undefined> {
    at_least_two(sorted.values())?;
    positive_ratio(sorted.quantile(0.95), sorted.median())
}

/// Returns the ratio of the largest to the smallest value.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] below two values, [`Undefined::NotPositive`] unless all are positive.
pub fn max_over_min(sorted: &Sorted) -> Result<f64, Undefined> {
    at_least_two(sorted.values())?;
    positive_ratio(sorted.max(), sorted.min())
}

/// Multiplicative centre and spread of positive values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeometricSpread {
    /// Geometric mean.
    pub mean: f64,
    /// Degrees of freedom of the spread: values less groups.
    pub degrees_of_freedom: usize,
    /// Standard deviation of the natural logarithms.
    pub log_deviation: f64,
    /// The geometric standard deviation exp(log deviation) with its chi-square interval: a typical value is
    /// centre ×/÷ this.
    pub deviation: Estimate,
    /// Coefficient of variation of the lognormal distribution with this spread.
    pub lognormal_cv: f64,
}

/// Estimates the geometric standard deviation of one set of values.
///
/// # Errors
///
/// As [`pooled_geometric_spread`].
pub fn geometric_spread(values: &[f64], level: Level) -> Result<GeometricSpread, Undefined> {
    at_least_two(values)?;
    pooled_geometric_spread(&[values], level)
}

/// Estimates the geometric standard deviation within groups, pooled over groups: exp(s), s² = Σ squares /
/// Σ(nᵢ − 1) on logs.
///
/// The interval is s·√(df/χ²), exponentiated; exact for lognormal values with one spread. Groups of one value
/// add nothing. Equal values give a deviation of 1 with an interval of zero width.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::TooFewItems`] if every group holds one value,
/// [`Undefined::NotPositive`], [`Undefined::NotFinite`].
pub fn pooled_geometric_spread<G: AsRef<[f64]>>(
    groups: &[G],
    level: Level,
) -> Result<GeometricSpread, Undefined> {
    let mut logs = Vec::with_capacity(groups.len());
    for group in groups.iter().map(AsRef::as_ref).filter(|group| !group.is_empty()) {
        logs.push(logarithms(group)?);
    }
    let count: usize = logs.iter().map(Vec::len).sum();
    if count == 0 {
        return Err(Undefined::Empty);
    }
    let degrees_of_freedom = count - logs.len();
    if degrees_of_freedom == 0 {
        return Err(Undefined::TooFewItems { have: 1, need: 2 });
    }
    let mut squares = Vec::with_capacity(logs.len());
    for group in &logs {
        squares.push(moments::squared_deviations(group, moments::mean(group)?));
    }
    let df = degrees_of_freedom as f64;
    let log_deviation = (moments::sum(squares) / df).sqrt();
    let end = |p: f64| special::chi_square_quantile(p, df).map(|x| (log_deviation * (df / x).sqrt()).exp());
    let point = log_deviation.exp();
    let interval = Interval::ordered(end(level.upper_tail())?, end(level.lower_tail())?).hull(point);
    let method = Method::LogChiSquare;
    Ok(GeometricSpread {
        mean: moments::mean(&logs.concat())?.exp(),
        degrees_of_freedom,
        log_deviation,
        deviation: Estimate { point, interval: Ok(interval), level, method, n: count, standard_error: None },
        lognormal_cv: (log_deviation * log_deviation).exp_m1().sqrt(),
    })
}

/// Returns the natural logarithms of positive values.
///
/// # Errors
///
/// [`Undefined::NotPositive`], [`Undefined::NotFinite`].
pub fn logarithms(values: &[f64]) -> Result<Vec<f64>, Undefined> {
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Undefined::NotFinite);
    }
    if values.iter().any(|&value| value <= 0.0) {
        return Err(Undefined::NotPositive);
    }
    Ok(values.iter().map(|value| value.ln()).collect())
}

/// Returns Vangel's modified `McKay` interval of the coefficient of variation of `n` normal values; good
/// below about .33.
///
/// Source: Vangel 1996 (The American Statistician 50, 21–26).
///
/// # Errors
///
/// [`Undefined::TooFewItems`] below two values, [`Undefined::OutOfDomain`] unless `cv > 0` is finite,
/// [`Undefined::LevelUnreachable`] where the upper end is infinite.
pub fn vangel_interval(cv: f64, n: usize, level: Level) -> Result<Interval, Undefined> {
    if n < 2 {
        return Err(Undefined::TooFewItems { have: n, need: 2 });
    }
    if !(cv > 0.0 && cv.is_finite()) {
        return Err(Undefined::OutOfDomain);
    }
    let df = (n - 1) as f64;
    let end = |p: f64| -> Result<f64, Undefined> {
        let u = special::chi_square_quantile(p, df)?;
        let square = ((u + 2.0) / n as f64 - 1.0) * cv * cv + u / df;
        if square > 0.0 { Ok(cv / square.sqrt()) } else { Err(Undefined::LevelUnreachable) }
    };
    Ok(Interval::ordered(end(level.upper_tail())?, end(level.lower_tail())?))
}

fn at_least_two(values: &[f64]) -> Result<(), Undefined> {
    if values.len() < 2 { Err(Undefined::TooFewItems { have: values.len(), need: 2 }) } else { Ok(()) }
}

fn positive_ratio(top: f64, bottom: f64) -> Result<f64, Undefined> {
    if bottom > 0.0 { Ok(top / bottom) } else { Err(Undefined::NotPositive) }
}
