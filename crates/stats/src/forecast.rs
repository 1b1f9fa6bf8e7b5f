//! Pairs of a stated number and a binary outcome.
//!
//! [`Forecast`] holds a probability (for [`crate::calibration`]), [`Scored`] any finite score (for
//! [`crate::discrimination`]).

use crate::undefined::Invalid;

/// A stated probability of the event, in [0, 1], and whether it happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    probability: f64,
    outcome: bool,
}

impl Forecast {
    /// Creates a forecast.
    ///
    /// # Errors
    ///
    /// [`Invalid::Probability`] unless the probability lies in [0, 1].
    pub fn new(probability: f64, outcome: bool) -> Result<Self, Invalid> {
        if !(0.0..=1.0).contains(&probability) {
            return Err(Invalid::Probability(probability));
        }
        // Minus zero would sort apart from zero.
        Ok(Self { probability: probability + 0.0, outcome })
    }

    /// Returns the stated probability.
    pub fn probability(self) -> f64 {
        self.probability
    }

    /// Tells whether the event happened.
    pub fn outcome(self) -> bool {
        self.outcome
    }

    /// Returns the outcome as 1 or 0.
    pub(crate) fn outcome_value(self) -> f64 {
        f64::from(u8::from(self.outcome))
    }

    /// Returns (probability − outcome)².
    pub fn squared_error(self) -> f64 {
        (self.probability - self.outcome_value()).powi(2)
    }
}

/// A finite score and whether the item is positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    score: f64,
    positive: bool,
}

impl Scored {
    /// Creates a scored item.
    ///
    /// # Errors
    ///
    /// [`Invalid::NotFinite`].
    pub fn new(score: f64, positive: bool) -> Result<Self, Invalid> {
        if score.is_finite() {
            Ok(Self { score: score + 0.0, positive })
        } else {
            Err(Invalid::NotFinite(score))
        }
    }

    /// Returns the score.
    pub fn score(self) -> f64 {
        self.score
    }

    /// Tells whether the item is positive.
    pub fn is_positive(self) -> bool {
        self.positive
    }
}

impl From<Forecast> for Scored {
    fn from(forecast: Forecast) -> Self {
        Self { score: forecast.probability, positive: forecast.outcome }
    }
}
