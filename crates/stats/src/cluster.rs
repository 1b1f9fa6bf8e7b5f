//! Rates over groups: clustered standard errors and Wilson intervals on effective sizes.
//!
//! Two targets, never to be mixed. *Population*: the groups are drawn from more groups like these
//! ([`mean_rate_t`], [`effective_wilson`]). *Fixed groups*: exactly these groups with fresh items
//! ([`stratified_wilson`]). The Bayesian counterparts are in [`crate::hierarchical`] and
//! [`crate::fixed_groups`].

use crate::counts::ClusterCounts;
use crate::estimate::{Estimate, Method};
use crate::level::{Interval, Level};
use crate::moments;
use crate::proportion::score_interval;
use crate::undefined::Undefined;

/// Rates and variances below this are rounding noise.
const NOISE: f64 = 1e-15;

/// The pooled rate with its clustered standard errors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusteredErrors {
    /// Successes / items, groups weighted by size.
    pub pooled: f64,
    /// The binomial error √(p(1 − p)/N), which takes items as independent.
    pub naive: f64,
    /// Plain sandwich error: √Σ rᵢ² / N with rᵢ the residual sum of group i.
    pub cr0: f64,
    /// `cr0`·√(T/(T−1)).
    pub cr1: f64,
    /// Bias-reduced error: √(Σ rᵢ²/(1 − nᵢ/N)) / N.
    pub cr2: f64,
    /// Satterthwaite degrees of freedom of `cr2`, below T − 1 for unequal groups.
    pub cr2_df: f64,
}

/// Returns the pooled rate with its naive standard error and the clustered ones, CR0, CR1 and CR2.
///
/// Sources: Miller 2024, arXiv 2411.00640 (CR0); Bell & `McCaffrey` 2002 (Survey Methodology 28, 169–181) for
/// CR2 and its degrees of freedom under working independence, intercept only. All are 0 where every group has
/// the same rate. Cost: linear in the groups.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::TooFewGroups`] for one group.
pub fn clustered_errors(groups: &ClusterCounts) -> Result<ClusteredErrors, Undefined> {
    let have = groups.len();
    let pooled = if have == 0 { return Err(Undefined::Empty) } else { groups.pooled().rate_of_some() };
    if have < 2 {
        return Err(Undefined::TooFewGroups { have, need: 2 });
    }
    let total = groups.total() as f64;
    let sizes: Vec<f64> = groups.groups().iter().map(|group| group.total() as f64).collect();
    let residuals: Vec<f64> =
        groups.groups().iter().zip(&sizes).map(|(group, n)| group.successes() as f64 - n * pooled).collect();
    let cr0 = moments::sum(residuals.iter().map(|r| r * r)).sqrt() / total;
    let leverage = |n: &f64| 1.0 - n / total;
    let cr2 = moments::sum(residuals.iter().zip(&sizes).map(|(r, n)| r * r / leverage(n))).sqrt() / total;
    Ok(ClusteredErrors {
        pooled,
        naive: (pooled * (1.0 - pooled) / total).sqrt(),
        cr0,
        cr1: cr0 * (have as f64 / (have as f64 - 1.0)).sqrt(),
        cr2,
        cr2_df: satterthwaite(&sizes, total),
    })
}

/// Degrees of freedom (tr Ω)²/tr Ω² with Ωᵢⱼ = wᵢ wⱼ (nᵢ [i = j] − nᵢ nⱼ/N), wᵢ = (1 − nᵢ/N)^(−1/2), without
/// forming Ω: its square sum is the diagonal's plus a product of two sums.
fn satterthwaite(sizes: &[f64], total: f64) -> f64 {
    let weight = |n: f64| 1.0 / (1.0 - n / total);
    let diagonal = |n: f64| weight(n) * (n - n * n / total);
    let trace = moments::sum(sizes.iter().map(|&n| diagonal(n)));
    let cross = |n: f64| weight(n) * n * n;
    let all_pairs = moments::sum(sizes.iter().map(|&n| cross(n))).powi(2);
    let own_pairs = moments::sum(sizes.iter().map(|&n| cross(n).powi(2)));
    let squares = moments::sum(sizes.iter().map(|&n| diagonal(n).powi(2)));
    trace * trace / (squares + (all_pairs - own_pairs) / (total * total))
}

/// Estimates the mean of the groups' rates for the population of groups by Student's interval, t with T − 1.
///
/// The reference method; it may leave [0, 1] and has zero width where all groups agree.
///
/// # Errors
///
/// [`Undefined::Empty`].
pub fn mean_rate_t(groups: &ClusterCounts, level: Level) -> Result<Estimate, Undefined> {
    moments::mean_t(&groups.rates(), level)
}

