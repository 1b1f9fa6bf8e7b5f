//! The probability that at least one, or that all, of `k` draws succeed.
//!
//! pass@k and pass^k of one group of counts and their means over groups. Intervals over groups by Student are
//! given here; the default interval comes from [`crate::hierarchical`].

use crate::counts::{ClusterCounts, Counts};
use crate::estimate::Estimate;
use crate::level::Level;
use crate::moments;
use crate::undefined::Undefined;

/// Returns pass@k = 1 − C(n−c, k)/C(n, k), the share of `k`-subsets that hold a success.
///
/// A U-statistic, hence unbiased for 1 − (1−p)^k. Source: Chen et al. 2021, arXiv 2107.03374, equation 1;
/// unlike the code published there it is undefined for `k > n`. `k ≥ 1`. Cost: linear in `k`.
///
/// # Errors
///
/// [`Undefined::KExceedsN`], [`Undefined::OutOfDomain`] for `k = 0`.
///
/// # Example
///
/// ```
/// use retrial_stats::{Counts, passk::pass_at_k};
/// // Two of five succeed: of the ten pairs, three hold no success.
/// let value = pass_at_k(Counts::new(2, 5)?, 2)?;
/// assert!((value - 0.7).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pass_at_k(counts: Counts, k: u64) -> Result<f64, Undefined> {
    Ok(1.0 - all_of(counts.failures(), counts.total(), k)?)
}

/// Returns pass^k = C(c, k)/C(n, k), the share of `k`-subsets that hold successes only.
///
/// A U-statistic, hence unbiased for p^k, whereas (c/n)^k is biased upwards. Source: Yao et al. 2024
/// (τ-bench), arXiv 2406.12045. `k ≥ 1`. Cost: linear in `k`.
///
/// # Errors
///
/// [`Undefined::KExceedsN`], [`Undefined::OutOfDomain`] for `k = 0`.
pub fn pass_hat_k(counts: Counts, k: u64) -> Result<f64, Undefined> {
    all_of(counts.successes(), counts.total(), k)
}

/// Probability that `k` draws without replacement from `n` all fall among `marked`.
fn all_of(marked: u64, n: u64, k: u64) -> Result<f64, Undefined> {
    if k == 0 {
        return Err(Undefined::OutOfDomain);
    }
    if k > n {
        return Err(Undefined::KExceedsN);
    }
    if k > marked {
        return Ok(0.0);
    }
    Ok((0..k).map(|i| (marked - i) as f64 / (n - i) as f64).product())
}

/// Returns the variance of pass^k of a group of `n` items with success probability `p`.
///
/// Σⱼ C(k,j) C(n−k,k−j)/C(n,k) (p^(2k−j) − p^(2k)), the Hoeffding variance; with `1 − p` in place of `p` it
/// is the variance of pass@k. Cost: linear in `k`.
///
/// # Errors
///
/// [`Undefined::KExceedsN`], [`Undefined::OutOfDomain`] for `k = 0` or `p` outside [0, 1].
pub fn pass_hat_k_variance(n: u64, k: u64, p: f64) -> Result<f64, Undefined> {
    if k == 0 || !(0.0..=1.0).contains(&p) {
        return Err(Undefined::OutOfDomain);
    }
    if k > n {
        return Err(Undefined::KExceedsN);
    }
    let base = crate::special::ln_choose(n, k);
    let terms = (1..=k).filter(|j| k - j <= n - k).map(|j| {
        let weight = crate::special::ln_choose(k, j) + crate::special::ln_choose(n - k, k - j) - base;
        weight.exp() * (p.powf((2 * k - j) as f64) - p.powf((2 * k) as f64))
    });
    Ok(moments::sum(terms))
}

/// A mean over the groups that are large enough for `k`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanOverGroups {
    /// Mean over the groups used, with a Student interval over groups.
    pub estimate: Estimate,
    /// Groups used.
    pub used: usize,
    /// Groups left out because they are too small.
    pub dropped: usize,
}

/// Estimates the mean over groups of a per-group value, leaving out groups for which it is undefined.
///
/// The groups left out are counted. The interval is Student's over groups and is not clipped.
///
/// # Errors
///
/// [`Undefined::Empty`] without groups; where no group has a value, the reason given for the first.
pub fn mean_over_groups(
    groups: &ClusterCounts,
    level: Level,
    value: impl Fn(Counts) -> Result<f64, Undefined>,
) -> Result<MeanOverGroups, Undefined> {
    let values: Vec<Result<f64, Undefined>> = groups.groups().iter().map(|&group| value(group)).collect();
    let used: Vec<f64> = values.iter().filter_map(|value| value.ok()).collect();
    if used.is_empty() {
        return Err(values.iter().find_map(|value| value.err()).unwrap_or(Undefined::Empty));
    }
    let estimate = moments::mean_t(&used, level)?;
    Ok(MeanOverGroups { estimate, used: used.len(), dropped: values.len() - used.len() })
}

/// Estimates the mean of pass@k over the groups with at least `k` items.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::KExceedsN`] if every group is smaller than `k`,
/// [`Undefined::OutOfDomain`].
pub fn mean_pass_at_k(groups: &ClusterCounts, k: u64, level: Level) -> Result<MeanOverGroups, Undefined> {
    mean_over_groups(groups, level, |group| pass_at_k(group, k))
}

/// Estimates the mean of pass^k over the groups with at least `k` items.
///
/// # Errors
///
/// As [`mean_pass_at_k`].
pub fn mean_pass_hat_k(groups: &ClusterCounts, k: u64, level: Level) -> Result<MeanOverGroups, Undefined> {
    mean_over_groups(groups, level, |group| pass_hat_k(group, k))
}
