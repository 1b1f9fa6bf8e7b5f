//! Intervals of one binomial proportion.
//!
//! For one group, or where all items are independent; for items in groups see [`crate::cluster`]. Sources:
//! Wilson 1927 (JASA 22, 209–212); Clopper & Pearson 1934 (Biometrika 26, 404–413); Brown, Cai & `DasGupta`
//! 2001 (Statistical Science 16, 101–133) for Jeffreys and Agresti–Coull.

use crate::counts::Counts;
use crate::level::{Interval, Level};
use crate::special;
use crate::undefined::Undefined;

/// Returns the Wilson score interval, which inverts the score test; never of zero width, never outside [0,
/// 1].
///
/// # Errors
///
/// [`Undefined::Empty`] without items.
///
/// # Example
///
/// Newcombe 1998 (Statistics in Medicine 17, 857–872, table I): 81 of 263 gives .2553 to .3662.
///
/// ```
/// use retrial_stats::{Counts, Level, proportion::wilson};
/// let interval = wilson(Counts::new(81, 263)?, Level::P95)?;
/// assert!((interval.low() - 0.2553).abs() < 5e-5 && (interval.high() - 0.3662).abs() < 5e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wilson(counts: Counts, level: Level) -> Result<Interval, Undefined> {
    let interval = score_interval(counts.rate()?, counts.total() as f64, level.z());
    // The ends are exact at the edges; the formula leaves rounding noise there.
    let low = if counts.successes() == 0 { 0.0 } else { interval.low() };
    let high = if counts.failures() == 0 { 1.0 } else { interval.high() };
    Ok(Interval::ordered(low, high))
}

/// Returns the Wilson interval of a proportion `p` in [0, 1] on a real effective size `n > 0` with quantile
/// `z`.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `0 ≤ p ≤ 1`, `n > 0` and `z ≥ 0`, all finite.
pub fn wilson_effective(p: f64, n: f64, z: f64) -> Result<Interval, Undefined> {
    let known = (0.0..=1.0).contains(&p) && n > 0.0 && n.is_finite() && z >= 0.0 && z.is_finite();
    if known { Ok(score_interval(p, n, z)) } else { Err(Undefined::OutOfDomain) }
}

pub(crate) fn score_interval(p: f64, n: f64, z: f64) -> Interval {
    let scale = 1.0 + z * z / n;
    let center = (p + z * z / (2.0 * n)) / scale;
    let half = z / scale * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).max(0.0).sqrt();
    Interval::ordered((center - half).max(0.0), (center + half).min(1.0)).hull(p)
}

/// Returns the Wilson interval with continuity correction.
///
/// # Errors
///
/// [`Undefined::Empty`] without items.
pub fn wilson_continuity(counts: Counts, level: Level) -> Result<Interval, Undefined> {
    let p = counts.rate()?;
    let (x, n, z) = (counts.successes() as f64, counts.total() as f64, level.z());
    let scale = 2.0 * (n + z * z);
    let low = if counts.successes() == 0 {
        0.0
    } else {
        let inner = z * z - 2.0 - 1.0 / n + 4.0 * p * (n * (1.0 - p) + 1.0);
        (2.0 * x + z * z - 1.0 - z * inner.max(0.0).sqrt()) / scale
    };
    let high = if counts.failures() == 0 {
        1.0
    } else {
        let inner = z * z + 2.0 - 1.0 / n + 4.0 * p * (n * (1.0 - p) - 1.0);
        (2.0 * x + z * z + 1.0 + z * inner.max(0.0).sqrt()) / scale
    };
    Ok(Interval::ordered(low.max(0.0), high.min(1.0)))
}

/// Returns the Clopper–Pearson exact interval, whose coverage is never below the level.
///
/// # Errors
///
/// [`Undefined::Empty`] without items.
///
/// # Example
///
/// Newcombe 1998 (Statistics in Medicine 17, 857–872, table I): 0 of 20 gives 0 to .1684.
///
/// ```
/// use retrial_stats::{Counts, Level, proportion::clopper_pearson};
/// let interval = clopper_pearson(Counts::new(0, 20)?, Level::P95)?;
/// assert!(interval.low() < 1e-15 && (interval.high() - 0.1684).abs() < 5e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn clopper_pearson(counts: Counts, level: Level) -> Result<Interval, Undefined> {
    counts.rate()?;
    Ok(Interval::ordered(exact_low(counts, level.lower_tail())?, exact_high(counts, level.lower_tail())?))
}

/// Returns the exact one-sided upper bound of confidence `confidence`; with 0 of n it is 1 − (1 −
/// confidence)^(1/n).
///
/// # Errors
///
/// [`Undefined::Empty`] without items, [`Undefined::OutOfDomain`] unless `0 < confidence < 1`.
pub fn exact_upper_bound(counts: Counts, confidence: f64) -> Result<f64, Undefined> {
    counts.rate()?;
    exact_high(counts, 1.0 - confidence)
}

fn exact_low(counts: Counts, tail: f64) -> Result<f64, Undefined> {
    let (x, rest) = (counts.successes() as f64, counts.failures() as f64);
    if counts.successes() == 0 { Ok(0.0) } else { special::beta_quantile(tail, x, rest + 1.0) }
}

fn exact_high(counts: Counts, tail: f64) -> Result<f64, Undefined> {
    let (x, rest) = (counts.successes() as f64, counts.failures() as f64);
    if counts.failures() == 0 { Ok(1.0) } else { special::beta_quantile(1.0 - tail, x + 1.0, rest) }
}

/// Returns the Jeffreys interval with the change at the edges of Brown, Cai & `DasGupta` 2001, section 4.1.2:
/// the lower end is 0 without successes and the upper end is 1 without failures.
///
/// # Errors
///
/// [`Undefined::Empty`] without items.
pub fn jeffreys(counts: Counts, level: Level) -> Result<Interval, Undefined> {
    let interval = jeffreys_equal_tailed(counts, level)?;
    let low = if counts.successes() == 0 { 0.0 } else { interval.low() };
    let high = if counts.failures() == 0 { 1.0 } else { interval.high() };
    Ok(Interval::ordered(low, high).hull(counts.rate()?))
}

/// Returns the equal-tailed posterior interval under the Jeffreys prior, which may exclude the rate at the
/// edges.
///
/// # Errors
///
/// [`Undefined::Empty`] without items.
pub fn jeffreys_equal_tailed(counts: Counts, level: Level) -> Result<Interval, Undefined> {
    counts.rate()?;
    let (a, b) = (counts.successes() as f64 + 0.5, counts.failures() as f64 + 0.5);
    let low = special::beta_quantile(level.lower_tail(), a, b)?;
    let high = special::beta_quantile(level.upper_tail(), a, b)?;
    Ok(Interval::ordered(low, high))
}

/// Returns the Agresti–Coull interval, clipped to [0, 1].
///
/// # Errors
///
/// [`Undefined::Empty`] without items.
pub fn agresti_coull(counts: Counts, level: Level) -> Result<Interval, Undefined> {
    counts.rate()?;
    let z = level.z();
    let n = counts.total() as f64 + z * z;
    let p = (counts.successes() as f64 + z * z / 2.0) / n;
    Ok(Interval::around(p, z * (p * (1.0 - p) / n).sqrt()).clamp(0.0, 1.0))
}
