//! Wald's sequential probability ratio test between two success probabilities.
//!
//! Source: Wald 1945 (Annals of Mathematical Statistics 16, 117–186).

use crate::undefined::Undefined;

/// The test of p₀ against p₁ with error rates α (of wrongly rejecting p₀) and β.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sprt {
    p0: f64,
    p1: f64,
    alpha: f64,
    beta: f64,
}

/// What the test says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SprtDecision {
    /// p₀ is rejected in favour of p₁.
    RejectNull,
    /// p₀ is accepted.
    AcceptNull,
    /// More items are needed.
    Continue,
}

/// The test along a series of items, up to the decision.
#[derive(Debug, Clone, PartialEq)]
pub struct SprtPath {
    /// Log likelihood ratio after each item.
    pub log_ratios: Vec<f64>,
    /// Decision at the end of the path.
    pub decision: SprtDecision,
}

impl Sprt {
    /// Creates the test.
    ///
    /// # Errors
    ///
    /// [`Undefined::OutOfDomain`] unless all lie strictly between 0 and 1, p₀ ≠ p₁ and α + β < 1.
    pub fn new(p0: f64, p1: f64, alpha: f64, beta: f64) -> Result<Self, Undefined> {
        let open = [p0, p1, alpha, beta].iter().all(|&x| x > 0.0 && x < 1.0);
        if open && (p0 - p1).abs() > 0.0 && alpha + beta < 1.0 {
            Ok(Self { p0, p1, alpha, beta })
        } else {
            Err(Undefined::OutOfDomain)
        }
    }

    /// Returns the log ratio at which p₀ is rejected.
    pub fn upper(self) -> f64 {
        ((1.0 - self.beta) / self.alpha).ln()
    }

    /// Returns the log ratio at which p₀ is accepted.
    pub fn lower(self) -> f64 {
        (self.beta / (1.0 - self.alpha)).ln()
    }

    /// Runs the test until it decides or the items end.
    pub fn run(self, items: &[bool]) -> SprtPath {
        let (mut ratio, mut log_ratios) = (0.0, Vec::new());
        for &success in items {
            ratio += log_ratio(self.p0, self.p1, success);
            log_ratios.push(ratio);
            if ratio >= self.upper() {
                return SprtPath { log_ratios, decision: SprtDecision::RejectNull };
            }
            if ratio <= self.lower() {
                return SprtPath { log_ratios, decision: SprtDecision::AcceptNull };
            }
        }
        SprtPath { log_ratios, decision: SprtDecision::Continue }
    }

    /// Returns Wald's approximation of the expected number of items if p₀ is true.
    pub fn expected_items_under_null(self) -> f64 {
        ((1.0 - self.alpha) * self.lower() + self.alpha * self.upper()) / self.drift(self.p0)
    }

    /// Returns Wald's approximation of the expected number of items if p₁ is true.
    pub fn expected_items_under_alternative(self) -> f64 {
        (self.beta * self.lower() + (1.0 - self.beta) * self.upper()) / self.drift(self.p1)
    }

    fn drift(self, p: f64) -> f64 {
        p * log_ratio(self.p0, self.p1, true) + (1.0 - p) * log_ratio(self.p0, self.p1, false)
    }
}

/// Log likelihood ratio of p₁ against p₀ of one item.
pub(super) fn log_ratio(p0: f64, p1: f64, success: bool) -> f64 {
    if success { (p1 / p0).ln() } else { ((1.0 - p1) / (1.0 - p0)).ln() }
}
