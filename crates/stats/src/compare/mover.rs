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

/// How far below z²δ² a variance must lie to be taken as smaller than it is; see [`monotone_lower_bound`].
const STEEPNESS: f64 = 2.0;

/// Returns a lower bound of `first − second` that is never below that of [`mover_difference`] and never rises when a success
/// of the first side becomes a failure.
///
/// The bound of [`mover_difference`] itself can rise: the last mixed group that stops being mixed takes the visible variance
/// v along, and a first one that starts to be mixed ends the caution used where v = 0. Here v is replaced by
/// v · min(1, v/(2z²δ²)), δ = 1/(smallest group · groups) the most that one item moves the mean; so the half width z√v shrinks by
/// less than δ whatever item changes. It differs from the plain bound only where v < 2z²δ², that is with about five mixed groups
/// or fewer. A decision that must not improve by failures asks for both bounds. Checked by enumeration of small designs, not proved.
///
/// # Errors
///
/// As [`mover_difference`].
pub fn monotone_lower_bound(
    first: &ClusterCounts,
    second: &ClusterCounts,
    level: Level,
) -> Result<f64, Undefined> {
    let a = cluster::stratified_wilson(first, level)?;
    let b = cluster::stratified_wilson(second, level)?;
    let smallest = first.smallest_group().ok_or(Undefined::Empty)?;
    let step = 1.0 / (smallest as f64 * first.len() as f64);
    let steep = STEEPNESS * (level.z() * step).powi(2);
    let variance = if a.variance < steep { a.variance * a.variance / steep } else { a.variance };
    let of_first = cluster::stratified_interval(first, variance, level)?;
    let point = a.estimate.point;
    Ok(square_and_add((point, of_first), (b.estimate.point, b.estimate.interval?)).low())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every result of `groups` groups of `items` items.
    fn results(groups: usize, items: u64) -> Vec<ClusterCounts> {
        let mut all = vec![Vec::new()];
        for _ in 0..groups {
            let with = |c: u64| Counts::new(c, items).unwrap();
            all = all
                .iter()
                .flat_map(|some: &Vec<Counts>| (0..=items).map(|c| [some.as_slice(), &[with(c)]].concat()))
                .collect();
        }
        all.into_iter().map(|counts| ClusterCounts::new(counts).unwrap()).collect()
    }

    /// The results that have one success less.
    fn one_less(counts: &ClusterCounts) -> Vec<ClusterCounts> {
        let places = 0..counts.len();
        let lowered = |place: usize| {
            let mut groups = counts.groups().to_vec();
            let group = groups[place];
            groups[place] = Counts::new(group.successes().checked_sub(1)?, group.total()).ok()?;
            ClusterCounts::new(groups).ok()
        };
        places.filter_map(lowered).collect()
    }

    #[test]
    fn no_failure_of_the_first_raises_the_monotone_bound_in_any_result_of_small_designs() {
        for confidence in [0.9, 0.95, 0.99] {
            let level = Level::from_one_sided(confidence).unwrap();
            for (groups, items) in [(1, 6), (2, 2), (5, 2), (2, 7), (3, 4), (4, 3)] {
                let all = results(groups, items);
                let second = &all[all.len() * 2 / 3];
                for first in &all {
                    let bound = monotone_lower_bound(first, second, level).unwrap();
                    let plain = mover_difference(first, second, level).unwrap().interval.unwrap();
                    assert!(bound >= plain.low() - 1e-12, "{first:?}");
                    for worse in one_less(first) {
                        assert!(
                            monotone_lower_bound(&worse, second, level).unwrap() <= bound + 1e-12,
                            "{first:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_plain_bound_can_rise_by_a_failure() {
        let level = Level::from_one_sided(0.95).unwrap();
        let counts = |passed: &[u64]| {
            ClusterCounts::new(passed.iter().map(|&c| Counts::new(c, 10).unwrap()).collect()).unwrap()
        };
        let first = [vec![10; 17], vec![0; 3]].concat();
        let worse = [vec![10; 16], vec![9], vec![0; 3]].concat();
        let second = counts(&[vec![10; 18], vec![2, 0]].concat());
        let low =
            |first: &[u64]| mover_difference(&counts(first), &second, level).unwrap().interval.unwrap().low();
        assert!(low(&first) < -0.1 && low(&worse) > -0.1);
        let bound = monotone_lower_bound(&counts(&first), &second, level).unwrap();
        assert!(bound > -0.1);
    }
}
