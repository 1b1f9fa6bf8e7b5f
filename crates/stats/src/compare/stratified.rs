//! Tests of "no group changed" given the totals of each group.
//!
//! Exact (convolved hypergeometric distributions) and Mantel–Haenszel. The exact test rejects if any groups
//! moved, even where moves cancel: it is not a test of the mean difference.

use super::Pair;
use crate::counts::Counts;
use crate::moments;
use crate::special;
use crate::undefined::Undefined;

/// Most multiplications spent on the exact distribution.
const MOST_WORK: usize = 2_000_000_000;

/// Most outcomes of a single group that are enumerated.
const WIDEST_GROUP: usize = 10_000_000;

/// Null distribution of the first side's total successes, given the margins of every group.
#[derive(Debug, Clone)]
pub struct StratifiedExact {
    /// Probabilities of `lowest`, `lowest` + 1, ….
    probabilities: Vec<f64>,
    lowest: u64,
    observed: u64,
    mean: f64,
    variance: f64,
}

impl StratifiedExact {
    /// Convolves the groups' hypergeometric distributions.
    ///
    /// Equals the exact conditional Cochran–Mantel–Haenszel test. Cost: groups × group size × total
    /// successes.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] without groups, [`Undefined::TooManyCases`] where groups are too large to enumerate.
    pub fn new(groups: &[Pair<Counts>]) -> Result<Self, Undefined> {
        if groups.is_empty() {
            return Err(Undefined::Empty);
        }
        let (mut probabilities, mut work) = (vec![1.0], 0_usize);
        let (mut lowest, mut mean, mut variance) = (0, 0.0, 0.0);
        for group in groups {
            let (first, second) = (group.first, group.second);
            let hits = first.successes() + second.successes();
            let low = hits.saturating_sub(second.total());
            let high = first.total().min(hits);
            let width = (high - low + 1) as usize;
            work = work.saturating_add(probabilities.len().saturating_mul(width));
            if width > WIDEST_GROUP || work > MOST_WORK {
                return Err(Undefined::TooManyCases);
            }
            let own: Vec<f64> =
                (low..=high).map(|k| hypergeometric(k, hits, first.total(), second.total())).collect();
            probabilities = convolve(&probabilities, &own);
            lowest += low;
            let (n1, n2, m) = (first.total() as f64, second.total() as f64, hits as f64);
            let n = n1 + n2;
            if n > 0.0 {
                mean += m * n1 / n;
            }
            if n > 1.0 {
                variance += n1 * n2 * m * (n - m) / (n * n * (n - 1.0));
            }
        }
        let observed = groups.iter().map(|group| group.first.successes()).sum();
        Ok(Self { probabilities, lowest, observed, mean, variance })
    }

    /// Returns the one-sided p-value of "the first side is worse".
    pub fn p_less(&self) -> f64 {
        self.tail(|k| k <= self.observed)
    }

    /// Returns the one-sided p-value of "the first side is better".
    pub fn p_greater(&self) -> f64 {
        self.tail(|k| k >= self.observed)
    }

    /// Returns the mid-p version of [`Self::p_less`], which counts the observed total half.
    pub fn mid_p_less(&self) -> f64 {
        self.p_less() - self.at_observed() / 2.0
    }

    /// Returns the two-sided p-value of totals at least as far from the expected one.
    pub fn p_two_sided(&self) -> f64 {
        let distance = (self.observed as f64 - self.mean).abs() - 1e-9;
        self.tail(|k| (k as f64 - self.mean).abs() >= distance)
    }

    /// Returns the two-sided p-value of totals at most as probable as the observed one, the order that R
    /// uses.
    pub fn p_two_sided_by_probability(&self) -> f64 {
        let bound = self.at_observed() * (1.0 + 1e-7);
        let terms = self.probabilities.iter().copied().filter(|&p| p <= bound);
        moments::sum(terms).min(1.0)
    }

    /// Returns the Cochran–Mantel–Haenszel chi-square without continuity correction and its p-value.
    ///
    /// # Errors
    ///
    /// [`Undefined::ZeroVariance`] if no group has both outcomes on a side that could differ.
    pub fn mantel_haenszel(&self) -> Result<MantelHaenszel, Undefined> {
        if self.variance <= 0.0 {
            return Err(Undefined::ZeroVariance);
        }
        let chi_square = (self.observed as f64 - self.mean).powi(2) / self.variance;
        Ok(MantelHaenszel { chi_square, p: special::chi_square_sf(chi_square, 1.0)? })
    }

