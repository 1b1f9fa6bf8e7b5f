//! Paired differences with groups as a sample from a population.
//!
//! Student's test over groups, equivalence, and sign flips, exact or seeded.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Pair;
use crate::estimate::{Estimate, Method};
use crate::level::Level;
use crate::moments;
use crate::special;
use crate::undefined::Undefined;

/// Standard errors below this are rounding noise of equal differences.
const NOISE: f64 = 1e-15;

/// Most groups whose sign flips are enumerated.
const MOST_EXACT: usize = 36;

/// The mean paired difference, first − second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedDifference {
    /// Mean difference with Student's interval over groups.
    pub estimate: Estimate,
}

impl PairedDifference {
    /// Estimates the mean difference over groups of finite values.
    ///
    /// With one group there is a point and no interval.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`], [`Undefined::NotFinite`].
    pub fn new(pairs: &[Pair<f64>], level: Level) -> Result<Self, Undefined> {
        let estimate = moments::mean_t(&differences(pairs), level)?;
        Ok(Self { estimate: Estimate { method: Method::PairedT, ..estimate } })
    }

    /// Returns Student's t of the null hypothesis that the mean difference is 0.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFewGroups`], [`Undefined::ZeroVariance`] if all differences are equal.
    pub fn t(&self) -> Result<f64, Undefined> {
        self.t_against(0.0)
    }

    /// Returns the two-sided p-value of no mean difference.
    ///
    /// # Errors
    ///
    /// As [`Self::t`].
    pub fn p_two_sided(&self) -> Result<f64, Undefined> {
        Ok((2.0 * special::t_sf(self.t()?.abs(), self.degrees_of_freedom())?).min(1.0))
    }

    /// Returns the p-value of "the first is worse by `margin` or more"; small values show non-inferiority.
    ///
    /// # Errors
    ///
    /// As [`Self::t`].
    pub fn p_non_inferior(&self, margin: f64) -> Result<f64, Undefined> {
        special::t_sf(self.t_against(-margin)?, self.degrees_of_freedom())
    }

    /// Returns the p-value of "they differ by `margin` or more" by two one-sided tests; small values show
    /// equivalence.
    ///
    /// Source: Schuirmann 1987 (J. Pharmacokinetics and Biopharmaceutics 15, 657–680).
    ///
    /// # Errors
    ///
    /// As [`Self::t`].
    pub fn p_equivalent(&self, margin: f64) -> Result<f64, Undefined> {
        let above = special::t_cdf(self.t_against(margin)?, self.degrees_of_freedom())?;
        Ok(self.p_non_inferior(margin)?.max(above))
    }

    fn t_against(&self, value: f64) -> Result<f64, Undefined> {
        let have = self.estimate.n;
        let error = self.estimate.standard_error.ok_or(Undefined::TooFewGroups { have, need: 2 })?;
        if error <= NOISE { Err(Undefined::ZeroVariance) } else { Ok((self.estimate.point - value) / error) }
    }

    fn degrees_of_freedom(&self) -> f64 {
        self.estimate.n as f64 - 1.0
    }
}

/// Returns first − second of each pair.
pub fn differences(pairs: &[Pair<f64>]) -> Vec<f64> {
    pairs.iter().map(|pair| pair.first - pair.second).collect()
}

/// Returns Pearson's correlation of the two values over groups.
///
/// # Errors
///
/// [`Undefined::TooFewItems`] below two groups, [`Undefined::ZeroVariance`] if either side shows no spread.
pub fn correlation(pairs: &[Pair<f64>]) -> Result<f64, Undefined> {
    let first: Vec<f64> = pairs.iter().map(|pair| pair.first).collect();
    let second: Vec<f64> = pairs.iter().map(|pair| pair.second).collect();
    let spread = moments::variance(&first)? * moments::variance(&second)?;
    if spread <= 0.0 {
        return Err(Undefined::ZeroVariance);
    }
    Ok((moments::covariance(&first, &second)? / spread.sqrt()).clamp(-1.0, 1.0))
}

