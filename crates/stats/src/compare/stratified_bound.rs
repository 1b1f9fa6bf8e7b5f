//! Bounds on the p-values of [`super::stratified::StratifiedExact`], for groups too many or too large to convolve.
//!
//! They are never smaller than the exact p-values, at any size, and take time linear in the number of outcomes.

use super::Pair;
use crate::counts::Counts;
use crate::moments;

/// Most outcomes of a group whose probabilities are listed.
const WIDEST_LISTED: u64 = 4096;

/// Largest tilt that is tried: beyond it the bound has come as near to its limit as doubles can tell.
const STEEPEST: f64 = 64.0;

/// Steps of the search for the best tilt. Whatever it ends with is a bound.
const MOST_STEPS: usize = 60;

/// What rounding may have taken from the logarithm of a bound, generously.
const ROUNDING: f64 = 1e-6;

/// Chernoff bounds on the null distribution of the first side's total successes, given the margins of every group.
///
/// For every tilt λ > 0, P(S ≥ s) ≤ E exp(λS) / exp(λs); the least over λ is taken. E exp(λS) is the product over groups, each from its
/// hypergeometric distribution; for a group of more than 4,096 outcomes the binomial's of as many draws stands in, which is never smaller
/// (sampling without replacement). Beside the exact p-value it loses about the factor λσ√2π: 8 at p = 0.001.
///
/// Sources: Chernoff 1952 (Annals of Mathematical Statistics 23, 493–507); Hoeffding 1963 (J. American Statistical Association 58, 13–30,
/// theorem 4).
///
/// # Example
///
/// ```
/// use retrial_stats::Counts;
/// use retrial_stats::compare::{Pair, stratified::StratifiedExact, stratified_bound::StratifiedBound};
/// let group = Pair { first: Counts::new(60, 100).unwrap(), second: Counts::new(80, 100).unwrap() };
/// let (exact, bound) = (StratifiedExact::new(&[group; 3])?.p_less(), StratifiedBound::new(&[group; 3]).p_less());
/// assert!(exact <= bound && bound < 20.0 * exact);
/// # Ok::<(), retrial_stats::Undefined>(())
/// ```
#[derive(Debug, Clone)]
pub struct StratifiedBound {
    groups: Vec<Group>,
    observed: f64,
    mean: f64,
    lowest: f64,
    highest: f64,
}

/// The distribution of the first side's successes in one group.
#[derive(Debug, Clone)]
enum Group {
    /// The logarithms of the probabilities of `low`, `low` + 1, ….
    Listed { low: f64, ln: Vec<f64> },
    /// A binomial distribution that spreads at least as far.
    Wide { draws: f64, share: f64 },
}

/// A logarithm of a moment-generating function with its first two derivatives.
#[derive(Debug, Clone, Copy, Default)]
struct Cumulants {
    value: f64,
    mean: f64,
    variance: f64,
}

/// Which end of the distribution.
#[derive(Debug, Clone, Copy)]
enum Tail {
    Lower,
    Upper,
}

impl StratifiedBound {
    /// Takes the groups. Without groups nothing can have moved, and every p-value is 1.
    pub fn new(groups: &[Pair<Counts>]) -> Self {
        let of = |value: fn(&Pair<Counts>) -> f64| moments::sum(groups.iter().map(value));
        Self {
            groups: groups.iter().map(Group::new).collect(),
            observed: of(|group| group.first.successes() as f64),
            mean: of(|group| {
                let (n1, n2) = (group.first.total() as f64, group.second.total() as f64);
                if n1 + n2 > 0.0 { hits(group) as f64 * n1 / (n1 + n2) } else { 0.0 }
            }),
            lowest: of(|group| lowest(group) as f64),
            highest: of(|group| highest(group) as f64),
        }
    }

    /// Returns the natural logarithm of the bound on the one-sided p-value of "the first side is worse".
    pub fn ln_p_less(&self) -> f64 {
        self.ln_tail(Tail::Lower, self.observed)
    }

    /// Returns the natural logarithm of the bound on the one-sided p-value of "the first side is better".
    pub fn ln_p_greater(&self) -> f64 {
        self.ln_tail(Tail::Upper, self.observed)
    }

    /// Returns the bound on the one-sided p-value of "the first side is worse".
    pub fn p_less(&self) -> f64 {
        self.ln_p_less().exp()
    }

    /// Returns the bound on the one-sided p-value of "the first side is better".
    pub fn p_greater(&self) -> f64 {
        self.ln_p_greater().exp()
    }

