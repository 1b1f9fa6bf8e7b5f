//! Means, variances and Student intervals of plain values.
//!
//! Everything else in the crate sums through here: compensated summation keeps means of equal values exact
//! enough that "no spread" can be recognised.

use crate::estimate::{Estimate, Method};
use crate::level::{Interval, Level};
use crate::undefined::Undefined;

/// Variances below this multiple of the squared scale are rounding noise.
const NOISE: f64 = 1e-24;

/// Returns the sum with Neumaier's compensation.
pub(crate) fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0_f64);
    for value in values {
        let next = total + value;
        lost += if total.abs() >= value.abs() { (total - next) + value } else { (value - next) + total };
        total = next;
    }
    total + lost
}

/// Returns the arithmetic mean.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::NotFinite`].
pub fn mean(values: &[f64]) -> Result<f64, Undefined> {
    if values.is_empty() {
        return Err(Undefined::Empty);
    }
    let mean = sum(values.iter().copied()) / values.len() as f64;
    if mean.is_finite() { Ok(mean) } else { Err(Undefined::NotFinite) }
}

/// Returns the sum of squared deviations from the mean, set to 0 where it is rounding noise.
pub(crate) fn squared_deviations(values: &[f64], mean: f64) -> f64 {
    let squares = sum(values.iter().map(|value| (value - mean).powi(2)));
    let noise = NOISE * mean * mean * values.len() as f64;
    if squares <= noise { 0.0 } else { squares }
}

/// Returns the variance with divisor n − 1; 0 where all values are equal up to rounding.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] for fewer than two values, [`Undefined::NotFinite`].
pub fn variance(values: &[f64]) -> Result<f64, Undefined> {
    if values.len() < 2 {
        return Err(Undefined::TooFewItems { have: values.len(), need: 2 });
    }
    let variance = squared_deviations(values, mean(values)?) / (values.len() - 1) as f64;
    if variance.is_finite() { Ok(variance) } else { Err(Undefined::NotFinite) }
}

/// Returns the sample covariance with divisor n − 1 of values at the same positions.
pub(crate) fn covariance(a: &[f64], b: &[f64]) -> Result<f64, Undefined> {
    if a.len() < 2 || a.len() != b.len() {
        return Err(Undefined::TooFewItems { have: a.len().min(b.len()), need: 2 });
    }
    let (mean_a, mean_b) = (mean(a)?, mean(b)?);
    Ok(sum(a.iter().zip(b).map(|(x, y)| (x - mean_a) * (y - mean_b))) / (a.len() - 1) as f64)
}

/// Estimates the mean of the population from which the values (one for each group) come: mean ± t·s/√n.
///
/// Shapes: one value for each group, any finite numbers. Where all values are equal the interval has zero
/// width, which for rates says more than is known: use the estimators of [`crate::cluster`] for rates. One
/// value has a point and no interval.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::NotFinite`].
///
/// # Example
///
/// The sleep data of Student (1908, Biometrika 6, 1–25): mean difference 1.58 h, 95 % interval 0.70 to 2.46.
///
/// ```
/// use retrial_stats::{Level, moments::mean_t};
/// let extra = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
/// let estimate = mean_t(&extra, Level::P95)?;
/// assert!((estimate.point - 1.58).abs() < 1e-12);
/// let interval = estimate.interval?;
/// assert!((interval.low() - 0.7001142).abs() < 1e-6 && (interval.high() - 2.4598858).abs() < 1e-6);
/// # Ok::<(), retrial_stats::Undefined>(())
/// ```
pub fn mean_t(values: &[f64], level: Level) -> Result<Estimate, Undefined> {
    let point = mean(values)?;
    let (interval, standard_error) = match variance(values) {
        Ok(variance) => {
            let error = (variance / values.len() as f64).sqrt();
            let t = level.t((values.len() - 1) as f64)?;
            (Ok(Interval::around(point, t * error)), Some(error))
        }
        Err(Undefined::TooFewItems { have, need }) => (Err(Undefined::TooFewGroups { have, need }), None),
        Err(reason) => return Err(reason),
    };
    Ok(Estimate { point, interval, level, method: Method::GroupT, n: values.len(), standard_error })
}

/// Estimates the mean over groups of the groups' means, each group with the same weight, by [`mean_t`].
///
/// Shapes: one slice of finite values for each group. Groups without values are left out; `n` says how many
/// count.
///
/// # Errors
///
/// [`Undefined::Empty`] if no group holds a value, [`Undefined::NotFinite`].
pub fn mean_of_group_means<G: AsRef<[f64]>>(groups: &[G], level: Level) -> Result<Estimate, Undefined> {
    let means: Vec<f64> = groups
        .iter()
        .filter(|group| !group.as_ref().is_empty())
        .map(|group| mean(group.as_ref()))
        .collect::<Result<_, _>>()?;
    mean_t(&means, level)
}
