//! Beta posteriors of single rates.

use crate::counts::Counts;
use crate::level::{Interval, Level};
use crate::moments;
use crate::special;
use crate::undefined::Undefined;

/// Parameters of a Beta distribution, both positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaShape {
    a: f64,
    b: f64,
}

impl BetaShape {
    /// The flat prior Beta(1, 1).
    pub const FLAT: Self = Self { a: 1.0, b: 1.0 };
    /// The Jeffreys prior Beta(½, ½).
    pub const JEFFREYS: Self = Self { a: 0.5, b: 0.5 };

    /// Creates a Beta distribution.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless both are positive and finite.
    pub fn new(a: f64, b: f64) -> Result<Self, Undefined> {
        special::ln_beta(a, b)?;
        Ok(Self { a, b })
    }

    /// Returns the posterior after counts.
    pub fn after(self, counts: Counts) -> Self {
        Self { a: self.a + counts.successes() as f64, b: self.b + counts.failures() as f64 }
    }

    /// Returns the mean.
    pub fn mean(self) -> f64 {
        self.a / (self.a + self.b)
    }

    /// Returns a quantile.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless `0 < p < 1`.
    pub fn quantile(self, p: f64) -> Result<f64, Undefined> {
        special::beta_quantile(p, self.a, self.b)
    }

    /// Returns the equal-tailed interval.
    ///
    /// # Errors
    ///
    /// None for a valid level; the type is that of the quantiles.
    pub fn interval(self, level: Level) -> Result<Interval, Undefined> {
        Ok(Interval::ordered(self.quantile(level.lower_tail())?, self.quantile(level.upper_tail())?))
    }

    /// Returns the probability that a draw of this distribution exceeds one of `other`, in closed form.
    ///
    /// Needs a whole first parameter of `self` (a flat prior gives one). Cost: linear in it.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless the first parameter is a whole number.
    ///
    /// # Example
    ///
    /// ```
    /// use retrial_stats::compare::superiority::BetaShape;
    /// // Beta(2, 1) against Beta(1, 1): E p = 2/3.
    /// let p = BetaShape::new(2.0, 1.0)?.probability_above(BetaShape::FLAT)?;
    /// assert!((p - 2.0 / 3.0).abs() < 1e-12);
    /// # Ok::<(), retrial_stats::Undefined>(())
    /// ```
    pub fn probability_above(self, other: Self) -> Result<f64, Undefined> {
        if self.a.fract() > 0.0 || self.a > 1e9 {
            return Err(Undefined::OutOfDomain);
        }
        let base = special::ln_beta(other.a, other.b)?;
        let terms = (0..self.a as u64).map(|i| {
            let i = i as f64;
            let ln = special::ln_beta_inner(other.a + i, self.b + other.b)
                - (self.b + i).ln()
                - special::ln_beta_inner(1.0 + i, self.b)
                - base;
            ln.exp()
        });
        Ok(moments::sum(terms).clamp(0.0, 1.0))
    }
}
