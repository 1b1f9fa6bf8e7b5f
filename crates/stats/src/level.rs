//! Confidence levels and intervals.
//!
//! The two values that every estimator takes and returns. They hold no estimate themselves; see
//! [`crate::Estimate`].

use crate::special;
use crate::undefined::{Invalid, Undefined};

/// A two-sided confidence level, strictly between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Level(f64);

impl Level {
    /// Two-sided 95 %.
    pub const P95: Self = Self(0.95);
    /// Two-sided 90 %, whose ends are the one-sided 95 % bounds.
    pub const P90: Self = Self(0.90);

    /// Creates a two-sided level from a proportion such as `0.95`.
    ///
    /// # Errors
    ///
    /// [`Invalid::Level`] unless the value lies strictly between 0 and 1.
    pub fn new(confidence: f64) -> Result<Self, Invalid> {
        if confidence > 0.0 && confidence < 1.0 {
            Ok(Self(confidence))
        } else {
            Err(Invalid::Level(confidence))
        }
    }

    /// Creates the two-sided level whose ends are one-sided bounds of the given confidence: 0.95 gives 0.90.
    ///
    /// # Errors
    ///
    /// [`Invalid::Level`] unless the value lies strictly between 0.5 and 1.
    pub fn from_one_sided(confidence: f64) -> Result<Self, Invalid> {
        if confidence > 0.5 && confidence < 1.0 {
            Ok(Self(1.0 - 2.0 * (1.0 - confidence)))
        } else {
            Err(Invalid::Level(confidence))
        }
    }

    /// Returns the level as a proportion.
    pub fn confidence(self) -> f64 {
        self.0
    }

    /// Returns the probability outside the interval on both sides together.
    pub fn alpha(self) -> f64 {
        1.0 - self.0
    }

    /// Returns the probability below the lower end.
    pub fn lower_tail(self) -> f64 {
        0.5 - self.0 / 2.0
    }

    /// Returns one minus the probability above the upper end.
    pub fn upper_tail(self) -> f64 {
        0.5 + self.0 / 2.0
    }

    /// Returns the standard normal quantile of the upper end.
    pub fn z(self) -> f64 {
        special::normal_quantile_inner(self.upper_tail())
    }

    /// Returns the Student quantile of the upper end.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless `df` lies between 10⁻⁹ and 10⁹.
    pub fn t(self, df: f64) -> Result<f64, Undefined> {
        special::t_quantile(self.upper_tail(), df)
    }
}

/// A closed interval whose ends are numbers in order; an end may be infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    low: f64,
    high: f64,
}

impl Interval {
    /// Creates an interval.
    ///
    /// # Errors
    ///
    /// [`Invalid::Interval`] if the ends are reversed or one of them is not a number.
    pub fn new(low: f64, high: f64) -> Result<Self, Invalid> {
        if low <= high { Ok(Self { low, high }) } else { Err(Invalid::Interval { low, high }) }
    }

    /// Builds an interval from ends in any order; the caller knows that both are numbers.
    pub(crate) fn ordered(a: f64, b: f64) -> Self {
        Self { low: a.min(b), high: a.max(b) }
    }

    /// Builds `center ± half`.
    pub(crate) fn around(center: f64, half: f64) -> Self {
        Self::ordered(center - half, center + half)
    }

    /// Returns the lower end.
    pub fn low(self) -> f64 {
        self.low
    }

    /// Returns the upper end.
    pub fn high(self) -> f64 {
        self.high
    }

    /// Returns the distance between the ends.
    pub fn width(self) -> f64 {
        self.high - self.low
    }

    /// Tells whether the value lies within the interval, ends included.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Returns the smallest interval holding this one and the value.
    pub fn hull(self, value: f64) -> Self {
        Self { low: self.low.min(value), high: self.high.max(value) }
    }

    /// Returns the interval with both ends moved into `[low, high]`, for quantities with a known range.
    pub fn clamp(self, low: f64, high: f64) -> Self {
        Self::ordered(self.low.max(low).min(high), self.high.min(high).max(low))
    }
}