    /// Returns the bound on the two-sided p-value of totals at least as far from the expected one.
    pub fn p_two_sided(&self) -> f64 {
        let distance = (self.observed - self.mean).abs() - 1e-9;
        let lower = self.ln_tail(Tail::Lower, (self.mean - distance).floor());
        let upper = self.ln_tail(Tail::Upper, (self.mean + distance).ceil());
        (lower.exp() + upper.exp()).min(1.0)
    }

    /// The logarithm of a bound on the probability of a total from `end` on outwards; minus infinity where there is none.
    fn ln_tail(&self, tail: Tail, end: f64) -> f64 {
        let (sign, is_none, is_all) = match tail {
            Tail::Lower => (-1.0, end < self.lowest, end >= self.mean),
            Tail::Upper => (1.0, end > self.highest, end <= self.mean),
        };
        if is_none {
            return f64::NEG_INFINITY;
        }
        if is_all {
            return 0.0;
        }
        // Newton's method on the convex exponent, kept between tilts known to be too small and too large.
        let (mut low, mut high) = (0.0, STEEPEST);
        let flat = self.cumulants(0.0);
        let mut tilt = ((end - self.mean).abs() / flat.variance.max(f64::MIN_POSITIVE)).min(STEEPEST / 2.0);
        let mut best = 0.0_f64;
        for _ in 0..MOST_STEPS {
            let found = self.cumulants(sign * tilt);
            best = best.min(found.value - sign * tilt * end);
            let lacking = sign * (end - found.mean);
            if lacking.abs() <= 1e-4 * found.variance.sqrt() {
                break;
            }
            if lacking > 0.0 {
                low = tilt;
            } else {
                high = tilt;
            }
            let next = tilt + lacking / found.variance.max(f64::MIN_POSITIVE);
            tilt = if next > low && next < high { next } else { f64::midpoint(low, high) };
        }
        (best + ROUNDING).min(0.0)
    }

    fn cumulants(&self, tilt: f64) -> Cumulants {
        self.groups.iter().map(|group| group.cumulants(tilt)).fold(Cumulants::default(), |sum, of| {
            Cumulants {
                value: sum.value + of.value,
                mean: sum.mean + of.mean,
                variance: sum.variance + of.variance,
            }
        })
    }
}

impl Group {
    fn new(group: &Pair<Counts>) -> Self {
        let (low, high) = (lowest(group), highest(group));
        let (hits, first, second) =
            (hits(group) as f64, group.first.total() as f64, group.second.total() as f64);
        if high - low >= WIDEST_LISTED {
            // Drawing the one and marking the other give the same distribution; fewer draws spread less.
            let share = hits.max(first) / (first + second);
            return Self::Wide { draws: hits.min(first), share };
        }
        // Each relative to the one before, for no logarithm of a factorial has enough digits in large groups.
        let (mut ln, mut next) = (vec![0.0], 0.0_f64);
        for k in low..high {
            let k = k as f64;
            next += ((hits - k) * (first - k) / ((k + 1.0) * (second - hits + k + 1.0))).ln();
            ln.push(next);
        }
        let most = ln.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total = most + moments::sum(ln.iter().map(|value| (value - most).exp())).ln();
        for value in &mut ln {
            *value -= total;
        }
        Self::Listed { low: low as f64, ln }
    }

    fn cumulants(&self, tilt: f64) -> Cumulants {
        match self {
            Self::Wide { draws, share } => {
                let scale = 1.0 - share + share * tilt.exp();
                let tilted = share * tilt.exp() / scale;
                Cumulants {
                    value: draws * scale.ln(),
                    mean: draws * tilted,
                    variance: draws * tilted * (1.0 - tilted),
                }
            }
            Self::Listed { low, ln } => {
                let exponent = |(k, ln): (usize, &f64)| ln + tilt * k as f64;
                let most = ln.iter().enumerate().map(exponent).fold(f64::NEG_INFINITY, f64::max);
                let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
                for (k, ln) in ln.iter().enumerate() {
                    let weight = (exponent((k, ln)) - most).exp();
                    let k = k as f64;
                    sum += weight;
                    first += weight * k;
                    second += weight * k * k;
                }
                let mean = first / sum;
                Cumulants {
                    value: most + sum.ln() + tilt * low,
                    mean: low + mean,
                    variance: (second / sum - mean * mean).max(0.0),
                }
            }
        }
    }
}

fn hits(group: &Pair<Counts>) -> u64 {
    group.first.successes() + group.second.successes()
}

fn lowest(group: &Pair<Counts>) -> u64 {
    hits(group).saturating_sub(group.second.total())
}

fn highest(group: &Pair<Counts>) -> u64 {
    group.first.total().min(hits(group))
}