    fn tail(&self, keep: impl Fn(u64) -> bool) -> f64 {
        let terms = self.probabilities.iter().zip(self.lowest..).filter(|(_, k)| keep(*k)).map(|(p, _)| *p);
        moments::sum(terms).min(1.0)
    }

    fn at_observed(&self) -> f64 {
        self.probabilities.get((self.observed - self.lowest) as usize).copied().unwrap_or(0.0)
    }
}

/// The Cochran–Mantel–Haenszel test, one degree of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MantelHaenszel {
    /// Test statistic.
    pub chi_square: f64,
    /// Two-sided p-value.
    pub p: f64,
}

/// The common odds ratio of groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommonOddsRatio {
    /// Mantel–Haenszel odds ratio, first against second.
    pub odds_ratio: f64,
    /// Standard error of its natural logarithm.
    pub log_standard_error: f64,
}

/// Estimates the common odds ratio of the groups.
///
/// Sources: Mantel & Haenszel 1959 (J. National Cancer Institute 22, 719–748); variance by Robins, Breslow &
/// Greenland 1986 (Biometrics 42, 311–323).
///
/// # Errors
///
/// [`Undefined::Empty`], [`Undefined::DenominatorNearZero`] if no group speaks for either side.
///
/// # Example
///
/// Admissions of men and women to six departments (Bickel, Hammel & O'Connell 1975, Science 187, 398–404), with
/// the values that R's `mantelhaen.test` documents for them.
///
/// ```
/// use retrial_stats::Counts;
/// use retrial_stats::compare::{Pair, stratified::{StratifiedExact, common_odds_ratio}};
/// let departments = [
///     (512, 313, 89, 19), (353, 207, 17, 8), (120, 205, 202, 391),
///     (138, 279, 131, 244), (53, 138, 94, 299), (22, 351, 24, 317),
/// ]
/// .map(|(a, b, c, d)| Pair {
///     first: Counts::new(a, a + b).unwrap(),
///     second: Counts::new(c, c + d).unwrap(),
/// });
/// assert!((common_odds_ratio(&departments)?.odds_ratio - 0.9046968).abs() < 1e-6);
/// let test = StratifiedExact::new(&departments)?.mantel_haenszel()?;
/// assert!((test.chi_square - 1.5246).abs() < 1e-4);
/// # Ok::<(), retrial_stats::Undefined>(())
/// ```
pub fn common_odds_ratio(groups: &[Pair<Counts>]) -> Result<CommonOddsRatio, Undefined> {
    if groups.is_empty() {
        return Err(Undefined::Empty);
    }
    let (mut r, mut s, mut pr, mut mixed, mut qs) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for group in groups.iter().filter(|group| group.first.total() + group.second.total() > 0) {
        let (a, b) = (group.first.successes() as f64, group.first.failures() as f64);
        let (c, d) = (group.second.successes() as f64, group.second.failures() as f64);
        let n = a + b + c + d;
        let (own_r, own_s) = (a * d / n, b * c / n);
        let (p, q) = ((a + d) / n, (b + c) / n);
        r += own_r;
        s += own_s;
        pr += p * own_r;
        mixed += p * own_s + q * own_r;
        qs += q * own_s;
    }
    if r <= 0.0 || s <= 0.0 {
        return Err(Undefined::DenominatorNearZero);
    }
    let variance = pr / (2.0 * r * r) + mixed / (2.0 * r * s) + qs / (2.0 * s * s);
    Ok(CommonOddsRatio { odds_ratio: r / s, log_standard_error: variance.sqrt() })
}

fn hypergeometric(k: u64, hits: u64, first: u64, second: u64) -> f64 {
    let ln = special::ln_choose(first, k) + special::ln_choose(second, hits - k);
    (ln - special::ln_choose(first + second, hits)).exp()
}

fn convolve(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; a.len() + b.len() - 1];
    for (i, x) in a.iter().enumerate() {
        for (slot, y) in out[i..].iter_mut().zip(b) {
            *slot += x * y;
        }
    }
    out
}
