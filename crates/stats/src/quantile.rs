//! Sorted values and what is read off them.
//!
//! Quantiles of type 7 (Hyndman & Fan 1996, The American Statistician 50, 361–365), the default of R and
//! `NumPy`.

use crate::level::{Interval, Level};
use crate::moments;
use crate::special;
use crate::undefined::Undefined;

/// Finite values in ascending order; never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorted(Vec<f64>);

impl Sorted {
    /// Sorts a copy of the values.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`], [`Undefined::NotFinite`].
    pub fn new(values: &[f64]) -> Result<Self, Undefined> {
        if values.is_empty() {
            return Err(Undefined::Empty);
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Undefined::NotFinite);
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Ok(Self(sorted))
    }

    /// Returns the values in ascending order.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// Returns the smallest value.
    pub fn min(&self) -> f64 {
        self.0[0]
    }

    /// Returns the largest value.
    pub fn max(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// Returns the quantile of type 7; `p` is moved into [0, 1].
    pub fn quantile(&self, p: f64) -> f64 {
        let place = p.clamp(0.0, 1.0) * (self.0.len() - 1) as f64;
        let below = place as usize;
        let low = self.0[below.min(self.0.len() - 1)];
        let high = self.0[(below + 1).min(self.0.len() - 1)];
        low + (place - below as f64) * (high - low)
    }

    /// Returns the median.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Returns the median absolute deviation from the median, unscaled.
    pub fn median_absolute_deviation(&self) -> f64 {
        let median = self.median();
        let mut deviations: Vec<f64> = self.0.iter().map(|value| (value - median).abs()).collect();
        deviations.sort_by(f64::total_cmp);
        Self(deviations).median()
    }

    /// Returns an interval of the median between two order statistics, exact for any continuous distribution.
    ///
    /// The ranks are the innermost symmetric ones whose binomial tails are each at most half of 1 − level.
    ///
    /// # Errors
    ///
    /// [`Undefined::LevelUnreachable`] if even the extremes do not reach the level (fewer than 6 values for
    /// 95 %).
    pub fn median_interval(&self, level: Level) -> Result<Interval, Undefined> {
        let n = self.0.len() as u64;
        let tail = level.lower_tail();
        let within = |k: u64| special::binomial_cdf(k, n, 0.5).map(|p| p <= tail * (1.0 + 1e-12));
        if !within(0)? {
            return Err(Undefined::LevelUnreachable);
        }
        let (mut low, mut high) = (0, n / 2);
        while high - low > 1 {
            let middle = u64::midpoint(low, high);
            if within(middle)? {
                low = middle;
            } else {
                high = middle;
            }
        }
        let rank = low as usize;
        Ok(Interval::ordered(self.0[rank], self.0[self.0.len() - 1 - rank]))
    }

    /// Returns the Harrell–Davis estimate of the median, a mean of all order statistics with Beta weights.
    ///
    /// Source: Harrell & Davis 1982 (Biometrika 69, 635–640).
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFewItems`] for one value.
    pub fn harrell_davis_median(&self) -> Result<f64, Undefined> {
        let n = self.0.len();
        if n < 2 {
            return Err(Undefined::TooFewItems { have: n, need: 2 });
        }
        let shape = f64::midpoint(n as f64, 1.0);
        let mut before = 0.0;
        let mut terms = Vec::with_capacity(n);
        for (index, value) in self.0.iter().enumerate() {
            let after = special::beta_cdf(((index + 1) as f64 / n as f64).min(1.0), shape, shape)?;
            terms.push((after - before) * value);
            before = after;
        }
        Ok(moments::sum(terms))
    }
}