/// P-values of sign flips.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignFlip {
    /// Of a sum at least as far from 0 as observed.
    pub two_sided: f64,
    /// Of a sum at most the observed one.
    pub less: f64,
    /// Of a sum at least the observed one.
    pub greater: f64,
}

/// Enumerates all sign flips of the differences, for up to 36 groups.
///
/// Exact under the null that each difference is symmetric around 0; with T groups the two-sided p cannot fall
/// below 2/2^T. Cost: 2^(T/2) · T, because sums of two halves are sorted and matched.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::NotFinite`], [`Undefined::TooManyCases`].
pub fn sign_flip_exact(differences: &[f64]) -> Result<SignFlip, Undefined> {
    if differences.len() > MOST_EXACT {
        return Err(Undefined::TooManyCases);
    }
    let (observed, tolerance) = observed_sum(differences)?;
    let (left, right) = differences.split_at(differences.len() / 2);
    let (left, mut right) = (signed_sums(left), signed_sums(right));
    right.sort_by(f64::total_cmp);
    let all = left.len() as f64 * right.len() as f64;
    let at_most = |bound: f64| {
        let counts = left.iter().map(|sum| right.partition_point(|other| sum + other <= bound));
        counts.map(|count| count as f64).sum::<f64>() / all
    };
    // The set of sums is symmetric around 0, so upper tails are lower tails.
    let tail = at_most(tolerance - observed.abs());
    let two_sided = if observed.abs() <= tolerance { 1.0 } else { (2.0 * tail).min(1.0) };
    Ok(SignFlip { two_sided, less: at_most(observed + tolerance), greater: at_most(tolerance - observed) })
}

/// Draws sign flips with a seed, for any number of groups; p = (b + 1)/(R + 1).
///
/// Source of the added 1: Davison & Hinkley 1997, *Bootstrap Methods*, section 4.2. Same seed, same values.
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::NotFinite`], [`Undefined::OutOfDomain`] for 0 resamples.
pub fn sign_flip_seeded(differences: &[f64], resamples: usize, seed: u64) -> Result<SignFlip, Undefined> {
    if resamples == 0 {
        return Err(Undefined::OutOfDomain);
    }
    let (observed, tolerance) = observed_sum(differences)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut both, mut less, mut greater) = (0_usize, 0_usize, 0_usize);
    for _ in 0..resamples {
        let sum = flipped_sum(differences, &mut rng);
        both += usize::from(sum.abs() >= observed.abs() - tolerance);
        less += usize::from(sum <= observed + tolerance);
        greater += usize::from(sum >= observed - tolerance);
    }
    let p = |count: usize| (count + 1) as f64 / (resamples + 1) as f64;
    Ok(SignFlip { two_sided: p(both), less: p(less), greater: p(greater) })
}

fn flipped_sum(differences: &[f64], rng: &mut ChaCha8Rng) -> f64 {
    let mut sum = 0.0;
    for chunk in differences.chunks(64) {
        let mut signs: u64 = rng.random();
        for difference in chunk {
            sum += if signs & 1 == 1 { *difference } else { -difference };
            signs >>= 1;
        }
    }
    sum
}

/// Observed sum, and the distance within which sums count as equal.
fn observed_sum(differences: &[f64]) -> Result<(f64, f64), Undefined> {
    if differences.is_empty() {
        return Err(Undefined::Empty);
    }
    let scale = moments::sum(differences.iter().map(|difference| difference.abs()));
    if !scale.is_finite() {
        return Err(Undefined::NotFinite);
    }
    Ok((moments::sum(differences.iter().copied()), 1e-12 * scale.max(f64::MIN_POSITIVE)))
}

fn signed_sums(values: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for value in values {
        sums = sums.iter().flat_map(|sum| [sum + value, sum - value]).collect();
    }
    sums
}
