//! Do items of one group end alike?
//!
//! Outcome consistency of binary items and its relatives. All are about one group at a time; means over
//! groups give each group the same weight. Chance-corrected coefficients stand at the end, for comparison
//! only.

use crate::counts::{ClusterCounts, Counts};
use crate::level::Level;
use crate::moments;
use crate::passk::{MeanOverGroups, mean_over_groups};
use crate::undefined::Undefined;

/// Returns the share of pairs of items that end differently, 2c(n−c)/(n(n−1)).
///
/// # Errors
///
/// [`Undefined::TooFewItems`] for fewer than two items.
pub fn pairwise_disagreement(counts: Counts) -> Result<f64, Undefined> {
    at_least_two(counts)?;
    let (c, n) = (counts.successes() as f64, counts.total() as f64);
    Ok(2.0 * c * (n - c) / (n * (n - 1.0)))
}

/// Returns outcome consistency 1 − 4c(n−c)/(n(n−1)), unbiased for 1 − 4p(1−p).
///
/// A U-statistic: one minus twice the pairwise disagreement. It may be negative for one group (−1 for one
/// success of two): average raw values and clip for display only.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] for fewer than two items.
///
/// # Example
///
/// ```
/// use retrial_stats::{Counts, agreement::outcome_consistency};
/// // Four of five alike: six of ten pairs agree.
/// assert!((outcome_consistency(Counts::new(4, 5)?)? - 0.2).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn outcome_consistency(counts: Counts) -> Result<f64, Undefined> {
    Ok(1.0 - 2.0 * pairwise_disagreement(counts)?)
}

/// Returns the plug-in consistency (2p̂ − 1)², biased upwards by 4p(1−p)/n; only for compatibility with
/// others.
///
/// Source: arXiv 2602.16666. The truth .20 shows as .36 at n = 5.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] for fewer than two items.
pub fn plugin_consistency(counts: Counts) -> Result<f64, Undefined> {
    at_least_two(counts)?;
    Ok((2.0 * counts.rate_of_some() - 1.0).powi(2))
}

/// Returns the entropy of the outcome in bits, by the plug-in formula.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] for fewer than two items.
pub fn entropy_bits(counts: Counts) -> Result<f64, Undefined> {
    at_least_two(counts)?;
    let p = counts.rate_of_some();
    Ok(crate::divergence::entropy([p, 1.0 - p].into_iter()))
}

/// Returns the entropy in bits with the bias term of Miller 1955 and Madow: (occupied classes − 1)/(2n ln 2).
///
/// # Errors
///
/// [`Undefined::TooFewItems`] for fewer than two items.
pub fn entropy_bits_miller_madow(counts: Counts) -> Result<f64, Undefined> {
    let entropy = entropy_bits(counts)?;
    let term =
        if counts.is_mixed() { 1.0 / (2.0 * counts.total() as f64 * std::f64::consts::LN_2) } else { 0.0 };
    Ok(entropy + term)
}

/// Estimates the mean outcome consistency over the groups with at least two items, with Student's interval.
///
/// The default intervals come from [`crate::hierarchical`] (population) and [`crate::fixed_groups`].
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::TooFewItems`] if every group holds one item.
pub fn mean_outcome_consistency(groups: &ClusterCounts, level: Level) -> Result<MeanOverGroups, Undefined> {
    mean_over_groups(groups, level, outcome_consistency)
}

/// Returns Fleiss' kappa of binary items: agreement beyond chance, with chance taken from the pooled rate.
///
/// Source: Fleiss 1971 (Psychological Bulletin 76, 378–382). It divides by the spread between groups, so
/// items that nearly always succeed get a kappa near 0 (Feinstein & Cicchetti 1990): never a headline.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::Unbalanced`], [`Undefined::TooFewItems`], [`Undefined::OneClass`].
pub fn fleiss_kappa(groups: &ClusterCounts) -> Result<f64, Undefined> {
    let first = groups.groups().first().ok_or(Undefined::Empty)?.total();
    if groups.groups().iter().any(|group| group.total() != first) {
        return Err(Undefined::Unbalanced);
    }
    let (observed, pooled) = disagreement(groups)?;
    let expected = 2.0 * pooled.rate_of_some() * (1.0 - pooled.rate_of_some());
    Ok((expected - observed) / expected)
}

/// Returns Krippendorff's alpha of binary items; groups of one item are left out.
///
/// Source: Krippendorff 2004, *Content Analysis*, ch. 11.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] if no group holds two items, [`Undefined::OneClass`].
pub fn krippendorff_alpha(groups: &ClusterCounts) -> Result<f64, Undefined> {
    let (observed, pooled) = disagreement(groups)?;
    let (ones, zeros, n) = (pooled.successes() as f64, pooled.failures() as f64, pooled.total() as f64);
    Ok(1.0 - observed / (2.0 * ones * zeros / (n * (n - 1.0))))
}

/// Item-weighted observed disagreement within groups of two or more, with these groups pooled.
fn disagreement(groups: &ClusterCounts) -> Result<(f64, Counts), Undefined> {
    let used: Vec<Counts> = groups.groups().iter().copied().filter(|group| group.total() > 1).collect();
    if used.is_empty() {
        return Err(Undefined::TooFewItems { have: usize::from(!groups.is_empty()), need: 2 });
    }
    let weighted: Result<Vec<f64>, Undefined> =
        used.iter().map(|&group| Ok(group.total() as f64 * pairwise_disagreement(group)?)).collect();
    let pooled = ClusterCounts::new(used).unwrap_or_default().pooled();
    if !pooled.is_mixed() {
        return Err(Undefined::OneClass);
    }
    Ok((moments::sum(weighted?) / pooled.total() as f64, pooled))
}

fn at_least_two(counts: Counts) -> Result<(), Undefined> {
    if counts.total() < 2 {
        return Err(Undefined::TooFewItems { have: counts.total() as usize, need: 2 });
    }
    Ok(())
}