/// An estimate with the size on which its Wilson interval was computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectiveEstimate {
    /// Mean of the groups' rates with its interval.
    pub estimate: Estimate,
    /// Effective number of items.
    pub effective_size: f64,
    /// Variance of the mean that the effective size rests on.
    pub variance: f64,
}

/// Estimates the mean of the groups' rates for the population of groups: Wilson on the effective size, with
/// t.
///
/// v = s²(p̂ᵢ)/T, size = min(m(1−m)/v, N), Wilson with the Student quantile of T − 1 in place of z. Where v =
/// 0 and 0 < m < 1 the size is N; where m is 0 or 1 it is T. Never of zero width, never outside [0, 1].
/// Source: adapted from Korn & Graubard 1998 (Survey Methodology 24, 193–201) and Dean & Pagano 2015 (J.
/// Survey Statistics and Methodology 3, 484–503).
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::TooFewGroups`] for one group.
pub fn effective_wilson(groups: &ClusterCounts, level: Level) -> Result<EffectiveEstimate, Undefined> {
    let point = groups.mean_rate()?;
    let have = groups.len();
    if have < 2 {
        return Err(Undefined::TooFewGroups { have, need: 2 });
    }
    let variance = moments::variance(&groups.rates())? / have as f64;
    let (spread, total) = (point * (1.0 - point), groups.total() as f64);
    let effective_size = if spread <= NOISE {
        have as f64
    } else if variance <= NOISE {
        total
    } else {
        (spread / variance).min(total)
    };
    let interval = score_interval(point, effective_size, level.t(have as f64 - 1.0)?);
    let estimate = Estimate {
        point,
        interval: Ok(interval),
        level,
        method: Method::EffectiveWilson,
        n: have,
        standard_error: Some(variance.sqrt()),
    };
    Ok(EffectiveEstimate { estimate, effective_size, variance })
}

/// The base size T²/Σ(1/nᵢ) of [`stratified_wilson`].
fn base_size(groups: &ClusterCounts) -> Result<f64, Undefined> {
    if groups.is_empty() {
        return Err(Undefined::Empty);
    }
    let inverse = moments::sum(groups.groups().iter().map(|group| 1.0 / group.total() as f64));
    Ok((groups.len() as f64).powi(2) / inverse)
}

/// The size m(1−m)/v between the base size and four times that; v = 0 gives the upper end.
fn stratified_size(point: f64, variance: f64, base: f64) -> f64 {
    if variance > 0.0 { (point * (1.0 - point) / variance).max(base).min(4.0 * base) } else { 4.0 * base }
}

/// Returns the interval of [`stratified_wilson`] with another variance in place of the observed one, which is believed where it is 0.
pub(crate) fn stratified_interval(
    groups: &ClusterCounts,
    variance: f64,
    level: Level,
) -> Result<Interval, Undefined> {
    let (point, base) = (groups.mean_rate()?, base_size(groups)?);
    Ok(score_interval(point, stratified_size(point, variance, base), level.z()))
}

/// Estimates the mean of the groups' rates for exactly these groups: Wilson on the stratified effective size.
///
/// v = Σ p̂ᵢ(1−p̂ᵢ)/(nᵢ−1)/T², base = T²/Σ(1/nᵢ), size = clamp(m(1−m)/v, base, 4 base), base where v = 0;
/// Wilson with z. Only the noise of items counts, so the interval is much narrower than one for a population
/// of groups.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::SingleItemGroup`].
pub fn stratified_wilson(groups: &ClusterCounts, level: Level) -> Result<EffectiveEstimate, Undefined> {
    let point = groups.mean_rate()?;
    if groups.smallest_group() < Some(2) {
        return Err(Undefined::SingleItemGroup);
    }
    let within = groups.groups().iter().map(|group| {
        let p = group.rate_of_some();
        p * (1.0 - p) / (group.total() - 1) as f64
    });
    let variance = moments::sum(within) / (groups.len() as f64).powi(2);
    let base = base_size(groups)?;
    let effective_size = if variance <= NOISE { base } else { stratified_size(point, variance, base) };
    let estimate = Estimate {
        point,
        interval: Ok(score_interval(point, effective_size, level.z())),
        level,
        method: Method::StratifiedWilson,
        n: groups.len(),
        standard_error: Some(variance.sqrt()),
    };
    Ok(EffectiveEstimate { estimate, effective_size, variance })
}
