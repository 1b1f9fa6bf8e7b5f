//! Confidence sequences for a success probability by mixtures of likelihood ratios.
//!
//! For several groups use pooled counts only after complete rounds, one item of each group: then the sequence
//! is valid for the mean of the groups' probabilities, because ln E exp(λy) is concave in p.

use crate::counts::Counts;
use crate::level::{Interval, Level};
use crate::special;
use crate::undefined::Undefined;

/// The mixing distribution Beta(a, b).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaMixture {
    a: f64,
    b: f64,
}

impl Default for BetaMixture {
    fn default() -> Self {
        Self { a: 0.5, b: 0.5 }
    }
}

impl BetaMixture {
    /// Creates a mixture.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless both are positive and finite.
    pub fn new(a: f64, b: f64) -> Result<Self, Undefined> {
        special::ln_beta(a, b)?;
        Ok(Self { a, b })
    }

    /// Returns the logarithm of the e-value against probability `p`: B(a+S, b+n−S)/(B(a, b) p^S (1−p)^(n−S)).
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless `0 < p < 1`.
    pub fn log_e(self, counts: Counts, p: f64) -> Result<f64, Undefined> {
        if p > 0.0 && p < 1.0 { Ok(self.log_e_inner(counts, p)) } else { Err(Undefined::OutOfDomain) }
    }

    fn log_e_inner(self, counts: Counts, p: f64) -> f64 {
        let (s, f) = (counts.successes() as f64, counts.failures() as f64);
        let mixed = special::ln_beta_inner(self.a + s, self.b + f) - special::ln_beta_inner(self.a, self.b);
        mixed - log_likelihood(s, f, p)
    }

    /// Returns the confidence sequence at these counts: all p whose e-value is below 1/α. Valid at any
    /// stopping time.
    ///
    /// Sources: Robbins 1970 (Annals of Mathematical Statistics 41, 1397–1409); Howard et al. 2021 (Annals of
    /// Statistics 49, 1055–1080). Without items it is [0, 1].
    pub fn confidence_sequence(self, counts: Counts, level: Level) -> Interval {
        accepted(counts, |p| self.log_e_inner(counts, p) < -level.alpha().ln())
    }
}

/// Returns the confidence sequence by a mixture tuned to be tightest at about `tightest_at` items.
///
/// The two-sided beta-binomial mixture of Howard et al. 2021, proposition 7, centred on each p in turn, with
/// the normal mixture's precision tuned for α = .05.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] unless `tightest_at` is positive and finite.
pub fn tuned_confidence_sequence(
    counts: Counts,
    level: Level,
    tightest_at: f64,
) -> Result<Interval, Undefined> {
    if !(tightest_at > 0.0 && tightest_at.is_finite()) {
        return Err(Undefined::OutOfDomain);
    }
    let penalty = 2.0 * -(0.05_f64).ln();
    let (s, f) = (counts.successes() as f64, counts.failures() as f64);
    let log_e = |p: f64| {
        let spread = p * (1.0 - p);
        let precision = (spread * tightest_at / (penalty + penalty.ln_1p()) - spread).max(1e-3 * spread);
        // In this mixture failures come first.
        let (a, b) = (precision / p, precision / (1.0 - p));
        special::ln_beta_inner(a + f, b + s) - special::ln_beta_inner(a, b) - log_likelihood(s, f, p)
    };
    Ok(accepted(counts, |p| log_e(p) < -level.alpha().ln()))
}

/// Returns a confidence sequence of the difference first − second: ends of two sequences at half of 1 − level
/// each, subtracted.
///
/// Valid at any time by the union bound, whatever the dependence of the two sides.
///
/// # Errors
///
/// [`Undefined::OutOfDomain`] if the level is so close to 1 that half of the rest cannot be represented.
pub fn difference_sequence(first: Counts, second: Counts, level: Level) -> Result<Interval, Undefined> {
    let each = Level::new(1.0 - level.alpha() / 2.0).map_err(|_| Undefined::OutOfDomain)?;
    let mixture = BetaMixture::default();
    let (a, b) = (mixture.confidence_sequence(first, each), mixture.confidence_sequence(second, each));
    Ok(Interval::ordered(a.low() - b.high(), a.high() - b.low()))
}

fn log_likelihood(successes: f64, failures: f64, p: f64) -> f64 {
    let term = |count: f64, ln: f64| if count > 0.0 { count * ln } else { 0.0 };
    term(successes, p.ln()) + term(failures, (-p).ln_1p())
}

/// The interval around the rate in which `accept` holds, by bisection of each side.
fn accepted(counts: Counts, accept: impl Fn(f64) -> bool) -> Interval {
    let Ok(rate) = counts.rate() else { return Interval::ordered(0.0, 1.0) };
    let edge = |mut outside: f64, mut inside: f64| {
        for _ in 0..200 {
            let middle = f64::midpoint(outside, inside);
            if middle > 0.0 && middle < 1.0 && accept(middle) {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        inside
    };
    let low = if counts.successes() == 0 { 0.0 } else { edge(0.0, rate) };
    let high = if counts.failures() == 0 { 1.0 } else { edge(1.0, rate) };
    Interval::ordered(low, high)
}
